"""A run: what a script says while it prepares data, trains or evaluates.

Every method keeps the record on disk whole, and none of them breaks the script: a failure becomes a
gap and a warning, unless the run is strict (`provenance.recording.faults`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, SupportsIndex

from provenance.recording import (
    checkpoints,
    computing,
    datasets,
    declarations,
    documents,
    lifecycle,
    resumption,
    shards,
)
from provenance.recording.facts import named_numbers, without_nothing
from provenance.recording.faults import guarded, nothing
from provenance.recording.lifetime import Lifetime
from provenance.recording.processing import Processing
from provenance.recording.state import make_id

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Future

    from provenance.digest import Inventory

__all__ = ["Run"]


def _own_id(_: Run, path: object = None, *__: object, **fields: Any) -> str:  # noqa: ANN401 - any
    """Return the id that a caller may go on with although nothing was recorded."""
    named = Path(path).stem if isinstance(path, str | Path) else ""
    return make_id(str(fields.get("id") or fields.get("task") or named), "unrecorded")


class Run(Lifetime):
    """One process that records; made by `provenance.record` and `provenance.start`."""

    @guarded(_own_id)
    def dataset(
        self,
        path: object = None,
        *,
        id: str | None = None,  # noqa: A002 - the field's name in the manifest
        role: str | None = None,
        roles: Sequence[str] = (),
        name: str | None = None,
        license: str | Sequence[str] | None = None,  # noqa: A002 - SPDX spells it so
        licenses: Sequence[str] = (),
        source: object = None,
        cleaning: object = None,
        digests: Sequence[str] = ("blake3",),
        inventory: Inventory | str | os.PathLike[str] | None = None,
        wait: bool = False,
        private: bool | str = False,
        **authored: Any,  # noqa: ANN401 - any field of a dataset
    ) -> str:
        """Declare a dataset that this process reads or made, and bind its bytes.

        Args:
            path: A file or folder; or an object: a Hugging Face dataset, a pandas or polars data
                frame, an Arrow table, NumPy arrays, a list of mappings, a torch dataset with
                `__len__` and `__getitem__`. All of it is hashed: what is small, or an object that
                could change, now, and the rest in the background. Nothing, or a URI, declares
                without binding.
            id: A short name, unique in the project; otherwise one is made from the file's name.
            role: `raw`, `intermediate`, `train`, `validation`, `test`, `calibration` or `other`.
            roles: Several of them.
            name: A name for people.
            license: An SPDX expression, or several that all apply.
            licenses: The same.
            source: A URI, a text, a mapping of the fields of a source, or several of these.
            cleaning: A text, a mapping of the fields of a cleaning step, or several of these.
            digests: Algorithms; `("blake3", "sha256")` for exports that need SHA-256.
            inventory: The inventory of `path`, or the path of an inventory file, made before: then
                nothing is read or hashed now, and the record says so.
            wait: Hash it before this returns, whatever its size.
            private: Release it with a private inventory: a salted root over its files, none of
                which is named. A text is the reason that the manifest gives.
            **authored: Any other field of a dataset, e.g. `labelling`, `collection`, `records`,
                `availability`, `description`; a text stands for the main field of an object.

        Returns:
            The dataset's id, to be named in `processing` and `evaluation`. The same content
            declared again, here or in another process of the project, is the same dataset.
        """
        return datasets.declare_dataset(
            self._state,
            path,
            identifier=id,
            digests=digests,
            inventory=inventory,
            wait=wait,
            private=private,
            name=name,
            role=role,
            roles=roles,
            license=license,
            licenses=licenses,
            source=source,
            cleaning=cleaning,
            **authored,
        )

    def processing(
        self,
        inputs: object = (),
        outputs: object = (),
        *,
        id: str | None = None,  # noqa: A002 - the field's name in the manifest
        parameters: Mapping[str, Any] | None = None,
        description: str | None = None,
        **authored: Any,  # noqa: ANN401 - any field of a processing step
    ) -> Processing:
        """Record that datasets were made from datasets: as a call, context manager or decorator.

        Args:
            inputs: Ids from `dataset`, or paths, which are then declared.
            outputs: The same. As a context manager, paths are read when the block has ended.
            id: A short name; otherwise the run's own name.
            parameters: The step's settings; otherwise what `config` was given.
            description: What it does, in words.
            **authored: Any other field of a processing step, e.g. `removed_records`.
        """
        step = self._add_processing(
            inputs,
            outputs,
            id=id,
            fields={"parameters": parameters, "description": description, **authored},
        )
        return Processing(step, self._change_processing)

    @guarded(_own_id)
    def _add_processing(
        self,
        inputs: object,
        outputs: object,
        *,
        id: str | None,  # noqa: A002 - as above
        fields: Mapping[str, Any],
    ) -> str:
        return declarations.add_processing(self._state, inputs, outputs, identifier=id, **fields)

    @guarded(nothing)
    def _change_processing(self, identifier: str, **changes: Any) -> None:  # noqa: ANN401 - see there
        declarations.change_processing(self._state, identifier, **changes)

    @guarded(nothing)
    def config(self, settings: object = None, /, **more: object) -> None:
        """Record the settings after defaults were applied.

        A value that changes after steps were done holds from the next segment on: begin it with
        `segment`, or the next entry of the log does.

        Args:
            settings: A mapping, dataclass, pydantic model, `argparse.Namespace` or the like.
            **more: Further settings by name.
        """
        lifecycle.set_configuration(self._state, settings, more, log=self._log)

    @guarded(nothing)
    def seed(self, **seeds: int) -> None:
        """Record random seeds by library or use: `run.seed(numpy=7)`."""
        lifecycle.set_seeds(self._state, named_numbers(seeds), log=self._log)

    @guarded(nothing)
    def log(
        self,
        values: Mapping[str, object] | SupportsIndex | None = None,
        /,
        *,
        step: SupportsIndex | None = None,
        **more: object,
    ) -> None:
        """Append metrics to the training log: `run.log({"loss": x}, step=3)`, `run.log(3, loss=x)`.

        Args:
            values: Metrics by name, or the step. Values are numbers of any library; NaN is one.
            step: The step: from 0 or from 1, as the script counts.
            **more: Metrics by name.
        """
        self._log.append(values, step, more)

    @guarded(_own_id)
    def checkpoint(
        self,
        path: str | os.PathLike[str],
        *,
        step: int | None = None,
        id: str | None = None,  # noqa: A002 - the field's name in the manifest
        parents: Sequence[str] | None = None,
        metrics: Mapping[str, object] | None = None,
        wait: bool = False,
        **authored: Any,  # noqa: ANN401 - any field of a checkpoint
    ) -> str:
        """Record a saved state of the model: its files, and its tensors where they are safetensors.

        Args:
            path: The file or folder, complete on disk.
            step: The number of steps done; otherwise taken from the log.
            id: A short name; otherwise made from the step.
            parents: Ids of the checkpoints that it descends from; otherwise the one before it.
            metrics: Metrics at this moment, by name.
            wait: Hash it before this returns; otherwise what is larger than 4 MiB is hashed in the
                background, and must stay as it is until then.
            **authored: Any other field of a checkpoint, e.g. `tokens_seen`.

        Returns:
            The checkpoint's id.
        """
        return checkpoints.add_checkpoint(
            self._state,
            self._log,
            path,
            step=step,
            identifier=id,
            parents=parents,
            metrics=metrics,
            wait=wait,
            **authored,
        )

    def shard(
        self,
        path: str | os.PathLike[str],
        *,
        files: Sequence[str] | None = None,
        step: int | None = None,
        id: str | None = None,  # noqa: A002 - the field's name in the manifest
        gather: Callable[[Any], Sequence[Any]] | None = None,
        seconds: float = shards.WAIT_SECONDS,
        pending: Future[Any] | None = None,
        **authored: Any,  # noqa: ANN401 - any field of a checkpoint
    ) -> str:
        """Record a checkpoint that many ranks saved: each calls this and hashes its own files.

        Args:
            path: The folder of the checkpoint, the same on every rank.
            files: The names, in that folder, of what this rank wrote; otherwise what
                `torch.distributed.checkpoint` calls so. Rank 0 hashes what nobody names.
            step: The number of steps done; otherwise taken from the log of rank 0.
            id: A short name; otherwise made from the step.
            gather: Called with an object on every rank, it returns those of all ranks in order, as
                `torch.distributed.all_gather_object` does; otherwise they meet in the project
                folder, in the background.
            seconds: How long rank 0 waits for the others there.
            pending: What an asynchronous save has returned on this rank: nothing is read before it
                is done, `finish` waits for it, and its failure is a gap. Nothing is gathered then.
            **authored: Any other field of a checkpoint.

        Returns:
            The checkpoint's id; on other ranks, one that stands for nothing.
        """
        fields: dict[str, Any] = {"files": files, "pending": pending}
        fields["gather"] = gather if pending is None else None
        if not self._state.rank.writes:
            return shards.hand_over(self._state, path, **fields)
        return self._shard(path, step=step, identifier=id, seconds=seconds, **fields, **authored)

    @guarded(_own_id)
    def _shard(self, path: str | os.PathLike[str], **fields: Any) -> str:  # noqa: ANN401 - as above
        return shards.add_sharded(self._state, self._log, path, **fields)

    @guarded(nothing)
    def segment(
        self,
        *,
        reason: str | None = None,
        event: str | None = None,
        from_step: int | None = None,
        resumed_from: str | os.PathLike[str] | None = None,
        **authored: Any,  # noqa: ANN401 - any field of a segment
    ) -> None:
        """Begin a new segment: the code, the settings or the machines change from here on.

        Args:
            reason: Why, in words.
            event: `start`, `resume`, `crash`, `configuration`, `code`, `nodes`, `surgery`,
                `average` or `other`.
            from_step: The first step of the segment; otherwise where the checkpoint that it
                resumes from, or the segment before it, left off.
            resumed_from: Path or id of the checkpoint that training goes on from.
            **authored: Any other field of a segment, e.g. `stage`, `data_order`.
        """
        fields: dict[str, Any] = {"reason": reason, "event": event, **authored}
        place: dict[str, Any] = {"from_step": from_step, "resumed_from": resumed_from}
        checkpoints.settle(self._state, resumed_from)
        if not resumption.amend_segment(self._state, **place, **fields):
            resumption.settle_segment(self._state, self._log.first_step)
            checkpoints.begin_segment(self._state, self._log, **place, **fields)

    @guarded(_own_id)
    def evaluation(
        self,
        *,
        task: str,
        metrics: object = None,
        dataset: str | os.PathLike[str] | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        results: str | os.PathLike[str] | None = None,
        id: str | None = None,  # noqa: A002 - the field's name in the manifest
        **authored: Any,  # noqa: ANN401 - any field of an evaluation
    ) -> str:
        """Record what was measured, on what, and of which checkpoint.

        Args:
            task: What was measured, e.g. `test accuracy`.
            metrics: Names with numbers, or with mappings of the fields of a metric.
            dataset: Id or path of the dataset.
            checkpoint: Id or path of the weights; a path is matched by content to a recorded
                checkpoint, whichever process saved it.
            results: The file that the evaluation wrote; it is kept as a document.
            id: A short name; otherwise made from the task.
            **authored: Any other field of an evaluation, e.g. `parameters`, `harness`.

        Returns:
            The evaluation's id.
        """
        return declarations.add_evaluation(
            self._state,
            task=task,
            metrics=metrics,
            dataset=dataset,
            checkpoint=checkpoint,
            results=results,
            identifier=id,
            **authored,
        )

    @guarded(_own_id)
    def document(
        self,
        path: str | os.PathLike[str],
        *,
        kind: str = "other",
        id: str | None = None,  # noqa: A002 - the field's name in the manifest
        title: str | None = None,
        **authored: Any,  # noqa: ANN401 - any field of a document
    ) -> str:
        """Keep a document: a report, an invoice, guidelines for annotators.

        Args:
            path: The file; its bytes are copied into the run folder and published with the model.
            kind: `technical-report`, `paper`, `guidelines`, `invoice`, `calculation`, … or `other`.
            id: A short name; otherwise made from the file's name.
            title: Its title.
            **authored: Any other field of a document.

        Returns:
            The document's id.
        """
        fields = without_nothing({"title": title, **authored})
        return documents.keep_document(self._state, path, kind=kind, identifier=id, **fields)

    @guarded(nothing)
    def note(self, text: str, *, step: int | None = None, author: str | None = None) -> None:
        """Add a dated entry to the journal."""
        lifecycle.add_note(self._state, text, step=step, author=author)

    @guarded(nothing)
    def compute(
        self,
        measured: object = None,
        /,
        *,
        watts: float | None = None,
        **authored: Any,  # noqa: ANN401 - fields of the manifest's `compute`
    ) -> None:
        """State what this process used, beside what is measured: energy, emissions, cost.

        Wall time, device hours, peak memory, and the energy that the machine's counters tell are
        recorded without it.

        Args:
            measured: What codecarbon measured: its `EmissionsData` or its CSV file (the last row).
            watts: Asks for an estimate where no counter can be read: this much on average, times
                the wall time. It is marked as an estimate.
            **authored: `cost` (with `invoices`), `emissions`, `energy`, `water_litres`,
                `floating_point_operations`, `provider`, `region`, `scope`.
        """
        computing.state_compute(self._state, measured, watts=watts, authored=authored)

    @guarded(nothing)
    def model(self, **authored: Any) -> None:  # noqa: ANN401 - any field of a model
        """Record facts about the model: `name`, `version`, `licenses`, `architecture`, ….

        `parameter_count` may stand beside `architecture`, which it belongs to.
        """
        lifecycle.set_model(self._state, authored)
