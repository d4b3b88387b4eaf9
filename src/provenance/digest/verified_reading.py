"""Reading from a stream so that no byte is given out before its block was checked.

Source: `spec/digests.md`, section "Blocks".
"""

from __future__ import annotations

import io
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from provenance.errors import DigestError, InputError

if TYPE_CHECKING:
    from typing_extensions import Buffer, override

    from provenance.digest.blocks import BlockDigests
else:
    # `typing.override` came with Python 3.12.
    def override(method: object) -> object:
        """Mark a method that overrides one of a base class."""
        return method


__all__ = ["ReadableBytes", "VerifyingReader", "count_right_blocks"]


# Bytes that are read at once from a stream that cannot fill a buffer.
_PART_BYTES = 1024 * 1024


class ReadableBytes(Protocol):
    """What bytes are read from: an open file, a pipe, the body of a response."""

    def read(self, size: int, /) -> bytes | None:
        """Return at most `size` bytes; none at the end."""


class VerifyingReader(io.RawIOBase):
    """A stream that gives out checked bytes only, in order, from a stream that nobody trusts.

    It holds one block in memory. After a wrong block nothing more can be read. Closing it leaves
    the other stream open.
    """

    def __init__(
        self,
        raw: ReadableBytes,
        blocks: BlockDigests,
        *,
        source: str = "",
        first_block: int = 0,
    ) -> None:
        """Begin at the first byte, or at that of a later block.

        Args:
            raw: Where the bytes come from, at the beginning of that block.
            blocks: The digests of the blocks, which the caller trusts.
            source: What to call the stream in messages.
            first_block: The number of the first block to read; the caller has verified those before
                it. After the last one, nothing but the end is left to read.

        Raises:
            DigestError: There is no such block (`digest-format`).
        """
        if not 0 <= first_block <= len(blocks):
            raise DigestError(
                problem=f"there is no block {first_block} of {len(blocks)}", code="digest-format"
            )
        self._raw = raw
        self._blocks = blocks
        self._source = source
        self._next = first_block
        self._buffer = memoryview(b"")
        self._checked = memoryview(b"")
        self._failed = False
        self._ended = False

    @property
    def verified(self) -> int:
        """How many bytes are verified, from the first one of the file."""
        return self._blocks.span(self._next - 1)[1] if self._next else 0

    @override
    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    @override
    def readinto(self, buffer: Buffer, /) -> int:
        """Fill a buffer with bytes that were checked; return how many, 0 at the end.

        Raises:
            DigestError: A block is not the signed one (`digest-mismatch`), or there are fewer or
                more bytes than were signed (`size-mismatch`).
            InputError: The stream cannot be read (`input-unreadable`).
        """
        view = memoryview(buffer).cast("B")
        part = self.read_block(len(view))
        view[: len(part)] = part
        return len(part)

    def read_block(self, most: int | None = None) -> memoryview:
        """Return the rest of the present block, or the next one, without a copy; empty at the end.

        It is valid until the next call, which writes over it.

        Args:
            most: Return no more bytes than this.

        Raises:
            DigestError: As for `readinto`.
            InputError: As for `readinto`.
        """
        if self._failed:
            raise DigestError(
                path=self._source,
                problem="nothing is read after a block that was refused",
                code="digest-mismatch",
            )
        if not self._checked and most != 0 and not self._ended:
            self._failed = True  # until the block is checked, whatever goes wrong
            self._checked = self._read_checked()
            self._failed = False
        part = self._checked[:most]
        self._checked = self._checked[len(part) :]
        return part

    @property
    def verified_blocks(self) -> int:
        """How many blocks are verified, from the first one of the file."""
        return self._next

    def _read_checked(self) -> memoryview:
        if self._next == len(self._blocks):
            self._check_end()
            return memoryview(b"")
        start, end = self._blocks.span(self._next)
        data = self._read_exactly(end - start, start)
        try:
            self._blocks.check_block(self._next, data)
        except DigestError as error:
            raise DigestError(
                path=self._source, problem=error.problem, remedy=error.remedy, code=error.code
            ) from error
        self._next += 1
        if self._next == len(self._blocks):
            self._check_end()  # before the last block is given out: what is too long is refused
        return data.toreadonly()

    def _read_exactly(self, size: int, start: int) -> memoryview:
        if len(self._buffer) < size:
            self._buffer = memoryview(bytearray(size))
        view = self._buffer[:size]
        filled = 0
        while filled < size:
            count = self._fill(view[filled:])
            if not count:
                raise DigestError(
                    path=self._source,
                    problem=f"ends after {start + filled:,} bytes, "
                    f"signed were {self._blocks.size:,}",
                    remedy="fetch the rest",
                    code="size-mismatch",
                )
            filled += count
        return view

    def _check_end(self) -> None:
        if self._fill(memoryview(bytearray(1))):
            raise DigestError(
                path=self._source,
                problem=f"goes on after the {self._blocks.size:,} bytes that were signed",
                remedy="do not use it",
                code="size-mismatch",
            )
        self._ended = True

    def _fill(self, view: memoryview) -> int:
        """Read into a buffer; return how many bytes there were, 0 at the end."""
        readinto = getattr(self._raw, "readinto", None)
        try:
            if readinto is not None:
                found: int | None = readinto(view)
            else:
                # A bytes object beside the block, not a second block.
                part = self._raw.read(min(len(view), _PART_BYTES))
                found = None if part is None else len(part)
                if part is not None and len(part) <= len(view):
                    view[: len(part)] = part
        except OSError as error:
            raise self._unreadable(f"cannot be read: {error.strerror or error}") from error
        if found is None:
            raise self._unreadable("has no bytes yet, and does not wait for them")
        if found > len(view):
            raise self._unreadable("gave more bytes than it was asked for")
        return found

    def _unreadable(self, problem: str) -> InputError:
        return InputError(path=self._source, problem=problem, code="input-unreadable")


def count_right_blocks(raw: ReadableBytes, blocks: BlockDigests) -> int:
    """Return how many blocks of a copy that may be unfinished are as signed, from its beginning.

    Args:
        raw: The copy, at its first byte.
        blocks: The digests of the blocks, which the caller trusts.

    Raises:
        InputError: It cannot be read.
    """
    reader = VerifyingReader(raw, blocks)
    with suppress(DigestError):  # here the copy broke off, or goes wrong
        while reader.read_block():
            pass
    return reader.verified_blocks
