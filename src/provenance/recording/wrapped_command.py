"""Reading a command line: is it Python with a script or a module, and where do their words begin.

Only such a command can be watched from inside. The interpreter is asked for its version; nothing
else is run.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from provenance.recording import wrapped_child

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["WrappedCommand", "read_command"]

_PYTHON = re.compile(r"(?:python|pypy)[0-9.]*(?:\.exe)?", re.IGNORECASE)

# Options of Python without a value, which may be joined (`-uB`); those that start something else
# than a script, such as `-i` and `-x`, are not among them.
_FLAGS: Final = frozenset("bBdEIOPqRsSuv")
_WITH_VALUE: Final = ("-W", "-X", "--check-hash-based-pycs")


#: How long an interpreter may take to say which one it is, in seconds.
ANSWER_SECONDS: Final = 10.0

# Audit events came with 3.8, and absolute names of `__main__` with 3.9; PyPy has no such events.
_QUESTION: Final = (
    "import sys; "
    "print('yes' * (sys.version_info >= (3, 9) and sys.implementation.name == 'cpython'))"
)


@dataclass(frozen=True, slots=True)
class WrappedCommand:
    """A command as it is recorded and as it is started."""

    words: tuple[str, ...]
    """The command and its arguments, as the user gave them."""

    program: str | None
    """The file that is started; nothing if there is none."""

    script: Path | None = None
    """The Python script or module that it runs, where its file is known."""

    position: int | None = None
    """Where the script or `-m` stands among the words; nothing if it cannot be watched."""

    @property
    def is_watched(self) -> bool:
        """Whether Python tells which files it opens."""
        return self.position is not None and self.program is not None

    @property
    def is_own_python(self) -> bool:
        """Whether it is the interpreter, and so the packages, of this process."""
        if not self.is_watched or self.program is None:
            return False
        folders = (Path(os.path.realpath(Path(it).parent)) for it in (self.program, sys.executable))
        return next(folders) == next(folders)

    def launch(self, log: Path, began: float) -> list[str]:
        """Return the words that start it, with the launcher before the script if it is watched."""
        if self.position is None:
            return list(self.words)
        launcher = (str(Path(wrapped_child.__file__).resolve()), str(log), repr(began))
        return [*self.words[: self.position], *launcher, *self.words[self.position :]]


def read_command(words: Sequence[str]) -> WrappedCommand:
    """Read a command line; at least one word."""
    command = tuple(words)
    program = shutil.which(command[0])
    position = _find_target(command) if _PYTHON.fullmatch(Path(command[0]).name) else None
    if position is None or program is None or not _can_watch(program):
        return WrappedCommand(command, program)
    target = command[position]
    if target == "-m":
        return WrappedCommand(command, program, _module_file(command[position + 1]), position)
    path = Path(target)
    if not path.is_file() or path.suffix == ".pyc" or zipfile.is_zipfile(path):
        return WrappedCommand(command, program)  # Python itself says what is wrong, or runs it
    return WrappedCommand(command, program, Path(os.path.realpath(path)), position)


def _can_watch(program: str) -> bool:
    """Return whether an interpreter is one that the launcher changes nothing for."""
    if os.path.realpath(program) == os.path.realpath(sys.executable):
        return True
    # Isolated and without `site`: nothing of the current folder or of an environment is loaded.
    words = [program, "-I", "-S", "-c", _QUESTION]
    try:
        answer = subprocess.run(  # noqa: S603 - the program that the user is about to run
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=ANSWER_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0 and answer.stdout.strip() == b"yes"


def _find_target(command: Sequence[str]) -> int | None:
    """Return the position of the script or of `-m`; nothing where neither is run."""
    position = 1
    while position < len(command):
        word = command[position]
        if word == "-m":
            return position if position + 1 < len(command) else None
        if word in _WITH_VALUE:
            position += 2
        elif word.startswith(("-W", "-X")) or (
            word.startswith("-") and word != "-" and _FLAGS.issuperset(word[1:])
        ):
            position += 1
        else:
            return None if word.startswith("-") or not word else position
    return None


def _module_file(name: str) -> Path | None:
    """Return the file of a module of the current folder; nobody imports its packages to find it."""
    place = Path(*name.split(".")) if name.strip(".") else Path()
    for path in (place.with_suffix(".py") if place.name else place, place / "__main__.py"):
        if path.is_file():
            return Path(os.path.realpath(path))
    return None
