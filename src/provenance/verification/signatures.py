"""Step 3 for one bundle: who signed it, at which proven times, and for whom of a policy it counts.

The manifest's own bundle and every attestation beside it are weighed here, by the same rules.
No I/O.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from provenance.checks import SignatureOutcome
from provenance.envelope import pae
from provenance.errors import MissingExtraError, ProvenanceError, SignatureError, shown
from provenance.findings import CODES, Finding
from provenance.signing import SigningTimes, VerifiedSigner, verify_bundle
from provenance.trust import TrustedSigner, find_faults
from provenance.verification.unproven import (
    claimed_by_certificate,
    hinted,
    other_scheme,
    stamps_by_strangers,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from provenance.envelope import Bundle
    from provenance.signing import VerifiedEnvelope
    from provenance.trust import TrustPolicy

__all__ = ["described", "finding_of", "verify_signature"]


def verify_signature(
    bundle: Bundle, policy: TrustPolicy, now: datetime
) -> tuple[SignatureOutcome, tuple[Finding, ...]]:
    """Verify a bundle under a policy and say what came out.

    Args:
        bundle: The bundle, parsed.
        policy: Whom to trust.
        now: The verifier's clock.

    Raises:
        MissingExtraError: What a signature or timestamp is verified with is not installed.
    """
    hint = hinted(bundle)
    if not policy.verifiers:
        if bundle.certificate is not None:
            return _introduce(bundle.certificate, bundle)
        said = f"the bundle says key {hint}, which proves nothing" if hint else "it names no key"
        message = f"no key was named, so nobody is known to have signed this; {said}"
        return SignatureOutcome("unknown", hint), (Finding("signer-unknown", "", message),)
    try:
        times = _times(bundle, policy, now)
        verified = verify_bundle(bundle, policy.verifiers, times=times)
    except MissingExtraError:  # nothing contradicts: it could not be looked at
        raise
    except ProvenanceError as error:
        return SignatureOutcome("invalid", hint), (_refused(error, bundle, policy),)
    counted, faults = _weigh(bundle, policy, verified, times)
    outcome = SignatureOutcome(
        "verified",
        verified.signer.fingerprint,
        verified.signer.scheme,
        signer=next(iter(counted.values()), verified.signer),
        counted=MappingProxyType(counted),
        faults=faults,
    )
    note = Finding("signature-verified", "", described(verified.signer))
    return outcome, (note, *faults, *_strangers(bundle, verified))


def finding_of(
    error: ProvenanceError, default: str, *, path: str | None = None, advice: str = ""
) -> Finding:
    """Return the finding that an error of a lower room is.

    Args:
        error: The error.
        default: The code, if the error names none.
        path: Where, if it is known better than the error knows.
        advice: What to do about it, if more is known than the code says.
    """
    code = error.code if error.code in CODES else default
    where = error.path if path is None else path
    return Finding(code, where, error.problem or str(error), advice)


def _times(bundle: Bundle, policy: TrustPolicy, now: datetime) -> SigningTimes:
    times = SigningTimes(now)
    if policy.timestamps is None or not bundle.timestamps:
        return times
    sig = bundle.envelope.signatures[0].sig
    return times.with_verified(*policy.timestamps.verify(sig, bundle.timestamps))


def _weigh(
    bundle: Bundle, policy: TrustPolicy, verified: VerifiedEnvelope, times: SigningTimes
) -> tuple[dict[str, VerifiedSigner], tuple[Finding, ...]]:
    """Return the signers for whom a signature counts, or else why it counts for none of them."""
    counted: dict[str, VerifiedSigner] = {}
    faults: list[Finding] = []
    for trusted, signer in _matches(bundle, policy, verified, times):
        found = [
            Finding(code, "", message)
            for code, message in find_faults(policy, trusted, signer, times.now)
        ]
        if not found:
            counted[trusted.name] = signer
        faults += found
    return counted, () if counted else tuple(dict.fromkeys(faults))


def _matches(
    bundle: Bundle, policy: TrustPolicy, verified: VerifiedEnvelope, times: SigningTimes
) -> Iterator[tuple[TrustedSigner, VerifiedSigner]]:
    """Yield every signer of the policy under whom the signature verifies, with what is known."""
    if not policy.signers:
        # Keys that were named without roles; the caller chose their schemes by naming them.
        schemes = policy.algorithms or (verified.signer.scheme,)
        name = verified.signer.fingerprint
        named = TrustedSigner(name=name, verifier=verified.verifier, algorithms=schemes)
        yield named, verified.signer
        return
    for trusted in policy.signers:
        if trusted.verifier is verified.verifier:
            yield trusted, verified.signer
            continue
        try:
            yield trusted, trusted.verifier.verify(bundle, times)
        except SignatureError:
            continue


def described(signer: VerifiedSigner) -> str:
    """Return who signed, in words."""
    if signer.identity is None:
        message = f"signed by key {signer.fingerprint} ({signer.scheme})"
        if signer.listed_as is not None:
            message += f", which your list calls {shown(signer.listed_as)}"
    else:
        issuer = shown(signer.issuer or "")
        if signer.issuer_name:
            issuer = f"{shown(signer.issuer_name)} ({signer.issuer})"
        message = (
            f"signed by {shown(signer.identity)}, vouched for by {issuer}, with key "
            f"{signer.fingerprint} ({signer.scheme})"
        )
    if signer.times:
        message += (
            f", at {min(stamp.at for stamp in signer.times):%Y-%m-%dT%H:%M:%SZ} at the latest"
        )
    return message


def _introduce(certificate: bytes, bundle: Bundle) -> tuple[SignatureOutcome, tuple[Finding, ...]]:
    """Say what the certificate in a bundle says of a signer whom nobody named."""
    envelope = bundle.envelope
    try:
        claimed = claimed_by_certificate(certificate)
    except ProvenanceError as error:
        message = (
            "no key was named, so nobody is known to have signed this; the certificate in the "
            f"bundle cannot be used: {error.problem}"
        )
        return SignatureOutcome("unknown"), (Finding("signer-unknown", "", message),)
    key = claimed.key
    try:
        key.verify_message(pae(envelope.payload_type, envelope.payload), envelope.signatures[0].sig)
    except ProvenanceError as error:
        return SignatureOutcome("invalid"), (finding_of(error, "signature-invalid"),)
    names = ", ".join(claimed.names) or "no name"
    message = (
        f"the signature is valid, and its signer is unknown to you: key {key.fingerprint}, "
        f"{names} (not vouched for: no key and no authority was named)"
    )
    found = Finding("signer-unknown", "", message, claimed.advice)
    return SignatureOutcome("unknown", key.fingerprint), (found,)


def _refused(error: ProvenanceError, bundle: Bundle, policy: TrustPolicy) -> Finding:
    """Return why a signature does not count, with what its reader may have overlooked."""
    found = finding_of(error, "signature-invalid")
    scheme = other_scheme(bundle, policy.verifiers) if found.code == "signature-invalid" else ""
    if scheme:
        return Finding(
            found.code,
            found.path,
            f"{found.message}; it does verify as {scheme}, a scheme that you did not name",
            f"Add --scheme {scheme} if you accept that, or name it in the policy (algorithms).",
        )
    if found.code == "certificate-expired" and policy.timestamps is None:
        strangers = stamps_by_strangers(bundle.timestamps, 0)
        if strangers:
            advice = (
                "If you trust that authority, name it with --tsa; else ask for a new signature."
            )
            return Finding(found.code, found.path, f"{found.message}; {strangers}", advice)
    if found.code == "signature-unsupported" and bundle.certificate is not None:
        with suppress(ProvenanceError):
            advice = claimed_by_certificate(bundle.certificate).advice
            return replace(found, advice=advice)
    return found


def _strangers(bundle: Bundle, verified: VerifiedEnvelope) -> tuple[Finding, ...]:
    """Say which timestamps proved nothing, because nobody named who made them."""
    stamped = sum(time.source == "timestamp-authority" for time in verified.signer.times)
    message = stamps_by_strangers(bundle.timestamps, stamped)
    return (Finding("timestamp-not-checked", "", message),) if message else ()
