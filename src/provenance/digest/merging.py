"""One inventory from parts that were hashed apart, and parts from one that is too large.

No file is read again: an inventory holds all that the tree digest needs. Source: `spec/digests.md`,
section "Shards". No I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice, pairwise
from typing import TYPE_CHECKING

from provenance.digest.inventory import Inventory, InventoryEntry
from provenance.digest.names import find_collisions
from provenance.errors import DigestError, UsageError, shown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

__all__ = ["merge_inventories", "split_inventory"]

#: Names, or pairs of them, that one message shows.
MAX_NAMES_SHOWN = 3


def merge_inventories(
    parts: Mapping[str, Inventory] | Iterable[tuple[str, Inventory]],
) -> Inventory:
    """Return the inventory of the tree that holds each part below its prefix.

    Args:
        parts: The parts by the folder that each one fills, without a slash at its end; `""` puts
            the files of a part at the root. Pairs, where several parts fill one folder. The order
            changes nothing.

    Raises:
        DigestError: Two parts have a file of one name (`name-duplicate`) or names that collide
            (`name-collision`), or a name is refused (`name-unsafe`).
    """
    pairs = parts.items() if isinstance(parts, Mapping) else parts
    placed = [_placed(prefix, part) for prefix, part in pairs]
    names = sorted(entry.path for part in placed for entry in part)
    twice = [name for name, other in pairwise(names) if name == other]
    if twice:
        raise _refused(dict.fromkeys(map(shown, twice)), "in two parts", "name-duplicate")
    # Names inside one part may collide, as they may in any dataset; between parts it is a mistake.
    known = {pair for part in placed for pair in _colliding(entry.path for entry in part)}
    between = [pair for pair in _colliding(names) if pair not in known]
    if between:
        shown_pairs = [" and ".join(map(shown, sorted(pair))) for pair in between]
        raise _refused(shown_pairs, "one name on some systems", "name-collision")
    return Inventory(tuple(entry for part in placed for entry in part))


def split_inventory(inventory: Inventory, max_entries: int) -> dict[str, Inventory]:
    """Return parts of at most so many files, in order, by names that sort as they stand.

    `ShardIndex` over their roots is the tree of trees; `merge_inventories` with each part below
    `""` gives the whole again.

    Raises:
        UsageError: `max_entries` is not a positive number.
    """
    if isinstance(max_entries, bool) or max_entries < 1:
        raise UsageError(path="max_entries", problem=f"expected at least 1, found {max_entries!r}")
    count = -(-len(inventory) // max_entries)
    width = max(5, len(str(count)))
    return {
        f"part-{number:0{width}d}": Inventory(
            inventory.entries[number * max_entries : (number + 1) * max_entries]
        )
        for number in range(count)
    }


def _placed(prefix: str, part: Inventory) -> tuple[InventoryEntry, ...]:
    if not prefix:
        return part.entries
    return tuple(
        InventoryEntry(digest=entry.digest, path=f"{prefix}/{entry.path}", size=entry.size)
        for entry in part
    )


def _colliding(names: Iterable[str]) -> list[frozenset[str]]:
    return [frozenset(pair) for pair in find_collisions(names)]


def _refused(names: Collection[str], problem: str, code: str) -> DigestError:
    some = ", ".join(islice(names, MAX_NAMES_SHOWN))
    more = f" and {len(names) - MAX_NAMES_SHOWN} more" if len(names) > MAX_NAMES_SHOWN else ""
    return DigestError(
        problem=f"{some}{more}: {problem}",
        remedy="put each part below a prefix of its own",
        code=code,
    )
