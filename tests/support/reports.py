"""What tests ask of a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provenance.verification import Report

__all__ = ["errors_of", "expect", "rungs_of"]


def errors_of(report: Report) -> list[tuple[str, str]]:
    """Return code and path of every error."""
    return [
        (finding.code, finding.path) for finding in report.findings if finding.severity == "error"
    ]


def expect(report: Report, verdict: str, *codes: str) -> None:
    """Check the verdict and that these codes are among the findings; of errors, no others."""
    assert report.verdict == verdict, report.summary
    found = [finding.code for finding in report.findings]
    assert set(codes) <= set(found), found
    assert {code for code, _ in errors_of(report)} <= set(codes), errors_of(report)


def rungs_of(report: Report) -> dict[str, str | None]:
    """Return the rung of every part."""
    return {part.id: part.rung for part in report.parts}
