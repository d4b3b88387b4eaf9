"""What `spec/digests.md` shows is what the code computes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from provenance import canonical
from provenance.digest import (
    DTYPE_BITS,
    Inventory,
    ProofFile,
    Shard,
    ShardIndex,
    TypedRoot,
    file_entry,
    format_listing,
    hash_bytes,
    hash_tree,
    leaf_hash,
    prove_in_shards,
    prove_in_trees,
    shard_entry,
    split_inventory,
    tensor_entry,
    tree_head,
    typed_root,
)
from provenance.findings import CODES

TEXT = (Path(__file__).parents[2] / "spec" / "digests.md").read_text(encoding="utf-8")
FENCES = re.findall(r"^```\w*\n(.*?)\n```$", TEXT, re.DOTALL | re.MULTILINE)
VALUES = dict(re.findall(r"^\| ((?:entry|leaf|node|root)[^|]*) \| `(.*)` \|$", TEXT, re.MULTILINE))


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> Inventory:
    """Return the inventory of the three files of the example."""
    root = tmp_path_factory.mktemp("example")
    (root / "weights").mkdir()
    (root / "config.json").write_bytes(b'{"layers":2}\n')
    (root / "empty.txt").write_bytes(b"")
    (root / "weights" / "part-1.bin").write_bytes(bytes(range(251)))
    return hash_tree(root)


def test_first_page_shows_the_inventory_and_its_tree_digest(inventory: Inventory) -> None:
    assert inventory.to_bytes().decode() == FENCES[0] + "\n"
    root = canonical.parse(FENCES[1].encode())
    assert root == inventory.root.to_tree()


def test_entries_leaves_and_nodes_are_those_of_the_table(inventory: Inventory) -> None:
    leaves = []
    for number, entry in enumerate(inventory):
        data = file_entry(entry.path, entry.size, entry.digest.blake3)
        assert VALUES[f"entry {number}"] == data.decode()
        leaves.append(leaf_hash("file", data))
        assert VALUES[f"leaf {number}"] == leaves[-1].hex()
    assert VALUES["node over leaves 0, 1"] == tree_head(leaves[:2]).hex()
    assert VALUES["root"] == inventory.root.root
    assert TypedRoot("file", 0, VALUES["root of no files"]) == Inventory().root


def test_listing_and_its_digest_are_those_shown(inventory: Inventory) -> None:
    listing = format_listing((entry.path, entry.digest.sha256 or "") for entry in inventory)
    assert listing.decode() in {fence + "\n" for fence in FENCES}
    assert hash_bytes(listing, "sha256") in FENCES


def test_proofs_are_those_shown(inventory: Inventory) -> None:
    paths = ("config.json", "weights/part-1.bin")
    assert "\n".join(inventory.prove(path).to_bytes().decode() for path in paths) in FENCES


def test_shards_and_proof_files_are_those_shown(inventory: Inventory) -> None:
    parts = dict(zip(("part-0", "part-1"), split_inventory(inventory, 2).values(), strict=True))
    index = ShardIndex(tuple(Shard(name, part.root) for name, part in parts.items()))
    assert index.to_bytes().decode() in {fence + "\n" for fence in FENCES}
    for shard in index:
        assert VALUES[f"leaf of {shard.name}"] == leaf_hash("shard", shard_entry(shard)).hex()
    assert VALUES["root of both shards"] == index.root.root
    path = "weights/part-1.bin"
    sharded = prove_in_shards(index, "part-1", parts["part-1"], path)
    assert sharded.to_bytes().decode() in FENCES
    shown = [ProofFile.from_bytes(text.encode()) for text in FENCES if text.startswith('{"entry"')]
    assert [proof.levels for proof in shown] == [
        prove_in_trees([inventory], path).levels,
        sharded.levels,
    ]
    shown[0].check(inventory.root)


def test_tensors_are_those_shown() -> None:
    lines = re.findall(r"^(\w) (\w+) +(\[.*?\]) .* ([0-9a-f]{8,})$", TEXT, re.MULTILINE)
    assert len(lines) == 3
    entries = []
    for name, dtype, shape, data in lines:
        dimensions = canonical.parse(shape.encode())
        entries.append(tensor_entry(name, dtype, dimensions, bytes.fromhex(data)))  # type: ignore[arg-type]  # an array
        assert VALUES[f"entry {name}"] == entries[-1].decode()
        assert VALUES[f"leaf {name}"] == leaf_hash("tensor", entries[-1]).hex()
    assert VALUES["root of a, b, c"] == typed_root("tensor", entries).root


def test_types_of_elements_are_those_of_the_table() -> None:
    table = re.findall(r"^\| (\d+) \| ((?:`\w+`(?:, )?)+) \|$", TEXT, re.MULTILINE)
    found = {name: int(bits) for bits, names in table for name in re.findall(r"`(\w+)`", names)}
    assert found == dict(DTYPE_BITS)


def test_limits_are_those_of_the_code() -> None:
    values = {f"{value:,}" for name, value in vars(canonical).items() if name.isupper()}
    lines = re.findall(r"^\| .* \| ([\d,]+) \| `([a-z-]+)` \|$", TEXT, re.MULTILINE)
    assert len(lines) == 33
    assert {value for value, _ in lines} <= values
    assert {code for _, code in lines} <= set(CODES)


def test_codes_are_registered_and_anchors_are_counted() -> None:
    named = set(re.findall(r"\(`([a-z0-9-]+)`", TEXT))
    assert named <= set(CODES)
    anchors = [int(number) for number in re.findall(r"\[R-DIGEST-(\d+)\]", TEXT)]
    # Without a hole, but not in the order of the page: an anchor keeps its number for good.
    assert sorted(anchors) == list(range(1, len(anchors) + 1))
