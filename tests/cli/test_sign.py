"""`provenance sign` and `provenance export`."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from cli.small_release import BUNDLE, make_draft
from provenance.envelope import manifest_digest, parse_bundle, parse_envelope
from provenance.signing import (
    PublicKey,
    generate_private_key,
    verify_bundle,
    write_key_pair,
)
from support.ssh_keys import ssh_program

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import Command
    from provenance.signing import PrivateKey

DRAFT = ("sign", "--draft", "model.draft/statement.json", "--key", "me.key", "--output", "out.json")


def test_draft_alone_is_enough_to_sign(
    cli: Command, draft: Path, key: PrivateKey, work: Path
) -> None:
    done = cli(*DRAFT)
    assert done.code == 0
    payload = (draft.with_name("model.draft") / "statement.json").read_bytes()
    bundle = parse_bundle((work / "out.json").read_bytes())
    assert verify_bundle(bundle, [key.public_key]).payload == payload
    assert f"Key:       {key.fingerprint} (ed25519)" in done.out
    assert done.err.startswith("becomes public: files 2 (`provenance review ")
    assert f"Manifest:  sha256 {manifest_digest(payload)}" in done.out


def test_draft_that_contradicts_itself_is_not_signed(
    cli: Command, key: PrivateKey, work: Path
) -> None:
    assert key.fingerprint
    make_draft(work / "model", evaluations=[{"id": "e", "task": "t", "checkpoint": "nobody"}])
    refused = cli(*DRAFT)
    assert refused.code == 1
    assert "/evaluations/0/checkpoint: the manifest contradicts itself" in refused.err
    assert not (work / "out.json").exists()


def test_result_as_json(cli: Command, draft: Path, key: PrivateKey) -> None:
    payload = (draft.with_name("model.draft") / "statement.json").read_bytes()
    assert json.loads(cli(*DRAFT, "--format", "json").out) == {
        "bundle": "out.json",
        "fingerprint": key.fingerprint,
        "manifestDigest": manifest_digest(payload),
        "oms": None,
        "scheme": "ed25519",
        "signatures": [
            {
                "bundle": "out.json",
                "fingerprint": key.fingerprint,
                "identity": None,
                "issuer": None,
                "logEntries": [],
                "scheme": "ed25519",
                "sshFingerprint": None,
                "timestamps": [],
            }
        ],
    }


@pytest.mark.parametrize(
    "arguments",
    [
        ("sign", "--key", "me.key"),
        ("sign", "model", "--draft", "model.draft", "--key", "me.key", "--output", "x"),
        ("sign", "--draft", "model.draft", "--key", "me.key"),
        ("sign", "model", "--key", "me.key", "--output", "x"),
        ("sign", "model"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    cli: Command, draft: Path, key: PrivateKey, arguments: tuple[str, ...]
) -> None:
    assert draft.is_dir()
    assert key.fingerprint
    assert cli(*arguments).code == 2


def test_signed_bundle_is_no_draft(cli: Command, signed: Path) -> None:
    refused = cli("sign", "--draft", signed / BUNDLE, "--key", "me.key", "--output", "x")
    assert refused.code == 2
    assert "not a draft" in refused.err


@pytest.mark.parametrize("content", [b"{}", b'{"_type":"x","predicateType":"y"}', b"x", b""])
def test_what_is_no_statement_is_not_signed(
    cli: Command, key: PrivateKey, work: Path, content: bytes
) -> None:
    assert key.fingerprint
    (work / "s.json").write_bytes(content)
    refused = cli("sign", "--draft", "s.json", "--key", "me.key", "--output", "out.json")
    assert refused.code == 1
    assert refused.err.startswith("error: s.json")
    assert not (work / "out.json").exists()


def test_wrong_key_files_are_refused(
    cli: Command, draft: Path, key: PrivateKey, work: Path
) -> None:
    assert draft.is_dir()
    assert key.fingerprint
    public = [word if word != "me.key" else "me.key.pub" for word in DRAFT]
    refused = cli(*public)
    assert refused.code == 2
    assert "without .pub" in refused.err
    assert cli(*[word if word != "me.key" else "nowhere" for word in DRAFT]).code == 4
    assert not (work / "out.json").exists()


def test_encrypted_key_needs_its_password(cli: Command, draft: Path, work: Path) -> None:
    assert draft.is_dir()
    (work / "secret").write_bytes(b"correct horse\n")
    (work / "wrong").write_bytes(b"battery staple\n")
    assert cli("keygen", "me.key", "--password-file", "secret").code == 0
    assert cli(*DRAFT, "--password-file", "secret").code == 0
    for refused in (cli(*DRAFT, "--password-file", "wrong"), cli(*DRAFT)):
        assert refused.code == 2
        assert "password" in refused.err


def test_envelope_is_exported_unchanged(cli: Command, signed: Path, work: Path) -> None:
    done = cli("export", signed, "--output", "out.json")
    assert done.code == 0
    assert "not verified" in done.err
    exported = parse_envelope((work / "out.json").read_bytes())
    assert exported == parse_bundle((signed / BUNDLE).read_bytes()).envelope
    again = cli("export", "out.json", "--to", "dsse", "-o", "again.json")
    assert again.code == 0
    assert (work / "again.json").read_bytes() == (work / "out.json").read_bytes()


def test_draft_has_no_envelope(cli: Command, draft: Path) -> None:
    refused = cli("export", draft, "--output", "out.json")
    assert refused.code == 1
    assert "unsigned draft" in refused.err


@pytest.mark.parametrize("command", ["sign", "export"])
def test_output_that_exists_is_replaced_on_request_only(
    cli: Command, signed: Path, work: Path, command: str
) -> None:
    (work / "out.json").write_bytes(b"precious")
    arguments = DRAFT if command == "sign" else ("export", signed, "--output", "out.json")
    refused = cli(*arguments)
    assert (refused.code, "error: out.json: " in refused.err) == (2, True)
    assert (work / "out.json").read_bytes() == b"precious"
    assert cli(*arguments, "--overwrite").code == 0
    assert (work / "out.json").read_bytes() != b"precious"


@pytest.mark.usefixtures("draft", "key")
@pytest.mark.parametrize(
    ("taken", "arguments"),
    [
        ("me.key", ("keygen", "me.key")),
        ("new.key.pub", ("keygen", "new.key")),
        (f"model/{BUNDLE}", ("sign", "model", "--key", "me.key")),
        ("out.json", DRAFT),
        (
            "x.sigstore.json",
            ("cosign", "--manifest", "x", "--key", "me.key", "-o", "x.sigstore.json"),
        ),
    ],
    ids=["keygen", "keygen-public", "sign", "sign-draft", "cosign"],
)
@pytest.mark.parametrize("kind", ["file", "link", "folder"])
def test_name_that_is_taken_is_a_wrong_option(
    cli: Command, work: Path, taken: str, kind: str, arguments: tuple[str, ...]
) -> None:
    path = work / taken
    path.unlink(missing_ok=True)
    if kind == "link":
        path.symlink_to(work / "nowhere")
    elif kind == "folder":
        path.mkdir()
        (path / "mine").touch()
    else:
        path.write_bytes(b"mine")
    refused = cli(*arguments)
    assert refused.code == 2, refused.err
    assert not (work / "nowhere").exists()
    assert kind != "file" or path.read_bytes() == b"mine"
    if arguments[0] == "sign":
        assert kind == "file" or cli(*arguments, "--overwrite").code == 2


def test_without_a_draft_it_says_what_to_do(cli: Command, signed: Path, key: PrivateKey) -> None:
    assert key.fingerprint
    (signed.with_name("model.draft") / "statement.json").unlink()
    for more in ((), ("--overwrite",)):
        refused = cli("sign", "model", "--key", "me.key", *more)
        assert refused.code == 1
        assert "no draft beside it (model.draft/statement.json)" in refused.err
        assert "`provenance cosign`" in refused.err
    (signed / BUNDLE).unlink()
    assert "run `provenance release` first" in cli("sign", "model", "--key", "me.key").err


def test_public_key_in_the_place_of_a_private_one_is_a_wrong_option_everywhere(
    cli: Command, signed: Path, key: PrivateKey
) -> None:
    assert key.fingerprint
    attest = ("--attest", "me.key.pub", "--attest-output", "outcome")
    for arguments in (
        ("sign", signed, "--key", "me.key.pub", "--overwrite"),
        ("cosign", signed, "--key", "me.key.pub"),
        ("verify", signed, "--key", "me.key.pub", *attest),
    ):
        refused = cli(*arguments)
        assert refused.code == 2
        assert "a public key, expected a private one" in refused.err


def test_release_that_is_not_there(cli: Command, key: PrivateKey, work: Path) -> None:
    assert key.fingerprint
    refused = cli("sign", "nowhere", "--key", "me.key")
    assert refused.code == 4
    assert f"{work / 'nowhere'}: there is no such folder" in refused.err


@pytest.mark.usefixtures("draft", "key")
@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--draft", "model.draft"), "--draft: needs --output"),
        (("model", "--output", "x"), "--output: goes with --draft"),
        (("model", "--drop-cosignatures"), "--drop-cosignatures: goes with a release and"),
    ],
    ids=["draft", "output", "drop"],
)
def test_what_is_missing_is_named(cli: Command, arguments: tuple[str, ...], problem: str) -> None:
    refused = cli("sign", *arguments, "--key", "me.key")
    assert refused.code == 2
    assert problem in refused.err


def test_an_ssh_key_is_named_as_openssh_does(cli: Command, draft: Path, work: Path) -> None:
    assert draft.is_dir()
    make = [ssh_program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", str(work / "id")]
    subprocess.run(make, check=True)
    done = cli("sign", "model", "--key", "id")
    name = PublicKey.load(work / "id.pub").ssh_fingerprint
    assert f"(ed25519, ssh: {name})" in done.out


@pytest.mark.usefixtures("signed")
def test_cosignatures_of_another_manifest_are_listed_and_dropped(cli: Command, work: Path) -> None:
    write_key_pair(work / "audit.key", generate_private_key())
    assert cli("cosign", "model", "--key", "audit.key", "--name", "audit").code == 0
    audit = work / "model/training-provenance/attestations/audit.sigstore.json"
    again = ("sign", "model", "--key", "me.key", "--overwrite")
    same = cli(*again)  # the very same manifest: the co-signature is good as ever
    assert same.code == 0
    assert "count for nothing" not in same.err
    assert cli(*again, "--drop-cosignatures").code == 0
    assert audit.exists()
    other = work / "other"
    make_draft(other, version="2.0")
    shutil.copy(work / "other.draft/statement.json", work / "model.draft/statement.json")
    changed = cli(*again)
    assert changed.code == 0
    assert "count for nothing now: audit.sigstore.json; sign again with" in changed.err
    (audit.parent / "note.sigstore.json").write_text("something else")
    assert "count for nothing" not in cli(*again, "--drop-cosignatures").err
    assert [path.name for path in audit.parent.iterdir()] == ["note.sigstore.json"]
