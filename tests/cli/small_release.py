"""A small release, made without the recorder, for tests of the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.digest import (
    DigestSet,
    Inventory,
    format_listing,
    hash_bytes,
    hash_tree,
    write_atomic,
)
from provenance.envelope import Subject, write_statement
from provenance.manifest import MANIFEST_V1, Manifest, parse_document

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["BUNDLE", "digest_of", "make_draft", "make_manifest"]

#: Where the bundle lies in a release.
BUNDLE = "training-provenance/manifest.sigstore.json"


def make_draft(folder: Path, *, version: str = "1.0", **changes: object) -> Path:
    """Write a small release and the statement that is to be signed for it."""
    folder.mkdir()
    (folder / "config.json").write_bytes(b'{"layers": 2}\n')
    (folder / "README.md").write_bytes(b"# Digits\n")
    inventory = hash_tree(folder)
    listing = format_listing((e.path, e.digest.sha256 or "") for e in inventory)
    (folder / "training-provenance").mkdir()
    write_atomic(folder / "training-provenance" / "SHA256SUMS", listing)
    manifest = make_manifest(inventory, version, **changes)
    subject = Subject(name="digits-mlp", digest=digest_of(listing))
    payload = write_statement([subject], MANIFEST_V1, manifest.to_tree())
    beside = folder.with_name(f"{folder.name}.draft")
    beside.mkdir()
    (beside / "statement.json").write_bytes(payload)
    return folder


def make_manifest(inventory: Inventory, version: str, **changes: object) -> Manifest:
    """Return the manifest of a small release."""
    entries = [
        {"path": e.path, "size": e.size, "digest": dict(e.digest.digest_set)} for e in inventory
    ]
    tree = {
        "manifestVersion": "1.0",
        "createdAt": "2026-11-01T12:00:00Z",
        "producer": {"name": "Digits Lab"},
        "model": {"name": "digits-mlp", "version": version, "licenses": ["Apache-2.0"]},
        "release": {"files": inventory.root.to_tree(), "inventory": entries},
        "datasets": [{"id": "raw", "name": "Digits", "roles": ["raw"], "licenses": ["CC-BY-4.0"]}],
        **changes,
    }
    return parse_document(Manifest, tree)


def digest_of(data: bytes) -> DigestSet:
    """Return the SHA-256 of bytes as a set."""
    return DigestSet({"sha256": hash_bytes(data, "sha256")})
