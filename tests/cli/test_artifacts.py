"""`provenance verify-bundle`: exit codes, one line of error, from files alone."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from cli.test_json_output import documented
from provenance.envelope import parse_bundle, write_bundle
from provenance.signing import (
    PrivateKey,
    generate_private_key,
    sign_payload,
    write_key_pair,
)
from provenance.signing.certificates import CertificateSigner
from support import certificates
from support.keyless import ARTIFACT, IDENTITY, ISSUER, Instance, managed_bundle
from support.keyless_cases import CASES
from support.ssh_keys import public_line

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import Command

DIGEST = f"sha256:{hashlib.sha256(ARTIFACT).hexdigest()}"
WHO = ("--certificate-identity", IDENTITY, "--certificate-oidc-issuer", ISSUER)
ROOT = ("--trusted-root", "root.json")


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Instance:
    pytest.importorskip("rfc3161_client")
    return Instance(tmp_path_factory.mktemp("instance"))


@pytest.fixture
def files(work: Path, instance: Instance) -> Path:
    """Return a folder with the file `a`, the bundle `b` that signs it, and the trusted root."""
    bundle, root = CASES["first_log_file"].build(instance)
    (work / "a").write_bytes(ARTIFACT)
    (work / "b").write_bytes(bundle)
    (work / "root.json").write_bytes(root)
    return work


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--bundle", "b", "a"), 2),
        (("--bundle", "b", *WHO, "a"), 2),
        (("--bundle", "b", *WHO[:2], *ROOT, "a"), 2),
        (("--bundle", "b", *WHO[2:], *ROOT, "a"), 2),
        (("--bundle", "b", *WHO, *ROOT, "--key", "k", "a"), 2),
        (("--bundle", "b", *WHO, *ROOT, "--without-log", "a"), 2),
        (("--bundle", "b", *WHO, "--trusted-root", "b", "a"), 2),
        (("--bundle", "b", *WHO, "--trusted-root", "none", "a"), 2),
        (("--bundle", "b", "--key", "none", "a"), 2),
        (("--bundle", "b", "--key", "b", "a"), 2),
        (("--bundle", "b", *WHO, *ROOT, "sha256:00"), 2),
        ((*WHO, *ROOT, "a"), 2),
        (("--bundle", "none", *WHO, *ROOT, "a"), 4),
        (("--bundle", "b", *WHO, *ROOT, "none"), 4),
        (("--bundle", "a", *WHO, *ROOT, "a"), 1),
        (("--bundle", "b", *WHO, *ROOT, "b"), 1),
        (("--bundle", "b", *WHO, *ROOT, f"sha256:{'0' * 64}"), 1),
        (("--bundle", "b", *WHO[:3], "https://example.com", *ROOT, "a"), 1),
        (("--bundle", "b", "--certificate-identity", "x@example.org", *WHO[2:], *ROOT, "a"), 1),
    ],
    ids=[
        *("nobody", "no root", "no issuer", "no identity", "key and identity", "without log"),
        *("no trusted root", "no such root", "no such key", "no key", "short digest", "no bundle"),
        *("no such bundle", "no such file", "not a bundle", "other file", "other digest"),
        *("other issuer", "other identity"),
    ],
)
def test_refuses_in_one_line(
    cli: Command, files: Path, arguments: tuple[str, ...], code: int
) -> None:
    assert files.is_dir()
    done = cli("verify-bundle", *arguments)
    said, silent = (done.out, done.err) if code == 1 else (done.err, done.out)
    assert (done.code, silent) == (code, "")
    assert said.startswith("FAIL: " if code == 1 else "error: ")
    assert said.count("\n") == 1


def test_says_no_to_programs(cli: Command, files: Path) -> None:
    assert files.is_dir()
    done = cli("verify-bundle", "--bundle", "b", *WHO, *ROOT, "b", "--format", "json")
    told = json.loads(done.out)
    assert (done.code, done.err) == (1, "")
    assert set(told) == {"verified", "code", "message", "path", "remedy"}
    assert (told["verified"], told["code"]) == (False, "artifact-mismatch")
    assert told["remedy"] == "name the file that the bundle belongs to"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n", "ssh-keygen -Y"),
        (b"\x30\x44\x02\x20" + bytes(66), "neither bare signatures, as `openssl` makes them"),
    ],
    ids=["ssh-keygen", "openssl"],
)
def test_signatures_of_other_tools_are_named(
    cli: Command, files: Path, data: bytes, said: str
) -> None:
    (files / "b").write_bytes(data)
    done = cli("verify-bundle", "--bundle", "b", *WHO, *ROOT, "a")
    assert done.code == 1
    assert said in done.out


def test_a_failed_outcome_does_not_look_like_a_pass(cli: Command, signed: Path) -> None:
    (signed / "config.json").write_text("{}")
    write_key_pair(signed.parent / "gate.key", generate_private_key())
    attest = ("--attest", "gate.key", "--attest-output", "out")
    assert cli("verify", signed, "--key", "me.key.pub", *attest).code == 1
    bundle = ("--bundle", "out/verification-summary.sigstore.json")
    listing = signed / "training-provenance/SHA256SUMS"
    done = cli("verify-bundle", *bundle, "--key", "gate.key.pub", listing)
    assert done.code == 0
    assert "what it says was not read" in done.out
    assert "`provenance check-summary` reads what it says" in done.out


@pytest.mark.parametrize("artifact", ["a", DIGEST], ids=["file", "digest"])
def test_says_who_signed(cli: Command, files: Path, artifact: str) -> None:
    assert files.is_dir()
    done = cli("verify-bundle", "--bundle", "b", *WHO, *ROOT, artifact)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"PASS: signed by {IDENTITY} (issuer {ISSUER})\nfile     {DIGEST}\n")


def test_says_it_to_programs(cli: Command, files: Path) -> None:
    assert files.is_dir()
    done = cli("verify-bundle", "--bundle", "b", *WHO, *ROOT, "a", "--format", "json")
    told = json.loads(done.out)
    assert set(told) == documented("verify-bundle")
    assert told["verified"] is True
    assert told["logChecked"] is True
    assert told["signer"]["identity"] == IDENTITY
    assert told["signer"]["times"][0]["source"] == "transparency-log"


def test_a_managed_key_and_its_log(cli: Command, files: Path, instance: Instance) -> None:
    bundle, pem = managed_bundle(instance)
    (files / "k.pub").write_bytes(pem)
    (files / "b").write_bytes(json.dumps(bundle).encode())
    assert cli("verify-bundle", "--bundle", "b", "--key", "k.pub", *ROOT, "a").code == 0
    alone = cli("verify-bundle", "--bundle", "b", "--key", "k.pub", "a")
    assert alone.code == 0
    assert alone.err.startswith(
        "note: not checked, for nobody was named to check it by: 1 log entry"
    )
    bundle["verificationMaterial"]["tlogEntries"] = []
    (files / "b").write_bytes(json.dumps(bundle).encode())
    assert cli("verify-bundle", "--bundle", "b", "--key", "k.pub", *ROOT, "a").code == 1
    without = ("--key", "k.pub", "--without-log")
    assert cli("verify-bundle", "--bundle", "b", *without, *ROOT, "a").code == 0


def test_the_name_of_an_identity_is_the_whole_name(cli: Command, files: Path) -> None:
    """As the clients of Sigstore compare it: a `*` in it fits nothing but itself."""
    assert files.is_dir()
    bundle, issuer = ("--bundle", "b"), ("--issuer", ISSUER, *ROOT)
    star = "*@example.org"
    assert cli("verify-bundle", *bundle, "--certificate-identity", star, *issuer, "a").code == 1
    assert cli("verify-bundle", *bundle, "--identity", star, *issuer, "a").code == 0


def test_a_key_may_come_through_a_pipe(cli: Command, files: Path, instance: Instance) -> None:
    """As a shell hands over what a command writes: `--key <(command)`."""
    bundle, pem = managed_bundle(instance)
    (files / "b").write_bytes(json.dumps(bundle).encode())
    for text, code in ((pem, 0), (b"no key", 2), (b"x" * 66_000, 2)):
        reading, writing = os.pipe()
        sender = threading.Thread(target=_send, args=(writing, text))
        sender.start()
        try:
            key = ("--key", f"/dev/fd/{reading}")
            assert cli("verify-bundle", "--bundle", "b", *key, "a").code == code
        finally:
            os.close(reading)
            sender.join()
    assert cli("verify-bundle", "--bundle", "b", "--key", "/dev/fd/999999", "a").code == 2


def _send(descriptor: int, text: bytes) -> None:
    with suppress(BrokenPipeError), open(descriptor, "wb") as stream:
        stream.write(text)


@pytest.mark.parametrize(
    "names",
    [
        ("--certificate-identity", "--certificate-oidc-issuer"),
        ("--certificate-identity", "--issuer"),
        ("--identity", "--issuer"),
    ],
    ids=" ".join,
)
def test_other_names_of_the_options(cli: Command, files: Path, names: tuple[str, str]) -> None:
    assert files.is_dir()
    who = (names[0], IDENTITY, names[1], ISSUER)
    assert cli("verify-bundle", "--bundle", "b", *who, *ROOT, "a").code == 0
    refused = cli("verify", "a", "--manifest", "b", *who, *ROOT)
    assert refused.code == 1
    assert "`provenance verify-bundle" in refused.out


def test_lists_and_several_keys(cli: Command, signed: Path, key: PrivateKey) -> None:
    listing = signed / "training-provenance/SHA256SUMS"
    bundle = ("--bundle", signed / "training-provenance/manifest.sigstore.json")
    line = public_line(key.public_key)
    (signed.parent / "list").write_text(f"me@lab.example {line}\n")
    write_key_pair(signed.parent / "other.key", generate_private_key())
    both = ("--key", "other.key.pub", "--key", "me.key.pub")
    for whom in (("--allowed-signers", "list"), both):
        done = cli("verify-bundle", *bundle, *whom, listing)
        assert (done.code, done.err) == (0, "")
        assert key.fingerprint in done.out
        assert "`provenance verify` checks what it says" in done.out
    assert cli("verify-bundle", *bundle, "--key", "other.key.pub", listing).code == 1


def test_a_certificate_of_an_own_authority(cli: Command, signed: Path) -> None:
    now = datetime.now(UTC)
    start, end = now - certificates.DAY, now + certificates.DAY
    root = certificates.authority(None, "root", start=start, end=end)
    leaf = certificates.signer(root, start=start, end=end)
    name = signed / "training-provenance/manifest.sigstore.json"
    signer = CertificateSigner.of(
        PrivateKey.from_handle(leaf.key), leaf.certificate.public_bytes(Encoding.PEM)
    )
    payload = parse_bundle(name.read_bytes()).envelope.payload
    name.write_bytes(write_bundle(sign_payload(payload, signer)))
    (signed.parent / "ca.pem").write_bytes(root.certificate.public_bytes(Encoding.PEM))
    listing = signed / "training-provenance/SHA256SUMS"
    for option in ("--ca", "--certificate-chain"):
        whom = (option, "ca.pem", "--identity", "trainer@example.org")
        done = cli("verify-bundle", "--bundle", name, *whom, listing)
        assert done.code == 0
        assert done.out.startswith("PASS: signed by trainer@example.org (issuer SHA256:")
        assert cli("verify", signed, *whom).code == 0
