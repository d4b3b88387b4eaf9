"""Steps 23 and 24: what the caller holds, and what others attest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from provenance.canonical import resolve_pointer
from provenance.checks.evidence import OMS_FILE
from provenance.checks.facts import facts_of
from provenance.checks.pointers import Places
from provenance.errors import shown
from provenance.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provenance.checks.evidence import Evidence
    from provenance.trust import TrustPolicy

__all__ = ["check_attestations", "check_supplied"]


def check_supplied(evidence: Evidence, policy: TrustPolicy) -> Iterator[Finding]:
    """Step 23: evidence that the caller holds is what was signed; name what nobody holds.

    Codes: `evidence-matched`, `evidence-mismatch`, `evidence-unknown`, `evidence-unbound`,
    `records-matched`, `records-resharded`, `records-reordered`, `records-differ`,
    `records-not-compared`, `records-files-unread`, `evidence-not-supplied`.
    """
    for item in evidence.supplied:
        yield Finding(item.code, item.path, item.message)
    if evidence.source == "draft":
        return
    # For these something was named, and what came of it has just been said.
    paths = [*(item.path for item in evidence.supplied), *(it.path for it in evidence.faults)]
    named = Places(paths)
    for fact in facts_of(evidence):
        if fact.rung == "bound" and fact.path not in named:
            name = _name_of(evidence, fact.path)
            message = f"a digest{name} is signed, and no bytes are here to compare with it"
            yield Finding("evidence-not-supplied", fact.path, message)


def _name_of(evidence: Evidence, path: str) -> str:
    """Return the id of what a path leads to, in words: a reader knows ids, not positions."""
    fact = resolve_pointer(dict(evidence.tree), path)
    name = fact.get("id") if isinstance(fact, Mapping) else None
    return f" of {shown(name)}" if name else ""


def check_attestations(evidence: Evidence, policy: TrustPolicy) -> Iterator[Finding]:
    """Step 24: who signed what lies beside the manifest.

    Codes: `attestation-verified`, `attestation-unverified`, `oms-present`.
    """
    for item in evidence.attestations:
        if item.signature.status == "verified":
            message = f"{item.kind} signed by key {item.signature.fingerprint}"
            yield Finding("attestation-verified", item.path, message)
        else:
            message = f"{item.kind} by a signer that you did not name; it has no effect"
            yield Finding("attestation-unverified", item.path, message)
    if OMS_FILE in evidence.found and OMS_FILE not in evidence.listed_names:
        yield Finding("oms-present", OMS_FILE, "it was not verified; a tool for OMS can do that")
