"""Digests of blocks: each block by itself, and the root over all of them."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from provenance.canonical import MAX_BLOCK_BYTES, MAX_BLOCKS, MIN_BLOCK_BYTES
from provenance.digest import (
    BlockDigests,
    TypedRoot,
    damaged_ranges,
    hash_blocks,
    hash_file,
    hash_file_and_blocks,
    leaf_hash,
    open_folder,
    tree_head,
    typed_root,
)
from provenance.digest.blocks import differing_ranges, whole_file_block
from provenance.digest.tree import hash_tree
from provenance.digest.tree_parts import hash_tree_and_parts
from provenance.errors import DigestError, InputError
from support.source import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

B = MIN_BLOCK_BYTES
PAGE = (REPOSITORY / "spec" / "digests.md").read_text(encoding="utf-8")
DATA = b"".join(number.to_bytes(4, "big") for number in range(3 * B // 4)) + b"the end"


def by_hand(data: bytes, block_size: int = B) -> list[bytes]:
    return [
        blake3(data[start : start + block_size]).digest()
        for start in range(0, len(data), block_size)
    ]


def blocks_of(data: bytes, block_size: int = B) -> BlockDigests:
    return BlockDigests(len(data), block_size, b"".join(by_hand(data, block_size)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a file of three blocks and a short one."""
    file = tmp_path / "model.bin"
    file.write_bytes(DATA)
    return file


@pytest.mark.parametrize(
    "block_size",
    [0, -1, 1, B - 1, B + 1, B // 2, 3 * B, MAX_BLOCK_BYTES * 2, True, 65536.0, "65536", None],
    ids=repr,
)
def test_block_size_that_is_none_is_refused(path: Path, block_size: int) -> None:
    with pytest.raises(DigestError, match="no size of blocks") as caught:
        hash_blocks(path, block_size)
    assert caught.value.code == "blocks-malformed"


@pytest.mark.parametrize("size", [-1, True, 1.0, None], ids=repr)
def test_length_that_is_none_is_refused(size: int) -> None:
    with pytest.raises(DigestError, match="no length"):
        BlockDigests(size, B, b"")


def test_too_many_blocks_are_refused_before_anything_is_made() -> None:
    with pytest.raises(DigestError, match="larger blocks"):
        BlockDigests(MAX_BLOCKS * B + 1, B, b"")


@pytest.mark.parametrize("length", [0, 31, 33, 96, 127, 129, 160])
def test_list_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(DigestError, match="4 blocks has 128 bytes") as caught:
        BlockDigests.from_bytes(bytes(length), size=len(DATA), block_size=B)
    assert caught.value.code == "blocks-malformed"


@pytest.mark.parametrize("at", [0, 31, 32, 127])
def test_list_with_a_changed_bit_does_not_have_the_root(at: int) -> None:
    made = blocks_of(DATA)
    data = bytearray(made.to_bytes())
    data[at] ^= 1
    with pytest.raises(DigestError, match="fetch the list again") as caught:
        BlockDigests.from_bytes(bytes(data), size=made.size, block_size=B, root=made.root)
    assert caught.value.code == "blocks-mismatch"


def test_list_with_two_blocks_swapped_does_not_have_the_root() -> None:
    one, two, *rest = by_hand(DATA)
    made = blocks_of(DATA)
    with pytest.raises(DigestError, match="has the root"):
        BlockDigests.from_bytes(
            b"".join([two, one, *rest]), size=made.size, block_size=B, root=made.root
        )


@pytest.mark.parametrize("kind", ["file", "record", "log"])
def test_root_of_another_kind_is_not_that_of_blocks(kind: str) -> None:
    made = blocks_of(DATA)
    root = TypedRoot(kind, made.root.size, made.root.root)  # type: ignore[arg-type]  # a wrong kind
    with pytest.raises(DigestError, match="has the root"):
        BlockDigests.from_bytes(made.to_bytes(), size=made.size, block_size=B, root=root)


@pytest.mark.parametrize("index", [-1, 4, 10**9])
def test_block_that_is_not_there_is_refused(index: int) -> None:
    with pytest.raises(DigestError, match="no block"):
        blocks_of(DATA).check_block(index, b"")


@pytest.mark.parametrize(
    ("index", "data"),
    [
        (0, DATA[B : 2 * B - 1]),
        (0, DATA[: B - 1]),
        (0, DATA[: B + 1]),
        (0, b""),
        (1, b"\xff" + DATA[B + 1 : 2 * B]),
        (3, DATA[3 * B :] + b"\0"),
        (3, DATA[3 * B : -1]),
    ],
    ids=["other", "short", "long", "none", "changed", "last-long", "last-short"],
)
def test_block_with_other_bytes_is_refused(index: int, data: bytes) -> None:
    with pytest.raises(DigestError, match="not those that were signed") as caught:
        blocks_of(DATA).check_block(index, data)
    assert caught.value.code == "digest-mismatch"


def test_refusal_names_the_bytes() -> None:
    with pytest.raises(DigestError, match=r"bytes 65,536-131,071 \(block 1\)"):
        blocks_of(DATA).check_block(1, bytes(B))


def test_lists_for_other_sizes_are_not_compared() -> None:
    with pytest.raises(DigestError, match="not comparable"):
        list(differing_ranges(blocks_of(DATA), blocks_of(DATA[:-1])))
    with pytest.raises(DigestError, match="not comparable"):
        list(differing_ranges(blocks_of(DATA), blocks_of(DATA, 2 * B)))


def test_file_of_another_size_has_no_ranges(path: Path) -> None:
    made = blocks_of(DATA)
    path.write_bytes(DATA[:-1])
    with pytest.raises(DigestError, match="expected") as caught:
        damaged_ranges(path, made)
    assert caught.value.code == "size-mismatch"


def test_link_is_not_followed(path: Path) -> None:
    link = path.with_name("link")
    link.symlink_to(path)
    with pytest.raises(InputError, match="link"):
        hash_blocks(link, B)


def test_link_below_a_root_is_not_followed(path: Path) -> None:
    (path.parent / "link").symlink_to(path)
    with open_folder(path.parent) as root, pytest.raises(InputError, match="link"):
        hash_blocks("link", B, root=root)


def test_time_that_is_up_ends_the_reading(path: Path) -> None:
    with pytest.raises(InputError, match="ran out"):
        hash_blocks(path, B, deadline=0.0)


def test_file_larger_than_a_block_is_not_one() -> None:
    with pytest.raises(DigestError, match="no size of blocks"):
        whole_file_block(MAX_BLOCK_BYTES + 1, "0" * 64)


@pytest.mark.parametrize("size", [0, 1, B - 1, B, B + 1, 2 * B, 3 * B + 7])
@pytest.mark.parametrize("block_size", [B, 2 * B, 16 * B, 32 * B])
def test_one_reading_gives_the_digests_of_the_file_and_of_its_blocks(
    tmp_path: Path, size: int, block_size: int
) -> None:
    data = DATA[:size]
    file = tmp_path / "file"
    file.write_bytes(data)
    seen: list[int] = []
    found, blocks = hash_file_and_blocks(file, block_size, progress=seen.append)
    assert found == hash_file(file)
    assert blocks == blocks_of(data, block_size)
    assert len(blocks) == -(-size // block_size)
    assert blocks.root == typed_root("block", by_hand(data, block_size))
    assert sum(seen) == size


def test_file_of_many_chunks_has_the_same_blocks(tmp_path: Path) -> None:
    data = DATA * 20
    file = tmp_path / "file"
    file.write_bytes(data)
    assert hash_blocks(file, 64 * B) == blocks_of(data, 64 * B)
    assert hash_blocks(file, B) == blocks_of(data)


def test_list_comes_back_as_it_was_written() -> None:
    made = blocks_of(DATA)
    again = BlockDigests.from_bytes(made.to_bytes(), size=made.size, block_size=B, root=made.root)
    assert again == made


@pytest.mark.parametrize("size", [0, 1, B, B + 1, 5 * B])
def test_file_that_is_its_own_block_has_the_digest_of_the_file(size: int) -> None:
    data = (DATA * 2)[:size]
    made = whole_file_block(size, blake3(data).hexdigest())
    assert len(made) == (1 if size else 0)
    if size:
        made.check_block(0, data)


@given(st.sets(st.integers(0, len(DATA) - 1), max_size=6))
def test_damaged_ranges_are_the_blocks_that_were_touched(places: set[int]) -> None:
    changed = bytearray(DATA)
    for at in places:
        changed[at] ^= 0x40
    ranges = list(differing_ranges(blocks_of(bytes(changed)), blocks_of(DATA)))
    inside = {index for index in range(4) for start, end in ranges if start <= index * B < end}
    assert inside == {at // B for at in places}
    assert all(start < end for start, end in ranges)
    assert all(one[1] < two[0] for one, two in pairwise(ranges))


def test_neighbours_are_merged_and_the_end_is_that_of_the_file(path: Path) -> None:
    changed = bytearray(DATA)
    changed[0] ^= 1
    changed[2 * B] ^= 1
    changed[-1] ^= 1
    made = blocks_of(DATA)
    assert damaged_ranges(path, made) == []
    path.write_bytes(changed)
    assert damaged_ranges(path, made) == [(0, B), (2 * B, len(DATA))]


def test_tree_with_blocks_has_the_inventory_of_the_tree(path: Path) -> None:
    (path.parent / "folder").mkdir()
    (path.parent / "folder" / "small").write_bytes(bytes(B))
    found = hash_tree_and_parts(path.parent, block_size=B)
    assert found.inventory == hash_tree(path.parent)
    assert found.blocks == {"model.bin": blocks_of(DATA)}
    assert hash_tree_and_parts(path.parent, block_size=B, skip=["model.bin"]).blocks == {}


def test_tree_with_a_link_is_refused(path: Path) -> None:
    (path.parent / "link").symlink_to(path)
    with pytest.raises(DigestError, match="link"):
        hash_tree_and_parts(path.parent, block_size=B)


def test_example_of_the_specification_is_what_the_code_computes(tmp_path: Path) -> None:
    values = dict(re.findall(r"^\| (.*) \| `([0-9a-f]{64})` \|$", PAGE, re.MULTILINE))
    file = tmp_path / "file"
    file.write_bytes(bytes(B) + b"\1" * B + b"\2")
    made = hash_blocks(file, B)
    leaves = [leaf_hash("block", made.digest(index)) for index in range(3)]
    assert len(made) == 3
    for index, leaf in enumerate(leaves):
        assert values[f"entry of block {index}"] == made.digest(index).hex()
        assert values[f"leaf of block {index}"] == leaf.hex()
    assert values["node over blocks 0, 1"] == tree_head(leaves[:2]).hex()
    assert values["root of the blocks"] == made.root.root
    assert values["BLAKE3 of the list"] == blake3(made.to_bytes()).hexdigest()


def test_sizes_of_the_specification_are_those_of_the_code() -> None:
    for size in (MIN_BLOCK_BYTES, MAX_BLOCK_BYTES, MAX_BLOCKS):
        assert f"| {size:,} | `blocks-malformed` |" in PAGE
