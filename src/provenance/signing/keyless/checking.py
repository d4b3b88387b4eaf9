"""The steps that every keyless signature has to pass, offline, from a trusted root alone. No I/O.

Any step that fails ends it. Times come first from witnesses (timestamp authorities, and logs that
promised), as a certificate lives for minutes: without a proven time nothing can be said about it.

Source: client-spec of sigstore/architecture-docs, section 4; rekor-v2-spec, section 6.1.4;
`spec/envelope.md`, section "Keyless signatures".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from provenance.envelope import MEDIA_TYPE
from provenance.errors import SignatureError, SigningError, shown
from provenance.signing.certificates import (
    CODE_SIGNING,
    CertificatePool,
    identities,
    read_der_certificate,
    validate_chain,
)
from provenance.signing.certificates.extensions import extension
from provenance.signing.certificates.issuing import strong_key
from provenance.signing.certificates.keys import key_fingerprints
from provenance.signing.certificates.refusals import refused
from provenance.signing.keyless.issuers import issuer_of
from provenance.signing.keyless.scts import check_published
from provenance.signing.public_keys import PublicKey
from provenance.signing.timestamps import TrustedAuthority, TrustedTimestamps
from provenance.signing.transparency import verify_log_entries

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from provenance.signing.certificates import ValidatedChain
    from provenance.signing.identities import IdentityPattern
    from provenance.signing.keyless.contents import SignedBundle
    from provenance.signing.outcomes import VerifiedTime
    from provenance.signing.transparency import TrustedRoot
    from provenance.signing.transparency.instances import AuthorityInstance

__all__ = [
    "check_chains",
    "check_identity",
    "leaf_key",
    "log_times",
    "read_leaf",
    "timestamp_times",
]

_SINGLE_LEAF = {MEDIA_TYPE, "application/vnd.dev.sigstore.bundle+json;version=0.3"}


def read_leaf(signed: SignedBundle) -> tuple[x509.Certificate, tuple[x509.Certificate, ...]]:
    """Return the certificate of the signer, and the others that the bundle carries: untrusted.

    Raises:
        SignatureError: A bare key signed (code `signature-unsupported`), a v0.3 bundle has a chain
            (code `bundle-malformed`), or one cannot be read (code `certificate-malformed`).
    """
    material = signed.material
    if material.certificate is None:
        raise SignatureError(
            problem="the bundle is signed with a bare key, and an identity is asked for",
            remedy="name the key that is to be trusted",
            code="signature-unsupported",
        )
    where = "/verificationMaterial"
    if material.chain and signed.media_type in _SINGLE_LEAF:
        problem = "a v0.3 bundle carries the leaf certificate alone, not a chain"
        raise SignatureError(path=where, problem=problem, code="bundle-malformed")
    leaf = read_der_certificate(material.certificate, path=where)
    return leaf, tuple(read_der_certificate(der, path=where) for der in material.chain)


def leaf_key(leaf: x509.Certificate) -> PublicKey:
    """Return the key of a leaf, with the scheme that clients of Sigstore sign by.

    Raises:
        SignatureError: It is weak or of another kind (code `certificate-weak-key`).
    """
    strong_key(leaf)
    try:
        key = PublicKey.from_handle(leaf.public_key())
        if key.kind == "rsa":
            key = PublicKey.from_handle(leaf.public_key(), scheme="rsa-pkcs1v15-sha256")
    except (SigningError, ValueError, UnsupportedAlgorithm) as error:
        problem = "its key is weak or of a kind that is not used"
        raise refused("certificate-weak-key", problem, leaf) from error
    return key


def timestamp_times(signed: SignedBundle, root: TrustedRoot) -> tuple[VerifiedTime, ...]:
    """Return the times that the timestamps of a bundle prove.

    One by an authority that is not in the trusted root proves nothing, and is left out.

    Raises:
        MissingExtraError: There are some, and the extra `timestamps` is not installed.
        SignatureError: One is malformed, or names a trusted authority and does not hold (code
            `timestamp-invalid`).
    """
    stamps = signed.material.timestamps
    if not stamps:
        return ()
    authorities = TrustedTimestamps(
        tuple(_timestamp_authority(it) for it in root.timestamp_authorities)
    )
    return authorities.verify(signed.content.signature, stamps)


def log_times(
    signed: SignedBundle,
    verifier: bytes,
    root: TrustedRoot,
    times: Sequence[datetime],
    *,
    is_certificate: bool,
    scheme: str,
    least: int = 1,
) -> tuple[VerifiedTime, ...]:
    """Return the times that the log entries of a bundle prove, if every one of them holds.

    Raises:
        SignatureError: One does not, or there are too few (code `log-entry-invalid`).
    """
    return verify_log_entries(
        signed.material.tlog_entries,
        signed.content.logged(verifier, is_certificate=is_certificate, scheme=scheme),
        root,
        media_type=signed.media_type,
        times=times,
        least=least,
    )


def check_chains(
    leaf: x509.Certificate,
    extra: Sequence[x509.Certificate],
    root: TrustedRoot,
    times: Sequence[datetime],
) -> tuple[str, ...]:
    """Refuse a leaf that was not good, or not published, at every one of the proven times.

    Returns:
        The fingerprints of the keys of the authorities that vouch for it.

    Raises:
        SignatureError: It was not (codes `certificate-…`).
    """
    usage = extension(leaf, x509.KeyUsage)
    if usage is None or not usage.digital_signature:
        raise refused("certificate-usage", "its key usage is not digitalSignature", leaf)
    chains = [_chain_at(leaf, extra, root, time) for time in times]
    for chain in chains:
        check_published(chain.certificates, root.certificate_logs)
    return key_fingerprints(it for chain in chains for it in chain.certificates[1:])


def check_identity(leaf: x509.Certificate, pattern: IdentityPattern, issuer: str) -> str:
    """Return the name in a certificate that was asked for, vouched for by the issuer asked for.

    Raises:
        SignatureError: It has no such name, or another issuer (code `identity-mismatch`).
    """
    found = identities(leaf)
    name = next((it.value for it in found if pattern.matches(it)), None)
    stated = issuer_of(leaf)
    if name is None:
        names = ", ".join(shown(it.value) for it in found[:3]) or "nobody"
        problem = f"the signer is {names}, expected {shown(pattern.pattern)}"
    elif stated is None or stated != issuer:
        problem = f"the identity is vouched for by {shown(stated)}, expected {shown(issuer)}"
    else:
        return name
    raise SignatureError(
        problem=problem,
        remedy="ask the publisher which identity and issuer sign its releases",
        code="identity-mismatch",
    )


def _timestamp_authority(instance: AuthorityInstance) -> TrustedAuthority:
    window = instance.window
    first = instance.chain[0]
    constraints = extension(first, x509.BasicConstraints)
    if constraints is not None and constraints.ca:
        # The chain begins with its issuer: whatever certificate the timestamp carries.
        return TrustedAuthority(instance.pool, None, window.start, window.end)
    pool = CertificatePool(instance.chain[-1:], instance.chain[1:-1])
    return TrustedAuthority(pool, first, window.start, window.end)


def _chain_at(
    leaf: x509.Certificate,
    extra: Sequence[x509.Certificate],
    root: TrustedRoot,
    at: datetime,
) -> ValidatedChain:
    failure: SignatureError | None = None
    for authority in root.certificate_authorities:
        if not authority.window.holds(at):
            continue
        try:
            return validate_chain(
                leaf, pool=authority.pool, extra=extra, at=at, purpose=CODE_SIGNING
            )
        except SignatureError as error:
            # A reason from the authority that issued it says more than that others did not.
            if failure is None or failure.code == "certificate-untrusted":
                failure = error
    if failure is not None:
        raise failure
    problem = f"no certificate authority of the trusted root counts at {at.isoformat()}"
    raise refused("certificate-untrusted", problem, leaf)
