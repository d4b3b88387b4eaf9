"""That a certificate was published: the signed certificate timestamp inside it. No I/O.

Source: RFC 6962, sections 3.2 and 3.3; client-spec of sigstore/architecture-docs, section 4;
`spec/envelope.md`, section "Keyless signatures".
"""

from __future__ import annotations

import hashlib
from datetime import UTC
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.certificate_transparency import LogEntryType
from cryptography.x509.oid import ExtendedKeyUsageOID

from provenance.errors import SignatureError
from provenance.signing.certificates.extensions import extension
from provenance.signing.certificates.refusals import refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.x509.certificate_transparency import SignedCertificateTimestamp

    from provenance.signing.transparency import LogInstance

__all__ = ["check_published"]

_CODE = "certificate-not-published"


def check_published(
    chain: Sequence[x509.Certificate], certificate_logs: Sequence[LogInstance]
) -> None:
    """Refuse a leaf that no trusted certificate transparency log has taken.

    Args:
        chain: A chain that holds: the leaf, its issuer, …, the anchor.
        certificate_logs: The logs that are trusted.

    Raises:
        SignatureError: It has not exactly one timestamp of a log, or one that does not verify
            (code `certificate-not-published`).
    """
    leaf = chain[0]
    sct = _timestamp(leaf)
    issuer = chain[2] if _is_precertificate_signer(chain) else chain[1]
    message = _signed_bytes(leaf, issuer, sct)
    at = sct.timestamp.replace(tzinfo=UTC)
    known = False
    for log in certificate_logs:
        # The id of such a log is always computed from its key; what a file says is not needed.
        if hashlib.sha256(log.key.spki).digest() != sct.log_id:
            continue
        known = True
        try:
            log.key.verify_message(message, sct.signature)
        except SignatureError:
            continue
        if log.window.holds(at):
            return
    if not known:
        raise refused(_CODE, "its timestamp is of no log that is trusted", leaf)
    raise refused(_CODE, "its timestamp does not verify, or the log's key did not count then", leaf)


def _timestamp(leaf: x509.Certificate) -> SignedCertificateTimestamp:
    found = extension(leaf, x509.PrecertificateSignedCertificateTimestamps)
    listed = [] if found is None else list(found)
    if len(listed) != 1:
        problem = f"{len(listed)} timestamps of certificate transparency, expected exactly one"
        raise refused(_CODE, problem, leaf)
    sct: SignedCertificateTimestamp = listed[0]
    if sct.entry_type is not LogEntryType.PRE_CERTIFICATE:
        raise refused(_CODE, "its timestamp is not one for a precertificate", leaf)
    try:
        known = isinstance(sct.signature_hash_algorithm, hashes.SHA256)
    except ValueError:
        known = False
    if not known:
        raise refused(_CODE, "its timestamp is not signed over SHA-256", leaf)
    return sct


def _is_precertificate_signer(chain: Sequence[x509.Certificate]) -> bool:
    usage = extension(chain[1], x509.ExtendedKeyUsage)
    special = usage is not None and ExtendedKeyUsageOID.CERTIFICATE_TRANSPARENCY in usage
    return special and len(chain) > 2  # noqa: PLR2004 - it has an issuer of its own


def _signed_bytes(
    leaf: x509.Certificate, issuer: x509.Certificate, sct: SignedCertificateTimestamp
) -> bytes:
    """Return what the log signed (RFC 6962, section 3.2): digitally-signed, version 1."""
    spki = issuer.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    milliseconds = int(sct.timestamp.replace(tzinfo=UTC).timestamp()) * 1000
    milliseconds += sct.timestamp.microsecond // 1000
    try:
        certificate = leaf.tbs_precertificate_bytes
        return b"".join(
            (
                b"\x00",  # version 1
                b"\x00",  # certificate_timestamp
                milliseconds.to_bytes(8, "big"),
                b"\x00\x01",  # precert_entry
                hashlib.sha256(spki).digest(),
                len(certificate).to_bytes(3, "big"),
                certificate,
                len(sct.extension_bytes).to_bytes(2, "big"),
                sct.extension_bytes,
            )
        )
    except (ValueError, OverflowError) as error:
        raise refused(_CODE, "its timestamp cannot be read", leaf) from error
