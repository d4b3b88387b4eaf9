"""Keys and signatures of certificates: weak ones, other kinds, and signatures of others."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from provenance.errors import SignatureError
from provenance.signing.certificates.issuing import check_issued, key_bytes, strong_key
from support.certificates import NOW, Issued, authority, issue, name, private_key, signer

KINDS = ["p256", "p384", "p521", "ed25519", "rsa2048"]


def code_of(certificate: x509.Certificate, issuer: Issued) -> str:
    with pytest.raises(SignatureError) as caught:
        check_issued(certificate, issuer.certificate, by_anchor=False)
    return caught.value.code


@pytest.mark.parametrize("issuing", KINDS)
@pytest.mark.parametrize("other", KINDS)
def test_only_the_key_of_the_issuer_verifies(issuing: str, other: str) -> None:
    issuer = authority(None, "root", key=private_key(issuing))
    certificate = signer(issuer).certificate
    check_issued(certificate, issuer.certificate, by_anchor=False)
    key = None if other == issuing == "p256" else private_key(other)
    if key is not issuer.key:
        impostor = authority(None, "root", key=key)
        assert code_of(certificate, impostor) == "certificate-chain-signature"


@pytest.mark.parametrize(
    "digest", [hashes.SHA256(), hashes.SHA384(), hashes.SHA512()], ids=lambda one: one.name
)
@pytest.mark.parametrize("kind", ["p256", "rsa2048"])
def test_hash_functions_of_today_verify(
    kind: str, digest: hashes.SHA256 | hashes.SHA384 | hashes.SHA512
) -> None:
    issuer = authority(None, "root", key=private_key(kind))
    certificate = issue(issuer, "a signer", digest=digest).certificate
    check_issued(certificate, issuer.certificate, by_anchor=True)


@pytest.mark.parametrize("kind", ["p256", "rsa2048"])
def test_weak_hash_function_is_refused(kind: str) -> None:
    issuer = authority(None, "root", key=private_key(kind))
    certificate = issue(issuer, "a signer", digest=hashes.SHA224()).certificate
    assert code_of(certificate, issuer) == "certificate-weak-key"


def test_rsa_by_pss_verifies() -> None:
    issuer = authority(None, "root", key=private_key("rsa2048"))
    builder = (
        x509.CertificateBuilder(name("root"), name("a signer"))
        .public_key(private_key("p256").public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW)
    )
    scheme = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    certificate = builder.sign(private_key("rsa2048"), hashes.SHA256(), rsa_padding=scheme)
    check_issued(certificate, issuer.certificate, by_anchor=False)


def test_ml_dsa_verifies_where_there_is_one() -> None:
    mldsa = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.mldsa")
    key = mldsa.MLDSA65PrivateKey.generate()
    builder = (
        x509.CertificateBuilder(name("root"), name("root"))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW)
    )
    certificate = builder.sign(key, None)
    check_issued(certificate, certificate, by_anchor=True)
    other = authority(None, "root", key=private_key("ed25519"))
    assert code_of(certificate, other) == "certificate-chain-signature"


def test_algorithm_that_is_stated_twice_must_be_the_same() -> None:
    issuer = authority(None, "root")
    data = signer(issuer).certificate.public_bytes(Encoding.DER)
    sha256, sha384 = b"\x2a\x86\x48\xce\x3d\x04\x03\x02", b"\x2a\x86\x48\xce\x3d\x04\x03\x03"
    assert data.count(sha256) == 2
    outer = data.rindex(sha256)
    changed = data[:outer] + sha384 + data[outer + len(sha384) :]
    certificate = x509.load_der_x509_certificate(changed)
    assert code_of(certificate, issuer) == "certificate-malformed"


@pytest.mark.parametrize("kind", ["rsa1024", "k256"])
@pytest.mark.parametrize("anchor", [False, True])
def test_weak_key_is_refused(kind: str, *, anchor: bool) -> None:
    certificate = authority(None, "root", key=private_key(kind)).certificate
    with pytest.raises(SignatureError) as caught:
        strong_key(certificate, anchor=anchor)
    assert caught.value.code == ("certificate-weak-root" if anchor else "certificate-weak-key")


def test_key_of_small_order_is_refused() -> None:
    own = authority(None, "root", key=private_key("ed25519"))
    key = private_key("ed25519").public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    data = own.certificate.public_bytes(Encoding.DER)
    assert data.count(key) == 1
    certificate = x509.load_der_x509_certificate(data.replace(key, b"\x01" + bytes(31)))
    with pytest.raises(SignatureError) as caught:
        strong_key(certificate)
    assert caught.value.code == "certificate-weak-key"


def test_key_bytes_tell_keys_apart() -> None:
    one, other = authority(None, "root"), authority(None, "root")
    renewed = authority(None, "another name", key=one.key)
    assert key_bytes(one.certificate) == key_bytes(renewed.certificate)
    assert key_bytes(one.certificate) != key_bytes(other.certificate)
    spki = one.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert spki.endswith(key_bytes(one.certificate))


def changed(certificate: x509.Certificate, old: bytes, new: bytes) -> x509.Certificate:
    """Return a certificate with some bytes replaced, wherever they stand."""
    data = certificate.public_bytes(Encoding.DER)
    assert old in data
    assert len(old) == len(new)
    return x509.load_der_x509_certificate(data.replace(old, new))


def test_key_of_an_unknown_kind_is_refused() -> None:
    ec_key, unknown = b"\x2a\x86\x48\xce\x3d\x02\x01", b"\x2a\x86\x48\xce\x3d\x02\x7f"
    certificate = changed(authority(None, "root").certificate, ec_key, unknown)
    with pytest.raises(SignatureError) as caught:
        strong_key(certificate)
    assert caught.value.code == "certificate-weak-key"


def test_unknown_signature_algorithm_is_refused() -> None:
    issuer = authority(None, "root")
    sha256, unknown = b"\x2a\x86\x48\xce\x3d\x04\x03\x02", b"\x2a\x86\x48\xce\x3d\x04\x03\x7f"
    certificate = changed(signer(issuer).certificate, sha256, unknown)
    assert code_of(certificate, issuer) == "certificate-weak-key"
