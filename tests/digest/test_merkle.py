"""RFC 6962 trees against the logs of others; typed roots; proofs that must fail."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.digest import (
    InclusionProof,
    TypedRoot,
    check_inclusion,
    inclusion_path,
    leaf_hash,
    merkle,
    plain_leaf_hash,
    prove_inclusion,
    root_from_path,
    tree_head,
    typed_root,
)
from provenance.errors import DigestError

if TYPE_CHECKING:
    from pathlib import Path

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
ENTRIES = [b"entry %d" % number for number in range(7)]
ROOT = typed_root("log", ENTRIES)
PROOF = prove_inclusion("log", ENTRIES, 4)


def reference_head(leaves: list[bytes]) -> bytes:
    """Compute the root as RFC 6962, section 2.1, defines it: by recursion."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    left, right = reference_head(leaves[:split]), reference_head(leaves[split:])
    return sha256(b"\x01" + left + right).digest()


class TestOutsideVectors:
    """The plain layer is exactly RFC 6962."""

    def test_roots_are_those_of_the_tessera_log(self, outside_vectors: Path) -> None:
        folder = outside_vectors / "tessera-log"
        entries = json.loads((folder / "keys.json").read_text())["entries_utf8"]
        leaves = [plain_leaf_hash(entry.encode()) for entry in entries]
        assert len(leaves) == 15
        for size in range(16):
            root = base64.b64decode((folder / f"checkpoint.{size}").read_text().splitlines()[2])
            assert tree_head(leaves[:size]) == root

    def test_leaf_hashes_are_those_of_its_tiles(self, outside_vectors: Path) -> None:
        folder = outside_vectors / "tessera-log"
        entries = json.loads((folder / "keys.json").read_text())["entries_utf8"]
        tile = (folder / "tile" / "0" / "000.p" / "15").read_bytes()
        assert b"".join(plain_leaf_hash(entry.encode()) for entry in entries) == tile

    def test_empty_root_and_leaf_are_those_of_the_go_checksum_database(
        self, outside_vectors: Path
    ) -> None:
        vector = json.loads((outside_vectors / "signed-note" / "go-sumdb-tlog.json").read_text())
        assert tree_head([]).hex() == vector["empty_root_hex"] == EMPTY
        leaf = plain_leaf_hash(vector["leaf_hash"]["data"].encode())
        assert base64.b64encode(leaf).decode() == vector["leaf_hash"]["b64"]


#: Changes of a good proof, each of which must be refused, and the code.
BROKEN = {
    "other kind": (replace(PROOF, kind="record"), "digest-format"),
    "other size": (replace(PROOF, size=8), "digest-format"),
    "other index": (replace(PROOF, index=5), "digest-mismatch"),
    "index of another length": (replace(PROOF, index=6), "digest-format"),
    "index past the end": (replace(PROOF, index=7), "digest-format"),
    "negative index": (replace(PROOF, index=-1), "digest-format"),
    "bool as index": (replace(PROOF, index=True), "digest-format"),
    "hash missing": (replace(PROOF, hashes=PROOF.hashes[:-1]), "digest-format"),
    "hash trailing": (replace(PROOF, hashes=(*PROOF.hashes, bytes(32))), "digest-format"),
    "hash twice": (replace(PROOF, hashes=(PROOF.hashes[0], *PROOF.hashes)), "digest-format"),
    "hashes swapped": (replace(PROOF, hashes=PROOF.hashes[::-1]), "digest-mismatch"),
    "hash of 31 bytes": (
        replace(PROOF, hashes=(PROOF.hashes[0][:31], *PROOF.hashes[1:])),
        "digest-format",
    ),
    "no hashes": (replace(PROOF, hashes=()), "digest-format"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_proof_is_refused(name: str) -> None:
    proof, code = BROKEN[name]
    with pytest.raises(DigestError) as caught:
        check_inclusion(ROOT, ENTRIES[4], proof)
    assert caught.value.code == code


def test_entry_that_is_not_there_is_refused() -> None:
    with pytest.raises(DigestError) as caught:
        check_inclusion(ROOT, ENTRIES[3], PROOF)
    assert caught.value.code == "digest-mismatch"


def test_inner_node_is_no_leaf() -> None:
    inner = leaf_hash("log", ENTRIES[0]) + leaf_hash("log", ENTRIES[1])
    assert plain_leaf_hash(inner) != tree_head([inner[:32], inner[32:]])


@pytest.mark.parametrize("index", [-1, 0, 1])
def test_empty_tree_has_no_proof(index: int) -> None:
    with pytest.raises(DigestError):
        prove_inclusion("log", [], index)
    with pytest.raises(DigestError):
        root_from_path(bytes(32), index, 0, ())


def test_index_past_the_end_has_no_proof() -> None:
    with pytest.raises(DigestError):
        prove_inclusion("log", ENTRIES, len(ENTRIES))


def test_tree_of_one_leaf_has_an_empty_proof() -> None:
    root, proof = typed_root("log", [b"x"]), prove_inclusion("log", [b"x"], 0)
    assert proof.hashes == ()
    check_inclusion(root, b"x", proof)
    with pytest.raises(DigestError):
        check_inclusion(root, b"x", replace(proof, hashes=(bytes(32),)))


def test_leaf_hash_of_31_bytes_is_refused() -> None:
    with pytest.raises(DigestError):
        root_from_path(bytes(31), 0, 1, ())


@pytest.mark.parametrize(
    ("tree", "size", "root"),
    [
        ("files", 0, EMPTY),
        ("file", -1, EMPTY),
        ("file", 2**53, EMPTY),
        ("file", True, EMPTY),
        ("file", 0, EMPTY.upper()),
        ("file", 0, EMPTY[:-2]),
        ("file", 0, EMPTY[:-1] + " "),
        ("file", 0, "zz" * 32),
        ("file", 0, None),
    ],
)
def test_typed_root_is_checked(tree: str, size: int, root: str) -> None:
    with pytest.raises(DigestError) as caught:
        TypedRoot(tree, size, root)  # type: ignore[arg-type]  # what documents get wrong
    assert caught.value.code == "digest-format"


def test_kind_of_tree_must_be_known() -> None:
    with pytest.raises(DigestError):
        leaf_hash("sample", b"")  # type: ignore[arg-type]  # no kind of tree


def test_typed_root_stands_in_documents_as_an_object() -> None:
    assert typed_root("file", []).to_tree() == {"tree": "file", "size": 0, "root": EMPTY}


def test_kinds_keep_equal_entries_apart() -> None:
    roots = {typed_root(kind, ENTRIES).root for kind in ("file", "tensor", "block", "record")}
    assert len(roots) == 4


def test_last_leaf_given_twice_is_another_tree() -> None:
    assert typed_root("log", ENTRIES).root != typed_root("log", [*ENTRIES, ENTRIES[-1]]).root


def test_proof_survives_its_file() -> None:
    data = PROOF.to_bytes()
    assert InclusionProof.from_bytes(data) == PROOF
    assert len(data) < 2048


@pytest.mark.parametrize(
    "change",
    [
        (b'"index":4', b'"index":4.5'),
        (b'"tree":"log"', b'"tree":"logs"'),
        (b'"size":7', b'"size":"7"'),
        (b'{"hashes"', b'{"extra":1,"hashes"'),
        (b'{"hashes":["', b'{"hashes":["00'),
        (b'{"hashes":["', b'{"hashes":["A'),
        (b'{"hashes":[', b'{"hashes":[1,'),
        (b'{"hashes"', b'{ "hashes"'),
        (b'{"hashes":[', b'{"hashes":["' + b'","'.join([b"00" * 32] * 64) + b'",'),
        (b'{"hashes"', b"[]"),
    ],
)
def test_malformed_proof_file_is_refused(change: tuple[bytes, bytes]) -> None:
    data = PROOF.to_bytes()
    assert change[0] in data
    with pytest.raises(DigestError) as caught:
        InclusionProof.from_bytes(data.replace(*change), source="proof.json")
    assert caught.value.code == "digest-format"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 15, 16, 17, 33])
def test_small_blocks_give_the_same_tree(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merkle, "_BLOCK_LEAVES", 8)
    leaves = [plain_leaf_hash(b"%d" % number) for number in range(size)]
    assert tree_head(leaves) == reference_head(leaves)
    for index in range(size):
        path = inclusion_path(leaves, index)
        assert root_from_path(leaves[index], index, size, path) == reference_head(leaves)


@pytest.mark.property
class TestTrees:
    """Laws of RFC 6962, section 2.1."""

    @given(st.lists(st.binary(max_size=8), max_size=70))
    def test_root_is_that_of_the_recursive_definition(self, entries: list[bytes]) -> None:
        leaves = [leaf_hash("record", entry) for entry in entries]
        assert tree_head(iter(leaves)) == reference_head(leaves)
        assert typed_root("record", iter(entries)).root == reference_head(leaves).hex()

    @given(st.lists(st.binary(max_size=8), min_size=1, max_size=70), st.data())
    def test_proof_of_each_entry_leads_to_the_root(
        self, entries: list[bytes], data: st.DataObject
    ) -> None:
        index = data.draw(st.integers(0, len(entries) - 1))
        proof = prove_inclusion("block", iter(entries), index)
        check_inclusion(typed_root("block", entries), entries[index], proof)

    @given(st.binary(), st.binary())
    def test_different_entries_have_different_leaf_hashes(self, one: bytes, other: bytes) -> None:
        assert (leaf_hash("log", one) == leaf_hash("log", other)) == (one == other)
