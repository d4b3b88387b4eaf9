"""From files and folders to the parts that bind them: inventories, typed roots, tensors."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from provenance.canonical import MAX_INVENTORY_BYTES
from provenance.digest import (
    Inventory,
    InventoryDigest,
    InventoryEntry,
    digest_bytes,
    hash_file,
    hash_file_and_tensors,
    hash_tensors,
    hash_tree,
    read_file,
    typed_root,
    write_atomic,
)
from provenance.digest.tree_parts import hash_tree_and_parts
from provenance.digest.weights.choosing import tensor_files
from provenance.digest.weights.hashing import join_tensors
from provenance.errors import DigestError, RecordingError
from provenance.manifest.files import FileEntry, FileReference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provenance.digest import FileDigest, TensorDigest, TypedRoot

__all__ = [
    "BYTES_NOT_READ",
    "DIGESTS_GIVEN",
    "INVENTORIES",
    "MAX_INLINE_FILES",
    "Content",
    "file_entries",
    "given_content",
    "hash_content",
    "reference_to",
    "tree_fields",
    "weight_root",
]

#: Most files of a dataset or checkpoint that stand in the manifest itself; more go into a file.
MAX_INLINE_FILES: Final = 50

#: The folder of inventories, in a run folder as in a manifest folder.
INVENTORIES: Final = "inventories"


#: What the gap says of a dataset whose inventory was made by somebody else.
BYTES_NOT_READ: Final = "its bytes were not read by this run; the inventory was handed over"


#: What the gap says of a dataset whose digests somebody else has worked out.
DIGESTS_GIVEN: Final = "its content was not read by this run; its digests were handed over"


@dataclass(frozen=True, slots=True)
class Content:
    """What one reading of a file or folder found."""

    path: Path
    """Where it lies, links in its own name resolved."""

    inventory: Inventory
    """Its files; a single file is a tree of one, by its base name."""

    tensors: tuple[TensorDigest, ...] | None = None
    """The tensors of its safetensors files, if they were hashed in the same reading."""


def hash_content(
    path: str | os.PathLike[str],
    *,
    algorithms: Sequence[str] = ("blake3",),
    with_tensors: bool = False,
    name: str | None = None,
) -> Content:
    """Read a file or a folder and return its inventory.

    A link that the caller names himself is followed; none below it is.

    Args:
        path: The file or folder.
        algorithms: Names of digest algorithms.
        with_tensors: Also hash the tensors of safetensors files, in the same reading.
        name: The name of a single file, if it is not that of its path.

    Raises:
        InputError: Something cannot be read, is a link or special file, or changed meanwhile.
        RecordingError: Nothing is there, or a folder is empty.
    """
    place = Path(os.path.realpath(path))
    tensors = None
    if place.is_dir() and with_tensors:
        inventory, tensors = _hash_folder(place, algorithms)
    elif place.is_dir():
        inventory = hash_tree(place, algorithms=algorithms)
    else:
        found, tensors = _hash_one(place, algorithms, with_tensors=with_tensors)
        digest = InventoryDigest(**{name: found.digest[name] for name in algorithms})
        inventory = Inventory((InventoryEntry(digest, name or Path(path).name, found.size),))
    if not inventory.entries:
        raise RecordingError(path=str(path), problem="the folder is empty, so nothing binds it")
    return Content(place, inventory, tensors)


def _hash_folder(
    place: Path, algorithms: Sequence[str]
) -> tuple[Inventory, tuple[TensorDigest, ...] | None]:
    parts = hash_tree_and_parts(place, algorithms=algorithms, with_tensors=_has_tensors)
    try:
        found = [(name, hasher.result() or ()) for name, hasher in parts.tensors.items()]
        tensors = join_tensors(found)[1] if found else None
    except DigestError:
        tensors = None  # `weight_root` says what is wrong with them
    return parts.inventory, tensors


def _has_tensors(name: str) -> bool:
    return name.endswith(".safetensors")


def _hash_one(
    place: Path, algorithms: Sequence[str], *, with_tensors: bool
) -> tuple[FileDigest, tuple[TensorDigest, ...] | None]:
    if with_tensors and _has_tensors(place.name):
        try:
            return hash_file_and_tensors(place, algorithms=algorithms)
        except DigestError:
            pass  # a damaged file is a file all the same; `weight_root` says what is wrong with it
    return hash_file(place, algorithms=algorithms), None


def given_content(
    path: str | os.PathLike[str] | None, inventory: Inventory | str | os.PathLike[str]
) -> Content:
    """Return the content that somebody else has read, without looking at it.

    Args:
        path: Where it lies, if that is known; nothing is opened there.
        inventory: Its inventory, or the path of an inventory file.

    Raises:
        DigestError: The file breaks the format of inventories.
        InputError: The file cannot be read.
        RecordingError: The inventory has no files.
    """
    if not isinstance(inventory, Inventory):
        place = os.path.realpath(inventory)
        data = read_file(place, max_bytes=MAX_INVENTORY_BYTES)
        inventory = Inventory.from_bytes(data, source=Path(place).name)
    if not inventory.entries:
        raise RecordingError(problem="the inventory is empty, so nothing binds the dataset")
    return Content(Path(os.path.realpath(path)) if path is not None else Path(), inventory)


def file_entries(inventory: Inventory) -> tuple[FileEntry, ...]:
    """Return the entries of an inventory as parts of a manifest."""
    return tuple(
        FileEntry(path=entry.path, size=entry.size, digest=entry.digest.digest_set)
        for entry in inventory.entries
    )


def tree_fields(inventory: Inventory, name: str, folder: Path | None) -> dict[str, Any]:
    """Return `files`, `inventory` and `inventoryFile` of a tree; a long one is written to a file.

    Args:
        inventory: The files of the tree.
        name: The id of what they belong to.
        folder: Where `inventories/` lies; if there is none, a long inventory is bound by its root
            alone.
    """
    if len(inventory.entries) <= MAX_INLINE_FILES:
        return {"files": inventory.root, "inventory": file_entries(inventory)}
    if folder is None:
        return {"files": inventory.root}
    data = inventory.to_bytes()
    path = f"{INVENTORIES}/{name}.jsonl"
    (folder / INVENTORIES).mkdir(exist_ok=True)
    write_atomic(folder / path, data)
    reference = reference_to(data, path=path, media_type="application/jsonl")
    return {"files": inventory.root, "inventory_file": reference}


def reference_to(data: bytes, **fields: Any) -> FileReference:  # noqa: ANN401 - its fields
    """Return a reference to these bytes, with both digests."""
    return FileReference(size=len(data), digest=digest_bytes(data), **fields)


def weight_root(content: Content) -> TypedRoot | None:
    """Return the typed root over the tensors of the weights of a tree, if it has any.

    Raises:
        DigestError: A file breaks its format, or a tensor stands in two of them.
    """
    if content.tensors is not None:
        return typed_root("tensor", (tensor.entry for tensor in content.tensors))
    names = tensor_files(entry.path for entry in content.inventory.entries)
    if not names:
        return None
    folder = content.path if content.path.is_dir() else content.path.parent
    paths = [folder / name for name in names] if content.path.is_dir() else [content.path]
    return hash_tensors(paths)[0]
