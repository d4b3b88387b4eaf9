"""Findings of one severity as lines: one for each, or one for all that are alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.render.escaping import escape, shorten
from provenance.render.quantities import format_count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provenance.verification.report import ReportedFinding

__all__ = ["finding_lines", "limit_lines"]

#: Lines of one severity that are shown; the rest is counted, and stands in the JSON report.
MAX_SHOWN_FINDINGS = 200
#: Findings of one code that have a line each, and places that the line of more of them names.
MAX_ALIKE = 3
#: Characters of one message that are shown.
MAX_MESSAGE_CHARACTERS = 1_000

#: What says something else each time: the words of the producer or of the recorder.
_NEVER_ALIKE = frozenset({"fact-withheld", "gap-recorded", "fact-not-applicable"})


def finding_lines(found: list[ReportedFinding]) -> list[tuple[str, int]]:
    """Return the lines of findings of one severity, and how many findings each stands for."""
    kinds: dict[tuple[str, str | None], list[ReportedFinding]] = {}
    for finding in found:
        kinds.setdefault((finding.code, finding.remedy), []).append(finding)
    lines: list[tuple[str, int]] = []
    for alike in kinds.values():
        # Each error is looked for in its own place; advice that all of them share is said once.
        own = alike[0].severity == "error" or alike[0].code in _NEVER_ALIKE
        if own or len(alike) <= (1 if alike[0].remedy else MAX_ALIKE):
            lines += [(_finding(finding), 1) for finding in alike]
        else:
            lines.append((_many(alike), len(alike)))
    return lines


def limit_lines(lines: list[tuple[str, int]]) -> Iterator[str]:
    """Yield the lines that are shown, and how many findings the others stand for."""
    for line, _ in lines[:MAX_SHOWN_FINDINGS]:
        yield f"  {line}"
    hidden = sum(count for _, count in lines[MAX_SHOWN_FINDINGS:])
    if hidden:
        yield f"  … and {format_count(hidden)} more; --format json lists them"


def _many(alike: list[ReportedFinding]) -> str:
    """Return one line: the first finding in full, where the next ones are, and how many more."""
    first, *others = alike
    places = ", ".join(shorten(it.path or it.message) for it in others[: MAX_ALIKE - 1])
    hidden = len(alike) - MAX_ALIKE
    rest = f" and {format_count(hidden)} more" if hidden > 0 else ""
    told = f"{format_count(len(alike))} times: {_told(first)}; also {places}{rest}"
    return escape(f"{first.code}  {told}{_advice(first)}")


def _finding(finding: ReportedFinding) -> str:
    return escape(f"{finding.code}  {_told(finding)}{_advice(finding)}")


def _told(finding: ReportedFinding) -> str:
    where = f"{finding.path}: " if finding.path else ""
    return f"{where}{shorten(finding.message, MAX_MESSAGE_CHARACTERS)}"


def _advice(finding: ReportedFinding) -> str:
    return f" → {finding.remedy}" if finding.remedy else ""
