"""`provenance prove` and `check-proof`: exit codes and first lines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cli.small_release import BUNDLE
from provenance.signing import generate_private_key, write_key_pair

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import Command

MANIFEST = f"model/{BUNDLE}"


@pytest.fixture
def proof(cli: Command, signed: Path) -> Path:
    """Return the proof of one file of the signed release."""
    assert cli("prove", signed, "config.json", "-o", "p.json").code == 0
    return signed.with_name("p.json")


@pytest.mark.parametrize(
    "arguments",
    [
        ("model",),
        ("model", "config.json", "--tensor", "w"),
        ("model", "config.json", "--dataset", "none"),
        ("list.jsonl", "config.json", "--dataset", "raw"),
    ],
    ids=["no name", "name and tensor", "no such dataset", "dataset of a list"],
)
def test_prove_without_sense_is_a_usage_error(
    cli: Command, signed: Path, arguments: tuple[str, ...]
) -> None:
    cli("digest", signed, "--inventory", "list.jsonl")
    assert cli("prove", *arguments).code == 2


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("model", "nothing"), 1),
        (("model", "x", "--dataset", "raw"), 1),
        (("model", "--tensor", "w"), 1),
        (("nowhere", "x"), 4),
        (("me.key.pub", "x"), 1),
    ],
    ids=["no file", "no inventory", "no tensors", "nowhere", "no inventory file"],
)
def test_what_cannot_be_proved_is_said_in_one_line(
    cli: Command, signed: Path, arguments: tuple[str, ...], code: int
) -> None:
    assert signed.is_dir()
    done = cli("prove", *arguments)
    assert (done.code, done.err.count("\n"), done.err[:7]) == (code, 1, "error: ")


def test_part_that_is_not_the_signed_tree_is_refused(cli: Command, signed: Path) -> None:
    cli("digest", signed, "--inventory", "all.jsonl")
    done = cli("prove", signed, "config.json", "--part", "all.jsonl")
    assert done.code == 1
    assert "/release/files: the tree here has the root" in done.err


def test_good_proof_under_a_named_key_is_pass(cli: Command, proof: Path) -> None:
    done = cli(
        "check-proof", proof, "model/config.json", "--manifest", MANIFEST, "--key", "me.key.pub"
    )
    assert done.code == 0
    assert done.out.startswith('PASS: the file is "config.json" of the release that key SHA256:'), (
        done.out
    )
    assert done.out.splitlines()[0].endswith('signed as "digits-mlp"; 1 of 2 files.')


@pytest.mark.parametrize(
    ("file", "named", "missing"),
    [
        ("model/config.json", "", "no key was named"),
        ("", "me.key.pub", "no file was compared"),
    ],
    ids=["no key", "no file"],
)
def test_what_was_not_checked_is_incomplete(
    cli: Command, proof: Path, file: str, named: str, missing: str
) -> None:
    options = ("--key", named) if named else ()
    done = cli("check-proof", proof, *([file] if file else []), "--manifest", MANIFEST, *options)
    assert done.code == 3
    assert done.out.startswith(f"INCOMPLETE: {missing}")
    assert "As far as was checked, " in done.out


@pytest.mark.parametrize(
    ("changes", "first"),
    [
        ({"file": "model/README.md"}, "--name config.json"),
        ({"file": "model/README.md", "name": "config.json"}, "has 9 bytes, expected 14"),
        ({"name": "README.md"}, 'asked for was the file "README.md" of the release'),
        ({"key": "other.pub"}, "FAIL: "),
        ({"model": "another"}, "signed for 'digits-mlp', asked for 'another'"),
    ],
    ids=["another name", "another file", "other asked", "another key", "another model"],
)
def test_contradiction_is_fail(
    cli: Command, proof: Path, changes: dict[str, str], first: str
) -> None:
    write_key_pair(proof.with_name("other"), generate_private_key("ed25519"))
    done = cli(
        "check-proof",
        proof,
        changes.get("file", "model/config.json"),
        "--manifest",
        MANIFEST,
        "--key",
        changes.get("key", "me.key.pub"),
        "--model",
        changes.get("model", "digits-mlp"),
        *(("--name", changes["name"]) if "name" in changes else ()),
    )
    assert done.code == 1
    assert first in done.out.splitlines()[0]


def test_file_of_the_same_length_with_other_bytes_is_fail(cli: Command, proof: Path) -> None:
    proof.with_name("config.json").write_bytes(b'{"layers": 3}\n')
    done = cli("check-proof", proof, "config.json", "--manifest", MANIFEST, "--key", "me.key.pub")
    assert done.code == 1
    assert "has the BLAKE3 digest" in done.out


def test_tampered_proof_is_fail(cli: Command, proof: Path) -> None:
    text = proof.read_text()
    proof.write_text(text.replace('"index":1', '"index":0'))
    done = cli(
        "check-proof", proof, "model/config.json", "--manifest", MANIFEST, "--key", "me.key.pub"
    )
    assert done.code == 1
    proof.write_text("{}")
    done = cli("check-proof", proof, "--manifest", MANIFEST)
    assert (done.code, done.out.splitlines()[0]) == (
        4, f"ERROR: {proof}: this is no proof file; `provenance prove` makes one.",
    )  # fmt: skip


@pytest.mark.parametrize("missing", ["proof", "file", "manifest"])
def test_what_cannot_be_read_is_an_error(cli: Command, proof: Path, missing: str) -> None:
    places = {"proof": str(proof), "file": "model/config.json", "manifest": MANIFEST}
    places[missing] = "nowhere/config.json"
    done = cli(
        "check-proof", places["proof"], places["file"],
        "--manifest", places["manifest"], "--key", "me.key.pub",
    )  # fmt: skip
    assert done.code == 4
    assert done.out.startswith("ERROR: nowhere/config.json: ")


@pytest.mark.parametrize(
    "options",
    [
        ("--kind", "log"),
        ("--kind", "record"),
        ("--kind", "block"),
        ("--tensor", "w", "--kind", "file"),
        ("--dataset", "d", "--checkpoint", "c"),
    ],
    ids=" ".join,
)
def test_requests_without_sense_are_usage_errors(
    cli: Command, proof: Path, options: tuple[str, ...]
) -> None:
    assert cli("check-proof", proof, "--manifest", MANIFEST, *options).code == 2


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--dataset", "none"), "evidence-unknown"),
        (("--checkpoint", "none"), "evidence-unknown"),
        (("--tensor", "config.json"), "proof-not-asked"),
        (("--kind", "block", "--name", "config.json"), "evidence-unknown"),
    ],
    ids=["dataset", "checkpoint", "tensor", "block"],
)
def test_proof_of_a_file_proves_nothing_else(
    cli: Command, proof: Path, options: tuple[str, ...], code: str
) -> None:
    done = cli(
        "check-proof", proof, "model/config.json", "--manifest", MANIFEST, "--key", "me.key.pub",
        *options,
    )  # fmt: skip
    assert done.code == 1
    assert f"  {code}: " in done.out


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--manifest", MANIFEST, "--root", "1" * 64, "--size", "2"),
        ("--root", "1" * 64),
        ("--size", "2"),
        ("--root", "xyz", "--size", "2"),
        ("--root", "1" * 64, "--size", "-2"),
    ],
    ids=["none", "both", "no size", "no root", "no hash", "negative"],
)
def test_roots_without_sense_are_usage_errors(
    cli: Command, proof: Path, options: tuple[str, ...]
) -> None:
    assert cli("check-proof", proof, *options).code == 2


def test_pinned_key_counts_where_none_is_named(cli: Command, proof: Path) -> None:
    assert cli("trust", "add", "me.key.pub", "--model", "digits-mlp", "--yes").code == 0
    assert cli("check-proof", proof, "model/config.json", "--manifest", MANIFEST).code == 0


def test_proof_from_a_list_alone_is_found_in_the_manifest(cli: Command, signed: Path) -> None:
    bundle = signed / BUNDLE
    kept = signed.parent / "kept.json"
    bundle.rename(kept)
    (signed / "training-provenance" / "SHA256SUMS").unlink()
    (signed / "training-provenance").rmdir()
    cli("digest", signed, "--inventory", "list.jsonl")
    cli("prove", "list.jsonl", "README.md", "-o", "p.json")
    done = cli(
        "check-proof", "p.json", "model/README.md", "--manifest", kept, "--key", "me.key.pub",
        "--format", "json",
    )  # fmt: skip
    told = json.loads(done.out)
    assert (done.code, told["verdict"], told["pointer"]) == (0, "PASS", "/release/files")
    root = told["root"]
    done = cli(
        "check-proof", "p.json", "model/README.md", "--name", "README.md",
        "--root", root["root"], "--size", root["size"],
    )  # fmt: skip
    assert done.out.startswith(
        'PASS: the file is "README.md" of the tree that has the root that you named; 1 of 2 files.'
    )


def test_proof_of_a_tree_that_nobody_signed_is_fail(cli: Command, signed: Path) -> None:
    cli("digest", signed, "--inventory", "list.jsonl")
    cli("prove", "list.jsonl", "README.md", "-o", "p.json")
    done = cli(
        "check-proof", "p.json", "model/README.md", "--manifest", MANIFEST, "--key", "me.key.pub"
    )
    assert done.code == 1
    assert "the manifest holds no such root" in done.out


def test_proof_is_printed_as_it_would_be_written(cli: Command, proof: Path) -> None:
    done = cli("prove", "model", "config.json")
    assert done.out == proof.read_text() + "\n"
    told = json.loads(cli("prove", "model", "config.json", "-o", "q.json", "--format", "json").out)
    assert told["bytes"] == len(proof.read_bytes())
