"""An OMS signature beside our manifest, for those who verify with tools for OMS alone.

It lists the same files; the manifest folder and the signature itself are left out the way OMS
allows, as recorded paths. Its root is one of the subjects of the manifest, where the release was
made with `oms=True`, so that the two name each other. Source: OpenSSF Model Signing 1.0, section 6;
`spec/oms.md`, section "Writing".
"""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from provenance.canonical import MAX_BUNDLE_BYTES, MAX_LISTING_BYTES
from provenance.checks import LISTING_FILE, MANIFEST_FOLDER, OMS_FILE
from provenance.digest import COUNTED, hash_tree, parse_listing, read_file, walk_tree, write_atomic
from provenance.envelope import (
    PAYLOAD_TYPE,
    Bundle,
    Envelope,
    Signature,
    pae,
    parse_bundle,
    parse_statement,
)
from provenance.envelope.oms import (
    DEFAULT_EXCLUSIONS,
    Resource,
    Serialization,
    root_digest,
    write_oms_bundle,
    write_oms_statement,
)
from provenance.errors import RecordingError, SigningError, UsageError
from provenance.recording.drafts import STATEMENT_NAME, draft_folder, load_draft
from provenance.recording.layout import MANIFEST_NAME
from provenance.signing import PublicKey, Signer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provenance.envelope import Statement

__all__ = ["OMS_SUBJECT", "check_oms_draft", "check_oms_signer", "oms_root", "sign_oms"]

#: What the subject is called whose digest is the root of the OMS signature.
OMS_SUBJECT = f"{OMS_FILE} (OMS root)"

_KINDS = ("ecdsa-p256", "ecdsa-p384", "ecdsa-p521")


def oms_root(digests: Mapping[str, str]) -> str | None:
    """Return the root that an OMS signature of these files has; `None` if it would list none.

    Args:
        digests: SHA-256 by path, the whole release.
    """
    listed = _listed(digests)
    return root_digest(listed) if listed else None


def check_oms_signer(signer: object) -> PublicKey:
    """Return the public key of a signer that can make OMS signatures.

    Raises:
        SigningError: It is of another kind: OMS takes ECDSA on P-256, P-384 and P-521.
    """
    key = getattr(signer, "public_key", None)
    if isinstance(signer, Signer) and isinstance(key, PublicKey) and key.kind in _KINDS:
        return key
    kind = key.kind if isinstance(key, PublicKey) else type(signer).__name__
    raise SigningError(
        problem=f"OMS signatures are made with ECDSA on P-256, P-384 or P-521, not with {kind}",
        remedy="sign with such a key; `provenance keygen` makes one",
        code="oms-method",
    )


def check_oms_draft(
    folder: str | os.PathLike[str], signer: object, *, overwrite: bool = False
) -> None:
    """Refuse before anything is signed what `sign_oms` would refuse after the manifest is.

    Args:
        folder: The released folder, whose draft is about to be signed.
        signer: The key.
        overwrite: Whether a signature that is there will be replaced.

    Raises:
        UsageError: A signature is there already.
        SigningError: The key is of another kind.
        RecordingError: The draft does not name the root of an OMS signature, or the folder is not
            what its listing says.
    """
    check_oms_signer(signer)
    place = Path(os.path.abspath(folder))  # noqa: PTH100 - a link that the caller names stays one
    _refuse_signed(place / OMS_FILE, overwrite=overwrite)
    _released_digests(place, load_draft(draft_folder(place) / STATEMENT_NAME)[0])


def sign_oms(folder: str | os.PathLike[str], signer: Signer, *, overwrite: bool = False) -> Path:
    """Write an OMS signature of a folder into it, as `model.sig`.

    In a release of ours the digests are those of its `SHA256SUMS`, which its draft or manifest must
    be about; any other folder is hashed.

    Args:
        folder: The released folder, or any model's.
        signer: The key: ECDSA on P-256, P-384 or P-521.
        overwrite: Replace a signature that is there.

    Returns:
        The path of the signature.

    Raises:
        SigningError: The key is of another kind, or cannot sign.
        RecordingError: The folder is not what its listing says, or its manifest does not name the
            root of the signature.
        UsageError: A signature is there already.
    """
    key = check_oms_signer(signer)
    place = Path(os.path.abspath(folder))  # noqa: PTH100 - a link that the caller names stays one
    target = place / OMS_FILE
    _refuse_signed(target, overwrite=overwrite)
    resources = _listed(_digests(place))
    if not resources:
        raise RecordingError(
            path=str(place), problem="there is no file to sign", code="release-empty"
        )
    payload = write_oms_statement(
        place.name, resources, Serialization(ignore_paths=_left_out(place))
    )
    signature = Signature(signer.sign(pae(PAYLOAD_TYPE, payload)))
    envelope = Envelope(payload=payload, payload_type=PAYLOAD_TYPE, signatures=(signature,))
    # The reference names a key by its PEM, the last line feed included.
    hint = sha256(key.to_pem()).hexdigest()
    write_atomic(target, write_oms_bundle(Bundle(envelope=envelope, key_hint=hint)))
    return target


def _refuse_signed(target: Path, *, overwrite: bool) -> None:
    if not overwrite and os.path.lexists(target):
        raise UsageError(
            path=str(target),
            problem="an OMS signature is there already",
            remedy="replace it on purpose (overwrite; `--overwrite`)",
        )


def _listed(digests: Mapping[str, str]) -> list[Resource]:
    """Return what OMS lists: all but what it leaves out at the top, by code points."""
    return [
        Resource(path, digest)
        for path, digest in sorted(digests.items())
        if path.partition("/")[0] not in DEFAULT_EXCLUSIONS
    ]


def _left_out(folder: Path) -> tuple[str, ...]:
    """Return what is left out and is here, as concrete paths; the signature is about to be."""
    names = (*DEFAULT_EXCLUSIONS, MANIFEST_FOLDER)
    return (*(name for name in names if os.path.lexists(folder / name)), OMS_FILE)


def _digests(folder: Path) -> Mapping[str, str]:
    if os.path.lexists(folder / MANIFEST_FOLDER / LISTING_FILE):
        return _released_digests(folder, _statement(folder))
    found = hash_tree(folder, algorithms=COUNTED, skip=(MANIFEST_FOLDER, OMS_FILE))
    return {it.path: it.digest.digest_set["sha256"] for it in found.entries}


def _released_digests(folder: Path, statement: Statement) -> Mapping[str, str]:
    """Return the digests of a release, as its listing says; they are not computed again."""
    data = read_file(folder / MANIFEST_FOLDER / LISTING_FILE, max_bytes=MAX_LISTING_BYTES)
    digests = parse_listing(data)
    _check_files(folder, digests)
    if statement.subjects[0].digest["sha256"] != sha256(data).hexdigest():
        raise RecordingError(
            path=f"{MANIFEST_FOLDER}/{LISTING_FILE}",
            problem="the listing in the folder is not the one that the manifest is about",
            remedy="release again",
            code="listing-mismatch",
        )
    root = oms_root(digests)
    if not any(subject.digest.get("sha256") == root for subject in statement.subjects):
        raise RecordingError(
            path=f"{MANIFEST_FOLDER}/{MANIFEST_NAME}",
            problem="the manifest does not name the root of an OMS signature",
            remedy="release again with oms (`provenance release --oms`), then sign",
            code="oms-unpaired",
        )
    return digests


def _check_files(folder: Path, digests: Mapping[str, str]) -> None:
    found = walk_tree(folder, skip=(MANIFEST_FOLDER, OMS_FILE))
    for fault in found.faults:
        raise RecordingError(path=fault.path, problem=fault.message, code=fault.code)
    for name in sorted({file.path for file in found.files} ^ digests.keys()):
        there = name not in digests
        raise RecordingError(
            path=name,
            problem="is in the folder and not in its listing" if there else "is listed, not here",
            remedy="release again, or undo the change",
            code="file-extra" if there else "file-missing",
        )


def _statement(folder: Path) -> Statement:
    """Return what the signed manifest says; of a release that is not signed yet, the draft."""
    bundle = folder / MANIFEST_FOLDER / MANIFEST_NAME
    if os.path.lexists(bundle):
        return parse_statement(
            parse_bundle(read_file(bundle, max_bytes=MAX_BUNDLE_BYTES)).envelope.payload
        )
    return load_draft(draft_folder(folder) / STATEMENT_NAME)[0]
