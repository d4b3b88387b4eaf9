"""The files of the manifest folder: each read once, hashed and looked into from the same bytes."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from msgspec import Struct, field

from provenance.canonical import MAX_INVENTORY_BYTES, MAX_LISTING_BYTES
from provenance.checks import (
    LISTING_FILE,
    MANIFEST_FOLDER,
    ListedFile,
    Observed,
    file_references,
    file_trees,
)
from provenance.digest import (
    BlockDigests,
    DigestSet,
    Inventory,
    TypedRoot,
    digest_bytes,
    typed_root,
)
from provenance.errors import DigestError, ManifestError
from provenance.findings import Finding
from provenance.verification.damage import read_block_lists

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from provenance.manifest import FileReference, Manifest
    from provenance.verification.reading import Reader

__all__ = ["Companions", "read_companions", "read_inventory"]

#: Largest document whose content is looked at (results of an evaluation), in bytes.
MAX_RESULTS_BYTES = 16 * 1024 * 1024
#: The same, of all such documents together: they are held in memory.
MAX_ALL_RESULTS_BYTES = 256 * 1024 * 1024
#: Most bytes of a training log, all its files together, whose entries are put into a tree again.
MAX_LOG_BYTES = 1024 * 1024 * 1024
#: Most bytes of lists of block digests, all together: 8 TiB in blocks of 1 MiB.
MAX_ALL_BLOCK_LISTS_BYTES = 256 * 1024 * 1024
#: Lines of a training log that are read between two looks at the clock.
LINES_PER_LOOK = 1_000


class Companions(Struct):
    """What was found in the manifest folder; filled once, then only read."""

    observed: dict[str, Observed] = field(default_factory=dict)
    """Every file, by its name inside the folder."""

    contents: dict[str, bytes] = field(default_factory=dict)
    """The bytes of those that are looked into, if they are the signed ones."""

    listing: bytes | None = None
    """The bytes of `SHA256SUMS`, signed or not."""

    listed: tuple[ListedFile, ...] | None = None
    """The inventory of the release, if it stands in a file that could be read."""

    blocks: dict[str, BlockDigests] = field(default_factory=dict)
    """The digests of blocks whose list has the signed root, by released file."""

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
    whole = _read_whole(manifest, sizes)
    references: dict[str, list[FileReference]] = {}
    for _, reference in file_references(manifest):
        if reference.path is not None and reference.path in sizes:
            references.setdefault(reference.path, []).append(reference)
    for name, referring in references.items():
        size = sizes[name]
        # A file of another size is not read: step 13 reports it by its size.
        if size is not None and any(item.size in {None, size} for item in referring):
            seen, content = _read_one(reader, name, size, referring, keep=name in whole)
            result.observed[name] = seen
            if content is not None:
                result.contents[name] = content
    if LISTING_FILE in sizes:
        result.listing = reader.read(
            f"{MANIFEST_FOLDER}/{LISTING_FILE}", max_bytes=MAX_LISTING_BYTES
        )
    _check_inventories(manifest, result)
    _check_log(reader, manifest, result)
    result.blocks, faults = read_block_lists(manifest, result.contents)
    result.faults.extend(faults)
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


def _read_whole(manifest: Manifest, sizes: Mapping[str, int | None]) -> frozenset[str]:
    """Return the files that are looked into: those that leave memory for the rest."""
    training = manifest.training
    logs = training.log_files if training is not None and training.log is not None else ()
    results = {evaluation.results for evaluation in manifest.evaluations}
    inventories = list(_inventory_files(manifest))
    return frozenset().union(
        # The inventory of the release comes first: without it there is nothing to compare.
        _fitting((file for _, file, _ in inventories), sizes, MAX_INVENTORY_BYTES),
        _fitting(_block_lists(manifest), sizes, MAX_ALL_BLOCK_LISTS_BYTES),
        _all_or_none(logs, sizes, MAX_LOG_BYTES),
        _fitting(
            (document for document in manifest.documents if document.id in results),
            sizes,
            MAX_ALL_RESULTS_BYTES,
            most_of_one=MAX_RESULTS_BYTES,
        ),
    )


def _block_lists(manifest: Manifest) -> Iterator[FileReference]:
    for item in manifest.release.blocks:
        if item.list is not None:
            yield item.list


def _fitting(
    files: Iterable[FileReference],
    sizes: Mapping[str, int | None],
    most: int,
    *,
    most_of_one: int | None = None,
) -> set[str]:
    """Return the names of the first files that are together no larger than `most` bytes."""
    names: set[str] = set()
    total = 0
    for file in files:
        size = sizes.get(file.path or "")
        if file.path is None or size is None or size > (most_of_one or most) or file.path in names:
            continue
        total += size
        if total <= most:
            names.add(file.path)
    return names


def _all_or_none(
    files: Collection[FileReference], sizes: Mapping[str, int | None], most: int
) -> set[str]:
    """Return the names of all files, if they are together no larger than `most` bytes."""
    names = _fitting(files, sizes, most)
    return names if names.issuperset(file.path for file in files if file.path in sizes) else set()


def _read_one(
    reader: Reader, name: str, size: int, references: Sequence[FileReference], *, keep: bool
) -> tuple[Observed, bytes | None]:
    """Return a file as it was found, and its bytes if they are to be kept and are the signed ones.

    It is hashed by what each reference to it records, so that none of them is passed over.
    """
    where = f"{MANIFEST_FOLDER}/{name}"
    digests = [reference.digest or DigestSet() for reference in references]
    if not keep:
        return reader.hash(where, size, *digests), None
    data = reader.read(where, max_bytes=size)
    if data is None:
        return Observed(size), None
    made = digest_bytes(data, reader.wanted(*digests))
    is_signed = made and all(
        digest.get(algorithm, value) == value
        for digest in digests
        for algorithm, value in made.items()
    )
    return Observed(len(data), made, read=True), data if is_signed else None


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
    faults: list[Finding] = []
    is_late = False
    if len(whole) < len(pieces):
        return
    for file, piece in zip(training.log_files, whole, strict=True):
        name = f"{MANIFEST_FOLDER}/{file.path}"
        if piece and not piece.endswith(b"\n"):
            message = "the last line of the training log is not complete"
            result.faults.append(Finding("log-mismatch", name, message))
            return
        faults.extend(_log_faults(reader, name, piece))
        is_late = reader.is_late(name)
    result.faults.extend(faults)
    # What is no log has no root worth the work: it may be all line feeds.
    if faults or is_late:
        return
    made = typed_root("log", (line for piece in whole for line in _lines(piece)))
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
    from provenance.training_log import parse_entry  # noqa: PLC0415 - a log, if there is one

    for number, line in enumerate(_lines(data), start=1):
        if number % LINES_PER_LOOK == 1 and reader.is_late(name):
            return
        try:
            parse_entry(line, source=f"line {number}")
        except ManifestError as error:
            yield Finding("log-malformed", name, f"{error.path}: {error.problem}")
            return


def _lines(data: bytes) -> Iterator[bytes]:
    """Yield the lines of a log, one at a time: a list of them may be far larger than the log."""
    for line in BytesIO(data):
        yield line[:-1]
