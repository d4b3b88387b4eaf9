"""Step 18: the segments of the run, and the code that ran."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.checks.document_walk import walk_documents
from provenance.errors import MAX_TOLD_CHARACTERS, shown
from provenance.findings import Finding
from provenance.manifest import CodeReference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provenance.checks.evidence import Evidence
    from provenance.manifest import Segment
    from provenance.trust import TrustPolicy

__all__ = ["check_code", "check_gaps", "check_segments", "check_undeclared_inputs"]

#: Undeclared inputs that a finding names; the rest is counted.
MAX_NAMED_INPUTS = 5


def check_segments(evidence: Evidence, policy: TrustPolicy) -> Iterator[Finding]:
    """Step 18: in each stage, segments follow one another without holes, half-open in steps.

    A segment that begins before the end of the one before it must say `rollbackTo`.

    Codes: `segment-range`, `segment-hole`, `segment-overlap`, `segment-rollback`.
    """
    training = evidence.manifest.training
    last: dict[str | None, Segment] = {}
    lowest: dict[str | None, int] = {}
    for index, segment in enumerate(training.segments if training is not None else ()):
        path = f"/training/segments/{index}"
        if segment.to_step < segment.from_step:
            message = f"from step {segment.from_step} to step {segment.to_step}"
            yield Finding("segment-range", path, message)
        first = lowest.setdefault(segment.stage, segment.from_step)
        before = last.get(segment.stage)
        yield from _check_join(path, segment, before, first)
        last[segment.stage] = segment


def check_code(evidence: Evidence, policy: TrustPolicy) -> Iterator[Finding]:
    """Step 18: every code that ran is bound, by a commit or by its bytes, and was not changed.

    Codes: `code-modified`, `code-unpinned`.
    """
    for path, code in walk_documents(evidence.manifest):
        if not isinstance(code, CodeReference):
            continue
        if code.modified:
            patch = "; the differences are bound" if code.patch is not None else ""
            files = f" ({len(code.modified_files)} files)" if code.modified_files else ""
            message = f"tracked files differed from the commit when it ran{files}{patch}"
            yield Finding("code-modified", path, message)
        bound = (code.commit, code.files, code.inventory_file, code.document)
        has_script = code.script is not None and code.script.digest is not None
        if not any(item is not None for item in bound) and not code.inventory and not has_script:
            message = "no full commit id and no digest says which code ran"
            yield Finding("code-unpinned", path, message)


def check_undeclared_inputs(evidence: Evidence, policy: TrustPolicy) -> Iterator[Finding]:
    """Step 18: data files that the scripts opened and nobody declared are shown, as one finding.

    Codes: `inputs-undeclared`.
    """
    training = evidence.manifest.training
    inputs = training.undeclared_inputs if training is not None else ()
    if inputs:
        names = ", ".join(shown(item.path) for item in inputs[:MAX_NAMED_INPUTS])
        more = len(inputs) - MAX_NAMED_INPUTS
        rest = f" and {more} more" if more > 0 else ""
        message = f"data was read that no dataset describes: {names}{rest}"
        yield Finding("inputs-undeclared", "/training/undeclaredInputs", message)


def check_gaps(evidence: Evidence, policy: TrustPolicy) -> Iterator[Finding]:
    """Step 18: what the recorder could not see is shown.

    Codes: `gap-recorded`.
    """
    for index, gap in enumerate(evidence.manifest.gaps):
        told = shown(gap.description, limit=MAX_TOLD_CHARACTERS)
        message = f"{shown(gap.subject)} ({gap.kind}): {told}"
        yield Finding("gap-recorded", f"/gaps/{index}", message)


def _check_join(
    path: str, segment: Segment, before: Segment | None, first: int
) -> Iterator[Finding]:
    """Check how a segment joins the one before it in its stage."""
    back = segment.rollback_to
    start = segment.from_step
    if before is None:
        if back is not None:
            message = f"rolls back to step {back}, and no segment of this stage comes before it"
            yield Finding("segment-rollback", f"{path}/rollbackTo", message)
        return
    end = before.to_step
    if back is not None and not (first <= back <= end and back == start):
        message = (
            f"rolls back to step {back} and begins at {start}; "
            f"steps {first} to {end} had been reached"
        )
        yield Finding("segment-rollback", f"{path}/rollbackTo", message)
    elif start > end:
        message = f"begins at step {start}, the segment {shown(before.id)} ends at {end}"
        yield Finding("segment-hole", path, message)
    elif start < end and back is None:
        message = (
            f"begins at step {start}, the segment {shown(before.id)} ends at {end}, "
            "and nothing rolled back"
        )
        yield Finding("segment-overlap", path, message)
