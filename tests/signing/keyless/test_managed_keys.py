"""Managed keys whose signatures stand in a log, and bundles of bare keys over files."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from provenance.envelope import parse_bundle
from provenance.errors import EnvelopeError, InputError, ProvenanceError, SignatureError, UsageError
from provenance.signing import PublicKey, generate_private_key
from provenance.signing.artifacts import verify_artifact
from provenance.signing.keyless import LoggedKeyVerifier, read_trusted_root
from support.keyless import ARTIFACT, STATEMENT, Instance, managed_bundle, pae_of
from support.logs import b64

if TYPE_CHECKING:
    from pathlib import Path

DIGEST = f"sha256:{hashlib.sha256(ARTIFACT).hexdigest()}"


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Instance:
    pytest.importorskip("rfc3161_client")
    return Instance(tmp_path_factory.mktemp("instance"))


def verifier(instance: Instance, pem: bytes, **options: bool) -> LoggedKeyVerifier:
    root = read_trusted_root(json.dumps(instance.trusted_root()).encode())
    return LoggedKeyVerifier(PublicKey.from_pem(pem), root, **options)


def dumped(bundle: dict[str, Any]) -> bytes:
    return json.dumps(bundle).encode()


@pytest.mark.parametrize("message", [True, False], ids=["file", "envelope"])
@pytest.mark.parametrize(
    ("second", "stamps"), [(False, 0), (True, 0), (True, 1)], ids=["first", "second", "stamped"]
)
def test_verifies(instance: Instance, message: bool, second: bool, stamps: int) -> None:  # noqa: FBT001 - parameters of the test
    bundle, pem = managed_bundle(instance, message=message, second=second, stamps=stamps)
    found = verify_artifact(dumped(bundle), ARTIFACT, verifier(instance, pem))
    assert found.signer.kind == "key"
    assert found.log_checked
    # A log of the second version witnesses no time.
    assert len(found.signer.times) == (stamps if second else 1)


def test_verifies_an_envelope_among_other_signature_verifiers(instance: Instance) -> None:
    bundle, pem = managed_bundle(instance, message=False)
    assert verifier(instance, pem).verify(parse_bundle(dumped(bundle))).kind == "key"


def test_without_a_log_entry(instance: Instance) -> None:
    bundle, pem = managed_bundle(instance)
    bundle["verificationMaterial"]["tlogEntries"] = []
    with pytest.raises(SignatureError) as caught:
        verify_artifact(dumped(bundle), ARTIFACT, verifier(instance, pem))
    assert caught.value.code == "log-entry-invalid"
    lenient = verifier(instance, pem, require_log=False)
    assert not verify_artifact(dumped(bundle), ARTIFACT, lenient).log_checked


def test_an_entry_that_is_there_must_hold_though_none_is_required(instance: Instance) -> None:
    bundle, pem = managed_bundle(instance)
    bundle["verificationMaterial"]["tlogEntries"][0]["logIndex"] = "7"
    with pytest.raises(SignatureError) as caught:
        verify_artifact(dumped(bundle), ARTIFACT, verifier(instance, pem, require_log=False))
    assert caught.value.code == "log-entry-invalid"


def test_entry_of_another_key(instance: Instance) -> None:
    bundle, pem = managed_bundle(instance)
    other, _ = managed_bundle(instance)
    bundle["verificationMaterial"]["tlogEntries"] = other["verificationMaterial"]["tlogEntries"]
    for key in (verifier(instance, pem), PublicKey.from_pem(pem)):
        with pytest.raises(SignatureError) as caught:
            verify_artifact(dumped(bundle), ARTIFACT, key)
        assert caught.value.code == "log-entry-invalid"


@pytest.mark.parametrize("days", [-1, 1], ids=["ended", "not begun"])
def test_a_log_without_time_counts_at_present(instance: Instance, days: int) -> None:
    bundle, pem = managed_bundle(instance, second=True)
    root = instance.trusted_root()
    at = (instance.now + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
    window = {"end": at} if days < 0 else {"start": at}
    root["tlogs"][1]["publicKey"]["validFor"] = window
    key = LoggedKeyVerifier(PublicKey.from_pem(pem), read_trusted_root(dumped(root)))
    with pytest.raises(SignatureError) as caught:
        verify_artifact(dumped(bundle), ARTIFACT, key)
    assert caught.value.code == "log-entry-invalid"


def test_other_key(instance: Instance) -> None:
    bundle, _ = managed_bundle(instance)
    _, pem = managed_bundle(instance)
    for key in (verifier(instance, pem), PublicKey.from_pem(pem)):
        with pytest.raises(SignatureError) as caught:
            verify_artifact(dumped(bundle), ARTIFACT, key)
        assert caught.value.code == "signature-invalid"


def test_a_certificate_where_a_key_is_trusted(instance: Instance) -> None:
    signing = instance.sign(message=True)
    pem = signing.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for key in (verifier(instance, pem), PublicKey.from_pem(pem)):
        with pytest.raises(SignatureError) as caught:
            verify_artifact(dumped(instance.bundle(signing)), ARTIFACT, key)
        assert caught.value.code == "signature-unsupported"


# Bundles without any log


def bare(kind: str, data: bytes = ARTIFACT) -> tuple[dict[str, Any], PublicKey]:
    key = generate_private_key(kind)  # type: ignore[arg-type]  # the parameters of the tests
    digest = {"algorithm": "SHA2_256", "digest": b64(hashlib.sha256(data).digest())}
    bundle = {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"publicKey": {"hint": ""}},
        "messageSignature": {"messageDigest": digest, "signature": b64(key.sign(data))},
    }
    return bundle, key.public_key


KINDS = ["ecdsa-p256", "ecdsa-p384", "ecdsa-p521", "ed25519", "rsa"]


@pytest.mark.parametrize("kind", KINDS)
def test_verifies_a_file_by_each_kind_of_key(kind: str, tmp_path: Path) -> None:
    bundle, key = bare(kind)
    path = tmp_path / "a"
    path.write_bytes(ARTIFACT)
    for artifact in (ARTIFACT, path, str(path)):
        found = verify_artifact(dumped(bundle), artifact, key)
        assert (found.signer.fingerprint, found.predicate_type) == (key.fingerprint, None)
    with pytest.raises(SignatureError):
        verify_artifact(dumped(bundle), ARTIFACT + b"x", key)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("ecdsa-p256", ""),
        ("rsa", ""),
        ("ecdsa-p384", "signature-unsupported"),
        ("ed25519", "signature-unsupported"),
    ],
)
def test_by_its_digest_alone(kind: str, code: str) -> None:
    bundle, key = bare(kind)
    if not code:
        assert verify_artifact(dumped(bundle), DIGEST, key).sha256 == DIGEST[7:]
        return
    with pytest.raises(SignatureError) as caught:
        verify_artifact(dumped(bundle), DIGEST, key)
    assert caught.value.code == code


@pytest.mark.parametrize("digest", ["sha256:", "sha256:00", f"sha256:{'A' * 64}", f"{DIGEST}\n"])
def test_a_malformed_digest_is_no_file_name(digest: str) -> None:
    bundle, key = bare("ecdsa-p256")
    with pytest.raises(UsageError):
        verify_artifact(dumped(bundle), digest, key)


def test_no_file(tmp_path: Path) -> None:
    bundle, key = bare("ecdsa-p256")
    with pytest.raises(InputError):
        verify_artifact(dumped(bundle), tmp_path / "none", key)


@pytest.mark.parametrize(
    "change",
    [
        lambda it: it["messageSignature"].update(signature=""),
        lambda it: it["messageSignature"].pop("signature"),
        lambda it: it["messageSignature"].update(more=1),
        lambda it: it["messageSignature"]["messageDigest"].update(algorithm="MD5"),
        lambda it: it["messageSignature"]["messageDigest"].update(algorithm=2),
        lambda it: it["messageSignature"].update(messageDigest=[]),
        lambda it: it.pop("messageSignature"),
        lambda it: it.update(dsseEnvelope={}),
        lambda it: it.pop("verificationMaterial"),
        lambda it: it["verificationMaterial"].update(certificate={"rawBytes": "AAAA"}),
    ],
    ids=[
        *("empty signature", "no signature", "more", "other hash", "hash no text", "no digest"),
        *("nothing signed", "both signed", "no material", "key and certificate"),
    ],
)
def test_malformed_bundles_are_refused(change: Any) -> None:  # noqa: ANN401 - a function
    bundle, key = bare("ecdsa-p256")
    change(bundle)
    with pytest.raises(EnvelopeError):
        verify_artifact(dumped(bundle), ARTIFACT, key)


def test_the_stated_digest_may_be_missing_and_never_differ() -> None:
    bundle, key = bare("ecdsa-p256")
    del bundle["messageSignature"]["messageDigest"]
    verify_artifact(dumped(bundle), ARTIFACT, key)
    bundle["messageSignature"]["messageDigest"] = {"algorithm": "SHA2_512", "digest": "AAAA"}
    with pytest.raises(SignatureError) as caught:
        verify_artifact(dumped(bundle), ARTIFACT, key)
    assert caught.value.code == "artifact-mismatch"


# Statements


def stated(payload: bytes) -> tuple[dict[str, Any], PublicKey]:
    key = generate_private_key()
    envelope = {
        "payload": b64(payload),
        "payloadType": "application/vnd.in-toto+json",
        "signatures": [{"sig": b64(key.sign(pae_of(payload)))}],
    }
    bundle = {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"publicKey": {"hint": ""}},
        "dsseEnvelope": envelope,
    }
    return bundle, key.public_key


TREE: dict[str, Any] = json.loads(STATEMENT)
OTHER = {"name": "b", "digest": {"sha256": "00" * 32}}
SHA512 = hashlib.sha512(ARTIFACT).hexdigest()


@pytest.mark.parametrize(
    "tree",
    [
        TREE,
        {**TREE, "_type": "https://in-toto.io/Statement/v0.1"},
        {**TREE, "subject": [OTHER, *TREE["subject"]]},
        {**TREE, "subject": [{"digest": {"sha512": SHA512, "gitCommit": "00" * 20}}]},
        {**TREE, "more": 1.5},
    ],
    ids=["v1", "v0.1", "second subject", "other digests", "more fields"],
)
def test_finds_the_file_among_the_subjects(tree: dict[str, Any]) -> None:
    bundle, key = stated(dumped(tree))
    found = verify_artifact(dumped(bundle), ARTIFACT, key)
    assert found.predicate_type == "https://example.org/predicate/v1"


@pytest.mark.parametrize(
    ("tree", "code"),
    [
        ({**TREE, "subject": [OTHER]}, "artifact-mismatch"),
        ({**TREE, "subject": []}, "artifact-mismatch"),
        ({**TREE, "subject": [{"digest": {"gitCommit": DIGEST[7:]}}]}, "artifact-mismatch"),
        ({**TREE, "subject": [{"digest": {"sha256": DIGEST[7:].upper()}}]}, "artifact-mismatch"),
        (
            {**TREE, "subject": [{"digest": {"sha256": DIGEST[7:], "sha512": "00" * 64}}]},
            "artifact-mismatch",
        ),
        ({**TREE, "subject": [{"digest": {}}]}, "statement-malformed"),
        ({**TREE, "subject": [{}]}, "statement-malformed"),
        ({**TREE, "subject": 1}, "statement-malformed"),
        ({**TREE, "_type": "https://in-toto.io/Statement/v9"}, "statement-malformed"),
        ({**TREE, "predicateType": ""}, "statement-malformed"),
        ({**TREE, "predicateType": 1}, "statement-malformed"),
    ],
    ids=[
        *("other file", "no subject", "other algorithm", "capitals", "two files in one"),
        *("no digest", "no digests", "no list", "other type", "no predicate type", "number"),
    ],
)
def test_refuses_statements_about_something_else(tree: dict[str, Any], code: str) -> None:
    bundle, key = stated(dumped(tree))
    with pytest.raises(ProvenanceError) as caught:
        verify_artifact(dumped(bundle), ARTIFACT, key)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "payload",
    [b"", b"{", b'{"a":1,"a":2}', STATEMENT + b"x", b'{"a":1e400}'],
    ids=["empty", "cut", "twice", "trailing", "infinite"],
)
def test_refuses_what_is_no_strict_json(payload: bytes) -> None:
    bundle, key = stated(payload)
    with pytest.raises(ProvenanceError):
        verify_artifact(dumped(bundle), ARTIFACT, key)
