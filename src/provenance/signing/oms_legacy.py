"""Signatures of version 0.2 of model signing, which signed a wrong encoding. Never tried unasked.

Source: OpenSSF Model Signing 1.0, section 11; the reference implementation's `pae_compat`. No I/O.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from provenance.errors import SignatureError

if TYPE_CHECKING:
    from provenance.signing.public_keys import PublicKey

__all__ = ["legacy_pae", "verify_legacy"]


def legacy_pae(payload_type: str, payload: bytes) -> bytes:
    """Return the bytes that version 0.2 signed: the payload as Python prints bytes."""
    # PAE(type, body) = "DSSEV1" SP LEN(type) SP type SP LEN(body) SP repr(body)
    return f"DSSEV1 {len(payload_type)} {payload_type} {len(payload)} {payload!r}".encode()


def verify_legacy(key: PublicKey, payload_type: str, payload: bytes, signature: bytes) -> None:
    """Return if a signature is an ECDSA key's over the wrong encoding.

    Args:
        key: The key. Version 0.2 signed with SHA-256 on any curve for certificates, and with the
            hash of the curve for keys; both are tried.
        payload_type: The type of the payload.
        payload: The signed bytes.
        signature: DER.

    Raises:
        SignatureError: It is not (code `signature-invalid`).
    """
    message = legacy_pae(payload_type, payload)
    try:
        key.verify_message(message, signature)
    except SignatureError:
        handle = serialization.load_der_public_key(key.spki)
        if not isinstance(handle, ec.EllipticCurvePublicKey):
            raise
        try:
            handle.verify(signature, message, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature as error:
            raise SignatureError(
                problem=f"the signature does not verify under key {key.fingerprint}",
                code="signature-invalid",
            ) from error
