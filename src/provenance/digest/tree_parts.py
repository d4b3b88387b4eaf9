"""A whole tree, the blocks of its large files and the tensors of its weights, each read once."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from provenance.digest.algorithms import COUNTED
from provenance.digest.block_hashing import BlockHasher
from provenance.digest.blocks import check_block_size
from provenance.digest.engine.jobs import Watch
from provenance.digest.tree import hash_here
from provenance.digest.weights.one_pass import TensorHasher

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection, Mapping, Sequence

    from provenance.digest.blocks import BlockDigests
    from provenance.digest.engine.jobs import Consumer
    from provenance.digest.inventory import Inventory

__all__ = ["TreeParts", "hash_tree_and_parts"]


@dataclass(frozen=True, slots=True)
class TreeParts:
    """What one reading of a tree found."""

    inventory: Inventory
    """All files."""

    blocks: Mapping[str, BlockDigests]
    """The blocks of each file that is longer than one."""

    tensors: Mapping[str, TensorHasher]
    """What was found of the tensors of each file that was asked for."""


def hash_tree_and_parts(
    root: str | os.PathLike[str],
    *,
    algorithms: Sequence[str] = COUNTED,
    block_size: int | None = None,
    with_tensors: Callable[[str], bool] | None = None,
    skip: Collection[str] = (),
    progress: Callable[[int], None] | None = None,
) -> TreeParts:
    """Read every file below a folder once, and hash it, its blocks and its tensors.

    Args:
        root: The folder.
        algorithms: `blake3`, and `sha256` if wanted.
        block_size: Length of a block in bytes; files that are no longer have no blocks. Without
            it, none has.
        with_tensors: Asked for each name whether the file is one of safetensors.
        skip: Names directly below the root that are left out.
        progress: Called with numbers of bytes as they are done.

    Raises:
        DigestError: The tree holds something that no tree may hold (code of the fault), or the
            block size is none or too small for a file (`blocks-malformed`).
        InputError: Something could not be read or changed while it was read.
    """
    if block_size is not None:
        check_block_size(block_size)
    blocks: dict[str, BlockHasher] = {}
    tensors: dict[str, TensorHasher] = {}

    def consumers(path: str, size: int) -> tuple[Consumer, ...]:
        found: list[Consumer] = []
        if block_size is not None and size > block_size:
            found.append(blocks.setdefault(path, BlockHasher(block_size)))
        if with_tensors is not None and with_tensors(path):
            found.append(tensors.setdefault(path, TensorHasher(path)))
        return tuple(found)

    watch = Watch(progress)
    inventory = hash_here(root, algorithms, watch, skip=skip, consumers=consumers)
    made = {path: found for path, hasher in blocks.items() if (found := hasher.result())}
    return TreeParts(inventory, MappingProxyType(made), MappingProxyType(tensors))
