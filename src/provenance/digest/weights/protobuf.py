"""The wire format of Protocol Buffers, as far as ONNX needs it: read where it lies, bounded.

Values are never built: a field that holds bytes is a range of the file. Source: "Encoding" of the
Protocol Buffers documentation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from provenance.canonical import MAX_ONNX_FIELDS
from provenance.digest.tensors import malformed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provenance.digest.weights.sources import Sources

__all__ = ["BYTES", "FIXED32", "FIXED64", "VARINT", "Field", "WireReader", "read_varints"]

#: Kinds of fields on the wire.
VARINT: Final = 0
FIXED64: Final = 1
BYTES: Final = 2
FIXED32: Final = 5

# Bytes of the longest integer.
_LONGEST: Final = 10
_WINDOW: Final = 8192
_MASK: Final = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a message."""

    number: int
    """Its number in the message."""

    kind: int
    """How it is written: `VARINT`, `FIXED64`, `BYTES` or `FIXED32`."""

    value: int
    """The integer; of other kinds, 0."""

    start: int
    """Offset of the first byte of its value in the file."""

    end: int
    """Offset after the last one."""


class WireReader:
    """Reads messages of one file by their place in it."""

    def __init__(self, sources: Sources, path: str) -> None:
        """Begin with nothing read.

        Args:
            sources: Where the file is read from.
            path: What `sources` calls it.
        """
        self.path = path
        self.size = sources.size(path)
        self._sources = sources
        self._left = MAX_ONNX_FIELDS
        self._start = 0
        self._window = b""

    def fields(self, start: int, end: int) -> Iterator[Field]:
        """Yield the fields of the message that lies between two offsets.

        Raises:
            DigestError: They break the format, or the file has too many (code
                `tensors-malformed`).
        """
        position = start
        while position < end:
            self._left -= 1
            if self._left < 0:
                raise malformed(self.path, f"it has more than the {MAX_ONNX_FIELDS} fields read")
            tag, position = self._varint(position, end)
            number, kind = tag >> 3, tag & 7
            value, begin = 0, position
            if kind == VARINT:
                value, position = self._varint(position, end)
            elif kind == BYTES:
                length, begin = self._varint(position, end)
                position = begin + length
            elif kind in {FIXED32, FIXED64}:
                position += 4 if kind == FIXED32 else 8
            else:
                raise malformed(self.path, f"a field of the unknown kind {kind} at byte {begin}")
            if not number or number >= 1 << 29 or position > end:
                raise malformed(self.path, f"a field at byte {begin} leaves its message")
            yield Field(number, kind, value, begin, position)

    def read(self, field: Field) -> bytes:
        """Return the bytes of a field; the caller has bounded its length."""
        return self._sources.read(self.path, field.start, field.end - field.start)

    def _varint(self, position: int, end: int) -> tuple[int, int]:
        """Return an integer and the offset after it."""
        offset = position - self._start
        if offset < 0 or offset + _LONGEST > len(self._window):
            length = min(_WINDOW, self.size - position)
            self._window = self._sources.read(self.path, position, length)
            self._start, offset = position, 0
        value = shift = 0
        for byte in self._window[offset : offset + min(_LONGEST, end - position)]:
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:  # noqa: PLR2004 - the last byte of an integer
                return value & _MASK, position + shift // 7
        raise malformed(self.path, f"the integer at byte {position} does not end")


def read_varints(data: bytes, path: str) -> Iterator[int]:
    """Yield the integers of a packed field, unsigned.

    Raises:
        DigestError: The last one does not end, or one is too long (code `tensors-malformed`).
    """
    value = shift = 0
    for byte in data:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:  # noqa: PLR2004 - the last byte of an integer
            yield value & _MASK
            value = shift = 0
        elif shift >= 7 * _LONGEST:
            break
    if shift:
        raise malformed(path, "an integer of a packed field does not end")
