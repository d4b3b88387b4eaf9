"""The blocks of a file, hashed in the same reading as the file itself.

Source: `spec/digests.md`, sections "Reading files" and "Blocks".
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from blake3 import blake3

from provenance.digest.algorithms import COUNTED
from provenance.digest.blocks import (
    BlockDigests,
    check_block_size,
    count_blocks,
    differing_ranges,
)
from provenance.digest.engine.jobs import FileJob, Watch
from provenance.digest.engine.stream import hash_streamed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from provenance.digest.files import FileDigest
    from provenance.digest.opening import Folder

__all__ = ["BlockHasher", "damaged_ranges", "hash_blocks", "hash_file_and_blocks"]


class BlockHasher:
    """Cuts what is read of a file into blocks, whatever the chunks are: a consumer of a job."""

    def __init__(self, block_size: int) -> None:
        """Take the length of a block in bytes.

        Raises:
            DigestError: It is none (code `blocks-malformed`).
        """
        self._block_size = check_block_size(block_size)
        self._begun = False
        self._size = 0
        self._room = 0
        self._hasher = blake3()
        self._digests = bytearray()

    def begin(self, size: int) -> None:
        """Begin with the first byte of a file of this length.

        Raises:
            DigestError: It has too many blocks (code `blocks-malformed`).
        """
        count_blocks(size, self._block_size)
        self._begun = True
        self._size = size
        self._hasher = blake3()
        self._room = self._block_size
        self._digests = bytearray()

    def update(self, data: memoryview) -> None:
        """Take the next bytes."""
        while data:
            part = data[: self._room]
            self._hasher.update(part)
            self._room -= len(part)
            data = data[len(part) :]
            if not self._room:
                self._end_block()

    def result(self) -> BlockDigests | None:
        """Return the digests of the blocks, after the last byte; `None` if nothing was read."""
        if not self._begun:
            return None
        if self._room < self._block_size:
            self._end_block()
        return BlockDigests(self._size, self._block_size, bytes(self._digests))

    def _end_block(self) -> None:
        self._digests += self._hasher.digest()
        self._hasher = blake3()
        self._room = self._block_size


def hash_blocks(
    path: str | os.PathLike[str],
    block_size: int,
    *,
    root: Folder | None = None,
    progress: Callable[[int], None] | None = None,
    deadline: float | None = None,
) -> BlockDigests:
    """Read a regular file once and return the digests of its blocks.

    Args:
        path: The file; below `root`, a checked name.
        block_size: Length of a block in bytes.
        root: The folder below which no link is followed, from `open_folder`.
        progress: Called with the number of bytes after each chunk.
        deadline: Time of `time.monotonic` after which reading stops.

    Raises:
        DigestError: The block size is none, or there are too many (`blocks-malformed`).
        InputError: As for `hash_file`.
    """
    return hash_file_and_blocks(
        path, block_size, root=root, algorithms=(), progress=progress, deadline=deadline
    )[1]


def hash_file_and_blocks(
    path: str | os.PathLike[str],
    block_size: int,
    *,
    root: Folder | None = None,
    algorithms: Sequence[str] = COUNTED,
    expected_size: int | None = None,
    progress: Callable[[int], None] | None = None,
    deadline: float | None = None,
) -> tuple[FileDigest, BlockDigests]:
    """Read a regular file once and return the digests of the whole and of its blocks.

    The arguments are those of `hash_file` and `hash_blocks`.

    Raises:
        DigestError: As for both.
        InputError: As for both.
    """
    blocks = BlockHasher(block_size)
    job = FileJob(os.fspath(path), expected_size, tuple(algorithms), (blocks,))
    made, _ = hash_streamed(root, job, Watch(progress, deadline))
    found = blocks.result()
    if found is None:
        raise AssertionError("it has just been read")
    return made, found


def damaged_ranges(
    path: str | os.PathLike[str],
    blocks: BlockDigests,
    *,
    root: Folder | None = None,
    deadline: float | None = None,
) -> list[tuple[int, int]]:
    """Read a file and return which of its bytes are in blocks that are not as they should be.

    Args:
        path: The file; below `root`, a checked name.
        blocks: The digests that its blocks should have.
        root: The folder below which no link is followed.
        deadline: Time of `time.monotonic` after which reading stops.

    Returns:
        Beginning and end (the end is not part of it) of each damaged range; neighbours are merged.

    Raises:
        DigestError: The file has another size (code `size-mismatch`).
        InputError: As for `hash_file`.
    """
    found = hash_file_and_blocks(
        path,
        blocks.block_size,
        root=root,
        algorithms=(),
        expected_size=blocks.size,
        deadline=deadline,
    )[1]
    return list(differing_ranges(found, blocks))
