"""Openings of sealed facts, and the roots of private trees, good and bad."""

from __future__ import annotations

import hmac
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING

from vectors import formulas
from vectors.groups import DIGESTS, MANIFEST
from vectors.kit import Case, refuses, returns
from vectors.releases import small

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vectors.formulas import Tree

_SEALED, _TREES = "section Disclosures", "section Trees"
_OPENINGS = "section Openings and private inventories"
_SALT, _OTHER_SALT = bytes(range(16)), bytes(range(1, 17))
_PATH, _PLAIN, _VALUE = "/compute/cost/amount", "/compute/energy", 412.5


def _commit(value: object, salt: bytes) -> dict[str, str]:
    data = b"training-provenance/v1/commitment\n" + salt + formulas.canonical(value)
    return {"sha256": sha256(data).hexdigest()}


def _statement() -> bytes:
    """Return a statement with one sealed fact, and one that is withheld without a seal."""
    release = small()
    release.manifest["compute"] = {"cost": {"currency": "EUR"}}
    release.manifest["disclosures"] = [
        {
            "path": _PATH,
            "status": "withheld",
            "reason": "a contract",
            "commitment": _commit(_VALUE, _SALT),
        },
        {"path": _PLAIN, "status": "withheld", "reason": "a contract"},
    ]
    return release.payload


def _opening(**changes: object) -> Tree:
    good = {
        "format": "training-provenance/opening/v1",
        "manifest": {"sha256": sha256(_statement()).hexdigest()},
        "path": _PATH,
        "salt": _SALT.hex(),
        "value": _VALUE,
    }
    return {**good, **changes}


def _files(opening: Tree | bytes) -> dict[str, bytes]:
    data = opening if isinstance(opening, bytes) else formulas.canonical(opening)
    return {"statement.json": _statement(), "opening.json": data}


_REQUEST = {"operation": "opening", "statement": "statement.json", "file": "opening.json"}


def _refused(opening: Tree | bytes, code: str) -> Case:
    return refuses(_REQUEST, code, _files(opening))


@MANIFEST.vector(f"{_OPENINGS} [R-MAN-69]", spec="manifest.md")
def opening_of_an_amount() -> Case:
    """The value and the salt are those that were sealed."""
    return returns(_REQUEST, True, _files(_opening()))  # noqa: FBT003 - a JSON value


def _bad() -> Iterable[tuple[str, str, str, Tree | bytes]]:
    wrong, malformed = "evidence-mismatch", "opening-malformed"
    yield "wrong_salt", "The salt is another one.", wrong, _opening(salt=_OTHER_SALT.hex())
    yield "wrong_value", "The value is another one.", wrong, _opening(value=412.25)
    yield "value_as_text", "A text is no number.", wrong, _opening(value="412.5")
    yield (
        "not_sealed",
        "The fact is withheld, and nothing was committed to.",
        "opening-unsealed",
        _opening(path=_PLAIN),
    )
    yield (
        "wrong_pointer",
        "No disclosure has this path.",
        "opening-unsealed",
        _opening(path="/compute/cost"),
    )
    yield (
        "of_another_manifest",
        "It names another manifest digest.",
        "opening-other-manifest",
        _opening(manifest={"sha256": "ab" * 32}),
    )
    yield "extra_member", "It has a member more.", malformed, _opening(note="x")
    yield "other_format", "It is of a format to come.", malformed, _opening(format="…/v2")
    yield "short_salt", "A salt has 16 bytes.", malformed, _opening(salt="00" * 15)
    yield "upper_case_salt", "Digits are lower case.", malformed, _opening(salt="AB" * 16)
    yield "no_pointer", "The path does not begin with a slash.", malformed, _opening(path="compute")
    yield (
        "not_canonical",
        "It has a blank.",
        malformed,
        formulas.canonical(_opening()) + b" ",
    )
    valueless = {name: value for name, value in _opening().items() if name != "value"}
    yield "no_value", "It opens nothing.", malformed, valueless


_INVENTORY = formulas.inventory({f"f{number}": bytes(number) for number in range(3)}, "blake3")
_SECRET = bytes(range(32))


def _salted(secret: bytes) -> Tree:
    entries = []
    for entry in _INVENTORY:
        message = b"training-provenance/v1/salt\n" + entry["path"].encode()
        salt = hmac.digest(secret, message, "sha256")[:16]
        entries.append(salt + formulas.file_leaf(entry))
    return formulas.root("file", entries)


def _tree_request(secret: str) -> tuple[Tree, dict[str, bytes]]:
    lines = b"".join(formulas.canonical(entry) + b"\n" for entry in _INVENTORY)
    request = {"operation": "salted-root", "inventory": "inventory.jsonl", "secret": secret}
    return request, {"inventory.jsonl": lines}


@DIGESTS.vector(_TREES, profile=3)
def private_tree() -> Case:
    """The root over three files, each behind the salt that follows from the secret."""
    request, files = _tree_request(_SECRET.hex())
    return returns(request, _salted(_SECRET), files)


_PROOF = {"operation": "proof-file", "file": "proof.json"}


def _salted_proof(**changes: object) -> tuple[Tree, Tree]:
    """Return the proof of the second of the three files, and the root of their private tree."""
    entries = []
    for entry in _INVENTORY:
        message = b"training-provenance/v1/salt\n" + entry["path"].encode()
        entries.append(hmac.digest(_SECRET, message, "sha256")[:16] + formulas.file_leaf(entry))
    hashes = formulas.inclusion([formulas.leaf("file", entry) for entry in entries], 1)
    root = formulas.root("file", entries)
    entry = _INVENTORY[1]
    proof = {
        "entry": {
            "blake3": entry["digest"]["blake3"],
            "path": entry["path"],
            "size": entry["size"],
        },
        "format": "training-provenance/proof/v1",
        "levels": [{"hashes": [it.hex() for it in hashes], "index": 1, "root": root}],
        "salt": entries[1][:16].hex(),
    }
    return {name: value for name, value in {**proof, **changes}.items() if value is not None}, root


@DIGESTS.vector("section Proof files", profile=3)
def proof_file_of_a_private_file() -> Case:
    """The second of three files of a private tree, with its salt."""
    proof, root = _salted_proof()
    files = {"proof.json": formulas.canonical(proof)}
    return returns({**_PROOF, "root": root}, True, files)  # noqa: FBT003 - a JSON value


def _proof_refused(code: str, salt: object) -> Case:
    proof, root = _salted_proof(salt=salt)
    files = {"proof.json": formulas.canonical(proof)}
    return refuses({**_PROOF, "root": root}, code, files)


def _secret_refused(secret: str) -> Case:
    request, files = _tree_request(secret)
    return refuses(request, "digest-format", files)


def _declare() -> None:
    for name, description, code, opening in _bad():
        rule = "R-MAN-29" if code == "evidence-mismatch" else "R-MAN-69"
        section = _SEALED if rule == "R-MAN-29" else _OPENINGS
        make = partial(_refused, opening, code)
        MANIFEST.add(
            f"opening_{name}", description, f"{section} [{rule}]", make, spec="manifest.md"
        )
    for name, description, secret in (
        ("short", "A secret has 32 bytes.", "00" * 31),
        ("long", "A secret has no more than 32 bytes.", "00" * 33),
        ("not_hexadecimal", "The secret is no hexadecimal text.", "zz" * 32),
    ):
        make = partial(_secret_refused, secret)
        section = f"{_TREES} [R-DIGEST-93]"
        DIGESTS.add(f"private_tree_secret_{name}", description, section, make, profile=3)
    for name, description, code, salt in (
        ("missing", "The salt of a private file is missing.", "digest-mismatch", None),
        ("wrong", "The salt is another one.", "digest-mismatch", "ab" * 16),
        ("short", "The salt of a file has 16 bytes.", "digest-format", "ab" * 15),
        ("upper_case", "The salt is in upper case.", "digest-format", "AB" * 16),
        ("number", "The salt is no text.", "digest-format", 7),
    ):
        rule = "R-DIGEST-58" if code == "digest-format" else "R-DIGEST-59"
        make = partial(_proof_refused, code, salt)
        section = f"section Proof files [{rule}]"
        DIGESTS.add(f"proof_file_salt_{name}", description, section, make, profile=3)


_declare()
