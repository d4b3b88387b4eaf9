"""Steps 24 and 25: who may sign what, how many have to, and what the policy no longer trusts.

Thresholds count the manifest's own signature and the co-signatures beside it, all of them over the
same bytes. A signature that does not count neither helps nor harms: whoever can add a file to a
release could otherwise make it fail.

Source: `spec/trust-policy.md`, sections "Roles" and "Thresholds".
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from provenance.checks.attested import why_no_support
from provenance.envelope import manifest_digest
from provenance.errors import shown
from provenance.findings import Finding
from provenance.manifest import DATASET_V1, MANIFEST_V1, parse_timestamp
from provenance.trust import count_votes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provenance.checks.evidence import Attestation, Evidence, SignatureOutcome
    from provenance.signing import VerifiedSigner
    from provenance.trust import Role, TrustPolicy

__all__ = [
    "check_beyond_release",
    "check_policy_times",
    "check_revoked_artifacts",
    "check_roles",
    "counted_signatures",
]

#: What the kind of an attestation is if its payload is that of the manifest.
CO_SIGNATURE = "co-signature"


def check_roles(evidence: Evidence, policy: TrustPolicy) -> Iterator[Finding]:
    """Step 24: the manifest is signed by those who may, and every role by as many as it needs.

    Codes: `policy-role`, `policy-model-name`, `policy-threshold`, `signature-not-counted`.
    """
    if evidence.source == "draft" or not policy.roles:
        return
    model = evidence.manifest.model.name
    main = evidence.signature
    if main is not None and main.counted:
        yield from _scope(policy, main, model)
    for item in evidence.attestations:
        if item.signature.status == "verified":
            yield from _not_counted(evidence, item, policy)
    for role in policy.roles:
        for kind in role.predicate_types if role.required else ():
            if kind != DATASET_V1:
                yield from _threshold(evidence, policy, role, kind)


def _not_counted(evidence: Evidence, item: Attestation, policy: TrustPolicy) -> Iterator[Finding]:
    kind = MANIFEST_V1 if item.kind == CO_SIGNATURE else item.kind
    model = evidence.manifest.model.name
    if not _fitting(policy, item.signature, kind, model):
        message = next((fault.message for fault in item.signature.faults), "")
        message = message or f"no role of the policy lets its signer sign this for {shown(model)}"
    else:
        message = why_no_support(evidence, item, policy)
    if message:
        yield Finding("signature-not-counted", item.path, message)


def _scope(policy: TrustPolicy, main: SignatureOutcome, model: str) -> Iterator[Finding]:
    if _fitting(policy, main, MANIFEST_V1, model):
        return
    who = f"signer {', '.join(main.counted)} ({main.fingerprint})"
    roles = [role for role in policy.roles_for(MANIFEST_V1) if _acts(role, main)]
    if not roles:
        message = f"{who} is in no role of the policy that signs manifests"
        yield Finding("policy-role", "", message)
        return
    names = ", ".join(role.name for role in roles)
    message = f"{who} may not sign for {shown(model)} as {names}"
    yield Finding("policy-model-name", "/model/name", message)


def _threshold(evidence: Evidence, policy: TrustPolicy, role: Role, kind: str) -> Iterator[Finding]:
    is_allowed = role.may_sign_for(evidence.manifest.model.name)
    signers = list(_signers(evidence, policy, role, kind)) if is_allowed else []
    count = count_votes(signers)
    if count >= role.threshold:
        return
    what = "signatures" if kind == MANIFEST_V1 else f"attestations of {kind}"
    message = (
        f"role {role.name}: {count} of {role.threshold} {what} that are needed, by "
        f"{', '.join(role.signers)}"
    )
    yield Finding("policy-threshold", "", message)


def _signers(
    evidence: Evidence, policy: TrustPolicy, role: Role, kind: str
) -> Iterator[tuple[str, VerifiedSigner]]:
    for _, name, signer in counted_signatures(evidence, policy, role, kind):
        yield name, signer


def counted_signatures(
    evidence: Evidence, policy: TrustPolicy, role: Role, kind: str
) -> Iterator[tuple[str, str, VerifiedSigner]]:
    """Yield whose signatures count for one kind of statement: of the manifest, or beside it.

    Args:
        evidence: What was found.
        policy: The policy.
        role: A role of it; whether it may sign for the model is not asked.
        kind: The predicate type.

    Yields:
        The file of the bundle (empty for the manifest's own), the name in the policy, the signer.
    """
    beside: str = kind
    found: list[tuple[str, SignatureOutcome]] = []
    if kind == MANIFEST_V1:
        beside = CO_SIGNATURE
        found = [("", evidence.signature)] if evidence.signature is not None else []
    found += [
        (item.path, item.signature)
        for item in evidence.attestations
        if item.kind == beside and not why_no_support(evidence, item, policy)
    ]
    for path, outcome in found:
        yield from (
            (path, name, outcome.counted[name]) for name in role.signers if name in outcome.counted
        )


def _fitting(policy: TrustPolicy, outcome: SignatureOutcome, kind: str, model: str) -> bool:
    """Return whether some role lets the signer of a signature sign such a statement."""
    return any(_acts(role, outcome) and role.may_sign_for(model) for role in policy.roles_for(kind))


def _acts(role: Role, outcome: SignatureOutcome) -> bool:
    return any(name in outcome.counted for name in role.signers)


def check_policy_times(evidence: Evidence, policy: TrustPolicy) -> Iterator[Finding]:
    """Step 25: the policy has not expired, and the manifest is not older than it allows.

    Codes: `policy-expired`, `policy-age`.
    """
    if evidence.source == "draft":
        return
    now = f"it is {evidence.now:%Y-%m-%dT%H:%M:%SZ} now"
    # No skew here: whoever sets an end means it, and a clock that is late may not move it.
    if policy.expires is not None and policy.expires <= evidence.now:
        message = f"the policy expired at {policy.expires:%Y-%m-%dT%H:%M:%SZ}, and {now}"
        yield Finding("policy-expired", "", message)
    if policy.max_age_days is not None:
        age = evidence.now - parse_timestamp(evidence.manifest.created_at)
        if age > timedelta(days=policy.max_age_days):
            created = evidence.manifest.created_at
            message = f"created at {created}, {policy.max_age_days} days are allowed, and {now}"
            yield Finding("policy-age", "/createdAt", message)


def check_revoked_artifacts(evidence: Evidence, policy: TrustPolicy) -> Iterator[Finding]:
    """Step 25: neither the manifest nor the release nor a file of it is revoked.

    Codes: `policy-artifact-revoked`.
    """
    if evidence.source == "draft" or not policy.revoked_artifacts:
        return
    reasons = {item.sha256: item.reason for item in policy.revoked_artifacts}
    for sha256, path, what in _artifacts(evidence):
        if sha256 in reasons:
            reason = f": {shown(reasons[sha256])}" if reasons[sha256] else ""
            yield Finding("policy-artifact-revoked", path, f"{what} {sha256} is revoked{reason}")


def _artifacts(evidence: Evidence) -> Iterator[tuple[str, str, str]]:
    """Yield (SHA-256, path, what it is) of the manifest, the release and its files."""
    if evidence.statement is not None:
        yield manifest_digest(evidence.statement.payload), "", "the manifest"
        yield evidence.statement.subjects[0].digest["sha256"], "/release", "the release"
    for entry in evidence.listed:
        found = evidence.found.get(entry.path)
        digests = {entry.digest.get("sha256"), found.digest.get("sha256") if found else None}
        for sha256 in sorted(filter(None, digests)):
            yield sha256, entry.path, "the file"


def check_beyond_release(evidence: Evidence, policy: TrustPolicy) -> Iterator[Finding]:
    """Step 25: say which rules are about what does not lie in a release, and was not looked at.

    Codes: `required-not-checked`.
    """
    if evidence.source == "draft":
        return
    rules = policy.ancestors
    if rules is not None and rules.needs_manifests and evidence.manifest.model.base_models:
        message = "the policy has rules for the manifests of the base models, which are not at hand"
        yield Finding("required-not-checked", "/model/baseModels", message)
    for role in policy.roles:
        if role.required and DATASET_V1 in role.predicate_types:
            message = f"role {role.name}: statements about datasets do not lie in a release"
            yield Finding("required-not-checked", "", message)
