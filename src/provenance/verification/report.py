"""The report of one verification: verdict, findings, rungs, and what was not checked.

A document like the manifest, with a JSON Schema of its own and a version. It is data: nothing in it
was escaped for a terminal or a page, except what came from a hostile name or value. No I/O.

Source: `spec/verification.md`, section "Report".
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from provenance.manifest import PREDICATE_PREFIX, document_schema
from provenance.manifest.base import Document, FreeObject

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "EXIT_CODES",
    "REPORT_VERSION",
    "CountedSignature",
    "ExitCode",
    "FileCounts",
    "GeneratorNamed",
    "ModelNamed",
    "PartReport",
    "PolicyReport",
    "ProducerSaid",
    "Report",
    "ReportedFact",
    "ReportedFinding",
    "RoleReport",
    "SignerReport",
    "StepReport",
    "SubjectReport",
    "Verdict",
    "report_schema",
]

#: The version of the report's own format (major.minor).
REPORT_VERSION = "1.0"

Verdict = Literal["PASS", "FAIL", "INCOMPLETE", "ERROR"]
"""What came out; FAIL goes before ERROR, ERROR before INCOMPLETE."""

ExitCode = Literal[0, 1, 3, 4]
"""The exit code of a verdict; 2 is a usage error, and then there is no report."""

#: The exit code of each verdict.
EXIT_CODES: Mapping[Verdict, ExitCode] = MappingProxyType(
    {"PASS": 0, "FAIL": 1, "INCOMPLETE": 3, "ERROR": 4}
)

_Size = Annotated[int, Field(ge=0, lt=2**63)]
_Rung = Literal[
    "absent", "withheld", "sealed", "declared", "bound", "matched", "linked", "reproduced"
]


class SignerReport(Document):
    """Who signed, as far as that is known."""

    status: Literal["verified", "unknown", "invalid"]
    """By a key that was named; by one that nobody named; not by any key that was named."""

    fingerprint: str | None = None
    """The key that verified. Unless `status` is `verified`, an unauthenticated hint."""

    name: str | None = None
    """What the caller has pinned the key as."""

    scheme: str | None = None
    """The signature scheme that verified."""

    kind: Literal["key", "certificate", "keyless"] | None = None
    """What the signer is known by, if it verified."""

    identity: str | None = None
    """The name in the certificate that the verifier asked for."""

    issuer: str | None = None
    """Who vouches for the name: an OIDC issuer, or the fingerprint of an authority's key."""

    issuer_name: str | None = None
    """What the certificate of the authority says it is called."""

    signed_at: str | None = None
    """The earliest time at which the signature is proven to have existed."""

    signed_at_source: Literal["timestamp-authority", "transparency-log"] | None = None
    """Who has proven that time."""

    policy_names: tuple[str, ...] = ()
    """The signers of the policy for whom the signature counts."""


class ModelNamed(Document):
    """The model, as the manifest names it."""

    name: str
    """Its name."""

    version: str | None = None
    """Its version."""

    name_checked: bool
    """Whether the caller asked for this name."""

    name_allowed: bool | None = None
    """Whether the policy bounds who may sign for which models, and lets this signer sign for it."""


class CountedSignature(Document):
    """One signature that counts for a role of the policy."""

    signer: str
    """The name of the signer in the policy."""

    fingerprint: str
    """The key."""

    identity: str | None = None
    """The name in the certificate that the policy asks for."""

    bundle: str | None = None
    """The file in the release; absent for the manifest's own bundle."""


class RoleReport(Document):
    """What stands behind one role of the policy, for one kind of statement."""

    name: str
    """The role."""

    predicate_type: str
    """What it signs."""

    required: bool
    """Whether its signatures are needed."""

    needed: _Size
    """How many different signers are needed."""

    count: _Size = 0
    """How many different signers there are, by person and by key."""

    counted: tuple[CountedSignature, ...] = ()
    """Every signature that counts; of one signer there may be several."""


class PolicyReport(Document):
    """The policy that the verification was held to."""

    name: str | None = None
    """What its author calls it."""

    version: int | None = None
    """Its version."""

    sha256: str | None = None
    """SHA-256 of its document, 64 hex characters."""

    roles: tuple[RoleReport, ...] = ()
    """Its roles, each with every kind of statement that it signs."""


class ProducerSaid(Document):
    """What the producer says of itself; nobody checked it."""

    name: str
    """Its name."""

    contact: str | None = None
    """Where questions go."""

    uri: str | None = None
    """Its site."""


class SubjectReport(Document):
    """The first subject of the statement: the release."""

    name: str
    """What the signer calls it."""

    sha256: str
    """SHA-256 of its listing `SHA256SUMS`; of an OMS bundle, its root."""


class FileCounts(Document):
    """The files of the release, in numbers."""

    listed: _Size = 0
    """Files that were signed."""

    matched: _Size = 0
    """Files whose name, size and digests are the signed ones."""

    different: _Size = 0
    """Files with another size or other bytes."""

    missing: _Size = 0
    """Signed files that are not here, or are here as something else."""

    extra: _Size = 0
    """Files that nobody signed."""

    ignored: _Size = 0
    """Files that the caller asked to ignore."""

    not_examined: _Size = 0
    """Signed files that were not looked at, or could not be."""

    not_present: _Size = 0
    """How many of those were not asked for and are not here either."""

    cached: _Size = 0
    """Of the files that matched, those that were not read: a cache knew their digests."""

    sha256_matched: _Size = 0
    """Of the files that matched, those whose SHA-256 was compared, and not BLAKE3 alone."""

    bytes_listed: _Size = 0
    """Their bytes, as signed."""

    bytes_matched: _Size = 0
    """The bytes of the files that matched."""

    bytes_read: bool = False
    """Whether bytes were read here; otherwise the caller supplied the digests."""


class StepReport(Document):
    """One numbered step."""

    number: int
    """Its number."""

    title: str
    """Its title."""

    status: Literal["done", "skipped"]
    """Skipped: an earlier step stopped the verification, or there was nothing for it to look at."""

    findings: _Size = 0
    """How many findings it has."""


class ReportedFinding(Document):
    """One result of one check."""

    code: str
    """Its code in the registry."""

    severity: Literal["error", "warning", "note", "notChecked"]
    """The severity of the code."""

    step: int
    """The step that reports it."""

    path: str = ""
    """A JSON Pointer into the manifest, or a file relative to the release; empty for the whole."""

    message: str
    """One sentence."""

    remedy: str | None = None
    """What to do about it."""


class ReportedFact(Document):
    """One fact of the manifest and where it stands on the evidence ladder."""

    path: str
    """JSON Pointer of the fact."""

    part: str
    """The part of open training that it belongs to."""

    kind: str
    """What it is within that part."""

    rung: _Rung | None = None
    """Its rung; absent if the fact does not apply."""

    origin: Literal["captured", "authored"]
    """Who said it."""


class PartReport(Document):
    """One of the eleven parts of open training."""

    id: str
    """Its name in `spec/registry/parts.json`."""

    title: str
    """Its name for people."""

    rung: _Rung | None = None
    """The lowest rung of its facts; absent if none of them applies."""

    facts: _Size = 0
    """How many facts it has, those that do not apply left out."""

    rungs: FreeObject | None = None
    """How many of them stand on each rung."""


class GeneratorNamed(Document):
    """The program that wrote this report."""

    name: str
    """Its name."""

    version: str
    """Its version."""


class Report(Document):
    """What one verification found."""

    report_version: str = REPORT_VERSION
    """Version of this format, major.minor."""

    verdict: Verdict
    """What came out."""

    exit_code: ExitCode
    """The exit code of the command line."""

    summary: str
    """The first line: the verdict in words."""

    target: str
    """What was verified: `folder`, `file`, `digests` or `bundle`."""

    signer: SignerReport | None = None
    """Who signed; absent if no signature was read."""

    policy: PolicyReport | None = None
    """The policy; absent if keys were named without one."""

    model: ModelNamed | None = None
    """The model."""

    producer: ProducerSaid | None = None
    """What the producer says of itself."""

    created_at: str | None = None
    """When the manifest says that it was made; a claim."""

    expires_at: str | None = None
    """When it says that it should no longer be relied on."""

    manifest_digest: str | None = None
    """SHA-256 of the signed payload."""

    subject: SubjectReport | None = None
    """The release."""

    files: FileCounts | None = None
    """The files of the release."""

    steps: tuple[StepReport, ...]
    """Every numbered step."""

    findings: tuple[ReportedFinding, ...] = ()
    """Every finding, in the order of the steps; of one code at most 10,000."""

    parts: tuple[PartReport, ...] = ()
    """The eleven parts of open training."""

    facts: tuple[ReportedFact, ...] = ()
    """Every fact of the manifest with its rung."""

    not_checked: tuple[str, ...] = ()
    """What was not checked, one sentence each."""

    algorithms: tuple[str, ...] = ()
    """The algorithms of the digests that were recomputed."""

    generator: GeneratorNamed
    """The program that wrote this report."""

    verified_at: str
    """When, by the verifier's clock."""

    def codes(self) -> frozenset[str]:
        """Return the codes of all findings."""
        return frozenset(finding.code for finding in self.findings)


def report_schema() -> dict[str, Any]:
    """Return the published JSON Schema of a report (`spec/schema/report-v1.schema.json`)."""
    return document_schema(Report, f"{PREDICATE_PREFIX}schema/report-v1.schema.json")
