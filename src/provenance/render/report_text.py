"""A report as text for people: the verdict in words first, what it does not prove last.

One finding is one line, whatever it holds; what is found in many places, and is no error, is one
line for all of them. The text does not depend on the width of a terminal, and has no colour unless
the caller asks for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.render.escaping import escape, shorten
from provenance.render.findings_text import finding_lines, limit_lines
from provenance.render.quantities import format_bytes, format_count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from provenance.verification import Report
    from provenance.verification.report import PartReport, ReportedFinding, SignerReport

    Painter = Callable[[str, str], str]

__all__ = ["render_report"]

_LABEL_WIDTH = 10
_GROUPS = (("error", "Errors"), ("warning", "Warnings"), ("note", "Notes"))
_COLOURS = {
    "PASS": "1;32",
    "FAIL": "1;31",
    "INCOMPLETE": "1;33",
    "ERROR": "1;31",
    "error": "31",
    "warning": "33",
}
_PROVES = (
    "It proves that these bytes are what the signer signed. It does not prove that what the signer "
    "says of the training is true, and says nothing about quality or safety."
)
_PROVES_NOTHING = "Nothing is proved by this result. It says nothing about quality or safety."


def render_report(report: Report, *, colour: bool = False) -> str:
    """Return a report as lines of text, without a line feed at the end.

    Args:
        report: What `provenance.inspect` returned.
        colour: Paint the verdict and the severities with ANSI sequences.
    """
    paint = _paint if colour else _plain
    lines = [_summary(report, paint), *_facts(report)]
    for severity, title in _GROUPS:
        found = [finding for finding in report.findings if finding.severity == severity]
        lines += _group(paint(severity, f"{title} ({format_count(len(found))})"), found)
    lines += _parts(report)
    lines += _not_checked(report)
    lines += ["", _what_it_proves(report)]
    return "\n".join(lines)


def _what_it_proves(report: Report) -> str:
    if report.verdict == "PASS":
        return _PROVES
    files = report.files
    signed = report.signer is not None and report.signer.status == "verified"
    if report.verdict == "INCOMPLETE" and signed and files is not None and files.matched:
        count = format_count(files.matched)
        some = (
            f"the {count} files that were compared are"
            if files.matched > 1
            else ("the one file that was compared is")
        )
        return (
            f"It proves that {some} what the signer signed, and nothing of the rest. "
            "It says nothing about quality or safety."
        )
    return _PROVES_NOTHING


def _summary(report: Report, paint: Painter) -> str:
    # The first line begins with the verdict; it is ours, but names what is foreign.
    rest = escape(report.summary).removeprefix(report.verdict)
    return paint(report.verdict, report.verdict) + rest


def _facts(report: Report) -> Iterator[str]:
    if report.signer is not None:
        yield ""
    for label, text in _labelled(report):
        yield f"{label:<{_LABEL_WIDTH}}{escape(shorten(text))}"


def _labelled(report: Report) -> Iterator[tuple[str, str]]:
    if report.signer is not None:
        yield "Signer", _signer(report)
    if report.signer is not None and report.signer.signed_at is not None:
        source = (report.signer.signed_at_source or "").replace("-", " ")
        yield "Signed", f"{report.signer.signed_at} at the latest (proven by a {source})"
    if report.model is not None:
        checked = "name checked" if report.model.name_checked else "name not checked"
        if report.model.name_allowed and not report.model.name_checked:
            checked = "name allowed by the policy"
        if "model-name-mismatch" in report.codes():
            checked = "not the name that you asked for"
        version = f" {report.model.version}" if report.model.version else ""
        yield "Model", f"{report.model.name}{version} ({checked})"
    if report.producer is not None:
        said = (report.producer.name, report.producer.contact, report.producer.uri)
        yield "Producer", f"{', '.join(filter(None, said))} (said by the signer)"
    if report.created_at is not None:
        until = f", until {report.expires_at}" if report.expires_at else ""
        yield "Made", f"{report.created_at}{until} (claimed by the signer)"
    if report.manifest_digest is not None:
        yield "Manifest", f"sha256 {report.manifest_digest}"
    if report.files is not None:
        yield "Files", _files(report)


def _signer(report: Report) -> str:
    signer = report.signer
    assert signer is not None  # noqa: S101 - the caller has looked
    if signer.status == "verified":
        name = f', pinned as "{signer.name}"' if signer.name else ""
        who = f", in the policy as {', '.join(signer.policy_names)}" if signer.policy_names else ""
        return f"{_identity(signer)}{signer.fingerprint} ({signer.scheme}){name}{who}"
    who = "unknown" if signer.status == "unknown" else "none that you named"
    if signer.fingerprint is None:
        return f"{who}; the bundle names no key"
    return f"{who}; the bundle names {signer.fingerprint}, which proves nothing"


def _identity(signer: SignerReport) -> str:
    if signer.identity is None:
        return ""
    issuer = f"{signer.issuer_name} ({signer.issuer})" if signer.issuer_name else signer.issuer
    return f"{signer.identity}, vouched for by {issuer}, with key "


def _files(report: Report) -> str:
    files = report.files
    assert files is not None  # noqa: S101 - the caller has looked
    counts = (
        (files.different, "different"),
        (files.missing, "missing"),
        (files.extra, "not signed"),
        (files.ignored, "ignored"),
        (files.not_present, "not present"),
        (files.not_examined - files.not_present, "not examined"),
    )
    others = "".join(f", {format_count(count)} {word}" for count, word in counts if count)
    size = format_bytes(files.bytes_matched)
    supplied = "" if files.bytes_read else " (by digests that you supplied; no byte was read)"
    matched, listed = format_count(files.matched), format_count(files.listed)
    known = f"{format_count(files.cached)} by digests cached earlier, not read"
    cached = f" ({known})" if files.cached else ""
    return f"{matched} of {listed} match{cached}, {size}{others}{supplied}"


def _group(title: str, found: list[ReportedFinding]) -> Iterator[str]:
    if not found:
        return
    yield ""
    yield title
    yield from limit_lines(finding_lines(found))


def _parts(report: Report) -> Iterator[str]:
    if not report.parts:
        return
    width = max(len(part.title) for part in report.parts)
    yield ""
    yield "Training, on evidence"
    for part in report.parts:
        yield f"  {escape(part.title):<{width}}  {_rung(part)}"


def _rung(part: PartReport) -> str:
    if part.rung is None:
        return "does not apply"
    counts = [f"{count} {rung}" for rung, count in (part.rungs or {}).items() if count]
    detail = f"  ({', '.join(counts)})" if len(counts) > 1 else ""
    return f"{part.rung:<10}{detail}".rstrip()


def _not_checked(report: Report) -> Iterator[str]:
    found = [finding for finding in report.findings if finding.severity == "notChecked"]
    told = {finding.message for finding in found}
    told |= {f"{finding.path}: {finding.message}" for finding in found}
    further = [text for text in report.not_checked if text not in told]
    total = len(found) + len(further)
    if not total:
        return
    yield ""
    yield f"Not checked ({format_count(total)})"
    yield from limit_lines(finding_lines(found) + [(escape(shorten(text)), 1) for text in further])


def _paint(name: str, text: str) -> str:
    code = _COLOURS.get(name)
    return f"\x1b[{code}m{text}\x1b[0m" if code else text


def _plain(_: str, text: str) -> str:
    return text
