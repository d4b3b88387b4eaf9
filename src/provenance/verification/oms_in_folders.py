"""The OMS signature of a folder: in place of our manifest, or beside it. Source: `spec/oms.md`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from provenance.canonical import MAX_BUNDLE_BYTES
from provenance.checks import OMS_FILE, PARTS, Fact
from provenance.errors import ProvenanceError
from provenance.findings import Finding
from provenance.verification.oms_checking import (
    OmsChecked,
    OmsRules,
    as_outcome,
    check_oms,
    in_words,
    is_decided,
    unreadable_signature,
)
from provenance.verification.oms_files import OmsPlace
from provenance.verification.sources import FolderSource

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from provenance.envelope import Statement
    from provenance.verification.building import Outcome
    from provenance.verification.options import Options
    from provenance.verification.sources import Source

__all__ = ["oms_beside", "oms_only", "with_oms"]


def oms_only(source: Source | None, found: tuple[Finding, ...], options: Options) -> Outcome | None:
    """Return what a folder with an OMS signature and no manifest comes to; `None` for any other.

    Args:
        source: Where the files are.
        found: What step 1 found.
        options: What the caller asks for.
    """
    if not isinstance(source, FolderSource) or not any(it.code == "oms-only" for it in found):
        return None
    checked = _check_beside(source, options)
    outcome = as_outcome("folder", checked)
    said = Finding("oms-only", OMS_FILE, f"{found[0].message}; {in_words(checked)}")
    findings = (said, *outcome.findings)
    findings = tuple(it for it in findings if it.code != "required-not-checked")
    if not is_decided(findings):
        message = "a signed manifest of the release is required"
        findings = (*findings, Finding("required-not-checked", "", message))
    part = replace(outcome.oms, facts=tuple(_absent())) if outcome.oms else None
    return replace(outcome, findings=findings, oms=part)


def oms_beside(source: Source, statement: Statement, options: Options) -> tuple[Finding, ...]:
    """Return what the OMS signature beside a manifest comes to, and whether both name one release.

    Args:
        source: Where the files are.
        statement: The statement of the manifest.
        options: What the caller asks for; nothing comes out unless it is this.
    """
    if not options.oms:
        return ()
    if not isinstance(source, FolderSource) or not source.exists(OMS_FILE):
        message = f"{OMS_FILE} is not here, and it was to be verified"
        missing = Finding("required-not-checked", OMS_FILE, message)
        return (Finding("oms-unpaired", OMS_FILE, message), missing)
    checked = _check_beside(source, options)
    if checked.statement is None:
        return checked.findings
    root = checked.statement.root
    if any(subject.digest.get("sha256") == root for subject in statement.subjects):
        message = f"the manifest names the root {root} of {OMS_FILE} as a subject"
        return (*checked.findings, Finding("oms-paired", OMS_FILE, message))
    message = f"no subject of the manifest is the root {root} of {OMS_FILE}"
    return (*checked.findings, Finding("oms-unpaired", OMS_FILE, message))


def with_oms(findings: Iterable[Finding], others: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Return the findings of a manifest with those of the OMS signature, in the order of steps.

    What both say of a file is told once, and that the signature was not verified no longer holds.
    """
    if not others:
        return tuple(findings)
    kept = [it for it in findings if it.code != "oms-present"]
    told = {(it.code, it.path) for it in kept}
    kept += [
        it for it in others if (it.code, it.path) not in told or it.code == "signature-verified"
    ]
    return tuple(sorted(kept, key=lambda it: it.step))


def _check_beside(source: FolderSource, options: Options) -> OmsChecked:
    try:
        data = source.read(OMS_FILE, max_bytes=MAX_BUNDLE_BYTES)
        place = OmsPlace(source.folder, signature=OMS_FILE, source=source)
        return check_oms(place, data, options, OmsRules())
    except ProvenanceError as error:
        return OmsChecked((unreadable_signature(error, OMS_FILE),))


def _absent() -> Iterator[Fact]:
    """Yield every fact of open training: an OMS signature states none of them."""
    for part in PARTS:
        for kind in part.kinds:
            if kind.required:
                path = kind.patterns[0].partition("/*")[0]
                yield Fact(path, part.id, kind.name, "absent", "authored")
