"""What a killed process left, made into a record that says what is missing. Nothing is thrown away.

A folder whose process is gone is closed: the log up to its last whole line, the steps that it
tells, and gaps for the rest. What cannot be read is set aside beside what takes its place.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from provenance.digest import write_atomic
from provenance.errors import InputError, ManifestError, ProvenanceError, RecordingError
from provenance.manifest.base import parse_document
from provenance.manifest.files import FileReference
from provenance.manifest.training import Checkpoint, Segment
from provenance.recording.about import generator
from provenance.recording.folder_locks import lock_folder
from provenance.recording.log_states import read_log_state
from provenance.recording.metrics import LOG_NAME, MAX_NAMES
from provenance.recording.projects import MAX_RUNS, FoundRecord, read_record
from provenance.recording.records import RECORD_NAME, Record
from provenance.recording.resumption import close_former, is_whole
from provenance.recording.state import MAX_GAPS, describe_error, make_gap, make_id, now
from provenance.training_log import LogWriter, encode_entry, iterate_lines, parse_entry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provenance.manifest.compute import Gap
    from provenance.training_log import LogEntry

__all__ = ["Recovered", "recover"]

#: What the name of a file that was set aside ends with.
ASIDE: Final = ".damaged"

#: Most checkpoints that a gap names.
MAX_NAMED: Final = 5

# A run folder is named after the run, the time and four digits (`new_run_folder`).
_FOLDER = re.compile(
    r"([A-Za-z0-9][A-Za-z0-9._-]*)-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z-[0-9a-f]{4}"
)


@dataclass(frozen=True, slots=True)
class Recovered:
    """What became of one run folder."""

    folder: Path
    """The run folder."""

    outcome: Literal["recovered", "ended", "running", "failed"]
    """Recovered; ended by itself before; still being recorded into; or not to be recovered."""

    gaps: tuple[Gap, ...] = ()
    """What is missing, where it was recovered."""

    problem: str = ""
    """Why it cannot be recovered."""


def recover(path: str | os.PathLike[str]) -> tuple[Recovered, ...]:
    """Close the records that killed processes left open, and say in each what is missing.

    Args:
        path: A run folder, or a project folder with many.

    Returns:
        What became of each run folder, by name.

    Raises:
        InputError: The folder cannot be read.
        RecordingError: No run folder is there.
    """
    folder = Path(path)
    folders = [folder] if _is_run(folder) else _run_folders(folder)
    if not folders:
        raise RecordingError(
            path=str(folder),
            problem="there is no recorded run here",
            remedy="name a run folder, or the folder that was given to the recorder as output",
        )
    return tuple(_recover(it) for it in folders)


def _run_folders(project: Path) -> list[Path]:
    try:
        found = sorted(it for it in project.iterdir() if it.is_dir() and _is_run(it))
    except OSError as error:
        raise InputError(
            path=str(project), problem=f"the folder cannot be read: {error.strerror}"
        ) from error
    if len(found) > MAX_RUNS:
        raise RecordingError(path=str(project), problem=f"there are more than {MAX_RUNS} runs")
    return found


def _is_run(folder: Path) -> bool:
    names = (RECORD_NAME, LOG_NAME)
    return any((folder / it).is_file() for it in names) or (
        _FOLDER.fullmatch(folder.name) is not None and folder.is_dir()
    )


def _recover(folder: Path) -> Recovered:
    try:
        if _has_ended(folder):
            return Recovered(folder, "ended")
        lock = lock_folder(folder)
    except RecordingError:
        return Recovered(folder, "running")
    except ProvenanceError as error:
        return Recovered(folder, "failed", problem=describe_error(error))
    try:
        return Recovered(folder, "recovered", _close(folder))
    except (ProvenanceError, OSError) as error:
        return Recovered(folder, "failed", problem=describe_error(error))
    finally:
        lock.release()


def _has_ended(folder: Path) -> bool:
    try:
        return read_record(folder).record.status != "running"
    except ProvenanceError:
        return False


def _close(folder: Path) -> tuple[Gap, ...]:
    """Write the record of a run whose process is gone, and return what is missing."""
    gaps: list[Gap] = []
    _mend_log(folder, gaps)
    record = _read(folder, gaps)
    state = read_log_state(folder, record)
    record = close_former(record, state)
    last = state.written_at or "an unknown time"
    text = f"the process was killed; the last entry of its log is of {last}"
    gaps.append(make_gap("run", "crashed", text))
    gaps.append(make_gap("compute", "absent", "what the killed process used is not known"))
    found = FoundRecord(folder, record)
    gone = [it.id for it in record.checkpoints if not is_whole(found, it)]
    if gone:
        more = f" and {len(gone) - MAX_NAMED} more" if len(gone) > MAX_NAMED else ""
        text = f"{', '.join(gone[:MAX_NAMED])}{more}: not there as it was recorded"
        gaps.append(make_gap("checkpoints", "absent", text))
    closed = record.updated(
        status="interrupted",
        failure="the process was killed",
        gaps=(*record.gaps, *gaps)[:MAX_GAPS],
    )
    write_atomic(folder / RECORD_NAME, closed.to_bytes())
    if closed.log is not None:
        with LogWriter(folder / LOG_NAME) as log:
            log.append(encode_entry("finish", now(), status="interrupted"))
    return tuple(gaps)


def _mend_log(folder: Path, gaps: list[Gap]) -> None:
    """Cut off a torn line, and set a log aside that holds a line which does not check."""
    path = folder / LOG_NAME
    if not path.exists():
        return
    whole = 0
    for line, fault in _lines(path):
        if fault is not None:
            aside = _free_name(path)
            size = path.stat().st_size
            path.replace(aside)
            with aside.open("rb") as file:
                write_atomic(path, file.read(whole))
            text = f"{fault}: {size - whole} bytes from there on are in {aside.name} alone"
            gaps.append(make_gap("training log", "failed", text))
            return
        whole += len(line) + 1
    torn = path.stat().st_size - whole
    if torn:
        LogWriter(path).close()
        text = f"the last line was torn: {torn} bytes of it are lost"
        gaps.append(make_gap("training log", "crashed", text))


def _lines(path: Path) -> Iterator[tuple[bytes, str | None]]:
    """Yield the whole lines of a log, the last one with what is wrong with it."""
    lines = iterate_lines(path, allow_torn=True)
    number = 0
    while True:
        number += 1
        try:
            line = next(lines)
            parse_entry(line, source=f"line {number}")
        except StopIteration:
            return
        except ManifestError as error:
            yield b"", describe_error(error)
            return
        yield line, None


def _read(folder: Path, gaps: list[Gap]) -> Record:
    """Return the record, or what can be said without it."""
    path = folder / RECORD_NAME
    if path.exists():
        try:
            return read_record(folder).record
        except ProvenanceError as error:
            aside = _free_name(path)
            path.replace(aside)
            text = f"the record could not be read and is in {aside.name}: {describe_error(error)}"
            gaps.append(make_gap("record", "failed", text))
    else:
        gaps.append(make_gap("record", "absent", "the process was killed before its first record"))
    text = "code, settings, environment and data of this run are not known"
    gaps.append(make_gap("record", "absent", text))
    return _from_log(folder)


def _from_log(folder: Path) -> Record:
    """Return the record that the log alone makes."""
    named = _FOLDER.fullmatch(folder.name)
    started = now()
    if named is not None:
        year, month, day, hour, minute, second = named.groups()[1:]
        started = f"{year}-{month}-{day}T{hour}:{minute}:{second}Z"
    name = named.group(1) if named is not None else folder.name
    fields: dict[str, Any] = {
        "id": folder.name if named is not None else make_id(folder.name, "run"),
        "name": name,
        "started_at": started,
        "generator": generator(),
    }
    if not (folder / LOG_NAME).is_file():
        return Record(**fields)
    entries = [parse_entry(it) for it in iterate_lines(folder / LOG_NAME) if b'"metrics"' not in it]
    names: dict[str, None] = {}
    steps = [0]
    for line in iterate_lines(folder / LOG_NAME):
        entry = parse_entry(line)
        names |= dict.fromkeys(list(entry.values)[: MAX_NAMES - len(names)])
        if entry.step is not None:
            steps.append(entry.step)
    segment = Segment(id=f"{make_id(name)}-1", from_step=0, to_step=max(steps))
    return Record(
        **fields,
        log=FileReference(path=LOG_NAME, media_type="application/jsonl"),
        segments=(segment,),
        checkpoints=_saved(entries, segment.id),
        metric_names=tuple(names),
    )


def _saved(entries: list[LogEntry], segment: str) -> tuple[Checkpoint, ...]:
    found: dict[str, Checkpoint] = {}
    for entry in entries:
        if entry.kind != "checkpoint":
            continue
        tree: dict[str, Any] = {
            "id": entry.fields.get("checkpoint"),
            "step": entry.step or 0,
            "segment": segment,
            "files": entry.fields.get("files"),
        }
        saved = parse_document(Checkpoint, {k: v for k, v in tree.items() if v is not None})
        found[saved.id] = saved
    return tuple(found.values())


def _free_name(path: Path) -> Path:
    for number in range(1, MAX_RUNS):
        aside = path.with_name(f"{path.name}{ASIDE}" + (f"-{number}" if number > 1 else ""))
        if not os.path.lexists(aside):
            return aside
    raise RecordingError(path=str(path), problem="too many damaged files were set aside here")
