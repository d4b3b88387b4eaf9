"""A signer with a certificate: any key that we sign with, and the certificate issued for it.

Source: `spec/envelope.md`, sections "Producing a bundle" and "Certificates".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from provenance.envelope import Bundle, Envelope, Signature, pae
from provenance.errors import SignatureError, SigningError
from provenance.signing.certificates.leaf import check_leaf
from provenance.signing.certificates.model import DOCUMENT_SIGNING
from provenance.signing.certificates.reading import read_certificates
from provenance.signing.certificates.refusals import certificate_name, refused
from provenance.signing.certificates.subject_names import identities
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

    left_out: tuple[str, ...] = ()
    """The authorities of the same file, without those that signed themselves, as people know
    them: whoever verifies needs them, and the bundle does not carry them."""

    @classmethod
    def of(
        cls, signer: Signer, certificates: bytes, *, path: str = "", now: datetime | None = None
    ) -> Self:
        """Return the signer for a key and a file with its certificate.

        Args:
            signer: The key.
            certificates: PEM or DER; if there are several, the first is the signer's, and the
                others stay out of bundles, where no client expects them.
            path: The name of the file, for messages.
            now: The time now, with its zone; the system's clock by default.

        Raises:
            SigningError: The certificate is another key's, is no certificate for signing, names
                nobody whom a verifier could ask for, or is not valid now.
        """
        try:
            leaf, *others = read_certificates(certificates, path=path)
            _check_owner(leaf, signer, path)
            check_leaf(leaf, DOCUMENT_SIGNING)
            _check_name(leaf)
            _check_period(leaf, datetime.now(UTC) if now is None else now)
        except SignatureError as error:
            raise SigningError(
                path=error.path or path, problem=error.problem, remedy=error.remedy, code=error.code
            ) from error
        above = tuple(certificate_name(it) for it in others if it.subject != it.issuer)
        return cls(signer, leaf.public_bytes(Encoding.DER), above)

    @property
    def expires(self) -> datetime:
        """When the certificate runs out, and with it every signature without a timestamp."""
        return x509.load_der_x509_certificate(self.certificate).not_valid_after_utc

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


def _check_owner(leaf: x509.Certificate, signer: Signer, path: str) -> None:
    spki = leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if fingerprint_of(spki) != signer.fingerprint:
        raise SigningError(
            path=path,
            problem=f"the certificate is for key {fingerprint_of(spki)}, "
            f"the key that signs is {signer.fingerprint}",
            remedy="name the certificate that was issued for this key",
            code="key-refused",
        )


def _check_name(leaf: x509.Certificate) -> None:
    """Refuse a certificate whose signatures nobody could verify: a verifier asks for a name."""
    if not identities(leaf):
        raise refused(
            "certificate-usage",
            "it has no alternative name by which a verifier could ask for its owner "
            "(e-mail address, URI or DNS name)",
            leaf,
            remedy="have one issued with one (openssl: subjectAltName = email:you@example.org)",
        )


def _check_period(leaf: x509.Certificate, now: datetime) -> None:
    begin, end = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    if now < begin:
        problem = f"it is not valid before {begin:%Y-%m-%dT%H:%M:%SZ}"
        raise refused(
            "certificate-not-yet-valid", problem, leaf, remedy="check your clock, or wait"
        )
    if now > end:
        problem = f"it expired on {end:%Y-%m-%dT%H:%M:%SZ}"
        remedy = "have a new one issued; no verifier takes a signature made after that"
        raise refused("certificate-expired", problem, leaf, remedy=remedy)
