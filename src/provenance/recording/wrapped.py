"""`provenance run`: record a command that has no line of ours in it, from outside.

The command runs as it would run by itself. What is seen is what stands around it, what Python's
audit events tell from inside (`wrapped_child`), and what changed in a folder; the record says that
this is all.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from provenance.capture import (
    capture_code,
    capture_command,
    capture_environment,
    describe_compute,
    public_path,
    redact_text,
)
from provenance.capture.paths import manifest_path
from provenance.digest import hash_file, read_file
from provenance.errors import InputError, ProvenanceError
from provenance.recording.about import generator
from provenance.recording.child_process import run_child
from provenance.recording.documents import add_document, keep_requirements
from provenance.recording.folder_changes import changed_files, look_at_folder
from provenance.recording.joining import JOINS, join_records, new_records
from provenance.recording.observing import MAX_LOG_BYTES, keep_undeclared, parse_events
from provenance.recording.recorder import MAX_NAME_CHARACTERS, MAX_SCRIPT_BYTES
from provenance.recording.records import Record, WrittenFile
from provenance.recording.requeues import hold_folder
from provenance.recording.state import RunState, make_gap, make_id, new_run_folder, now, precise_now

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from provenance.recording.child_process import Ended
    from provenance.recording.folder_changes import FolderState
    from provenance.recording.observing import Event
    from provenance.recording.wrapped_command import WrappedCommand

__all__ = ["WrappedRun", "record_command"]

#: Most written files that a record lists.
MAX_WRITTEN: Final = 1_000

#: Most bytes of written files that are hashed, together.
MAX_HASHED_TOTAL: Final = 4 * 1024**3

# Signals by which people and schedulers end a command; others say that it failed.
_REQUESTS: Final = frozenset({1, 2, 15})

WATCHED: Final = (
    "recorded from outside: seen were the command, what was installed, the files that Python "
    "itself opened in this process and in those forked from it, and what changed in the watched "
    "folder; not seen were settings, seeds, metrics and what the data is for, and files that "
    "native code or another program opened"
)
UNWATCHED: Final = (
    "recorded from outside, and the command is no Python script or module that can be watched: "
    "seen were the command, how it ended and what changed in the watched folder; not seen was "
    "which files it read"
)
OTHER_PYTHON: Final = (
    "the command runs in another Python than the recorder, or in none: what is installed there "
    "was not seen"
)


@dataclass(frozen=True, slots=True)
class WrappedRun:
    """How a wrapped command ended, and where its record lies."""

    code: int
    """Its exit code, or minus the number of the signal that ended it."""

    folder: Path | None
    """The run folder; nothing if it could not be made."""

    joined: bool = False
    """Whether the script records itself, so that `folder` is its own."""


@dataclass(slots=True)
class _Wrapping:
    """One wrapped command while it is recorded."""

    command: WrappedCommand
    state: RunState
    watched: Path
    folder: Path = field(default_factory=Path.cwd)

    def attempt(self, action: str, act: Callable[[], None]) -> None:
        """Do one part of recording; the command does not depend on it."""
        try:
            act()
        except Exception as error:  # noqa: BLE001 - as `faults.guarded`: the command goes on
            self.state.add_failure(action, error)

    def before(self) -> FolderState:
        """Capture what is around the command."""
        place = self.folder if self.command.script is None else self.command.script.parent
        self.attempt("command", self._command)
        self.attempt("code", lambda: self._code(place))
        self.attempt("copy", self._copy)
        self.attempt("environment", lambda: self._environment(place))
        text = WATCHED if self.command.is_watched else UNWATCHED
        self.attempt("gap", lambda: self.state.add_gaps([make_gap("recording", "absent", text)]))
        return self.look()

    def look(self) -> FolderState:
        """Return the state of the watched folder."""
        runs = self.state.folder
        return look_at_folder(self.watched, besides=() if runs is None else (runs,))

    def _command(self) -> None:
        captured = capture_command(self.command.words, project=self.folder)
        self.state.add_gaps(captured.gaps)
        self.state.change(command=captured.value)

    def _code(self, place: Path) -> None:
        captured = capture_code(place, script=self.command.script)
        self.state.add_gaps(captured.gaps)
        self.state.change(code=captured.value)

    def _copy(self) -> None:
        script, code = self.command.script, self.state.record.code
        if script is None or code is None:
            return
        if script.stat().st_size > MAX_SCRIPT_BYTES:
            text = f"the script is larger than {MAX_SCRIPT_BYTES} bytes and was not copied"
            self.state.add_gaps([make_gap("script", "absent", text)])
            return
        data = read_file(script, max_bytes=MAX_SCRIPT_BYTES)
        suggested = f"code-{script.stem}"
        kept = add_document(self.state, data, name=script.name, kind="code", suggested=suggested)
        self.state.change(code=code.updated(document=kept))

    def _environment(self, place: Path) -> None:
        captured = capture_environment("environment", code_folder=place)
        self.state.add_gaps(captured.gaps)
        environment = captured.value
        if not self.command.is_own_python:
            self.state.add_gaps([make_gap("packages", "absent", OTHER_PYTHON)])
            environment = environment.updated(packages=(), language=None)
        kept = keep_requirements(self.state, environment)
        self.state.change(environment=environment.updated(document=kept))

    def after(
        self,
        ended: Ended,
        events: Sequence[Event],
        before: FolderState,
        began: float,
        *,
        hashing: bool,
    ) -> None:
        """Record how the command ended, what it read and what it changed."""
        prefixes = [f"{text}/" for kind, text in events if kind == "p" and _is_own_folder(text)]
        self.attempt(
            "inputs",
            lambda: keep_undeclared(
                self.state,
                events,
                began=began,
                project=self.folder,
                hashing=hashing,
                outside=prefixes,
            ),
        )
        self.attempt("outputs", lambda: self._outputs(events, before, hashing=hashing))
        self.attempt("finish", lambda: self._finish(ended))

    def _outputs(self, events: Sequence[Event], before: FolderState, *, hashing: bool) -> None:
        after = self.look()
        changed, gone = changed_files(before, after)
        written = {os.path.realpath(text) for kind, text in events if kind == "w"}
        temporary = os.path.realpath(tempfile.gettempdir())
        paths = sorted({*changed, *(it for it in written if not it.startswith(f"{temporary}/"))})
        budget = MAX_HASHED_TOTAL if hashing else 0
        files: list[WrittenFile] = []
        for path in paths:
            size = _size_of(path)
            if size is None or len(files) >= MAX_WRITTEN:
                continue
            digest = None
            if size <= budget:
                budget -= size
                with suppress(ProvenanceError):
                    digest = hash_file(path, algorithms=("blake3",)).digest
            name = redact_text(public_path(path, project=self.folder)).value
            files.append(WrittenFile(path=manifest_path(name), size=size, digest=digest))
        if gone:
            text = f"{gone} files of the watched folder were there before the command, and no more"
            self.state.add_gaps([make_gap("outputs", "absent", text)])
        if len(paths) > MAX_WRITTEN or not (before.complete and after.complete):
            text = "there are more files than are compared: not all that were written are listed"
            self.state.add_gaps([make_gap("outputs", "absent", text)])
        self.state.change(written_files=tuple(files))

    def _finish(self, ended: Ended) -> None:
        requested = -ended.code in _REQUESTS
        status = "completed" if ended.code == 0 else "interrupted" if requested else "failed"
        if ended.code:
            self.state.add_gaps([make_gap("run", "crashed", ended.words)])
        environment = self.state.record.environment
        compute = describe_compute(
            ended.usage, None if environment is None else environment.hardware
        )
        self.state.add_gaps(compute.gaps)
        self.state.change(
            status=status,
            failure=ended.words if ended.code else None,
            exit_code=ended.code if ended.code >= 0 else 128 - ended.code,
            ended_at=now(),
            compute=compute.value,
        )
        self.state.closed = True


def record_command(
    command: WrappedCommand,
    *,
    name: str,
    output: str | os.PathLike[str],
    watched: Path | None = None,
    strict: bool = False,
    hashing: bool = True,
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
        environment: The command's environment variables; by default those of this process.

    Raises:
        InputError: The command cannot be started.
        ProvenanceError: Only if strict: something could not be recorded.
    """
    wrapping = _begin(command, name, Path(output), watched or Path.cwd(), strict=strict)
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
) -> _Wrapping:
    name = name[:MAX_NAME_CHARACTERS] or "run"
    folder, fault = None, None
    try:
        folder = new_run_folder(output, name).resolve()
    except ProvenanceError as error:
        fault = error
    identifier = folder.name if folder else make_id(name, "run")
    began = Record(id=identifier, name=name, started_at=precise_now(), generator=generator())
    wrapping = _Wrapping(command, RunState(began, folder, strict=strict), watched)
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


def _size_of(path: str) -> int | None:
    place = Path(path)
    try:
        return place.stat().st_size if place.is_file() else None
    except (OSError, ValueError):
        return None


def _is_own_folder(prefix: str) -> bool:
    """Return whether a prefix of a Python holds nothing but Python."""
    return prefix not in {"", "/", "/usr", "/usr/local"}
