"""Texts of a tracker as they may become public: no names of users in paths. No I/O.

Secrets are taken out afterwards, where each text is recorded (`provenance.capture`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from provenance.canonical import MAX_DEPTH
from provenance.capture import redact_text, shorten_home
from provenance.capture.captured import one_line

__all__ = ["public_line", "public_text", "public_tree", "read_value"]

#: Longest line, in characters.
MAX_LINE_CHARACTERS: Final = 1_000

#: Longest text that is read as a number, in characters.
MAX_NUMBER_CHARACTERS: Final = 40

# A home folder, of whichever machine the run was on.
_HOME = re.compile(
    r"(?<![A-Za-z0-9._~-])(?:file://)?(?:/home|/Users|[A-Za-z]:[\\/]Users)[\\/][^\\/\s\"',;:]+"
)

_INTEGER = re.compile(r"-?(?:0|[1-9]\d{0,38})")

_WORDS: Final[Mapping[str, bool | None]] = {"True": True, "False": False, "None": None}


def public_text(text: str) -> str:
    """Return a text with every home folder as `~`, of any machine and user.

    >>> public_text("/home/alice/data/train.csv")
    '~/data/train.csv'
    """
    return _HOME.sub("~", shorten_home(text))


def public_line(text: str, *, max_characters: int = MAX_LINE_CHARACTERS) -> str:
    """Return a text as one printable line without secrets, as names and words of commands are."""
    line = one_line(public_text(text), max_characters=max_characters)
    return one_line(redact_text(line).value, max_characters=max_characters)


def public_tree(tree: Any, depth: int = 0) -> Any:  # noqa: ANN401 - free JSON
    """Return free JSON with `public_text` of all its texts; what is too deep is left out."""
    if depth >= MAX_DEPTH:
        return "[left out]"
    if isinstance(tree, str):
        return public_text(tree)
    if isinstance(tree, Mapping):
        return {public_text(str(key)): public_tree(value, depth + 1) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return tuple(public_tree(value, depth + 1) for value in tree)
    return tree


def read_value(text: str) -> object:
    """Return the number or truth value whose text this is in Python, else the text itself.

    Trackers keep settings as texts. Only what is written again as the same text is read.

    >>> read_value("0.001"), read_value("1e-3"), read_value("True")
    (0.001, '1e-3', True)
    """
    if text in _WORDS:
        return _WORDS[text]
    if len(text) > MAX_NUMBER_CHARACTERS:
        return text
    if _INTEGER.fullmatch(text) and text != "-0":
        return int(text)
    try:
        number = float(text)
    except ValueError:
        return text
    return number if repr(number) == text else text
