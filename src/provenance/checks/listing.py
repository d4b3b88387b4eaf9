"""Step 9: the listing, the inventory, the tree digest and the first subject say the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.checks.evidence import MANIFEST_FOLDER
from provenance.digest import (
    COUNTED,
    file_entry,
    format_listing,
    hash_bytes,
    parse_listing,
    typed_root,
)
from provenance.errors import DigestError, shown
from provenance.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provenance.checks.evidence import Evidence
    from provenance.trust import TrustPolicy

__all__ = ["LISTING_FILE", "check_inventory", "check_listing"]

#: The listing of the release, inside the manifest folder.
LISTING_FILE = "SHA256SUMS"

#: Largest listing that is looked into although it is not the signed one, in bytes.
MAX_FOREIGN_LISTING_BYTES = 16 * 1024 * 1024

_LISTING_PATH = f"{MANIFEST_FOLDER}/{LISTING_FILE}"


def check_inventory(evidence: Evidence, policy: TrustPolicy) -> Iterator[Finding]:
    """Step 9: the inventory is sorted, has both digests of every file, and the signed tree digest.

    Codes: `release-empty`, `release-root-mismatch`, `inventory-malformed`, `digest-algorithm`.
    """
    release = evidence.manifest.release
    if release.files.size == 0:
        yield Finding("release-empty", "/release/files", "the signed tree digest is over 0 files")
        return
    if not evidence.listed and release.inventory_file is not None:
        return  # the inventory file is missing or at fault; step 13 says so
    incomplete = False
    for index, entry in enumerate(evidence.listed):
        missing = [name for name in COUNTED if name not in entry.digest]
        if missing:
            incomplete = True
            lacking = " and no ".join(missing)
            message = f"{shown(entry.path)} has no {lacking} digest; a released file has both"
            yield Finding("digest-algorithm", f"/release/inventory/{index}/digest", message)
    if incomplete:
        return
    names = [entry.path for entry in evidence.listed]
    if names != sorted(names):
        message = "the files do not stand in the order of the bytes of their names"
        yield Finding("inventory-malformed", "/release/inventory", message)
    leaves = (
        file_entry(entry.path, entry.size, entry.digest["blake3"]) for entry in evidence.listed
    )
    root = typed_root("file", leaves)
    if root != release.files:
        message = (
            f"the inventory of {root.size} files has the root {root.root}, "
            f"signed is {release.files.root} over {release.files.size}"
        )
        yield Finding("release-root-mismatch", "/release/files", message)


def check_listing(evidence: Evidence, policy: TrustPolicy) -> Iterator[Finding]:
    """Step 9: `SHA256SUMS` is the first subject, and the SHA-256 column of the inventory.

    Codes: `listing-missing`, `listing-malformed`, `listing-mismatch`, `listing-inventory-mismatch`.
    """
    if evidence.statement is None:
        return
    signed = evidence.statement.subjects[0].digest["sha256"]
    made = _digest_of_column(evidence)
    if made and made != signed:
        message = f"the signed inventory makes a listing of SHA-256 {made}, not {signed}"
        yield Finding("listing-inventory-mismatch", "/release/inventory", message)
    if evidence.listing is not None:
        yield from _check_file(evidence, evidence.listing, signed, made)
    elif evidence.has_manifest_folder and not evidence.is_unseen(_LISTING_PATH):
        supplied = evidence.companions.get(LISTING_FILE)
        if supplied is None:
            yield Finding(
                "listing-missing", _LISTING_PATH, "the listing that was signed is not here"
            )
        elif supplied.digest.get("sha256", signed) != signed:
            message = f"SHA-256 is {supplied.digest['sha256']}, the first subject is {signed}"
            yield Finding("listing-mismatch", _LISTING_PATH, message)


def _digest_of_column(evidence: Evidence) -> str:
    """Return the SHA-256 of the listing that the inventory makes; empty if it makes none.

    This needs no file, so it holds where none is here.
    """
    column = [(entry.path, entry.digest.get("sha256", "")) for entry in evidence.listed]
    if not column or not all(digest for _, digest in column):
        return ""
    try:
        return hash_bytes(format_listing(column), "sha256")
    except DigestError:
        return ""  # an unsafe name or one that stands twice; step 7 says so


def _check_file(evidence: Evidence, listing: bytes, signed: str, made: str) -> Iterator[Finding]:
    found = hash_bytes(listing, "sha256")
    if found == signed == made:
        return  # then these are the very bytes that the inventory makes
    if found != signed:
        message = f"SHA-256 is {found}, the first subject is {signed}"
        yield Finding("listing-mismatch", _LISTING_PATH, message)
        if len(listing) > MAX_FOREIGN_LISTING_BYTES:
            return  # anybody may have put it there, and its lines are not needed
    try:
        pairs = parse_listing(listing, source=LISTING_FILE)
    except DigestError as error:
        yield Finding(error.code or "listing-malformed", _LISTING_PATH, error.problem)
        return
    if found == signed and evidence.listed:
        yield from _compare(evidence, pairs)


def _compare(evidence: Evidence, pairs: dict[str, str]) -> Iterator[Finding]:
    column = {entry.path: entry.digest.get("sha256") for entry in evidence.listed}
    for name in sorted(column.keys() | pairs.keys()):
        if column.get(name) != pairs.get(name):
            message = (
                f"{shown(name)} has {pairs.get(name, 'no line')} in the listing "
                f"and {column.get(name, 'no entry')} in the inventory"
            )
            yield Finding("listing-inventory-mismatch", _LISTING_PATH, message)
