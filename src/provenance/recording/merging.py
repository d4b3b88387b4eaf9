"""From the kept runs of a project to the parts of one manifest. Writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from provenance import canonical
from provenance.errors import ProvenanceError
from provenance.manifest.base import parse_document
from provenance.manifest.compute import Compute
from provenance.manifest.frozen import plain, thaw
from provenance.recording.computing import sum_compute
from provenance.recording.private_files import without_private
from provenance.recording.publication_rules import PrivateDataset
from provenance.recording.renaming import Merger, join_declarations
from provenance.recording.undeclared import undeclared_inputs
from provenance.training_log import iterate_entries

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from provenance.manifest.compute import Gap
    from provenance.recording.kept_runs import KeptRuns
    from provenance.recording.projects import FoundRecord
    from provenance.recording.renaming import Companion

__all__ = ["LogSource", "Merged", "merge_runs"]

#: What the gap says where private files differ from the commit.
PRIVATE_DIFFER: Final = (
    "files that differ from the commit are, or are named like, private files: they are not named, "
    "and the differences are not bound"
)

#: What stands in the place of a gap's text that names private data.
NAMES_PRIVATE: Final = "the text of this gap names private data and is left out"


@dataclass(frozen=True, slots=True)
class LogSource:
    """A training log that goes into the manifest folder, without a torn last line."""

    path: str
    """Its name there."""

    source: Path
    """Where it lies now."""


@dataclass(frozen=True, slots=True)
class Merged:
    """The parts of a manifest, and the files that they refer to."""

    tree: dict[str, Any]
    """JSON trees by the manifest's names; new for each caller."""

    companions: tuple[Companion, ...]
    """Documents and inventories."""

    logs: tuple[LogSource, ...]
    """Training logs, in order."""

    checkpoint: str
    """Id of the chosen checkpoint."""

    location: Path | None
    """Where the chosen checkpoint lies."""

    private: tuple[PrivateDataset, ...] = ()
    """The datasets that a script declared as private."""


def merge_runs(kept: KeptRuns) -> Merged:
    """Return the parts of one manifest from the runs that belong to a release.

    Raises:
        RecordingError: Two runs chose the same id for different things.
    """
    merger = Merger(kept)
    datasets = dict(merger.items("datasets"))
    checkpoints = [tree for _, tree in merger.items("checkpoints")]
    tree: dict[str, Any] = {
        "datasets": list(datasets.values()),
        "processing": _with_surroundings(merger, "processing", settings="parameters"),
        "training": _training(merger, datasets, checkpoints),
        "evaluations": _evaluations(merger),
        "documents": [item for _, item in merger.items("documents")],
        "journal": sorted((item for item in _journal(merger)), key=lambda item: str(item["date"])),
        "compute": _compute(merger),
        "model": _model(merger),
    }
    tree["environments"] = [item for _, item in merger.environments.values()]
    tree["gaps"] = _gaps(merger)
    chosen = kept.choice.candidate
    position = next(i for i, run in enumerate(kept.runs) if run is chosen.run)
    identifier = merger.names.by_run[position][chosen.id]
    return Merged(
        tree={key: value for key, value in tree.items() if value},
        companions=tuple(merger.companions[path] for path in sorted(merger.companions)),
        logs=_logs(kept.training),
        checkpoint=identifier,
        location=_location(chosen.run, chosen.id),
        private=_private(merger, datasets),
    )


def _private(merger: Merger, datasets: Mapping[str, Any]) -> tuple[PrivateDataset, ...]:
    """Return the private datasets; one that nobody could read names no file."""
    found: dict[str, PrivateDataset] = {}
    for run in merger.each_run():
        said = {item.id: item.reason for item in run.record.private}
        for dataset in run.record.datasets:
            reason = said.get(dataset.id) or merger.private.reason_for(dataset, run)
            identifier = merger.names.by_run[merger.run][dataset.id]
            if reason and {"inventory", "inventoryFile"} & datasets[identifier].keys():
                found.setdefault(identifier, PrivateDataset(identifier, reason))
    return tuple(found.values())


def _training(
    merger: Merger, datasets: Mapping[str, Any], checkpoints: list[dict[str, Any]]
) -> dict[str, Any]:
    segments: list[dict[str, Any]] = []
    names: dict[str, None] = {}
    for found in merger.kept.training:
        merger.run = next(i for i, run in enumerate(merger.kept.runs) if run is found)
        used = [merger.names.by_run[merger.run][item.id] for item in found.record.datasets]
        roles = {
            "datasets": [it for it in used if "train" in datasets[it].get("roles", ())],
            "validationDatasets": [
                it for it in used if "validation" in datasets[it].get("roles", ())
            ],
        }
        for segment in _segments_of(found, merger):
            world = merger.world_of(segment.pop("environment", None))
            own = (
                merger.renamed(segment)
                | world
                | {"id": merger.names.by_run[merger.run][segment["id"]]}
            )
            tree = {**roles, **merger.surroundings(own, settings="hyperparameters")}
            _roll_back(segments, tree)
            segments.append({key: value for key, value in tree.items() if value not in ([], None)})
        names |= dict.fromkeys(found.record.metric_names)
    chosen = merger.kept.choice
    opened = undeclared_inputs([it.record for it in merger.kept.runs])
    listed = without_private(opened, merger.private)
    if len(listed) < len(opened):
        text = (
            f"{len(opened) - len(listed)} undeclared inputs are, or are named like, private files"
        )
        merger.gap("inputs", text)
    training: dict[str, Any] = {
        "segments": segments,
        "checkpoints": checkpoints,
        "metricNames": list(names),
        "undeclaredInputs": listed,
        "selection": chosen.reason,
    }
    return {key: value for key, value in training.items() if value}


def _roll_back(segments: Sequence[Mapping[str, Any]], tree: dict[str, Any]) -> None:
    """Say so where a segment begins before the last one ended: steps were thrown away."""
    same = [it for it in segments if it.get("stage") == tree.get("stage")]
    if same and tree["fromStep"] < same[-1]["toStep"]:
        tree.setdefault("rollbackTo", tree["fromStep"])


def _segments_of(found: FoundRecord, merger: Merger) -> list[dict[str, Any]]:
    """Return the segments of a run; a killed run's last one ends where its log ends."""
    segments = [item.to_tree() for item in found.record.segments]
    if segments and found.record.status == "running":
        last = segments[-1]
        last["status"] = "interrupted"
        last["toStep"] = max(last["toStep"], _logged_steps(found, last["fromStep"]))
        merger.gap("run", "the run was killed, or has not ended")
    return segments


def _logged_steps(found: FoundRecord, from_step: int) -> int:
    """Return the number of steps done as the log of the last segment says."""
    source = _log_of(found)
    first, last = None, from_step
    if source is None:
        return from_step
    try:
        for entry in iterate_entries(source, allow_torn=True):
            if entry.kind == "segment":
                first, last = None, from_step
            elif entry.kind == "metrics" and entry.step is not None:
                first = entry.step if first is None else min(first, entry.step)
                last = max(last, entry.step)
    except ProvenanceError:
        return from_step  # the copy into the release meets the same fault and reports it
    return last + 1 if first == from_step else last


def _with_surroundings(merger: Merger, kind: str, *, settings: str) -> list[dict[str, Any]]:
    trees = []
    for found in merger.each_run():
        for item in getattr(found.record, kind):
            identifier = merger.names.by_run[merger.run][item.id]
            own = merger.renamed(item.to_tree()) | {"id": identifier}
            trees.append(merger.surroundings(own, settings=settings))
    return trees


def _evaluations(merger: Merger) -> list[dict[str, Any]]:
    """Return the evaluations; an equal result measured again by the same script stands once."""
    found: dict[str, dict[str, Any]] = {}
    for tree in _with_surroundings(merger, "evaluations", settings="parameters"):
        same = repr(
            [tree.get(key) for key in ("task", "dataset", "checkpoint", "metrics", "results")]
        )
        found[same] = tree
    return list(found.values())


def _journal(merger: Merger) -> Iterable[dict[str, Any]]:
    for found in merger.each_run():
        for entry in found.record.journal:
            yield merger.renamed(entry.to_tree())


def _compute(merger: Merger) -> dict[str, Any]:
    """Return what all runs used together."""
    parts = []
    for found in merger.each_run():
        if found.record.compute is not None:
            tree = plain(merger.renamed(found.record.compute.to_tree()))
            parts.append(parse_document(Compute, canonical.parse(canonical.write(tree))))
    return dict(plain(sum_compute(parts).to_tree())) if parts else {}


def _model(merger: Merger) -> dict[str, Any]:
    model: dict[str, Any] = {}
    for found in merger.each_run():
        if found.record.model:
            model = join_declarations(model, merger.renamed(thaw(found.record.model)))
    return model


def _gaps(merger: Merger) -> list[dict[str, Any]]:
    """Return the gaps of all runs; one that every run has is said once, without a run."""
    found: dict[tuple[str, str, str], list[Gap]] = {}
    for run in merger.each_run():
        if merger.names_private():
            merger.gap("git", PRIVATE_DIFFER)
        names = merger.names.by_run[merger.run]
        for said in run.record.gaps:
            gap = said.updated(subject=names.get(said.subject, said.subject))
            if merger.private.is_named_in(gap.description):
                gap = gap.updated(description=NAMES_PRIVATE)
            same = (gap.subject, gap.kind, gap.description)
            found.setdefault(same, []).append(gap.updated(run=run.record.id))
    trees = []
    for gaps in found.values():
        if len({gap.run for gap in gaps}) == len(merger.kept.runs) > 1:
            trees.append(gaps[0].updated(run=None).to_tree())
        else:
            trees += [gap.to_tree() for gap in gaps]
    return [*trees, *(gap.to_tree() for gap in merger.gaps)]


def _logs(training: Sequence[FoundRecord]) -> tuple[LogSource, ...]:
    found = ((it.record.id, _log_of(it)) for it in training)
    return tuple(
        LogSource(f"training-log/{name}.jsonl", source)
        for name, source in found
        if source is not None
    )


def _log_of(found: FoundRecord) -> Path | None:
    reference = found.record.log
    return None if reference is None or reference.path is None else found.folder / reference.path


def _location(found: FoundRecord, identifier: str) -> Path | None:
    locations = found.record.locations
    place = locations.get(identifier) if locations is not None else None
    return None if not isinstance(place, str) else found.folder.parent / place
