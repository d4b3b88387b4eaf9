"""Step 23: evidence that the caller holds, compared with what the manifest binds.

Links in it are not followed and special files are not opened, as everywhere. The caller's files are
not the release: what cannot be read there is a fault, what differs is a contradiction.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from provenance.digest import (
    Inventory,
    InventoryDigest,
    InventoryEntry,
    hash_tree,
    walk_tree,
)
from provenance.digest.salted import salted_root
from provenance.errors import InputError, ProvenanceError, shown
from provenance.verification.held import Held, hash_held, hash_held_below
from provenance.verification.supplied_code import compare_code
from provenance.verification.supplied_records import binds_records, compare_records_held

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provenance.manifest import Dataset, Manifest
    from provenance.verification.options import Options, PathLike

__all__ = ["compare_supplied"]

#: Most files of a folder of documents that are hashed.
MAX_DOCUMENT_FILES = 10_000
#: Names of differing files that one message shows.
MAX_NAMES_SHOWN = 3


def compare_supplied(manifest: Manifest, options: Options) -> Held:
    """Compare datasets, code and documents of the caller with what the manifest binds."""
    held = Held()
    known = {dataset.id: index for index, dataset in enumerate(manifest.datasets)}
    for name, path in options.datasets.items():
        label = f"dataset {shown(name)}"
        if name not in known:
            held.say(label, "", "unknown", f"the manifest has no dataset {shown(name)}")
            continue
        where = f"/datasets/{known[name]}"
        dataset = manifest.datasets[known[name]]
        try:
            same = _compare_files(held, options, dataset, path, where)
            compare_records_held(held, options, dataset, path, where, same_files=same)
        except ProvenanceError as error:
            held.note(label, where, error)
    if options.code is not None:
        try:
            compare_code(held, options, manifest, options.code)
        except ProvenanceError as error:
            held.note("code", "", error)
    if options.documents is not None:
        try:
            _compare_documents(held, options, manifest, options.documents)
        except ProvenanceError as error:
            held.note("documents", "", error)
    return held


def _difference_in_size(dataset: Dataset, path: PathLike) -> str:
    """Return how names and sizes differ from what was signed; empty if they do not, or none were.

    Raises:
        InputError: The folder cannot be read.
    """
    if not dataset.inventory and (dataset.files is None or dataset.salted):
        return ""  # nothing to compare with
    if os.path.isdir(path):  # noqa: PTH112 - text or path object
        tree = walk_tree(path)
        if tree.faults:
            return ""  # what no tree may hold is named when it is read
        found = {file.path: file.size for file in tree.files}
    elif os.path.isfile(path) and len(dataset.inventory) == 1:  # noqa: PTH113 - text or path object
        # The caller may call a single file what he likes.
        found = {dataset.inventory[0].path: os.path.getsize(path)}  # noqa: PTH202 - text or path object
    else:
        return ""
    if dataset.inventory:
        signed = {entry.path: entry.size for entry in dataset.inventory}
        return _described(signed, found)
    if dataset.files is not None and dataset.files.size != len(found):
        return f"there are {len(found)} files, signed were {dataset.files.size}"
    return ""


def _read_dataset(held: Held, options: Options, dataset: Dataset, path: PathLike) -> Inventory:
    """Return the inventory of what the caller holds, and remember its digests."""
    if not os.path.isdir(path):  # noqa: PTH112 - text or path object
        return _inventory_of_file(held, options, dataset, path)
    made = hash_tree(
        path,
        progress=options.progress,
        deadline=options.deadline,
        workers=options.workers,
        cancelled=options.cancelled,
    )
    for entry in made:
        held.add(entry.digest.digest_set)
    return made


def _compare_files(
    held: Held, options: Options, dataset: Dataset, path: PathLike, where: str
) -> bool | None:
    """Return whether the files are the signed ones; `None` if none are signed."""
    label = f"dataset {shown(dataset.id)}"
    difference = _difference_in_size(dataset, path)
    if difference:  # then no byte of it has to be hashed
        held.say(label, where, "mismatch", f"{label}: {difference}")
        return False
    made = _read_dataset(held, options, dataset, path)
    secret = options.tree_secrets.get(dataset.id)
    if dataset.salted and dataset.files is not None and secret is not None:
        return _compare_salted(held, dataset, made, secret, where)
    if (dataset.files is None or dataset.salted) and not dataset.inventory:
        if dataset.salted or not binds_records(dataset):
            none = "the manifest binds no files of it"
            reason = "its leaves are salted, and no salts are here" if dataset.salted else none
            held.say(label, where, "unbound", f"{label}: {reason}")
        return None
    if _is_same(dataset, made):
        if dataset.files is not None and not dataset.salted:
            held.roots.add(dataset.files)
        files = "1 file" if len(made) == 1 else f"{len(made)} files"
        message = f"{label}: what you hold is what was signed ({files}, {made.total_bytes} bytes)"
        held.say(label, where, "matched", message)
        return True
    held.say(label, where, "mismatch", f"{label}: {_difference(dataset, made)}")
    return False


def _compare_salted(
    held: Held, dataset: Dataset, made: Inventory, secret: bytes, where: str
) -> bool:
    """Compare the files with a private tree, whose salts the producer has handed over."""
    label = f"dataset {shown(dataset.id)}"
    root = salted_root(made, secret)
    if root == dataset.files:
        files = "1 file" if len(made) == 1 else f"{len(made)} files"
        message = f"{label}: with the salts, what you hold is what was signed ({files})"
        held.say(label, where, "matched", message)
        return True
    size = 0 if dataset.files is None else dataset.files.size
    message = f"{label}: with the salts, {len(made)} files have another root than the {size} signed"
    held.say(label, where, "mismatch", message)
    return False


def _inventory_of_file(held: Held, options: Options, dataset: Dataset, path: PathLike) -> Inventory:
    """Return the inventory of a single file, under the one signed name if there is just one."""
    made = hash_held(held, options, path)
    name = os.path.basename(path)  # noqa: PTH119 - text or path object
    if len(dataset.inventory) == 1:
        name = dataset.inventory[0].path  # the caller may call the file what he likes
    digest = InventoryDigest(made.digest["blake3"], made.digest["sha256"])
    return Inventory((InventoryEntry(digest=digest, path=str(name), size=made.size),))


def _is_same(dataset: Dataset, made: Inventory) -> bool:
    if dataset.files is not None and not dataset.salted:
        return made.root == dataset.files
    return not _described(*_both(dataset, made))


def _difference(dataset: Dataset, made: Inventory) -> str:
    if dataset.inventory:
        return _described(*_both(dataset, made))
    root = dataset.files
    size = "" if root is None else f", signed is {root.root} over {root.size}"
    return f"the tree of {len(made)} files has the root {made.root.root}{size}"


def _both(dataset: Dataset, made: Inventory) -> tuple[dict[str, object], dict[str, object]]:
    """Return the signed digest of each file by its name, and the one found."""
    signed: dict[str, object] = {it.path: it.digest.get("blake3") for it in dataset.inventory}
    return signed, {entry.path: entry.digest.blake3 for entry in made}


def _described(signed: Mapping[str, object], found: Mapping[str, object]) -> str:
    """Return which files are missing, were not signed, or are others; empty if none."""
    missing = sorted(signed.keys() - found.keys())
    added = sorted(found.keys() - signed.keys())
    changed = sorted(name for name in signed.keys() & found.keys() if signed[name] != found[name])
    parts = (
        (missing, "missing"),
        (added, "not signed"),
        (changed, "not what was signed"),
    )
    return "; ".join(f"{what}: {_some(names)}" for names, what in parts if names)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_NAMES_SHOWN} more" if len(names) > MAX_NAMES_SHOWN else ""
    return ", ".join(shown(name) for name in names[:MAX_NAMES_SHOWN]) + more


def _compare_documents(held: Held, options: Options, manifest: Manifest, path: PathLike) -> None:
    """Compare by digest: a document is the signed one under whatever name it lies here."""
    names = _hash_documents(held, options, path)
    before = len(held.supplied)
    for index, document in enumerate(manifest.documents):
        where = f"/documents/{index}"
        label = f"document {document.id}"
        known = {
            str(text).rpartition("/")[2]
            for text in (document.path, document.name)
            if text is not None
        }
        if document.digest is None or not document.digest.counted:
            if known & names:
                held.say(label, where, "unbound", f"{label}: the manifest binds no bytes of it")
        elif held.digests.intersection(document.digest.counted.values()):
            held.say(label, where, "matched", f"{label}: the bytes are what was signed")
        elif known & names:
            message = f"{label}: {shown(min(known & names))} has other bytes than the signed ones"
            held.say(label, where, "mismatch", message)
    if len(held.supplied) == before:
        held.say("documents", "", "unbound", "documents: the manifest names none of these files")


def _hash_documents(held: Held, options: Options, path: PathLike) -> set[str]:
    """Hash the file, or every file of the folder, and return their names without folders."""
    if not os.path.isdir(path):  # noqa: PTH112 - text or path object
        hash_held(held, options, path)
        return {str(os.path.basename(path))}  # noqa: PTH119 - text or path object
    found = walk_tree(path)
    if len(found.files) > MAX_DOCUMENT_FILES:
        raise InputError(
            problem=f"{len(found.files)} files, at most {MAX_DOCUMENT_FILES} are looked at",
            remedy="name the folder that holds the documents alone",
        )
    for file in found.files:
        hash_held_below(held, options, path, file.path)
    return {file.path.rpartition("/")[2] for file in found.files}
