"""`provenance diff` of two inventories: which files are in one only, and which are others."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from provenance.cli.comparing import DIFFERS, NOT_COMPARABLE, SAME
from provenance.cli.output import say, say_json

if TYPE_CHECKING:
    from pathlib import Path

    from provenance.digest import InventoryEntry

__all__ = ["diff_inventories", "is_inventory"]

#: How the first line of an inventory begins: canonical JSON.
_BEGINNING = b'{"digest":{"blake3":'
#: The sign of each outcome in text, as in other differences.
_SIGNS = {"missing": "-", "extra": "+", "changed": "~"}


def is_inventory(path: Path) -> bool:
    """Return whether a file begins as an inventory does; not that it is a good one."""
    from provenance.digest import open_regular
    from provenance.errors import InputError

    try:
        with open_regular(os.path.realpath(path)) as descriptor:
            return os.read(descriptor, len(_BEGINNING)) == _BEGINNING
    except (InputError, OSError, ValueError):
        return False  # whoever reads it next says what is wrong


def diff_inventories(before: Path, after: Path, output_format: str) -> int:
    """Print what differs between two inventories, and return the exit code.

    Files are compared by BLAKE3, which every inventory has.

    Raises:
        DigestError: One breaks its format.
        InputError: One cannot be read.
    """
    from provenance.digest import Inventory
    from provenance.render import escape, format_count
    from provenance.verification.proof_making import read_tree_file

    first, second = read_tree_file(before), read_tree_file(after)
    if not isinstance(first, Inventory) or not isinstance(second, Inventory):
        return NOT_COMPARABLE  # it changed since its first bytes were read
    one, other = ({entry.path: entry for entry in side} for side in (first, second))
    changes = [
        (path, _outcome(one.get(path), other.get(path)))
        for path in sorted(one.keys() | other.keys())
        if one.get(path) is None or other.get(path) is None or not _equal(one[path], other[path])
    ]
    if output_format == "json":
        say_json(
            {
                "a": str(before),
                "b": str(after),
                "changes": [{"outcome": outcome, "path": path} for path, outcome in changes],
                "equal": not changes,
                "verified": False,
            }
        )
        return DIFFERS if changes else SAME
    names = f"{escape(str(before))} and {escape(str(after))}"
    if not changes:
        say(f"No difference between {names}: the same {format_count(len(one))} files.")
        return SAME
    counts = [
        f"{format_count(count)} {outcome}"
        for outcome in ("missing", "extra", "changed")
        if (count := sum(found == outcome for _, found in changes))
    ]
    say(f"{names}: {', '.join(counts)} (only in A, only in B, another content):")
    for path, outcome in changes:
        say(f"{_SIGNS[outcome]} {escape(path)}")
    return DIFFERS


def _equal(one: InventoryEntry, other: InventoryEntry) -> bool:
    return (one.size, one.digest.blake3) == (other.size, other.digest.blake3)


def _outcome(one: InventoryEntry | None, other: InventoryEntry | None) -> str:
    if one is None:
        return "extra"
    return "missing" if other is None else "changed"
