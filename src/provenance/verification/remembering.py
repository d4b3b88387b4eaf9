"""A verification beside what the verifier remembers: is this older or weaker than what passed?

What is remembered is compared and written in one step, after everything else was checked, and only
a PASS is written. Reading and writing the file that the caller named is the only I/O.

Source: `spec/trust-policy.md`, section "Rollback memory".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from provenance.checks import facts_of, parts_of
from provenance.envelope import manifest_digest
from provenance.errors import InputError, TrustError
from provenance.findings import Finding
from provenance.manifest import FrozenMapping
from provenance.trust.state import Seen, compare_seen, remember
from provenance.verification.summary import judge

if TYPE_CHECKING:
    from provenance.checks import Evidence
    from provenance.signing import VerifiedSigner
    from provenance.verification.building import Outcome
    from provenance.verification.options import PathLike

__all__ = ["compare_with_memory"]

#: What the kind of an attestation is if its payload is that of the manifest.
_CO_SIGNATURE = "co-signature"


def compare_with_memory(outcome: Outcome, state: PathLike) -> Outcome:
    """Return the outcome with what the memory says against it; remember it if it passes.

    Args:
        outcome: What the checks came to.
        state: The file of the memory.
    """
    if outcome.evidence is None or outcome.statement is None:
        return outcome
    new = _seen(outcome.evidence, manifest_digest(outcome.statement.payload))
    if not new:
        return outcome
    found: list[Finding] = []

    def decide(known: tuple[Seen, ...]) -> bool:
        found.extend(Finding(*one) for one in compare_seen(known, new))
        return judge((*outcome.findings, *found)) == "PASS"

    try:
        remember(state, new, decide)
    except (InputError, TrustError) as error:
        found.append(Finding("state-not-written", "", f"{error.path}: {error.problem}"))
    return replace(outcome, findings=(*outcome.findings, *found))


def _seen(evidence: Evidence, digest: str) -> tuple[Seen, ...]:
    """Return one entry for each signer of the manifest whose signature counts."""
    signers = _signers(evidence)
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


def _signers(evidence: Evidence) -> list[VerifiedSigner]:
    main = evidence.signature
    if main is None or main.status != "verified" or main.signer is None:
        return []
    outcomes = [main]
    outcomes += [item.signature for item in evidence.attestations if item.kind == _CO_SIGNATURE]
    signers = []
    for outcome in outcomes:
        signers += list(outcome.counted.values())
    return signers
