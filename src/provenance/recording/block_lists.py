"""Writing the lists of block digests of a release into its manifest folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from provenance.manifest.model import FileBlocks
from provenance.recording.content import reference_to
from provenance.recording.layout import write_into

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from provenance.digest import BlockDigests

__all__ = ["write_block_lists"]

#: Where the lists lie inside the manifest folder.
FOLDER: Final = "blocks"


def write_block_lists(blocks: Mapping[str, BlockDigests], folder: Path) -> tuple[FileBlocks, ...]:
    """Write the lists, and return what the manifest says of them.

    Args:
        blocks: The digests of blocks, by released file.
        folder: The manifest folder.
    """
    written = set()
    found = []
    for path, made in blocks.items():
        data = made.to_bytes()
        # Named by its root: two files of the same bytes share a list, and no name is too long.
        name = f"{FOLDER}/{made.root.root}.blocks"
        if name not in written:
            write_into(folder, name, data)
            written.add(name)
        found.append(
            FileBlocks(
                path=path,
                size=made.size,
                block_size=made.block_size,
                blocks=made.root,
                list=reference_to(data, path=name, media_type="application/octet-stream"),
            )
        )
    return tuple(found)
