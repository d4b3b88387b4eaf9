"""A verification as a signed statement of a few kilobytes, for gates that cannot read 140 GB.

Two published forms say the same: the in-toto Simple Verification Result, a list of properties that
passed, and the SLSA Verification Summary, PASSED or FAILED. Only PASS is PASSED: FAIL and
INCOMPLETE are FAILED, and an extension field holds our own word. Pure; signing is the caller's.

Source: in-toto attestation, `spec/predicates/svr.md` (v0.1); SLSA 1.0, "Verification Summary
Attestation (VSA)"; `spec/verification.md`, section "Attesting".
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from msgspec import Struct

from provenance.digest import DigestSet
from provenance.envelope import Subject, write_statement
from provenance.errors import UsageError, shown
from provenance.manifest import PREDICATE_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provenance.canonical import JsonValue
    from provenance.trust import TrustPolicy
    from provenance.verification.report import Report

__all__ = [
    "DEFAULT_POLICY_URI",
    "DEFAULT_VERIFIER_ID",
    "FILES_MATCHED",
    "PROPERTY_PREFIX",
    "SLSA_SUMMARY",
    "SVR",
    "VERDICT_FIELD",
    "PolicyUsed",
    "checked_uri",
    "policy_used",
    "result_statement",
    "summary_statement",
]

#: Predicate type of the in-toto Simple Verification Result.
SVR: Final = "https://in-toto.io/attestation/svr/v0.1"
#: Predicate type of the SLSA Verification Summary.
SLSA_SUMMARY: Final = "https://slsa.dev/verification_summary/v1"
#: What every property and level of ours begins with; one that begins with `SLSA_` would be a claim
#: about builds.
PROPERTY_PREFIX: Final = "TRAINING_PROVENANCE_"
#: Property: every byte of every file was read, and is the signed one.
FILES_MATCHED: Final = PROPERTY_PREFIX + "FILES_MATCHED"
#: Extension field with our own verdict; both forms ask for a URI as the name of an extension.
VERDICT_FIELD: Final = PREDICATE_PREFIX + "verdict"
#: Who verified, unless the caller says whose installation this is.
DEFAULT_VERIFIER_ID: Final = PREDICATE_PREFIX + "verifier/v1"
#: The policy of a verification that named keys and options, and no document.
DEFAULT_POLICY_URI: Final = PREDICATE_PREFIX + "policy/named-keys/v1"

#: Longest URI that is written, in characters.
MAX_URI_CHARACTERS = 2_000

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+")
_BACKED = frozenset({"bound", "matched", "linked", "reproduced"})


class PolicyUsed(Struct, frozen=True):
    """The policy that a release was verified against."""

    uri: str = DEFAULT_POLICY_URI
    """Where it is, or what it is called: a URI."""

    sha256: str | None = None
    """SHA-256 of the document; `None` if there is none."""

    def to_tree(self) -> dict[str, JsonValue]:
        """Return the in-toto ResourceDescriptor of it."""
        tree: dict[str, JsonValue] = {"uri": checked_uri(self.uri, "policy")}
        if self.sha256 is not None:
            tree["digest"] = {"sha256": self.sha256}
        return tree


def policy_used(policy: TrustPolicy | None, uri: str | None = None) -> PolicyUsed:
    """Return what to call the policy of a verification.

    Args:
        policy: The policy; `None` if keys and options were named instead.
        uri: Where it is; by default its name and version under a prefix of ours.
    """
    if policy is None or policy.sha256 is None:
        return PolicyUsed(uri or DEFAULT_POLICY_URI)
    rest = f"&version={policy.version}"
    start = f"{PREDICATE_PREFIX}policy/v1?name="
    named = f"{start}{_quoted(policy.name, len(start) + len(rest))}{rest}"
    return PolicyUsed(uri or named, policy.sha256)


def result_statement(
    report: Report,
    *,
    verifier_id: str = DEFAULT_VERIFIER_ID,
    policy: PolicyUsed | None = None,
) -> bytes:
    """Return the payload of a Simple Verification Result: what passed, and nothing else.

    Args:
        report: The report; its subject becomes the subject.
        verifier_id: Who verified: a URI.
        policy: The policy that was used.

    Raises:
        UsageError: Nothing was verified that could be attested, or a URI is none.
    """
    subject = _subject(report)
    verifier: dict[str, JsonValue] = {
        "id": checked_uri(verifier_id, "verifier id"),
        "policy": (policy or PolicyUsed()).to_tree(),
    }
    predicate: dict[str, JsonValue] = {
        "verifier": verifier,
        "timeCreated": report.verified_at,
        "properties": tuple(_properties(report)),
        VERDICT_FIELD: report.verdict,
    }
    return write_statement((subject,), SVR, predicate)


def summary_statement(
    report: Report,
    *,
    verifier_id: str = DEFAULT_VERIFIER_ID,
    policy: PolicyUsed | None = None,
    resource: str | None = None,
) -> bytes:
    """Return the payload of a SLSA Verification Summary.

    Args:
        report: The report; its subject becomes the subject.
        verifier_id: Who verified: a URI.
        policy: The policy that was used.
        resource: The URI of what was verified; by default a package URL made from the model's name
            and version and the digest of the release.

    Raises:
        UsageError: Nothing was verified that could be attested, or a URI is none.
    """
    subject = _subject(report)
    passed = report.verdict == "PASS"
    predicate: dict[str, JsonValue] = {
        "verifier": {"id": checked_uri(verifier_id, "verifier id")},
        "timeVerified": report.verified_at,
        "resourceUri": checked_uri(resource or _package_url(report, subject), "resource"),
        "policy": (policy or PolicyUsed()).to_tree(),
        "verificationResult": "PASSED" if passed else "FAILED",
        "verifiedLevels": tuple(_properties(report)) if passed else ("FAILED",),
        "slsaVersion": "1.0",
        VERDICT_FIELD: report.verdict,
    }
    if report.manifest_digest is not None and "attestation-verified" not in report.codes():
        # All that were used, or none: of further attestations a report does not keep the digest.
        predicate["inputAttestations"] = ({"digest": {"sha256": report.manifest_digest}},)
    return write_statement((subject,), SLSA_SUMMARY, predicate)


def _subject(report: Report) -> Subject:
    """Return what a report is about.

    Raises:
        UsageError: The work could not be done, or nobody vouches for what the report is about.
    """
    if report.verdict == "ERROR":
        raise UsageError(
            problem="something could not be read, so there is no outcome to attest",
            remedy="verify again, and mend what the report names",
        )
    signed = report.signer is not None and report.signer.status == "verified"
    if report.subject is None or not signed:
        raise UsageError(
            problem="no key that was named has signed this, so there is nothing to attest",
            remedy="name the publisher's key",
        )
    files = report.files
    if report.verdict == "PASS" and (files is None or files.sha256_matched < files.listed):
        # The subject is a list of SHA-256 digests; what was compared by BLAKE3 alone is not that.
        raise UsageError(
            problem="the SHA-256 of not every file was compared, and the subject is made of them",
            remedy="verify with a policy that has `recompute_sha256`, or with all digests",
        )
    return Subject(report.subject.name, DigestSet({"sha256": report.subject.sha256}))


def _properties(report: Report) -> Iterator[str]:
    """Yield what passed; nothing unless everything that was required did.

    A reader who looks for one property must not find it beside a failure.
    """
    if report.verdict != "PASS":
        return
    yield f"{PROPERTY_PREFIX}PASS"
    yield f"{PROPERTY_PREFIX}SIGNATURE_VERIFIED"
    files = report.files
    if files is not None and files.listed == files.matched:
        is_read = files.bytes_read and not files.cached
        yield FILES_MATCHED if is_read else f"{PROPERTY_PREFIX}DIGESTS_MATCHED"
    if report.model is not None and report.model.name_checked:
        yield f"{PROPERTY_PREFIX}MODEL_NAME_CHECKED"
    for part in report.parts:
        if part.rung in _BACKED:
            yield f"{PROPERTY_PREFIX}{part.id}_{part.rung}".upper().replace("-", "_")


def _package_url(report: Report, subject: Subject) -> str:
    """Return a package URL of the generic type (purl specification, "generic")."""
    model = report.model
    start, end = "pkg:generic/", f"?checksum=sha256:{subject.digest['sha256']}"
    version = "" if model is None or model.version is None else model.version
    room = len(start) + len(end)
    at = f"@{_quoted(version, MAX_URI_CHARACTERS // 2)}" if version else ""
    name = _quoted(model.name if model is not None else subject.name, room + len(at))
    return f"{start}{name}{at}{end}"


def _quoted(text: str, others: int) -> str:
    """Return a text percent-encoded; if it is too long for a URI, its SHA-256 in its place.

    Args:
        text: The text.
        others: How many characters the rest of the URI has.
    """
    encoded = quote(text, safe="")
    if len(encoded) + others <= MAX_URI_CHARACTERS:
        return encoded
    return f"sha256-{sha256(text.encode('utf-8')).hexdigest()}"


def checked_uri(text: str, what: str) -> str:
    """Return a URI as it is.

    Raises:
        UsageError: It is none, or longer than 2,000 characters.
    """
    if len(text) > MAX_URI_CHARACTERS or not _URI.fullmatch(text):
        raise UsageError(path=what, problem=f"expected a URI, found {shown(text)}")
    return text
