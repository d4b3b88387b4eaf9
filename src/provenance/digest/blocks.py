"""Digests of the blocks of a file: what shows which part of it is damaged.

A file is cut into blocks of a fixed size, the last may be shorter; each has a BLAKE3 digest of its
own, and a typed root of kind `block` binds them all. With the list of them at hand, one block can
be checked by itself. Source: `spec/digests.md`, section "Blocks".
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from provenance.canonical import MAX_BLOCK_BYTES, MAX_BLOCKS, MIN_BLOCK_BYTES
from provenance.digest.algorithms import new_hasher
from provenance.digest.merkle import TypedRoot, typed_root
from provenance.errors import DigestError, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Buffer

__all__ = [
    "BlockDigests",
    "check_block_size",
    "count_blocks",
    "differing_ranges",
    "whole_file_block",
]

#: Bytes of one digest in a list.
DIGEST_BYTES: Final = 32


@dataclass(frozen=True)
class BlockDigests:
    """The digests of all blocks of one file."""

    size: int
    """Length of the file in bytes."""

    block_size: int
    """Length of every block but the last, in bytes: a power of two, 64 KiB to 1 GiB."""

    digests: bytes
    """The BLAKE3 digests of the blocks, 32 bytes each, one after the other."""

    def __post_init__(self) -> None:
        """Refuse a block size that is none, too many blocks, and a list of another length."""
        count = count_blocks(self.size, self.block_size)
        if len(self.digests) != DIGEST_BYTES * count:
            raise _malformed(
                f"a list of {count} blocks has {DIGEST_BYTES * count} bytes, "
                f"found {len(self.digests)}"
            )

    def __len__(self) -> int:
        """Return the number of blocks."""
        return len(self.digests) // DIGEST_BYTES

    @cached_property
    def root(self) -> TypedRoot:
        """The typed root (kind `block`) over the digests."""
        return typed_root("block", (self.digest(index) for index in range(len(self))))

    def digest(self, index: int) -> bytes:
        """Return the digest of one block: 32 bytes."""
        self._check_index(index)
        return self.digests[DIGEST_BYTES * index : DIGEST_BYTES * (index + 1)]

    def span(self, index: int) -> tuple[int, int]:
        """Return where one block begins, and where it ends (that byte is not in it)."""
        self._check_index(index)
        start = index * self.block_size
        return start, min(start + self.block_size, self.size)

    def check_block(self, index: int, data: Buffer) -> None:
        """Check that these are the bytes of one block.

        Raises:
            DigestError: They are not (code `digest-mismatch`), or there is no such block
                (`digest-format`).
        """
        start, end = self.span(index)
        view = memoryview(data).cast("B")
        if len(view) == end - start:
            hasher = new_hasher("blake3")
            hasher.update(view)
            if bytes.fromhex(hasher.hexdigest()) == self.digest(index):
                return
        raise DigestError(
            problem=f"bytes {start:,}-{end - 1:,} (block {index:,}) are not those that were signed",
            remedy="fetch them again; do not use them",
            code="digest-mismatch",
        )

    def to_bytes(self) -> bytes:
        """Return the list as it stands in a file."""
        return self.digests

    @classmethod
    def from_bytes(
        cls, data: bytes, *, size: int, block_size: int, root: TypedRoot | None = None
    ) -> BlockDigests:
        """Read a list that `to_bytes` wrote.

        Args:
            data: The list.
            size: Length of the file that it belongs to, in bytes.
            block_size: Length of a block, in bytes.
            root: The signed root; without one, the caller trusts the list.

        Raises:
            DigestError: The list has another length than the sizes ask for, or a size is none
                (code `blocks-malformed`); or it has another root (`blocks-mismatch`).
        """
        made = cls(size, block_size, bytes(data))
        if root is not None and made.root != root:
            raise DigestError(
                problem=f"the list of {len(made)} blocks has the root {made.root.root}, "
                f"signed is {root.root} over {root.size}",
                remedy="fetch the list again",
                code="blocks-mismatch",
            )
        return made

    def _check_index(self, index: int) -> None:
        if not 0 <= index < len(self):
            raise DigestError(
                problem=f"there is no block {index} of {len(self)}", code="digest-format"
            )


def check_block_size(block_size: int) -> int:
    """Return a block size that is a power of two from 64 KiB to 1 GiB.

    Raises:
        DigestError: It is none (code `blocks-malformed`).
    """
    if (
        type(block_size) is not int
        or not MIN_BLOCK_BYTES <= block_size <= MAX_BLOCK_BYTES
        or block_size & (block_size - 1)
    ):
        raise _malformed(
            f"{shown(block_size)} is no size of blocks",
            "use a power of two from 65536 (64 KiB) to 1073741824 (1 GiB)",
        )
    return block_size


def count_blocks(size: int, block_size: int) -> int:
    """Return how many blocks a file of `size` bytes has.

    Raises:
        DigestError: The block size is none, or the blocks are too many (code `blocks-malformed`).
    """
    check_block_size(block_size)
    if type(size) is not int or size < 0:
        raise _malformed(f"{shown(size)} is no length of a file")
    count = -(-size // block_size)
    if count > MAX_BLOCKS:
        raise _malformed(
            f"{size} bytes make {count} blocks, more than {MAX_BLOCKS}", "use larger blocks"
        )
    return count


def whole_file_block(size: int, digest: str) -> BlockDigests:
    """Return a file as its only block: that block has the digest of the file.

    Args:
        size: Length of the file in bytes, at most 1 GiB.
        digest: BLAKE3 of the file, in hexadecimal.

    Raises:
        DigestError: The file is larger than any block (code `blocks-malformed`).
    """
    block_size = max(MIN_BLOCK_BYTES, 1 << max(size - 1, 0).bit_length())
    return BlockDigests(size, block_size, bytes.fromhex(digest) if size else b"")


def differing_ranges(found: BlockDigests, signed: BlockDigests) -> Iterator[tuple[int, int]]:
    """Yield where two lists of blocks of equal sizes differ, as ranges of bytes.

    Raises:
        DigestError: They are for other sizes (code `size-mismatch`).
    """
    if (found.size, found.block_size) != (signed.size, signed.block_size):
        raise DigestError(
            problem=f"{found.size} bytes in blocks of {found.block_size} are not comparable with "
            f"{signed.size} in blocks of {signed.block_size}",
            code="size-mismatch",
        )
    begin: int | None = None
    for index in range(len(signed)):
        at = index * signed.block_size
        differs = found.digest(index) != signed.digest(index)
        if differs and begin is None:
            begin = at
        elif not differs and begin is not None:
            yield begin, at
            begin = None
    if begin is not None:
        yield begin, signed.size


def _malformed(problem: str, remedy: str = "") -> DigestError:
    return DigestError(problem=problem, remedy=remedy, code="blocks-malformed")
