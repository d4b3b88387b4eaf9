"""Block digests in a verification: lists of them, and where a damaged file differs.

Nothing here is believed before the signed root leads to it: a list with another root is a finding,
and is not used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from provenance.digest import BlockDigests, TypedRoot, printable_name
from provenance.digest.blocks import differing_ranges
from provenance.errors import DigestError, shown
from provenance.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from provenance.checks import ListedFile, Observed
    from provenance.manifest import FileBlocks, Manifest
    from provenance.verification.reading import Reader

__all__ = ["BlockComparison", "compare_blocks", "read_block_lists"]

#: Most damaged ranges of one file that are named; how many more there are is said.
MAX_RANGES_SHOWN = 16


class BlockComparison(Struct):
    """What the blocks of the files came to."""

    roots: set[TypedRoot] = field(default_factory=set)
    """Typed roots that were recomputed from the bytes of files."""

    faults: list[Finding] = field(default_factory=list)
    """Damaged ranges, and blocks that contradict their file."""


def read_block_lists(
    manifest: Manifest, contents: Mapping[str, bytes]
) -> tuple[dict[str, BlockDigests], tuple[Finding, ...]]:
    """Return the lists of blocks whose root is the signed one, by released file, and the faults.

    Args:
        manifest: The document.
        contents: Files of the manifest folder that have the signed digest, by name.
    """
    lists: dict[str, BlockDigests] = {}
    faults = []
    # One list may be named by any number of files, so its root is computed once.
    roots: dict[str, TypedRoot] = {}
    for index, item in enumerate(manifest.release.blocks):
        name = "" if item.list is None else item.list.path or ""
        if name not in contents:
            continue
        try:
            made = BlockDigests.from_bytes(
                contents[name], size=item.size, block_size=item.block_size
            )
        except DigestError:
            continue  # step 13 finds that by the sizes alone
        if name not in roots:
            roots[name] = made.root
        if roots[name] == item.blocks:
            lists.setdefault(item.path, made)
        else:
            message = (
                f"the list of {len(made)} blocks has the root {roots[name].root}, "
                f"signed is {item.blocks.root} over {item.blocks.size}"
            )
            faults.append(Finding("blocks-mismatch", f"/release/blocks/{index}/blocks", message))
    return lists, tuple(faults)


def compare_blocks(
    reader: Reader,
    manifest: Manifest,
    lists: Mapping[str, BlockDigests],
    listed: Iterable[ListedFile],
    found: Mapping[str, Observed],
) -> BlockComparison:
    """Read once more the files that are damaged, or all if every digest is to be recomputed.

    Args:
        reader: Reads, and remembers what it could not read.
        manifest: The document.
        lists: The digests of blocks that are under the signature, by released file.
        listed: The signed inventory.
        found: The files as they were found.
    """
    result = BlockComparison()
    if not manifest.release.blocks:
        return result
    entries = {entry.path: entry for entry in listed}
    done: set[str] = set()
    for index, item in enumerate(manifest.release.blocks):
        if item.path in done:
            continue  # step 13 refuses it; no file is read a third time
        done.add(item.path)
        entry, seen = entries.get(item.path), found.get(item.path)
        if entry is None or seen is None or not seen.read or entry.size != item.size:
            continue
        is_damaged = any(seen.digest[name] != entry.digest.get(name) for name in seen.digest)
        if (is_damaged and item.path in lists) or (not is_damaged and reader.all_digests):
            made = reader.blocks(item.path, item.size, item.block_size)
            if made is not None:
                _compare(result, index, item, made, lists.get(item.path), is_damaged=is_damaged)
    return result


def _compare(
    result: BlockComparison,
    index: int,
    item: FileBlocks,
    made: BlockDigests,
    signed: BlockDigests | None,
    *,
    is_damaged: bool,
) -> None:
    is_same = made.root == item.blocks
    if is_same:
        result.roots.add(made.root)
    if is_damaged and signed is not None and not is_same:
        result.faults.append(_damage(item.path, made, signed))
    elif is_damaged == is_same:
        have = "have" if is_same else "do not have"
        other = "does not have" if is_same else "has"
        message = f"the blocks of {shown(item.path)} {have} the signed root, and the file {other} "
        result.faults.append(
            Finding("blocks-mismatch", f"/release/blocks/{index}/blocks", message + "its digest")
        )


def _damage(path: str, made: BlockDigests, signed: BlockDigests) -> Finding:
    named: list[str] = []
    more = total = 0
    for start, end in differing_ranges(made, signed):
        total += end - start
        if len(named) < MAX_RANGES_SHOWN:
            named.append(f"{start:,}-{end - 1:,}")
        else:
            more += 1
    rest = f" and {more:,} more ranges" if more else ""
    message = (
        f"bytes {', '.join(named)}{rest} of {shown(path)} are in blocks that differ "
        f"({total:,} of {signed.size:,} bytes); the rest is as signed"
    )
    return Finding("damaged-ranges", printable_name(path), message)
