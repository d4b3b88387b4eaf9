"""A whole tree and the blocks of its large files, each file read once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.digest.algorithms import COUNTED
from provenance.digest.blocks import check_block_size, hash_file_and_blocks
from provenance.digest.files import hash_file
from provenance.digest.inventory import Inventory, InventoryDigest, InventoryEntry
from provenance.digest.opening import open_folder
from provenance.digest.tree import walk_tree
from provenance.errors import DigestError, InputError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection

    from provenance.digest.blocks import BlockDigests
    from provenance.digest.files import FileDigest
    from provenance.digest.opening import Folder
    from provenance.digest.tree import FoundFile

__all__ = ["hash_tree_and_blocks"]


def hash_tree_and_blocks(
    root: str | os.PathLike[str],
    block_size: int,
    *,
    skip: Collection[str] = (),
    progress: Callable[[int], None] | None = None,
) -> tuple[Inventory, dict[str, BlockDigests]]:
    """Read every file below a folder once; return the inventory, and the blocks of large files.

    Args:
        root: The folder.
        block_size: Length of a block in bytes; files that are no longer have no blocks.
        skip: Names directly below the root that are left out.
        progress: Called with numbers of bytes as they are done.

    Raises:
        DigestError: The tree holds something that no tree may hold (code of the fault), or the
            block size is none (`blocks-malformed`).
        InputError: Something could not be read or changed while it was read.
    """
    check_block_size(block_size)
    found = walk_tree(root, skip=skip)
    for fault in found.faults:
        is_ours = fault.code in {"file-unreadable", "file-changed"}
        raise (InputError if is_ours else DigestError)(
            path=fault.path, problem=fault.message, code=fault.code
        )
    entries = []
    blocks = {}
    with open_folder(root) as folder:
        for file in found.files:
            made, its_blocks = _hash_one(folder, file, block_size, progress)
            digest = InventoryDigest(**made.digest)
            entries.append(InventoryEntry(digest=digest, path=file.path, size=made.size))
            if its_blocks is not None:
                blocks[file.path] = its_blocks
    return Inventory(tuple(entries)), blocks


def _hash_one(
    folder: Folder, file: FoundFile, block_size: int, progress: Callable[[int], None] | None
) -> tuple[FileDigest, BlockDigests | None]:
    try:
        if file.size > block_size:
            return hash_file_and_blocks(
                file.path,
                block_size,
                root=folder,
                algorithms=COUNTED,
                expected_size=file.size,
                progress=progress,
            )
        made = hash_file(
            file.path,
            root=folder,
            algorithms=COUNTED,
            expected_size=file.size,
            progress=progress,
        )
    except DigestError as error:
        if error.code != "size-mismatch":
            raise  # too many blocks
        raise InputError(
            path=error.path,
            problem="changed between the walk and the reading of the tree",
            remedy="let nothing write to it, then try again",
            code="file-changed",
        ) from error
    return made, None
