"""The first line of a report: the verdict in words. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.errors import shown
from provenance.findings import CODES, Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provenance.checks import Evidence, PartRung, SignatureOutcome
    from provenance.findings import Finding
    from provenance.verification.report import FileCounts, Verdict

__all__ = ["judge", "quoted", "summarise"]

#: What no verdict says, and every good one says so.
DISCLAIMER = "Says nothing about quality or safety."

#: Codes of what was required and is not there, so that the verdict cannot be PASS.
REQUIRED = frozenset({"required-not-checked", "requirement-not-met"})

# What says more than "something required was not checked", which always stands beside it.
_SAY_MORE = frozenset(
    {
        "manifest-missing",
        "oms-only",
        "draft-unsigned",
        "signer-unknown",
        "digest-not-supplied",
        "pattern-unmatched",
        "requirement-not-met",
    }
)


def judge(findings: Sequence[Finding]) -> Verdict:
    """Return the verdict: FAIL before ERROR before INCOMPLETE before PASS.

    Source: `spec/verification.md`, section "Verdict".
    """
    if any(finding.severity is Severity.ERROR for finding in findings):
        return "FAIL"
    if any(CODES[finding.code].fault for finding in findings):
        return "ERROR"
    if any(finding.code in REQUIRED for finding in findings):
        return "INCOMPLETE"
    return "PASS"


def summarise(
    verdict: Verdict,
    findings: Sequence[Finding],
    evidence: Evidence | None,
    signature: SignatureOutcome | None,
    parts: Sequence[PartRung],
    *,
    files: FileCounts | None = None,
    name: str | None,
) -> str:
    """Return one line that says what came out, for somebody who reads nothing else."""
    if verdict == "PASS" and evidence is not None and signature is not None:
        passed = _passed(evidence, signature, name) + _by_the_cache(files)
        return f"PASS: {passed}. {_training(parts)} {DISCLAIMER}"
    first = _first(verdict, findings)
    if first is None:
        return f"{verdict}: nothing was verified."
    where = f"{first.path}: " if first.path else ""
    remedy = f" {first.remedy}" if first.remedy else ""
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    more = _more(errors - 1) if verdict == "FAIL" else ""
    if verdict == "INCOMPLETE" and files is not None and _is_part(evidence):
        where = f"{_counted(files)}. {where}"
    return f"{verdict}: {where}{first.message}.{remedy}{more}"


def _is_part(evidence: Evidence | None) -> bool:
    """Return whether only a part of a folder was asked for."""
    return evidence is not None and evidence.source == "folder" and evidence.selected is not None


def _counted(files: FileCounts) -> str:
    """Return how much of the release was looked at, where only a part of it was asked for."""
    left_out = files.not_examined - files.not_present
    verb = "matches" if files.matched == 1 else "match"
    said = [
        f"{files.matched} of {files.listed} files {verb}" + _by_the_cache(files),
        f"{files.not_present} not present" if files.not_present else "",
        f"{left_out} not looked at" if left_out else "",
    ]
    return ", ".join(filter(None, said))


def _by_the_cache(files: FileCounts | None) -> str:
    if files is None or not files.cached:
        return ""
    return f" ({files.cached} of {files.listed} files by digests cached earlier, not read)"


def _passed(evidence: Evidence, signature: SignatureOutcome, name: str | None) -> str:
    pinned = f" (pinned as {quoted(name)})" if name else ""
    roles = ", ".join(quoted(one) for one in signature.counted if one != signature.fingerprint)
    pinned += f" (in the policy as {roles})" if roles else ""
    model = quoted(evidence.manifest.model.name)
    what = "the digests supplied are" if evidence.source == "digests" else "the files are"
    who = f"key {signature.fingerprint}{pinned}"
    if signature.signer is not None and signature.signer.identity is not None:
        who = f"{quoted(signature.signer.identity)} with {who}"
    return f"{what} exactly what {who} signed as {model}"


def _more(count: int) -> str:
    """Return what else is wrong, in words."""
    if count < 1:
        return ""
    return " There is 1 more error." if count == 1 else f" There are {count} more errors."


def quoted(name: str) -> str:
    """Return a foreign name between double quotes, out of which no quote of its own leads."""
    text = shown(name)
    if not (text.startswith("'") and text.endswith("'")):
        return text
    inner = text[1:-1].replace('"', '\\"')
    return f'"{inner}"'


def _training(parts: Sequence[PartRung]) -> str:
    applicable = [part for part in parts if part.rung is not None]
    backed = sum(part.is_backed for part in applicable)
    return f"Training: {backed} of {len(applicable)} parts backed by evidence."


def _first(verdict: Verdict, findings: Sequence[Finding]) -> Finding | None:
    """Return the finding that says most about a verdict."""
    for finding in findings:
        row = CODES[finding.code]
        if verdict == "FAIL" and row.severity is Severity.ERROR:
            return finding
        if verdict == "ERROR" and row.fault:
            return finding
        if verdict == "INCOMPLETE" and finding.code in _SAY_MORE:
            return finding
    required = (finding for finding in findings if finding.code == "required-not-checked")
    return next(required, None)
