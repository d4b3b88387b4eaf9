"""Tests of bundles signed with certificates: made with any key, verified by authority and name."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from provenance.envelope import parse_bundle, write_bundle
from provenance.errors import SignatureError, SigningError, UsageError
from provenance.signing import (
    IdentityPattern,
    PrivateKey,
    SigningTimes,
    VerifiedTime,
    generate_private_key,
    sign_payload,
    verify_bundle,
)
from provenance.signing.certificates import (
    CODE_SIGNING,
    CertificatePool,
    CertificateSigner,
    CertificateVerifier,
)
from support import certificates as made

if TYPE_CHECKING:
    from datetime import datetime

    from provenance.envelope import Bundle
    from support.certificates import Issued

ROOT = made.authority(None, "root", end=made.NOW + 99 * made.DAY)
LEAF = made.signer(ROOT)
TRAINER = IdentityPattern("trainer@example.org", "email")
TIMES = SigningTimes(made.NOW)


def signer_of(issued: Issued, scheme: str | None = None) -> CertificateSigner:
    pem = issued.certificate.public_bytes(Encoding.PEM)
    key = PrivateKey.from_handle(issued.key, scheme=scheme)
    return CertificateSigner.of(key, pem, now=made.NOW)


def verifier_of(
    *anchors: Issued, identity: IdentityPattern = TRAINER, scheme: str | None = None
) -> CertificateVerifier:
    pool = CertificatePool(tuple(one.certificate for one in anchors))
    return CertificateVerifier(pool, identity, rsa_scheme=scheme)


def refused(bundle: Bundle, verifier: CertificateVerifier, times: SigningTimes = TIMES) -> str:
    with pytest.raises(SignatureError) as caught:
        verifier.verify(bundle, times)
    return caught.value.code


def test_a_bundle_carries_the_leaf_alone_and_no_key_id() -> None:
    bundle = sign_payload(b"{}", signer_of(LEAF))
    tree = json.loads(write_bundle(bundle))
    assert list(tree["verificationMaterial"]) == ["certificate", "tlogEntries"]
    assert "keyid" not in tree["dsseEnvelope"]["signatures"][0]
    assert parse_bundle(write_bundle(bundle)) == bundle


@pytest.mark.parametrize("kind", ["p256", "p384", "p521", "ed25519", "rsa2048"])
def test_authority_and_name_verify(kind: str) -> None:
    leaf = made.signer(ROOT, key=made.private_key(kind))
    bundle = sign_payload(b"{}", signer_of(leaf))
    verifier = verifier_of(ROOT)
    signer = verify_bundle(bundle, [verifier], times=TIMES).signer
    assert (signer.kind, signer.identity) == ("certificate", "trainer@example.org")
    assert signer.fingerprint == signer_of(leaf).fingerprint
    assert signer.issuer == PrivateKey.from_handle(ROOT.key).fingerprint
    assert signer.issuer in verifier.fingerprint
    assert verifier.scheme == "x509"
    assert verifier.verify(bundle, TIMES) == signer


def test_pkcs1_only_where_the_verifier_names_it() -> None:
    leaf = made.signer(ROOT, key=made.private_key("rsa2048"))
    bundle = sign_payload(b"{}", signer_of(leaf, "rsa-pkcs1v15-sha256"))
    assert refused(bundle, verifier_of(ROOT)) == "signature-invalid"
    found = verifier_of(ROOT, scheme="rsa-pkcs1v15-sha256").verify(bundle, TIMES)
    assert found.scheme == "rsa-pkcs1v15-sha256"


@pytest.mark.parametrize(
    "identity",
    [
        IdentityPattern("mallory@example.org"),
        IdentityPattern("Trainer@example.org"),
        IdentityPattern("trainer@example.org", "dns"),
        IdentityPattern("trainer@example.org.evil.com"),
    ],
)
def test_another_name_under_the_same_authority_is_refused(identity: IdentityPattern) -> None:
    bundle = sign_payload(b"{}", signer_of(LEAF))
    assert refused(bundle, verifier_of(ROOT, identity=identity)) == "identity-mismatch"


def test_a_name_in_the_subject_counts_for_nothing() -> None:
    leaf = made.signer(ROOT, x509.DNSName("host.example.org"))
    bundle = sign_payload(b"{}", signer_of(leaf))
    identity = IdentityPattern("a signer")  # its common name
    assert refused(bundle, verifier_of(ROOT, identity=identity)) == "identity-mismatch"


def test_another_authority_of_the_same_name_is_refused() -> None:
    bundle = sign_payload(b"{}", signer_of(LEAF))
    other = made.authority(None, "root")
    assert refused(bundle, verifier_of(other)).startswith("certificate-")


def test_a_leaf_is_no_authority_of_its_own() -> None:
    alone = made.signer(None)
    bundle = sign_payload(b"{}", signer_of(alone))
    assert refused(bundle, verifier_of(alone)).startswith("certificate-")


def test_a_changed_payload_is_refused() -> None:
    bundle = sign_payload(b"{}", signer_of(LEAF))
    changed = replace(bundle, envelope=replace(bundle.envelope, payload=b"{ }"))
    assert refused(changed, verifier_of(ROOT)) == "signature-invalid"


def test_another_leaf_of_the_same_name_is_refused() -> None:
    other = made.signer(ROOT).certificate.public_bytes(Encoding.DER)
    bundle = replace(sign_payload(b"{}", signer_of(LEAF)), certificate=other)
    assert refused(bundle, verifier_of(ROOT)) == "signature-invalid"


def test_a_bundle_of_a_bare_key_is_unsupported() -> None:
    bundle = sign_payload(b"{}", generate_private_key())
    assert refused(bundle, verifier_of(ROOT)) == "signature-unsupported"
    signed = sign_payload(b"{}", signer_of(LEAF))
    key = PrivateKey.from_handle(LEAF.key).public_key
    with pytest.raises(SignatureError) as caught:
        key.verify(signed)  # the bare key does not stand for what its certificate limits
    assert caught.value.code == "signature-unsupported"


def test_garbage_instead_of_a_certificate_is_refused() -> None:
    bundle = sign_payload(b"{}", signer_of(LEAF))
    for der in (b"\x30\x00", b"hello", (bundle.certificate or b"") + b"\0"):
        assert (
            refused(replace(bundle, certificate=der), verifier_of(ROOT)) == "certificate-malformed"
        )


def test_two_signatures_are_refused() -> None:
    bundle = sign_payload(b"{}", signer_of(LEAF))
    envelope = replace(bundle.envelope, signatures=bundle.envelope.signatures * 2)
    changed = replace(bundle, envelope=envelope)
    assert refused(changed, verifier_of(ROOT)) == "bundle-signature-count"


def test_intermediates_come_from_the_verifier_or_the_bundle() -> None:
    between = made.authority(ROOT, "between")
    bundle = sign_payload(b"{}", signer_of(made.signer(between)))
    assert refused(bundle, verifier_of(ROOT)) == "certificate-untrusted"
    pool = CertificatePool((ROOT.certificate,), (between.certificate,))
    assert CertificateVerifier(pool, TRAINER).verify(bundle, TIMES).identity
    carried = replace(bundle, chain=(between.certificate.public_bytes(Encoding.DER),))
    assert verifier_of(ROOT).verify(carried, TIMES).identity
    # What a bundle carries is never a reason to trust.
    own = replace(
        bundle, chain=(made.authority(None, "root").certificate.public_bytes(Encoding.DER),)
    )
    assert refused(own, verifier_of(ROOT)) == "certificate-untrusted"


def stamped(*times: datetime, now: datetime = made.NOW) -> SigningTimes:
    stamps = (VerifiedTime(at, "timestamp-authority", "SHA256:tsa") for at in times)
    return SigningTimes(now, tuple(stamps))


def test_a_certificate_expires_unless_a_time_was_proven() -> None:
    bundle = sign_payload(b"{}", signer_of(LEAF))
    verifier = verifier_of(ROOT)
    end = made.NOW + made.DAY
    later = end + timedelta(seconds=1)
    verifier.verify(bundle, SigningTimes(end))
    assert refused(bundle, verifier, SigningTimes(later)) == "certificate-expired"
    start = made.NOW - made.DAY
    verifier.verify(bundle, SigningTimes(start))
    early = SigningTimes(start - timedelta(seconds=1))
    assert refused(bundle, verifier, early) == "certificate-not-yet-valid"
    proven = stamped(made.NOW, now=later)
    assert verifier.verify(bundle, proven).times == proven.verified
    # All proven times have to fit, not the one that suits best.
    assert refused(bundle, verifier, stamped(made.NOW, later, now=later)) == "certificate-expired"
    assert refused(bundle, verifier, stamped(later, now=made.NOW)) == "certificate-expired"


def test_what_a_certificate_is_for() -> None:
    usage = made.key_usage("digital_signature")
    names = x509.SubjectAlternativeName([made.SIGNER])
    plain = made.issue(ROOT, "s", [usage, names])
    bundle = sign_payload(b"{}", signer_of(plain))
    assert verifier_of(ROOT).verify(bundle, TIMES).identity
    strict = CertificateVerifier(CertificatePool((ROOT.certificate,)), TRAINER, CODE_SIGNING)
    assert refused(bundle, strict) == "certificate-usage"
    tls = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    web = made.issue(ROOT, "s", [usage, names, tls])
    der = web.certificate.public_bytes(Encoding.DER)
    forged = CertificateSigner(PrivateKey.from_handle(web.key), der)
    assert refused(sign_payload(b"{}", forged), verifier_of(ROOT)) == "certificate-usage"
    with pytest.raises(SigningError):
        signer_of(web)


def test_a_certificate_of_another_key_is_refused_when_signing() -> None:
    pem = LEAF.certificate.public_bytes(Encoding.PEM)
    with pytest.raises(SigningError, match="the certificate is for key") as caught:
        CertificateSigner.of(generate_private_key(), pem, path="me.pem")
    assert caught.value.path == "me.pem"
    with pytest.raises(SigningError):
        CertificateSigner.of(generate_private_key(), b"no certificate", path="me.pem")
    with pytest.raises(SigningError, match="certificate authority"):
        signer_of(ROOT)


@pytest.mark.parametrize(
    ("begin", "end", "problem"),
    [
        pytest.param(0, 1, "", id="begins now"),
        pytest.param(-1, 0, "", id="ends now"),
        pytest.param(1, 2, "it is not valid before 2026-11-01T12:00:01Z", id="begins later"),
        pytest.param(-2, -1, "it expired on 2026-11-01T11:59:59Z", id="ended before"),
    ],
)
def test_a_certificate_that_is_not_valid_now_does_not_sign(
    begin: int, end: int, problem: str
) -> None:
    second = timedelta(seconds=1)
    leaf = made.signer(ROOT, start=made.NOW + begin * second, end=made.NOW + end * second)
    if not problem:
        assert signer_of(leaf).expires == made.NOW + end * second
        return
    with pytest.raises(SigningError, match=problem) as caught:
        signer_of(leaf)
    assert caught.value.code in {"certificate-expired", "certificate-not-yet-valid"}


def test_a_certificate_that_names_nobody_does_not_sign() -> None:
    usages = [made.key_usage("digital_signature"), made.CODE_USAGE]
    with pytest.raises(SigningError, match="no alternative name by which a verifier") as caught:
        signer_of(made.issue(ROOT, "a signer", usages))
    assert "subjectAltName = email:" in caught.value.remedy
    address = x509.SubjectAlternativeName([x509.DirectoryName(made.name("a signer"))])
    with pytest.raises(SigningError, match="no alternative name"):
        signer_of(made.issue(ROOT, "a signer", [*usages, address]))


def test_the_usage_that_is_there_and_the_one_that_is_expected_are_named() -> None:
    tls = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    names = x509.SubjectAlternativeName([made.SIGNER])
    web = made.issue(ROOT, "s", [made.key_usage("digital_signature"), names, tls])
    with pytest.raises(SigningError) as caught:
        signer_of(web)
    assert "is serverAuth (1.3.6.1.5.5.7.3.1)" in caught.value.problem
    assert "expected codeSigning (1.3.6.1.5.5.7.3.3)" in caught.value.problem


def test_intermediates_of_the_file_stay_out_and_are_named() -> None:
    middle = made.authority(ROOT, "middle")
    leaf = made.signer(middle)
    pem = b"".join(one.certificate.public_bytes(Encoding.PEM) for one in (leaf, middle, ROOT))
    signer = CertificateSigner.of(PrivateKey.from_handle(leaf.key), pem, now=made.NOW)
    assert signer.left_out == ("'CN=middle'",)
    assert sign_payload(b"{}", signer).chain == ()
    assert signer_of(leaf).left_out == ()


def test_a_verifier_without_an_authority_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="no certificate authority is named"):
        CertificateVerifier(CertificatePool(()), TRAINER)
