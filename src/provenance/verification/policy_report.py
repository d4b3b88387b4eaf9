"""What a report says of the policy: which it was, and whose signatures count for its roles. No I/O.

Source: `spec/trust-policy.md`, sections "Roles" and "Thresholds".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.checks.roles import counted_signatures
from provenance.manifest import MANIFEST_V1
from provenance.trust import count_votes
from provenance.verification.report import CountedSignature, PolicyReport, RoleReport

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from provenance.checks import Evidence
    from provenance.trust import Role, TrustPolicy

__all__ = ["is_name_allowed", "report_policy"]


def report_policy(policy: TrustPolicy, evidence: Evidence | None) -> PolicyReport | None:
    """Return what a report says of a policy; `None` for one that is only a few keys.

    Args:
        policy: The policy.
        evidence: What was found; `None` if the manifest could not be read.
    """
    if not policy.roles and policy.sha256 is None and not policy.name:
        return None
    return PolicyReport(
        name=policy.name or None,
        version=policy.version,
        sha256=policy.sha256,
        roles=tuple(_roles(policy, evidence)),
    )


def is_name_allowed(policy: TrustPolicy, evidence: Evidence) -> bool | None:
    """Return whether the policy lets the signer sign for the model; `None` if it bounds no names.

    Args:
        policy: The policy.
        evidence: What was found.
    """
    signature = evidence.signature
    roles = [role for role in policy.roles_for(MANIFEST_V1) if role.models]
    if signature is None or signature.status != "verified" or not roles:
        return None
    acting = [role for role in policy.roles_for(MANIFEST_V1) if _acts(role, signature.counted)]
    if any(not role.models for role in acting):
        return None  # some role lets it sign for every name
    return any(role.may_sign_for(evidence.manifest.model.name) for role in acting)


def _acts(role: Role, counted: Mapping[str, object]) -> bool:
    return any(name in counted for name in role.signers)


def _roles(policy: TrustPolicy, evidence: Evidence | None) -> Iterator[RoleReport]:
    for role in policy.roles:
        for kind in role.predicate_types:
            yield _role(policy, role, kind, evidence)


def _role(policy: TrustPolicy, role: Role, kind: str, evidence: Evidence | None) -> RoleReport:
    found = []
    if evidence is not None and role.may_sign_for(evidence.manifest.model.name):
        found = list(counted_signatures(evidence, policy, role, kind))
    return RoleReport(
        name=role.name,
        predicate_type=kind,
        required=role.required,
        needed=role.threshold,
        count=count_votes((name, signer) for _, name, signer in found),
        counted=tuple(
            CountedSignature(
                signer=name,
                fingerprint=signer.fingerprint,
                identity=signer.identity,
                bundle=path or None,
            )
            for path, name, signer in found
        ),
    )
