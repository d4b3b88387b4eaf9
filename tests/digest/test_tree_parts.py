"""A tree, the blocks of its files and the tensors of its weights out of one reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from digest.weights.containers import BIAS, WEIGHT, safetensors
from provenance.canonical import MIN_BLOCK_BYTES
from provenance.digest import hash_blocks, hash_tensors, hash_tree
from provenance.digest.tree_parts import hash_tree_and_parts
from provenance.errors import DigestError

if TYPE_CHECKING:
    from pathlib import Path

B = MIN_BLOCK_BYTES


def is_weights(name: str) -> bool:
    return name.endswith(".safetensors")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "folder").mkdir(parents=True)
    big = ("big", "U8", (3 * B,), bytes(range(256)) * (3 * B // 256))
    (root / "1.safetensors").write_bytes(safetensors(WEIGHT, big))
    (root / "folder" / "2.safetensors").write_bytes(safetensors(BIAS))
    (root / "README.md").write_bytes(b"# digits\n")
    (root / "log").write_bytes(bytes(5 * B + 1))
    return root


@pytest.mark.parametrize("algorithms", [("blake3",), ("blake3", "sha256")], ids="+".join)
def test_one_reading_is_what_three_were(root: Path, algorithms: tuple[str, ...]) -> None:
    seen: list[int] = []
    found = hash_tree_and_parts(
        root,
        algorithms=algorithms,
        block_size=B,
        with_tensors=is_weights,
        progress=seen.append,
    )
    assert found.inventory == hash_tree(root, algorithms=algorithms)
    assert sum(seen) == sum(entry.size for entry in found.inventory.entries)
    assert found.blocks == {name: hash_blocks(root / name, B) for name in ("1.safetensors", "log")}
    assert {name: hasher.result() for name, hasher in found.tensors.items()} == {
        name: hash_tensors(root / name)[1] for name in ("1.safetensors", "folder/2.safetensors")
    }


def test_nothing_but_the_files_is_hashed_unless_it_is_asked_for(root: Path) -> None:
    found = hash_tree_and_parts(root, skip=["folder"])
    assert (found.blocks, found.tensors) == ({}, {})
    assert found.inventory == hash_tree(root, skip=["folder"])


def test_damaged_weights_are_files_all_the_same(root: Path) -> None:
    with (root / "1.safetensors").open("ab") as file:
        file.write(b"x")
    found = hash_tree_and_parts(root, with_tensors=is_weights)
    assert found.inventory == hash_tree(root)
    with pytest.raises(DigestError, match="tensors end at byte"):
        found.tensors["1.safetensors"].result()


def test_block_size_that_is_none_is_refused_before_anything_is_read(root: Path) -> None:
    with pytest.raises(DigestError) as caught:
        hash_tree_and_parts(root, block_size=B - 1)
    assert caught.value.code == "blocks-malformed"
