"""Step 25: what the policy requires was checked, or the verdict cannot be PASS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.errors import shown
from provenance.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provenance.checks.evidence import Evidence
    from provenance.trust import TrustPolicy

__all__ = ["check_requirements"]


def check_requirements(evidence: Evidence, policy: TrustPolicy) -> Iterator[Finding]:
    """Step 25: a known signer, and every byte of the release accounted for.

    A requirement that nothing was found to satisfy is not met: the verdict is INCOMPLETE unless
    something worse holds.

    Codes: `required-not-checked`.
    """
    if evidence.source == "draft":
        return
    if evidence.signature is None or evidence.signature.status != "verified":
        message = "a signature by a key that you named is required, and there is none"
        yield Finding("required-not-checked", "", message)
    unmet = _unmet_files(evidence, policy)
    if unmet:
        yield Finding(
            "required-not-checked", "/release", f"every byte of the release is required: {unmet}"
        )


def _unmet_files(evidence: Evidence, policy: TrustPolicy) -> str:
    if evidence.source == "bundle":
        return "no file was given, the manifest alone was read"
    if not evidence.listed:
        return "no list of files could be read"
    unchecked = [entry.path for entry in evidence.listed if not _is_examined(evidence, entry.path)]
    if unchecked:
        count = f"{len(unchecked)} of {len(evidence.listed)}"
        return f"{count} files were not examined, e.g. {shown(unchecked[0])}"
    if policy.all_digests:
        partly = [
            entry.path
            for entry in evidence.listed
            if entry.path in evidence.found
            and evidence.found[entry.path].digest
            and not entry.digest.keys() <= evidence.found[entry.path].digest.keys()
        ]
        if partly:
            some = f"{len(partly)} files, e.g. {shown(partly[0])}"
            return f"not every recorded digest was compared, of {some}"
    if policy.needs_sha256:
        without = [entry.path for entry in evidence.listed if _lacks_sha256(evidence, entry.path)]
        if without:
            some = f"{len(without)} files, e.g. {shown(without[0])}"
            return f"the SHA-256 was not recomputed, of {some}"
    return ""


def _lacks_sha256(evidence: Evidence, name: str) -> bool:
    found = evidence.found.get(name)
    return found is not None and bool(found.digest) and "sha256" not in found.digest


def _is_examined(evidence: Evidence, name: str) -> bool:
    """Return whether a file was compared, or is missing or wrong, which is an error."""
    if not evidence.is_selected(name) or evidence.is_unseen(name):
        return False
    found = evidence.found.get(name)
    if found is None:
        return True  # missing: step 10 said so
    entry = evidence.listed_by_name[name]
    if found.size is not None and found.size != entry.size:
        return True  # step 11 said so
    return bool(found.digest.keys() & entry.counted.keys())
