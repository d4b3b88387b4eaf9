"""The flat part of the YAML head of a model card, read as text. No I/O.

This is no YAML reader: it has no types, anchors or tags, and nothing in a head can make it do more
than compare lines.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["read_front_matter"]

#: Most lines of a card's head.
MAX_HEAD_LINES: Final = 2_000

_KEY = re.compile(r"([A-Za-z_][A-Za-z0-9_-]{0,63}):(?:[ \t]+(.*))?")
_ITEM = re.compile(r"[ \t]*-[ \t]+(.*)")


def read_front_matter(text: str) -> dict[str, str | tuple[str, ...]]:
    """Return the flat part of the YAML head of a card.

    Only `key: value`, `key: [a, b]` and lists of `- item` below a key are read, as text; what is
    nested deeper is left out. This is no YAML reader: it has no types, anchors or tags.
    """
    lines = text.splitlines()
    if not lines or lines[0].strip() != "---":
        return {}
    found: dict[str, str | tuple[str, ...]] = {}
    key = ""
    for line in lines[1:MAX_HEAD_LINES]:
        if line.strip() in {"---", "..."}:
            return found
        if match := _KEY.fullmatch(line.rstrip()):
            key = match[1]
            value = _value(match[2] or "")
            found[key] = value
        elif (match := _ITEM.fullmatch(line.rstrip())) and key and not _KEY.match(match[1]):
            known = found[key]
            items = known if isinstance(known, tuple) else ()
            if known == "" or isinstance(known, tuple):
                found[key] = (*items, _scalar(match[1]))
    return {}  # the head never ends, so it is none


def _value(text: str) -> str | tuple[str, ...]:
    text = text.strip()
    if text.startswith("[") and text.endswith("]"):
        return tuple(_scalar(item) for item in text[1:-1].split(",") if item.strip())
    return _scalar(text)


def _scalar(text: str) -> str:
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    return text.split(" #")[0].strip()
