"""Step 19: the chain of checkpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.checks.processing import find_on_cycles
from provenance.errors import shown
from provenance.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provenance.checks.evidence import Evidence
    from provenance.manifest import Checkpoint, Segment
    from provenance.trust import TrustPolicy

__all__ = ["check_checkpoint_parents", "check_checkpoint_steps"]


def check_checkpoint_parents(evidence: Evidence, policy: TrustPolicy) -> Iterator[Finding]:
    """Step 19: a checkpoint descends from earlier ones, never from itself.

    Codes: `checkpoint-order`, `checkpoint-parent-missing`.
    """
    saved = {item.id: item for item in _checkpoints(evidence)}
    stages: set[str | None] = set()
    circular = find_on_cycles({item.id: set(item.parents) for item in saved.values()})
    for index, item in enumerate(_checkpoints(evidence)):
        path = f"/training/checkpoints/{index}"
        if item.id in circular:
            yield Finding(
                "checkpoint-order", f"{path}/parents", f"{shown(item.id)} descends from itself"
            )
        for position, name in enumerate(item.parents):
            parent = saved.get(name)
            if parent is not None and _is_too_late(parent, item):
                message = (
                    f"the parent {shown(name)} was saved at step {parent.step}, "
                    f"not before {item.step}"
                )
                yield Finding("checkpoint-order", f"{path}/parents/{position}", message)
        if item.stage in stages and not item.parents:
            message = f"{shown(item.id)} of step {item.step} names no parent"
            yield Finding("checkpoint-parent-missing", path, message)
        stages.add(item.stage)


def check_checkpoint_steps(evidence: Evidence, policy: TrustPolicy) -> Iterator[Finding]:
    """Step 19: a checkpoint was saved at a step that a segment of its stage did.

    `step` counts the steps done, so the end of a half-open segment is among them.

    Codes: `checkpoint-step`.
    """
    training = evidence.manifest.training
    segments = training.segments if training is not None else ()
    for index, item in enumerate(_checkpoints(evidence)):
        possible = [segment for segment in segments if _may_have_saved(segment, item)]
        if not segments or any(one.from_step <= item.step <= one.to_step for one in possible):
            continue
        where = f"segment {shown(item.segment)}" if item.segment else f"stage {shown(item.stage)}"
        message = f"saved at step {item.step}, which no {where if item.segment else 'segment'} did"
        yield Finding("checkpoint-step", f"/training/checkpoints/{index}/step", message)


def _checkpoints(evidence: Evidence) -> tuple[Checkpoint, ...]:
    training = evidence.manifest.training
    return training.checkpoints if training is not None else ()


def _is_too_late(parent: Checkpoint, item: Checkpoint) -> bool:
    """Return whether a parent cannot have been there yet.

    Steps of different stages are counted apart and cannot be compared. A merge or average may have
    the step of its last parent: making it is no step.
    """
    if parent.stage != item.stage:
        return False
    return parent.step > item.step or (parent.step == item.step and len(item.parents) == 1)


def _may_have_saved(segment: Segment, item: Checkpoint) -> bool:
    if item.segment is not None:
        return segment.id == item.segment
    return item.stage is None or segment.stage == item.stage
