"""Checking a proof file: does a signed manifest hold the tree, and is a file the entry of it.

Signatures, keys and the reading of the manifest are those of `verify`; nothing here decides whom to
trust. Source: `spec/digests.md`, section "Proof files".
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from provenance.canonical import MAX_BUNDLE_BYTES, MAX_PROOF_FILE_BYTES
from provenance.checks import run_checks
from provenance.digest import ProofFile, read_file
from provenance.errors import DigestError, ProvenanceError, UsageError, shown
from provenance.findings import CODES, Finding, Severity
from provenance.verification.gathering import gather
from provenance.verification.loading import finding_of, load_manifest
from provenance.verification.options import make_options
from provenance.verification.proof_places import dataset_at, find_root
from provenance.verification.proof_text import say_proof
from provenance.verification.proven_files import compare_file
from provenance.verification.report import EXIT_CODES
from provenance.verification.sources import BundleSource

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provenance.digest import TypedRoot
    from provenance.verification.loading import Loaded
    from provenance.verification.options import KeyLike, Options, PathLike, Progress
    from provenance.verification.report import ExitCode, Verdict

__all__ = ["ProofReport", "check_proof"]


@dataclass(frozen=True, kw_only=True)
class ProofReport:
    """What came out of checking a proof."""

    verdict: Verdict
    """PASS, FAIL, INCOMPLETE or ERROR, as for a release."""

    summary: str
    """One line that says it in words."""

    findings: tuple[Finding, ...]
    """What was found, in the order of the checks."""

    proof: ProofFile | None = None
    """The proof, if it could be read."""

    pointer: str | None = None
    """JSON Pointer of the typed root in the manifest; `None` if it was not found there."""

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
        proof = self.proof
        return {
            "entry": None if proof is None else _plain(proof.entry),
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
            "pointer": self.pointer,
            "root": None if proof is None else proof.root.to_tree(),
            "signer": self.signer,
            "summary": self.summary,
            "verdict": self.verdict,
        }


def check_proof(
    proof: ProofFile | bytes | PathLike,
    *,
    file: PathLike | None = None,
    manifest: bytes | PathLike | None = None,
    root: TypedRoot | None = None,
    keys: Iterable[KeyLike] | KeyLike = (),
    model: str | None = None,
    progress: Progress | None = None,
    deadline: float | None = None,
) -> ProofReport:
    """Check a proof against a signed manifest, or against a root that the caller trusts.

    Args:
        proof: The proof, its bytes, or its file.
        file: The file, safetensors file, block, record or inventory that the entry is said to be.
        manifest: The bundle of the manifest. Exactly one of `manifest` and `root`.
        root: A typed root that the caller has from a place that he trusts.
        keys: Keys any of which may have signed the manifest, as for `verify`.
        model: The name that the manifest must give the model.
        progress: Called with the number of bytes that were read since the last call.
        deadline: Time of `time.monotonic` after which no more bytes are read.

    Returns:
        The report: PASS if the entry leads to a root that a named key signed (or to `root`) and
        the file is the entry; INCOMPLETE if no key or no file was given; FAIL if something
        contradicts; ERROR if something could not be read.

    Raises:
        UsageError: Both or neither of `manifest` and `root` were given, or an option is nonsense.
    """
    if (manifest is None) == (root is None):
        raise UsageError(
            problem="expected exactly one of a manifest and a root",
            remedy="name the bundle of the signed manifest, or the root that you trust",
        )
    options = _options(manifest, keys, model, progress, deadline)
    try:
        read = proof if isinstance(proof, ProofFile) else ProofFile.from_bytes(_bytes(proof))
    except ProvenanceError as error:
        return _report((finding_of(error, _default(error)),))
    if root is not None:
        return _conclude(options, read, [], root, file)
    loaded, findings = _load(options)
    if loaded is None or loaded.parsed is None or loaded.statement is None:
        return _report(findings, read)
    document = loaded.parsed.document
    signature = loaded.signature
    signed = signature is not None and signature.status == "verified"
    pointer = find_root(loaded, read, findings)
    if model is not None and document.model.name != model:
        message = f"the manifest is for {shown(document.model.name)}, not {shown(model)}"
        findings.append(Finding("model-name-mismatch", "/model/name", message))
    findings.extend(_contradictions(loaded, options, findings))
    return _conclude(
        options,
        read,
        findings,
        None if pointer is None else read.root,
        file,
        pointer=pointer,
        signer=signature.fingerprint if signature is not None and signed else None,
        model=document.model.name,
        dataset=dataset_at(loaded, pointer),
    )


def _options(
    manifest: bytes | PathLike | None,
    keys: Iterable[KeyLike] | KeyLike,
    model: str | None,
    progress: Progress | None,
    deadline: float | None,
) -> Options:
    """Return the request, checked as that of `verify` is; its target is empty."""
    return make_options(
        {},
        manifest=manifest,
        keys=keys,
        model=model,
        progress=progress,
        deadline=deadline,
    )


def _bytes(proof: bytes | PathLike) -> bytes:
    if isinstance(proof, bytes):
        return proof
    return read_file(_real(proof), max_bytes=MAX_PROOF_FILE_BYTES)


def _load(options: Options) -> tuple[Loaded | None, list[Finding]]:
    """Return how far the reading of the manifest got, and what was found on the way."""
    try:
        data = options.manifest
        assert data is not None  # noqa: S101 - the caller has checked it
        if not isinstance(data, bytes):
            data = read_file(_real(data), max_bytes=MAX_BUNDLE_BYTES)
    except ProvenanceError as error:
        code = "bundle-size" if error.code == "json-size" else error.code
        return None, [Finding(code if code in CODES else "input-unreadable", "", str(error))]
    loaded = load_manifest(data, options.policy.keys)
    return loaded, list(loaded.findings)


def _contradictions(loaded: Loaded, options: Options, known: Iterable[Finding]) -> list[Finding]:
    """Return what `verify` would refuse the manifest for: such a one proves nothing."""
    assert loaded.parsed is not None  # noqa: S101 - the caller has checked both
    assert loaded.statement is not None  # noqa: S101
    # The steps that need files find none, as for a bundle alone.
    evidence, _ = gather(BundleSource(), loaded, loaded.parsed, loaded.statement, options)
    said = {(finding.code, finding.path) for finding in known}
    return [
        finding
        for finding in run_checks(evidence, options.policy)
        if finding.severity is Severity.ERROR and (finding.code, finding.path) not in said
    ]


def _conclude(
    options: Options,
    proof: ProofFile,
    findings: list[Finding],
    root: TypedRoot | None,
    file: PathLike | None,
    **about: str | None,
) -> ProofReport:
    """Check the way to the root and the file, and say what came out."""
    if root is not None:
        try:
            proof.check(root)
        except DigestError as error:
            findings.append(finding_of(error, "digest-mismatch"))
    if not any(finding.severity is Severity.ERROR for finding in findings):
        findings.append(compare_file(proof, file, options))
    return _report(findings, proof, **about)


def _report(
    findings: Iterable[Finding],
    proof: ProofFile | None = None,
    *,
    dataset: str | None = None,
    **about: str | None,
) -> ProofReport:
    found = tuple(findings)
    verdict = _judge(found)
    summary = say_proof(verdict, found, proof, dataset=dataset, **about)
    return ProofReport(
        verdict=verdict,
        summary=summary,
        findings=found,
        proof=proof,
        pointer=about.get("pointer"),
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


def _default(error: ProvenanceError) -> str:
    return "digest-format" if isinstance(error, DigestError) else "input-unreadable"


def _real(path: PathLike) -> str:
    """Return the path that a path of the caller's own leads to: his links are followed."""
    try:
        return os.path.realpath(path)
    except ValueError:  # a name with U+0000 in it
        return os.fspath(path)


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON
    if hasattr(value, "items"):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
