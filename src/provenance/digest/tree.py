"""Trees of files: what lies below a folder, and the inventory of it.

The walk is iterative and bounded, follows no link, opens no special file, and keeps going: each
`OSError` and each thing that no tree may hold becomes a fault in the result. Source:
`spec/digests.md`, section "Walking a tree".
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from provenance.canonical import MAX_TREE_DEPTH, MAX_TREE_ENTRIES
from provenance.digest.algorithms import COUNTED
from provenance.digest.files import hash_file
from provenance.digest.inventory import Inventory, InventoryDigest, InventoryEntry
from provenance.digest.names import check_name, printable_name
from provenance.digest.opening import Folder, is_link, open_folder
from provenance.errors import DigestError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from concurrent.futures import Executor

__all__ = ["FoundFile", "FoundTree", "TreeFault", "hash_tree", "walk_tree"]

#: Files that one task of an executor hashes.
BATCH_FILES: Final = 512


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A regular file of a tree."""

    path: str
    """Its checked name, relative to the root."""

    size: int
    """Its length in bytes when it was found."""


@dataclass(frozen=True, slots=True)
class TreeFault:
    """Something that a tree may not hold, or that could not be read."""

    code: str
    """`link-found`, `special-file`, `file-unreadable`, `file-changed` (it vanished), `name-unsafe`
    or `tree-limit`."""

    path: str
    """Where, relative to the root; what is not printable is written out."""

    message: str
    """One sentence."""


@dataclass(frozen=True, slots=True)
class FoundTree:
    """What a walk found."""

    files: tuple[FoundFile, ...]
    """All regular files, sorted by the bytes of their names."""

    empty_folders: tuple[str, ...]
    """Folders with nothing in them; no part of a tree."""

    faults: tuple[TreeFault, ...]
    """Everything else. A tree with faults has no digest."""


def walk_tree(root: str | os.PathLike[str], *, skip: Collection[str] = ()) -> FoundTree:
    """Return all that lies below a folder, without reading a file.

    Args:
        root: The folder. If it is a link itself, it is followed: the caller named it.
        skip: Names directly below the root that are not looked at, compared exactly.

    Raises:
        InputError: The root itself cannot be read (code `file-unreadable`).
    """
    with open_folder(root) as folder:
        return _Walk(frozenset(skip)).run(folder)


def hash_tree(
    root: str | os.PathLike[str],
    *,
    algorithms: Sequence[str] = COUNTED,
    skip: Collection[str] = (),
    progress: Callable[[int], None] | None = None,
    deadline: float | None = None,
    executor: Executor | None = None,
) -> Inventory:
    """Read every file below a folder once and return the inventory.

    Args:
        root: The folder.
        algorithms: `blake3`, and `sha256` if wanted.
        skip: Names directly below the root that are left out.
        progress: Called with numbers of bytes as they are done.
        deadline: Time of `time.monotonic` after which reading stops.
        executor: Where to hash batches of files, threads or processes; the result does not depend
            on it. Without one they are hashed here.

    Raises:
        DigestError: The tree holds something that no tree may hold (code of the fault), or the
            algorithms are not those of an inventory (`digest-algorithm`).
        InputError: Something could not be read or changed while it was read.
    """
    if "blake3" not in algorithms or not set(algorithms) <= set(COUNTED):
        raise DigestError(
            problem=f"an inventory records blake3, and sha256 on request, not {algorithms!r}",
            code="digest-algorithm",
        )
    found = walk_tree(root, skip=skip)
    _require_no_faults(found)
    hash_batch = partial(_hash_batch, os.fspath(root), tuple(algorithms), deadline)
    if executor is None:
        return Inventory(tuple(hash_batch(found.files, progress)))
    batches = [
        found.files[start : start + BATCH_FILES]
        for start in range(0, len(found.files), BATCH_FILES)
    ]
    entries: list[InventoryEntry] = []
    for batch in executor.map(hash_batch, batches):
        entries.extend(batch)
        if progress is not None:
            progress(sum(entry.size for entry in batch))
    return Inventory(tuple(entries))


class _Walk:
    """The state of one walk."""

    def __init__(self, skip: frozenset[str]) -> None:
        self._skip = skip
        self._count = 0
        self._files: list[FoundFile] = []
        self._empty: list[str] = []
        self._faults: list[TreeFault] = []

    def run(self, root: Folder) -> FoundTree:
        # Depth first, with one open folder a level: each child is opened under its parent.
        stack = [(root, "", self._list(root, ""))]
        try:
            while stack and self._count <= MAX_TREE_ENTRIES:
                folder, prefix, names = stack[-1]
                if not names:
                    stack.pop()[0].close()
                    continue
                path = prefix + names.pop()
                try:
                    child = folder.enter(path.rpartition("/")[2])
                except InputError as error:
                    self._add_error(path, error)
                    continue
                stack.append((child, path + "/", []))
                try:
                    stack[-1][2].extend(self._list(child, path + "/"))
                except InputError as error:
                    self._add_error(path, error)
        finally:
            for folder, _, _ in stack:
                folder.close()
        return self._result()

    def _list(self, folder: Folder, prefix: str) -> list[str]:
        """Take in what is directly inside a folder; return the names of the folders to enter."""
        names = []
        is_empty = True
        for entry in folder.scan():
            is_empty = False
            if not prefix and entry.name in self._skip:
                continue
            self._count += 1
            if self._count > MAX_TREE_ENTRIES:
                self._add(
                    "tree-limit",
                    prefix.removesuffix("/"),
                    f"there are more than {MAX_TREE_ENTRIES} entries",
                )
                return []
            if self._take(entry, prefix + entry.name):
                names.append(entry.name)
        if is_empty and prefix:
            self._empty.append(prefix.removesuffix("/"))
        return names

    def _take(self, entry: os.DirEntry[str], path: str) -> bool:
        """Take in one entry; return whether it is a folder to enter."""
        try:
            info = entry.stat(follow_symlinks=False)
            if path.count("/") >= MAX_TREE_DEPTH:
                self._add("tree-limit", path, f"it lies more than {MAX_TREE_DEPTH} levels deep")
                return False
            check_name(path)
        except FileNotFoundError:
            self._add("file-changed", path, "vanished while the tree was walked")
            return False
        except OSError as error:
            self._add("file-unreadable", path, f"cannot be read: {error.strerror}")
            return False
        except DigestError as error:
            self._add(error.code, path, error.problem)
            return False
        if is_link(info):
            self._add("link-found", path, "is a link, and links are not followed")
        elif stat.S_ISREG(info.st_mode):
            self._files.append(FoundFile(path, info.st_size))
        elif not stat.S_ISDIR(info.st_mode):
            self._add("special-file", path, "is neither a file nor a folder")
        return stat.S_ISDIR(info.st_mode) and not is_link(info)

    def _add(self, code: str, path: str, message: str) -> None:
        self._faults.append(TreeFault(code, printable_name(path), message))

    def _add_error(self, path: str, error: InputError) -> None:
        self._add(error.code, path, error.problem)

    def _result(self) -> FoundTree:
        # Code points order as their UTF-8 bytes do.
        return FoundTree(
            files=tuple(sorted(self._files, key=lambda file: file.path)),
            empty_folders=tuple(sorted(self._empty)),
            faults=tuple(sorted(self._faults, key=lambda fault: fault.path)),
        )


def _require_no_faults(found: FoundTree) -> None:
    """Raise for the first fault: ours to do the work over, or the tree's."""
    for fault in found.faults:
        others = f" (and {len(found.faults) - 1} more faults)" if len(found.faults) > 1 else ""
        is_ours = fault.code in {"file-unreadable", "file-changed"}
        raise (InputError if is_ours else DigestError)(
            path=fault.path, problem=fault.message + others, code=fault.code
        )


def _hash_batch(
    root: str,
    algorithms: tuple[str, ...],
    deadline: float | None,
    files: Sequence[FoundFile],
    progress: Callable[[int], None] | None = None,
) -> list[InventoryEntry]:
    """Hash some files of a tree, by their names below the root."""
    # Opened again here, because a batch may run in another process.
    with open_folder(root) as folder:
        return [_hash_one(folder, file, algorithms, deadline, progress) for file in files]


def _hash_one(
    folder: Folder,
    file: FoundFile,
    algorithms: tuple[str, ...],
    deadline: float | None,
    progress: Callable[[int], None] | None,
) -> InventoryEntry:
    try:
        found = hash_file(
            file.path,
            root=folder,
            algorithms=algorithms,
            expected_size=file.size,
            progress=progress,
            deadline=deadline,
        )
    except DigestError as error:  # only the size can be wrong: the walk has checked the name
        raise InputError(
            path=error.path,
            problem="changed between the walk and the reading of the tree",
            remedy="let nothing write to it, then try again",
            code="file-changed",
        ) from error
    digest = InventoryDigest(**found.digest)
    return InventoryEntry(digest=digest, path=file.path, size=found.size)
