"""The command line of this process, without secrets and without the user's own folders."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from provenance.capture.captured import Captured, make_gap
from provenance.capture.paths import printable_text, public_path, real_path, shorten_home
from provenance.capture.redaction import redact_command

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["capture_command", "find_script"]

#: Most arguments that are kept.
MAX_ARGUMENTS = 1_000

#: Longest argument that is kept, in characters.
MAX_ARGUMENT_CHARACTERS = 4_000

# Options of Python that take a value of their own.
_PYTHON_OPTIONS_WITH_VALUE = frozenset({"-W", "-X", "--check-hash-based-pycs"})

# What Ray starts its workers with.
_RAY_WORKER = "/ray/_private/workers/default_worker.py"


def capture_command(
    arguments: Sequence[str] | None = None, *, project: str | os.PathLike[str] | None = None
) -> Captured[tuple[str, ...]]:
    """Return the command that started this process, as a list of arguments.

    Args:
        arguments: The command line; by default the one that Python was started with.
        project: Absolute paths inside this folder become relative; by default the current folder.

    Returns:
        The arguments, the interpreter by its bare name. Nothing, and a gap, in a notebook and in a
        worker of Ray, whose command lines are their own and say nothing about what ran.
    """
    found = tuple(arguments if arguments is not None else sys.orig_argv or sys.argv)
    kind = _kind(found)
    if kind == "notebook":
        text = "runs in a notebook; there is no command line, and no script that holds the code"
        return Captured((), (make_gap("command", "absent", text),))
    if kind == "worker":
        text = (
            "runs in a worker of Ray, whose command line is Ray's own; the driver has the script's"
        )
        return Captured((), (make_gap("command", "absent", text),))
    place = real_path(project if project is not None else Path.cwd())
    texts = [_public(text, place) for text in found[:MAX_ARGUMENTS]]
    if texts and arguments is None:
        texts[0] = Path(found[0]).name or texts[0]
    redacted = redact_command(texts)
    cut = tuple(text[:MAX_ARGUMENT_CHARACTERS] for text in redacted.value)
    gaps = redacted.gaps("command")
    if cut != redacted.value or len(found) > MAX_ARGUMENTS:
        gaps += (make_gap("command", "failed", "the command line is too long and was cut"),)
    if kind == "interactive":
        gaps += (make_gap("command", "absent", "runs in an interactive session, without a script"),)
    return Captured(tuple(text or " " for text in cut), gaps)


def find_script() -> Path | None:
    """Return the script that runs in this process, or nothing in a session, `-c` or notebook."""
    if _kind(tuple(sys.orig_argv)) in {"notebook", "interactive", "worker"}:
        return None
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    path = Path(os.path.realpath(file)) if isinstance(file, str) else None
    return path if path is not None and path.is_file() else None


def _kind(arguments: tuple[str, ...]) -> str:
    """Return how Python was started: `script`, `module`, `interactive`, `notebook`, `worker`, ….

    A worker is a process that Ray has begun, which then runs functions of a script.
    """
    if any("ipykernel" in text or "colab_kernel" in text for text in arguments[:4]):
        return "notebook"
    if any(text.replace("\\", "/").endswith(_RAY_WORKER) for text in arguments[1:4]):
        return "worker"
    rest = iter(arguments[1:])
    for text in rest:
        if text in _PYTHON_OPTIONS_WITH_VALUE:
            next(rest, None)
        elif text.startswith("-m"):
            return "module"
        elif text.startswith("-c"):
            return "text"
        elif not text.startswith("-") or text == "-":
            return "script"
    return "interactive"


def _public(text: str, project: Path) -> str:
    """Shorten what is a path, or `--option=PATH`, and whatever else names the home folder."""
    printable = printable_text(text)
    option, equals, value = printable.rpartition("=")
    if Path(value).is_absolute() and "://" not in value:
        return f"{option}{equals}{public_path(value, project=project)}"
    return shorten_home(printable)
