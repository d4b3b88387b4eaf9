"""The signature verifier of a private certificate authority: a chain, and a name, both asked for.

An authority alone is no signer: anybody whom it ever issued a certificate to could sign. So the
name in the certificate is pinned together with it.

Source: `spec/envelope.md`, section "Certificates".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from provenance.envelope import pae
from provenance.errors import SignatureError, SigningError, UsageError
from provenance.signing.certificates.keys import key_fingerprints, key_of
from provenance.signing.certificates.model import DOCUMENT_SIGNING, CertificatePool, Purpose
from provenance.signing.certificates.reading import read_der_certificate
from provenance.signing.certificates.subject_names import identities
from provenance.signing.certificates.validating import validate_chain
from provenance.signing.outcomes import SigningTimes, VerifiedSigner
from provenance.signing.public_keys import PublicKey

if TYPE_CHECKING:
    from cryptography import x509

    from provenance.envelope import Bundle
    from provenance.signing.identities import IdentityPattern

__all__ = ["CertificateVerifier"]


@dataclass(frozen=True, slots=True)
class CertificateVerifier:
    """Verifies bundles that somebody of one name signed, with a certificate of one authority.

    Raises:
        UsageError: No authority is named.
    """

    pool: CertificatePool
    """The certificate authorities that are trusted, and intermediates."""

    identity: IdentityPattern
    """The name that must stand in the certificate."""

    purpose: Purpose = DOCUMENT_SIGNING
    """What the certificate must be for."""

    rsa_scheme: str | None = None
    """How an RSA certificate signs; `None` for PSS."""

    def __post_init__(self) -> None:
        """Refuse a verifier that could only ever refuse."""
        if not self.pool.anchors:
            raise UsageError(
                path="authority",
                problem="no certificate authority is named",
                remedy="name the certificate of the authority that issued the signer's",
            )

    @property
    def fingerprint(self) -> str:
        """Who is stood for: the name, and the fingerprint of the first authority's key."""
        return f"{self.identity.pattern} (issuer {key_of(self.pool.anchors[0])})"

    @property
    def scheme(self) -> str:
        """Not one of the table: the key in the certificate decides."""
        return "x509"

    def verify(self, bundle: Bundle, times: SigningTimes | None = None) -> VerifiedSigner:
        """Return who signed the bundle, if the chain, the name and the signature hold.

        The chain must hold at every proven time of the signature, or now if there is none.

        Raises:
            SignatureError: The bundle is signed with a bare key (`signature-unsupported`); the
                chain does not hold (`certificate-…`); the certificate is somebody else's
                (`identity-mismatch`); or the signature does not verify (`signature-invalid`).
        """
        if bundle.certificate is None:
            raise SignatureError(
                problem="the bundle is signed with a bare key, and an identity was named",
                remedy="name the key itself",
                code="signature-unsupported",
            )
        if len(bundle.envelope.signatures) != 1:
            problem = f"{len(bundle.envelope.signatures)} signatures, expected exactly one"
            raise SignatureError(problem=problem, code="bundle-signature-count")
        times = SigningTimes.at_present() if times is None else times
        leaf = read_der_certificate(bundle.certificate, path="/verificationMaterial")
        extra = tuple(
            read_der_certificate(der, path="/verificationMaterial") for der in bundle.chain
        )
        chains = [
            validate_chain(leaf, pool=self.pool, extra=extra, at=at, purpose=self.purpose)
            for at in times.judged
        ]
        name = self._matching_name(leaf)
        key = self._key(leaf)
        envelope = bundle.envelope
        key.verify_message(pae(envelope.payload_type, envelope.payload), envelope.signatures[0].sig)
        return VerifiedSigner(
            kind="certificate",
            fingerprint=key.fingerprint,
            scheme=key.scheme,
            identity=name,
            issuer=key_of(chains[0].anchor),
            issuer_name=chains[0].anchor.subject.rfc4514_string(),
            times=times.verified,
            ssh_fingerprint=key.ssh_fingerprint,
            vouchers=key_fingerprints(it for chain in chains for it in chain.certificates[1:]),
        )

    def _matching_name(self, leaf: x509.Certificate) -> str:
        names = identities(leaf)
        found = next((it.value for it in names if self.identity.matches(it)), None)
        if found is None:
            listed = ", ".join(it.value for it in names[:4]) or "none"
            raise SignatureError(
                problem=f"the certificate is for {listed}, not for {self.identity.pattern}",
                remedy="check whom you meant to trust; letter case counts",
                code="identity-mismatch",
            )
        return found

    def _key(self, leaf: x509.Certificate) -> PublicKey:
        try:
            key = PublicKey.from_handle(leaf.public_key())
            if key.kind == "rsa" and self.rsa_scheme is not None:
                key = PublicKey.from_der(key.spki, scheme=self.rsa_scheme)
        except SigningError as error:
            raise SignatureError(problem=error.problem, code="certificate-weak-key") from error
        return key
