"""The trust policy: whose signature counts, and what must have been checked. No I/O.

A policy is an explicit argument: never read from the model folder, the working directory or the
environment. It is frozen; verifying with it does not change it. Two ways lead to one: a few keys
any of which may have signed, or signers in roles, compiled from a document (`load_policy`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from provenance.canonical import MAX_POLICY_SIGNERS
from provenance.errors import UsageError, shown
from provenance.signing import SignatureVerifier, TimestampVerifier
from provenance.trust.policy_checks import check_rules
from provenance.trust.presets import PRESETS

if TYPE_CHECKING:
    from datetime import datetime

    from provenance.trust.rules import (
        AncestorRules,
        Requirement,
        RevokedArtifact,
        RevokedKey,
        Role,
        TrustedSigner,
    )

__all__ = ["TrustPolicy"]

#: Largest allowance for clocks that differ; beyond a day it is no allowance.
MAX_CLOCK_SKEW_SECONDS = 86_400
#: Most keys that one policy names.
MAX_KEYS = MAX_POLICY_SIGNERS
#: Longest model name, in characters.
MAX_MODEL_NAME_CHARACTERS = 1_000

_FLAGS = (
    "all_digests",
    "recompute_sha256",
    "timestamp_required",
    "log_required",
    "empty_is_met",
    "not_applicable_is_met",
)


@dataclass(frozen=True, kw_only=True)
class TrustPolicy:
    """What a caller trusts and requires. The default trusts nobody, so nothing passes.

    Raises:
        UsageError: A value makes no sense; nothing is verified with such a policy.
    """

    keys: tuple[SignatureVerifier, ...] = ()
    """Keys or identities, any of which may have signed; none beside roles."""

    model_name: str | None = None
    """The name that the signed model must have; `None` reports the name as not checked."""

    all_digests: bool = False
    """Recompute every recorded digest, not BLAKE3 alone."""

    recompute_sha256: bool = False
    """Recompute the SHA-256 of every released file, whatever else is recomputed."""

    clock_skew_seconds: int = 300
    """How far the signer's clock may be ahead of the verifier's."""

    presets: tuple[str, ...] = ()
    """Names of presets whose files need not be checked."""

    name: str = ""
    """What its author calls it; empty for one that was made in code."""

    version: int | None = None
    """The version of the document that it was compiled from."""

    expires: datetime | None = None
    """When it is no longer to be used."""

    sha256: str | None = None
    """SHA-256 of the document that it was compiled from, 64 hex characters."""

    signers: tuple[TrustedSigner, ...] = ()
    """Signers, by whom the roles are filled."""

    roles: tuple[Role, ...] = ()
    """Who may sign what; empty lets every key sign everything."""

    policy_signers: Role | None = None
    """Who may sign the next version of the policy."""

    algorithms: tuple[str, ...] = ()
    """Signature schemes that count for signers; empty for the default of each kind of key."""

    timestamps: TimestampVerifier | None = None
    """The timestamp authorities that are trusted."""

    timestamp_required: bool = False
    """Whether a signature counts only with a trusted timestamp."""

    log_required: bool = False
    """Whether a signature counts only with a time proven by a transparency log."""

    max_age_days: int | None = None
    """Oldest manifest that is accepted, in days since its `createdAt`."""

    requirements: tuple[Requirement, ...] = ()
    """The lowest rungs of facts."""

    part_requirements: tuple[Requirement, ...] = ()
    """The lowest rungs of whole parts."""

    empty_is_met: bool = False
    """Whether a requirement is met that matches nothing."""

    not_applicable_is_met: bool = False
    """Whether a requirement is met by a fact that does not apply."""

    revoked_keys: tuple[RevokedKey, ...] = ()
    """Keys that are no longer trusted."""

    revoked_artifacts: tuple[RevokedArtifact, ...] = ()
    """Manifests, releases and files that are no longer trusted."""

    ancestors: AncestorRules | None = None
    """What holds for the models that this one was made from."""

    def __post_init__(self) -> None:
        """Refuse nonsense before anything is verified."""
        _check_keys(self.keys)
        _check_model_name(self.model_name)
        _check_number("clock_skew_seconds", self.clock_skew_seconds, MAX_CLOCK_SKEW_SECONDS)
        _check_presets(self.presets)
        for name in _FLAGS:
            if not isinstance(getattr(self, name), bool):
                raise _nonsense(name, "true or false", getattr(self, name))
        check_rules(self)
        _check_roles(self)

    @property
    def verifiers(self) -> tuple[SignatureVerifier, ...]:
        """Every key and identity whose signature is looked for."""
        return (*self.keys, *(signer.verifier for signer in self.signers))

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """The fingerprints of the keys, each once, in the order given."""
        return tuple(dict.fromkeys(verifier.fingerprint for verifier in self.verifiers))

    @property
    def needs_sha256(self) -> bool:
        """Whether the SHA-256 of each released file has to be recomputed from its bytes.

        Revoked files are named by it, and what a manifest records of it may be wrong.
        """
        return self.recompute_sha256 or bool(self.revoked_artifacts)

    def roles_for(self, predicate_type: str) -> tuple[Role, ...]:
        """Return the roles that may sign statements of a type."""
        return tuple(role for role in self.roles if predicate_type in role.predicate_types)


# The checks take objects: callers without a type checker exist, and a policy decides about trust.


def _check_keys(keys: object) -> None:
    if not isinstance(keys, tuple) or len(keys) > MAX_KEYS:
        raise _nonsense("keys", f"a tuple of at most {MAX_KEYS} keys", keys)
    for key in keys:
        if not isinstance(key, SignatureVerifier):
            raise _nonsense("keys", "only signature verifiers", key)


def _check_model_name(name: object) -> None:
    if name is None:
        return
    if not isinstance(name, str) or not 0 < len(name) <= MAX_MODEL_NAME_CHARACTERS:
        expected = f"a name of 1 to {MAX_MODEL_NAME_CHARACTERS} characters"
        raise _nonsense("model_name", expected, name)


def _check_number(field: str, value: object, most: int) -> None:
    if isinstance(value, bool) or not (isinstance(value, int) and 0 <= value <= most):
        raise _nonsense(field, f"whole seconds from 0 to {most}", value)


def _check_presets(presets: object) -> None:
    if not isinstance(presets, tuple):
        raise _nonsense("presets", "a tuple of names", presets)
    for name in presets:
        if not isinstance(name, str) or name not in PRESETS:
            raise _nonsense("presets", f"only names of {', '.join(PRESETS)}", name)


def _check_roles(policy: TrustPolicy) -> None:
    """Refuse what could never be met, or would be met by nobody's signature."""
    names = [signer.name for signer in policy.signers]
    if len(set(names)) != len(names):
        raise _nonsense("signers", "each name once", names)
    if policy.signers and not policy.roles:
        raise _nonsense("roles", "a role that says what the signers may sign", policy.roles)
    if policy.roles and policy.keys:
        # A key beside the roles would be a way around them.
        raise UsageError(
            path="keys",
            problem="the policy says who may sign, in roles, and a key is named beside it",
            remedy="add the key to the policy, or leave one of the two out",
        )
    named = (*policy.roles, *filter(None, (policy.policy_signers,)))
    for role in named:
        unknown = [name for name in role.signers if name not in names]
        if unknown:
            raise _nonsense(f"roles/{role.name}", "names of signers", unknown[0])
        most = len(set(role.signers))
        if not 1 <= role.threshold <= most:
            expected = f"a threshold from 1 to {most}, the number of its signers"
            raise _nonsense(f"roles/{role.name}", expected, role.threshold)


def _nonsense(name: str, expected: str, found: object) -> UsageError:
    return UsageError(path=name, problem=f"expected {expected}, found {shown(found)}")
