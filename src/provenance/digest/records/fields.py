"""The fields of a record from its encoding: to say what differs, never to compute a digest.

Source: `spec/digests.md`, section "Record encodings". No I/O.
"""

from __future__ import annotations

from typing import Final

__all__ = ["KINDS", "differing_fields", "kinds_of_fields", "split_fields"]

#: What a value is, by the first byte of its encoding: one of them, and several.
KINDS: Final = {
    b"n": ("null", "null"),
    b"f": ("a boolean", "booleans"),
    b"t": ("a boolean", "booleans"),
    b"i": ("a number", "numbers"),
    b"d": ("a number", "numbers"),
    b"m": ("a number", "numbers"),
    b"s": ("text", "text"),
    b"b": ("bytes", "bytes"),
    b"a": ("a date", "dates"),
    b"h": ("a time of day", "times of day"),
    b"p": ("a time", "times"),
    b"z": ("a time", "times"),
    b"u": ("a duration", "durations"),
    b"l": ("a list", "lists"),
    b"r": ("a struct", "structs"),
}

#: Bytes of a double.
_DOUBLE_BYTES: Final = 8


def split_fields(encoded: bytes) -> dict[str, bytes]:
    """Return the encoded values of a record by name; nothing of a record that is no struct.

    Args:
        encoded: What `encode_record` returned.
    """
    if encoded[:1] != b"r":
        return {}
    count, at = _length(encoded, 1)
    fields = {}
    for _ in range(count):
        size, at = _length(encoded, at)
        name, at = encoded[at : at + size].decode("utf-8"), at + size
        end = _end(encoded, at)
        fields[name] = encoded[at:end]
        at = end
    return fields


def differing_fields(one: bytes, other: bytes) -> tuple[str, ...]:
    """Return the names of the fields that two records do not share, sorted."""
    first, second = split_fields(one), split_fields(other)
    names = first.keys() | second.keys()
    return tuple(sorted(name for name in names if first.get(name) != second.get(name)))


def kinds_of_fields(encoded: bytes) -> dict[str, bytes]:
    """Return the first byte of each field's value, by which `KINDS` says what it is."""
    return {name: value[:1] for name, value in split_fields(encoded).items()}


def _length(data: bytes, at: int) -> tuple[int, int]:
    """Return the number that stands somewhere, and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 - the bit that says that more follow
            return value, at
        shift += 7


def _end(data: bytes, at: int) -> int:
    """Return where a value ends; its encoding is ours, so that it is complete."""
    tag, at = data[at : at + 1], at + 1
    if tag in b"nft":
        return at
    if tag == b"d":
        return at + _DOUBLE_BYTES
    count, at = _length(data, at)
    if tag == b"l":
        for _ in range(count):
            at = _end(data, at)
    elif tag == b"r":
        for _ in range(count):
            size, at = _length(data, at)
            at = _end(data, at + size)
    else:
        at += count
        if tag == b"m":
            size, at = _length(data, at)
            at += size
    return at
