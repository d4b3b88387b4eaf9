"""`provenance cosign`, and `provenance sign` with several keys."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cli.small_release import BUNDLE
from provenance.envelope import manifest_digest, parse_bundle
from provenance.signing import generate_private_key, verify_bundle, write_key_pair

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import Command
    from provenance.signing import PrivateKey

OUT = "audit.sigstore.json"
ALONE = ("cosign", "--manifest", f"model/{BUNDLE}", "--key", "audit.key", "--output", OUT)


@pytest.fixture
def auditor(work: Path) -> PrivateKey:
    made = generate_private_key("ecdsa-p384")
    write_key_pair(work / "audit.key", made)
    return made


def attestations(work: Path) -> list[Path]:
    return sorted((work / "model/training-provenance/attestations").glob("*"))


@pytest.mark.usefixtures("draft")
def test_several_keys_sign_at_once(
    cli: Command, key: PrivateKey, auditor: PrivateKey, work: Path
) -> None:
    done = cli("sign", "model", "--key", "me.key", "--key", "audit.key", "--format", "json")
    assert done.code == 0, done.err
    made = json.loads(done.out)["signatures"]
    assert [one["fingerprint"] for one in made] == [key.fingerprint, auditor.fingerprint]
    (second,) = attestations(work)
    bundles = [parse_bundle(path.read_bytes()) for path in (work / "model" / BUNDLE, second)]
    payloads = {
        verify_bundle(bundle, [signer.public_key]).payload
        for bundle, signer in zip(bundles, (key, auditor), strict=True)
    }
    assert len(payloads) == 1
    verified = cli("verify", "model", "--key", "me.key.pub", "--key", "audit.key.pub")
    assert verified.code == 0, verified.out


@pytest.mark.usefixtures("draft", "key", "auditor")
def test_either_all_keys_sign_or_nothing_is_written(cli: Command, work: Path) -> None:
    for second in ("nowhere", "me.key"):
        assert cli("sign", "model", "--key", "me.key", "--key", second).code != 0
        assert not (work / "model" / BUNDLE).exists()
        assert not attestations(work)


def test_a_signature_is_added(cli: Command, signed: Path, auditor: PrivateKey, work: Path) -> None:
    before = (signed / BUNDLE).read_bytes()
    done = cli("cosign", "model", "--key", "audit.key", "--name", "audit")
    assert done.code == 0, done.err
    assert "all of the manifest, not a part" in done.err
    assert (signed / BUNDLE).read_bytes() == before
    (path,) = attestations(work)
    assert path.name == "audit.sigstore.json"
    assert f"Key:       {auditor.fingerprint} (ecdsa-p384-sha384)" in done.out
    verified = cli("verify", "model", "--key", "me.key.pub", "--key", "audit.key.pub")
    assert verified.code == 0, verified.out


@pytest.mark.usefixtures("signed", "auditor")
def test_a_key_signs_once(cli: Command) -> None:
    assert cli("cosign", "model", "--key", "audit.key").code == 0
    for name in ("audit.key", "me.key"):
        refused = cli("cosign", "model", "--key", name)
        assert refused.code == 2
        assert "has signed this manifest already" in refused.err


def test_bundle_alone_is_enough(
    cli: Command, signed: Path, auditor: PrivateKey, work: Path
) -> None:
    done = cli(*ALONE, "--format", "json")
    assert done.code == 0, done.err
    payload = parse_bundle((signed / BUNDLE).read_bytes()).envelope.payload
    found = json.loads(done.out)
    assert set(found) == {"manifestDigest", "signatures"}
    assert found["manifestDigest"] == manifest_digest(payload)
    (made,) = found["signatures"]
    named = {name: made[name] for name in ("bundle", "fingerprint", "scheme", "timestamps")}
    assert named == {
        "bundle": OUT,
        "fingerprint": auditor.fingerprint,
        "scheme": "ecdsa-p384-sha384",
        "timestamps": [],
    }
    bundle = parse_bundle((work / OUT).read_bytes())
    assert verify_bundle(bundle, [auditor.public_key]).payload == payload
    assert cli(*ALONE).code == 2  # the file is there


@pytest.mark.parametrize(
    "arguments",
    [
        ("cosign", "--key", "audit.key"),
        ("cosign", "model"),
        ("cosign", "model", "--manifest", "x", "--key", "audit.key", "--output", OUT),
        ("cosign", "--manifest", f"model/{BUNDLE}", "--key", "audit.key"),
        ("cosign", "model", "--key", "audit.key", "--output", OUT),
        (*ALONE, "--name", "x"),
        (*ALONE, "--key", "me.key"),
        ("cosign", "model", "--key", "audit.key", "--name", "../x"),
        ("cosign", "model", "--key", "audit.key", "--key", "me.key", "--name", "x"),
        ("cosign", "model", "--key", "audit.key", "--timestamp", "ftp://x"),
        (
            "cosign",
            "model",
            "--key",
            "audit.key",
            "--timestamp",
            "http://x",
            "--timestamp",
            "http://x",
        ),
        ("cosign", "model", "--key", "audit.key", "--scheme", "rsa-pkcs1v15-sha256"),
        ("sign", "model", "--key", "audit.key", "--key", "me.key", "--scheme", "rsa-pss-sha256"),
        ("sign", "--draft", "model.draft", "--key", "audit.key", "--key", "me.key", "-o", "x"),
        ("sign", "model", "--key", "ssh-agent:SHA256:x", "--overwrite"),
        ("sign", "model", "--key", "unknown-kms:x", "--overwrite"),
    ],
    ids=lambda arguments: " ".join(arguments)[:60],
)
@pytest.mark.usefixtures("auditor")
def test_options_that_make_no_sense_are_refused(
    cli: Command,
    signed: Path,
    work: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    before = (signed / BUNDLE).read_bytes()
    refused = cli(*arguments)
    assert refused.code == 2, refused.err
    assert not refused.out
    assert (signed / BUNDLE).read_bytes() == before
    assert not attestations(work)
    assert not (work / OUT).exists()


@pytest.mark.usefixtures("auditor")
def test_what_is_no_signed_manifest_is_refused(cli: Command, work: Path, draft: Path) -> None:
    assert cli("cosign", "model", "--key", "audit.key").code == 4  # nobody signed it yet
    (draft / BUNDLE).write_bytes(b"{}")
    refused = cli("cosign", "model", "--key", "audit.key")
    assert refused.code == 1
    assert refused.err.startswith(f"error: model/{BUNDLE}")
    assert not attestations(work)
