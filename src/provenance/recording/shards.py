"""A checkpoint that many ranks saved: each hashes its own files, rank 0 puts them together.

What ranks tell each other goes through a collective call of the script, or through small files in
the project folder, written whole or not at all. It is read like any file that somebody else may
have written. A rank that says nothing is named in a gap.
"""

from __future__ import annotations

import os
import shutil
import time
from concurrent.futures import CancelledError, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from provenance import canonical
from provenance.canonical import MAX_INVENTORY_BYTES
from provenance.digest import (
    Inventory,
    InventoryDigest,
    InventoryEntry,
    check_name,
    hash_bytes,
    hash_file,
    read_file,
    walk_tree,
    write_atomic,
)
from provenance.errors import InputError, ProvenanceError, RecordingError
from provenance.manifest.training import Checkpoint
from provenance.recording.checkpoints import CHECKPOINT_DIGESTS, open_segment
from provenance.recording.content import tree_fields
from provenance.recording.deferring import bind_later
from provenance.recording.facts import without_nothing
from provenance.recording.ranks import job_of
from provenance.recording.state import describe_error, make_gap, make_id, now

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from concurrent.futures import Future

    from provenance.recording.metrics import MetricsLog
    from provenance.recording.state import RunState

    Gather = Callable[[Any], Sequence[Any]]

__all__ = ["WAIT_SECONDS", "Shard", "add_sharded", "hand_over"]

#: Where ranks meet, in the project folder; rank 0 removes it.
MEETING_FOLDER: Final = ".ranks"

#: How long rank 0 waits for the files of others, in seconds.
WAIT_SECONDS: Final = 60.0

#: How often it looks, in seconds.
LOOK_SECONDS: Final = 0.1

#: Most ranks that a gap names.
MAX_NAMED: Final = 16

# What tells one start of a job from another one, the same on all its ranks.
_COMMON: Final = (
    *("SLURM_STEP_ID", "SLURM_RESTART_COUNT", "TORCHELASTIC_RUN_ID", "TORCHELASTIC_RESTART_COUNT"),
    *("MASTER_ADDR", "MASTER_PORT", "PMIX_NAMESPACE"),
)


@dataclass(frozen=True, slots=True)
class Shard:
    """What one rank says of its files."""

    rank: int
    """Which rank says it."""

    entries: tuple[InventoryEntry, ...] = ()
    """Its files."""

    problem: str = ""
    """Why it could not hash them."""

    changed: Mapping[str, str] = field(default_factory=dict)
    """When each was changed, in nanoseconds: what an earlier job said of others is not taken."""


def hand_over(
    state: RunState,
    path: str | os.PathLike[str],
    *,
    files: Sequence[str] | None,
    gather: Gather | None,
    pending: Future[Any] | None = None,
) -> str:
    """Hash this rank's files and tell rank 0; a failure is told too, and a warning.

    Raises:
        ProvenanceError: Only in a strict run.
    """
    if pending is None:
        _tell(state, path, _read_own(Path(path), state.rank.number, files), gather)
    else:
        # On the thread that saved: the script may go to another folder before it is done.
        place = Path(os.path.realpath(path))

        def tell(done: Future[Any]) -> None:
            shard = _failed(done, state.rank.number)
            shard = shard or _read_own(place, state.rank.number, files)
            _tell(state, path, shard, None)

        pending.add_done_callback(tell)
    return make_id(Path(path).name, "unrecorded")


def _tell(
    state: RunState, path: str | os.PathLike[str], shard: Shard, gather: Gather | None
) -> None:
    if gather is not None:
        gather(_tree(shard))
    else:
        try:
            _write(state, Path(path), shard)
        except (ProvenanceError, OSError) as error:
            state.add_failure("shard", error)
    if shard.problem:
        state.add_failure("shard", RecordingError(path=str(path), problem=shard.problem))


def add_sharded(
    state: RunState,
    log: MetricsLog,
    path: str | os.PathLike[str],
    *,
    files: Sequence[str] | None,
    step: int | None,
    identifier: str | None,
    gather: Gather | None,
    seconds: float,
    pending: Future[Any] | None = None,
    **authored: Any,  # noqa: ANN401 - fields of a checkpoint
) -> str:
    """Record a checkpoint of many ranks on rank 0; see `Run.shard` for the arguments."""
    folder = Path(os.path.realpath(path))
    own = None if pending is not None else _read_own(folder, state.rank.number, files)
    told = None if gather is None or own is None else [_parse(it) for it in gather(_tree(own))]
    saved_id, done = _add(state, log, folder, step=step, identifier=identifier, authored=authored)

    def read() -> Mapping[str, Any]:
        if pending is not None:
            _await(state, pending)
        mine = own or _read_own(folder, state.rank.number, files)
        shards = [mine, *(_meet(state, Path(path), seconds) if told is None else told)]
        return _join(state, saved_id, folder, shards)

    def note(fields: Mapping[str, Any]) -> None:
        root = {"files": fields["files"].to_tree()} if "files" in fields else {}
        log.event("checkpoint", step=done, checkpoint=saved_id, **root)

    bind_later(state, "checkpoints", saved_id, read, after=note)
    return saved_id


def _add(
    state: RunState,
    log: MetricsLog,
    folder: Path,
    *,
    step: int | None,
    identifier: str | None,
    authored: Mapping[str, Any],
) -> tuple[str, int]:
    with state.lock:
        segment = open_segment(state)
        done = log.steps_done(segment.from_step) if step is None else int(step)
        saved_id = state.new_id(identifier or f"step-{done}", chosen=identifier is not None)
        before = [
            it.id for it in state.record.checkpoints if it.segment == segment.id and it.step < done
        ]
        parent = before[-1] if before else segment.resumed_from
        captured = {
            "id": saved_id,
            "step": done,
            "stage": segment.stage,
            "segment": segment.id,
            "parents": () if parent is None else (parent,),
            "saved_at": now(),
        }
        state.locate(saved_id, folder)
        state.add("checkpoints", state.made(Checkpoint, without_nothing(captured), authored))
        to_step = max(done, log.steps_done(segment.from_step), segment.to_step)
        state.replace("segments", segment.updated(to_step=to_step))
    return saved_id, done


def _await(state: RunState, pending: Future[Any]) -> None:
    """Wait for a save.

    Raises:
        RecordingError: It failed, or the run was closed before it was done.
    """
    while not pending.done():
        if state.closed:
            raise RecordingError(problem="the save was not done when the run ended")
        wait((pending,), timeout=LOOK_SECONDS)
    failed = _failed(pending, state.rank.number)
    if failed is not None:
        raise RecordingError(problem=failed.problem)


def _failed(pending: Future[Any], rank: int) -> Shard | None:
    """Return what a rank says whose save has failed."""
    error: BaseException | None = CancelledError()
    if not pending.cancelled():
        error = pending.exception()
    if error is None:
        return None
    return Shard(rank, problem=f"the save failed: {describe_error(error)}")


def _read_own(folder: Path, rank: int, files: Sequence[str] | None) -> Shard:
    try:
        if files is None:
            files = sorted(it.name for it in folder.iterdir() if it.name.startswith(f"__{rank}_"))
        changed = {name: _changed(folder / name) for name in files}
        return Shard(rank, tuple(_entry(folder, name) for name in files), changed=changed)
    except (ProvenanceError, OSError, TypeError) as error:
        return Shard(rank, problem=describe_error(error))


def _entry(folder: Path, name: str) -> InventoryEntry:
    check_name(name)
    found = hash_file(folder / name, algorithms=CHECKPOINT_DIGESTS)
    digest = InventoryDigest(**{it: found.digest[it] for it in CHECKPOINT_DIGESTS})
    return InventoryEntry(digest, name, found.size)


def _tree(shard: Shard) -> dict[str, Any]:
    files = Inventory(shard.entries).to_bytes().decode("utf-8")
    changed = dict(shard.changed)
    return {"rank": shard.rank, "files": files, "problem": shard.problem, "changed": changed}


def _parse(tree: object) -> Shard:
    """Read what a rank says.

    Raises:
        RecordingError: It is nothing that a rank says.
        DigestError: Its list of files breaks the format.
    """
    if not isinstance(tree, dict):
        raise RecordingError(problem="gather did not return what every rank gave it")
    rank, files, problem = tree.get("rank"), tree.get("files"), tree.get("problem")
    if isinstance(rank, bool) or not isinstance(rank, int) or not isinstance(files, str):
        raise RecordingError(problem="a rank does not say which one it is, or its files")
    inventory = Inventory.from_bytes(files.encode("utf-8"), source=f"rank {rank}")
    changed = tree.get("changed")
    return Shard(
        rank,
        inventory.entries,
        problem if isinstance(problem, str) else "",
        changed if isinstance(changed, dict) else {},
    )


def _meeting(state: RunState, path: Path) -> Path:
    if state.project is None:
        raise RecordingError(problem="there is no project folder where ranks could meet")
    said = [job_of() or "", *(os.environ.get(name, "") for name in _COMMON)]
    said += [state.record.name, str(path)]
    key = hash_bytes("\0".join(said).encode("utf-8", "surrogateescape"), "sha256")[:32]
    return state.project / MEETING_FOLDER / key


def _write(state: RunState, path: Path, shard: Shard) -> None:
    folder = _meeting(state, path)
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(folder / f"{shard.rank}.json", canonical.write(_tree(shard)))


def _meet(state: RunState, path: Path, seconds: float) -> list[Shard]:
    """Wait for the files of the other ranks, and return what those say that came."""
    folder = _meeting(state, path)
    expected = set(range(1, state.rank.world_size or 1))
    ends = time.monotonic() + seconds
    while not all((folder / f"{it}.json").is_file() for it in expected):
        if time.monotonic() >= ends or state.closed:
            break
        time.sleep(LOOK_SECONDS)
    shards = []
    for number in sorted(expected):
        try:
            data = read_file(folder / f"{number}.json", max_bytes=MAX_INVENTORY_BYTES)
            tree = canonical.parse(data, max_bytes=MAX_INVENTORY_BYTES)
            shard = _parse(tree)
        except InputError:
            continue  # it is missing, and will be named
        except ProvenanceError as error:
            shard = Shard(number, problem=describe_error(error))
        shards.append(shard if shard.rank == number else Shard(number, problem="is another rank"))
    shutil.rmtree(folder, ignore_errors=True)
    return shards


def _join(state: RunState, name: str, folder: Path, shards: list[Shard]) -> dict[str, Any]:
    """Return the fields that bind the checkpoint; without them if files are missing."""
    said = {it.rank for it in shards if not it.problem}
    silent = sorted(set(range(state.rank.world_size or 1)) - said)
    there = {it.path for it in walk_tree(folder).files} if folder.is_dir() else set()
    claimed: dict[str, InventoryEntry] = {}
    contested: set[str] = set()
    for entry in (it for shard in shards for it in shard.entries):
        if claimed.setdefault(entry.path, entry) != entry:
            contested.add(entry.path)
    elsewhere = claimed.keys() - there
    if silent:
        _name_silent(state, name, silent, shards, is_bound=not elsewhere)
    if (silent and elsewhere) or contested & elsewhere:
        return {}
    unread = [it for it in there if it not in claimed or it in contested]
    changed = {name: it for shard in shards for name, it in shard.changed.items()}
    unread += [
        it
        for it in there & claimed.keys()
        if not _is_alike(folder, claimed[it], changed.get(it, ""))
    ]
    entries: Iterable[InventoryEntry] = {
        **claimed,
        **{it: _entry(folder, it) for it in sorted(set(unread))},
    }.values()
    return without_nothing(tree_fields(Inventory(tuple(entries)), name, state.folder))


def _is_alike(folder: Path, entry: InventoryEntry, changed: str) -> bool:
    path = folder / entry.path
    return path.stat().st_size == entry.size and _changed(path) == changed


def _changed(path: Path) -> str:
    return str(path.stat().st_mtime_ns)


def _name_silent(
    state: RunState, name: str, silent: list[int], shards: list[Shard], *, is_bound: bool
) -> None:
    listed = ", ".join(str(it) for it in silent[:MAX_NAMED])
    more = f" and {len(silent) - MAX_NAMED} more" if len(silent) > MAX_NAMED else ""
    why = "; ".join(it.problem for it in shards if it.problem)
    rest = "rank 0 hashed their files" if is_bound else "the checkpoint is bound to no files"
    text = f"{name}: no digests came from ranks {listed}{more}, {rest}" + (
        f": {why}" if why else ""
    )
    with state.lock:
        state.add_gaps([make_gap("ranks", "absent", text)])
