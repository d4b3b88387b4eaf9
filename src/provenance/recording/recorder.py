"""Where recording begins: `record` as a context manager, `start` with `run.finish()`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from provenance.capture import capture_code, capture_command, capture_environment, find_script
from provenance.digest import read_file
from provenance.errors import ProvenanceError, UsageError
from provenance.recording.beginnings import begin, begin_nowhere
from provenance.recording.documents import add_document, keep_requirements
from provenance.recording.faults import Guard, guarded, nothing
from provenance.recording.observing import begin_observing
from provenance.recording.run import Run
from provenance.recording.signals import Termination
from provenance.recording.state import RunState, make_gap

if TYPE_CHECKING:
    from provenance.recording.requeues import Resume

__all__ = ["record", "start", "start_nowhere"]

#: Longest name of a run that is kept, in characters.
MAX_NAME_CHARACTERS: Final = 200

#: Largest script that is copied, in bytes.
MAX_SCRIPT_BYTES: Final = 1024 * 1024


def record(
    name: str,
    *,
    output: str | os.PathLike[str],
    strict: bool = False,
    script: str | os.PathLike[str] | None = None,
    copy_script: bool = True,
    code_patch: bool = False,
    undeclared: Literal["hash", "list", "ignore"] = "hash",
    resume: Resume = "never",
    rank: int | None = None,
) -> Run:
    """Record one process: `with provenance.record("train", output="runs") as run:`.

    An exception inside the block is recorded and goes on unchanged.

    Args:
        name: What this process is, e.g. `prepare`, `train`, `evaluate`.
        output: The project folder; every process of a project records into it, each into a folder
            of its own.
        strict: Raise where recording fails, instead of recording a gap and warning.
        script: The script that runs; otherwise the one that Python was started with.
        copy_script: Keep the script's bytes as a document, so that a reader can match them.
        code_patch: Keep the differences of the work tree from its commit as a document, unless a
            line of them looks like a secret. Their digest is recorded in any case.
        undeclared: What becomes of data files that the script opens and nobody declares: they are
            listed with their digests, listed without, or not looked for.
        resume: `auto` goes on with the run of this name that has not completed, if there is one;
            `must` takes it for a failure if there is none; `never` begins a new run. Several are
            refused. Where a run is resumed, `run.resumed_from` is the checkpoint to load.
        rank: Which of the processes that train together this is; otherwise what the launcher's
            variables say. Rank 0 records; on others, every method does nothing.

    Returns:
        The run, which is the context manager.

    Raises:
        ProvenanceError: Only if strict: something could not be recorded.
    """
    return start(
        name,
        output=output,
        strict=strict,
        script=script,
        copy_script=copy_script,
        code_patch=code_patch,
        undeclared=undeclared,
        resume=resume,
        rank=rank,
    )


def start(
    name: str,
    *,
    output: str | os.PathLike[str],
    strict: bool = False,
    script: str | os.PathLike[str] | None = None,
    copy_script: bool = True,
    code_patch: bool = False,
    undeclared: Literal["hash", "list", "ignore"] = "hash",
    resume: Resume = "never",
    rank: int | None = None,
) -> Run:
    """Begin to record this process; `run.finish()` ends it. Takes and raises what `record` does."""
    name = str(name)[:MAX_NAME_CHARACTERS] or "run"
    try:
        begun = begin(Path(output), name, resume=resume, rank=rank, strict=strict)
    except Exception as error:
        if strict and isinstance(error, ProvenanceError):
            raise
        begun = begin_nowhere(name, error)  # training goes on
    state = begun.state(strict=strict)
    run = Run(state)
    if not state.rank.writes:
        return run
    guard = Guard(state, Termination(lambda *_: None))
    for action, fault in begun.faults:
        guard.failed(action, fault)
    for text in begun.warnings:
        state.warn_once(text)
    world = _World(guard, state)
    world.capture(script, copy_script=copy_script, code_patch=code_patch)
    world.observe(undeclared)
    if begun.former is not None:
        run.begin_again(begun.former)
    return run


def start_nowhere(name: str) -> Run:
    """Return a run that keeps what it is told in memory, for callers who were given no place.

    Whatever it is told is lost with the process; the first metric says so with a warning.
    """
    fault = UsageError(problem="no output is named", remedy="name a project folder")
    return Run(begin_nowhere(name, fault).state(strict=False))


class _World:
    """Captures what is around a run when it begins, each part by itself."""

    def __init__(self, guard: Guard, state: RunState) -> None:
        self._guard = guard
        self._state = state

    def capture(
        self, named: str | os.PathLike[str] | None, *, copy_script: bool, code_patch: bool
    ) -> None:
        """Capture command, code and environment, and write the record for the first time."""
        script = self._script(named)
        self._command()
        self._code(script, code_patch=code_patch)
        if copy_script and script is not None:
            self._copy(script)
        self._environment(Path.cwd() if script is None else script.parent)

    @guarded(nothing)
    def _script(self, named: str | os.PathLike[str] | None) -> Path | None:
        return _script(named)

    @guarded(nothing)
    def observe(self, undeclared: str) -> None:
        """Listen from now on to which files the script opens."""
        begin_observing(self._state, undeclared)

    @guarded(nothing)
    def _command(self) -> None:
        captured = capture_command()
        self._state.add_gaps(captured.gaps)
        self._state.change(command=captured.value)

    @guarded(nothing)
    def _code(self, script: Path | None, *, code_patch: bool) -> None:
        if script is None:
            absent = make_gap("script", "absent", "there is no script file: an interactive session")
            self._state.add_gaps([absent])
        folder = Path.cwd() if script is None else script.parent
        keep = self._keep_patch if code_patch else None
        captured = capture_code(folder, script=script, keep_patch=keep)
        self._state.add_gaps(captured.gaps)
        self._state.change(code=captured.value)

    @guarded(nothing)
    def _keep_patch(self, patch: bytes) -> None:
        add_document(self._state, patch, name="uncommitted.patch", kind="code")

    @guarded(nothing)
    def _copy(self, script: Path) -> None:
        if script.stat().st_size > MAX_SCRIPT_BYTES:
            text = f"the script is larger than {MAX_SCRIPT_BYTES} bytes and was not copied"
            self._state.add_gaps([make_gap("script", "absent", text)])
            return
        data = read_file(script, max_bytes=MAX_SCRIPT_BYTES)
        name = f"code-{script.stem}"
        kept = add_document(self._state, data, name=script.name, kind="code", suggested=name)
        code = self._state.record.code
        if code is not None:
            self._state.change(code=code.updated(document=kept))

    @guarded(nothing)
    def _environment(self, folder: Path) -> None:
        captured = capture_environment("environment", code_folder=folder)
        self._state.add_gaps(captured.gaps)
        kept = keep_requirements(self._state, captured.value)
        self._state.change(environment=captured.value.updated(document=kept))


def _script(named: str | os.PathLike[str] | None) -> Path | None:
    if named is None:
        return find_script()
    path = Path(os.path.realpath(named))
    return path if path.is_file() else None
