"""Co-signing: one more signature of a manifest that somebody has signed already.

A co-signature is a statement about the same manifest, byte for byte. Whom to trust is not judged
here: who co-signs has verified the release first.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from provenance.canonical import MAX_BUNDLE_BYTES
from provenance.checks import MANIFEST_FOLDER
from provenance.digest import read_file, write_atomic
from provenance.envelope import PAYLOAD_TYPE, parse_bundle, parse_statement
from provenance.errors import InputError, ProvenanceError, RecordingError, UsageError, shown
from provenance.manifest.predicates import MANIFEST_V1
from provenance.manifest.reading import parse_manifest
from provenance.recording.bundles import (
    attestation_name,
    has_signed,
    make_bundles,
    many_signers,
    refuse_link,
    write_attestation,
)
from provenance.recording.layout import MANIFEST_NAME
from provenance.recording.signed import check_consistency, check_folder
from provenance.verification.attestations import (
    ATTESTATIONS_FOLDER,
    BUNDLE_SUFFIX,
    MAX_ALL_ATTESTATIONS_BYTES,
    MAX_ATTESTATION_BYTES,
    MAX_ATTESTATIONS,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provenance.envelope import Bundle, Statement
    from provenance.manifest.manifest import Manifest
    from provenance.recording.bundles import Signers
    from provenance.signing import BundleSigner, Signer, TimestampAuthority

__all__ = ["cosign_manifest", "cosign_release"]

#: Names of co-signatures: what every file system writes alike.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def cosign_release(
    folder: str | os.PathLike[str],
    signers: Signers,
    *,
    name: str | None = None,
    timestamps: Iterable[TimestampAuthority] = (),
) -> tuple[Path, ...]:
    """Add signatures to a signed release; no file that is there is touched.

    The manifest must parse and not contradict itself, and the folder must hold the files of its
    listing; they are not hashed, and no signature is verified.

    Args:
        folder: The released folder.
        signers: The key, or several.
        name: What the file is called, without its ending; after the key by default.
        timestamps: Authorities that witness the time of every signature.

    Returns:
        The bundles that were written, in `attestations/`.

    Raises:
        InputError: Something cannot be read or written.
        ProvenanceError: The bundle or the manifest in it breaks its format.
        RecordingError: The manifest contradicts itself, or the folder is not what it describes.
        SigningError: A signer cannot sign, or an authority does not answer.
        UsageError: Nobody signs, a key has signed already, or the name is none or is taken.
    """
    several = many_signers(signers)
    _check_name(name, several)
    root = Path(folder)
    path = root / MANIFEST_FOLDER / MANIFEST_NAME
    bundle, statement, manifest = _read_signed(path)
    check_folder(root, statement, manifest)
    attestations = root / MANIFEST_FOLDER / ATTESTATIONS_FOLDER
    refuse_link(attestations)
    payload = bundle.envelope.payload
    signed = [(path, bundle), *_read_cosignatures(attestations, payload)]
    _refuse_second(several, signed)
    made = _make(payload, several, timestamps)
    named = [(name or attestation_name(data), data) for data in made]
    for own, _ in named:
        _refuse_taken(attestations / f"{own}{BUNDLE_SUFFIX}")
    return tuple(write_attestation(attestations, own, data) for own, data in named)


def cosign_manifest(
    manifest: str | os.PathLike[str],
    signer: Signer | BundleSigner,
    output: str | os.PathLike[str],
    *,
    timestamps: Iterable[TimestampAuthority] = (),
) -> Path:
    """Co-sign a bundle alone, on a machine that has the key and not the release.

    Args:
        manifest: The signed manifest.
        signer: The key.
        output: The bundle to write; it belongs into the release under
            `training-provenance/attestations/`, with a name that ends with `.sigstore.json`.
        timestamps: Authorities that witness the time of the signature.

    Raises:
        InputError: Something cannot be read or written.
        ProvenanceError: The bundle or the manifest in it breaks its format.
        RecordingError: The manifest contradicts itself.
        SigningError: The signer cannot sign, or an authority does not answer.
        UsageError: The key has signed already, or the output exists.
    """
    target = Path(output)
    _refuse_taken(target)
    path = Path(manifest)
    bundle, _, _ = _read_signed(path)
    _refuse_second([signer], [(path, bundle)])
    (data,) = _make(bundle.envelope.payload, [signer], timestamps)
    write_atomic(target, data)
    return target


def _read_signed(path: Path) -> tuple[Bundle, Statement, Manifest]:
    """Read a signed manifest as strictly as a verifier does, but for its signature."""
    bundle = _read_bundle(path, MAX_BUNDLE_BYTES)
    if bundle.envelope.payload_type != PAYLOAD_TYPE:
        problem = f"expected {PAYLOAD_TYPE!r}, found {shown(bundle.envelope.payload_type)}"
        raise RecordingError(path=str(path), problem=problem, code="bundle-payload-type")
    statement = parse_statement(bundle.envelope.payload)
    if statement.predicate_type != MANIFEST_V1:
        raise RecordingError(
            path=str(path),
            problem=f"the bundle is a {shown(statement.predicate_type)}, expected {MANIFEST_V1}",
            remedy="name the signed manifest of a release",
            code="predicate-type",
        )
    manifest = parse_manifest(statement.predicate).document
    check_consistency(manifest)
    return bundle, statement, manifest


def _read_bundle(path: Path, limit: int) -> Bundle:
    try:
        return parse_bundle(read_file(path, max_bytes=limit))
    except InputError:
        raise
    except ProvenanceError as error:
        where = f"{path}{error.path}"
        raise RecordingError(path=where, problem=error.problem, code=error.code) from error


def _read_cosignatures(folder: Path, payload: bytes) -> list[tuple[Path, Bundle]]:
    """Return the bundles of a folder whose payload is this one; what is broken is none."""
    found = []
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(BUNDLE_SUFFIX))  # noqa: PTH208 - names, as they are
    except FileNotFoundError:
        return []
    except OSError as error:
        raise InputError(path=str(folder), problem=f"cannot be read: {error.strerror}") from error
    if len(names) >= MAX_ATTESTATIONS:
        problem = f"{len(names)} attestations, verifiers read {MAX_ATTESTATIONS}"
        raise RecordingError(path=str(folder), problem=problem)
    total = sum((folder / name).lstat().st_size for name in names)
    if total > MAX_ALL_ATTESTATIONS_BYTES:
        problem = f"{total} bytes of attestations, verifiers read {MAX_ALL_ATTESTATIONS_BYTES}"
        raise RecordingError(path=str(folder), problem=problem)
    for name in names:
        try:
            bundle = _read_bundle(folder / name, MAX_ATTESTATION_BYTES)
        except ProvenanceError:  # whoever verifies the release is told
            continue
        if bundle.envelope.payload == payload:
            found.append((folder / name, bundle))
    return found


def _refuse_second(
    signers: Iterable[Signer | BundleSigner], signed: Iterable[tuple[Path, Bundle]]
) -> None:
    for path, bundle in signed:
        for signer in signers:
            if has_signed(bundle, signer):
                raise UsageError(
                    path=str(path),
                    problem=f"the key {signer.fingerprint} has signed this manifest already",
                    remedy="a second signature of one key proves nothing more; use another key",
                )


def _make(
    payload: bytes,
    signers: Iterable[Signer | BundleSigner],
    timestamps: Iterable[TimestampAuthority],
) -> list[bytes]:
    made = make_bundles(payload, tuple(signers), timestamps)
    for data in made:
        if len(data) > MAX_ATTESTATION_BYTES:
            raise RecordingError(
                problem=f"the co-signature has {len(data)} bytes, "
                f"verifiers read at most {MAX_ATTESTATION_BYTES}",
                remedy="release with the inventory in a file of its own",
            )
    return made


def _check_name(name: str | None, signers: tuple[object, ...]) -> None:
    if name is None:
        return
    if _NAME.fullmatch(name) is None:
        problem = f"expected letters, digits, `.`, `_`, `-`, at most 100, found {shown(name)}"
        raise UsageError(path="name", problem=problem)
    if len(signers) > 1:
        raise UsageError(path="name", problem="one name was given for several signatures")


def _refuse_taken(target: Path) -> None:
    if os.path.lexists(target):
        raise UsageError(
            path=str(target),
            problem="is there already",
            remedy="choose another name; a signature is never overwritten here",
        )
