"""The first line about a proof: what is proved, in words. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.findings import CODES, Severity
from provenance.verification.summary import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provenance.digest import ProofFile
    from provenance.findings import Finding
    from provenance.verification.report import Verdict

__all__ = ["say_proof"]


def say_proof(
    verdict: Verdict,
    findings: Sequence[Finding],
    proof: ProofFile | None,
    *,
    place: str | None = None,
    signer: str | None = None,
    model: str | None = None,
) -> str:
    """Return one line that says what came out, for somebody who reads nothing else.

    Args:
        verdict: What came out.
        findings: Why.
        proof: The proof, if it could be read.
        place: What the tree is the tree of, in words; `None` for a root that the caller named.
        signer: Fingerprint of the named key that signed the manifest.
        model: What the manifest calls the model.
    """
    if verdict in {"FAIL", "ERROR"} or proof is None:
        first = _first(findings, verdict)
        where = f"{first.path}: " if first.path else ""
        return f"{verdict}: {where}{first.message}."
    missing = [finding for finding in findings if finding.severity is Severity.NOT_CHECKED]
    compared = all(finding.code == "signer-unknown" for finding in missing)
    said = _entry(proof, place or "the tree", _author(place, signer, model), compared=compared)
    reasons = "; ".join(finding.message for finding in missing)
    return (
        f"{verdict}: {reasons}. As far as was checked, {said}."
        if missing
        else f"{verdict}: {said}."
    )


def _first(findings: Sequence[Finding], verdict: Verdict) -> Finding:
    if verdict == "FAIL":
        return next(finding for finding in findings if finding.severity is Severity.ERROR)
    return next((finding for finding in findings if CODES[finding.code].fault), findings[0])


def _entry(proof: ProofFile, tree: str, author: str, *, compared: bool) -> str:
    noun = proof.kind
    shards = "".join(f" in the shard {quoted(level.shard or '')}" for level in proof.levels[1:])
    if proof.name:
        thing = f"the {noun} is" if compared else f"the proof is for the {noun}"
        thing += f" {quoted(proof.name)}"
    else:
        # It has no name, and its place in the order says which one it is.
        thing = f"this is {noun}" if compared else f"the proof is for {noun}"
        index = proof.levels[0].index
        thing += f" {index + 1} (index {index})"
    return f"{thing}{shards} of {tree} that {author}; {_counted(proof)}"


def _author(place: str | None, signer: str | None, model: str | None) -> str:
    if place is None:
        return "has the root that you named"
    if signer is None:
        return f"somebody unknown signed as {quoted(model or '')}"
    return f"key {signer} signed as {quoted(model or '')}"


def _counted(proof: ProofFile) -> str:
    first, *shards = proof.levels
    nouns = [(proof.kind, first.root.size), *(("shard", level.root.size) for level in shards)]
    return ", ".join(
        f"1 of {size} {noun}s" if size != 1 else f"the only {noun}" for noun, size in nouns
    )
