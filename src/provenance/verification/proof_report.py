"""What came out of checking a proof. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from provenance.findings import CODES, Finding, Severity
from provenance.verification.proof_text import say_proof
from provenance.verification.report import EXIT_CODES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provenance.digest import ProofFile
    from provenance.verification.proof_places import Place
    from provenance.verification.report import ExitCode, Verdict

__all__ = ["ProofReport", "build_proof_report"]


@dataclass(frozen=True, kw_only=True)
class ProofReport:
    """What came out of checking a proof."""

    verdict: Verdict
    """PASS, FAIL, INCOMPLETE or ERROR, as for a release."""

    summary: str
    """One line that says it in words."""

    findings: tuple[Finding, ...]
    """What was found, in the order of the checks."""

    proof: ProofFile | None = None
    """The proof, if it could be read."""

    pointer: str | None = None
    """JSON Pointer of the typed root in the manifest; `None` if it was not found there."""

    signer: str | None = None
    """Fingerprint of the named key that signed; `None` if no named key did."""

    model: str | None = None
    """The name that the manifest gives the model; without a signer, anybody's word."""

    @property
    def exit_code(self) -> ExitCode:
        """0, 1, 3 or 4: the exit code for the verdict."""
        return EXIT_CODES[self.verdict]

    def to_tree(self) -> dict[str, Any]:
        """Return the report as plain JSON values."""
        proof = self.proof
        return {
            "entry": None if proof is None else _plain(proof.entry),
            "findings": [
                {
                    "code": finding.code,
                    "message": finding.message,
                    "path": finding.path,
                    "severity": str(finding.severity),
                }
                for finding in self.findings
            ],
            "model": self.model,
            "pointer": self.pointer,
            "root": None if proof is None else proof.root.to_tree(),
            "signer": self.signer,
            "summary": self.summary,
            "verdict": self.verdict,
        }


def build_proof_report(
    findings: Iterable[Finding],
    proof: ProofFile | None = None,
    place: Place | None = None,
    **about: str | None,
) -> ProofReport:
    """Return the report: the verdict, and the line that says it.

    Args:
        findings: What was found.
        proof: The proof, if it could be read.
        place: Where its root stands in the manifest; `None` for a root that the caller named.
        **about: Who signed (`signer`) and what the manifest calls the model (`model`).
    """
    found = tuple(findings)
    verdict = _judge(found)
    words = None if place is None else place.words
    return ProofReport(
        verdict=verdict,
        summary=say_proof(verdict, found, proof, place=words, **about),
        findings=found,
        proof=proof,
        pointer=None if place is None else place.pointer,
        signer=about.get("signer"),
        model=about.get("model"),
    )


def _judge(findings: tuple[Finding, ...]) -> Verdict:
    if any(finding.severity is Severity.ERROR for finding in findings):
        return "FAIL"
    if any(CODES[finding.code].fault for finding in findings):
        return "ERROR"
    if any(finding.severity is Severity.NOT_CHECKED for finding in findings):
        return "INCOMPLETE"
    return "PASS"


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON
    if hasattr(value, "items"):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
