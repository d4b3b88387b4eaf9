"""Whether what an attestation says speaks for the manifest that it is about. No I/O.

A signature is good whatever was signed. An evaluation that did not run, a reproduction that came
out differently, and a statement about another model are no support for this one.

Source: `spec/trust-policy.md`, section "Roles".
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from provenance.errors import shown
from provenance.manifest import EvaluationAttestation, ReproductionAttestation, parse_timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from provenance.checks.evidence import Attestation, Evidence
    from provenance.manifest import Manifest
    from provenance.trust import TrustPolicy

__all__ = ["why_no_support"]

_GOOD_OUTCOMES = frozenset({"equal", "within"})
_UNFINISHED = frozenset({"failed", "interrupted"})


def why_no_support(evidence: Evidence, item: Attestation, policy: TrustPolicy) -> str:
    """Return why an attestation does not count for any role, as a sentence; empty if it does.

    Args:
        evidence: The manifest, and the verifier's clock.
        item: An attestation of it; a co-signature says nothing of its own.
        policy: How far the clock of whoever made it may be ahead.
    """
    return next(_reasons(evidence, item, policy), "")


def _reasons(evidence: Evidence, item: Attestation, policy: TrustPolicy) -> Iterator[str]:
    document = item.document
    if document is None:
        return
    # A difference is compared, not a sum: a sum with the year 9999 would overflow.
    ahead = parse_timestamp(document.created_at) - evidence.now
    if ahead > timedelta(seconds=policy.clock_skew_seconds):
        yield f"it says that it was made at {document.created_at}, which is in the future"
    if document.expires_at is not None and parse_timestamp(document.expires_at) <= evidence.now:
        yield f"it expired at {document.expires_at}"
    named, ours = document.manifest.model, evidence.manifest.model.name
    if named is not None and named != ours:
        yield f"it is about the model {shown(named)}, this one is {shown(ours)}"
    if isinstance(document, ReproductionAttestation):
        yield from _reproduction(document, evidence.manifest)
    else:
        yield from _evaluation(document, evidence.manifest)


def _reproduction(document: ReproductionAttestation, manifest: Manifest) -> Iterator[str]:
    training = manifest.training
    ids = {
        "processing": {one.id for one in manifest.processing},
        "segment": {one.id for one in training.segments} if training else set(),
        "checkpoint": {one.id for one in training.checkpoints} if training else set(),
        "evaluation": {one.id for one in manifest.evaluations},
    }
    for one in document.reproduced:
        if one.outcome not in _GOOD_OUTCOMES:
            yield f"the outcome of {one.kind} {shown(one.id)} is {one.outcome}"
        if one.id not in ids[one.kind]:
            yield f"the manifest has no {one.kind} {shown(one.id)}"


def _evaluation(document: EvaluationAttestation, manifest: Manifest) -> Iterator[str]:
    training = manifest.training
    checkpoints = {one.id for one in training.checkpoints} if training else set()
    if repeated := _repeated([one.id for one in document.evaluations]):
        yield f"two evaluations are called {shown(repeated)}"
    for one in document.evaluations:
        if one.status in _UNFINISHED:
            yield f"the evaluation {shown(one.id)} {_ended(one.status)}"
        if one.checkpoint is not None and one.checkpoint not in checkpoints:
            yield f"the manifest has no checkpoint {shown(one.checkpoint)}"


def _ended(status: str | None) -> str:
    return "was interrupted" if status == "interrupted" else "failed"


def _repeated(ids: Sequence[str]) -> str:
    return next((one for index, one in enumerate(ids) if one in ids[:index]), "")
