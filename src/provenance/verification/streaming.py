"""What a signed manifest says of one file, before any byte of the file is here.

The signature, the statement and the document are checked by the steps of every verification; the
files are not, because they are still on their way. Only then is a list of block digests believed,
and only if it has the signed root.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provenance.canonical import MAX_BLOCKS
from provenance.checks import MANIFEST_FOLDER, run_checks
from provenance.digest import BlockDigests, read_file
from provenance.digest.blocks import DIGEST_BYTES, whole_file_block
from provenance.errors import DigestError, UsageError, VerificationError, shown
from provenance.findings import Finding, Severity
from provenance.verification.building import Outcome, build_report
from provenance.verification.gathering import gather
from provenance.verification.loading import load_manifest
from provenance.verification.locating import locate
from provenance.verification.options import make_options
from provenance.verification.sources import BundleSource, FolderSource

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from provenance.manifest import FileBlocks, Manifest
    from provenance.trust import TrustPolicy
    from provenance.verification.options import Clock, KeyLike, Options, PathLike
    from provenance.verification.sources import Source

__all__ = ["SignedFile", "find_signed_file"]

#: Largest file without block digests that is held in memory until its digest is known, in bytes.
MAX_WHOLE_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class SignedFile:
    """One released file, as it was signed."""

    path: str
    """Its name in the release."""

    size: int
    """Its length in bytes."""

    digest: Mapping[str, str]
    """Its signed digests, by algorithm."""

    blocks: BlockDigests | None
    """The digests of its blocks; a small file is a block of its own. `None` if there are none."""


def find_signed_file(
    target: PathLike,
    name: str,
    *,
    keys: Iterable[KeyLike] | KeyLike = (),
    model: str | None = None,
    policy: TrustPolicy | None = None,
    block_list: PathLike | None = None,
    clock: Clock | None = None,
) -> SignedFile:
    """Return what a signed manifest says of one file.

    Args:
        target: The bundle, or the folder of a release that holds `training-provenance/`; of the
            release no other file needs to be there.
        name: The file, by its name in the release.
        keys: Whom to trust, as for `verify`; at least one.
        model: The name that the model must have.
        policy: Whom to trust and what to require, as for `verify`.
        block_list: The list of block digests, if it does not lie in the folder; its root must be
            the signed one, so it may come from anywhere.
        clock: Returns the present time with its time zone.

    Raises:
        VerificationError: The manifest is not there, not signed by a key that was named, or
            contradicts itself; `report` tells why.
        DigestError: The file is not in the signed inventory (`file-extra`), or the list of block
            digests is not the signed one (`blocks-mismatch`, `blocks-malformed`).
        InputError: The list cannot be read.
        UsageError: No key was named, or the inventory cannot be looked into from here.
    """
    options = make_options(
        target,
        keys=keys,
        model=model,
        policy=policy,
        clock=clock,
    )
    if not options.policy.keys:
        raise UsageError(
            problem="no key was named, so nobody is known to have signed this",
            remedy="name the publisher's key",
        )
    with ExitStack() as stack:
        source, manifest = _read_manifest(options, stack)
        return _find(manifest, name, source, block_list)


def _read_manifest(options: Options, stack: ExitStack) -> tuple[Source | None, Manifest]:
    """Return the document, signed by a named key and without an error in it."""
    located = locate(options, stack)
    if located.bundle is None:
        raise _refused(options, located.findings, stopped_at=1)
    loaded = load_manifest(located.bundle, options.policy.keys)
    if loaded.parsed is None or loaded.statement is None:
        raise _refused(options, loaded.findings, stopped_at=loaded.stopped_at or 5)
    # The steps that need files find none, as for a bundle alone.
    evidence, _ = gather(BundleSource(), loaded, loaded.parsed, loaded.statement, options)
    findings = (*loaded.findings, *run_checks(evidence, options.policy))
    is_signed = loaded.signature is not None and loaded.signature.status == "verified"
    if not is_signed or any(finding.severity is Severity.ERROR for finding in findings):
        outcome = Outcome(
            source="bundle",
            findings=findings,
            signature=loaded.signature,
            statement=loaded.statement,
            evidence=evidence,
        )
        raise VerificationError(build_report(outcome, options))
    return located.source, loaded.parsed.document


def _refused(
    options: Options, findings: tuple[Finding, ...], *, stopped_at: int
) -> VerificationError:
    needed = Finding("required-not-checked", "", "a signed manifest of the release is required")
    outcome = Outcome(source="bundle", findings=(*findings, needed), stopped_at=stopped_at)
    return VerificationError(build_report(outcome, options))


def _find(
    manifest: Manifest, name: str, source: Source | None, block_list: PathLike | None
) -> SignedFile:
    entry = next((item for item in manifest.release.inventory if item.path == name), None)
    blocks = next((item for item in manifest.release.blocks if item.path == name), None)
    if entry is None and blocks is None:
        if manifest.release.inventory_file is not None:
            raise UsageError(
                path=name,
                problem="the inventory stands in a file of its own, and has no block digests of "
                "this one",
                remedy="download the file and verify the release",
            )
        raise DigestError(
            path=name,
            problem="is not in the signed inventory",
            remedy="`provenance show` lists the files",
            code="file-extra",
        )
    digest = {} if entry is None else dict(entry.digest)
    if blocks is not None:
        lists = _read_list(blocks, source, block_list)
        return SignedFile(name, blocks.size, digest, lists)
    assert entry is not None  # noqa: S101 - one of the two is there
    whole = whole_file_block(entry.size, digest["blake3"]) if _is_small(entry.size) else None
    return SignedFile(name, entry.size, digest, whole)


def _is_small(size: int) -> bool:
    return size <= MAX_WHOLE_BYTES


def _read_list(
    blocks: FileBlocks, source: Source | None, block_list: PathLike | None
) -> BlockDigests:
    where = blocks.list.path if blocks.list is not None else None
    most = DIGEST_BYTES * MAX_BLOCKS
    if block_list is not None:
        data = read_file(block_list, max_bytes=most)
        where = str(block_list)
    elif where is not None and isinstance(source, FolderSource):
        data = source.read(f"{MANIFEST_FOLDER}/{where}", max_bytes=most)
    else:
        raise UsageError(
            path=blocks.path,
            problem="the list of its block digests is not here",
            remedy=f"name the folder of the release, or the list ({shown(where or '')})",
        )
    try:
        return BlockDigests.from_bytes(
            data, size=blocks.size, block_size=blocks.block_size, root=blocks.blocks
        )
    except DigestError as error:
        raise DigestError(
            path=where or "", problem=error.problem, remedy=error.remedy, code=error.code
        ) from error
