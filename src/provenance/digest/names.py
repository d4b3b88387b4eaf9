"""Names of files inside a tree: bound, portable, with one spelling.

A name is refused, never normalised, so that no two readers can take it for two files. Source:
`spec/digests.md`, section "Names". No I/O.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from provenance.canonical import MAX_NAME_BYTES, MAX_SEGMENT_BYTES, MAX_TREE_DEPTH
from provenance.errors import DigestError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["check_name", "find_collisions", "is_name", "printable_name"]

# No backslash (a separator on Windows, an escape in `sha256sum`), no control character (C0, DEL,
# C1), no lone surrogate (what Python makes of bytes that are not UTF-8).
_FORBIDDEN = r"\\\x00-\x1f\x7f-\x9f\ud800-\udfff"

# One segment: not "", ".", "..".
_SEGMENT = rf"(?!\.{{1,2}}(?:/|\Z))[^/{_FORBIDDEN}]++"

# No possessive group: before Python 3.11.5 one with branches inside matches wrongly (gh-106052).
_NAME = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})*")

# The common case, decided without encoding: so short a name breaks no limit.
_SHORT = MAX_SEGMENT_BYTES // 4

_FORBIDDEN_CHARACTER = re.compile(f"[{_FORBIDDEN}]")


def check_name(name: object) -> None:
    r"""Check that a name is a relative POSIX path in its one spelling.

    >>> check_name("data/train.csv")

    Raises:
        DigestError: Code `name-unsafe`. It is empty, absolute, has an empty, `.` or `..` segment,
            a backslash, a control character (U+0000 to U+001F, U+007F to U+009F) or a lone
            surrogate, or is longer or deeper than the limits.
    """
    if isinstance(name, str) and is_name(name):
        return
    raise DigestError(
        path=printable_name(name) if isinstance(name, str) else "",
        problem=f"the name is refused: {_reason(name)}",
        remedy="rename the file",
        code="name-unsafe",
    )


def is_name(text: str) -> bool:
    """Return whether `check_name` lets a text pass."""
    return _NAME.fullmatch(text) is not None and (len(text) <= _SHORT or _fits(text))


def find_collisions(names: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Return pairs of names that are one file on some systems.

    Two names collide if they are equal under Unicode NFC and case folding, or if under that rule
    one is a folder of the other (`a/b` and `A`). Each name is paired with the first that it meets;
    a name given twice is a pair with itself.
    """
    names = tuple(names)
    first: dict[str, str] = {}
    collisions = []
    for name in names:
        key = _portable_key(name)
        if key in first:
            collisions.append((first[key], name))
        else:
            first[key] = name
    folders = {name.rpartition("/")[0] for name in names}
    for folder in sorted(folders):
        parts = _portable_key(folder).split("/")
        for length in range(1, len(parts) + 1):
            file = first.get("/".join(parts[:length]))
            if file is not None:
                collisions.append((file, folder + "/"))
    return tuple(collisions)


def printable_name(name: str) -> str:
    """Return a name as it may stand in a report: whatever is not printable is written out."""
    if name.isprintable():  # nearly every name
        return name
    return "".join(
        character if character.isprintable() else ascii(character)[1:-1] for character in name
    )


def _fits(name: str) -> bool:
    """Return whether the name keeps the limits on length and depth."""
    segments = name.encode("utf-8").split(b"/")
    return (
        sum(map(len, segments)) + len(segments) - 1 <= MAX_NAME_BYTES
        and max(map(len, segments)) <= MAX_SEGMENT_BYTES
        and len(segments) <= MAX_TREE_DEPTH
    )


def _reason(name: object) -> str:
    """Return the first rule that a refused name breaks."""
    if not isinstance(name, str):
        return f"a {type(name).__name__} is not text"
    if name.startswith("/"):
        return "it is absolute"
    if found := _FORBIDDEN_CHARACTER.search(name):
        return f"it holds the character {found.group()!a}"
    if not _NAME.fullmatch(name):
        return "it has an empty, `.` or `..` segment"
    return (
        f"it has more than {MAX_NAME_BYTES} bytes, {MAX_SEGMENT_BYTES} bytes in one segment, "
        f"or {MAX_TREE_DEPTH} segments"
    )


def _portable_key(name: str) -> str:
    """Return what a name becomes where letter case and Unicode form are ignored."""
    if name.isascii():
        return name.lower()
    # Case folding can undo NFC, so that it is applied on both sides.
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
