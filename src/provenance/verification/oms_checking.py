"""One OMS bundle and the files that it is about, step by step; what came out, for a report.

The steps are those of OpenSSF Model Signing 1.0, section 8: read the bundle, verify the signature,
read the statement, compare the files. Whatever is read from the bundle is nobody's word before its
signature verified. Source: `spec/oms.md`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from msgspec import Struct

from provenance.checks import SignatureOutcome
from provenance.digest import printable_name
from provenance.envelope.oms import (
    OMS_PREDICATE_TYPE,
    OmsStatement,
    parse_oms_bundle,
    parse_oms_statement,
)
from provenance.errors import ProvenanceError, shown
from provenance.findings import CODES, Finding, Severity
from provenance.signing import SigningTimes
from provenance.verification import other_bundles
from provenance.verification.batches import Reading
from provenance.verification.building import OmsPart, Outcome
from provenance.verification.loading import finding_of
from provenance.verification.oms_files import OmsPlace, find_files
from provenance.verification.oms_hashing import compare_files
from provenance.verification.oms_signature import verify_oms_signature
from provenance.verification.report import FileCounts, SubjectReport

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from provenance.verification.options import Options

__all__ = [
    "OmsChecked",
    "OmsRules",
    "as_outcome",
    "check_oms",
    "in_words",
    "is_decided",
    "unreadable_signature",
]

# The steps of `spec/verification.md` that a bundle goes through; those of a document are not.
_FIRST_STEPS = frozenset({1, 2, 3, 4})
_ALL_STEPS = _FIRST_STEPS | {8, 10, 11, 12, 24}


class OmsRules(Struct, frozen=True, kw_only=True):
    """What the caller of one verification allows."""

    legacy: bool = False
    """Read version 0.2."""

    ignored: tuple[str, ...] = ()
    """Files and folders that are left out, relative to the model."""

    ignore_unsigned: bool = False
    """Let files be that nobody signed."""


class OmsChecked(Struct, frozen=True):
    """What one bundle came to."""

    findings: tuple[Finding, ...]
    """Every finding."""

    signature: SignatureOutcome | None = None
    """What became of the signature; `None` if the bundle could not be read."""

    statement: OmsStatement | None = None
    """The statement, if it was read."""

    files: FileCounts | None = None
    """The files in numbers, if they were compared."""

    asked_out: int = 0
    """Files that nobody looked at because the caller asked for it."""


def check_oms(place: OmsPlace, data: bytes, options: Options, rules: OmsRules) -> OmsChecked:
    """Take the steps in their order, and return what came out.

    Args:
        place: Where the files are.
        data: The bytes of the bundle.
        options: What the caller asks for.
        rules: What the caller allows.

    Raises:
        InputError: The root of the files cannot be read.
    """
    try:
        oms = parse_oms_bundle(data)
    except ProvenanceError as error:
        advice = other_bundles.advice_for_bytes(data)
        return OmsChecked((finding_of(error, "bundle-malformed", advice=advice),))
    signature, findings = verify_oms_signature(
        oms, options.policy, SigningTimes(options.now), legacy=rules.legacy
    )
    payload = oms.bundle.envelope.payload
    if signature.status == "invalid":
        # What follows would be read from bytes that nobody vouches for.
        advice = other_bundles.advice_for_payload(payload, expected=OMS_PREDICATE_TYPE)
        told = tuple(replace(it, advice=it.advice or advice) for it in findings)
        return OmsChecked(told, signature)
    try:
        statement = parse_oms_statement(payload, legacy=rules.legacy)
    except ProvenanceError as error:
        advice = other_bundles.advice_for_payload(payload, expected=OMS_PREDICATE_TYPE)
        fault = finding_of(error, "oms-malformed", advice=advice)
        return OmsChecked((*findings, fault), signature)
    placed = find_files(
        place, statement, ignored=rules.ignored, ignore_unsigned=rules.ignore_unsigned
    )
    reading = Reading(
        progress=options.progress,
        deadline=options.deadline,
        cancelled=options.cancelled,
        workers=options.workers,
    )
    compared = compare_files(place, statement, placed, reading)
    listed = len({item.path for item in statement.resources})
    files = FileCounts(
        listed=listed,
        matched=compared.matched,
        different=compared.different,
        missing=placed.missing,
        extra=placed.extra,
        ignored=placed.left_out,
        not_examined=compared.unread,
        bytes_listed=sum(placed.sizes.values()),
        bytes_matched=compared.bytes_matched,
        bytes_read=True,
    )
    findings = (*findings, *_remarks(statement), *placed.findings, *compared.findings)
    return OmsChecked(findings, signature, statement, files, placed.asked_out)


def as_outcome(kind: str, checked: OmsChecked) -> Outcome:
    """Return what a bundle came to as a report is built from it.

    Args:
        kind: What was verified: `folder` or `file`.
        checked: What it came to.
    """
    statement = checked.statement
    subject = None
    if statement is not None and not statement.is_legacy:
        subject = SubjectReport(name=printable_name(statement.name), sha256=statement.root)
    findings = checked.findings
    is_unknown = checked.signature is not None and checked.signature.status == "unknown"
    if is_unknown and not is_decided(findings):
        message = "a signature of somebody whom you named is required"
        findings = (*findings, Finding("required-not-checked", "", message))
    part = OmsPart(
        files=checked.files,
        subject=subject,
        passed=f"{in_words(checked)}, which says nothing about the training{_left_out(checked)}",
        steps=_ALL_STEPS if statement is not None else _FIRST_STEPS,
    )
    return Outcome(source=kind, findings=findings, signature=checked.signature, oms=part)


def in_words(checked: OmsChecked) -> str:
    """Return how many files match and who signed the list, in words."""
    files, signature = checked.files, checked.signature
    if files is None or signature is None:
        return "it cannot be used"
    who = "by nobody whom you named"
    if signature.status == "verified":
        who = f"by key {signature.fingerprint}"
    match = "matches" if files.matched == 1 else "match"
    return f"{files.matched} of {files.listed} files {match} the OMS list signed {who}"


def _left_out(checked: OmsChecked) -> str:
    """Say how many files the caller did not want looked at: a loader may read them."""
    count = checked.asked_out
    if not count:
        return ""
    beside = "unsigned file beside them was" if count == 1 else "unsigned files beside them were"
    return f"; {count} {beside} ignored, as you asked"


def is_decided(findings: Iterable[Finding]) -> bool:
    """Return whether the verdict is FAIL or ERROR already."""
    return any(it.severity is Severity.ERROR or CODES[it.code].fault for it in findings)


def unreadable_signature(error: Exception, name: str) -> Finding:
    """Return the finding that a signature file or a model that cannot be read is."""
    if not isinstance(error, ProvenanceError):  # a name with U+0000 in it
        return Finding("input-unreadable", printable_name(name), "it is no path")
    codes = {"json-size": "bundle-size", "file-unreadable": "input-unreadable"}
    code = codes.get(error.code, error.code or "input-unreadable")
    return Finding(code, error.path or printable_name(name), error.problem)


def _remarks(statement: OmsStatement) -> Iterator[Finding]:
    where = "/predicateType"
    if statement.is_legacy:
        message = "this is version 0.2, which binds no root and no options"
        yield Finding("oms-legacy-read", where, message)
    if statement.is_newer:
        message = f"{shown(statement.predicate_type)} is newer; fields unknown here were left alone"
        yield Finding("oms-newer", where, message)
    elif statement.unknown:
        message = f"fields unknown here were left alone: {', '.join(statement.unknown)}"
        yield Finding("oms-newer", statement.unknown[0], message)
    if statement.order == "another":
        message = "the list is in no order that a known writer uses; the root is over its own order"
        yield Finding("oms-order", "/predicate/resources", message)
