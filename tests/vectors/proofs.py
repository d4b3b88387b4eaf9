"""Group `digests`: inclusion proofs, good and bad."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from vectors import formulas
from vectors.groups import DIGESTS
from vectors.kit import Case, base64, refuses, returns

if TYPE_CHECKING:
    from collections.abc import Iterable

_PROOFS = "section Inclusion proofs"


_ENTRIES = [
    formulas.file_leaf(entry) for entry in formulas.inventory({f"f{n}": bytes(n) for n in range(7)})
]


def _proof(at: int, **changes: object) -> dict[str, Any]:
    leaves = [formulas.leaf("file", entry) for entry in _ENTRIES]
    hashes = [value.hex() for value in formulas.inclusion(leaves, at)]
    return {"tree": "file", "index": at, "size": len(leaves), "hashes": hashes, **changes}


def _request(
    proof: dict[str, Any], entry: bytes, root: dict[str, Any] | None = None
) -> dict[str, Any]:
    return {
        "operation": "inclusion",
        "root": root or formulas.root("file", _ENTRIES),
        "entry": base64(entry),
        "proof": proof,
    }


def _included(index: int) -> Case:
    return returns(_request(_proof(index), _ENTRIES[index]), True)  # noqa: FBT003 - a JSON value


def _bad_proofs() -> Iterable[tuple[str, str, str, dict[str, Any]]]:
    good = _proof(2)
    entry, hashes = _ENTRIES[2], good["hashes"]
    mismatch, malformed = "digest-mismatch", "digest-format"
    yield (
        "proof_of_another_entry",
        "The proof is for another entry.",
        mismatch,
        _request(good, _ENTRIES[3]),
    )
    yield (
        "proof_of_another_place",
        "The entry stands at another place.",
        mismatch,
        _request(_proof(2, index=3), entry),
    )
    yield (
        "proof_siblings_swapped",
        "Two hashes of the proof are swapped.",
        mismatch,
        _request(_proof(2, hashes=[hashes[1], hashes[0], hashes[2]]), entry),
    )
    yield (
        "proof_one_bit_changed",
        "One bit of one hash is changed.",
        mismatch,
        _request(_proof(2, hashes=[_flipped(hashes[0]), *hashes[1:]]), entry),
    )
    yield (
        "proof_hash_missing",
        "The proof is a hash too short.",
        malformed,
        _request(_proof(2, hashes=hashes[:-1]), entry),
    )
    yield (
        "proof_hash_too_many",
        "The proof is a hash too long.",
        malformed,
        _request(_proof(2, hashes=[*hashes, hashes[0]]), entry),
    )
    yield (
        "proof_index_outside",
        "The tree has no such leaf.",
        malformed,
        _request(_proof(2, index=7), entry),
    )
    yield (
        "proof_index_negative",
        "No leaf has a negative index.",
        malformed,
        _request(_proof(2, index=-1), entry),
    )
    yield (
        "proof_of_another_size",
        "The proof is for a tree of another size.",
        malformed,
        _request(_proof(2, size=8), entry),
    )
    yield (
        "proof_of_another_kind",
        "The proof is for a tree of another kind.",
        malformed,
        _request(_proof(2, tree="log"), entry),
    )
    yield (
        "proof_upper_case",
        "A hash is in upper case.",
        malformed,
        _request(_proof(2, hashes=[hashes[0].upper(), *hashes[1:]]), entry),
    )
    yield (
        "proof_short_hash",
        "A hash has 31 bytes.",
        malformed,
        _request(_proof(2, hashes=[hashes[0][:-2], *hashes[1:]]), entry),
    )
    yield (
        "proof_unknown_member",
        "A proof has four members alone.",
        malformed,
        _request(_proof(2, salt=""), entry),
    )
    yield (
        "proof_kind_is_in_the_leaf",
        "The root says that the tree is a log, and its leaves are files.",
        mismatch,
        _request(_proof(2, tree="log"), entry, {**formulas.root("file", _ENTRIES), "tree": "log"}),
    )
    yield (
        "proof_node_as_leaf",
        "The two hashes below an inner node are passed off as an entry.",
        mismatch,
        _node_as_leaf(),
    )


def _node_as_leaf() -> dict[str, Any]:
    """Shorten a tree of four leaves to two, whose first is the inner node over the true leaves."""
    leaves = [formulas.leaf("file", entry) for entry in _ENTRIES[:4]]
    root = {"tree": "file", "size": 2, "root": formulas.head(leaves).hex()}
    proof = {"tree": "file", "index": 0, "size": 2, "hashes": [formulas.head(leaves[2:]).hex()]}
    return _request(proof, leaves[0] + leaves[1], root)


def _flipped(text: str) -> str:
    return f"{int(text, 16) ^ 1:064x}"


def _declare_rows() -> None:
    for name, index in (("first", 0), ("third", 2), ("last", 6)):
        description = f"The {name} of seven entries stands in the tree."
        DIGESTS.add(f"proof_{name}", description, _PROOFS, partial(_included, index), profile=3)
    for name, description, code, request in _bad_proofs():
        rule = "R-DIGEST-39" if code == "digest-mismatch" else "R-DIGEST-38"
        DIGESTS.add(
            name, description, f"{_PROOFS} [{rule}]", partial(refuses, request, code), profile=3
        )


_declare_rows()
