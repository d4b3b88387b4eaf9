"""A verification beside what the verifier remembers: is this older or weaker than what passed?

What is remembered is compared and written in one step, after everything else was checked, and only
a PASS is written. Reading and writing the file that the caller named is the only I/O.

Source: `spec/trust-policy.md`, section "Rollback memory".
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, get_args

from msgspec.structs import replace

from provenance.checks import facts_of, parts_of
from provenance.envelope import manifest_digest
from provenance.errors import InputError, TrustError
from provenance.findings import Finding
from provenance.manifest import MANIFEST_V1, FrozenMapping
from provenance.signing import IdentityPattern
from provenance.signing.identities import Identity, IdentityKind
from provenance.trust.state import Seen, compare_seen, remember
from provenance.verification.summary import judge

if TYPE_CHECKING:
    from provenance.checks import Evidence, SignatureOutcome
    from provenance.signing import VerifiedSigner
    from provenance.trust import TrustPolicy
    from provenance.verification.building import Outcome
    from provenance.verification.options import PathLike

__all__ = ["compare_with_memory"]

#: What the kind of an attestation is if its payload is that of the manifest.
_CO_SIGNATURE = "co-signature"


def compare_with_memory(outcome: Outcome, state: PathLike, policy: TrustPolicy) -> Outcome:
    """Return the outcome with what the memory says against it; remember it if it passes.

    Args:
        outcome: What the checks came to.
        state: The file of the memory.
        policy: Who may sign manifests of the model.
    """
    if outcome.evidence is None or outcome.statement is None:
        return outcome
    if judge(outcome.findings) != "PASS" and not os.path.lexists(state):
        return outcome  # nothing to compare with, and nothing to write
    rules = _Rules(policy, outcome.evidence.manifest.model.name)
    new = _seen(outcome.evidence, rules, manifest_digest(outcome.statement.payload))
    if not new:
        return outcome
    found: list[Finding] = []

    def decide(known: tuple[Seen, ...]) -> bool:
        found.extend(Finding(*one) for one in compare_seen(known, new, rules.is_trusted))
        return judge((*outcome.findings, *found)) == "PASS"

    try:
        remember(state, new, decide)
    except (InputError, TrustError) as error:
        found.append(Finding("state-not-written", "", f"{error.path}: {error.problem}"))
    return replace(outcome, findings=(*outcome.findings, *found))


class _Rules:
    """Who may sign manifests of one model under a policy."""

    def __init__(self, policy: TrustPolicy, model: str) -> None:
        self._has_roles = bool(policy.roles)
        self._names = {
            name
            for role in policy.roles_for(MANIFEST_V1)
            if role.may_sign_for(model)
            for name in role.signers
        }
        self._verifiers = [
            *policy.keys,
            *(signer.verifier for signer in policy.signers if signer.name in self._names),
        ]

    def counted(self, outcome: SignatureOutcome) -> list[VerifiedSigner]:
        """Return the signers for whom a signature of the manifest counts, and who may sign it."""
        return [
            signer
            for name, signer in outcome.counted.items()
            if not self._has_roles or name in self._names
        ]

    def is_trusted(self, vote: str) -> bool:
        """Return whether a remembered signer is one of those who may sign."""
        # An identity cannot hold this text: it has no blanks.
        name, separator, _ = vote.partition(" (issuer ")
        for verifier in self._verifiers:
            if verifier.fingerprint == vote:
                return True
            pattern = getattr(verifier, "identity", None)
            if separator and isinstance(pattern, IdentityPattern) and _fits(pattern, name):
                return True
        return False


def _fits(pattern: IdentityPattern, name: str) -> bool:
    # The memory does not say of which kind the name is: any that would do is one too many to trust.
    return any(pattern.matches(Identity(kind, name)) for kind in get_args(IdentityKind))


def _seen(evidence: Evidence, rules: _Rules, digest: str) -> tuple[Seen, ...]:
    """Return one entry for each signer of the manifest whose signature counts."""
    signers = _signers(evidence, rules)
    if not signers:
        return ()
    votes = tuple(sorted({signer.vote for signer in signers}))
    sources = {stamp.source for signer in signers for stamp in signer.times}
    manifest = evidence.manifest
    rungs = {part.part.id: part.rung for part in parts_of(facts_of(evidence)) if part.rung}
    return tuple(
        Seen(
            model=manifest.model.name,
            signer=vote,
            created_at=manifest.created_at,
            manifest_digest=digest,
            signers=votes,
            rungs=FrozenMapping(rungs) if rungs else None,
            timestamp="timestamp-authority" in sources,
            log="transparency-log" in sources,
        )
        for vote in votes
    )


def _signers(evidence: Evidence, rules: _Rules) -> list[VerifiedSigner]:
    main = evidence.signature
    if main is None or main.status != "verified" or main.signer is None:
        return []
    outcomes = [main]
    outcomes += [item.signature for item in evidence.attestations if item.kind == _CO_SIGNATURE]
    signers = []
    for outcome in outcomes:
        signers += rules.counted(outcome)
    return signers
