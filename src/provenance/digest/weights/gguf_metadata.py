"""The metadata of a GGUF file: stepped over within limits, so that the tensors can be found."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from provenance.canonical import (
    MAX_GGUF_ARRAY_DEPTH,
    MAX_GGUF_HEADER_BYTES,
    MAX_GGUF_KEY_BYTES,
)
from provenance.digest.tensors import malformed
from provenance.errors import shown

if TYPE_CHECKING:
    from provenance.digest.weights.sources import Sources

__all__ = ["HeaderReader", "read_metadata"]

#: Key of the alignment of the data, in bytes.
ALIGNMENT_KEY: Final = "general.alignment"

# Bytes of a value by the number of its type; texts and arrays state their own length.
_SIZES: Final = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_UINT32: Final = 4
_BOOL: Final = 7
_TEXT: Final = 8
_ARRAY: Final = 9
# Fewest bytes of a pair: length of the key, type, value.
_LEAST_PAIR_BYTES: Final = 13
# Bytes that are read ahead: most headers are read in a few steps.
_AHEAD: Final = 256 * 1024
_LENGTH = struct.Struct("<Q")


class HeaderReader:
    """Reads a header of unknown length from its start, never past the file or the limit."""

    def __init__(self, sources: Sources, path: str, size: int) -> None:
        """Begin at byte 0.

        Args:
            sources: Where the file is read from.
            path: What `sources` calls it.
            size: Its length in bytes.
        """
        self.path = path
        self.position = 0
        self.end = min(size, MAX_GGUF_HEADER_BYTES)
        self._sources = sources
        self._start = 0
        self._buffer = b""

    def take(self, count: int) -> bytes:
        """Return the next bytes."""
        self.check(count)
        offset = self.position - self._start
        if offset + count > len(self._buffer):
            ahead = min(max(count, _AHEAD), self.end - self.position)
            self._buffer = self._sources.read(self.path, self.position, ahead)
            self._start, offset = self.position, 0
        self.position += count
        return self._buffer[offset : offset + count]

    def skip(self, count: int) -> None:
        """Step over bytes."""
        self.check(count)
        self.position += count
        if self.position - self._start > len(self._buffer):
            self._start, self._buffer = self.position, b""

    def number(self, count: int) -> int:
        """Return the next unsigned integer of so many bytes."""
        return int.from_bytes(self.take(count), "little")

    def text(self, max_bytes: int) -> str:
        """Return the next text, whose length stands before it."""
        length = self.number(8)
        if length > max_bytes:
            raise malformed(self.path, f"a name of {shown(length)} bytes, more than {max_bytes}")
        try:
            return self.take(length).decode("utf-8")
        except UnicodeDecodeError as error:
            raise malformed(self.path, "a name is not UTF-8") from error

    def skip_texts(self, count: int) -> None:
        """Step over texts, of which a vocabulary has hundreds of thousands."""
        self.check(8 * count)
        for _ in range(count):
            (length,) = _LENGTH.unpack(self.take(8))
            self.skip(length)

    def check(self, count: int) -> None:
        """Check that so many bytes are left.

        Raises:
            DigestError: They are not (code `tensors-malformed`).
        """
        if count > self.end - self.position:
            problem = f"the header needs {shown(count)} bytes at byte {self.position}"
            if self.end == MAX_GGUF_HEADER_BYTES:
                problem += f", and at most {MAX_GGUF_HEADER_BYTES} are read"
            raise malformed(self.path, problem)


def read_metadata(reader: HeaderReader, count: int) -> int | None:
    """Step over all pairs and return the alignment of the data, if it is stated.

    Raises:
        DigestError: A key stands twice, or a value breaks the format (code `tensors-malformed`).
    """
    reader.check(count * _LEAST_PAIR_BYTES)
    keys: set[str] = set()
    alignment = None
    for _ in range(count):
        key = reader.text(MAX_GGUF_KEY_BYTES)
        if not key or key in keys:
            raise malformed(reader.path, f"the key {shown(key)} is empty or stands twice")
        keys.add(key)
        kind = reader.number(4)
        if key == ALIGNMENT_KEY:
            if kind != _UINT32:
                raise malformed(reader.path, f"the alignment has the type {kind}, expected uint32")
            alignment = reader.number(4)
        else:
            _skip_value(reader, kind, MAX_GGUF_ARRAY_DEPTH)
    return alignment


def _skip_value(reader: HeaderReader, kind: int, depth: int) -> None:
    if kind == _TEXT:
        reader.skip_texts(1)
    elif kind == _ARRAY:
        _skip_array(reader, depth)
    else:
        _skip_plain(reader, kind, 1)


def _skip_array(reader: HeaderReader, depth: int) -> None:
    if not depth:
        raise malformed(reader.path, f"arrays lie more than {MAX_GGUF_ARRAY_DEPTH} deep")
    kind, count = reader.number(4), reader.number(8)
    if kind == _TEXT:
        reader.skip_texts(count)
    elif kind == _ARRAY:
        reader.check(12 * count)
        for _ in range(count):
            _skip_array(reader, depth - 1)
    else:
        _skip_plain(reader, kind, count)


def _skip_plain(reader: HeaderReader, kind: int, count: int) -> None:
    """Step over values of one size; a boolean has one spelling for each value."""
    size = _SIZES.get(kind)
    if size is None:
        raise malformed(reader.path, f"a value of the unknown type {kind}")
    if kind == _BOOL:
        if reader.take(count).strip(b"\0\1"):
            raise malformed(reader.path, "a boolean is neither 0 nor 1")
    else:
        reader.skip(size * count)
