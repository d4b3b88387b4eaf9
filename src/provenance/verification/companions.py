"""The files of the manifest folder: each read once, hashed and looked into from the same bytes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from provenance.canonical import MAX_INVENTORY_BYTES, MAX_LISTING_BYTES
from provenance.checks import (
    LISTING_FILE,
    MANIFEST_FOLDER,
    ListedFile,
    Observed,
    file_references,
    file_trees,
)
from provenance.digest import DigestSet, Inventory, TypedRoot, digest_bytes, typed_root
from provenance.errors import DigestError, ManifestError
from provenance.findings import Finding
from provenance.training_log import parse_entry
from provenance.verification.reading import wanted_algorithms

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from provenance.manifest import FileReference, Manifest
    from provenance.verification.reading import Reader

__all__ = ["Companions", "read_companions", "read_inventory"]

#: Largest document whose content is looked at (results of an evaluation), in bytes.
MAX_RESULTS_BYTES = 16 * 1024 * 1024
#: Largest file of a training log whose entries are put into a tree again, in bytes.
MAX_LOG_BYTES = 1024 * 1024 * 1024
#: Lines of a training log that are read between two looks at the clock.
LINES_PER_LOOK = 1_000


@dataclass
class Companions:
    """What was found in the manifest folder; filled once, then only read."""

    observed: dict[str, Observed] = field(default_factory=dict)
    """Every file, by its name inside the folder."""

    contents: dict[str, bytes] = field(default_factory=dict)
    """The bytes of those that are looked into, if they are the signed ones."""

    listing: bytes | None = None
    """The bytes of `SHA256SUMS`, signed or not."""

    listed: tuple[ListedFile, ...] | None = None
    """The inventory of the release, if it stands in a file that could be read."""

    roots: set[TypedRoot] = field(default_factory=set)
    """Typed roots that were recomputed from bytes."""

    faults: list[Finding] = field(default_factory=list)
    """What does not fit."""


def read_companions(
    reader: Reader, manifest: Manifest, sizes: Mapping[str, int | None]
) -> Companions:
    """Read the files of the manifest folder that the manifest refers to.

    Args:
        reader: Reads, and remembers what it could not read.
        manifest: The document.
        sizes: Every file that was found in the folder, with its size.
    """
    result = Companions(observed={name: Observed(size) for name, size in sizes.items()})
    limits = _read_whole(manifest)
    for _, reference in file_references(manifest):
        name = reference.path
        if name is not None and name in sizes and not result.observed[name].digest:
            _read_one(reader, reference, sizes[name], limits, result)
    if LISTING_FILE in sizes:
        result.listing = reader.read(
            f"{MANIFEST_FOLDER}/{LISTING_FILE}", max_bytes=MAX_LISTING_BYTES
        )
    _check_inventories(manifest, result)
    _check_log(reader, manifest, result)
    return result


def read_inventory(
    data: bytes, path: str, root: TypedRoot | None, source: str
) -> tuple[Inventory | None, tuple[Finding, ...]]:
    """Return an inventory, and what does not fit: its format, or its typed root.

    Args:
        data: The inventory file.
        path: JSON Pointer of what it belongs to.
        root: The signed typed root, if there is one.
        source: What to call the file.
    """
    try:
        inventory = Inventory.from_bytes(data, source=source)
    except DigestError as error:
        code = error.code or "inventory-malformed"
        return None, (Finding(code, f"{path}/inventoryFile", f"{error.path}: {error.problem}"),)
    if root is None or inventory.root == root:
        return inventory, ()
    message = (
        f"the inventory of {len(inventory)} files has the root {inventory.root.root}, "
        f"stated is {root.root} over {root.size}"
    )
    return inventory, (Finding("inventory-mismatch", f"{path}/inventoryFile", message),)


def _read_whole(manifest: Manifest) -> dict[str, int]:
    """Return the files that are looked into, with the largest size to do it for."""
    limits: dict[str, int] = {}
    for _, inventory_file, _ in _inventory_files(manifest):
        if inventory_file.path is not None:
            limits[inventory_file.path] = MAX_INVENTORY_BYTES
    for log_file in manifest.training.log_files if manifest.training else ():
        if log_file.path is not None and manifest.training and manifest.training.log is not None:
            limits[log_file.path] = MAX_LOG_BYTES
    results = {evaluation.results for evaluation in manifest.evaluations}
    for document in manifest.documents:
        if document.path is not None and document.id in results:
            limits[document.path] = MAX_RESULTS_BYTES
    return limits


def _read_one(
    reader: Reader,
    reference: FileReference,
    size: int | None,
    limits: Mapping[str, int],
    result: Companions,
) -> None:
    name = reference.path or ""
    # A file of another size is not read: step 13 reports it by its size.
    if size is None or reference.size not in {None, size}:
        return
    where = f"{MANIFEST_FOLDER}/{name}"
    digest = reference.digest or DigestSet()
    if size > limits.get(name, -1):
        result.observed[name] = reader.hash(where, size, digest)
        return
    data = reader.read(where, max_bytes=limits[name])
    if data is None:
        return
    algorithms = wanted_algorithms(digest, all_digests=reader.all_digests)
    made = digest_bytes(data, algorithms)
    result.observed[name] = Observed(len(data), made, read=True)
    if made and all(digest.get(algorithm) == made[algorithm] for algorithm in made):
        result.contents[name] = data


def _check_inventories(manifest: Manifest, result: Companions) -> None:
    for path, inventory_file, root in _inventory_files(manifest):
        data = result.contents.get(inventory_file.path or "")
        if data is None:
            continue
        inventory, faults = read_inventory(data, path, root, inventory_file.path or "")
        if path == "/release":
            # The same fault in the release's own inventory has a code of its own, in step 9.
            faults = tuple(fault for fault in faults if fault.code != "inventory-mismatch")
            result.listed = tuple(ListedFile.of(entry) for entry in inventory or ())
        result.faults.extend(faults)


def _inventory_files(
    manifest: Manifest,
) -> Iterator[tuple[str, FileReference, TypedRoot | None]]:
    if manifest.release.inventory_file is not None:
        yield "/release", manifest.release.inventory_file, manifest.release.files
    for path, tree in file_trees(manifest):
        if tree.inventory_file is not None:
            # The leaves of a salted tree hold what nobody else has.
            yield path, tree.inventory_file, None if tree.salted else tree.files


def _check_log(reader: Reader, manifest: Manifest, result: Companions) -> None:
    training = manifest.training
    if training is None or training.log is None or not training.log_files:
        return
    pieces = [result.contents.get(file.path or "") for file in training.log_files]
    whole = [piece for piece in pieces if piece is not None]
    if len(whole) < len(pieces):
        return
    for file, piece in zip(training.log_files, whole, strict=True):
        if piece and not piece.endswith(b"\n"):
            message = "the last line of the training log is not complete"
            result.faults.append(Finding("log-mismatch", f"{MANIFEST_FOLDER}/{file.path}", message))
            return
        result.faults.extend(_log_faults(reader, f"{MANIFEST_FOLDER}/{file.path}", piece))
    made = typed_root("log", (line for piece in whole for line in piece.split(b"\n")[:-1]))
    if made == training.log:
        result.roots.add(made)
        return
    message = (
        f"the log of {made.size} entries has the root {made.root}, "
        f"signed is {training.log.root} over {training.log.size}"
    )
    result.faults.append(Finding("log-mismatch", "/training/log", message))


def _log_faults(reader: Reader, name: str, data: bytes) -> Iterator[Finding]:
    """Yield the first line of a log that is no entry: the lines after it seldom say more."""
    for number, line in enumerate(data.split(b"\n")[:-1], start=1):
        if number % LINES_PER_LOOK == 1 and reader.is_late(name):
            return
        try:
            parse_entry(line, source=f"line {number}")
        except ManifestError as error:
            yield Finding("log-malformed", name, f"{error.path}: {error.problem}")
            return
