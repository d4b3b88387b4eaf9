"""The segment that a resumed run begins: from the newest checkpoint that lies there whole.

That the script loads this checkpoint is an assumption until it says so (`run.segment`), or logs its
first step; where it logs an earlier one, the segment is corrected and a gap says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provenance.canonical import MAX_INVENTORY_BYTES
from provenance.digest import Inventory, read_file
from provenance.errors import ProvenanceError
from provenance.manifest.base import parse_timestamp
from provenance.manifest.training import Segment
from provenance.recording.checkpoints import resolve_checkpoint
from provenance.recording.facts import without_nothing
from provenance.recording.projects import FoundRecord
from provenance.recording.requeues import checkpoint_place
from provenance.recording.state import make_gap, now

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from provenance.manifest.training import Checkpoint
    from provenance.recording.log_states import LogState
    from provenance.recording.metrics import MetricsLog
    from provenance.recording.records import Record
    from provenance.recording.state import RunState

__all__ = [
    "amend_segment",
    "begin_again",
    "close_former",
    "is_whole",
    "resumed_place",
    "settle_segment",
]


def close_former(record: Record, log: LogState, *, status: str = "interrupted") -> Record:
    """Return a record whose last segment ends where the log of its process ends.

    The code and command of that process are written into its segments: those of the next one take
    their place in the record.
    """
    segments = list(record.segments)
    if segments and segments[-1].status is None:
        last = segments[-1]
        saved = [it.step for it in record.checkpoints if it.segment == last.id]
        done = max((last.to_step, log.steps_done(last.from_step), *saved))
        ended = None if log.written_at is None else log.written_at[:19] + "Z"
        segments[-1] = last.updated(
            **without_nothing({"to_step": done, "status": status, "ended_at": ended})
        )
    around = without_nothing({"code": record.code, "command": record.command or None})
    if record.environment is not None:
        around["environment"] = record.environment.id
    segments = [
        it
        if it.environment is not None
        else it.updated(**{k: v for k, v in around.items() if not getattr(it, k)})
        for it in segments
    ]
    return record.updated(segments=tuple(segments))


def begin_again(state: RunState, log: MetricsLog, former: LogState) -> None:
    """Begin the segment of this process in a record that an earlier one has left."""
    with state.lock:
        record = state.record
        _note_clock(state, former)
        if record.segments:
            state.add("segments", _next_segment(state))
            state.assumed_segment = state.record.segments[-1].id
            state.change(trains=True)
    if record.segments:
        last = state.record.segments[-1]
        log.event("segment", step=last.from_step, segment=last.id)


def resumed_place(state: RunState) -> Path | None:
    """Return where the checkpoint lies that the open segment goes on from, if a run was resumed."""
    segment = state.record.segments[-1] if state.record.segments else None
    if state.folder is None or segment is None or segment.id != state.assumed_segment:
        return None
    if segment.resumed_from is None:
        return None
    return checkpoint_place(FoundRecord(state.folder, state.record), segment.resumed_from)


def amend_segment(
    state: RunState,
    *,
    from_step: int | None,
    resumed_from: str | os.PathLike[str] | None,
    **fields: Any,  # noqa: ANN401 - fields of a segment
) -> bool:
    """Take the script's words for the segment that was assumed; return whether there was one."""
    with state.lock:
        segment = _untouched(state)
        if segment is None:
            return False
        saved, step = segment.resumed_from, None
        if resumed_from is not None:
            saved, step = resolve_checkpoint(state, resumed_from)
        begins = next((it for it in (from_step, step, segment.from_step) if it is not None), 0)
        words = {"event": segment.event, "stage": segment.stage, **without_nothing(fields)}
        wanted = words.pop("id", None)
        captured = {
            "id": segment.id if wanted is None else state.new_id(wanted, chosen=True),
            "from_step": begins,
            "to_step": begins,
            "started_at": segment.started_at,
            "resumed_from": saved,
            "rollback_to": _rollback(state, begins, words["stage"]),
            "hyperparameters": segment.hyperparameters,
            "seeds": segment.seeds,
            "configuration": segment.configuration,
        }
        made = state.made(Segment, without_nothing(captured), without_nothing(words))
        state.change(segments=(*state.record.segments[:-1], made))
        state.assumed_segment = None
        return True


def settle_segment(state: RunState, first_step: int | None) -> None:
    """Correct the segment that was assumed, if the script began before its checkpoint."""
    with state.lock:
        segment = state.record.segments[-1] if state.record.segments else None
        if segment is None or segment.id != state.assumed_segment or first_step is None:
            return
        state.assumed_segment = None
        if first_step >= segment.from_step:
            return
        saved = [
            it
            for it in state.record.checkpoints
            if it.segment != segment.id
            and it.stage == segment.stage
            and it.step in {first_step, first_step - 1}
        ]
        begins = saved[-1].step if saved else max(0, first_step - (1 if first_step == 1 else 0))
        text = (
            f"the newest whole checkpoint is of step {segment.from_step}, but the script went on "
            f"with step {first_step}: what it loaded is "
            + (f"taken to be {saved[-1].id}" if saved else "not known")
        )
        state.add_gaps([make_gap("resume", "absent", text)])
        changed = segment.updated(
            from_step=begins,
            resumed_from=saved[-1].id if saved else None,
            rollback_to=_rollback(state, begins, segment.stage),
        )
        state.replace("segments", changed)


def _untouched(state: RunState) -> Segment | None:
    """Return the assumed segment, as long as nothing was logged or saved in it."""
    if not state.record.segments or state.last_step is not None:
        return None
    segment = state.record.segments[-1]
    is_used = any(it.segment == segment.id for it in state.record.checkpoints)
    return None if is_used or segment.id != state.assumed_segment else segment


def _next_segment(state: RunState) -> Segment:
    record = state.record
    saved = _newest_whole(state)
    previous = record.segments[-1]
    stage = previous.stage if saved is None else saved.stage
    first = min(it.from_step for it in record.segments if it.stage == stage) if saved is None else 0
    begins = first if saved is None else saved.step
    fields = {
        "id": state.new_id(f"{record.name}-{len(record.segments) + 1}"),
        "stage": stage,
        "from_step": begins,
        "to_step": begins,
        "started_at": now(),
        "event": "other" if saved is None else "resume",
        "reason": "begun again: no whole checkpoint was left" if saved is None else None,
        "resumed_from": None if saved is None else saved.id,
        "rollback_to": _rollback(state, begins, stage),
        "hyperparameters": record.hyperparameters,
        "seeds": record.seeds,
        "configuration": record.configuration,
    }
    return Segment(**without_nothing(fields))


def _rollback(state: RunState, begins: int, stage: str | None) -> int | None:
    """Return the step to which a segment throws its stage back, if it does."""
    before = [
        it for it in state.record.segments if it.stage == stage and it.id != state.assumed_segment
    ]
    return begins if before and begins < before[-1].to_step else None


def _newest_whole(state: RunState) -> Checkpoint | None:
    """Return the newest checkpoint whose files lie where they were, each in its recorded length."""
    if state.folder is None:
        return None
    found = FoundRecord(state.folder, state.record)
    gone: list[str] = []
    for saved in reversed(state.record.checkpoints):
        if is_whole(found, saved):
            if gone:
                text = f"{', '.join(gone[:5])} was saved later, but is not there as it was recorded"
                state.add_gaps([make_gap("resume", "absent", text)])
            return saved
        gone.append(saved.id)
    return None


def is_whole(found: FoundRecord, saved: Checkpoint) -> bool:
    """Return whether the files of a checkpoint lie where they were, each in its recorded length."""
    place = checkpoint_place(found, saved.id)
    entries: Any = saved.inventory
    if place is None:
        return False
    try:
        if not entries and saved.inventory_file is not None and saved.inventory_file.path:
            listed = found.folder / saved.inventory_file.path
            entries = Inventory.from_bytes(read_file(listed, max_bytes=MAX_INVENTORY_BYTES))
        sizes = {it.path: it.size for it in entries}
        if place.is_file():
            return [place.stat().st_size] == list(sizes.values())
        return bool(sizes) and all((place / it).stat().st_size == n for it, n in sizes.items())
    except (OSError, ProvenanceError):
        return False


def _note_clock(state: RunState, former: LogState) -> None:
    """Say so if this machine's clock is behind what the earlier process has written."""
    moments = [former.written_at, state.record.started_at]
    latest = max((parse_timestamp(it) for it in moments if it is not None), default=None)
    if latest is not None and parse_timestamp(now()) < latest.replace(microsecond=0):
        text = (
            f"the clock went back: the earlier process wrote at {latest:%Y-%m-%dT%H:%M:%SZ}, and "
            f"this one began at {now()}"
        )
        state.add_gaps([make_gap("clock", "failed", text)])
