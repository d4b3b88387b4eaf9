"""Tensors and blocks of the released files, hashed while the files themselves are read.

What is missing here, as of a file that a cache knew, is read by itself; so is what cannot be
understood, so that the same is said of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.digest.block_hashing import BlockHasher
from provenance.digest.blocks import count_blocks
from provenance.digest.weights.hashing import join_tensors
from provenance.digest.weights.one_pass import TensorHasher
from provenance.errors import DigestError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from provenance.digest import BlockDigests, TypedRoot
    from provenance.digest.engine.jobs import Consumer

__all__ = ["PartHashers"]


class PartHashers:
    """What takes the bytes of files in their one reading, and what it found."""

    def __init__(self, tensors: Iterable[str], blocks: Mapping[str, int]) -> None:
        """Take the files whose tensors are wanted, and the size of the blocks of others, in bytes.

        A file may be among both.
        """
        self._with_tensors = frozenset(tensors)
        self._block_sizes = blocks
        self._tensors: dict[str, TensorHasher] = {}
        self._blocks: dict[str, BlockHasher] = {}

    def consumers(self, name: str, size: int) -> tuple[Consumer, ...]:
        """Return what takes the bytes of a file of this length."""
        found: list[Consumer] = []
        if name in self._with_tensors:
            self._tensors[name] = TensorHasher(name)
            found.append(self._tensors[name])
        if name in self._block_sizes:
            try:
                count_blocks(size, self._block_sizes[name])
            except DigestError:
                pass  # step 13 says that
            else:
                self._blocks[name] = BlockHasher(self._block_sizes[name])
                found.append(self._blocks[name])
        return tuple(found)

    def tensors(self, names: Collection[str]) -> TypedRoot | None:
        """Return the tensor digest of files that were read, or `None` if it is not known."""
        files = []
        try:
            for name in names:
                made = self._tensors[name].result() if name in self._tensors else None
                if made is None:
                    return None
                files.append((name, made))
            return join_tensors(files)[0]
        except DigestError:
            return None

    def blocks(self, name: str, size: int, block_size: int) -> BlockDigests | None:
        """Return the digests of the blocks of a file that was read, or `None` if not known."""
        if self._block_sizes.get(name) != block_size or name not in self._blocks:
            return None
        made = self._blocks[name].result()
        return made if made is not None and made.size == size else None
