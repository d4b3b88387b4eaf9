"""From findings and evidence to a report. No I/O."""

from __future__ import annotations

from collections import Counter
from datetime import UTC
from typing import TYPE_CHECKING

from msgspec import Struct

from provenance.checks import OMS_FILE, Evidence, Fact, SignatureOutcome, facts_of, parts_of
from provenance.envelope import Statement, manifest_digest
from provenance.findings import STEPS, Finding, Severity
from provenance.manifest import FrozenMapping
from provenance.verification.policy_report import is_name_allowed, report_policy
from provenance.verification.report import (
    EXIT_CODES,
    FileCounts,
    GeneratorNamed,
    ModelNamed,
    PartReport,
    ProducerSaid,
    Report,
    ReportedFact,
    ReportedFinding,
    SignerReport,
    StepReport,
    SubjectReport,
)
from provenance.verification.summary import DISCLAIMER, judge, summarise
from provenance.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from provenance.checks import PartRung
    from provenance.manifest import Manifest
    from provenance.verification.options import Options
    from provenance.verification.report import Verdict

__all__ = ["GENERATOR_NAME", "OmsPart", "Outcome", "build_report"]

#: What we call ourselves in reports and manifests.
GENERATOR_NAME = "training-provenance"
#: Most findings of one code that a report lists; how many more there are is said.
MAX_FINDINGS_PER_CODE = 10_000

#: Steps that look at files, which a bundle alone does not have.
_FILE_STEPS = frozenset({8, 10, 11, 12})


class OmsPart(Struct, frozen=True, kw_only=True):
    """What stands in the report of an OMS bundle, which has neither document nor evidence."""

    files: FileCounts | None = None
    """The files, in numbers."""

    subject: SubjectReport | None = None
    """What the bundle says that it is about."""

    facts: tuple[Fact, ...] = ()
    """The facts of open training: all of them absent."""

    passed: str = ""
    """What PASS says, in words."""

    steps: frozenset[int]
    """The numbers of the steps that were taken."""


class Outcome(Struct, frozen=True):
    """Everything that one verification came to, before it is put into words."""

    source: str
    """What was verified: `folder`, `file`, `digests` or `bundle`."""

    findings: tuple[Finding, ...]
    """Every finding, in the order of the steps."""

    stopped_at: int | None = None
    """The step that could not go on."""

    signature: SignatureOutcome | None = None
    """What became of the signature."""

    statement: Statement | None = None
    """The statement, if it was read."""

    evidence: Evidence | None = None
    """The evidence, if the document was read."""

    algorithms: tuple[str, ...] = ()
    """The algorithms of the digests that were recomputed."""

    oms: OmsPart | None = None
    """What an OMS bundle in place of a manifest came to."""


def build_report(outcome: Outcome, options: Options) -> Report:
    """Return the report of a verification."""
    evidence = outcome.evidence
    oms = outcome.oms
    absent = oms.facts if oms is not None else ()
    facts = facts_of(evidence) if evidence is not None else absent
    parts = parts_of(facts) if facts else ()
    verdict = judge(outcome.findings)
    name = options.names.get(outcome.signature.fingerprint) if outcome.signature else None
    signature = outcome.signature
    files = _count_files(evidence) if evidence is not None else oms.files if oms else None
    listed = _limited(outcome.findings)
    manifest = evidence.manifest if evidence is not None else None
    return Report(
        verdict=verdict,
        exit_code=EXIT_CODES[verdict],
        summary=_summary(outcome, verdict, parts, files=files, name=name),
        target=outcome.source,
        signer=_signer(signature, name),
        policy=report_policy(options.policy, evidence),
        model=_model(evidence, options),
        producer=_producer(manifest),
        created_at=manifest.created_at if manifest is not None else None,
        expires_at=manifest.expires_at if manifest is not None else None,
        manifest_digest=manifest_digest(outcome.statement.payload) if outcome.statement else None,
        subject=oms.subject if oms else _subject(outcome.statement),
        files=files,
        steps=_steps(outcome),
        findings=tuple(map(_reported, listed)),
        parts=tuple(map(_part, parts)),
        facts=tuple(map(_fact, facts)),
        not_checked=tuple(
            dict.fromkeys(
                f"{finding.path}: {finding.message}" if finding.path else finding.message
                for finding in listed
                if finding.severity is Severity.NOT_CHECKED
            )
        ),
        algorithms=outcome.algorithms,
        generator=GeneratorNamed(name=GENERATOR_NAME, version=__version__),
        verified_at=f"{options.now:%Y-%m-%dT%H:%M:%SZ}",
    )


def _summary(
    outcome: Outcome,
    verdict: Verdict,
    parts: Sequence[PartRung],
    *,
    files: FileCounts | None,
    name: str | None,
) -> str:
    if verdict == "PASS" and outcome.oms is not None:
        return f"PASS: {outcome.oms.passed}. {DISCLAIMER}"
    return summarise(
        verdict,
        outcome.findings,
        outcome.evidence,
        outcome.signature,
        parts,
        files=files,
        name=name,
    )


def _limited(findings: Iterable[Finding]) -> list[Finding]:
    """Return at most so many findings of each code; the last one says how many were left out."""
    counts: Counter[str] = Counter()
    kept = []
    for finding in findings:
        counts[finding.code] += 1
        if counts[finding.code] <= MAX_FINDINGS_PER_CODE:
            kept.append(finding)
    for code, count in counts.items():
        if count > MAX_FINDINGS_PER_CODE:
            message = f"{count - MAX_FINDINGS_PER_CODE} more findings of this kind are not listed"
            kept.append(Finding(code, "", message))
    return sorted(kept, key=lambda finding: finding.step)


def _reported(finding: Finding) -> ReportedFinding:
    return ReportedFinding(
        code=finding.code,
        severity=finding.severity.value,
        step=finding.step,
        path=finding.path,
        message=finding.message,
        remedy=finding.remedy or None,
    )


def _signer(signature: SignatureOutcome | None, name: str | None) -> SignerReport | None:
    if signature is None:
        return None
    verified = signature.status == "verified"
    signer = signature.signer
    first = min(signer.times, key=lambda stamp: stamp.at) if signer and signer.times else None
    return SignerReport(
        status=signature.status,
        fingerprint=signature.fingerprint or None,
        # An unauthenticated hint must not borrow the name of a pinned key.
        name=name if verified else None,
        scheme=signature.scheme or None,
        kind=signer.kind if signer else None,
        identity=signer.identity if signer else None,
        issuer=signer.issuer if signer else None,
        issuer_name=signer.issuer_name if signer else None,
        signed_at=f"{first.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if first else None,
        signed_at_source=first.source if first else None,
        policy_names=tuple(name for name in signature.counted if name != signature.fingerprint),
    )


def _model(evidence: Evidence | None, options: Options) -> ModelNamed | None:
    if evidence is None:
        return None
    manifest = evidence.manifest
    return ModelNamed(
        name=manifest.model.name,
        version=manifest.model.version,
        name_checked=options.policy.model_name == manifest.model.name,
        name_allowed=is_name_allowed(options.policy, evidence),
    )


def _producer(manifest: Manifest | None) -> ProducerSaid | None:
    if manifest is None:
        return None
    said = manifest.producer
    return ProducerSaid(name=said.name, contact=said.contact, uri=said.uri)


def _subject(statement: Statement | None) -> SubjectReport | None:
    if statement is None:
        return None
    first = statement.subjects[0]
    return SubjectReport(name=first.name, sha256=first.digest["sha256"])


def _steps(outcome: Outcome) -> tuple[StepReport, ...]:
    counts = Counter(finding.step for finding in outcome.findings)
    stop = outcome.stopped_at
    no_files = outcome.evidence is not None and outcome.evidence.source == "bundle"

    def is_skipped(number: int) -> bool:
        if number == max(STEPS):
            return False  # the verdict is always given
        if outcome.oms is not None:
            return number not in outcome.oms.steps
        return (stop is not None and number > stop) or (no_files and number in _FILE_STEPS)

    return tuple(
        StepReport(
            number=number,
            title=title,
            status="skipped" if is_skipped(number) else "done",
            findings=counts[number],
        )
        for number, title in STEPS.items()
    )


def _part(part: PartRung) -> PartReport:
    return PartReport(
        id=part.part.id,
        title=part.part.title,
        rung=part.rung,  # type: ignore[arg-type]  # one of RUNGS; the schema spells them out
        facts=sum(part.rungs.values()),
        rungs=FrozenMapping(part.rungs) if part.rungs else None,
    )


def _fact(fact: Fact) -> ReportedFact:
    return ReportedFact(
        path=fact.path,
        part=fact.part,
        kind=fact.kind,
        rung=fact.rung,  # type: ignore[arg-type]  # one of RUNGS; the schema spells them out
        origin=fact.origin,
    )


def _count_files(evidence: Evidence) -> FileCounts:
    matched = different = missing = unexamined = absent = cached = bytes_matched = sha256 = 0
    for entry in evidence.listed:
        found = evidence.found.get(entry.path)
        if not evidence.is_selected(entry.path) or evidence.is_unseen(entry.path):
            unexamined += 1
            absent += found is None and not evidence.is_unseen(entry.path)
        elif found is None:
            missing += evidence.source != "bundle"
            unexamined += evidence.source == "bundle"
        elif (found.size not in {None, entry.size}) or any(
            entry.digest.get(name, digest) != digest for name, digest in found.digest.items()
        ):
            different += 1
        elif found.digest.keys() & entry.counted.keys():
            matched += 1
            cached += found.cached
            sha256 += "sha256" in found.digest and "sha256" in entry.digest
            bytes_matched += entry.size
        else:
            unexamined += 1
    return FileCounts(
        listed=len(evidence.listed),
        matched=matched,
        different=different,
        missing=missing,
        extra=sum(
            name not in evidence.listed_names and name != OMS_FILE for name in evidence.found
        ),
        ignored=len(evidence.ignored),
        not_examined=unexamined,
        not_present=absent if evidence.source == "folder" else 0,
        cached=cached,
        sha256_matched=sha256,
        bytes_listed=sum(entry.size for entry in evidence.listed),
        bytes_matched=bytes_matched,
        bytes_read=evidence.source in {"folder", "file"},
    )
