"""What is recorded of a command from outside: what stands around it, and what it left behind.

What changed in a folder is seen by its difference, and what Python opened by its audit events
(`wrapped_child`); the record says that this is all.
"""

from __future__ import annotations

import os
import tempfile
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
from provenance.errors import ProvenanceError
from provenance.manifest.fingerprints import fingerprinted
from provenance.recording.documents import add_document, keep_requirements
from provenance.recording.folder_changes import changed_files, look_at_folder
from provenance.recording.found_checkpoints import keep_checkpoints
from provenance.recording.observing import keep_undeclared
from provenance.recording.recorder import MAX_SCRIPT_BYTES
from provenance.recording.records import WrittenFile
from provenance.recording.state import make_gap, now

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from provenance.digest import DigestSet
    from provenance.recording.child_process import Ended
    from provenance.recording.folder_changes import FolderState
    from provenance.recording.observing import Event
    from provenance.recording.state import RunState
    from provenance.recording.wrapped_command import WrappedCommand

__all__ = ["OTHER_PYTHON", "UNWATCHED", "WATCHED", "Wrapping"]

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


@dataclass(slots=True)
class Wrapping:
    """One wrapped command while it is recorded."""

    command: WrappedCommand
    state: RunState
    watched: Path
    folder: Path = field(default_factory=Path.cwd)
    checkpoints: tuple[tuple[str, ...], ...] = ()

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
        # Threads and flags are those of this process, not of the command: no class follows.
        environment = fingerprinted(environment).updated(environment_class=None)
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
        known: dict[str, DigestSet] = {}
        self.attempt(
            "checkpoints",
            lambda: known.update(
                keep_checkpoints(self.state, self.checkpoints, changed, self.watched)
            ),
        )
        written = {os.path.realpath(text) for kind, text in events if kind == "w"}
        temporary = os.path.realpath(tempfile.gettempdir())
        paths = sorted({*changed, *(it for it in written if not it.startswith(f"{temporary}/"))})
        budget = MAX_HASHED_TOTAL if hashing else 0
        files: list[WrittenFile] = []
        for path in paths:
            size = _size_of(path)
            if size is None or len(files) >= MAX_WRITTEN:
                continue
            digest = known.get(path) if hashing else None
            if digest is None and size <= budget:
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
            segments=tuple(it.updated(status=status) for it in self.state.record.segments),
            status=status,
            failure=ended.words if ended.code else None,
            exit_code=ended.code if ended.code >= 0 else 128 - ended.code,
            ended_at=now(),
            compute=compute.value,
        )
        self.state.closed = True


def _size_of(path: str) -> int | None:
    place = Path(path)
    try:
        return place.stat().st_size if place.is_file() else None
    except (OSError, ValueError):
        return None


def _is_own_folder(prefix: str) -> bool:
    """Return whether a prefix of a Python holds nothing but Python."""
    return prefix not in {"", "/", "/usr", "/usr/local"}
