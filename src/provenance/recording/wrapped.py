"""`provenance run`: record a command that has no line of ours in it, from outside.

The command runs as it would run by itself. What is seen is what stands around it, what Python's
audit events tell from inside (`wrapped_child`), and what changed in a folder (`seen_outside`); the
record says that this is all.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from provenance.errors import InputError, ProvenanceError
from provenance.recording.about import generator
from provenance.recording.child_process import run_child
from provenance.recording.found_checkpoints import read_patterns
from provenance.recording.joining import JOINS, join_records, new_records
from provenance.recording.observing import MAX_LOG_BYTES, parse_events
from provenance.recording.recorder import MAX_NAME_CHARACTERS
from provenance.recording.records import Record
from provenance.recording.requeues import hold_folder
from provenance.recording.seen_outside import Wrapping
from provenance.recording.state import RunState, make_gap, make_id, new_run_folder, precise_now

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from provenance.recording.observing import Event
    from provenance.recording.wrapped_command import WrappedCommand

__all__ = ["WrappedRun", "record_command"]


@dataclass(frozen=True, slots=True)
class WrappedRun:
    """How a wrapped command ended, and where its record lies."""

    code: int
    """Its exit code, or minus the number of the signal that ended it."""

    folder: Path | None
    """The run folder; nothing if it could not be made."""

    joined: bool = False
    """Whether the script records itself, so that `folder` is its own."""


def record_command(
    command: WrappedCommand,
    *,
    name: str,
    output: str | os.PathLike[str],
    watched: Path | None = None,
    strict: bool = False,
    hashing: bool = True,
    checkpoints: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> WrappedRun:
    """Run a command as it would run by itself, and record what can be seen of it.

    Args:
        command: What `read_command` read; it has a program.
        name: What this process is, e.g. `train`.
        output: The project folder.
        watched: The folder whose changes are recorded; by default the current one.
        strict: Raise where recording fails.
        hashing: Whether files that were read and written are read for their digests.
        checkpoints: Patterns of files and folders, relative to the watched one: what matches and
            is new or changed is recorded as checkpoints.
        environment: The command's environment variables; by default those of this process.

    Raises:
        InputError: The command cannot be started.
        UsageError: A pattern is none; the command was not started.
        ProvenanceError: Only if strict: something could not be recorded.
    """
    patterns = read_patterns(checkpoints)
    wrapping = _begin(command, name, Path(output), watched or Path.cwd(), strict=strict)
    wrapping.checkpoints = patterns
    others = new_records(Path(output), set())
    before = wrapping.before()
    began = time.time()
    with _log() as log:
        words = list(command.words) if log is None else command.launch(log, began)
        if log is None:
            text = "there is no place for temporary files, so no opened file was seen"
            wrapping.state.add_gaps([make_gap("inputs", "failed", text)])
        try:
            ended = run_child(words, str(command.program), environment=environment)
        except OSError as error:
            _drop(wrapping.state)
            raise InputError(
                path=str(command.program),
                problem=f"the command cannot be started: {error.strerror}",
                remedy="name a program that you may run",
            ) from error
        events = _read(log)
    folders = [Path(text) for kind, text in events if kind in JOINS]
    own = {wrapping.state.folder} if wrapping.state.folder is not None else set()
    folders += sorted(new_records(Path(output), others) - {*own, *folders})
    if folders:
        _drop(wrapping.state)
        join_records(folders, events, began=began, project=wrapping.folder)
        return WrappedRun(ended.code, folders[0], joined=True)
    wrapping.after(ended, events, before, began, hashing=hashing)
    wrapping.state.unlock()
    return WrappedRun(ended.code, wrapping.state.folder)


def _begin(
    command: WrappedCommand, name: str, output: Path, watched: Path, *, strict: bool
) -> Wrapping:
    name = name[:MAX_NAME_CHARACTERS] or "run"
    folder, fault = None, None
    try:
        folder = new_run_folder(output, name).resolve()
    except ProvenanceError as error:
        fault = error
    identifier = folder.name if folder else make_id(name, "run")
    began = Record(id=identifier, name=name, started_at=precise_now(), generator=generator())
    wrapping = Wrapping(command, RunState(began, folder, strict=strict), watched)
    if fault is not None:
        wrapping.state.add_failure("output", fault)
    wrapping.attempt("lock", lambda: hold_folder(wrapping.state))
    return wrapping


class _log:  # noqa: N801 - used like a function
    """A private file for what the command opens; nothing where there is no place for it."""

    def __init__(self) -> None:
        self._folder: Path | None = None

    def __enter__(self) -> Path | None:
        try:
            self._folder = Path(tempfile.mkdtemp(prefix="provenance-"))
            log = self._folder / "opened"
            log.touch(mode=0o600)
        except OSError:
            return None
        return log

    def __exit__(self, *_: object) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def _read(log: Path | None) -> list[Event]:
    if log is None:
        return []
    try:
        with log.open("rb") as file:
            return parse_events(file.read(MAX_LOG_BYTES))
    except OSError:
        return []


def _drop(state: RunState) -> None:
    """Take away the folder of a record that nobody needs; it holds nothing but ours."""
    state.unlock()
    if state.folder is not None:
        shutil.rmtree(state.folder, ignore_errors=True)
