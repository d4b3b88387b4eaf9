"""Step 3 for one bundle: who signed it, at which proven times, and for whom of a policy it counts.

The manifest's own bundle and every attestation beside it are weighed here, by the same rules.
No I/O.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from provenance.checks import SignatureOutcome
from provenance.errors import MissingExtraError, ProvenanceError, SignatureError, UsageError, shown
from provenance.findings import CODES, Finding
from provenance.signing import SigningTimes, VerifiedSigner, parse_fingerprint, verify_bundle
from provenance.trust import TrustedSigner, find_faults

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from provenance.envelope import Bundle
    from provenance.signing import VerifiedEnvelope
    from provenance.trust import TrustPolicy

__all__ = ["finding_of", "verify_signature"]


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
    hint = _hinted(bundle)
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
        return SignatureOutcome("invalid", hint), (finding_of(error, "signature-invalid"),)
    counted, faults = _weigh(bundle, policy, verified, times)
    outcome = SignatureOutcome(
        "verified",
        verified.signer.fingerprint,
        verified.signer.scheme,
        signer=next(iter(counted.values()), verified.signer),
        counted=MappingProxyType(counted),
        faults=faults,
    )
    note = Finding("signature-verified", "", _described(verified.signer))
    return outcome, (note, *faults)


def finding_of(error: ProvenanceError, default: str, *, path: str | None = None) -> Finding:
    """Return the finding that an error of a lower room is.

    Args:
        error: The error.
        default: The code, if the error names none.
        path: Where, if it is known better than the error knows.
    """
    code = error.code if error.code in CODES else default
    return Finding(code, error.path if path is None else path, error.problem or str(error))


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


def _described(signer: VerifiedSigner) -> str:
    """Return who signed, in words."""
    if signer.identity is None:
        message = f"signed by key {signer.fingerprint} ({signer.scheme})"
    else:
        issuer = shown(signer.issuer or "")
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
    from provenance.envelope import pae  # noqa: PLC0415 - first contact alone needs these
    from provenance.signing import PublicKey  # noqa: PLC0415 - the same
    from provenance.signing.certificates import identities, read_der_certificate  # noqa: PLC0415 - the same

    envelope = bundle.envelope
    try:
        leaf = read_der_certificate(certificate, path="")
        key = PublicKey.from_handle(leaf.public_key())
        names = ", ".join(shown(one.value) for one in identities(leaf)) or "no name"
    except ProvenanceError as error:
        message = (
            "no key was named, so nobody is known to have signed this; the certificate in the "
            f"bundle cannot be used: {error.problem}"
        )
        return SignatureOutcome("unknown"), (Finding("signer-unknown", "", message),)
    try:
        key.verify_message(pae(envelope.payload_type, envelope.payload), envelope.signatures[0].sig)
    except ProvenanceError as error:
        return SignatureOutcome("invalid"), (finding_of(error, "signature-invalid"),)
    message = (
        f"the signature is valid, and its signer is unknown to you: key {key.fingerprint}, "
        f"{names} (not vouched for: no key and no authority was named)"
    )
    return SignatureOutcome("unknown", key.fingerprint), (Finding("signer-unknown", "", message),)


def _hinted(bundle: Bundle) -> str:
    hint = bundle.key_hint or bundle.envelope.signatures[0].keyid
    try:
        return parse_fingerprint(f"SHA256:{hint.rstrip('=')}")
    except UsageError:
        return ""
