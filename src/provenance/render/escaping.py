"""Foreign text made safe for a terminal: what could move, hide or recolour becomes visible.

Everything that a manifest, a file name or an error message brings along is data. `escape` keeps it
on one line, in the order in which it is read; `escape_block` keeps the lines of prose apart, so
that its caller can put a mark before each. No I/O.

Source: Unicode, General_Category and Default_Ignorable_Code_Point.
"""

from __future__ import annotations

import re

__all__ = ["escape", "escape_block", "quoted", "shorten"]

#: Characters of one foreign value that a line shows unless its caller says otherwise.
MAX_VALUE_CHARACTERS = 2_000

# Every range is there for an attack on the reader of a terminal or a log.
_DANGEROUS = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # C0, DEL, C1: colours, cursor movement, titles, a second line
    "\u00ad\u034f\u061c"  # soft hyphen, grapheme joiner, Arabic letter mark
    "\u115f\u1160\u17b4\u17b5\u3164\uffa0\u2800"  # letters and a pattern that show nothing
    "\u180b-\u180f"  # Mongolian selectors and separator
    "\u200b-\u200f"  # zero-width space and joiners, direction marks
    "\u2028-\u202e"  # line and paragraph separators, bidirectional overrides
    "\u2060-\u206f"  # word joiner, invisible operators, bidirectional isolates
    "\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"  # blanks that are not the blank
    "\ud800-\udfff"  # surrogates; U+DC80 to U+DCFF stand for bytes that are not UTF-8
    "\ue000-\uf8ff"  # private use: a font may draw anything there, a check mark as well
    "\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\ufff0-\ufffb\ufffe\uffff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"  # format controls of shorthand and music
    "\U000e0000-\U0010ffff"  # tags, further selectors, private use
    "]"
)
# Python's `surrogateescape` puts the byte 0x80 + n of an undecodable name at U+DC80 + n.
_FIRST_BYTE, _LAST_BYTE = 0xDC80, 0xDCFF
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_LAST_LATIN, _LAST_BASIC = 0xFF, 0xFFFF


def escape(text: str) -> str:
    r"""Return foreign text as one line without anything that a terminal would obey or hide.

    A line feed becomes `\n`, an escape character `\x1b`, a direction override `\u202e`, a byte of a
    name that is not UTF-8 `\xff`. A backslash stays as it is: messages hold text that was escaped
    before.

    >>> print(escape("a\x1b[31m\nb\u202ec\udcff"))
    a\x1b[31m\nb\u202ec\xff
    """
    return _DANGEROUS.sub(_visible, text)


def quoted(text: str) -> str:
    r"""Return foreign text as one line between quotation marks that it cannot close.

    >>> print(quoted('a" and "b'))
    "a\" and \"b"
    """
    inner = text.replace("\\", r"\\").replace('"', r"\"")
    return f'"{escape(inner)}"'


def escape_block(text: str) -> tuple[str, ...]:
    """Return foreign prose as its lines, each of them escaped; never fewer than one.

    The caller writes a mark of its own before each line, so that none can pass for one of ours.
    """
    return tuple(escape(line) for line in text.replace("\r\n", "\n").split("\n"))


def shorten(text: str, limit: int = MAX_VALUE_CHARACTERS) -> str:
    """Return text cut to `limit` characters, the last one an ellipsis if something is missing.

    Cut first, escape afterwards: an escape sequence of ours must not be cut in two.
    """
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _visible(match: re.Match[str]) -> str:
    character = match[0]
    number = ord(character)
    if character in _SHORT:
        return _SHORT[character]
    if _FIRST_BYTE <= number <= _LAST_BYTE:
        return f"\\x{number - _FIRST_BYTE + 0x80:02x}"
    if number <= _LAST_LATIN:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number <= _LAST_BASIC else f"\\U{number:08x}"
