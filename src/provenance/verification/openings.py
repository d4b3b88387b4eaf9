"""Checking the opening of a sealed fact: is this value what the signed manifest committed to.

Signatures, keys and the reading of the manifest are those of `verify`; nothing here decides whom to
trust. Source: `spec/manifest.md`, section "Openings and private inventories".
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from provenance.canonical import MAX_BUNDLE_BYTES, MAX_DOCUMENT_BYTES
from provenance.checks import MANIFEST_FOLDER
from provenance.digest import read_file
from provenance.envelope import manifest_digest
from provenance.errors import ManifestError, ProvenanceError, UsageError, shown
from provenance.findings import CODES, Finding, Severity
from provenance.manifest import Opening, PrivateFile, check_commitment
from provenance.verification.gathering import MANIFEST_FILE
from provenance.verification.loading import finding_of
from provenance.verification.locating import bundle_of
from provenance.verification.options import make_options
from provenance.verification.proven_files import unreadable_finding
from provenance.verification.report import EXIT_CODES
from provenance.verification.signed_manifest import SignedManifest, read_signed_manifest
from provenance.verification.sources import FolderSource

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from provenance.manifest import Manifest
    from provenance.trust import TrustPolicy
    from provenance.verification.options import KeyLike, Options, PathLike
    from provenance.verification.report import ExitCode, Verdict

__all__ = ["OpeningReport", "check_opening", "check_sealed", "open_fact"]


@dataclass(frozen=True, kw_only=True)
class OpeningReport:
    """What came out of checking an opening."""

    verdict: Verdict
    """PASS, FAIL, INCOMPLETE or ERROR, as for a release."""

    summary: str
    """One line that says it in words."""

    findings: tuple[Finding, ...]
    """What was found, in the order of the checks."""

    opening: Opening | None = None
    """The opening, if it could be read; its value is anybody's word unless the verdict is PASS."""

    signer: str | None = None
    """Fingerprint of the named key that signed; `None` if no named key did."""

    model: str | None = None
    """The name that the manifest gives the model; without a signer, anybody's word."""

    @property
    def exit_code(self) -> ExitCode:
        """0, 1, 3 or 4: the exit code for the verdict."""
        return EXIT_CODES[self.verdict]

    def to_tree(self) -> dict[str, Any]:
        """Return the report as plain JSON values."""
        opening = self.opening
        return {
            "findings": [
                {
                    "code": finding.code,
                    "message": finding.message,
                    "path": finding.path,
                    "severity": str(finding.severity),
                }
                for finding in self.findings
            ],
            "model": self.model,
            "pointer": None if opening is None else opening.path,
            "signer": self.signer,
            "summary": self.summary,
            "value": None if opening is None else opening.value,
            "verdict": self.verdict,
        }


def open_fact(private: PrivateFile | PathLike, pointer: str) -> Opening:
    """Return the opening of one sealed fact, for whoever is to check it.

    Args:
        private: The private file of the draft, or its path.
        pointer: JSON Pointer of the fact, as the manifest's disclosures name it.

    Raises:
        InputError: The file cannot be read.
        ManifestError: It is no private file.
        UsageError: It opens no such fact.
    """
    if not isinstance(private, PrivateFile):
        path = os.path.realpath(private)  # the caller named it, so a link to it is followed
        data = read_file(path, max_bytes=MAX_DOCUMENT_BYTES)
        private = PrivateFile.from_bytes(data, source=os.fspath(private))
    if pointer not in private.openings:
        known = ", ".join(sorted(private.openings)) or "none"
        raise UsageError(
            path="POINTER",
            problem=f"nothing sealed at {shown(pointer)} can be opened",
            remedy=f"the sealed facts are: {known}",
        )
    return private.openings[pointer]


def check_opening(
    opening: Opening | bytes | PathLike,
    manifest: bytes | PathLike,
    *,
    keys: Iterable[KeyLike] | KeyLike = (),
    model: str | None = None,
    policy: TrustPolicy | None = None,
) -> OpeningReport:
    """Check an opening against a signed manifest.

    Args:
        opening: The opening, its bytes, or its file.
        manifest: The bundle of the manifest, or the release that it lies in.
        keys: Keys any of which may have signed the manifest, as for `verify`.
        model: The name that the manifest must give the model.
        policy: Whom to trust, as for `verify`.

    Returns:
        The report: PASS if a named key signed a commitment to this value at this place; INCOMPLETE
        if no key was named; FAIL if something contradicts; ERROR if something could not be read.

    Raises:
        UsageError: An argument makes no sense.
    """
    options = make_options({}, manifest=manifest, keys=keys, model=model, policy=policy)
    try:
        read = _read_opening(opening)
    except ManifestError as error:
        return _report((finding_of(error, "opening-malformed", path=error.path),))
    except ProvenanceError as error:
        where = "" if isinstance(opening, Opening | bytes) else os.fspath(opening)
        return _report((unreadable_finding(error, where),))
    try:
        signed = _read_signed(options)
    except ProvenanceError as error:
        return _report((unreadable_finding(error, error.path),), read)
    findings = [*dict.fromkeys((*signed.loaded.findings, *signed.errors))]
    if signed.document is None or signed.loaded.statement is None:
        return _report(findings, read)
    findings.append(_compare(signed.loaded.statement.payload, signed.document, read))
    return _report(findings, read, signer=signed.signer, model=signed.document.model.name)


def _read_opening(opening: Opening | bytes | PathLike) -> Opening:
    if isinstance(opening, Opening):
        return opening
    if isinstance(opening, bytes):
        return Opening.from_bytes(opening)
    data = read_file(os.path.realpath(opening), max_bytes=MAX_DOCUMENT_BYTES)
    return Opening.from_bytes(data, source=os.fspath(opening))


def _read_signed(options: Options) -> SignedManifest:
    """Read the manifest; in its own folder, with the co-signatures that a policy may ask for."""
    source = options.manifest
    if source is None or isinstance(source, bytes):
        return read_signed_manifest(source or b"", options)
    named = bundle_of(source)
    data = read_file(os.path.realpath(named), max_bytes=MAX_BUNDLE_BYTES)
    release = named.removesuffix(f"/{MANIFEST_FOLDER}/{MANIFEST_FILE}")
    if release == named or not options.policy.roles:
        return read_signed_manifest(data, options)
    with FolderSource(release) as folder:
        return read_signed_manifest(data, options, beside=folder)


def check_sealed(opening: Opening, payload: bytes, document: Manifest) -> None:
    """Check that a manifest, whoever signed it, has sealed what an opening says.

    Args:
        opening: The opening.
        payload: The bytes of the statement.
        document: The manifest in it.

    Raises:
        ManifestError: It has not: `opening-other-manifest`, `opening-unsealed` or
            `evidence-mismatch`.

    Source: `spec/manifest.md`, section "Openings and private inventories".
    """
    if manifest_digest(payload) != opening.manifest:
        raise ManifestError(
            path=opening.path,
            problem=f"it was made for the manifest {opening.manifest}",
            code="opening-other-manifest",
        )
    sealed = {it.path: it.commitment for it in document.disclosures if it.commitment is not None}
    if opening.path not in sealed:
        known = ", ".join(shown(path) for path in sealed) or "nothing"
        raise ManifestError(
            path=opening.path,
            problem=f"sealed is {known}, and not {shown(opening.path)}",
            code="opening-unsealed",
        )
    check_commitment(sealed[opening.path], opening.value, opening.salt)


def _compare(payload: bytes, document: Manifest, opening: Opening) -> Finding:
    """Return what came out of comparing the opening with the commitment at its place."""
    try:
        check_sealed(opening, payload, document)
    except ManifestError as error:
        return finding_of(error, "evidence-mismatch", path=opening.path)
    return Finding("evidence-matched", opening.path, "the value is what was sealed")


def _report(
    findings: Iterable[Finding], opening: Opening | None = None, **about: str | None
) -> OpeningReport:
    found = tuple(findings)
    verdict = _judge(found)
    return OpeningReport(
        verdict=verdict,
        summary=_say(verdict, found, opening, **about),
        findings=found,
        opening=opening,
        signer=about.get("signer"),
        model=about.get("model"),
    )


def _judge(findings: tuple[Finding, ...]) -> Verdict:
    if any(finding.severity is Severity.ERROR for finding in findings):
        return "FAIL"
    if any(CODES[finding.code].fault for finding in findings):
        return "ERROR"
    if any(finding.severity is Severity.NOT_CHECKED for finding in findings):
        return "INCOMPLETE"
    return "PASS"


def _say(
    verdict: Verdict, findings: tuple[Finding, ...], opening: Opening | None, **about: str | None
) -> str:
    place = "" if opening is None else shown(opening.path)
    if verdict == "PASS":
        return (
            f"PASS: key {about.get('signer')} sealed this value at {place} of the manifest of "
            f"{shown(about.get('model') or '')}. Nothing else was checked."
        )
    if verdict == "INCOMPLETE":
        return (
            f"INCOMPLETE: this value is what was sealed at {place}, and nobody whom you named is "
            "known to have signed that."
        )
    first = next(_worst(findings))
    return f"{verdict}: {first.message}."


def _worst(findings: tuple[Finding, ...]) -> Iterator[Finding]:
    yield from (item for item in findings if item.severity is Severity.ERROR)
    yield from findings
