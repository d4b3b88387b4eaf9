"""Each kind of signer, from a policy document to a signature that it verifies or refuses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from provenance.envelope import parse_bundle
from provenance.errors import SignatureError, UsageError
from provenance.signing import PrivateKey, SigningTimes, generate_private_key, sign_payload
from provenance.signing.certificates import CertificateSigner
from provenance.trust import compile_policy, read_policy
from support import certificates as made
from support.keyless import IDENTITY, ISSUER, Instance
from support.policies import policy_bytes
from support.ssh_keys import public_line
from support.timestamps import make_authority

if TYPE_CHECKING:
    from pathlib import Path

    from provenance.signing import SignatureVerifier

KEY = generate_private_key("ed25519")
ROOT = made.authority(None, "root")
LEAF = made.signer(ROOT)
PEM = ROOT.certificate.public_bytes(Encoding.PEM)
TIMES = SigningTimes(made.NOW)


def verifier(signer: dict[str, Any], base: Path | None = None, **changes: Any) -> SignatureVerifier:  # noqa: ANN401 - JSON
    """Return what verifies the one signer of a policy."""
    roles = {"trainer": {"signers": ["a"]}}
    data = policy_bytes({}, signers={"a": signer}, roles=roles, **changes)
    (found,) = compile_policy(read_policy(data), base=base).signers
    return found.verifier


def test_an_ssh_line() -> None:
    known = verifier({"ssh": f"{public_line(KEY.public_key)} alice@example.org"})
    assert known == KEY.public_key
    assert known.verify(sign_payload(b"{}", KEY), TIMES).fingerprint == KEY.fingerprint


@pytest.mark.parametrize(
    "line",
    [
        "ssh-ed25519",
        "ssh-ed25519 AAAA",
        "ssh-ed25519-cert-v01@openssh.com AAAA",
        "sk-ssh-ed25519@openssh.com AAAA",
        "ssh-dss AAAA",
        'from="*" ssh-ed25519 AAAA',
        "hello",
    ],
)
def test_other_lines_are_refused(line: str) -> None:
    with pytest.raises(UsageError) as caught:
        verifier({"ssh": line})
    assert caught.value.path == "/signers/a/ssh"


def test_an_ssh_line_is_the_same_key_as_its_pem() -> None:
    both = {
        "a": {"key": KEY.public_key.to_pem().decode()},
        "b": {"ssh": public_line(KEY.public_key)},
    }
    with pytest.raises(UsageError, match="is the same signer as a"):
        compile_policy(
            read_policy(policy_bytes({}, signers=both, roles={"trainer": {"signers": ["a"]}}))
        )


@pytest.mark.parametrize("kind", ["text", "file"])
def test_a_name_in_a_certificate(kind: str, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(PEM)
    authority = PEM.decode() if kind == "text" else "ca.pem"
    named = {"authority": authority, "identity": "trainer@example.org", "kind": "email"}
    signer = CertificateSigner.of(
        PrivateKey.from_handle(LEAF.key),
        LEAF.certificate.public_bytes(Encoding.PEM),
        now=made.NOW,
    )
    bundle = sign_payload(b"{}", signer)
    found = verifier({"certificate": named}, tmp_path).verify(bundle, TIMES)
    assert (found.kind, found.identity) == ("certificate", "trainer@example.org")
    other = {**named, "identity": "mallory@example.org"}
    with pytest.raises(SignatureError):
        verifier({"certificate": other}, tmp_path).verify(bundle, TIMES)


@pytest.mark.parametrize(
    ("signer", "place"),
    [
        pytest.param(
            {"certificate": {"authority": PEM.decode(), "identity": "*"}},
            "/signers/a/certificate",
            id="any identity",
        ),
        pytest.param(
            {"certificate": {"authority": PEM.decode(), "identity": "x@*"}},
            "/signers/a/certificate",
            id="any domain",
        ),
        pytest.param(
            {"certificate": {"authority": "-----BEGIN CERTIFICATE-----\n", "identity": "x@y.org"}},
            "/signers/a/certificate",
            id="no certificate",
        ),
        pytest.param(
            {"certificate": {"authority": "ca.pem", "identity": "x@y.org"}},
            "/signers/a/certificate/authority",
            id="no file",
        ),
        pytest.param(
            {"keyless": {"identity": "x@y.org", "issuer": ISSUER, "trustedRoot": "root.json"}},
            "/signers/a/keyless/trustedRoot",
            id="no trusted root",
        ),
        pytest.param(
            {"keyless": {"identity": "x@y.org", "issuer": ISSUER, "trustedRoot": "bad.json"}},
            "/signers/a/keyless",
            id="bad trusted root",
        ),
        pytest.param(
            {"key": KEY.public_key.to_pem().decode(), "trustedRoot": "root.json"},
            "/signers/a/trustedRoot",
            id="key without its trusted root",
        ),
    ],
)
def test_what_cannot_be_used(signer: dict[str, Any], place: str, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_bytes(b"{}")
    with pytest.raises(UsageError) as caught:
        verifier(signer, tmp_path)
    assert caught.value.path == place


def test_a_keyless_identity(tmp_path: Path) -> None:
    instance = Instance(tmp_path)
    (tmp_path / "root.json").write_text(json.dumps(instance.trusted_root()), encoding="utf-8")
    named = {"identity": IDENTITY, "issuer": ISSUER, "trustedRoot": "root.json"}
    bundle = parse_bundle(json.dumps(instance.bundle(instance.sign())).encode())
    found = verifier({"keyless": named}, tmp_path).verify(bundle)
    assert (found.identity, found.issuer) == (IDENTITY, ISSUER)
    for other in ({"identity": "mallory@example.org"}, {"issuer": "https://other.example.org"}):
        with pytest.raises(SignatureError):
            verifier({"keyless": {**named, **other}}, tmp_path).verify(bundle)


def test_a_key_whose_signatures_must_be_logged(tmp_path: Path) -> None:
    instance = Instance(tmp_path)
    (tmp_path / "root.json").write_text(json.dumps(instance.trusted_root()), encoding="utf-8")
    named = {"key": KEY.public_key.to_pem().decode(), "trustedRoot": "root.json"}
    known = verifier(named, tmp_path)
    assert known.fingerprint == KEY.fingerprint
    with pytest.raises(SignatureError):
        known.verify(sign_payload(b"{}", KEY))


def test_timestamp_authorities(tmp_path: Path) -> None:
    pytest.importorskip("rfc3161_client", reason="the extra timestamps is not installed")
    authority = make_authority(tmp_path / "tsa")
    data = policy_bytes({"a": KEY.public_key}, timestamps={"authorities": ["tsa/ca.pem"]})
    policy = compile_policy(read_policy(data), base=tmp_path)
    assert policy.timestamps is not None
    signature = sign_payload(b"{}", KEY).envelope.signatures[0].sig
    (proven,) = policy.timestamps.verify(signature, [authority.stamp(signature)])
    assert proven.source == "timestamp-authority"


@pytest.mark.parametrize("content", [b"", b"hello", None], ids=["empty", "text", "none"])
def test_timestamp_authorities_that_cannot_be_used(content: bytes | None, tmp_path: Path) -> None:
    pytest.importorskip("rfc3161_client", reason="the extra timestamps is not installed")
    if content is not None:
        (tmp_path / "tsa.pem").write_bytes(content)
    data = policy_bytes({"a": KEY.public_key}, timestamps={"authorities": ["tsa.pem"]})
    with pytest.raises(UsageError) as caught:
        compile_policy(read_policy(data), base=tmp_path)
    assert caught.value.path == "/timestamps/authorities/0"
