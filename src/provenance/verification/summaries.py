"""Reading a signed summary of a verification: what a gate asks before a model is loaded. No I/O.

A summary says what somebody else verified. It is believed only if a named key signed it, if it is
about the release that is asked for, and if it is no older than the gate allows; it says nothing
about bytes that were changed since.

Source: SLSA 1.0, "Verification Summary Attestation (VSA)"; `spec/verification.md`, section
"Attesting".
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from provenance.canonical import MAX_SUMMARY_BYTES
from provenance.envelope import Statement, parse_bundle, parse_statement
from provenance.errors import ProvenanceError, UsageError, shown
from provenance.manifest import parse_timestamp
from provenance.signing import SigningTimes, verify_bundle
from provenance.verification.attesting import (
    DEFAULT_VERIFIER_ID,
    FILES_MATCHED,
    SLSA_SUMMARY,
    VERDICT_FIELD,
)
from provenance.verification.other_bundles import (
    advice_for_bytes,
    advice_for_payload,
    advice_for_type,
)
from provenance.verification.report import EXIT_CODES, Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from provenance.canonical import JsonValue
    from provenance.signing import SignatureVerifier, TimestampVerifier
    from provenance.verification.report import ExitCode

__all__ = ["SummaryReport", "check_summary"]

#: How far the clock of whoever verified may be ahead of ours.
CLOCK_SKEW = timedelta(seconds=300)


class SummaryReport(Struct, frozen=True, kw_only=True):
    """What a summary says, and whether it is to be believed."""

    verdict: Verdict
    """PASS: it is believed and says PASSED. INCOMPLETE: it is believed and says that something
    required was not checked, or no key was named. FAIL: anything else."""

    problems: tuple[str, ...] = ()
    """Why it is not PASS, one sentence each."""

    signer: str | None = None
    """The fingerprint of the key that signed it."""

    verified_at: str | None = None
    """When the release was verified."""

    resource: str | None = None
    """The URI of what was verified."""

    levels: tuple[str, ...] = ()
    """What it says was verified."""

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of the command line."""
        return EXIT_CODES[self.verdict]


def check_summary(
    bundle: bytes,
    keys: Iterable[SignatureVerifier],
    *,
    sha256: str,
    verifier_id: str = DEFAULT_VERIFIER_ID,
    policy_uri: str | None = None,
    policy_sha256: str | None = None,
    resource: str | None = None,
    max_age: timedelta | None = None,
    require: Collection[str] = (FILES_MATCHED,),
    now: datetime | None = None,
    timestamps: TimestampVerifier | None = None,
) -> SummaryReport:
    """Say whether a signed SLSA Verification Summary lets a release in.

    Args:
        bundle: The summary: a Sigstore bundle.
        keys: Whose summaries are believed, any of them.
        sha256: SHA-256 of the listing `SHA256SUMS` of the release that is about to be used.
        verifier_id: Who must have verified; a key is believed for this verifier alone.
        policy_uri: The policy that must have been used; `None` for any.
        policy_sha256: SHA-256 of its document; `None` for any.
        resource: The URI that must have been verified; `None` for any.
        max_age: How old the verification may be; `None` for any age.
        require: Properties that a summary that says PASSED must have; by default that every byte of
            the release was read. One that it has not makes the verdict INCOMPLETE.
        now: The time now, with its time zone; the system's clock by default.
        timestamps: The timestamp authorities that are trusted; `None` for none.

    Raises:
        UsageError: An argument makes no sense.
    """
    clock = datetime.now(UTC) if now is None else now
    times = SigningTimes(clock)
    verifiers = tuple(keys)
    if not verifiers:
        problem = "no key was named, so nobody is known to have signed this summary"
        return SummaryReport(verdict="INCOMPLETE", problems=(problem,))
    if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):  # noqa: PLR2004 - 32 bytes
        problem = f"expected 64 lower-case hexadecimal characters, found {shown(sha256)}"
        raise UsageError(path="sha256", problem=problem)
    if len(bundle) > MAX_SUMMARY_BYTES:
        problem = f"{len(bundle)} bytes, a summary has at most {MAX_SUMMARY_BYTES}"
        return SummaryReport(verdict="FAIL", problems=(problem,))
    try:
        verified = verify_bundle(
            parse_bundle(bundle), verifiers, times=times, timestamps=timestamps
        )
    except ProvenanceError as error:
        return _refused(error, advice_for_bytes(bundle))
    try:
        statement = parse_statement(verified.payload)
    except ProvenanceError as error:
        advice = advice_for_payload(verified.payload, expected=SLSA_SUMMARY)
        return _refused(error, advice)
    if statement.predicate_type != SLSA_SUMMARY:
        found, advice = statement.predicate_type, advice_for_type(statement.predicate_type)
        problem = f"expected a statement of {SLSA_SUMMARY}, found {shown(found)}"
        problem += f". {advice}" if advice else ""
        return SummaryReport(verdict="FAIL", problems=(problem,), signer=verified.fingerprint)
    wanted = {
        "/verifier/id": verifier_id,
        "/policy/uri": policy_uri,
        "/policy/digest/sha256": policy_sha256,
        "/resourceUri": resource,
    }
    predicate = statement.predicate
    problems = (
        *_subject_problems(statement, sha256),
        *_other_problems(predicate, wanted),
        *_age_problems(predicate, max_age, clock),
    )
    said = _said(predicate)
    verdict: Verdict = "FAIL" if problems else said
    if said != "PASS":
        problems += (f"the summary says {_result(predicate)}",)
    stated = predicate.get("verifiedLevels")
    levels = tuple(map(str, stated)) if isinstance(stated, tuple | list) else ()
    missing = [name for name in require if name not in levels] if verdict == "PASS" else []
    return SummaryReport(
        verdict="INCOMPLETE" if missing else verdict,
        problems=(*problems, *(f"the summary does not say {shown(name)}" for name in missing)),
        signer=verified.fingerprint,
        verified_at=_text(predicate, "/timeVerified"),
        resource=_text(predicate, "/resourceUri"),
        levels=levels,
    )


def _refused(error: ProvenanceError, advice: str) -> SummaryReport:
    problem = f"{error}. {advice}" if advice else str(error)
    return SummaryReport(verdict="FAIL", problems=(problem,))


def _subject_problems(statement: Statement, sha256: str) -> Iterator[str]:
    named = [subject.digest.get("sha256") for subject in statement.subjects]
    if sha256 not in named:
        yield f"it is about the release {named[0]}, not about {sha256}"


def _other_problems(
    predicate: Mapping[str, JsonValue], wanted: Mapping[str, str | None]
) -> Iterator[str]:
    for pointer, expected in wanted.items():
        found = _text(predicate, pointer)
        if expected is not None and found != expected:
            yield f"{pointer} is {shown(found or 'absent')}, expected {shown(expected)}"


def _age_problems(
    predicate: Mapping[str, JsonValue], max_age: timedelta | None, now: datetime
) -> Iterator[str]:
    text = _text(predicate, "/timeVerified")
    try:
        at = parse_timestamp(text or "")
    except ProvenanceError as error:
        yield f"/timeVerified: {error.problem}"
        return
    if at > now + CLOCK_SKEW:
        yield f"it was made at {text}, which is in the future"
    if max_age is not None and now - at > max_age:
        yield f"it was made at {text}, which is longer ago than is allowed"


def _said(predicate: Mapping[str, JsonValue]) -> Verdict:
    """Return what a summary says in our words; what contradicts itself says FAIL."""
    result, ours = predicate.get("verificationResult"), predicate.get(VERDICT_FIELD)
    levels = predicate.get("verifiedLevels")
    failed = not isinstance(levels, tuple | list) or "FAILED" in levels
    if result == "PASSED" and ours in {None, "PASS"} and not failed:
        return "PASS"
    return "INCOMPLETE" if result == "FAILED" and ours == "INCOMPLETE" else "FAIL"


def _result(predicate: Mapping[str, JsonValue]) -> str:
    said = [predicate.get("verificationResult"), predicate.get(VERDICT_FIELD)]
    return " and ".join(shown(text) for text in said if text is not None) or "nothing"


def _text(predicate: Mapping[str, JsonValue], pointer: str) -> str | None:
    value: JsonValue = dict(predicate)
    for name in pointer[1:].split("/"):
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value if isinstance(value, str) else None
