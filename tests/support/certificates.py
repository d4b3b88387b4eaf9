"""Certificates made on the spot: a small authority whose every field a test may set.

Each has a new key, unless a test names one; the clock of all tests is `NOW`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from provenance.signing.certificates import CODE_SIGNING, CertificatePool, validate_chain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

    from provenance.signing.certificates import Purpose, ValidatedChain

__all__ = [
    "CODE_USAGE",
    "DAY",
    "NOW",
    "SIGNER",
    "Issued",
    "authority",
    "holds",
    "issue",
    "key_usage",
    "name",
    "policies",
    "private_key",
    "signer",
    "validate",
]

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SIGNER = x509.RFC822Name("trainer@example.org")
CODE_USAGE = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING])

_Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
_Hash = hashes.SHA224 | hashes.SHA256 | hashes.SHA384 | hashes.SHA512
_Extensions = list[x509.ExtensionType | tuple[x509.ExtensionType, bool]]
_CURVES: dict[str, ec.EllipticCurve] = {
    "p256": ec.SECP256R1(),
    "p384": ec.SECP384R1(),
    "p521": ec.SECP521R1(),
    "k256": ec.SECP256K1(),
}


@dataclass(frozen=True)
class Issued:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: _Key


@cache
def private_key(kind: str) -> _Key:
    """Return the one key of a kind for this run: `p256`, `k256`, `ed25519`, `rsa2048`."""
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    if kind.startswith("rsa"):
        return rsa.generate_private_key(public_exponent=65537, key_size=int(kind[3:]))
    return ec.generate_private_key(_CURVES[kind])


def name(text: str) -> x509.Name:
    """Return a name with one part, the common name; none for an empty text."""
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, text)] if text else []
    return x509.Name(attributes)


def key_usage(*bits: str) -> x509.KeyUsage:
    """Return a key usage with the bits named, e.g. `key_cert_sign`."""
    every = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{bit: bit in bits for bit in every})


def policies(*numbers: str) -> x509.CertificatePolicies:
    """Return certificate policies by their identifiers, dotted."""
    return x509.CertificatePolicies(
        [x509.PolicyInformation(x509.ObjectIdentifier(number), None) for number in numbers]
    )


def issue(
    issuer: Issued | None,
    subject: str | x509.Name,
    extensions: Iterable[x509.ExtensionType | tuple[x509.ExtensionType, bool]] = (),
    *,
    key: _Key | None = None,
    start: datetime = NOW - DAY,
    end: datetime = NOW + DAY,
    issuer_name: x509.Name | None = None,
    digest: _Hash | None = None,
) -> Issued:
    """Return a certificate, self-signed if there is no issuer; an extension may be critical."""
    own = ec.generate_private_key(ec.SECP256R1()) if key is None else key
    subject = name(subject) if isinstance(subject, str) else subject
    signer: CertificateIssuerPrivateKeyTypes = own if issuer is None else issuer.key
    above = subject if issuer is None else issuer.certificate.subject
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(above if issuer_name is None else issuer_name)
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
    )
    for one in extensions:
        value, critical = one if isinstance(one, tuple) else (one, False)
        builder = builder.add_extension(value, critical=critical)
    algorithm = None if isinstance(signer, ed25519.Ed25519PrivateKey) else digest or hashes.SHA256()
    return Issued(builder.sign(signer, algorithm), own)


def authority(
    issuer: Issued | None,
    subject: str,
    *extensions: x509.ExtensionType | tuple[x509.ExtensionType, bool],
    length: int | None = None,
    key: _Key | None = None,
    start: datetime = NOW - DAY,
    end: datetime = NOW + DAY,
) -> Issued:
    """Return the certificate of an authority, with what every one of them has."""
    usual: _Extensions = [
        (x509.BasicConstraints(ca=True, path_length=length), True),
        (key_usage("key_cert_sign", "crl_sign"), True),
    ]
    return issue(issuer, subject, [*usual, *extensions], key=key, start=start, end=end)


def signer(
    issuer: Issued | None,
    *names: x509.GeneralName,
    extra: Iterable[x509.ExtensionType | tuple[x509.ExtensionType, bool]] = (),
    key: _Key | None = None,
    start: datetime = NOW - DAY,
    end: datetime = NOW + DAY,
) -> Issued:
    """Return the certificate of a signer of code, with what every one of them has."""
    usual: _Extensions = [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (key_usage("digital_signature"), True),
        CODE_USAGE,
        x509.SubjectAlternativeName(names or [SIGNER]),
    ]
    return issue(issuer, "a signer", [*usual, *extra], key=key, start=start, end=end)


def validate(
    leaf: Issued,
    anchor: Issued,
    *intermediates: Issued,
    extra: Sequence[x509.Certificate] = (),
    at: datetime = NOW,
    purpose: Purpose = CODE_SIGNING,
) -> ValidatedChain:
    """Validate a leaf against one anchor."""
    between = tuple(one.certificate for one in intermediates)
    pool = CertificatePool((anchor.certificate,), between)
    return validate_chain(leaf.certificate, pool=pool, extra=extra, at=at, purpose=purpose)


def holds(leaf: Issued, anchor: Issued, *intermediates: Issued, **inputs: Any) -> bool:  # noqa: ANN401  # those of `validate`
    """Return true, if a leaf validates; else the refusal comes out."""
    return validate(leaf, anchor, *intermediates, **inputs).leaf == leaf.certificate
