"""What a signed manifest says of one file, before any byte of the file is here.

The signature, the statement and the document are checked by the steps of every verification; the
files are not, because they are still on their way. Only then is a list of block digests believed,
and only if it has the signed root.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from provenance.canonical import MAX_BLOCKS, MAX_INVENTORY_BYTES
from provenance.checks import MANIFEST_FOLDER, ListedFile
from provenance.digest import COUNTED, BlockDigests, digest_bytes, read_file
from provenance.digest.blocks import DIGEST_BYTES, whole_file_block
from provenance.errors import DigestError, UsageError, VerificationError, shown
from provenance.findings import Finding
from provenance.verification.building import Outcome, build_report
from provenance.verification.companions import read_inventory
from provenance.verification.locating import locate
from provenance.verification.options import make_options
from provenance.verification.signed_manifest import (
    read_signed_manifest,
    uncompared_digests,
)
from provenance.verification.sources import FolderSource

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from provenance.manifest import FileBlocks, Manifest, Release
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

    not_checked: tuple[Finding, ...] = ()
    """`model-name-not-checked`, if no name was asked for."""

    model: str = ""
    """The model name in the manifest."""

    signer: str = ""
    """Fingerprint of the trusted key that signed."""


def find_signed_file(
    target: PathLike,
    name: str,
    *,
    keys: Iterable[KeyLike] | KeyLike = (),
    model: str | None = None,
    policy: TrustPolicy | None = None,
    block_list: PathLike | None = None,
    clock: Clock | None = None,
    whole: bool = False,
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
        whole: Whether the caller reads the whole file, and compares each digest that the policy
            asks for; else a policy that asks for more than BLAKE3 is not met.

    Raises:
        VerificationError: The manifest is not there, not signed by a key that was named,
            contradicts itself, or does not meet the policy; `report` tells why.
        DigestError: The file is not in the signed inventory (`file-extra`), or the list of block
            digests is not the signed one (`blocks-mismatch`, `blocks-malformed`).
        InputError: The list cannot be read.
        UsageError: No key was named, or the inventory or the list of block digests is not here.
    """
    options = make_options(
        target,
        keys=keys,
        model=model,
        policy=policy,
        clock=clock,
    )
    if not options.policy.verifiers:
        raise UsageError(
            problem="no key was named, so nobody is known to have signed this",
            remedy="name the publisher's key",
        )
    with ExitStack() as stack:
        source, manifest, signer, findings = _read_manifest(options, stack, whole=whole)
        found = _find(manifest, name, source, block_list)
    unnamed = tuple(item for item in findings if item.code == "model-name-not-checked")
    return replace(found, not_checked=unnamed, model=manifest.model.name, signer=signer)


def _read_manifest(
    options: Options, stack: ExitStack, *, whole: bool
) -> tuple[Source | None, Manifest, str, tuple[Finding, ...]]:
    """Return the document, signed by a named key and without an error, and what was found in it."""
    located = locate(options, stack)
    if located.bundle is None:
        raise _refused(options, located.findings, stopped_at=1)
    read = read_signed_manifest(located.bundle, options, beside=located.source)
    if read.document is None:
        raise _refused(options, read.findings, stopped_at=read.loaded.stopped_at or 5)
    unmet = () if whole else uncompared_digests(options.policy)
    if read.signer is None or read.errors or unmet:
        outcome = Outcome(
            source="bundle",
            findings=(*unmet, *read.findings),
            signature=read.loaded.signature,
            statement=read.loaded.statement,
            evidence=read.evidence,
        )
        raise VerificationError(build_report(outcome, options))
    return located.source, read.document, read.signer, read.findings


def _refused(
    options: Options, findings: tuple[Finding, ...], *, stopped_at: int
) -> VerificationError:
    needed = Finding("required-not-checked", "", "a signed manifest of the release is required")
    outcome = Outcome(source="bundle", findings=(*findings, needed), stopped_at=stopped_at)
    return VerificationError(build_report(outcome, options))


def _find(
    manifest: Manifest, name: str, source: Source | None, block_list: PathLike | None
) -> SignedFile:
    blocks = next((item for item in manifest.release.blocks if item.path == name), None)
    # With block digests an inventory in a file of its own need not be here.
    entry = _find_entry(manifest.release, name, source, is_needed=blocks is None)
    if entry is None and blocks is None:
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


def _find_entry(
    release: Release, name: str, source: Source | None, *, is_needed: bool
) -> ListedFile | None:
    """Return what the signed inventory says of a file, wherever that inventory stands."""
    if release.inventory_file is None or release.inventory_file.path is None:
        entry = next((item for item in release.inventory if item.path == name), None)
        return None if entry is None else ListedFile.of(entry)
    if not is_needed:
        return None
    where = f"{MANIFEST_FOLDER}/{release.inventory_file.path}"
    if not isinstance(source, FolderSource) or not source.exists(where):
        raise UsageError(
            path=name,
            problem="has no block digests, and the inventory, which stands in a file of its own, "
            "is not here",
            remedy=f"fetch {shown(where)} too, and name the folder that holds it",
        )
    data = source.read(where, max_bytes=MAX_INVENTORY_BYTES)
    signed = {
        algorithm: value
        for algorithm, value in (release.inventory_file.digest or {}).items()
        if algorithm in COUNTED
    }
    if dict(digest_bytes(data, tuple(signed))) != signed:
        raise DigestError(
            path=where,
            problem="has other bytes than the signed ones",
            remedy="fetch it again; do not edit it",
            code="companion-mismatch",
        )
    inventory, faults = read_inventory(data, "/release", release.files, where)
    if inventory is None or faults:
        raise DigestError(path=where, problem=faults[0].message, code=faults[0].code)
    found = inventory.find(name)
    return None if found is None else ListedFile.of(found)


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
