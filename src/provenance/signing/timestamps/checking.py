"""Verifying RFC 3161 timestamps against the authorities that a verifier trusts. No I/O.

The library verifies the CMS signature and what it covers (`cms` does where the chain ends in no
certificate that signed itself, which the library wants); the chain of the authority's certificate
is validated here once more by the rules that all our chains are held to, at the time that the
timestamp states. A timestamp is attacker input until both have held.

Source: RFC 3161, sections 2.3 and 2.4.2; RFC 5816; `spec/envelope.md`, section "Trusted time".
"""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509.oid import ExtendedKeyUsageOID

from provenance.envelope.material import MAX_TIMESTAMPS
from provenance.errors import ProvenanceError, SignatureError, shown
from provenance.signing.certificates import (
    CertificatePool,
    Purpose,
    read_certificates,
    read_der_certificate,
    validate_chain,
)
from provenance.signing.certificates.keys import key_fingerprints
from provenance.signing.outcomes import VerifiedTime
from provenance.signing.timestamps.cms import check_maker
from provenance.signing.timestamps.library import decode_timestamp, rfc3161

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

__all__ = ["TIMESTAMPING", "TrustedAuthority", "TrustedTimestamps", "read_timestamp_authorities"]

#: What the certificate of a timestamp authority must be for; the library asks that it is critical.
TIMESTAMPING: Final = Purpose("timestamping", ExtendedKeyUsageOID.TIME_STAMPING.dotted_string)

# The hashes by which a timestamp may know what it is over.
_IMPRINTS: Final = MappingProxyType(
    {
        "2.16.840.1.101.3.4.2.1": "sha256",
        "2.16.840.1.101.3.4.2.2": "sha384",
        "2.16.840.1.101.3.4.2.3": "sha512",
    }
)
#: Most certificates inside one timestamp.
MAX_EMBEDDED_CERTIFICATES = 16


@dataclass(frozen=True, slots=True)
class TrustedAuthority:
    """One timestamp authority that a verifier trusts."""

    pool: CertificatePool
    """The certificate authorities that it is chained to."""

    certificate: x509.Certificate | None = None
    """Its own certificate, if only this one is trusted; otherwise any that the pool vouches for."""

    valid_from: datetime | None = None
    """The verifier trusts its timestamps from this time on, inclusive."""

    valid_to: datetime | None = None
    """The verifier trusts its timestamps until this time, inclusive."""


@dataclass(frozen=True, slots=True)
class TrustedTimestamps:
    """Every timestamp authority that a verifier trusts: verifies the timestamps of a bundle."""

    authorities: tuple[TrustedAuthority, ...]
    """The authorities, in no order."""

    def verify(self, signature: bytes, timestamps: Sequence[bytes]) -> tuple[VerifiedTime, ...]:
        """Return the proven times of a signature, by its bytes.

        A timestamp by an authority that nobody named proves nothing and is left out. One that names
        a trusted authority as its maker has to hold: of several times all must be true, and the one
        that suits best is none.

        Raises:
            MissingExtraError: The extra `timestamps` is not installed.
            SignatureError: A timestamp is malformed, stands there twice, or names a trusted
                authority and does not hold (code `timestamp-invalid`).
        """
        if len(timestamps) > MAX_TIMESTAMPS:
            raise _invalid(f"{len(timestamps)} timestamps, at most {MAX_TIMESTAMPS} are read")
        if len(set(timestamps)) != len(timestamps):
            raise _invalid("a timestamp stands there twice")
        with warnings.catch_warnings():
            # Whatever is odd and harmless in a certificate inside is nothing for a person to read.
            warnings.simplefilter("ignore")
            tokens = [_Token.read(stamp) for stamp in timestamps]
            times = [self._time(token, signature) for token in tokens]
        return tuple(time for time in times if time is not None)

    def _time(self, token: _Token, signature: bytes) -> VerifiedTime | None:
        refusals = []
        for authority in self.authorities:
            leaf = token.maker(authority)
            if leaf is None:
                continue
            try:
                return _verify(token, leaf, authority, signature)
            except SignatureError as error:
                refusals.append(error)
        if refusals:
            raise refusals[0]
        return None


@dataclass(frozen=True, slots=True)
class _Token:
    """One timestamp, read and not verified."""

    response: Any
    """The response, as the library reads it."""

    certificates: tuple[x509.Certificate, ...]
    """The certificates inside."""

    issuer: x509.Name
    """Who issued the certificate of its maker, as the maker says."""

    serial: int
    """The serial number of that certificate."""

    at: datetime
    """The time that it states."""

    @classmethod
    def read(cls, data: bytes) -> _Token:
        """Read a TimeStampResp.

        Raises:
            SignatureError: It is none, was not granted, or has not exactly one maker.
        """
        try:
            response = decode_timestamp(data)
            if response.status != 0:
                raise _invalid(f"a timestamp was not granted (status {response.status})")
            signed = response.signed_data
            infos, embedded = list(signed.signer_infos), list(signed.certificates)
            at = response.tst_info.gen_time  # decoded only now
            makers = [(info.issuer, info.serial_number) for info in infos]
        except (ValueError, TypeError, KeyError) as error:
            raise _invalid(f"a timestamp is malformed: {shown(str(error))}") from error
        if len(infos) != 1:
            raise _invalid(f"a timestamp has {len(infos)} makers, expected exactly one")
        if len(embedded) > MAX_EMBEDDED_CERTIFICATES:
            raise _invalid(f"a timestamp holds {len(embedded)} certificates")
        try:
            certificates = tuple(read_der_certificate(der, path="") for der in sorted(embedded))
        except SignatureError as error:
            raise _invalid(f"a certificate inside a timestamp: {error.problem}") from error
        return cls(response, certificates, *makers[0], at)

    def maker(self, authority: TrustedAuthority) -> x509.Certificate | None:
        """Return the certificate of the maker, if it claims to be this authority."""
        if authority.certificate is not None:
            return authority.certificate if self.is_by(authority.certificate) else None
        leaf = next((it for it in self.certificates if self.is_by(it)), None)
        if leaf is None:
            return None
        known = (*authority.pool.anchors, *authority.pool.intermediates, *self.certificates)
        above = {it.subject for it in known}
        # Whoever hangs under a trusted name claims to be trusted, at whatever distance.
        issuers, seen = leaf.issuer, set[Any]()
        trusted = {it.subject for it in authority.pool.anchors}
        while issuers not in trusted:
            if issuers in seen or issuers not in above:
                return None
            seen.add(issuers)
            issuers = next(it.issuer for it in known if it.subject == issuers)
        return leaf

    def is_by(self, certificate: x509.Certificate) -> bool:
        """Return whether a certificate has the issuer and number that the maker states."""
        return certificate.issuer == self.issuer and certificate.serial_number == self.serial


def read_timestamp_authorities(data: bytes, *, path: str = "") -> TrustedTimestamps:
    """Return the authorities of a PEM file: roots are trusted, the others help to reach them.

    A file without a self-signed certificate trusts the last one, as `openssl ts -CAfile` lists end
    with their root.

    Args:
        data: The certificates, PEM or DER.
        path: The name of the file, for messages.

    Raises:
        SignatureError: It holds no certificate that can be used.
    """
    certificates = read_certificates(data, path=path)
    roots = tuple(it for it in certificates if it.subject == it.issuer) or certificates[-1:]
    others = tuple(it for it in certificates if it not in roots)
    return TrustedTimestamps((TrustedAuthority(CertificatePool(roots, others)),))


def _verify(
    token: _Token, leaf: x509.Certificate, authority: TrustedAuthority, signature: bytes
) -> VerifiedTime:
    """Return the time of a timestamp whose every rule holds.

    Raises:
        SignatureError: One does not.
    """
    at = token.at
    early = authority.valid_from is not None and at < authority.valid_from
    late = authority.valid_to is not None and at > authority.valid_to
    if early or late:
        raise _invalid(f"its authority is not trusted for {at.isoformat()}")
    try:
        chain = validate_chain(
            leaf, pool=authority.pool, extra=token.certificates, at=at, purpose=TIMESTAMPING
        )
    except ProvenanceError as error:
        raise _invalid(f"the certificate of its authority: {error.problem}") from error
    if any(token.is_by(it) and it != leaf for it in token.certificates):
        raise _invalid("it carries another certificate under the name of its authority's")
    if _signed_itself(chain.anchor):
        _verify_signature(token, leaf, chain.certificates[1:], signature)
    else:
        _verify_maker(token, leaf, signature)
    keys = key_fingerprints(chain.certificates)
    return VerifiedTime(at, "timestamp-authority", keys[0], keys)


def _verify_signature(
    token: _Token,
    leaf: x509.Certificate,
    issuers: Sequence[x509.Certificate],
    signature: bytes,
) -> None:
    library = rfc3161()
    verifier = library.VerifierBuilder(
        tsa_certificate=leaf, intermediates=list(issuers[:-1]), roots=list(issuers[-1:])
    ).build()
    try:
        verifier.verify_message(token.response, signature)
    except (library.VerificationError, ValueError) as error:
        raise _invalid(shown(str(error))) from error


def _signed_itself(certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(certificate)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False
    return True


def _verify_maker(token: _Token, leaf: x509.Certificate, signature: bytes) -> None:
    """Verify what the library does where the chain ends in a certificate that signed itself."""
    usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    if not usage.critical:
        raise _invalid("the extended key usage of its authority's certificate is not critical")
    imprint = token.response.tst_info.message_imprint
    name = _IMPRINTS.get(imprint.hash_algorithm.dotted_string)
    if name is None or hashlib.new(name, signature).digest() != imprint.message:
        raise _invalid("it is over something else, or by a hash that is not in use")
    try:
        check_maker(token.response.time_stamp_token(), leaf)
    except (ValueError, IndexError, StopIteration, ProvenanceError) as error:
        reason = error.problem if isinstance(error, ProvenanceError) else shown(str(error))
        raise _invalid(reason or "it is malformed") from error


def _invalid(reason: str) -> SignatureError:
    return SignatureError(
        path="/verificationMaterial/timestampVerificationData",
        problem=f"a timestamp does not hold: {reason}",
        remedy="ask the signer for the bundle as it was published",
        code="timestamp-invalid",
    )
