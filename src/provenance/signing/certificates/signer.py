"""A signer with a certificate: any key that we sign with, and the certificate issued for it.

Source: `spec/envelope.md`, sections "Producing a bundle" and "Certificates".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from provenance.envelope import Bundle, Envelope, Signature, pae
from provenance.errors import SignatureError, SigningError
from provenance.signing.certificates.leaf import check_leaf
from provenance.signing.certificates.model import DOCUMENT_SIGNING
from provenance.signing.certificates.reading import read_certificates
from provenance.signing.fingerprints import fingerprint_of

if TYPE_CHECKING:
    from provenance.signing.protocols import Signer

__all__ = ["CertificateSigner"]


@dataclass(frozen=True, slots=True)
class CertificateSigner:
    """A key whose bundles carry its certificate; makes whole bundles."""

    signer: Signer
    """The key: in a file, an agent or a token."""

    certificate: bytes
    """Its certificate, DER."""

    @classmethod
    def of(cls, signer: Signer, certificates: bytes, *, path: str = "") -> Self:
        """Return the signer for a key and a file with its certificate.

        Args:
            signer: The key.
            certificates: PEM or DER; if there are several, the first is the signer's, and the
                others stay out of bundles, where no client expects them.
            path: The name of the file, for messages.

        Raises:
            SigningError: The certificate is another key's, or no certificate for signing.
        """
        try:
            leaf = read_certificates(certificates, path=path)[0]
            check_leaf(leaf, DOCUMENT_SIGNING)
        except SignatureError as error:
            raise SigningError(
                path=error.path or path, problem=error.problem, remedy=error.remedy, code=error.code
            ) from error
        spki = leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        if fingerprint_of(spki) != signer.fingerprint:
            raise SigningError(
                path=path,
                problem=f"the certificate is for key {fingerprint_of(spki)}, "
                f"the key that signs is {signer.fingerprint}",
                remedy="name the certificate that was issued for this key",
                code="key-refused",
            )
        return cls(signer, leaf.public_bytes(Encoding.DER))

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the key."""
        return self.signer.fingerprint

    @property
    def scheme(self) -> str:
        """The scheme of the key."""
        return self.signer.scheme

    def sign_bundle(self, payload: bytes, payload_type: str) -> Bundle:
        """Return a bundle with the certificate and one signature, and without a key id.

        Raises:
            SigningError: The key cannot sign.
        """
        signature = Signature(sig=self.signer.sign(pae(payload_type, payload)), keyid="")
        envelope = Envelope(payload=payload, payload_type=payload_type, signatures=(signature,))
        return Bundle(envelope=envelope, certificate=self.certificate)
