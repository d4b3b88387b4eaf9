"""A signer who was named, and whose signature lies beside the manifest instead of on it.

The verdict is FAIL all the same. But whoever named the auditor of a release, and not the producer,
must not be told that somebody has tampered with it.

Source: `spec/verification.md`, step 3.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from provenance.checks import MANIFEST_FOLDER
from provenance.envelope import parse_bundle
from provenance.errors import ProvenanceError, shown
from provenance.findings import Finding
from provenance.verification.attestations import (
    ATTESTATIONS_FOLDER,
    MAX_ALL_ATTESTATIONS_BYTES,
    MAX_ATTESTATION_BYTES,
    MAX_ATTESTATIONS,
    is_attestation,
)
from provenance.verification.signatures import verify_signature
from provenance.verification.sources import FolderSource
from provenance.verification.unproven import claimed_by_certificate, hinted

if TYPE_CHECKING:
    from provenance.envelope import Bundle
    from provenance.verification.options import Options
    from provenance.verification.sources import Source

__all__ = ["name_co_signers"]

_ADVICE = (
    "Name the signer of the manifest as well, if you trust it: get its key from a place that you "
    "trust. Who co-signed has signed the same bytes."
)


def name_co_signers(
    findings: tuple[Finding, ...], data: bytes, source: Source, options: Options
) -> tuple[Finding, ...]:
    """Return the findings of a refused signature, in other words if a named signer co-signed.

    Args:
        findings: Those of step 3, one of which refuses the signature.
        data: The bundle of the manifest.
        source: Where the release is.
        options: What the caller asks for.
    """
    try:
        bundle = parse_bundle(data)
    except ProvenanceError:
        return findings
    if not isinstance(source, FolderSource) or hinted(bundle) in options.policy.fingerprints:
        return findings  # a signature of somebody who was named, and a false one
    left = MAX_ALL_ATTESTATIONS_BYTES
    for name in _names(source):
        data = _read(name, source, min(left, MAX_ATTESTATION_BYTES))
        left -= len(data)
        who = _signer(data, bundle, options)
        if who:
            message = (
                f"{who} co-signed ({shown(name)}), but the manifest's own signature is by "
                f"{_claimed(bundle)} (unproven), whom you did not name"
            )
            first = findings[0]
            return (Finding(first.code, first.path, message, _ADVICE), *findings[1:])
    return findings


def _names(source: FolderSource) -> list[str]:
    """Return the bundles beside the manifest, by their names in its folder."""
    folder = os.path.join(source.path, MANIFEST_FOLDER)  # noqa: PTH118 - text path
    inside = os.path.join(folder, ATTESTATIONS_FOLDER)  # noqa: PTH118 - text path
    if os.path.islink(folder) or os.path.islink(inside):  # noqa: PTH114 - text path
        return []
    try:
        names = sorted(os.listdir(inside))  # noqa: PTH208 - text path
    except OSError:
        return []
    found = [f"{ATTESTATIONS_FOLDER}/{name}" for name in names]
    return [name for name in found if is_attestation(name)][:MAX_ATTESTATIONS]


def _read(name: str, source: FolderSource, most: int) -> bytes:
    """Return a bundle; nothing if it cannot be read, or is larger than may be read."""
    try:
        return source.read(f"{MANIFEST_FOLDER}/{name}", max_bytes=most)
    except ProvenanceError:
        return b""


def _signer(data: bytes, bundle: Bundle, options: Options) -> str:
    """Return whose signature over the same bytes one bundle is, if somebody named made it."""
    try:
        other = parse_bundle(data)
        if other.envelope.payload != bundle.envelope.payload:
            return ""
        outcome, _ = verify_signature(other, options.policy, options.now)
    except ProvenanceError:
        return ""
    if outcome.status != "verified" or outcome.signer is None:
        return ""
    identity = outcome.signer.identity
    return f"key {outcome.fingerprint}" if identity is None else shown(identity)


def _claimed(bundle: Bundle) -> str:
    """Return who the bundle of a manifest says has signed it."""
    if bundle.certificate is None:
        return hinted(bundle) or "a key that it does not name"
    try:
        claimed = claimed_by_certificate(bundle.certificate)
    except ProvenanceError:
        return "a certificate that cannot be read"
    return ", ".join(claimed.names) or claimed.key.fingerprint
