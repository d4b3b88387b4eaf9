"""Segments and checkpoints of a run: which steps it did, and the states that it saved."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenance.errors import ProvenanceError, UsageError, shown
from provenance.manifest.training import Checkpoint, Segment
from provenance.recording.content import Content, hash_content, tree_fields, weight_root
from provenance.recording.deferring import bind_later, look_at_large
from provenance.recording.facts import named_numbers, without_nothing
from provenance.recording.projects import content_keys, find_checkpoint
from provenance.recording.records import UsedCheckpoint
from provenance.recording.state import describe_error, make_gap, now, whole_second

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provenance.digest import TypedRoot
    from provenance.recording.metrics import MetricsLog
    from provenance.recording.state import RunState

__all__ = [
    "add_checkpoint",
    "begin_segment",
    "binding_fields",
    "close_segment",
    "open_segment",
    "read_checkpoint",
    "resolve_checkpoint",
    "settle",
]

#: Released files and checkpoints record both digests that count.
CHECKPOINT_DIGESTS = ("blake3", "sha256")

# Fields of a segment that are worked out here; the others are the script's words.
_CAPTURED_FIELDS = ("resumed_from", "rollback_to")

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

#: Most logged metrics that are copied into a checkpoint.
MAX_METRICS = 100


def open_segment(state: RunState) -> Segment:
    """Return the open segment; begin the first one if there is none."""
    with state.lock:
        if not state.record.segments:
            _append_segment(state, from_step=0, event="start")
        return state.record.segments[-1]


def begin_segment(
    state: RunState,
    log: MetricsLog,
    *,
    from_step: int | None,
    resumed_from: str | os.PathLike[str] | None,
    **fields: Any,  # noqa: ANN401 - fields of a segment
) -> None:
    """Close the open segment and begin another; see `Run.segment` for the arguments."""
    with state.lock:
        saved, saved_step = None, None
        if resumed_from is not None:
            saved, saved_step = resolve_checkpoint(state, resumed_from)
        if from_step is None:
            from_step = saved_step
        previous = state.record.segments[-1] if state.record.segments else None
        if previous is not None:
            done = close_segment(state, log)
            from_step = done if from_step is None else from_step
            # Each stage counts its own steps: going on to another throws none of them away.
            if from_step < done and fields.get("stage") == previous.stage:
                fields["rollback_to"] = from_step
        started = {"event": "start" if saved is None and previous is None else None}
        if saved is not None and fields.get("event") is None:
            started = {"event": "resume"}
        fields = {**started, **without_nothing(fields), "resumed_from": saved}
        _append_segment(state, from_step=from_step or 0, **fields)
        state.change(trains=True)
        log.first_step = None
        state.settings_changed = False
        if previous is not None:
            state.last_step = None
    log.event("segment", step=from_step or 0, segment=state.record.segments[-1].id)


def close_segment(state: RunState, log: MetricsLog, status: str = "completed") -> int:
    """Set the end of the open segment and return the number of steps done."""
    segment = state.record.segments[-1]
    saved = [it.step for it in state.record.checkpoints if it.segment == segment.id]
    done = max((log.steps_done(segment.from_step), *saved))
    state.replace("segments", segment.updated(to_step=done, ended_at=now(), status=status))
    return done


def add_checkpoint(
    state: RunState,
    log: MetricsLog,
    path: str | os.PathLike[str],
    *,
    step: int | None,
    identifier: str | None,
    parents: Sequence[str] | None,
    metrics: Mapping[str, object] | None,
    wait: bool = False,
    **authored: Any,  # noqa: ANN401 - fields of a checkpoint
) -> str:
    """Record a checkpoint, hashed now or later; see `Run.checkpoint` for the arguments."""
    sight = None if wait else look_at_large(path)
    place = Path(os.path.realpath(path))
    # Hashing is done before the lock is taken, so that another thread may log meanwhile.
    found = None if sight else read_checkpoint(state, path)
    with state.lock:
        segment = open_segment(state)
        if step is None:
            step = log.steps_done(segment.from_step)
        saved_id = state.new_id(identifier or f"step-{step}", chosen=identifier is not None)
        captured = {
            "id": saved_id,
            "step": int(step),
            "stage": segment.stage,
            "segment": segment.id,
            "parents": tuple(_parents(state, segment, int(step)) if parents is None else parents),
            "saved_at": now(),
            "metrics": _metrics_now(log) if metrics is None else named_numbers(metrics),
            **({} if found is None else binding_fields(state, saved_id, *found)),
        }
        state.locate(saved_id, place)
        saved = state.made(Checkpoint, without_nothing(captured), authored)
        to_step = max(int(step), log.steps_done(segment.from_step), segment.to_step)
        # One change: a record with many packages takes some milliseconds to write.
        state.change(
            checkpoints=(*state.record.checkpoints, saved),
            segments=(*state.record.segments[:-1], segment.updated(to_step=to_step)),
        )

    def note(fields: Mapping[str, Any]) -> None:
        root = {"files": fields["files"].to_tree()} if "files" in fields else {}
        log.event("checkpoint", step=int(step), checkpoint=saved_id, **root)

    def read() -> Mapping[str, Any]:
        # The script may have gone to another folder since, so that a relative path means another.
        return without_nothing(
            binding_fields(state, saved_id, *read_checkpoint(state, place, Path(path).name))
        )

    if found is None:
        bind_later(state, "checkpoints", saved_id, read, sight=sight, after=note)
    else:
        note(captured)
    return saved_id


def settle(state: RunState, reference: str | os.PathLike[str] | None) -> None:
    """Wait for digests by which a checkpoint that is named by its path can be recognised.

    The caller does not hold the lock of the state, which hashing needs.
    """
    if reference is None or not state.background.busy:
        return
    text = os.fspath(reference)
    if all(state.find(field, text) is None for field in ("checkpoints", "used_checkpoints")):
        state.background.wait()


def resolve_checkpoint(
    state: RunState, reference: str | os.PathLike[str]
) -> tuple[str, int | None]:
    """Return the id, in this record, of a checkpoint named by id or path, and its step if known.

    Raises:
        UsageError: It is neither an id of this run nor a file.
    """
    text = os.fspath(reference)
    for field in ("checkpoints", "used_checkpoints"):
        known = state.find(field, text)
        if known is not None:
            return known.id, getattr(known, "step", None)
    if not Path(text).exists():
        if _ID.fullmatch(text):
            # An id that another process of the project has given; it is looked up at release.
            used_id = state.new_id(text, chosen=True)
            state.add("used_checkpoints", UsedCheckpoint(id=used_id))
            return used_id, None
        raise UsageError(
            path=text, problem="is no checkpoint: there is no such file", remedy="check the path"
        )
    content, tensors = read_checkpoint(state, reference)
    keys = content_keys(content.inventory.root, _entries(content), tensors)
    for saved in state.record.checkpoints:
        if keys & content_keys(saved.files, saved.inventory, saved.tensors):
            return saved.id, saved.step
    return _use(state, content, tensors, keys)


def _use(
    state: RunState, content: Content, tensors: TypedRoot | None, keys: frozenset[str]
) -> tuple[str, int | None]:
    found = None
    if state.folder is not None:
        found = find_checkpoint(state.folder.parent, keys, besides=state.record.id)
    used_id = state.new_id(found[0] if found else content.path.stem)
    fields = tree_fields(content.inventory, used_id, state.folder)
    used = UsedCheckpoint(id=used_id, tensors=tensors, **fields)
    state.add("used_checkpoints", used)
    return used_id, found[1] if found else None


def read_checkpoint(
    state: RunState, path: str | os.PathLike[str], name: str | None = None
) -> tuple[Content, TypedRoot | None]:
    """Hash a checkpoint, and its tensors where they are safetensors; a fault of those is a gap."""
    content = hash_content(path, algorithms=CHECKPOINT_DIGESTS, with_tensors=True, name=name)
    try:
        return content, weight_root(content)
    except ProvenanceError as error:
        with state.lock:
            state.add_gaps([make_gap("tensors", "failed", describe_error(error))])
        return content, None


def binding_fields(
    state: RunState, name: str, content: Content, tensors: TypedRoot | None
) -> dict[str, Any]:
    """Return the fields that bind a checkpoint to its bytes."""
    return {"tensors": tensors, **tree_fields(content.inventory, name, state.folder)}


def _entries(content: Content) -> tuple[Any, ...]:
    entries: tuple[Any, ...] = tree_fields(content.inventory, "", None).get("inventory", ())
    return entries


def _metrics_now(log: MetricsLog) -> dict[str, Any] | None:
    """Return the latest value of every metric; a script with very many of them names its own."""
    return dict(log.latest) if 0 < len(log.latest) <= MAX_METRICS else None


def _parents(state: RunState, segment: Segment, step: int) -> tuple[str, ...]:
    # What was saved at the same step is no parent, as the last checkpoint of the final weights.
    here = [it for it in state.record.checkpoints if it.segment == segment.id]
    saved = [it for it in here if it.step < step]
    if saved:
        return (saved[-1].id,)
    if segment.resumed_from is not None:
        return (segment.resumed_from,)
    before = [it for it in state.record.checkpoints if it.segment != segment.id]
    return (before[-1].id,) if before else ()


def _append_segment(state: RunState, *, from_step: int, **fields: Any) -> None:  # noqa: ANN401 - a segment's
    record = state.record
    started = now() if record.segments else whole_second(record.started_at)
    _check_step(from_step)
    wanted = fields.pop("id", None)
    captured = {
        "id": state.new_id(
            wanted or f"{record.name}-{len(record.segments) + 1}", chosen=wanted is not None
        ),
        "from_step": from_step,
        "to_step": from_step,
        "started_at": started,
        "hyperparameters": record.hyperparameters,
        "seeds": record.seeds,
        "configuration": record.configuration,
        **{name: fields.pop(name) for name in _CAPTURED_FIELDS if name in fields},
    }
    state.add("segments", state.made(Segment, without_nothing(captured), fields))


def _check_step(step: object) -> None:
    if isinstance(step, bool) or not isinstance(step, int) or step < 0:
        raise UsageError(problem=f"a step is a whole number from 0, not {shown(step)}")
