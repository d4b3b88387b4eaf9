"""Step 13, block digests: they are for released files, and their sizes agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.digest import printable_name
from provenance.digest.blocks import DIGEST_BYTES, count_blocks
from provenance.errors import DigestError, shown
from provenance.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provenance.checks.evidence import Evidence
    from provenance.manifest import FileBlocks
    from provenance.trust import TrustPolicy

__all__ = ["check_blocks", "check_blocks_recomputed"]

# Beside these, nothing more is said of the blocks of a file.
_COMPARED = frozenset({"blocks-mismatch", "damaged-ranges"})


def check_blocks(evidence: Evidence, policy: TrustPolicy) -> Iterator[Finding]:
    """Step 13: block digests are for one released file each, and all their sizes agree.

    Codes: `blocks-malformed`.
    """
    release = evidence.manifest.release
    # Without the inventory, which step 13 misses, nothing can be said of the files.
    has_inventory = bool(evidence.listed) or release.inventory_file is None
    seen: set[str] = set()
    for index, item in enumerate(release.blocks):
        path = f"/release/blocks/{index}"
        for fault in _faults(item):
            yield Finding("blocks-malformed", path, fault)
        if item.path in seen:
            message = f"{shown(item.path)} has block digests twice"
            yield Finding("blocks-malformed", path, message)
        seen.add(item.path)
        entry = evidence.listed_by_name.get(item.path)
        if entry is None and has_inventory:
            message = f"{shown(item.path)} is not in the signed inventory"
            yield Finding("blocks-malformed", path, message)
        elif entry is not None and entry.size != item.size:
            message = (
                f"{shown(item.path)} has {entry.size} bytes in the inventory, "
                f"and {item.size} in blocks"
            )
            yield Finding("blocks-malformed", path, message)


def check_blocks_recomputed(evidence: Evidence, policy: TrustPolicy) -> Iterator[Finding]:
    """Step 12: say that block digests of files that were read were not recomputed.

    Codes: `blocks-not-recomputed`.
    """
    were_read = [
        (index, item)
        for index, item in enumerate(evidence.manifest.release.blocks)
        if item.path in evidence.found and evidence.found[item.path].read
    ]
    # Blocks that were recomputed and differ have a finding of their own.
    differing = {fault.path for fault in evidence.faults if fault.code in _COMPARED}
    left = sum(
        item.blocks not in evidence.roots
        and differing.isdisjoint({printable_name(item.path), f"/release/blocks/{index}/blocks"})
        for index, item in were_read
    )
    if left:
        message = f"digests of blocks of {left} of {len(were_read)} files are the signer's word"
        yield Finding("blocks-not-recomputed", "/release/blocks", message)


def _faults(item: FileBlocks) -> Iterator[str]:
    try:
        count = count_blocks(item.size, item.block_size)
    except DigestError as error:
        yield error.problem
        return
    if item.blocks.size != count:
        yield (
            f"{item.size} bytes in blocks of {item.block_size} are {count} blocks, "
            f"the root is over {item.blocks.size}"
        )
    if item.list is None:
        return
    if item.list.path is None:
        yield "the list of block digests has no path in the manifest folder"
    if item.list.size is not None and item.list.size != DIGEST_BYTES * count:
        yield (
            f"a list of {count} blocks has {DIGEST_BYTES * count} bytes, "
            f"the signed one has {item.list.size}"
        )
