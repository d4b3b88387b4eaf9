"""Write `spec/vectors/` again, or with `--check` say which of its files are stale."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from vectors import (
    block_lists,
    blocks,
    canonical,
    certificates,
    claims,
    companions,
    containers,
    digests,
    envelope,
    held_records,
    inputs,
    keys,
    listing,
    logs,
    manifest,
    memory,
    oms,
    openings,
    policy,
    proof_files,
    proofs,
    records,
    release,
    released_tensors,
    statement,
    tensors,
    workers,
)
from vectors.groups import GROUPS

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FOLDER", "GENERATORS", "main", "vector_files"]

#: Where the vectors stand.
FOLDER = Path(__file__).resolve().parents[2] / "spec" / "vectors"

#: The modules that declare vectors when they are imported.
GENERATORS = (
    canonical,
    digests,
    tensors,
    containers,
    proofs,
    records,
    proof_files,
    block_lists,
    claims,
    workers,
    envelope,
    keys,
    certificates,
    logs,
    statement,
    manifest,
    openings,
    release,
    listing,
    companions,
    blocks,
    inputs,
    held_records,
    released_tensors,
    policy,
    memory,
    oms,
)

#: What stands in the folder and is written by hand.
_BY_HAND = frozenset({"README.md"})


def vector_files() -> Mapping[str, bytes]:
    """Return the content of every generated file, by path inside the folder."""
    return {
        f"{vector.name}/{name}": data
        for group in GROUPS
        for vector in group.build()
        for name, data in vector.files.items()
    }


def main(arguments: list[str], folder: Path = FOLDER) -> int:
    """Write or compare, and return the exit code."""
    wanted = vector_files()
    present = {
        path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()
    }
    surplus = present.keys() - wanted.keys() - _BY_HAND
    stale = {
        name: data
        for name, data in wanted.items()
        if name not in present or present[name].read_bytes() != data
    }
    if arguments == ["--check"]:
        for name in sorted(surplus | stale.keys()):
            print(f"stale: {name}")
        return 1 if surplus or stale else 0
    for name, data in stale.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    for name in surplus:
        present[name].unlink()
    print(f"{len(wanted)} files, {len(stale)} written, {len(surplus)} removed")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
