"""Who signed an OMS bundle: by a key, a certificate of a private authority, or Sigstore. No I/O.

Source: `spec/oms.md`, section "Signature"; OpenSSF Model Signing 1.0, sections 4.1 and 8.2.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

from provenance.checks import SignatureOutcome
from provenance.envelope.oms import parse_oms_statement
from provenance.errors import ProvenanceError, SignatureError, shown
from provenance.findings import Finding
from provenance.signing import PublicKey, SigningTimes, VerifiedSigner, verify_bundle
from provenance.signing.oms_legacy import verify_legacy
from provenance.verification.oms_certificates import OmsCertificateVerifier
from provenance.verification.signatures import described, finding_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provenance.envelope.oms import OmsBundle
    from provenance.signing import SignatureVerifier
    from provenance.trust import TrustPolicy

__all__ = ["verify_oms_signature"]

# The kind of verifier that each method asks for.
_KINDS = {"key": "key", "certificate": "certificate", "sigstore": "keyless"}


def verify_oms_signature(
    oms: OmsBundle, policy: TrustPolicy, times: SigningTimes, *, legacy: bool = False
) -> tuple[SignatureOutcome, tuple[Finding, ...]]:
    """Verify a bundle under the keys and identities of a policy and say what came out.

    Args:
        oms: The bundle.
        policy: Whom to trust. Its roles are about our own statements, and are not asked here.
        times: The verifier's clock.
        legacy: Take signatures of version 0.2 over its own wrong encoding as well.
    """
    verifiers = policy.verifiers
    if not verifiers:
        message = "no key was named, so nobody is known to have signed this"
        return SignatureOutcome("unknown"), (Finding("signer-unknown", "", message),)
    try:
        # Its hints are no fingerprints of ours, and must not be printed as one.
        bundle = replace(oms.bundle, key_hint="") if oms.bundle.key_hint else oms.bundle
        verified = verify_bundle(bundle, verifiers, times=times, timestamps=policy.timestamps)
        signer, key = verified.signer, verified.verifier
    except ProvenanceError as error:
        found = _legacy_signer(oms, policy, times) if legacy else None
        if found is None:
            return SignatureOutcome("invalid"), (_refused(error, oms, verifiers),)
        signer, key = found
    faults = tuple(_faults(oms, signer, key, policy))
    if faults:
        return SignatureOutcome("invalid"), faults
    message = described(signer)
    outcome = SignatureOutcome("verified", signer.fingerprint, signer.scheme, signer)
    return outcome, (Finding("signature-verified", "", message),)


def _refused(error: ProvenanceError, oms: OmsBundle, keys: tuple[object, ...]) -> Finding:
    """Return why a signature is refused, and which key the bundle names, as it names it."""
    found = finding_of(error, "signature-invalid")
    hint = oms.bundle.key_hint
    known = {one for key in keys if isinstance(key, PublicKey) for one in _hints_of(key)}
    if not hint or hint in known or found.code != "signature-invalid":
        return found
    message = f"{found.message}; the bundle names, unproven, the key with the hint {shown(hint)}"
    return Finding(found.code, found.path, message)


def _hints_of(key: PublicKey) -> tuple[str, ...]:
    """Return every way in which writers of OMS name a key.

    The text says no more than "hex-encoded key fingerprint"; the reference takes SHA-256 of the
    PEM, its last line feed included.
    """
    pem = key.to_pem()
    spki = sha256(key.spki)
    return (
        sha256(pem).hexdigest(),
        sha256(pem.rstrip()).hexdigest(),
        spki.hexdigest(),
        b64encode(spki.digest()).decode("ascii"),
    )


def _faults(
    oms: OmsBundle, signer: VerifiedSigner, key: object, policy: TrustPolicy
) -> Iterator[Finding]:
    """Yield why a signature that verifies is refused all the same."""
    where = "/verificationMaterial"
    if signer.kind != _KINDS[oms.method]:
        message = f"the bundle is signed by the method {oms.method}, and a {signer.kind} was named"
        yield Finding("oms-method", where, message)
    elif oms.method != "sigstore" and not signer.scheme.startswith("ecdsa-"):
        message = f"signed with {signer.scheme}; the methods key and certificate take ECDSA alone"
        yield Finding("oms-method", where, message)
    hint = oms.bundle.key_hint
    if hint and isinstance(key, PublicKey) and hint not in _hints_of(key):
        message = f"the bundle names another key than the one that signed it: {shown(hint)}"
        yield Finding("oms-hint", f"{where}/publicKey/hint", message)
    for revoked in policy.revoked_keys:
        if revoked.spoils(signer):
            message = f"key {signer.fingerprint} is revoked by the policy"
            yield Finding("policy-revoked", "", message)


def _is_of_version_0_2(payload: bytes) -> bool:
    """Return whether a statement is of the version whose writers signed the wrong encoding."""
    try:
        return parse_oms_statement(payload, legacy=True).is_legacy
    except ProvenanceError:
        return False


def _legacy_signer(
    oms: OmsBundle, policy: TrustPolicy, times: SigningTimes
) -> tuple[VerifiedSigner, SignatureVerifier] | None:
    """Return who signed the wrong encoding of version 0.2, and what verified it, if anybody did."""
    envelope = oms.bundle.envelope
    if not _is_of_version_0_2(envelope.payload):
        return None
    for key in policy.verifiers:
        try:
            if oms.method == "key" and isinstance(key, PublicKey):
                signature = envelope.signatures[0].sig
                verify_legacy(key, envelope.payload_type, envelope.payload, signature)
                ssh = key.ssh_fingerprint
                return VerifiedSigner("key", key.fingerprint, key.scheme, ssh_fingerprint=ssh), key
            if oms.method == "certificate" and isinstance(key, OmsCertificateVerifier):
                return key.verify(oms.bundle, times, legacy=True), key
        except SignatureError:
            continue
    return None
