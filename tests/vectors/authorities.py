"""Certificates for vectors, made by fixed keys: the same bytes each time.

Every field can be set to something wrong; nothing here checks anything.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["END", "START", "Issued", "authority", "key_named", "leaf", "usage"]

START = datetime(2026, 1, 1, tzinfo=UTC)
END = datetime(2027, 1, 1, tzinfo=UTC)

Extension = tuple[x509.ExtensionType, bool]


@dataclass(frozen=True)
class Issued:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        """The certificate as a file."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def der(self) -> bytes:
        """The certificate as bundles carry it."""
        return self.certificate.public_bytes(serialization.Encoding.DER)


def key_named(name: str) -> ec.EllipticCurvePrivateKey:
    """Return the key of a name, as everybody can compute it; on P-256 but for `weak …`."""
    seed = hashlib.sha256(f"training-provenance vector certificate {name}".encode()).digest()
    curve = ec.SECP256K1() if name.startswith("weak") else ec.SECP256R1()
    return ec.derive_private_key(int.from_bytes(seed, "big") >> 1 | 1, curve)


def usage(*bits: str) -> x509.KeyUsage:
    """Return a key usage with these bits."""
    every = (
        *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
        *("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
    )
    return x509.KeyUsage(**{bit: bit in bits for bit in every})


def authority(
    name: str,
    issuer: Issued | None = None,
    *,
    ca: bool = True,
    length: int | None = None,
    bits: Sequence[str] = ("key_cert_sign",),
    extensions: Sequence[Extension] = (),
    start: datetime = START,
    end: datetime = END,
    key: str = "",
) -> Issued:
    """Return the certificate of an authority, self-signed without an issuer."""
    usual: list[Extension] = [
        (x509.BasicConstraints(ca=ca, path_length=length if ca else None), True),
        (usage(*bits), True),
    ]
    return _issue(name, issuer, [*usual, *extensions], start, end, key)


def leaf(
    issuer: Issued | None,
    *,
    names: Sequence[x509.GeneralName] = (x509.RFC822Name("trainer@lab.example"),),
    purpose: x509.ObjectIdentifier | None = ExtendedKeyUsageOID.CODE_SIGNING,
    ca: bool = False,
    bits: Sequence[str] = ("digital_signature",),
    extensions: Sequence[Extension] = (),
    start: datetime = START,
    end: datetime = END,
    key: str = "leaf",
    issuer_name: str = "",
) -> Issued:
    """Return the certificate of a signer."""
    made: list[Extension] = [(x509.BasicConstraints(ca=ca, path_length=None), True)]
    if bits:
        made.append((usage(*bits), True))
    if purpose is not None:
        made.append((x509.ExtendedKeyUsage([purpose]), False))
    if names:
        made.append((x509.SubjectAlternativeName(names), False))
    return _issue("signer", issuer, [*made, *extensions], start, end, key, issuer_name)


def _issue(  # noqa: PLR0917 - of the two above
    name: str,
    issuer: Issued | None,
    extensions: Sequence[Extension],
    start: datetime,
    end: datetime,
    key: str,
    issuer_name: str = "",
) -> Issued:
    own = key_named(key or name)
    above = _name(issuer_name) if issuer_name else None
    if above is None:
        above = _name(name) if issuer is None else issuer.certificate.subject
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(above)
        .public_key(own.public_key())
        .serial_number(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 1 | 1)
        .not_valid_before(start)
        .not_valid_after(end)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    signing = own if issuer is None else issuer.key
    return Issued(builder.sign(signing, hashes.SHA256(), ecdsa_deterministic=True), own)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
