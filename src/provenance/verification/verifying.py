"""`inspect` and `verify`: run every step, and say what came out.

`inspect` returns the report whatever the verdict; `verify` returns the verified manifest or raises.
Neither reads any configuration, changes what it is given, or keeps any state but in the file that
the caller names for it; both may run in several threads at once.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec.structs import replace

from provenance.checks import run_checks
from provenance.envelope import manifest_digest
from provenance.errors import InputError, VerificationError
from provenance.findings import CODES, Finding, Severity
from provenance.verification.building import Outcome, build_report
from provenance.verification.gathering import gather
from provenance.verification.loading import finding_of, load_manifest
from provenance.verification.locating import locate
from provenance.verification.options import make_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from provenance.digest import DigestCache
    from provenance.manifest import Manifest
    from provenance.trust import TrustPolicy, TrustResolver
    from provenance.verification.locating import Located
    from provenance.verification.options import Clock, KeyLike, Options, PathLike, Progress, Target
    from provenance.verification.report import Report

__all__ = ["VerifiedManifest", "inspect", "verify"]

#: The step at which a signature is refused.
_SIGNATURE_STEP = 3


@dataclass(frozen=True, slots=True)
class VerifiedManifest:
    """A manifest whose verification passed."""

    manifest: Manifest
    """The document."""

    report: Report
    """What was found; its verdict is PASS."""

    payload: bytes
    """The signed bytes that the document was read from."""

    digest: str
    """The manifest digest: SHA-256 of the payload, 64 hex characters."""


def inspect(
    target: Target,
    *,
    manifest: bytes | PathLike | None = None,
    keys: Iterable[KeyLike] | KeyLike = (),
    model: str | None = None,
    policy: TrustPolicy | None = None,
    datasets: Mapping[str, PathLike] | None = None,
    code: PathLike | None = None,
    documents: PathLike | None = None,
    all_digests: bool = False,
    only: Iterable[str] | str = (),
    layout: str = "plain",
    presets: Iterable[str] | str = (),
    clock: Clock | None = None,
    progress: Progress | None = None,
    deadline: float | None = None,
    cancelled: Callable[[], bool] | None = None,
    workers: int | None = None,
    cache: DigestCache | PathLike | None = None,
    trust: TrustResolver | None = None,
    state: PathLike | None = None,
    oms: bool = False,
    salts: PathLike | None = None,
) -> Report:
    """Check everything that can be checked and return the report, whatever the verdict.

    Args:
        target: The release: a folder; one file of it; a bundle alone (`*.sigstore.json`); or a
            mapping from path to (size in bytes or `None`, digests by algorithm) that a caller holds
            already, in which case no byte is read.
        manifest: The bundle, as bytes or as a path, if it does not lie in the folder.
        keys: Whom to trust: keys, pins, key documents or key files; any of them may have signed.
        model: The name that the model must have; `None` reports it as not checked.
        policy: Whom to trust and what to require; what stands beside it is added to it.
        datasets: Datasets that the caller holds: id to folder or file.
        code: A folder or file of code that the caller holds.
        documents: A folder or file of documents that the caller holds.
        all_digests: Recompute every recorded digest, tensors included, not BLAKE3 alone.
        only: Patterns (`fnmatch`) of names to look at; the verdict is then at best INCOMPLETE.
        layout: `plain`, or `hf-cache` for a model in the cache of `huggingface_hub`.
        presets: Named sets of files that need not be checked, e.g. `hub`.
        clock: Returns the present time with its time zone; the system's clock by default.
        progress: Called with the number of bytes read since the last call.
        deadline: Time of `time.monotonic` after which no more bytes are read.
        cancelled: Asked again and again; once it returns true, no more bytes are read.
        workers: How many threads or processes read at once; what suits the machine by default.
        cache: A digest cache, or the path of one, whose word is taken for large files that have not
            changed since they were read; the report says of how many. Never used unless named.
        trust: Knows whom to trust for the model that `model` names; takes the place of `policy`.
        state: The file that remembers which releases passed; an older release than those, or a
            second one of the same moment, fails. A PASS is written there, and nothing else.
        oms: Verify the OMS signature beside the manifest as well, and that both name one release.
        salts: The producer's private file, with which `datasets` of private inventory are compared.

    Raises:
        UsageError: An argument makes no sense, or a key cannot be used; nothing was verified.

    Source: `spec/verification.md`.
    """
    options = make_options(
        target,
        manifest=manifest,
        keys=keys,
        model=model,
        policy=policy,
        datasets=datasets,
        code=code,
        documents=documents,
        all_digests=all_digests,
        only=only,
        layout=layout,
        presets=presets,
        clock=clock,
        progress=progress,
        deadline=deadline,
        cancelled=cancelled,
        workers=workers,
        cache=cache,
        trust=trust,
        state=state,
        oms=oms,
        salts=salts,
    )
    return build_report(_run(options), options)


def verify(
    target: Target,
    *,
    manifest: bytes | PathLike | None = None,
    keys: Iterable[KeyLike] | KeyLike = (),
    model: str | None = None,
    policy: TrustPolicy | None = None,
    datasets: Mapping[str, PathLike] | None = None,
    code: PathLike | None = None,
    documents: PathLike | None = None,
    all_digests: bool = False,
    only: Iterable[str] | str = (),
    layout: str = "plain",
    presets: Iterable[str] | str = (),
    clock: Clock | None = None,
    progress: Progress | None = None,
    deadline: float | None = None,
    cancelled: Callable[[], bool] | None = None,
    workers: int | None = None,
    cache: DigestCache | PathLike | None = None,
    trust: TrustResolver | None = None,
    state: PathLike | None = None,
    oms: bool = False,
    salts: PathLike | None = None,
) -> VerifiedManifest:
    """Return the verified manifest of a release, or raise; the arguments are those of `inspect`.

    Raises:
        VerificationError: The verdict is not PASS; `report` tells why.
        UsageError: An argument makes no sense, or a key cannot be used; nothing was verified.

    Source: `spec/verification.md`.
    """
    options = make_options(
        target,
        manifest=manifest,
        keys=keys,
        model=model,
        policy=policy,
        datasets=datasets,
        code=code,
        documents=documents,
        all_digests=all_digests,
        only=only,
        layout=layout,
        presets=presets,
        clock=clock,
        progress=progress,
        deadline=deadline,
        cancelled=cancelled,
        workers=workers,
        cache=cache,
        trust=trust,
        state=state,
        oms=oms,
        salts=salts,
    )
    outcome = _run(options)
    report = build_report(outcome, options)
    if report.verdict != "PASS" or outcome.evidence is None or outcome.statement is None:
        raise VerificationError(report)
    payload = outcome.statement.payload
    return VerifiedManifest(outcome.evidence.manifest, report, payload, manifest_digest(payload))


def _run(options: Options) -> Outcome:
    """Run every step, and turn into a fault whatever the system cannot give us."""
    try:
        outcome = _run_steps(options)
        if options.state is None:
            return outcome
        from provenance.verification.remembering import (  # noqa: PLC0415 - most callers have no memory
            compare_with_memory,
        )

        return compare_with_memory(outcome, options.state, options.policy)
    except (OSError, MemoryError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else type(error).__name__
        fault = Finding("input-unreadable", "", f"the work could not be done: {reason}")
        return _stopped("folder", 1, (fault,))


def _run_steps(options: Options) -> Outcome:
    """Take the steps in their order; this is the one way that every verification takes."""
    with ExitStack() as stack:
        located = locate(options, stack)
        kind = located.source.kind if located.source is not None else "folder"
        if located.source is None or located.bundle is None:
            return _without_manifest(located, kind, options)
        loaded = load_manifest(located.bundle, options.policy, options.now)
        if loaded.parsed is None or loaded.statement is None:
            findings = loaded.findings
            if loaded.stopped_at == _SIGNATURE_STEP:
                from provenance.verification.refusals import (  # noqa: PLC0415 - refused already
                    name_co_signers,
                )

                findings = name_co_signers(findings, located.bundle, located.source, options)
            outcome = _stopped(kind, loaded.stopped_at or 5, findings)
            return replace(outcome, signature=loaded.signature, statement=loaded.statement)
        try:
            evidence, algorithms = gather(
                located.source, loaded, loaded.parsed, loaded.statement, options
            )
        except InputError as error:
            findings = (*loaded.findings, finding_of(error, "input-unreadable"))
            outcome = _stopped(kind, 7, findings)
            return replace(outcome, signature=loaded.signature, statement=loaded.statement)
        findings = (*loaded.findings, *run_checks(evidence, options.policy))
        if options.oms:
            from provenance.verification import oms_in_folders as oms  # noqa: PLC0415 - on request

            others = oms.oms_beside(located.source, loaded.statement, options)
            findings = oms.with_oms(findings, others)
    return Outcome(
        source=kind,
        findings=findings,
        signature=loaded.signature,
        statement=loaded.statement,
        evidence=evidence,
        algorithms=algorithms,
    )


def _without_manifest(located: Located, kind: str, options: Options) -> Outcome:
    """Return what comes out where there is no signed manifest: perhaps an OMS signature is."""
    if any(finding.code == "oms-only" for finding in located.findings):
        from provenance.verification import oms_in_folders as oms  # noqa: PLC0415 - seldom there

        found = oms.oms_only(located.source, located.findings, options)
        if found is not None:
            return found
    return _stopped(kind, 1, located.findings)


def _stopped(kind: str, step: int, findings: tuple[Finding, ...]) -> Outcome:
    """Return the outcome of a verification that could not go on."""
    decided = any(
        finding.severity is Severity.ERROR or CODES[finding.code].fault for finding in findings
    )
    if not decided:
        message = "a signed manifest of the release is required"
        findings = (*findings, Finding("required-not-checked", "", message))
    return Outcome(source=kind, findings=findings, stopped_at=step)
