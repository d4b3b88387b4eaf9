"""What a process records into: a new run folder, or the one of a run that it goes on with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from provenance.errors import ProvenanceError
from provenance.recording.about import generator
from provenance.recording.folder_locks import FolderLock, lock_folder
from provenance.recording.log_states import LogState, read_log_state
from provenance.recording.metrics import LOG_NAME
from provenance.recording.ranks import Rank, array_task_of, find_rank, job_of
from provenance.recording.records import Record
from provenance.recording.requeues import take_up
from provenance.recording.resumption import close_former
from provenance.recording.state import (
    MAX_GAPS,
    RunState,
    make_gap,
    make_id,
    new_run_folder,
    precise_now,
)
from provenance.training_log import LogWriter

if TYPE_CHECKING:
    from pathlib import Path

    from provenance.manifest.compute import Gap
    from provenance.recording.projects import FoundRecord
    from provenance.recording.requeues import Resume, Taken

__all__ = ["Begun", "begin", "begin_nowhere"]

Fault = tuple[str, Exception]


@dataclass(frozen=True, slots=True)
class Begun:
    """What a run begins with."""

    record: Record
    """The record, new or taken up."""

    rank: Rank
    """Which process this is."""

    project: Path | None = None
    """The project folder."""

    folder: Path | None = None
    """The run folder; nothing if it could not be made, or another rank records."""

    lock: FolderLock | None = None
    """What keeps other processes out of it."""

    former: LogState | None = None
    """How far the process came that this one goes on from; nothing in a new run."""

    faults: tuple[Fault, ...] = ()
    """What failed, by what was tried."""

    warnings: tuple[str, ...] = ()
    """What the user of the script should know."""

    def state(self, *, strict: bool) -> RunState:
        """Return the state of a run that begins so."""
        folder = None if self.folder is None else self.folder.resolve()
        state = RunState(self.record, folder, strict=strict, rank=self.rank)
        state.folder_lock = self.lock
        state.project = self.project
        if self.former is not None:
            state.earlier_compute = self.record.compute
        return state


def begin(
    project: Path, name: str, *, resume: Resume, rank: int | None, strict: bool = False
) -> Begun:
    """Find out what this process records into.

    Args:
        project: The project folder.
        name: The run's name.
        resume: See `take_up`.
        rank: The rank that the script gives itself.
        strict: Raise what fails, before anything is made.

    Raises:
        ProvenanceError: Only if strict: a run cannot be resumed, or the rank is none.
    """
    faults: list[Fault] = []
    try:
        place = find_rank(rank)
    except ProvenanceError as error:
        if strict:
            raise
        place = find_rank()
        faults.append(("rank", error))
    if not place.writes:
        return Begun(_new_record(make_id(name, "run"), name), place, project)
    if not place.problem:
        try:
            taken = take_up(project, name, resume)
            if taken.found is not None and taken.lock is not None:
                return _resumed_or_free(taken.found, taken.lock, taken, place, faults)
            new = _new(project, name, place, faults, taken.gaps)
            return replace(new, warnings=tuple(it.description for it in taken.gaps))
        except Exception as error:
            if strict:
                raise
            faults.append(("resume", error))  # a new run is begun, and the gap is kept in it
    return _new(project, name, place, faults)


def begin_nowhere(name: str, error: Exception) -> Begun:
    """Return what a run begins with for which nothing could be made: it is kept in memory."""
    return Begun(_new_record(make_id(name, "run"), name), Rank(), faults=(("start", error),))


def _resumed_or_free(
    found: FoundRecord, lock: FolderLock, taken: Taken, place: Rank, faults: list[Fault]
) -> Begun:
    """Go on with a run; whatever fails, its folder is free again for the next process."""
    try:
        return _resumed(found, lock, taken, place, faults)
    except BaseException:
        lock.release()
        raise


def _resumed(
    found: FoundRecord, lock: FolderLock, taken: Taken, place: Rank, faults: list[Fault]
) -> Begun:
    former = read_log_state(found.folder, found.record)
    if found.record.log is not None:
        # A forked worker that outlived its process still holds the log: then nothing is begun.
        LogWriter(found.folder / LOG_NAME).close()
    record = close_former(found.record, former)
    gaps = [*record.gaps, *taken.gaps, *_lock_gaps(lock)]
    if found.record.status == "running":
        text = "an earlier process of the run was killed: what it used is not counted"
        gaps.append(make_gap("run", "crashed", text))
    environments = list(record.earlier_environments)
    if record.environment is not None:
        number = len(environments) + 1
        own = record.environment.updated(id=f"environment-{number}")
        record = record.updated(
            segments=tuple(
                it.updated(environment=own.id) if it.environment == record.environment.id else it
                for it in record.segments
            )
        )
        environments.append(own)
    record = record.updated(
        status="running",
        failure=None,
        ended_at=None,
        last_step=None,
        gaps=tuple(dict.fromkeys(gaps))[:MAX_GAPS],
        environment=None,
        earlier_environments=tuple(environments),
    )
    return Begun(record, place, found.folder.parent, found.folder, lock, former, tuple(faults))


def _new(
    project: Path, name: str, place: Rank, faults: list[Fault], gaps: tuple[Gap, ...] = ()
) -> Begun:
    folder, lock = None, None
    try:
        folder = new_run_folder(project, name)
        lock = lock_folder(folder, job=job_of())
        gaps = (*gaps, *_lock_gaps(lock))
    except ProvenanceError as error:
        faults.append(("output", error))
    warnings: tuple[str, ...] = ()
    if place.problem:
        text = f"which rank this process is, is not certain: {place.problem}"
        gaps = (*gaps, make_gap("rank", "absent", text))
        warnings = (text,)
    record = _new_record(folder.name if folder else make_id(name, "run"), name)
    record = record.updated(gaps=gaps, array_task=array_task_of())
    return Begun(record, place, project, folder, lock, None, tuple(faults), warnings)


def _new_record(identifier: str, name: str) -> Record:
    return Record(id=identifier, name=name, started_at=precise_now(), generator=generator())


def _lock_gaps(lock: FolderLock) -> tuple[Gap, ...]:
    if lock.is_kept:
        return ()
    text = "the file system has no locks: that no other process wrote here is not certain"
    return (make_gap("lock", "absent", text),)
