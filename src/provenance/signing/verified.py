"""From payload to bundle and back: sign a payload; verify a bundle and get its payload.

A payload comes only out of a successful `verify_bundle`. No I/O.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from provenance.envelope import PAYLOAD_TYPE, Bundle, Envelope, Signature, pae
from provenance.errors import SignatureError, UsageError, shown
from provenance.signing.fingerprints import hint_of, parse_fingerprint
from provenance.signing.outcomes import SigningTimes, VerifiedSigner
from provenance.signing.protocols import BundleSigner

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provenance.signing.protocols import (
        SignatureVerifier,
        Signer,
        TimestampAuthority,
        TimestampVerifier,
    )

__all__ = ["VerifiedEnvelope", "sign_payload", "verify_bundle"]


@dataclass(frozen=True, slots=True)
class VerifiedEnvelope:
    """The payload of a bundle whose signature verified, and who signed it."""

    payload: bytes
    """The bytes that were signed; parse these and nothing else."""

    signer: VerifiedSigner
    """Who signed it."""

    verifier: SignatureVerifier
    """The signature verifier that verified, as the caller named it."""

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the key that signed."""
        return self.signer.fingerprint


def sign_payload(
    payload: bytes,
    signer: Signer | BundleSigner,
    *,
    payload_type: str = PAYLOAD_TYPE,
    timestamps: Iterable[TimestampAuthority] = (),
) -> Bundle:
    """Return a bundle with one signature over a payload.

    Args:
        payload: The canonical bytes of a statement (`provenance.envelope.write_statement`).
        signer: The key, or whatever makes whole bundles.
        payload_type: The type that is signed with the bytes.
        timestamps: Authorities that witness the time of the signature; each adds a timestamp.

    Raises:
        SigningError: The signer cannot sign, or an authority does not answer.
    """
    if isinstance(signer, BundleSigner):
        bundle = signer.sign_bundle(payload, payload_type)
    else:
        signature = Signature(sig=signer.sign(pae(payload_type, payload)), keyid=signer.hint)
        envelope = Envelope(payload=payload, payload_type=payload_type, signatures=(signature,))
        bundle = Bundle(envelope=envelope, key_hint=signer.hint)
    sig = bundle.envelope.signatures[0].sig
    stamps = tuple(authority.stamp(sig) for authority in timestamps)
    return replace(bundle, timestamps=(*bundle.timestamps, *stamps))


def verify_bundle(
    bundle: Bundle,
    verifiers: Iterable[SignatureVerifier],
    *,
    times: SigningTimes | None = None,
    timestamps: TimestampVerifier | None = None,
) -> VerifiedEnvelope:
    """Return the payload of a bundle that one of the named keys or identities signed.

    Every verifier is tried; the bundle's hint only says which first. It is not authenticated, so it
    never decides whom to trust.

    Args:
        bundle: The bundle, parsed.
        verifiers: The keys and identities, any of which may have signed.
        times: The verifier's clock; `None` for the system's.
        timestamps: The timestamp authorities that are trusted; `None` for none, which leaves the
            timestamps of the bundle unread.

    Raises:
        SignatureError: None of them did (code `signature-invalid`), none can check this kind of
            bundle (code `signature-unsupported`), none was named (code `signer-unknown`), the
            signed bytes are no statement (code `bundle-payload-type`), or a timestamp is false
            (code `timestamp-invalid`).
    """
    if bundle.envelope.payload_type != PAYLOAD_TYPE:
        problem = f"expected {PAYLOAD_TYPE!r}, found {shown(bundle.envelope.payload_type)}"
        raise SignatureError(problem=problem, code="bundle-payload-type")
    ordered = _by_hint(bundle, verifiers)
    if not ordered:
        raise SignatureError(
            problem="no key was named, so nobody is known to have signed this",
            remedy="get the publisher's key from a place you trust and name it",
            code="signer-unknown",
        )
    times = SigningTimes.at_present() if times is None else times
    if timestamps is not None and bundle.timestamps:
        sig = bundle.envelope.signatures[0].sig
        times = times.with_verified(*timestamps.verify(sig, bundle.timestamps))
    refusals: list[SignatureError] = []
    for verifier in ordered:
        try:
            signer = verifier.verify(bundle, times)
        except SignatureError as error:
            refusals.append(error)
        else:
            return VerifiedEnvelope(bundle.envelope.payload, signer, verifier)
    raise _summary(bundle, ordered, refusals) from refusals[0]


def _by_hint(bundle: Bundle, verifiers: Iterable[SignatureVerifier]) -> list[SignatureVerifier]:
    hints = {bundle.key_hint, *(signature.keyid for signature in bundle.envelope.signatures)}
    return sorted(verifiers, key=lambda verifier: hint_of(verifier.fingerprint) not in hints)


def _summary(
    bundle: Bundle, verifiers: list[SignatureVerifier], refusals: list[SignatureError]
) -> SignatureError:
    # A signature that a key could check and refused says more than keys of another kind.
    telling = [error for error in refusals if error.code != "signature-unsupported"]
    first = (telling or refusals)[0]
    problem = first.problem
    if telling and len(refusals) > 1:
        problem = f"the signature does not verify under any of the {len(refusals)} keys named"
    if telling:
        problem += _other_key(bundle.key_hint or "", verifiers)
    return SignatureError(problem=problem, remedy=first.remedy, code=first.code)


def _other_key(hint: str, verifiers: list[SignatureVerifier]) -> str:
    # Only to tell an innocent reader that he may hold the wrong key; nobody vouches for a hint.
    try:
        fingerprint = parse_fingerprint(hint)
    except UsageError:
        return ""
    if any(verifier.fingerprint == fingerprint for verifier in verifiers):
        return ""
    return f"; the bundle says, unproven, that key {fingerprint} signed it"
