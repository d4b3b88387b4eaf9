"""A signed manifest by itself: its signature and its own consistency, and none of the files.

Proofs and streams believe what a manifest says of one file. Before they do, it has to pass every
check that needs no file, as a bundle alone passes them in `verify`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from provenance.checks import MANIFEST_FOLDER, run_checks
from provenance.findings import Finding, Severity
from provenance.verification.attestations import read_attestations
from provenance.verification.gathering import gather
from provenance.verification.loading import Loaded, load_manifest
from provenance.verification.reading import Reader
from provenance.verification.sources import BundleSource, FolderSource

if TYPE_CHECKING:
    from provenance.checks import Evidence
    from provenance.envelope import Statement
    from provenance.manifest import Manifest
    from provenance.trust import TrustPolicy
    from provenance.verification.options import Options
    from provenance.verification.sources import Source

__all__ = ["SignedManifest", "read_signed_manifest", "uncompared_digests"]


@dataclass(frozen=True, slots=True)
class SignedManifest:
    """How far the reading of a manifest got, and what the checks that need no file found."""

    findings: tuple[Finding, ...]
    """What was found: on the way to the document, then in it, in the order of the steps."""

    loaded: Loaded
    """How far the reading of the bundle got."""

    evidence: Evidence | None = None
    """What the checks looked at; `None` if there is no document."""

    @property
    def document(self) -> Manifest | None:
        """The document, if it was read; nobody's word unless `signer` says whose."""
        return None if self.evidence is None else self.evidence.manifest

    @property
    def signer(self) -> str | None:
        """Fingerprint of the named key that signed; `None` if no named key did."""
        signature = self.loaded.signature
        is_signed = signature is not None and signature.status == "verified"
        return signature.fingerprint if signature is not None and is_signed else None

    @property
    def errors(self) -> tuple[Finding, ...]:
        """What contradicts, or falls short of the policy; with one of these nothing is proved."""
        return tuple(
            item
            for item in self.findings
            if item.severity is Severity.ERROR or _is_unmet(item, is_signed=self.signer is not None)
        )


def _is_unmet(finding: Finding, *, is_signed: bool) -> bool:
    """Return whether a finding says that the policy is not met, files and signer apart."""
    if finding.code == "required-not-checked":
        # At `/release` it is about the files, which nobody has here; `signer` says who signed.
        return is_signed and finding.path != "/release"
    return finding.code == "requirement-not-met"


def uncompared_digests(policy: TrustPolicy) -> tuple[Finding, ...]:
    """Return what a policy asks of digests that reading a part of the release cannot give."""
    if policy.all_digests:
        what = "every recorded digest"
    elif policy.needs_sha256:
        what = "the SHA-256 of whole files"
    else:
        return ()
    message = f"the policy requires {what} to be recomputed, and a part is compared by BLAKE3 alone"
    return (Finding("required-not-checked", "/release", message),)


def read_signed_manifest(
    data: bytes, options: Options, *, beside: Source | None = None
) -> SignedManifest:
    """Read a bundle, verify its signature, and run every check on it that needs no file.

    Args:
        data: The bundle.
        options: Whom to trust, and the name that the model must have.
        beside: The folder that the bundle lies in, if it does: co-signatures are read from there,
            where a policy may ask for more than one signer.
    """
    loaded = load_manifest(data, options.policy, options.now)
    if loaded.parsed is None or loaded.statement is None:
        return SignedManifest(loaded.findings, loaded)
    # The steps that need files find none, as for a bundle alone.
    evidence, _ = gather(BundleSource(), loaded, loaded.parsed, loaded.statement, options)
    if options.policy.roles and isinstance(beside, FolderSource):
        evidence = _with_attestations(evidence, beside, loaded.statement, options)
    findings = (*loaded.findings, *run_checks(evidence, options.policy))
    return SignedManifest(findings, loaded, evidence)


def _with_attestations(
    evidence: Evidence, folder: FolderSource, statement: Statement, options: Options
) -> Evidence:
    """Return the evidence with what others have signed, as `verify` reads it in that folder."""
    if not folder.exists(MANIFEST_FOLDER):
        return evidence
    reader = Reader(folder, options)
    # The names alone, and not those of a million files beside it; what bears them is then opened
    # from the release, without following a link.
    with FolderSource(f"{folder.path}/{MANIFEST_FOLDER}") as inner:
        inside = inner.find(()).sizes
    attestations, refused = read_attestations(reader, statement, inside)
    faults = (*evidence.faults, *refused, *reader.faults)
    return replace(evidence, attestations=attestations, faults=faults)
