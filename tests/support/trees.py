"""Random small trees, the ways in which one can change, and their digests by formulas alone."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from provenance.digest import Inventory, TypedRoot
from vectors import formulas

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = [
    "CHANGES",
    "change_tree",
    "expected_root",
    "expected_rows",
    "random_files",
    "rows_of",
    "trees",
    "write_anew",
]

#: Names with folders, with letters beyond ASCII, and with an order that folders alone do not give.
NAMES = ("a", "b/a", "b/c/a", "b/c/b", "b.x", "d/e", "é/f", "z")

#: Lengths on both sides of every bound at which a file takes another road.
SIZES = (0, 1, 63, 64, 65, 1023, 1024, 1025, 65_535, 65_536, 65_537, 200_000)

#: What can become of a tree, so that its root must be another one.
CHANGES = ("flip", "append", "cut", "rename", "move", "add", "remove", "swap")

#: A row of an inventory: size, BLAKE3, SHA-256.
Row = tuple[int, str, str]


def random_files(seed: int, names: Mapping[str, int]) -> dict[str, bytes]:
    """Return files of these lengths with bytes that depend on the seed and the name alone."""
    return {
        name: random.Random(f"{seed}/{name}").randbytes(size)  # noqa: S311 - no secret
        for name, size in sorted(names.items())
    }


def trees() -> st.SearchStrategy[dict[str, bytes]]:
    """Return trees of a few files, as bytes by name."""
    sizes = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(SIZES), min_size=1)
    return st.builds(random_files, st.integers(0, 9), sizes)


def change_tree(files: Mapping[str, bytes], change: str, place: int) -> dict[str, bytes]:
    """Return other files; which of them change, and where, depends on `place`.

    A change for which there is no room (a cut of an empty file, a swap of equal files) is an
    addition instead.
    """
    changed = dict(files)
    name = sorted(files)[place % len(files)]
    data = files[name]
    other = sorted(files)[(place + 1) % len(files)]
    if change == "flip" and data:
        at = place % len(data)
        changed[name] = data[:at] + bytes([data[at] ^ (1 << place % 8)]) + data[at + 1 :]
    elif change == "append":
        changed[name] = data + b"\0"
    elif change == "cut" and data:
        changed[name] = data[:-1]
    elif change == "rename":
        changed[f"{name}~"] = changed.pop(name)
    elif change == "move":
        changed[f"moved/{name}"] = changed.pop(name)
    elif change == "remove" and len(files) > 1:
        del changed[name]
    elif change == "swap" and data != files[other]:
        changed[name], changed[other] = files[other], data
    else:
        changed["new"] = b""
    return changed


def write_anew(root: Path, files: Mapping[str, bytes]) -> None:
    """Let a folder hold exactly these files; what is the same already is not touched."""
    wanted = {root / name for name in files}
    for path in sorted(root.rglob("*"), reverse=True):
        if path.is_file() and path not in wanted:
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file() and path.read_bytes() == data:
            continue
        before = path.stat().st_ctime_ns if path.is_file() else None
        path.write_bytes(data)
        while path.stat().st_ctime_ns == before:  # within the resolution of the clock
            path.write_bytes(data)


def expected_rows(files: Mapping[str, bytes]) -> dict[str, Row]:
    """Return size and digests of each file, by other libraries' words."""
    made = {name: formulas.digests(data) for name, data in files.items()}
    return {
        name: (len(data), made[name]["blake3"], made[name]["sha256"])
        for name, data in files.items()
    }


def expected_root(files: Mapping[str, bytes]) -> TypedRoot:
    """Return the tree digest by the formulas of the specification."""
    return TypedRoot(**formulas.tree_digest(formulas.inventory(dict(files))))


def rows_of(inventory: Inventory) -> dict[str, Row]:
    """Return size and digests of each file of an inventory."""
    return {
        entry.path: (entry.size, entry.digest.blake3, entry.digest.sha256 or "")
        for entry in inventory
    }
