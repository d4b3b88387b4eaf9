"""Step 13: the files of the manifest folder, and the inventories inside the manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.checks.document_walk import file_references, file_trees
from provenance.checks.evidence import MANIFEST_FOLDER
from provenance.checks.listing import LISTING_FILE
from provenance.digest import file_entry, printable_name, typed_root
from provenance.errors import shown
from provenance.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provenance.checks.evidence import Evidence, Observed
    from provenance.manifest import FileReference
    from provenance.trust import TrustPolicy

__all__ = ["check_companions_listed", "check_companions_whole", "check_inline_inventories"]


def check_companions_whole(evidence: Evidence, policy: TrustPolicy) -> Iterator[Finding]:
    """Step 13: every file that the manifest refers to is there, with the signed bytes.

    Codes: `companion-missing`, `companion-mismatch`, `digest-algorithm`.
    """
    for path, reference in file_references(evidence.manifest):
        if reference.path is None:
            continue
        if reference.digest is None or not reference.digest.counted:
            message = f"{shown(reference.path)} is bound by no digest that counts"
            yield Finding("digest-algorithm", path, message)
        elif evidence.has_manifest_folder:
            yield from _compare(evidence, path, reference)


def check_companions_listed(evidence: Evidence, policy: TrustPolicy) -> Iterator[Finding]:
    """Step 13: nothing is in the manifest folder that nothing signed refers to.

    Codes: `companion-extra`.
    """
    signed = {
        reference.path
        for _, reference in file_references(evidence.manifest)
        if reference.digest is not None and reference.digest.counted
    }
    for name in evidence.companions:
        if name not in signed and name not in evidence.accounted and name != LISTING_FILE:
            message = f"nothing signed refers to {shown(name)}"
            yield Finding("companion-extra", printable_name(f"{MANIFEST_FOLDER}/{name}"), message)


def check_inline_inventories(evidence: Evidence, policy: TrustPolicy) -> Iterator[Finding]:
    """Step 13: an inventory inside the manifest is sorted and has the typed root beside it.

    Codes: `inventory-mismatch`, `inventory-malformed`, `digest-algorithm`.
    """
    for path, tree in file_trees(evidence.manifest):
        if not tree.inventory:
            continue
        names = [entry.path for entry in tree.inventory]
        if names != sorted(names):
            message = "the files do not stand in the order of the bytes of their names"
            yield Finding("inventory-malformed", f"{path}/inventory", message)
        if not all("blake3" in entry.digest for entry in tree.inventory):
            message = "a file has no blake3 digest, which a tree digest is taken over"
            yield Finding("digest-algorithm", f"{path}/inventory", message)
        elif tree.files is not None and not tree.salted:
            made = typed_root(
                "file",
                (
                    file_entry(entry.path, entry.size, entry.digest["blake3"])
                    for entry in tree.inventory
                ),
            )
            if made != tree.files:
                message = (
                    f"the inventory of {made.size} files has the root {made.root}, "
                    f"stated is {tree.files.root} over {tree.files.size}"
                )
                yield Finding("inventory-mismatch", f"{path}/files", message)


def _compare(evidence: Evidence, path: str, reference: FileReference) -> Iterator[Finding]:
    name = reference.path or ""
    found = evidence.companions.get(name)
    where = printable_name(f"{MANIFEST_FOLDER}/{name}")
    if found is None:
        if not evidence.is_unseen(f"{MANIFEST_FOLDER}/{name}"):
            message = f"{path} refers to {shown(name)}, which is not here"
            yield Finding("companion-missing", where, message)
        return
    for fault in _differences(reference, found):
        yield Finding(
            "companion-mismatch", where, f"{shown(name)} is not the file signed at {path}: {fault}"
        )


def _differences(reference: FileReference, found: Observed) -> Iterator[str]:
    if reference.size is not None and found.size is not None and reference.size != found.size:
        yield f"{found.size} bytes, signed were {reference.size}"
        return
    for algorithm, digest in found.digest.items():
        signed = digest if reference.digest is None else reference.digest.get(algorithm, digest)
        if digest != signed:
            yield f"{algorithm} {digest}, signed was {signed}"
