"""A job that is started again goes on with the record that it left: which one, and from where.

The folder's state decides. A run that has not completed and whose process is gone is taken up; its
log is appended to, and a new segment says from which checkpoint training goes on and which steps
were thrown away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from provenance.errors import InputError, ProvenanceError, RecordingError, UsageError, shown
from provenance.recording.folder_locks import FolderLock, lock_folder
from provenance.recording.projects import MAX_RUNS, FoundRecord, read_record
from provenance.recording.ranks import array_task_of, job_of
from provenance.recording.records import RECORD_NAME
from provenance.recording.state import MAX_FOLDER_NAME, describe_error, make_gap, make_id

if TYPE_CHECKING:
    from pathlib import Path

    from provenance.manifest.compute import Gap
    from provenance.recording.state import RunState

__all__ = ["RESUME_WORDS", "Resume", "Taken", "checkpoint_place", "hold_folder", "take_up"]

Resume = Literal["auto", "never", "must"]

#: What `resume` may be.
RESUME_WORDS: Final = ("auto", "never", "must")

#: Most unfinished runs that a refusal names.
MAX_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class Taken:
    """What was found to go on with."""

    found: FoundRecord | None = None
    """The run that is taken up; nothing if a new one begins."""

    lock: FolderLock | None = None
    """What keeps others out of it."""

    gaps: tuple[Gap, ...] = ()
    """What a reader has to know about the choice."""


def hold_folder(state: RunState) -> None:
    """Lock the folder of a run for as long as the run goes on; raises what `lock_folder` does."""
    if state.folder is not None:
        state.folder_lock = lock_folder(state.folder, job=job_of())


def take_up(project: Path, name: str, mode: Resume) -> Taken:
    """Choose and lock the run that this process goes on with.

    Args:
        project: The project folder.
        name: The run's name.
        mode: `auto`: an unfinished run if there is one; `must`: it has to be there; `never`: none.

    Raises:
        UsageError: The mode is another word.
        RecordingError: There are several unfinished runs, or none where there must be one.
        ProvenanceError: The run's log is damaged.
    """
    if mode not in RESUME_WORDS:
        raise UsageError(
            problem=f"resume is {', '.join(RESUME_WORDS)}, not {shown(mode)}",
        )
    if mode == "never":
        return Taken()
    found, gaps = _unfinished(project, name)
    free: list[Taken] = []
    for item in found:
        try:
            lock = lock_folder(item.folder, job=job_of())
        except RecordingError as error:
            gaps.append(make_gap("run", "absent", f"{item.record.id} was not resumed: {error}"))
            continue
        free.append(Taken(item, lock))
    try:
        return _choose(project, name, free, gaps, mode)
    except BaseException:  # whatever it is: a process that records into none of them holds none
        for taken in free:
            _give_back(taken)
        raise


def _choose(project: Path, name: str, free: list[Taken], gaps: list[Gap], mode: Resume) -> Taken:
    if len(free) > 1:
        names = ", ".join(it.found.record.id for it in free[:MAX_NAMED] if it.found is not None)
        raise RecordingError(
            path=str(project),
            problem=f"{len(free)} unfinished runs are called {shown(name)}: {names}",
            remedy="remove the folders of those that were given up, or take another name",
        )
    if not free:
        if mode == "must":
            why = "; ".join(it.description for it in gaps)
            raise RecordingError(
                path=str(project),
                problem=f"there is no unfinished run {shown(name)} to resume"
                + (f": {why}" if why else ""),
                remedy="name the project folder of the run, or write resume='auto'",
            )
        return Taken(gaps=tuple(gaps))
    (taken,) = free
    if taken.found is None:  # never: it was found
        return Taken(gaps=tuple(gaps))
    # Between reading and locking, another process may have gone on with it.
    again = read_record(taken.found.folder)
    if again.record.status == "completed":
        _give_back(taken)
        return Taken(gaps=tuple(gaps))
    return Taken(again, taken.lock, tuple(gaps))


def _give_back(taken: Taken) -> None:
    if taken.lock is not None:
        taken.lock.release()


def _unfinished(project: Path, name: str) -> tuple[list[FoundRecord], list[Gap]]:
    """Return the runs of this name, and of this task of an array, that have not completed."""
    beginning = f"{make_id(name, 'run')[:MAX_FOLDER_NAME]}-"
    found: list[FoundRecord] = []
    gaps: list[Gap] = []
    task = array_task_of()
    for folder in _folders(project, beginning):
        try:
            item = read_record(folder)
        except ProvenanceError as error:
            text = f"{folder.name} cannot be read and was not resumed: {describe_error(error)}"
            gaps.append(make_gap("run", "absent", text))
            continue
        record = item.record
        same = record.name == name and record.array_task == task and record.exit_code is None
        if same and record.status != "completed":
            found.append(item)
    return found, gaps


def _folders(project: Path, beginning: str) -> list[Path]:
    try:
        folders = sorted(
            path
            for path in project.iterdir()
            if path.name.startswith(beginning) and (path / RECORD_NAME).is_file()
        )
    except FileNotFoundError:
        return []
    except OSError as error:
        raise InputError(
            path=str(project), problem=f"the project folder cannot be read: {error.strerror}"
        ) from error
    if len(folders) > MAX_RUNS:
        raise RecordingError(
            path=str(project), problem=f"there are more than {MAX_RUNS} runs of this name"
        )
    return folders


def checkpoint_place(found: FoundRecord, identifier: str) -> Path | None:
    """Return where a recorded checkpoint lies on this machine, if that is known."""
    locations: Any = found.record.locations
    place = locations.get(identifier) if locations is not None else None
    return found.folder.parent / place if isinstance(place, str) else None
