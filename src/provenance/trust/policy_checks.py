"""What makes a policy that was built in code make no sense. No I/O.

Callers without a type checker exist, and a policy decides about trust: a rule of the wrong shape
must not be one that nothing breaks. Documents were held to the same rules when they were compiled.

Source: `spec/trust-policy.md`, section "Compiling".
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Final, NoReturn

from provenance.errors import UsageError, shown
from provenance.signing import SCHEMES, SignatureVerifier, TimestampVerifier, parse_fingerprint
from provenance.trust.rules import (
    AncestorRules,
    Requirement,
    RevokedArtifact,
    RevokedKey,
    Role,
    TrustedSigner,
)

if TYPE_CHECKING:
    from provenance.trust.policy import TrustPolicy

__all__ = ["PARTS_OF_TRAINING", "check_rules", "refuse_value"]

#: Ids of the parts of open training (`spec/registry/parts.json`).
PARTS_OF_TRAINING: Final = (
    "datasets",
    "data-criteria",
    "processing",
    "architecture",
    "hyperparameters",
    "training-code",
    "environment",
    "training-log",
    "checkpoints",
    "evaluations",
    "compute",
)

#: Oldest manifest that a policy can ask for, in days: a century.
MAX_AGE_DAYS = 36_500

_RUNGS = ("absent", "withheld", "sealed", "declared", "bound", "matched", "linked", "reproduced")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def check_rules(policy: TrustPolicy) -> None:
    """Refuse a rule that is of the wrong shape, or that nothing could ever break.

    Raises:
        UsageError: There is one; the path names the field.
    """
    _check_items(policy)
    _check_time("expires", policy.expires)
    days = policy.max_age_days
    if days is not None and not (_is_whole(days) and 1 <= days <= MAX_AGE_DAYS):
        refuse_value("max_age_days", f"whole days from 1 to {MAX_AGE_DAYS}", days)
    if policy.sha256 is not None:
        _check_sha256("sha256", policy.sha256)
    if policy.timestamps is not None and not isinstance(policy.timestamps, TimestampVerifier):
        refuse_value("timestamps", "what verifies timestamps", policy.timestamps)
    _check_schemes("algorithms", policy.algorithms)
    for signer in policy.signers:
        _check_signer(signer)
    for role in policy.roles:
        if not role.predicate_types:
            refuse_value(f"roles/{role.name}", "predicate types that it signs", ())
    _check_requirements(policy)
    for key in policy.revoked_keys:
        _check_fingerprint(key.fingerprint)
        _check_time("revoked_keys", key.since)
    for artifact in policy.revoked_artifacts:
        _check_sha256("revoked_artifacts", artifact.sha256)


def refuse_value(name: str, expected: str, found: object) -> NoReturn:
    """Raise a `UsageError` that says what a field has to be."""
    raise UsageError(path=name, problem=f"expected {expected}, found {shown(found)}")


def _check_items(policy: TrustPolicy) -> None:
    fields = {
        "signers": TrustedSigner,
        "roles": Role,
        "algorithms": str,
        "requirements": Requirement,
        "part_requirements": Requirement,
        "revoked_keys": RevokedKey,
        "revoked_artifacts": RevokedArtifact,
    }
    for name, kind in fields.items():
        _check_tuple(name, getattr(policy, name), kind)
    rules = policy.ancestors
    if rules is not None and not isinstance(rules, AncestorRules):
        refuse_value("ancestors", "rules for ancestors", rules)
    for role in (*policy.roles, *filter(None, (policy.policy_signers,))):
        if not isinstance(role, Role):
            refuse_value("policy_signers", "a role", role)
        for field in ("signers", "predicate_types", "models"):
            _check_tuple(f"roles/{role.name}", getattr(role, field), str)
        if not _is_whole(role.threshold) or not isinstance(role.required, bool):
            refuse_value(
                f"roles/{role.name}", "a whole threshold, and a role required or not", role
            )


def _check_tuple(name: str, value: object, kind: type) -> None:
    if not isinstance(value, tuple):
        refuse_value(name, f"a tuple of {kind.__name__}", value)
    for item in value:
        if not isinstance(item, kind):
            refuse_value(name, f"only {kind.__name__}", item)


def _check_signer(signer: TrustedSigner) -> None:
    name = f"signers/{signer.name}"
    if not isinstance(signer.verifier, SignatureVerifier):
        refuse_value(name, "a signature verifier", signer.verifier)
    _check_tuple(name, signer.algorithms, str)
    _check_schemes(name, signer.algorithms)
    _check_time(name, signer.not_before)
    _check_time(name, signer.not_after)


def _check_schemes(name: str, schemes: tuple[str, ...]) -> None:
    for scheme in schemes:
        if scheme not in SCHEMES:
            refuse_value(name, f"only schemes of {', '.join(SCHEMES)}", scheme)


def _check_requirements(policy: TrustPolicy) -> None:
    facts = policy.requirements
    if policy.ancestors is not None:
        _check_tuple("ancestors", policy.ancestors.requirements, Requirement)
        facts += policy.ancestors.requirements
    for requirement in (*facts, *policy.part_requirements):
        if requirement.rung not in _RUNGS:
            refuse_value("requirements", f"a rung of {', '.join(_RUNGS)}", requirement.rung)
    for requirement in policy.part_requirements:
        if requirement.pattern not in PARTS_OF_TRAINING:
            expected = f"a part of {', '.join(PARTS_OF_TRAINING)}"
            refuse_value("part_requirements", expected, requirement.pattern)
    if facts:
        from provenance.trust.field_patterns import check_pattern  # noqa: PLC0415 - few have any

        for requirement in facts:
            _check_pattern(requirement.pattern)
            problem, remedy = check_pattern(requirement.pattern)
            if problem:
                raise UsageError(path="requirements", problem=problem, remedy=remedy)


def _check_pattern(pattern: object) -> None:
    if not isinstance(pattern, str) or not pattern:
        refuse_value("requirements", "a pattern of fields", pattern)


def _check_fingerprint(name: object) -> None:
    if not isinstance(name, str) or parse_fingerprint(name) != name:
        refuse_value("revoked_keys", "a fingerprint such as SHA256:…", name)


def _check_sha256(name: str, value: object) -> None:
    if not isinstance(value, str) or not _SHA256.fullmatch(value):
        refuse_value(name, "64 lower-case hexadecimal characters", value)


def _check_time(name: str, time: object) -> None:
    if time is not None and (not isinstance(time, datetime) or time.tzinfo is None):
        refuse_value(name, "a time with its time zone", time)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
