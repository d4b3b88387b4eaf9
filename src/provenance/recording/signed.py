"""Signing a draft. The weights are not needed, so the key can be on another machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from provenance.canonical import MAX_INVENTORY_BYTES, MAX_LISTING_BYTES
from provenance.checks import LISTING_FILE, MANIFEST_FOLDER, OMS_FILE, consistency_findings
from provenance.digest import (
    Inventory,
    hash_bytes,
    parse_listing,
    read_file,
    walk_tree,
    write_atomic,
)
from provenance.digest.names import printable_name
from provenance.errors import InputError, RecordingError, UsageError
from provenance.findings import Severity
from provenance.recording.bundles import (
    attestation_name,
    make_bundles,
    many_signers,
    write_attestation,
)
from provenance.recording.cosignatures import old_cosignatures
from provenance.recording.drafts import STATEMENT_NAME, draft_folder, load_draft
from provenance.recording.layout import MANIFEST_NAME
from provenance.verification.attestations import ATTESTATIONS_FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from provenance.digest import InventoryEntry
    from provenance.envelope import Statement
    from provenance.manifest.files import FileEntry
    from provenance.manifest.manifest import Manifest
    from provenance.recording.bundles import Signers
    from provenance.recording.drafts import Draft
    from provenance.signing import BundleSigner, Signer, TimestampAuthority

__all__ = [
    "check_consistency",
    "check_folder",
    "find_draft",
    "sign_draft",
    "sign_release",
    "sign_with_all",
]


def sign_release(
    release: str | os.PathLike[str] | Draft,
    signers: Signers,
    *,
    timestamps: Iterable[TimestampAuthority] = (),
    overwrite: bool = False,
    keep_draft: bool = True,
    drop_cosignatures: bool = False,
) -> Path:
    """Sign the draft of a release and put the bundle into its manifest folder.

    The listing in the folder must be the one that the draft is about, and the folder must hold the
    files that it lists; they are not hashed again.

    Args:
        release: The released folder, or the draft that `release` returned.
        signers: The key, or several; the first one's bundle is the manifest, the others' go to
            `attestations/`. All of them sign before the first bundle is written.
        timestamps: Authorities that witness the time of every signature.
        overwrite: Replace a signed manifest that is there.
        keep_draft: Leave the draft where it is; it holds the salts of sealed facts.
        drop_cosignatures: Take away the co-signatures of another manifest, which the new one makes
            worthless. Those of this very manifest, and attestations about other things, stay.

    Returns:
        The path of `manifest.sigstore.json`.

    Raises:
        InputError: The release is not there, or something cannot be read or written.
        RecordingError: There is no draft, the folder is not what it describes, the manifest
            contradicts itself.
        SigningError: A signer cannot sign, or an authority does not answer.
        UsageError: Nobody signs, a key signs twice, or a signed manifest is there.
    """
    first, *_ = sign_with_all(
        release,
        signers,
        timestamps=timestamps,
        overwrite=overwrite,
        keep_draft=keep_draft,
        drop_cosignatures=drop_cosignatures,
    )
    return first


def sign_with_all(
    release: str | os.PathLike[str] | Draft,
    signers: Signers,
    *,
    timestamps: Iterable[TimestampAuthority] = (),
    overwrite: bool = False,
    keep_draft: bool = True,
    drop_cosignatures: bool = False,
) -> tuple[Path, ...]:
    """Sign as `sign_release` does, and return the bundle of each signer, in their order."""
    several = many_signers(signers)
    folder = Path(os.fspath(release)) if isinstance(release, str | os.PathLike) else release.release
    draft = find_draft(folder)
    statement, manifest = load_draft(draft / STATEMENT_NAME)
    check_folder(folder, statement, manifest)
    check_consistency(manifest)
    target = folder / MANIFEST_FOLDER / MANIFEST_NAME
    _refuse_signed(target, overwrite=overwrite)
    first, *others = make_bundles(statement.payload, several, timestamps)
    attestations = folder / MANIFEST_FOLDER / ATTESTATIONS_FOLDER
    written: list[Path] = []
    there = set(attestations.iterdir()) if attestations.is_dir() else set()
    try:
        # Each is in the list as soon as it is written, whatever happens to the next.
        written.extend(write_attestation(attestations, attestation_name(it), it) for it in others)
        write_atomic(target, first)
    except BaseException:
        # Either all have signed or nobody has: a full disk leaves no signature without a manifest.
        for path in written:
            if path not in there:
                path.unlink(missing_ok=True)
        raise
    if drop_cosignatures:
        for path in old_cosignatures(folder, statement.payload):
            path.unlink(missing_ok=True)
    if not keep_draft:
        (draft / STATEMENT_NAME).unlink()
    return (target, *written)


def sign_draft(
    statement: str | os.PathLike[str],
    signer: Signer | BundleSigner,
    output: str | os.PathLike[str],
    *,
    timestamps: Iterable[TimestampAuthority] = (),
    overwrite: bool = False,
) -> Path:
    """Sign a draft's statement alone, on a machine that has the key and nothing else.

    Args:
        statement: The file `statement.json` of a draft.
        signer: The key.
        output: The bundle to write; it belongs into the release as
            `training-provenance/manifest.sigstore.json`.
        timestamps: Authorities that witness the time of the signature.
        overwrite: Replace a file that is there.

    Raises:
        RecordingError: The manifest contradicts itself.
        SigningError: The signer cannot sign, or an authority does not answer.
        UsageError: The output exists.
    """
    parsed, manifest = load_draft(statement)
    check_consistency(manifest)
    target = Path(output)
    _refuse_signed(target, overwrite=overwrite)
    (bundle,) = make_bundles(parsed.payload, [signer], timestamps)
    write_atomic(target, bundle)
    return target


def find_draft(folder: Path) -> Path:
    """Return the folder of a release's draft; its statement is there.

    Raises:
        InputError: The release itself is not there, or no folder.
        RecordingError: There is no draft beside it.
    """
    if not folder.is_dir():
        raise InputError(
            path=printable_name(os.fspath(folder)),
            problem="is no folder" if os.path.lexists(folder) else "there is no such folder",
            remedy="name the folder of a release",
        )
    draft = draft_folder(folder)
    if os.path.lexists(draft / STATEMENT_NAME):
        return draft
    cosign = "to add a signature to a manifest that is signed, run `provenance cosign`"
    release = "run `provenance release` first, which writes the draft"
    signed = os.path.lexists(folder / MANIFEST_FOLDER / MANIFEST_NAME)
    raise RecordingError(
        path=printable_name(os.fspath(folder)),
        problem=f"there is no draft beside it ({printable_name(draft.name)}/{STATEMENT_NAME}), "
        "and a draft is what is signed",
        remedy=f"{cosign}; for a new manifest, {release}" if signed else f"{release}; {cosign}",
    )


def check_folder(folder: Path, statement: Statement, manifest: Manifest) -> None:
    """Check without hashing that a folder is the release that a statement is about.

    Raises:
        RecordingError: It is not: another listing, a missing or additional file, another size.
    """
    listing = read_file(folder / MANIFEST_FOLDER / LISTING_FILE, max_bytes=MAX_LISTING_BYTES)
    if hash_bytes(listing, "sha256") != statement.subjects[0].digest["sha256"]:
        raise RecordingError(
            path=f"{MANIFEST_FOLDER}/{LISTING_FILE}",
            problem="the listing in the folder is not the one that the draft is about",
            remedy="release again",
            code="listing-mismatch",
        )
    found = walk_tree(folder, skip=(MANIFEST_FOLDER, OMS_FILE))
    for fault in found.faults:
        raise RecordingError(path=fault.path, problem=fault.message, code=fault.code)
    sizes = {file.path: file.size for file in found.files}
    listed = parse_listing(listing)
    for name in sorted(sizes.keys() ^ listed.keys()):
        there = name in sizes
        raise RecordingError(
            path=name,
            problem="is in the folder and not in the draft"
            if there
            else "is in the draft, not here",
            remedy="release again, or undo the change",
            code="file-extra" if there else "file-missing",
        )
    for entry in _listed(folder, manifest):
        if sizes.get(entry.path) != entry.size:
            raise RecordingError(
                path=entry.path,
                problem=f"has {sizes.get(entry.path)} bytes, the draft says {entry.size}",
                remedy="release again, or undo the change",
                code="size-mismatch",
            )


def _listed(folder: Path, manifest: Manifest) -> Sequence[FileEntry | InventoryEntry]:
    """Return the signed inventory: from the manifest, or from its file where it is long."""
    reference = manifest.release.inventory_file
    if reference is None or reference.path is None:
        return manifest.release.inventory
    path = folder / MANIFEST_FOLDER / reference.path
    data = read_file(path, max_bytes=MAX_INVENTORY_BYTES)
    return Inventory.from_bytes(data, source=reference.path).entries


def check_consistency(manifest: Manifest) -> None:
    """Refuse to sign a manifest in which the pure checks find a contradiction.

    Raises:
        RecordingError: They do.
    """
    errors = [it for it in consistency_findings(manifest) if it.severity is Severity.ERROR]
    if errors:
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        raise RecordingError(
            path=errors[0].path,
            problem=f"the manifest contradicts itself: {errors[0].message}{more}",
            remedy=errors[0].remedy or "mend the description or the record, and release again",
            code=errors[0].code,
        )


def _refuse_signed(target: Path, *, overwrite: bool) -> None:
    if not os.path.lexists(target):
        return
    if target.is_symlink() or not target.is_file():
        raise UsageError(
            path=str(target),
            problem="something else than a file is in its place",
            remedy="name another output, or take it away",
        )
    if not overwrite:
        raise UsageError(
            path=str(target),
            problem="a signed manifest is there already",
            remedy="sign a new release, or replace it on purpose (overwrite; `--overwrite`)",
        )
