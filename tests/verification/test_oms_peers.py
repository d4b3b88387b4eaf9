"""The installed `model_signing` signs, and we verify: keys, certificates, files, shards, order."""

from __future__ import annotations

import json
import subprocess
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import Encoding

from provenance.signing import IdentityPattern
from provenance.signing.certificates import CertificatePool, CertificateVerifier
from provenance.signing.timestamps import TrustedAuthority, TrustedTimestamps
from provenance.trust import TrustPolicy
from provenance.verification import inspect, inspect_oms
from provenance.verification.oms_certificates import OmsCertificateVerifier
from support.certificates import (
    CODE_USAGE,
    DAY,
    NOW,
    SIGNER,
    Issued,
    authority,
    issue,
    key_usage,
    signer,
)
from support.oms import FILES, write_model
from support.timestamps import make_authority

if TYPE_CHECKING:
    from pathlib import Path

    from provenance.verification import Report

hashing = pytest.importorskip("model_signing.hashing")
signing = pytest.importorskip("model_signing.signing")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "model")


def sign_by_key(model: Path, signature: Path, private: Path) -> None:
    left_out = hashing.Config().set_ignored_paths(paths=[signature.name])
    config = signing.Config().use_elliptic_key_signer(private_key=private)
    config.set_hashing_config(left_out).sign(model, signature)


def make_key(folder: Path, curve: str) -> tuple[Path, Path]:
    private, public = folder / f"{curve}.pem", folder / f"{curve}.pub"
    make = ["openssl", "ecparam", "-name", curve, "-genkey", "-noout", "-out", private]
    subprocess.run([*map(str, make)], check=True, capture_output=True)
    export = ["openssl", "ec", "-in", private, "-pubout", "-out", public]
    subprocess.run([*map(str, export)], check=True, capture_output=True)
    return private, public


@pytest.mark.parametrize("curve", ["prime256v1", "secp384r1", "secp521r1"])
def test_key_signatures_of_the_reference_verify(model: Path, curve: str) -> None:
    private, public = make_key(model.parent, curve)
    (model / ".git").mkdir()
    (model / ".git/HEAD").write_bytes(b"x")
    signature = model / "model.sig"
    sign_by_key(model, signature, private)
    report = inspect_oms(model, signature, keys=public)
    assert report.verdict == "PASS"
    assert "oms-order" not in report.codes()
    (model / "evil.py").write_bytes(b"")
    assert inspect_oms(model, signature, keys=public).verdict == "FAIL"


def test_a_single_file_of_the_reference_verifies(model: Path) -> None:
    private, public = make_key(model.parent, "prime256v1")
    signature = model.parent / "w.sig"
    sign_by_key(model / "weights.bin", signature, private)
    assert inspect_oms(model / "weights.bin", signature, keys=public).verdict == "PASS"
    (model / "weights.bin").write_bytes(b"")
    assert inspect_oms(model / "weights.bin", signature, keys=public).verdict == "FAIL"


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("files", {"hashing_algorithm": "sha256"}),
        ("files", {"hashing_algorithm": "blake2"}),
        ("files", {"hashing_algorithm": "blake3"}),
        ("shards", {"shard_size": 1000}),
        ("shards", {"shard_size": 1000, "hashing_algorithm": "blake2"}),
    ],
    ids=["sha256", "blake2b", "blake3", "shards", "shards_blake2b"],
)
def test_every_way_to_hash_of_the_reference_verifies(
    model: Path, method: str, options: dict[str, Any]
) -> None:
    private, public = make_key(model.parent, "prime256v1")
    config = hashing.Config()
    use = config.use_file_serialization if method == "files" else config.use_shard_serialization
    signature = model.parent / "s.sig"
    maker = signing.Config()
    maker.use_elliptic_key_signer(private_key=private).set_hashing_config(use(**options)).sign(
        model, signature
    )
    report = inspect_oms(model, signature, keys=public)
    assert report.verdict == "PASS"
    assert report.files is not None
    assert report.files.matched == (5 if method == "files" else 4)
    (model / "weights.bin").write_bytes(FILES["weights.bin"][:-1] + b"?")
    assert inspect_oms(model, signature, keys=public).verdict == "FAIL"


# Certificates


def write_certificates(path: Path, *certificates: x509.Certificate) -> Path:
    path.write_bytes(b"".join(it.public_bytes(Encoding.PEM) for it in certificates))
    return path


def certificate_signature(model: Path, leaf: Issued, *chain: x509.Certificate) -> Path:
    folder = model.parent
    key = folder / "leaf.key"
    key.write_bytes(
        leaf.key.private_bytes(
            Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    own = write_certificates(folder / "leaf.pem", leaf.certificate)
    rest = write_certificates(folder / "chain.pem", *chain)
    signature = folder / "c.sig"
    config = signing.Config().use_certificate_signer(
        private_key=key, signing_certificate=own, certificate_chain=[rest]
    )
    config.sign(model, signature)
    return signature


def verify(
    model: Path,
    signature: Path,
    *anchors: x509.Certificate,
    identity: str | None = "trainer@example.org",
    after: int = 0,
) -> Report:
    pattern = None if identity is None else IdentityPattern(identity)
    verifier = OmsCertificateVerifier(CertificatePool(anchors), pattern)
    return inspect_oms(model, signature, keys=verifier, clock=lambda: NOW + after * DAY)


def test_certificate_signatures_of_the_reference_verify(model: Path) -> None:
    root = authority(None, "root")
    between = authority(root, "between")
    leaf = signer(between)
    signature = certificate_signature(model, leaf, between.certificate, root.certificate)
    assert verify(model, signature, root.certificate).verdict == "PASS"
    assert verify(model, signature, root.certificate, identity=None).verdict == "PASS"
    assert verify(model, signature, leaf.certificate).verdict == "PASS"
    for refused in (
        verify(model, signature, authority(None, "root").certificate),
        verify(model, signature, root.certificate, identity="mallory@example.org"),
        verify(model, signature, root.certificate, after=400),
        verify(model, signature, leaf.certificate, after=400),
        verify(model, signature, leaf.certificate, after=-400),
        verify(model, signature, leaf.certificate, identity="mallory@example.org"),
    ):
        assert refused.verdict == "FAIL"
        assert refused.files is None


def test_a_certificate_bundle_under_a_key_is_a_clean_refusal(model: Path) -> None:
    root = authority(None, "root")
    signature = certificate_signature(model, signer(root), root.certificate)
    _, public = make_key(model.parent, "prime256v1")
    assert "signature-unsupported" in inspect_oms(model, signature, keys=public).codes()


def test_a_key_bundle_under_a_certificate_is_a_clean_refusal(model: Path) -> None:
    private, _ = make_key(model.parent, "prime256v1")
    signature = model.parent / "k.sig"
    sign_by_key(model, signature, private)
    report = verify(model, signature, authority(None, "root").certificate)
    assert "signature-unsupported" in report.codes()


@pytest.mark.parametrize(
    "extensions",
    [
        [
            x509.SubjectAlternativeName([SIGNER]),
            x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH]),
        ],
        [x509.SubjectAlternativeName([SIGNER]), (key_usage("key_agreement"), True)],
        [
            x509.SubjectAlternativeName([SIGNER]),
            (x509.BasicConstraints(ca=True, path_length=None), True),
            CODE_USAGE,
        ],
    ],
    ids=["web", "key_agreement", "authority"],
)
def test_a_trusted_certificate_that_is_not_for_signing_is_refused(
    model: Path, extensions: list[Any]
) -> None:
    root = authority(None, "root")
    leaf = issue(root, "leaf", extensions)
    signature = certificate_signature(model, leaf, root.certificate)
    assert verify(model, signature, root.certificate).verdict == "FAIL"
    assert verify(model, signature, leaf.certificate).verdict == "FAIL"


@pytest.mark.parametrize(
    "extensions",
    [
        [
            (key_usage("digital_signature"), True),
            x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH]),
        ],
        [(key_usage("key_agreement"), True), CODE_USAGE],
    ],
    ids=["digital_signature_and_web", "code_signing_and_key_agreement"],
)
def test_either_usage_of_a_signer_is_enough(model: Path, extensions: list[Any]) -> None:
    root = authority(None, "root")
    leaf = issue(root, "leaf", [x509.SubjectAlternativeName([SIGNER]), *extensions])
    signature = certificate_signature(model, leaf, root.certificate)
    assert verify(model, signature, root.certificate).verdict == "PASS"
    assert verify(model, signature, leaf.certificate).verdict == "PASS"


def test_a_self_signed_certificate_counts_only_where_it_is_named_itself(model: Path) -> None:
    leaf = signer(None)
    signature = certificate_signature(model, leaf, leaf.certificate)
    assert verify(model, signature, leaf.certificate).verdict == "PASS"
    assert verify(model, signature, signer(None).certificate).verdict == "FAIL"


def test_certificates_of_a_usual_verifier_and_of_a_folder_without_manifest(model: Path) -> None:
    root = authority(None, "root")
    certificate_signature(model, signer(root), root.certificate).rename(model / "model.sig")
    pool = CertificatePool((root.certificate,))
    named = CertificateVerifier(pool, IdentityPattern("trainer@example.org"))
    report = inspect(model, keys=named, clock=lambda: NOW)
    assert report.verdict == "INCOMPLETE"
    assert report.signer is not None
    assert report.signer.identity == "trainer@example.org"


def test_an_expired_certificate_counts_if_a_timestamp_proves_that_it_signed_before(
    model: Path,
) -> None:
    pytest.importorskip("rfc3161_client", reason="the extra timestamps is not installed")
    now = datetime.now(UTC)
    window = {"start": now - 2 * DAY, "end": now + DAY}
    root = authority(None, "root", start=now - 3 * DAY, end=now + 3 * DAY)
    leaf = signer(root, **window)  # type: ignore[arg-type]  # a start and an end
    signature = certificate_signature(model, leaf, root.certificate)
    tree = json.loads(signature.read_bytes())
    tsa = make_authority(model.parent / "tsa")
    stamp = tsa.stamp(b64decode(tree["dsseEnvelope"]["signatures"][0]["sig"]))
    stamps = [{"signedTimestamp": b64encode(stamp).decode()}]
    tree["verificationMaterial"]["timestampVerificationData"] = {"rfc3161Timestamps": stamps}
    signature.write_text(json.dumps(tree), encoding="utf-8")
    pool = CertificatePool((root.certificate,))
    named = OmsCertificateVerifier(pool, IdentityPattern("trainer@example.org"))
    trusted = TrustedTimestamps((TrustedAuthority(CertificatePool((tsa.root,))),))
    later: Any = {"keys": named, "clock": lambda: now + 30 * DAY}
    assert inspect_oms(model, signature, **later).verdict == "FAIL"
    policy = TrustPolicy(timestamps=trusted)
    assert inspect_oms(model, signature, policy=policy, **later).verdict == "PASS"
