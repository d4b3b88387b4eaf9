"""The little of DER that `cryptography` does not hand out: elements, and object identifiers.

Only definite lengths in their shortest form, tags of one byte, nothing behind the last element.

Source: ITU-T X.690, sections 8.1, 8.19 and 10.1. No I/O.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "OBJECT_IDENTIFIER",
    "SEQUENCE",
    "UTF8_STRING",
    "children",
    "dotted",
    "elements",
    "spans",
]

OBJECT_IDENTIFIER = 0x06
UTF8_STRING = 0x0C
SEQUENCE = 0x30

_LONG_FORM = 0x80
_MAX_LENGTH_BYTES = 4
_MULTI_BYTE_TAG = 0x1F
_MORE = 0x80
_BASE_128 = 7
# The first number of an identifier holds two arcs: 40 * first + second, where first is 0, 1 or 2.
_ARCS = 40
_LAST_ROOT = 2


def elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the elements that stand one behind the other in `data`: tag and contents of each.

    Raises:
        ValueError: They are not DER.
    """
    for tag, _, start, end in spans(data, 0, len(data)):
        yield tag, data[start:end]


def spans(data: bytes, begin: int, stop: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield where the elements of a part of `data` lie.

    Yields:
        Of each its tag, where its header begins, where its contents begin and where they end.

    Raises:
        ValueError: They are not DER, or the last one ends behind the part.
    """
    while begin < stop:
        tag, start, end = _header(data, begin)
        if end > stop:
            message = "an element that ends behind its data"
            raise ValueError(message)
        yield tag, begin, start, end
        begin = end


def children(data: bytes, tag: int = SEQUENCE) -> list[tuple[int, bytes]]:
    """Return the elements inside the one element, of kind `tag`, that `data` is.

    Raises:
        ValueError: `data` is not exactly such an element.
    """
    found = list(elements(data))
    if len(found) != 1 or found[0][0] != tag:
        message = f"expected one element with the tag {tag:#04x}"
        raise ValueError(message)
    return list(elements(found[0][1]))


def dotted(contents: bytes) -> str:
    """Return an object identifier in its dotted form.

    Args:
        contents: The contents of the element.

    Raises:
        ValueError: They are no object identifier.
    """
    if not contents or contents[-1] & _MORE:
        message = "an object identifier without an end"
        raise ValueError(message)
    arcs: list[int] = []
    value = 0
    for byte in contents:
        if value == 0 and byte == _MORE:
            message = "an object identifier that is not in its shortest form"
            raise ValueError(message)
        value = value << _BASE_128 | byte & ~_MORE
        if not byte & _MORE:
            arcs.append(value)
            value = 0
    root = min(arcs[0] // _ARCS, _LAST_ROOT)
    return ".".join(map(str, [root, arcs[0] - _ARCS * root, *arcs[1:]]))


def _header(data: bytes, offset: int) -> tuple[int, int, int]:
    """Return the tag of the element at `offset`, and where its contents begin and end."""
    header = data[offset : offset + 2]
    if len(header) != len(b"TL") or header[0] & _MULTI_BYTE_TAG == _MULTI_BYTE_TAG:
        message = "an element without a header that is read"
        raise ValueError(message)
    start, length = offset + 2, header[1]
    if length & _LONG_FORM:
        size = length & ~_LONG_FORM
        length = int.from_bytes(data[start : start + size], "big")
        # Shortest form: no leading zero byte, and no long form for what fits into the short one.
        shortest = length >= _LONG_FORM and length.bit_length() > 8 * (size - 1)
        if not 0 < size <= _MAX_LENGTH_BYTES or not shortest:
            message = "a length that is indefinite, too long, or not in its shortest form"
            raise ValueError(message)
        start += size
    if start + length > len(data):
        message = "an element that ends behind its data"
        raise ValueError(message)
    return header[0], start, start + length
