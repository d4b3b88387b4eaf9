"""A trust policy in plain words, one sentence a line; every foreign text is escaped. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.manifest import DATASET_V1
from provenance.render.escaping import escape, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from provenance.trust import TrustPolicy
    from provenance.trust.rules import Requirement, Role

__all__ = ["render_policy"]

#: Revoked keys and artifacts that are named; the rest is counted.
MAX_NAMED = 20

#: How far a signer's clock may be ahead where a policy says nothing, in seconds; not said.
DEFAULT_SKEW = 300

# What a statement of each predicate type is called, by the first part of its name.
_STATEMENTS = {
    "manifest": "the manifest",
    "dataset": "statements about datasets",
    "evaluation": "statements about evaluations",
    "reproduction": "statements about reproductions",
}
_RUNGS = {
    "absent": "may be absent",
    "withheld": "must be stated, or withheld with a reason",
    "sealed": "must be stated, or sealed",
    "declared": "must be stated",
    "bound": "must be bound by a signed digest",
    "matched": "must match bytes that you hold",
    "linked": "must be linked to the training log by a proof",
    "reproduced": "must have been reproduced",
}


def render_policy(policy: TrustPolicy) -> list[str]:
    """Return what a policy trusts and requires, as sentences.

    Args:
        policy: The policy, compiled.
    """
    return [escape(line) for line in _lines(policy)]


def _lines(policy: TrustPolicy) -> Iterator[str]:
    version = "" if policy.version is None else f", version {policy.version}"
    yield f"Policy {quoted(policy.name)}{version}."
    if policy.expires is not None:
        yield f"It expires at {_time(policy.expires)}; after that, nothing passes with it."
    if policy.clock_skew_seconds != DEFAULT_SKEW:
        yield f"The clock of a signer may be ahead of yours by {policy.clock_skew_seconds} seconds."
    for signer in policy.signers:
        window = _window(signer.not_before, signer.not_after)
        schemes = f", with {' or '.join(signer.algorithms)}" if signer.algorithms else ""
        yield f"{signer.name} is {signer.verifier.fingerprint}{window}{schemes}."
    for role in policy.roles:
        yield from _role(role)
    if any(role.required and DATASET_V1 in role.predicate_types for role in policy.roles):
        yield "Statements about datasets do not lie in a release, so the verdict is never PASS."
    if policy.policy_signers is not None:
        yield f"The next version of this policy: {_who(policy.policy_signers)} must sign it."
    yield from _signatures(policy)
    yield from _manifest(policy)
    yield from _revoked(policy)


def _role(role: Role) -> Iterator[str]:
    types = [one.rstrip("/").split("/")[-2] for one in role.predicate_types]
    what = " and ".join(_STATEMENTS.get(one, one) for one in types)
    verb = "must have signed" if role.required else "may sign"
    models = ""
    if role.models:
        models = f", only for models {' or '.join(map(_model, role.models))}"
    yield f"As {role.name}, {_who(role)} {verb} {what}{models}."


def _who(role: Role) -> str:
    if len(role.signers) == 1:
        return role.signers[0]
    return f"{role.threshold} of {', '.join(role.signers)}"


def _model(pattern: str) -> str:
    if pattern.endswith("*"):
        return f"that begin with {quoted(pattern[:-1])}"
    return f"called {quoted(pattern)}"


def _signatures(policy: TrustPolicy) -> Iterator[str]:
    if policy.algorithms:
        yield f"Only signatures by {', '.join(policy.algorithms)} count."
    if policy.timestamp_required:
        yield "A signature counts only with a timestamp of an authority that the policy names."
    elif policy.timestamps is not None:
        yield "Timestamps of the authorities that the policy names prove when something was signed."
    if policy.log_required:
        yield "A signature counts only with a time that a transparency log proves."


def _manifest(policy: TrustPolicy) -> Iterator[str]:
    if policy.max_age_days is not None:
        yield f"A manifest made more than {policy.max_age_days} days ago is refused."
    if policy.all_digests:
        yield "Every recorded digest is recomputed."
    for requirement in policy.requirements:
        yield f"{requirement.pattern}: {_rung(requirement)}."
    for requirement in policy.part_requirements:
        yield f"The whole part {requirement.pattern}: {_rung(requirement)}."
    if policy.requirements or policy.part_requirements:
        empty = "is met" if policy.empty_is_met else "is not met"
        yield f"A requirement that matches nothing {empty}."
        verb = "is met" if policy.not_applicable_is_met else "is not met"
        yield f"A requirement of something that does not apply {verb}."
    for name in policy.presets:
        yield f"Files of the preset {name} are not checked."
    if policy.ancestors is not None:
        yield from _ancestors(policy)


def _ancestors(policy: TrustPolicy) -> Iterator[str]:
    rules = policy.ancestors
    if rules is None:
        return
    if rules.bound:
        yield "Every model that this one was made from must be bound by a digest."
    if rules.signers:
        yield f"Their manifests must be signed by one of {', '.join(rules.signers)}."
    if rules.needs_manifests:
        yield "They are not at hand when a release is verified, so the verdict is then INCOMPLETE."
    for requirement in rules.requirements:
        yield f"In their manifests, {requirement.pattern}: {_rung(requirement)}."


def _revoked(policy: TrustPolicy) -> Iterator[str]:
    for key in policy.revoked_keys[:MAX_NAMED]:
        reason = f" ({key.reason})" if key.reason else ""
        since = ""
        if key.since is not None:
            since = f" from {_time(key.since)}; signatures proven to be older stay good"
        yield f"Key {key.fingerprint} is revoked{since}{reason}."
    for artifact in policy.revoked_artifacts[:MAX_NAMED]:
        reason = f" ({artifact.reason})" if artifact.reason else ""
        yield f"Whatever has the SHA-256 {artifact.sha256} is revoked{reason}."
    more = max(0, len(policy.revoked_keys) - MAX_NAMED)
    more += max(0, len(policy.revoked_artifacts) - MAX_NAMED)
    if more:
        yield f"{more} more are revoked."


def _rung(requirement: Requirement) -> str:
    return _RUNGS[requirement.rung]


def _window(begin: datetime | None, end: datetime | None) -> str:
    first = f" from {_time(begin)}" if begin is not None else ""
    last = f" until {_time(end)}" if end is not None else ""
    return f", for signatures made{first}{last}" if first or last else ""


def _time(time: datetime) -> str:
    return time.replace(tzinfo=None).isoformat() + "Z"
