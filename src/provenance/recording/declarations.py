"""Processing steps and evaluations of a run."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenance.errors import UsageError, shown
from provenance.manifest.evaluations import Evaluation, MetricResult
from provenance.manifest.processing import ProcessingStep
from provenance.recording.checkpoints import resolve_checkpoint, settle
from provenance.recording.datasets import URI, declare_dataset, tried
from provenance.recording.documents import keep_document
from provenance.recording.facts import listed, metric_results, without_nothing
from provenance.recording.state import make_id, now, whole_second

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provenance.recording.state import RunState

__all__ = [
    "add_evaluation",
    "add_processing",
    "change_processing",
]


def add_processing(
    state: RunState,
    inputs: object,
    outputs: object,
    *,
    identifier: str | None,
    **authored: Any,  # noqa: ANN401 - fields of a processing step
) -> str:
    """Record a processing step; see `Run.processing` for the arguments."""
    with state.lock:
        step_id = state.new_id(identifier or state.record.name, chosen=identifier is not None)
        captured = {
            "id": step_id,
            "started_at": whole_second(state.record.started_at),
            "status": "completed",
        }
        step = state.made(ProcessingStep, captured, without_nothing(authored))
        state.add("processing", step)
    change_processing(state, step_id, inputs=listed(inputs), outputs=listed(outputs))
    return step_id


def change_processing(
    state: RunState,
    identifier: str,
    *,
    inputs: Sequence[str | os.PathLike[str]] = (),
    outputs: Sequence[str | os.PathLike[str]] = (),
    entered: bool = False,
    status: str | None = None,
) -> None:
    """Add to a step what its handle learnt."""
    step = state.find("processing", identifier)
    if step is None:  # it could not be recorded in the first place, and that is a gap already
        return
    if status is not None:
        outputs = (*outputs, *state.postponed.pop(identifier, ()))
    if status is None:
        to_come = [item for item in outputs if _is_to_come(state, item)]
        state.postponed.setdefault(identifier, []).extend(to_come)
        outputs = [item for item in outputs if item not in to_come]
    found_inputs = _dataset_references(state, inputs)
    found_outputs = _dataset_references(state, outputs)
    with state.lock:
        step = state.find("processing", identifier)
        changes: dict[str, Any] = {
            "inputs": tuple(dict.fromkeys((*step.inputs, *found_inputs))),
            "outputs": tuple(dict.fromkeys((*step.outputs, *found_outputs))),
            "ended_at": now(),
        }
        if entered:
            changes["started_at"] = now()
        if status is not None:
            changes["status"] = status
        state.replace("processing", step.updated(**changes))


def add_evaluation(
    state: RunState,
    *,
    task: str,
    metrics: object,
    dataset: str | os.PathLike[str] | None,
    checkpoint: str | os.PathLike[str] | None,
    results: str | os.PathLike[str] | None,
    identifier: str | None,
    **authored: Any,  # noqa: ANN401 - fields of an evaluation
) -> str:
    """Record an evaluation; see `Run.evaluation` for the arguments."""
    settle(state, checkpoint)
    captured: dict[str, Any] = {"task": task}
    captured["metrics"] = tried(state, "metrics", _measured, metrics, ())
    if dataset is not None:
        captured["dataset"] = tried(state, "dataset", _dataset_reference, dataset, None)
    if checkpoint is not None:
        captured["checkpoint"] = tried(state, "checkpoint", _checkpoint_reference, checkpoint, None)
    if results is not None:
        captured["results"] = tried(state, "results", _keep_results, results, None)
    with state.lock:
        evaluation_id = state.new_id(identifier or task, chosen=identifier is not None)
        captured |= {
            "id": evaluation_id,
            "started_at": whole_second(state.record.started_at),
            "ended_at": now(),
            "status": "completed",
        }
        made = state.made(Evaluation, without_nothing(captured), without_nothing(authored))
        state.add("evaluations", made)
    return evaluation_id


def _measured(_: RunState, metrics: object) -> tuple[MetricResult, ...]:
    return metric_results(metrics)


def _checkpoint_reference(state: RunState, reference: str | os.PathLike[str]) -> str:
    return resolve_checkpoint(state, reference)[0]


def _keep_results(state: RunState, path: str | os.PathLike[str]) -> str:
    return keep_document(state, path, kind="results", identifier=None)


def _dataset_reference(state: RunState, item: str | os.PathLike[str]) -> str:
    """Return the id of a dataset named by id or path; a path is declared."""
    text = os.fspath(item)
    if state.find("datasets", text) is not None:
        return text
    if Path(text).exists() or URI.match(text) or isinstance(item, os.PathLike):
        return declare_dataset(state, item, identifier=None, digests=("blake3",), **_NO_WORDS)
    if text != make_id(text) and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", text):
        raise UsageError(
            problem=f"{shown(text)} is neither the id of a dataset nor a file", remedy="check it"
        )
    return text  # an id of another process; it is looked up at release


def _dataset_references(
    state: RunState, items: Sequence[str | os.PathLike[str]]
) -> tuple[str, ...]:
    found = (tried(state, "processing", _dataset_reference, item, None) for item in items)
    return tuple(identifier for identifier in found if identifier is not None)


def _is_to_come(state: RunState, item: str | os.PathLike[str]) -> bool:
    """Return whether an output is a path that nothing lies at yet."""
    text = os.fspath(item)
    if state.find("datasets", text) is not None or Path(text).exists():
        return False
    return isinstance(item, os.PathLike) or "/" in text or "." in text


_NO_WORDS: dict[str, Any] = dict.fromkeys(
    ("role", "roles", "license", "licenses", "source", "cleaning")
)
