"""Group `digests`: proof files, indexes of shards and merged inventories, good and bad."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from vectors import formulas
from vectors.groups import DIGESTS
from vectors.kit import Case, refuses, returns

if TYPE_CHECKING:
    from collections.abc import Iterable

_PROOFS, _SHARDS = "section Proof files", "section Shards"
_FILES = {f"f{number}": bytes(number) for number in range(7)}
_INVENTORY = formulas.inventory(_FILES, "blake3")
_PARTS = {"part-0": _INVENTORY[:3], "part-1": _INVENTORY[3:5], "part-2": _INVENTORY[5:]}


def _leaves(entries: Iterable[formulas.Tree]) -> list[bytes]:
    return [formulas.file_leaf(entry) for entry in entries]


def _shard(name: str, root: formulas.Tree) -> formulas.Tree:
    return {"name": name, **root}


def _index() -> list[formulas.Tree]:
    return [_shard(name, formulas.tree_digest(part)) for name, part in _PARTS.items()]


def _level(kind: str, entries: list[bytes], at: int, **more: object) -> formulas.Tree:
    hashes = formulas.inclusion([formulas.leaf(kind, entry) for entry in entries], at)
    root = formulas.root(kind, entries)
    return {"hashes": [value.hex() for value in hashes], "index": at, "root": root, **more}


def _entry(at: int) -> formulas.Tree:
    entry = _INVENTORY[at]
    return {"blake3": entry["digest"]["blake3"], "path": entry["path"], "size": entry["size"]}


def _proof(at: int = 2, **changes: object) -> formulas.Tree:
    """Return the proof of one of seven files in their one tree."""
    levels = [_level("file", _leaves(_INVENTORY), at)]
    return {
        "entry": _entry(at),
        "format": "training-provenance/proof/v1",
        "levels": levels,
        **changes,
    }


def _sharded(**changes: object) -> formulas.Tree:
    """Return the proof of the fifth file: the second of the second of three shards."""
    shards = [formulas.canonical(shard) for shard in _index()]
    levels = [
        _level("file", _leaves(_PARTS["part-1"]), 1),
        _level("shard", shards, 1, shard="part-1"),
    ]
    return _proof(4, levels=levels, **changes)


_ROOT = formulas.tree_digest(_INVENTORY)
_SHARD_ROOT = formulas.root("shard", [formulas.canonical(shard) for shard in _index()])


def _request(root: formulas.Tree) -> dict[str, Any]:
    return {"operation": "proof-file", "file": "proof.json", "root": root}


def _proved(proof: formulas.Tree, root: formulas.Tree) -> Case:
    return returns(_request(root), True, {"proof.json": formulas.canonical(proof)})  # noqa: FBT003 - a JSON value


def _not_proved(proof: formulas.Tree | bytes, root: formulas.Tree, code: str) -> Case:
    data = proof if isinstance(proof, bytes) else formulas.canonical(proof)
    return refuses(_request(root), code, {"proof.json": data})


def _changed(proof: formulas.Tree, at: int = 0, **changes: object) -> formulas.Tree:
    """Return a proof with members of one of its levels changed."""
    levels = [
        {**level, **changes} if number == at else level
        for number, level in enumerate(proof["levels"])
    ]
    return {**proof, "levels": levels}


def _tensor_proof() -> tuple[formulas.Tree, formulas.Tree]:
    entries = [
        {**formulas.digests(bytes([n]), "blake3"), "dtype": "U8", "name": f"t{n}", "shape": [1]}
        for n in range(3)
    ]
    leaves = [formulas.canonical(entry) for entry in entries]
    level = _level("tensor", leaves, 1)
    return _proof(entry=entries[1], levels=[level]), level["root"]


def _good() -> Iterable[tuple[str, str, formulas.Tree, formulas.Tree]]:
    yield "proof_file_of_a_file", "One of seven files.", _proof(), _ROOT
    yield (
        "proof_file_in_shards",
        "The second file of the second of three shards.",
        _sharded(),
        _SHARD_ROOT,
    )
    tensor, root = _tensor_proof()
    yield "proof_file_of_a_tensor", "One of three tensors.", tensor, root
    place = {"pointer": "/release/files", "sha256": "ab" * 32}
    yield (
        "proof_file_with_pointer",
        "The place in a manifest is no part of the way to the root.",
        _proof(manifest=place),
        _ROOT,
    )


def _malformed() -> Iterable[tuple[str, str, formulas.Tree | bytes, formulas.Tree]]:
    good, hashes = _proof(), _proof()["levels"][0]["hashes"]
    sharded = _sharded()
    first, second = sharded["levels"]
    yield "extra_member", "It has a member more.", _proof(salt="00"), _ROOT
    yield "other_format", "It is of a format to come.", _proof(format="…/v2"), _ROOT
    yield "not_canonical", "It has a blank.", formulas.canonical(good) + b" ", _ROOT
    yield (
        "member_twice",
        "The entry stands in it twice.",
        b'{"entry":{},' + formulas.canonical(good)[1:],
        _ROOT,
    )
    yield "no_levels", "It leads nowhere.", _proof(levels=[]), _ROOT
    yield (
        "too_many_hashes",
        "It has more hashes than any tree has levels.",
        _changed(good, hashes=hashes * 22),
        _ROOT,
    )
    yield (
        "one_hash_more",
        "It is a hash too long.",
        _changed(good, hashes=[*hashes, "0" * 64]),
        _ROOT,
    )
    yield (
        "index_outside",
        "The tree of a proof file has no such leaf.",
        _changed(good, index=7),
        _ROOT,
    )
    yield (
        "index_boolean",
        "True is no position.",
        _changed(_proof(1), index=True),
        _ROOT,
    )
    yield (
        "another_size",
        "The trusted root is of a tree of another size.",
        good,
        {**_ROOT, "size": 8},
    )
    yield (
        "another_kind",
        "The trusted root is of a tree of another kind.",
        good,
        {**_ROOT, "tree": "shard"},
    )
    yield (
        "entry_of_another_kind",
        "The entry is that of a file, and the tree one of tensors.",
        _changed(good, root={**_ROOT, "tree": "tensor"}),
        {**_ROOT, "tree": "tensor"},
    )
    yield (
        "entry_member_more",
        "The entry has a digest more than a leaf has.",
        _proof(entry={**_entry(2), "sha256": "00" * 32}),
        _ROOT,
    )
    yield (
        "levels_swapped",
        "The shards come before the files.",
        {**sharded, "levels": [second, first]},
        _SHARD_ROOT,
    )
    yield (
        "first_level_names_a_shard",
        "The entry itself is no shard.",
        _changed(sharded, 0, shard="part-1"),
        _SHARD_ROOT,
    )
    nameless = {name: value for name, value in second.items() if name != "shard"}
    yield (
        "shard_without_name",
        "The second level does not name the shard.",
        {**sharded, "levels": [first, nameless]},
        _SHARD_ROOT,
    )
    yield (
        "four_levels",
        "No tree of shards is so deep.",
        {**sharded, "levels": [first, second, second, second]},
        _SHARD_ROOT,
    )
    yield (
        "pointer_without_manifest",
        "A place is one in a manifest, which is not named.",
        _proof(manifest={"pointer": "/release/files"}),
        _ROOT,
    )


def _mismatched() -> Iterable[tuple[str, str, formulas.Tree, formulas.Tree]]:
    good, sharded = _proof(), _sharded()
    yield (
        "another_index",
        "The entry of a proof file stands at another place than it says.",
        _changed(good, index=3),
        _ROOT,
    )
    yield (
        "entry_tampered",
        "The entry says another length.",
        _proof(entry={**_entry(2), "size": 3}),
        _ROOT,
    )
    yield (
        "another_root",
        "It is a good proof for another tree of seven files.",
        good,
        {**_ROOT, "root": "ab" * 32},
    )
    yield (
        "another_shard_name",
        "The shard is named as its neighbour.",
        _changed(sharded, 1, shard="part-2"),
        _SHARD_ROOT,
    )
    yield (
        "root_of_the_shard_changed",
        "The way to the shard is that of another root.",
        _changed(sharded, 0, root=formulas.tree_digest(_PARTS["part-2"])),
        _SHARD_ROOT,
    )


def _lines(entries: Iterable[object]) -> bytes:
    return b"".join(formulas.canonical(entry) + b"\n" for entry in entries)


def _index_of(data: bytes) -> tuple[dict[str, Any], dict[str, bytes]]:
    return {"operation": "tree-digest", "shards": "shards.jsonl"}, {"shards.jsonl": data}


def _bad_indexes() -> Iterable[tuple[str, str, str, bytes]]:
    index = _index()
    wrong = "inventory-malformed"
    yield "shards_unsorted", "Two shards are swapped.", wrong, _lines([index[1], index[0]])
    yield "shards_name_twice", "A shard stands twice.", wrong, _lines([index[0], index[0]])
    yield (
        "shards_no_last_line_feed",
        "The last line is not complete.",
        wrong,
        _lines(index)[:-1],
    )
    yield (
        "shards_unknown_kind",
        "There is no such kind of tree.",
        wrong,
        _lines([{**index[0], "tree": "files"}]),
    )
    yield (
        "shards_member_more",
        "A shard has a member more.",
        wrong,
        _lines([{**index[0], "uri": "x"}]),
    )
    yield (
        "shards_name_unsafe",
        "The name of a shard leads out of its folder.",
        "name-unsafe",
        _lines([{**index[0], "name": "../part"}]),
    )


def _shards_of_three() -> Case:
    request, files = _index_of(_lines(_index()))
    return returns(request, _SHARD_ROOT, files)


def _bad_index(code: str, data: bytes) -> Case:
    request, files = _index_of(data)
    return refuses(request, code, files)


def _merging(parts: dict[str, list[formulas.Tree]]) -> tuple[dict[str, Any], dict[str, bytes]]:
    files = {f"{number}.jsonl": _lines(part) for number, part in enumerate(parts.values())}
    return {"operation": "tree-digest", "parts": dict(zip(parts, files, strict=True))}, files


def _merged() -> Case:
    request, files = _merging({"b": _INVENTORY[:3], "a": _INVENTORY[:2]})
    below = {f"b/f{n}": bytes(n) for n in range(3)} | {f"a/f{n}": bytes(n) for n in range(2)}
    return returns(request, formulas.tree_digest(formulas.inventory(below, "blake3")), files)


def _merge_refused(parts: dict[str, list[formulas.Tree]], code: str) -> Case:
    request, files = _merging(parts)
    return refuses(request, code, files)


def _declare() -> None:
    for name, description, good, root in _good():
        DIGESTS.add(name, description, _PROOFS, partial(_proved, good, root), profile=3)
    for name, description, bad, root in _malformed():
        make = partial(_not_proved, bad, root, "digest-format")
        DIGESTS.add(f"proof_file_{name}", description, f"{_PROOFS} [R-DIGEST-58]", make, profile=3)
    for name, description, bad, root in _mismatched():
        make = partial(_not_proved, bad, root, "digest-mismatch")
        DIGESTS.add(f"proof_file_{name}", description, f"{_PROOFS} [R-DIGEST-59]", make, profile=3)
    unsafe = partial(
        _not_proved, _proof(entry={**_entry(2), "path": "../f2"}), _ROOT, "name-unsafe"
    )
    DIGESTS.add(
        "proof_file_name_unsafe",
        "The path of the entry leads out of the tree.",
        f"{_PROOFS} [R-DIGEST-58]",
        unsafe,
        profile=3,
    )
    DIGESTS.add(
        "shards_of_three", "An index of three shards.", _SHARDS, _shards_of_three, profile=3
    )
    for name, description, code, data in _bad_indexes():
        make = partial(_bad_index, code, data)
        DIGESTS.add(name, description, f"{_SHARDS} [R-DIGEST-63]", make, profile=3)
    DIGESTS.add("parts_merged", "Two parts, each below its prefix.", _SHARDS, _merged, profile=3)
    DIGESTS.add(
        "parts_with_one_name",
        "A file stands in two parts.",
        f"{_SHARDS} [R-DIGEST-65]",
        partial(
            _merge_refused,
            {"": formulas.inventory({"a/f0": b""}, "blake3"), "a": _INVENTORY[:1]},
            "name-duplicate",
        ),
        profile=3,
    )
    DIGESTS.add(
        "parts_with_colliding_names",
        "The prefixes of two parts are one folder on some systems.",
        f"{_SHARDS} [R-DIGEST-65]",
        partial(_merge_refused, {"A": _INVENTORY[:1], "a": _INVENTORY[:1]}, "name-collision"),
        profile=3,
    )


_declare()
