"""What a capture returns: a manifest part, and the gaps that it could not fill. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

from provenance.digest import printable_name
from provenance.manifest import Gap

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Captured", "GapKind", "ask", "describe_error", "make_gap", "one_line"]

#: Longest line of text, in characters; documents refuse longer ones.
MAX_LINE_CHARACTERS = 1_000

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
GapKind = Literal["absent", "failed", "redacted"]


@dataclass(frozen=True, slots=True)
class Captured(Generic[T_co]):
    """A part of the world as manifest parts, with what is missing from it."""

    value: T_co
    """The part. Fields that could not be filled are absent in it."""

    gaps: tuple[Gap, ...] = ()
    """What is missing, and why; recorded, never raised."""


def make_gap(subject: str, kind: GapKind, description: str) -> Gap:
    """Return a gap; its texts are made into lines of bounded length."""
    return Gap(subject=one_line(subject), kind=kind, description=one_line(description))


def one_line(text: str, *, max_characters: int = MAX_LINE_CHARACTERS) -> str:
    """Return foreign text as one line that any document takes: escaped, and cut to a length."""
    line = printable_name(text[: max_characters + 1])
    return line if len(line) <= max_characters else line[: max_characters - 1] + "…"


def describe_error(error: BaseException) -> str:
    """Return what went wrong without the names of files or values that a message may quote."""
    kind = type(error).__name__
    return f"{kind}: {error.strerror}" if isinstance(error, OSError) and error.strerror else kind


def ask(subject: str, question: Callable[[], T]) -> Captured[T | None]:
    """Return the answer of a foreign library, or a gap: whatever it raises must not stop a run."""
    try:
        return Captured(question())
    except Exception as error:  # noqa: BLE001 - foreign code may raise anything; the gap records it
        return Captured(None, (make_gap(subject, "failed", describe_error(error)),))
