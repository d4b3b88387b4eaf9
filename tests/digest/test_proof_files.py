"""Proof files: malformed ones are refused, changed ones prove nothing, good ones are small."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance import canonical
from provenance.canonical import MAX_PROOF_FILE_BYTES
from provenance.digest import (
    Inventory,
    InventoryDigest,
    InventoryEntry,
    ProofFile,
    ProofLevel,
    Shard,
    ShardIndex,
    TensorDigest,
    TypedRoot,
    hash_bytes,
    prove_in_shards,
    prove_in_trees,
    prove_inclusion,
    prove_tensor,
    split_inventory,
    typed_root,
)
from provenance.digest.proof_files import seems_proof
from provenance.errors import DigestError, ProvenanceError, UsageError

HEX = "ab" * 32


def make_inventory(count: int) -> Inventory:
    return Inventory(
        tuple(
            InventoryEntry(
                digest=InventoryDigest(hash_bytes(bytes([n % 256]), "blake3")),
                path=f"d/f{n}",
                size=n,
            )
            for n in range(count)
        )
    )


def make_index(inventory: Inventory, most: int) -> tuple[ShardIndex, dict[str, Inventory]]:
    parts = split_inventory(inventory, most)
    return ShardIndex(tuple(Shard(name, part.root) for name, part in parts.items())), parts


INVENTORY = make_inventory(10)
INDEX, PARTS = make_index(INVENTORY, 3)
GOOD = prove_in_shards(INDEX, "part-00001", PARTS["part-00001"], INVENTORY.entries[4].path)
ONE = prove_in_trees([INVENTORY], "d/f3")


def tree_of(proof: ProofFile = GOOD) -> Any:  # noqa: ANN401 - JSON
    tree: Any = canonical.parse(proof.to_bytes())
    tree["levels"] = list(tree["levels"])
    return tree


def level_with(number: int, **changes: object) -> dict[str, Any]:
    tree = tree_of()
    tree["levels"][number] = {**tree["levels"][number], **changes}
    return dict(tree)


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in tree_of().items() if key != name}


ENTRY = tree_of()["entry"]
LEVELS = tree_of()["levels"]

#: Documents that are refused, and the code.
REFUSED: dict[str, tuple[object, str]] = {
    "array": ([], "digest-format"),
    "no entry": (without("entry"), "digest-format"),
    "no levels": (without("levels"), "digest-format"),
    "no format": (without("format"), "digest-format"),
    "another format": ({**tree_of(), "format": "training-provenance/proof/v2"}, "digest-format"),
    "member more": ({**tree_of(), "salt": "x"}, "digest-format"),
    "levels none": ({**tree_of(), "levels": []}, "digest-format"),
    "levels four": ({**tree_of(), "levels": [LEVELS[0], *[LEVELS[1]] * 3]}, "digest-format"),
    "levels swapped": ({**tree_of(), "levels": LEVELS[::-1]}, "digest-format"),
    "levels no objects": ({**tree_of(), "levels": [1]}, "digest-format"),
    "level member more": (level_with(0, salt="x"), "digest-format"),
    "shard on the first level": (level_with(0, shard="a"), "digest-format"),
    "shard null": (level_with(1, shard=None), "digest-format"),
    "shard unsafe": (level_with(1, shard="../a"), "name-unsafe"),
    "second level of files": (
        level_with(1, root={**LEVELS[1]["root"], "tree": "file"}),
        "digest-format",
    ),
    "root of no kind": (level_with(0, root={**LEVELS[0]["root"], "tree": "x"}), "digest-format"),
    "root member more": (level_with(0, root={**LEVELS[0]["root"], "x": 1}), "digest-format"),
    "root in capitals": (
        level_with(0, root={**LEVELS[0]["root"], "root": "A" * 64}),
        "digest-format",
    ),
    "hash in capitals": (level_with(0, hashes=["A" * 64]), "digest-format"),
    "hash short": (level_with(0, hashes=["a" * 62]), "digest-format"),
    "hashes 64": (level_with(0, hashes=[HEX] * 64), "digest-format"),
    "index text": (level_with(0, index="1"), "digest-format"),
    "index real": (level_with(0, index=1.5), "digest-format"),
    "entry empty": ({**tree_of(), "entry": {}}, "digest-format"),
    "entry member more": ({**tree_of(), "entry": {**ENTRY, "sha256": HEX}}, "digest-format"),
    "entry size negative": ({**tree_of(), "entry": {**ENTRY, "size": -1}}, "digest-format"),
    "entry size boolean": ({**tree_of(), "entry": {**ENTRY, "size": True}}, "digest-format"),
    "entry digest short": ({**tree_of(), "entry": {**ENTRY, "blake3": "ab"}}, "digest-format"),
    "entry path unsafe": ({**tree_of(), "entry": {**ENTRY, "path": "/etc/x"}}, "name-unsafe"),
    "entry nested": ({**tree_of(), "entry": {**ENTRY, "path": [[[1]]]}}, "digest-format"),
    "manifest null": ({**tree_of(), "manifest": None}, "digest-format"),
    "manifest without digest": ({**tree_of(), "manifest": {"pointer": "/a"}}, "digest-format"),
    "manifest member more": (
        {**tree_of(), "manifest": {"pointer": "/a", "sha256": HEX, "x": 1}},
        "digest-format",
    ),
    "pointer no pointer": (
        {**tree_of(), "manifest": {"pointer": "a", "sha256": HEX}},
        "digest-format",
    ),
    "manifest digest short": (
        {**tree_of(), "manifest": {"pointer": "/a", "sha256": "ab"}},
        "digest-format",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_malformed_file_is_refused(name: str) -> None:
    tree, code = REFUSED[name]
    with pytest.raises(DigestError) as caught:
        ProofFile.from_bytes(canonical.write(tree))  # type: ignore[arg-type]  # JSON
    assert caught.value.code == code


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        GOOD.to_bytes() + b"\n",
        b" " + GOOD.to_bytes(),
        GOOD.to_bytes().replace(b'"entry"', b'"entry":{},"entry"'),
        b"[" * 10_000,
        b'{"entry":"' + b"a" * MAX_PROOF_FILE_BYTES + b'"}',
        b"\xff\xfe",
    ],
    ids=["empty", "open", "line feed", "blank", "twice", "deep", "large", "no UTF-8"],
)
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(DigestError) as caught:
        ProofFile.from_bytes(data)
    assert caught.value.code == "digest-format"


def test_changed_parts_do_not_lead_to_the_root() -> None:
    first, second = GOOD.levels
    changed = {
        "size of the file": replace(GOOD, entry={**GOOD.entry, "size": 9}),
        "name of the file": replace(GOOD, entry={**GOOD.entry, "path": "d/f5"}),
        "digest of the file": replace(GOOD, entry={**GOOD.entry, "blake3": HEX}),
        "index": replace(GOOD, levels=(replace(first, index=0), second)),
        "name of the shard": replace(GOOD, levels=(first, replace(second, shard="part-00002"))),
        "root of the shard": replace(
            GOOD, levels=(replace(first, root=PARTS["part-00002"].root), second)
        ),
        "index of the shard": replace(GOOD, levels=(first, replace(second, index=2))),
        "level left out": replace(GOOD, levels=(first,)),
    }
    for name, proof in changed.items():
        with pytest.raises(DigestError) as caught:
            proof.check(INDEX.root)
        assert caught.value.code in {"digest-mismatch", "digest-format"}, name
    GOOD.check(INDEX.root)


@pytest.mark.parametrize(
    ("root", "code"),
    [
        (replace(INDEX.root, tree="log"), "digest-format"),
        (replace(INDEX.root, size=5), "digest-format"),
        (replace(INDEX.root, root=HEX), "digest-mismatch"),
        (INVENTORY.root, "digest-format"),
    ],
    ids=["kind", "size", "hash", "tree of the files"],
)
def test_another_trusted_root_is_refused(root: TypedRoot, code: str) -> None:
    with pytest.raises(DigestError) as caught:
        GOOD.check(root)
    assert caught.value.code == code


@given(st.integers(1, 40), st.integers(1, 9), st.data())
def test_any_file_of_any_tree_proves_and_no_bit_of_it_changes(
    count: int, most: int, data: st.DataObject
) -> None:
    whole = make_inventory(count)
    index, parts = make_index(whole, most)
    name = data.draw(st.sampled_from(sorted(parts)))
    path = data.draw(st.sampled_from(parts[name].entries)).path
    proof = prove_in_shards(index, name, parts[name], path)
    assert proof == prove_in_trees([index, parts[name]], path)
    written = proof.to_bytes()
    ProofFile.from_bytes(written).check(index.root)
    at = data.draw(st.integers(0, len(written) * 8 - 1))
    flipped = bytearray(written)
    flipped[at // 8] ^= 1 << at % 8
    with pytest.raises(ProvenanceError):
        ProofFile.from_bytes(bytes(flipped)).check(index.root)


def test_three_levels_are_proved_and_a_fourth_is_refused() -> None:
    top = ShardIndex((Shard("whole", INDEX.root), Shard("more", INVENTORY.root)))
    part = PARTS["part-00001"]
    proof = prove_in_trees([top, INDEX, part], part.entries[0].path)
    ProofFile.from_bytes(proof.to_bytes()).check(top.root)
    assert [level.shard for level in proof.levels] == [None, "part-00001", "whole"]
    above = ShardIndex((Shard("top", top.root),))
    with pytest.raises(DigestError, match="4 levels"):
        prove_in_trees([above, top, INDEX, part], part.entries[0].path)


def test_a_shard_itself_is_proved() -> None:
    proof = prove_in_trees([INDEX], "part-00002")
    ProofFile.from_bytes(proof.to_bytes()).check(INDEX.root)
    assert proof.kind == "shard"


def test_a_tensor_is_proved_and_an_unknown_one_is_not() -> None:
    tensors = [TensorDigest(f"w{n}", "F32", (2, n), HEX) for n in range(3)]
    proof = prove_tensor(tensors, "w1")
    ProofFile.from_bytes(proof.to_bytes()).check(
        typed_root("tensor", [tensor.entry for tensor in tensors])
    )
    with pytest.raises(DigestError, match="is no tensor"):
        prove_tensor(tensors, "w9")


@pytest.mark.parametrize("kind", ["block", "record"])
def test_a_block_or_record_is_proved_by_its_digest(kind: Any) -> None:  # noqa: ANN401 - a kind
    entries = [bytes([n]) * 32 for n in range(5)]
    made = prove_inclusion(kind, entries, 3)
    root = typed_root(kind, entries)
    level = ProofLevel(root, made.index, made.hashes)
    proof = ProofFile({"blake3": entries[3].hex()}, (level,))
    ProofFile.from_bytes(proof.to_bytes()).check(root)


def test_an_entry_of_a_log_is_not_proved_by_a_file() -> None:
    level = ProofLevel(TypedRoot("log", 1, HEX), 0, ())
    with pytest.raises(DigestError, match="no entry of a log tree"):
        ProofFile({"blake3": HEX}, (level,))


@pytest.mark.parametrize(
    ("trees", "error"),
    [
        ([], UsageError),
        ([INVENTORY, INVENTORY], UsageError),
        ([INDEX, INVENTORY], DigestError),
        ([INVENTORY], DigestError),
    ],
    ids=["none", "inventory above", "not listed", "no such file"],
)
def test_trees_that_do_not_fit_are_refused(trees: Any, error: type[Exception]) -> None:  # noqa: ANN401
    path = "d/f3" if len(trees) > 1 else "d/none"
    with pytest.raises(error):
        prove_in_trees(trees, path)


def test_shard_with_another_root_is_refused() -> None:
    with pytest.raises(DigestError) as caught:
        prove_in_shards(INDEX, "part-00000", PARTS["part-00001"], "d/f3")
    assert caught.value.code == "inventory-mismatch"


def test_proof_among_a_million_files_is_small(record_property: Any) -> None:  # noqa: ANN401 - pytest's
    # A level holds a hash for each of the 20 levels of a tree of a million leaves.
    hashes = tuple(bytes([n]) * 32 for n in range(20))
    level = ProofLevel(TypedRoot("file", 1_000_000, HEX), 524_287, hashes)
    proof = ProofFile({"blake3": HEX, "path": "shard/000524287.jpg", "size": 2**40}, (level,))
    written = proof.to_bytes()
    assert len(written) < 2048
    began = time.perf_counter()
    with pytest.raises(DigestError, match="does not lead"):
        ProofFile.from_bytes(written).check(level.root)
    record_property("milliseconds", 1000 * (time.perf_counter() - began))
    record_property("bytes", len(written))


def test_one_level_says_what_it_is() -> None:
    assert (ONE.kind, ONE.name, ONE.root) == ("file", "d/f3", INVENTORY.root)
    assert ProofFile.from_bytes(ONE.to_bytes()) == ONE


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", False),
        (b'{"format":"training-provenance/inventory/v1"}', False),
        (b'{"format":"training-provenance/proof/v1"', True),
        (b'{ "format": "training-provenance/proof/v2" }', True),
    ],
    ids=["empty", "other format", "cut", "newer"],
)
def test_what_can_be_meant_as_a_proof_is_told_from_the_rest(data: bytes, *, expected: bool) -> None:
    assert seems_proof(data) is expected
