"""How commands speak: text or JSON on standard output, one-line messages on standard error.

A reader who closes the pipe early changes no exit code: `provenance verify … | head -1` still tells
a script the verdict.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

import click

from provenance.render import escape, shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, TypeVar

    F = TypeVar("F", bound=Callable[..., Any])

__all__ = [
    "drop_output",
    "flush",
    "format_option",
    "in_colour",
    "say",
    "say_error",
    "say_json",
    "say_note",
    "say_warning",
]

#: Longest message, in characters: a message with foreign text in it must not flood a log.
MAX_MESSAGE_CHARACTERS = 4_000


def format_option(command: F) -> F:
    """Add `--format text|json` to a command that prints a result."""
    option = click.option(
        "--format",
        "output_format",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="For people, or for programs.",
    )
    return option(command)


def say(text: str) -> None:
    """Print text that was made by `provenance.render`, or by us, on standard output."""
    with _closed_pipe_is_fine():
        click.echo(text)


def say_json(value: object) -> None:
    """Print a JSON value on standard output, in ASCII: safe on every terminal, for every reader."""
    say(json.dumps(value, indent=2, sort_keys=True, allow_nan=False))


def say_note(message: str) -> None:
    """Print one line for people on standard error; if that fails, the exit code stays."""
    try:
        click.echo(_one_line(message), err=True)
    except OSError:
        drop_output(sys.stderr)


def say_warning(message: str) -> None:
    """Print one line that begins with `warning:` on standard error."""
    say_note(f"warning: {message}")


def say_error(message: str) -> None:
    """Print one line that begins with `error:` on standard error."""
    say_note(f"error: {message}")


def flush() -> None:
    """Bring everything that was said to its reader.

    Raises:
        OSError: It cannot be brought there (a full disk): the result is lost, and must not look
        done.
    """
    try:
        with _closed_pipe_is_fine():
            sys.stdout.flush()
    except OSError:
        drop_output(sys.stdout)
        raise


def drop_output(stream: TextIO) -> None:
    """Let nothing more reach a standard stream that failed.

    What is still in the buffer would be written when Python ends, fail again, and change the exit
    code to 120 (on some versions after a full disk, always after a closed pipe).
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def in_colour() -> bool:
    """Return whether standard output is a terminal whose user has not asked for plain text."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return sys.stdout.isatty() and not plain


def _one_line(message: str) -> str:
    return escape(shorten(message, MAX_MESSAGE_CHARACTERS))


@contextmanager
def _closed_pipe_is_fine() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        # Whatever is still in the buffer goes nowhere, instead of failing once more at exit.
        drop_output(sys.stdout)
