"""The keys in certificates, by their fingerprints. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from provenance.signing.fingerprints import fingerprint_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cryptography import x509

__all__ = ["key_fingerprints", "key_of"]


def key_of(certificate: x509.Certificate) -> str:
    """Return the fingerprint of the key in a certificate."""
    spki = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return fingerprint_of(spki)


def key_fingerprints(certificates: Iterable[x509.Certificate]) -> tuple[str, ...]:
    """Return the fingerprints of the keys in certificates, each once, in the order given."""
    return tuple(dict.fromkeys(map(key_of, certificates)))
