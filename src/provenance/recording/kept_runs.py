"""Which runs of a project belong to the released checkpoint, by what they read and made. No I/O.

A project folder fills up: scripts are run again, attempts are thrown away. What is released is the
run that saved the chosen checkpoint, the runs that it resumed from, the evaluations of their
checkpoints, and what made their data. Whatever is left out is said in a warning.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from provenance.errors import RecordingError, shown
from provenance.manifest.frozen import plain
from provenance.recording.projects import content_keys, dataset_keys
from provenance.recording.selection import Candidate, Choice, choose_checkpoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from provenance.manifest.evaluations import Evaluation
    from provenance.recording.projects import FoundRecord

__all__ = ["KeptRuns", "is_training", "keep_runs", "saved_elsewhere"]


@dataclass(frozen=True, slots=True)
class KeptRuns:
    """The runs that belong to a release."""

    runs: tuple[FoundRecord, ...]
    """By time of start."""

    training: tuple[FoundRecord, ...]
    """Those of them that trained, first the one that began it all."""

    choice: Choice
    """The checkpoint that is released."""

    warnings: tuple[str, ...]
    """What was left out, and what is incomplete."""

    project: tuple[FoundRecord, ...] = ()
    """All runs of the project: one that is left out may still say that data is private."""


def is_training(found: FoundRecord) -> bool:
    """Return whether a run trained: it saved checkpoints, said so, or did nothing but log."""
    record = found.record
    if record.checkpoints or record.trains:
        return True
    return bool(record.segments) and not record.evaluations and not record.processing


def keep_runs(
    found: Sequence[FoundRecord],
    *,
    wanted: str,
    metric: str | None = None,
    higher_is_better: bool | None = None,
    runs: Sequence[str] | None = None,
    unfinished: bool = False,
) -> KeptRuns:
    """Choose the checkpoint and the runs that belong to it.

    Args:
        found: Every record of the project, by time of start.
        wanted: See `choose_checkpoint`, as for the next two.
        metric: The metric for `best`.
        higher_is_better: Which way is better.
        runs: Names or folder names of the only runs that may be used.
        unfinished: Take failed, interrupted and killed runs like completed ones.

    Raises:
        RecordingError: A named run is not there, or there is no such checkpoint.
    """
    named = _named(found, runs)
    usable = [
        it for it in named if unfinished or runs is not None or it.record.status == "completed"
    ]
    candidates = [candidate for it in usable for candidate in _candidates(it, usable)]
    if not candidates:
        _refuse_unfinished([it for it in named if it not in usable and it.record.checkpoints])
    choice = choose_checkpoint(
        candidates,
        wanted=wanted,
        metric=metric,
        higher_is_better=higher_is_better,
    )
    training = _ancestors(choice.candidate.run, named)
    others = [it for it in usable if not is_training(it)]
    kept, left = _others(others, training)
    warnings = [
        f"{it.record.id} was left out: {reason}"
        for it, reason in (
            *(
                (it, f"it is {it.record.status}")
                for it in named
                if it not in usable and it not in training
            ),
            *(
                (it, "the released checkpoint does not come from it")
                for it in usable
                if is_training(it) and it not in training
            ),
            *left,
        )
    ]
    warnings += [
        f"{it.record.id} is {it.record.status}, and the released checkpoint comes from it"
        for it in training
        if it.record.status != "completed"
    ]
    members = {id(it) for it in (*training, *kept)}
    return KeptRuns(
        runs=tuple(it for it in named if id(it) in members),
        training=tuple(training),
        choice=choice,
        warnings=tuple(warnings),
        project=tuple(found),
    )


def _refuse_unfinished(left_out: Sequence[FoundRecord]) -> None:
    """Raise RecordingError if the only checkpoints are those of runs that did not complete."""
    if not left_out:
        return
    last = left_out[-1].record
    more = f", {len(left_out) - 1} more are left out" if len(left_out) > 1 else ""
    raise RecordingError(
        problem=f"no run recorded a checkpoint and completed: {last.id} is {last.status}{more}",
        remedy="let it end, or, if it was killed, close it with `provenance recover`; "
        "`--unfinished` (unfinished=True) releases from it as it is",
    )


def saved_elsewhere(
    used_id: str, run: FoundRecord, runs: Iterable[FoundRecord]
) -> list[tuple[FoundRecord, str]]:
    """Return the checkpoints, newest first, that a checkpoint which a run read may be."""
    used = next((it for it in run.record.used_checkpoints if it.id == used_id), None)
    if used is None:
        return []
    keys = content_keys(used.files, used.inventory, used.tensors)
    matches = [
        (other, saved.id)
        for other in runs
        if other is not run
        for saved in other.record.checkpoints
        if (keys & content_keys(saved.files, saved.inventory, saved.tensors))
        or (not keys and saved.id == used_id)
    ]
    return matches[::-1]


def _named(found: Sequence[FoundRecord], runs: Sequence[str] | None) -> list[FoundRecord]:
    if runs is None:
        return list(found)
    for name in runs:
        if not any(name in {it.record.id, it.record.name} for it in found):
            raise RecordingError(
                problem=f"there is no run {shown(name)}",
                remedy=f"the runs are: {', '.join(it.record.id for it in found[-20:])}",
            )
    return [it for it in found if {it.record.id, it.record.name} & set(runs)]


def _candidates(run: FoundRecord, runs: Sequence[FoundRecord]) -> list[Candidate]:
    measured: dict[str, list[Evaluation]] = {}
    for other in runs:
        for evaluation in other.record.evaluations:
            for owner, saved_id in _measured(evaluation, other, runs):
                if owner is run:
                    measured.setdefault(saved_id, []).append(evaluation)
    candidates = []
    for saved in run.record.checkpoints:
        results = [it for evaluation in measured.get(saved.id, ()) for it in evaluation.metrics]
        metrics = {it.name: it.value for it in results} | plain(saved.metrics or {})
        better = {it.name: it.higher_is_better for it in results if it.higher_is_better is not None}
        candidates.append(Candidate(run, saved.id, metrics, better))
    return candidates


def _measured(
    evaluation: Evaluation, run: FoundRecord, runs: Iterable[FoundRecord]
) -> list[tuple[FoundRecord, str]]:
    """Return the recorded checkpoints that an evaluation measured."""
    reference = evaluation.checkpoint
    if reference is None:
        return []
    if any(saved.id == reference for saved in run.record.checkpoints):
        return [(run, reference)]
    return saved_elsewhere(reference, run, runs)


def _ancestors(last: FoundRecord, runs: Sequence[FoundRecord]) -> list[FoundRecord]:
    """Return the training runs that lead to a run, first the earliest."""
    chain = [last]
    waiting = [last]
    while waiting:
        run = waiting.pop()
        # Only what began before can have been resumed from; this also rules out circles.
        earlier = [
            it for it in runs if it.record.started_at <= run.record.started_at and it not in chain
        ]
        references = {it.resumed_from for it in run.record.segments}
        references |= {parent for saved in run.record.checkpoints for parent in saved.parents}
        for reference in sorted(it for it in references if it is not None):
            for owner, _ in saved_elsewhere(reference, run, earlier)[:1]:
                if owner not in chain:
                    chain.append(owner)
                    waiting.append(owner)
    return sorted(chain, key=lambda it: (it.record.started_at, it.record.id))


def _others(
    others: Sequence[FoundRecord], training: Sequence[FoundRecord]
) -> tuple[list[FoundRecord], list[tuple[FoundRecord, str]]]:
    """Return the runs that did not train and belong to it, and the others with the reason."""
    kept: list[FoundRecord] = []
    left: list[tuple[FoundRecord, str]] = []
    for run in others:
        if run.record.evaluations and not _measures(run, training):
            left.append((run, "it evaluated other weights"))
        else:
            kept.append(run)
    # Scripts are run again: of runs of one name, those whose data was used stay, or the newest.
    needed = _needed(kept, training)
    superseded = [
        run
        for run in kept
        if run.record.processing
        and not run.record.evaluations
        and _is_superseded(run, kept, needed, training)
    ]
    left += [(run, "a newer run of the same name took its place") for run in superseded]
    return [run for run in kept if run not in superseded], left


def _measures(run: FoundRecord, training: Sequence[FoundRecord]) -> bool:
    return any(
        it.checkpoint is None or _measured(it, run, training) for it in run.record.evaluations
    )


def _needed(kept: Sequence[FoundRecord], training: Sequence[FoundRecord]) -> frozenset[str]:
    """Return the keys of all data that training and evaluation used, directly or through a step."""
    users = [*training, *(it for it in kept if it.record.evaluations)]
    needed = frozenset(key for it in users for key in _keys(it, [d.id for d in it.record.datasets]))
    while True:
        more = needed
        for run in kept:
            for step in run.record.processing:
                if _keys(run, step.outputs) & needed:
                    more |= _keys(run, step.inputs)
        if more == needed:
            return needed
        needed = more


def _is_superseded(
    run: FoundRecord,
    kept: Sequence[FoundRecord],
    needed: frozenset[str],
    training: Sequence[FoundRecord],
) -> bool:
    newer = [it for it in kept if it.record.name == run.record.name and _after(it, run)]
    mine = _outputs(run)
    if not mine & needed:
        return bool(newer)
    # The same data made again after training began did not make what was trained on.
    began = training[0].record.started_at
    return any(_outputs(it) == mine and it.record.started_at <= began for it in newer)


def _after(one: FoundRecord, other: FoundRecord) -> bool:
    return (one.record.started_at, one.record.id) > (other.record.started_at, other.record.id)


def _outputs(run: FoundRecord) -> frozenset[str]:
    return frozenset(key for step in run.record.processing for key in _keys(run, step.outputs))


def _keys(run: FoundRecord, identifiers: Sequence[str]) -> frozenset[str]:
    by_id = {it.id: it for it in run.record.datasets}
    keys: set[str] = set()
    for identifier in identifiers:
        found = by_id.get(identifier)
        if found is not None:
            # What is described without being bound is known by its id alone.
            keys |= dataset_keys(found) or {f"id:{identifier}"}
    return frozenset(keys)
