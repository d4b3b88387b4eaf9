"""Managed keys whose signatures stand in a log, and bundles of bare keys over files."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from provenance.envelope import parse_bundle
from provenance.errors import EnvelopeError, InputError, ProvenanceError, SignatureError, UsageError
from provenance.signing import PublicKey, generate_private_key
from provenance.signing.artifacts import verify_artifact
from provenance.signing.keyless import LoggedKeyVerifier, read_trusted_root
from support.keyless import ARTIFACT, STATEMENT, Instance, managed_bundle, pae_of
from support.logs import b64, encoded

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


@pytest.mark.parametrize(
    "digest",
    [
        *("sha256:", "sha256:00", f"sha256:{'g' * 64}", f"{DIGEST}\n", "sha512:", "sha384:00"),
        f"sha512:{'0' * 64}",
    ],
)
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
        lambda it: it["messageSignature"]["messageDigest"].update(algorithm=6),
        lambda it: it["messageSignature"]["messageDigest"].update(algorithm=True),
        lambda it: it["messageSignature"].update(messageDigest=[]),
        lambda it: it.pop("messageSignature"),
        lambda it: it.update(dsseEnvelope={}),
        lambda it: it.pop("verificationMaterial"),
        lambda it: it["verificationMaterial"].update(certificate={"rawBytes": "AAAA"}),
    ],
    ids=[
        *(
            "empty signature",
            "no signature",
            "more",
            "other hash",
            "no such number",
            "hash no text",
            "no digest",
        ),
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


@pytest.mark.parametrize(
    "stated",
    [
        {},
        {"algorithm": "HASH_ALGORITHM_UNSPECIFIED", "digest": "AAAA"},
        {"algorithm": 0},
        {"digest": "AAAA"},
        {"algorithm": "SHA3_256", "digest": "AAAA"},
        {"algorithm": 5, "digest": "AAAA"},
        {"algorithm": 1, "digest": b64(hashlib.sha256(ARTIFACT).digest())},
    ],
    ids=["empty", "unspecified", "zero", "no hash", "sha3", "number of sha3", "number of sha2"],
)
def test_a_stated_digest_that_compares_with_nothing_says_nothing(stated: dict[str, Any]) -> None:
    bundle, key = bare("ecdsa-p256")
    bundle["messageSignature"]["messageDigest"] = stated
    assert verify_artifact(dumped(bundle), ARTIFACT, key).unchecked == ()


def test_a_number_names_a_hash_that_has_to_agree() -> None:
    bundle, key = bare("ecdsa-p256")
    bundle["messageSignature"]["messageDigest"] = {"algorithm": 1, "digest": "AAAA"}
    with pytest.raises(SignatureError) as caught:
        verify_artifact(dumped(bundle), ARTIFACT, key)
    assert caught.value.code == "artifact-mismatch"


def test_says_that_a_stated_digest_could_not_be_compared() -> None:
    bundle, key = bare("ecdsa-p256")
    stated = {"algorithm": "SHA2_512", "digest": b64(hashlib.sha512(b"another").digest())}
    bundle["messageSignature"]["messageDigest"] = stated
    (said,) = verify_artifact(dumped(bundle), DIGEST, key).unchecked
    assert "digest" in said
    with pytest.raises(SignatureError):
        verify_artifact(dumped(bundle), ARTIFACT, key)


@pytest.mark.parametrize("name", ["sha256", "sha384", "sha512"])
def test_a_file_may_be_named_by_a_digest_in_either_case(name: str) -> None:
    digest = hashlib.new(name, ARTIFACT).hexdigest()
    tree = {**TREE, "subject": [{"name": "a", "digest": {name: digest}}]}
    bundle, key = stated(dumped(tree))
    for text in (digest, digest.upper()):
        found = verify_artifact(dumped(bundle), f"{name}:{text}", key)
        assert (found.digests, found.sha256) == (
            {name: digest},
            digest if name == "sha256" else None,
        )
    with pytest.raises(SignatureError):
        verify_artifact(dumped(bundle), f"{name}:{'0' * len(digest)}", key)


def test_says_what_a_bare_key_leaves_unchecked(instance: Instance) -> None:
    bundle, pem = managed_bundle(instance, stamps=1)
    found = verify_artifact(dumped(bundle), ARTIFACT, PublicKey.from_pem(pem))
    assert found.unchecked == ("1 log entry", "1 timestamp")
    assert verify_artifact(dumped(bundle), ARTIFACT, verifier(instance, pem)).unchecked == ()


# Schemes


def signed_by(handle: Any, *how: Any) -> tuple[dict[str, Any], bytes]:  # noqa: ANN401 - any key
    bundle, _ = bare("ecdsa-p256")
    bundle["messageSignature"]["signature"] = b64(handle.sign(ARTIFACT, *how))
    pem = handle.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return bundle, pem


PSS = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
RSA = rsa.generate_private_key(65_537, 2_048)
SIGNED: dict[str, tuple[Any, ...]] = {
    "rsa-pss-sha256": (RSA, PSS, hashes.SHA256()),
    "rsa-pkcs1v15-sha256": (RSA, padding.PKCS1v15(), hashes.SHA256()),
    "ecdsa-p384-sha256": (ec.generate_private_key(ec.SECP384R1()), ec.ECDSA(hashes.SHA256())),
    "ecdsa-p521-sha256": (ec.generate_private_key(ec.SECP521R1()), ec.ECDSA(hashes.SHA256())),
}


@pytest.mark.parametrize("scheme", SIGNED)
def test_a_key_may_have_signed_by_any_scheme_of_its_kind(scheme: str) -> None:
    bundle, pem = signed_by(*SIGNED[scheme])
    for artifact in (ARTIFACT, DIGEST):
        if artifact == DIGEST and scheme.startswith("ecdsa-p"):
            continue  # the other hash of the curve is not known then
        found = verify_artifact(dumped(bundle), artifact, PublicKey.from_pem(pem))
        assert found.signer.scheme == scheme
    named = PublicKey.from_pem(pem, scheme=scheme)
    assert verify_artifact(dumped(bundle), ARTIFACT, named).signer.scheme == scheme


@pytest.mark.parametrize(
    ("scheme", "named"), [("rsa-pss-sha256", "rsa-pkcs1v15-sha256")], ids=["another"]
)
def test_a_scheme_that_was_chosen_is_the_only_one(scheme: str, named: str) -> None:
    bundle, pem = signed_by(*SIGNED[scheme])
    with pytest.raises(SignatureError) as caught:
        verify_artifact(dumped(bundle), ARTIFACT, PublicKey.from_pem(pem, scheme=named))
    assert caught.value.code == "signature-invalid"


@pytest.mark.parametrize(
    ("handle", "how"),
    [
        (RSA, (padding.PKCS1v15(), hashes.SHA512())),
        (RSA, (padding.PSS(padding.MGF1(hashes.SHA256()), 20), hashes.SHA256())),
        (SIGNED["ecdsa-p384-sha256"][0], (ec.ECDSA(hashes.SHA512()),)),
        (ec.generate_private_key(ec.SECP256R1()), (ec.ECDSA(hashes.SHA384()),)),
    ],
    ids=["rsa-sha512", "rsa-short-salt", "p384-sha512", "p256-sha384"],
)
def test_other_schemes_are_refused(handle: Any, how: tuple[Any, ...]) -> None:  # noqa: ANN401
    bundle, pem = signed_by(handle, *how)
    with pytest.raises(SignatureError) as caught:
        verify_artifact(dumped(bundle), ARTIFACT, PublicKey.from_pem(pem))
    assert caught.value.code == "signature-invalid"


def test_a_manifest_is_held_to_the_one_scheme_of_its_key(instance: Instance) -> None:
    handle, how = SIGNED["ecdsa-p384-sha256"]
    bundle, _ = stated(STATEMENT)
    bundle["dsseEnvelope"]["signatures"][0]["sig"] = b64(handle.sign(pae_of(STATEMENT), how))
    pem = handle.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    parsed = parse_bundle(dumped(bundle))
    strict = verifier(instance, pem, require_log=False)
    assert verify_artifact(dumped(bundle), ARTIFACT, strict).signer.scheme == "ecdsa-p384-sha256"
    with pytest.raises(SignatureError):
        strict.verify(parsed)
    with pytest.raises(SignatureError):
        PublicKey.from_pem(pem).verify(parsed)


@pytest.mark.parametrize(
    ("details", "good"),
    [
        ("PKIX_RSA_PKCS1V15_2048_SHA256", True),
        ("PKIX_RSA_PKCS1V15_3072_SHA256", False),
        ("PKIX_RSA_PSS_2048_SHA256", False),
        ("PKIX_ECDSA_P256_SHA_256", False),
        ("PKIX_ED25519", False),
    ],
)
def test_a_log_entry_names_the_very_kind_of_key(
    details: str, instance: Instance, *, good: bool
) -> None:
    bundle, pem = signed_by(*SIGNED["rsa-pkcs1v15-sha256"])
    spki = RSA.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    owner = {"publicKey": {"rawBytes": b64(spki)}, "keyDetails": details}
    record = {
        "data": bundle["messageSignature"]["messageDigest"],
        "signature": {"content": bundle["messageSignature"]["signature"], "verifier": owner},
    }
    record["data"] = {"algorithm": "SHA2_256", "digest": record["data"]["digest"]}
    body = {
        "apiVersion": "0.0.2",
        "kind": "hashedrekord",
        "spec": {"hashedRekordV002": record},
    }
    bundle["verificationMaterial"]["tlogEntries"] = [instance.second.entry(encoded(body))]
    if good:
        assert verify_artifact(dumped(bundle), ARTIFACT, verifier(instance, pem)).log_checked
        return
    for trusted in (verifier(instance, pem), PublicKey.from_pem(pem)):
        with pytest.raises(SignatureError) as caught:
            verify_artifact(dumped(bundle), ARTIFACT, trusted)
        assert caught.value.code == "log-entry-invalid"


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
