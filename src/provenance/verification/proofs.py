"""Checking a proof file: does a signed manifest hold the tree, and is a file the entry of it.

Signatures, keys and the reading of the manifest are those of `verify`; nothing here decides whom to
trust. Source: `spec/digests.md`, section "Proof files".
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from provenance.canonical import MAX_BUNDLE_BYTES, MAX_PROOF_FILE_BYTES
from provenance.checks import MANIFEST_FOLDER
from provenance.digest import ProofFile, printable_name, read_file
from provenance.digest.proof_files import seems_proof
from provenance.errors import DigestError, ProvenanceError, UsageError
from provenance.findings import Finding, Severity
from provenance.verification.gathering import MANIFEST_FILE
from provenance.verification.loading import finding_of
from provenance.verification.locating import bundle_of
from provenance.verification.options import make_options
from provenance.verification.proof_comparing import compare_with_request
from provenance.verification.proof_places import describe_place, find_root, listed_paths
from provenance.verification.proof_report import ProofReport, build_proof_report
from provenance.verification.proof_requests import make_proof_request
from provenance.verification.proven_files import compare_file, unreadable_finding
from provenance.verification.signed_manifest import (
    SignedManifest,
    read_signed_manifest,
    uncompared_digests,
)
from provenance.verification.sources import FolderSource

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from provenance.digest import TypedRoot
    from provenance.trust import TrustPolicy
    from provenance.verification.options import KeyLike, Options, PathLike, Progress
    from provenance.verification.proof_places import Place
    from provenance.verification.proof_requests import ProofRequest

__all__ = ["ProofReport", "check_proof"]


def check_proof(
    proof: ProofFile | bytes | PathLike,
    *,
    file: PathLike | None = None,
    manifest: bytes | PathLike | None = None,
    root: TypedRoot | None = None,
    keys: Iterable[KeyLike] | KeyLike = (),
    model: str | None = None,
    policy: TrustPolicy | None = None,
    kind: str | None = None,
    name: str | None = None,
    tensor: str | None = None,
    dataset: str | None = None,
    checkpoint: str | None = None,
    parts: Iterable[str] = (),
    index: int | None = None,
    progress: Progress | None = None,
    deadline: float | None = None,
) -> ProofReport:
    """Check a proof against a signed manifest, or against a root that the caller trusts.

    A proof is untrusted: what it has to be a proof of, the caller says. Without `kind`, `tensor`,
    `dataset` and `checkpoint` that is a file of the release; without `name`, the one whose path
    `file` ends with. A proof of anything else is a contradiction (`proof-not-asked`); so is one
    that goes through a shard, or is of a shard, block or record, if it is not said which.

    Args:
        proof: The proof, its bytes, or its file.
        file: The file, safetensors file, block, record or inventory that the entry is said to be.
        manifest: The bundle of the manifest. Exactly one of `manifest` and `root`.
        root: A typed root that the caller has from a place that he trusts.
        keys: Keys any of which may have signed the manifest, as for `verify`.
        model: The name that the manifest must give the model.
        policy: Whom to trust, as for `verify`.
        kind: What has to be proved: `file`, `tensor`, `block`, `record` or `shard`; by default a
            file, or what the tree of `root` is of.
        name: The path of the file in its tree (for a block, the released file that it is of), or
            the name of the shard.
        tensor: A tensor, by its name: of the released weights, or of those of `checkpoint`.
        dataset: Id of the dataset that has the file, record or shard.
        checkpoint: Id of the checkpoint that has the file or tensor.
        parts: The names of the shards that the proof has to go through, the topmost first.
        index: Which block or record it has to be of, from 0.
        progress: Called with the number of bytes that were read since the last call.
        deadline: Time of `time.monotonic` after which no more bytes are read.

    Returns:
        The report: PASS if the entry is what was asked for, leads to a root that a named key
        signed (or to `root`), and the file is the entry; INCOMPLETE if no key or no file was given;
        FAIL if something contradicts; ERROR if something could not be read, or is no proof file.

    Raises:
        UsageError: Both or neither of `manifest` and `root` were given, or an option is nonsense.
    """
    if (manifest is None) == (root is None):
        raise UsageError(
            problem="expected exactly one of a manifest and a root",
            remedy="name the bundle of the signed manifest, or the root that you trust",
        )
    request = make_proof_request(
        root=root,
        kind=kind,
        name=name,
        tensor=tensor,
        dataset=dataset,
        checkpoint=checkpoint,
        parts=parts,
        index=index,
    )
    options = make_options(
        {},
        manifest=manifest,
        keys=keys,
        model=model,
        policy=policy,
        progress=progress,
        deadline=deadline,
    )
    read = _read_proof(proof)
    if isinstance(read, Finding):
        return build_proof_report((read,))
    if root is not None:
        return _conclude(options, request, read, [], file, root=root)
    return _check_in_manifest(options, request, read, file)


def _read_proof(proof: ProofFile | bytes | PathLike) -> ProofFile | Finding:
    """Return the proof, or the finding that it cannot be read, is no proof, or a broken one."""
    if isinstance(proof, ProofFile):
        return proof
    path = "" if isinstance(proof, bytes) else printable_name(os.fspath(proof))
    foreign = Finding(
        "input-unreadable", path, "this is no proof file; `provenance prove` makes one"
    )
    try:
        data = _bytes(proof, MAX_PROOF_FILE_BYTES)
    except ProvenanceError as error:
        is_too_long = error.code == "json-size"
        return foreign if is_too_long else unreadable_finding(error, path)
    if not seems_proof(data):
        return foreign
    try:
        return ProofFile.from_bytes(data)
    except DigestError as error:
        return finding_of(error, "digest-format", path=path)


def _read_signed(data: bytes, named: bytes | str, options: Options) -> SignedManifest:
    """Read the manifest; in its own folder, with the co-signatures that a policy may ask for."""
    if isinstance(named, bytes) or not options.policy.roles:
        return read_signed_manifest(data, options)
    release = named.removesuffix(f"/{MANIFEST_FOLDER}/{MANIFEST_FILE}")
    if release == named:
        return read_signed_manifest(data, options)
    with FolderSource(release) as folder:
        return read_signed_manifest(data, options, beside=folder)


def _check_in_manifest(
    options: Options, request: ProofRequest, proof: ProofFile, file: PathLike | None
) -> ProofReport:
    """Check a proof against the manifest of the request."""
    source = options.manifest
    assert source is not None  # noqa: S101 - the caller has checked it
    path = "" if isinstance(source, bytes) else printable_name(os.fspath(source))
    try:
        named = source if isinstance(source, bytes) else bundle_of(source)
        data = _bytes(named, MAX_BUNDLE_BYTES)
        signed = _read_signed(data, named, options)
    except ProvenanceError as error:
        if error.code == "json-size":
            return build_proof_report((Finding("bundle-size", path, error.problem),), proof)
        return build_proof_report((unreadable_finding(error, path),), proof)
    findings = [
        # A fault of the bundle as a whole is one of this file.
        replace(item, path=path) if item.severity is Severity.ERROR and not item.path else item
        for item in dict.fromkeys((*signed.loaded.findings, *signed.errors))
    ]
    findings += uncompared_digests(options.policy)
    if signed.document is None:
        return build_proof_report(findings, proof)
    asked = request.pointers(signed.document)
    unknown = request.find_unknown(signed.document)
    if unknown is not None:
        findings.append(unknown)
    pointer = find_root(signed.loaded, proof, asked, findings)
    return _conclude(
        options,
        request,
        proof,
        findings,
        file,
        root=None if pointer is None else proof.root,
        place=None if pointer is None else describe_place(signed.document, pointer),
        asked=asked,
        listed=listed_paths(signed.document, pointer, proof),
        signer=signed.signer,
        model=signed.document.model.name,
    )


def _bytes(source: bytes | PathLike, max_bytes: int) -> bytes:
    if isinstance(source, bytes):
        return source
    try:
        path = os.path.realpath(source)  # the caller named it, so a link to it is followed
    except ValueError:  # a name with U+0000 in it
        path = os.fspath(source)
    return read_file(path, max_bytes=max_bytes)


def _conclude(
    options: Options,
    request: ProofRequest,
    proof: ProofFile,
    findings: list[Finding],
    file: PathLike | None,
    *,
    root: TypedRoot | None,
    place: Place | None = None,
    asked: Sequence[str] = (),
    listed: Collection[str] | None = None,
    **about: str | None,
) -> ProofReport:
    """Check the way to the root, what it is the way to, and the file; say what came out."""
    if root is not None:
        try:
            proof.check(root)
        except DigestError as error:
            findings.append(finding_of(error, "digest-mismatch"))
        findings.extend(
            compare_with_request(request, proof, place, asked, file=file, listed=listed)
        )
    if not any(finding.severity is Severity.ERROR for finding in findings):
        findings.append(compare_file(proof, file, options))
    return build_proof_report(findings, proof, place, **about)
