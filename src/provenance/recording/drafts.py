"""The draft of a release: the unsigned statement, and the salts that never leave the producer.

It lies in a folder beside the release, `<release>.draft/`: nothing private or unsigned is ever
inside what is published. Signing needs the draft alone, so a key can stay on another machine.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from provenance import canonical
from provenance.canonical import MAX_DOCUMENT_BYTES
from provenance.digest import DigestSet, hash_bytes, read_file, write_atomic
from provenance.envelope import (
    Statement,
    Subject,
    manifest_digest,
    parse_statement,
    write_statement,
)
from provenance.errors import RecordingError
from provenance.manifest.disclosures import COMMITMENT_SALT_BYTES, make_commitment
from provenance.manifest.frozen import freeze, thaw
from provenance.manifest.openings import PRIVATE_VERSION
from provenance.manifest.predicates import MANIFEST_V1
from provenance.manifest.reading import parse_manifest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from provenance.manifest.manifest import Manifest

__all__ = [
    "DRAFT_SUFFIX",
    "PRIVATE_NAME",
    "STATEMENT_NAME",
    "Draft",
    "Sealed",
    "draft_folder",
    "draft_statement",
    "keep_old_salts",
    "load_draft",
    "seal",
    "write_private",
]

#: What the name of a draft's folder adds to the release's.
DRAFT_SUFFIX: Final = ".draft"

#: The canonical payload that is to be signed.
STATEMENT_NAME: Final = "statement.json"

#: The sealed values and their salts; mode 0600.
PRIVATE_NAME: Final = "private.json"

#: No private tree.
NO_SECRETS: Final[Mapping[str, bytes]] = MappingProxyType({})

Sealed = tuple[str, Any, bytes]
"""JSON Pointer, value as free JSON, salt."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A release that waits to be signed."""

    folder: Path
    """The draft's folder, `<release>.draft`."""

    release: Path
    """The released folder."""

    manifest: Manifest
    """The manifest as it will be signed."""

    payload: bytes
    """The canonical bytes of the statement."""

    warnings: tuple[str, ...] = ()
    """What its maker should know: runs that were left out, weights that no run recorded, …"""

    @property
    def statement_path(self) -> Path:
        """The file that is signed."""
        return self.folder / STATEMENT_NAME

    @property
    def digest(self) -> str:
        """The manifest digest: SHA-256 of the payload."""
        return manifest_digest(self.payload)


def draft_folder(release: str | os.PathLike[str]) -> Path:
    """Return where the draft of a release lies: beside it."""
    path = Path(os.path.abspath(release))  # noqa: PTH100 - `.` needs a name; links stay
    return path.with_name(path.name + DRAFT_SUFFIX)


def draft_statement(manifest: Manifest, listing: bytes, others: Iterable[Subject] = ()) -> bytes:
    """Return the statement to sign: the release as its first subject, and the manifest.

    Args:
        manifest: The manifest.
        listing: The bytes of the release's `SHA256SUMS`.
        others: Further subjects, by which the release is known elsewhere.
    """
    # The first subject is the whole release: SHA-256 of the listing that names every file.
    digest = DigestSet({"sha256": hash_bytes(listing, "sha256")})
    subject = Subject(name=manifest.model.name, digest=digest)
    return write_statement([subject, *others], MANIFEST_V1, manifest.to_tree())


def load_draft(path: str | os.PathLike[str]) -> tuple[Statement, Manifest]:
    """Read a draft's statement strictly.

    Raises:
        InputError: It cannot be read.
        CanonicalError: It is not canonical JSON.
        EnvelopeError: It is no statement.
        ManifestError: Its predicate is no manifest of a version that we know.
        RecordingError: It is a statement about something else.
    """
    data = read_file(path, max_bytes=MAX_DOCUMENT_BYTES)
    statement = parse_statement(data)
    if statement.predicate_type != MANIFEST_V1:
        raise RecordingError(
            path=str(path),
            problem=f"the draft is a {statement.predicate_type}, expected {MANIFEST_V1}",
            remedy="name the statement.json that a release has written",
        )
    return statement, parse_manifest(statement.predicate).document


def seal(pointer: str, value: Any) -> tuple[DigestSet, Sealed]:  # noqa: ANN401 - free JSON
    """Return the salted commitment to a value, and what opens it later.

    Args:
        pointer: JSON Pointer of the fact that is withheld.
        value: Its value, free JSON.
    """
    salt = secrets.token_bytes(COMMITMENT_SALT_BYTES)
    wire = thaw(freeze(value))
    return make_commitment(wire, salt), (pointer, wire, salt)


def keep_old_salts(old: Path, new: Path) -> None:
    """Copy the salts of a draft that is replaced, under the digest of their file.

    What was signed and published under the old salts can only be opened with them.

    Raises:
        InputError: They cannot be read or written.
    """
    for path in sorted(old.glob("private*.json")):
        data = read_file(path, max_bytes=MAX_DOCUMENT_BYTES)
        name = path.name
        if name == PRIVATE_NAME:
            name = f"private-{hash_bytes(data, 'sha256')[:16]}.json"
        write_atomic(new / name, data, mode=0o600)


def write_private(
    sealed: tuple[Sealed, ...], payload: bytes, secrets_of_trees: Mapping[str, bytes] = NO_SECRETS
) -> bytes:
    """Return the bytes of `private.json`: what opens the commitments of a payload.

    Args:
        sealed: The sealed values with their salts.
        payload: The statement.
        secrets_of_trees: What the salts of private trees are derived from, by the dataset's id.
    """
    entries = [
        {"path": pointer, "value": value, "salt": salt.hex()} for pointer, value, salt in sealed
    ]
    tree: dict[str, Any] = {
        "privateVersion": PRIVATE_VERSION,
        "manifestDigest": manifest_digest(payload),
        "commitments": entries,
    }
    if secrets_of_trees:
        tree["trees"] = [
            {"dataset": name, "secret": secret.hex()} for name, secret in secrets_of_trees.items()
        ]
    return canonical.write(tree)
