"""The signature verifier of the certificate method of OMS. No I/O.

It differs from `CertificateVerifier` in three things that OMS does and we do not: the certificate
of the signer may itself be what the caller trusts; the name in it may be left open, which is called
insecure wherever it can be asked for; and its key usage or its extended key usage is enough.
Source: `spec/oms.md`, section "Signature".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from provenance.envelope import pae
from provenance.errors import SignatureError, SigningError, UsageError
from provenance.signing import PublicKey, SigningTimes, VerifiedSigner
from provenance.signing.certificates import (
    DOCUMENT_SIGNING,
    CertificatePool,
    identities,
    read_der_certificate,
    validate_chain,
)
from provenance.signing.certificates.keys import key_of
from provenance.signing.certificates.leaf import check_leaf
from provenance.signing.oms_legacy import verify_legacy

if TYPE_CHECKING:
    from datetime import datetime

    from cryptography import x509

    from provenance.envelope import Bundle
    from provenance.signing.identities import IdentityPattern

__all__ = ["OmsCertificateVerifier"]

# OMS asks for a certificate for signatures or for code signing: either usage says it.
_SIGNING = replace(DOCUMENT_SIGNING, either_usage=True)


@dataclass(frozen=True, slots=True)
class OmsCertificateVerifier:
    """Verifies bundles that somebody signed with a certificate that a named authority issued.

    Raises:
        UsageError: No certificate is named.
    """

    pool: CertificatePool
    """The certificates that are trusted: authorities, or the signer's own."""

    identity: IdentityPattern | None
    """The name that must stand in the certificate; `None` for any, which trusts everybody to whom
    the authority ever issued a certificate."""

    def __post_init__(self) -> None:
        """Refuse a verifier that could only ever refuse."""
        if not self.pool.anchors:
            raise UsageError(path="certificate", problem="no trusted certificate is named")

    @property
    def fingerprint(self) -> str:
        """Who is stood for: the name, and the first trusted certificate."""
        who = "anybody" if self.identity is None else self.identity.pattern
        return f"{who} (issuer {key_of(self.pool.anchors[0])})"

    @property
    def scheme(self) -> str:
        """Not one of the table: the key in the certificate decides."""
        return "x509"

    def verify(
        self, bundle: Bundle, times: SigningTimes | None = None, *, legacy: bool = False
    ) -> VerifiedSigner:
        """Return who signed the bundle, if the chain, the name and the signature hold.

        Args:
            bundle: The bundle.
            times: The verifier's clock and proven times.
            legacy: The signature is over the wrong encoding of version 0.2.

        Raises:
            SignatureError: They do not; the codes are those of `CertificateVerifier`.
        """
        if bundle.certificate is None:
            raise SignatureError(
                problem="the bundle is signed with a bare key, and a certificate was named",
                remedy="name the key itself",
                code="signature-unsupported",
            )
        times = SigningTimes.at_present() if times is None else times
        where = "/verificationMaterial"
        leaf = read_der_certificate(bundle.certificate, path=where)
        extra = [read_der_certificate(der, path=where) for der in bundle.chain]
        anchors = [self._anchor(leaf, extra, at) for at in times.judged]
        identity = self._name(leaf)
        try:
            key = PublicKey.from_handle(leaf.public_key())
        except SigningError as error:
            raise SignatureError(problem=error.problem, code="certificate-weak-key") from error
        envelope = bundle.envelope
        signature = envelope.signatures[0].sig
        if legacy:
            verify_legacy(key, envelope.payload_type, envelope.payload, signature)
        else:
            key.verify_message(pae(envelope.payload_type, envelope.payload), signature)
        return VerifiedSigner(
            kind="certificate",
            fingerprint=key.fingerprint,
            scheme=key.scheme,
            identity=identity,
            issuer=key_of(anchors[0]),
            issuer_name=anchors[0].subject.rfc4514_string(),
            times=times.verified,
            ssh_fingerprint=key.ssh_fingerprint,
        )

    def _anchor(
        self, leaf: x509.Certificate, extra: list[x509.Certificate], at: datetime
    ) -> x509.Certificate:
        if leaf not in self.pool.anchors:
            purpose = _SIGNING
            return validate_chain(leaf, pool=self.pool, extra=extra, at=at, purpose=purpose).anchor
        # The very certificate is trusted, byte for byte: there is no chain to look at. That it is
        # for signing, and is valid, is asked all the same.
        check_leaf(leaf, _SIGNING)
        if at < leaf.not_valid_before_utc:
            problem = f"the certificate is not valid before {leaf.not_valid_before_utc.isoformat()}"
            raise SignatureError(problem=problem, code="certificate-not-yet-valid")
        if at > leaf.not_valid_after_utc:
            problem = f"the certificate is not valid after {leaf.not_valid_after_utc.isoformat()}"
            raise SignatureError(problem=problem, code="certificate-expired")
        return leaf

    def _name(self, leaf: x509.Certificate) -> str:
        found = identities(leaf)
        if self.identity is None:
            return found[0].value if found else leaf.subject.rfc4514_string()
        for name in found:
            if self.identity.matches(name):
                return name.value
        listed = ", ".join(name.value for name in found[:4]) or "none"
        raise SignatureError(
            problem=f"the certificate is for {listed}, not for {self.identity.pattern}",
            remedy="check whom you meant to trust; letter case counts",
            code="identity-mismatch",
        )
