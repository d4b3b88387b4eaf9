"""Walking trees of files: what lies below a folder, without reading any of it.

The walk is iterative and bounded, follows no link, opens no special file, and keeps going: each
`OSError` and each thing that no tree may hold becomes a fault in the result. Source:
`spec/digests.md`, section "Walking a tree".
"""

from __future__ import annotations

import os
import stat
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from provenance.canonical import MAX_TREE_DEPTH, MAX_TREE_ENTRIES
from provenance.digest.names import check_name, is_name, printable_name
from provenance.digest.opening import Folder, is_link, open_folder
from provenance.errors import DigestError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

__all__ = ["FoundFile", "FoundTree", "TreeFault", "Walk", "walk_folder", "walk_tree"]

# Whether folders say what type their entries are. On Windows a junction needs a closer look.
_HAS_TYPES: Final = os.name == "posix"


class FoundFile(Struct, frozen=True):
    """A regular file of a tree."""

    path: str
    """Its checked name, relative to the root."""

    size: int
    """Its length in bytes when it was found."""


class TreeFault(Struct, frozen=True):
    """Something that a tree may not hold, or that could not be read."""

    code: str
    """`link-found`, `special-file`, `file-unreadable`, `file-changed` (it vanished), `name-unsafe`
    or `tree-limit`."""

    path: str
    """Where, relative to the root; what is not printable is written out."""

    message: str
    """One sentence."""


class FoundTree(Struct, frozen=True):
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
        return walk_folder(folder, skip=skip)


def walk_folder(folder: Folder, *, skip: Collection[str] = ()) -> FoundTree:
    """Return all that lies below an open folder, which stays open, without reading a file.

    Args:
        folder: The folder.
        skip: Names directly below it that are not looked at, compared exactly.

    Raises:
        InputError: The folder itself cannot be read (code `file-unreadable`).
    """
    walk = Walk(frozenset(skip))
    walk.run(folder)
    return FoundTree(
        files=tuple(FoundFile(path, size) for path, size in walk.files),
        empty_folders=tuple(sorted(walk.empty)),
        faults=tuple(walk.faults),
    )


class Walk:
    """The state of one walk.

    Args:
        skip: Names directly below the root that are not looked at.
        with_sizes: Whether to ask for the size of each file, which costs more than all else.
    """

    def __init__(self, skip: frozenset[str], *, with_sizes: bool = True) -> None:
        """Begin with nothing found."""
        self._skip = skip
        self._with_sizes = with_sizes
        self._count = 0
        self.files: list[tuple[str, int]] = []
        """Name and size of each file, sorted after `run`; -1 for a size not asked for."""
        self.empty: list[str] = []
        self.faults: list[TreeFault] = []

    def run(self, root: Folder, *, many: int = 0, notice: Callable[[], None] | None = None) -> None:
        """Walk; the root stays open.

        Args:
            root: The folder.
            many: Number of files.
            notice: Called once so many files are found.
        """
        # Depth first, with one open folder a level: each child is opened under its parent.
        stack = [(root, "", self._list(root, ""))]
        try:
            while stack and self._count <= MAX_TREE_ENTRIES:
                if notice is not None and len(self.files) >= many:
                    notice()
                    notice = None
                folder, prefix, names = stack[-1]
                if not names:
                    stack.pop()
                    if stack:
                        folder.close()
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
            for folder, _, _ in stack[1:]:
                folder.close()
        # Code points order as their UTF-8 bytes do; texts are compared faster than pairs.
        self.files.sort(key=itemgetter(0))
        self.faults.sort(key=lambda fault: fault.path)

    def _list(self, folder: Folder, prefix: str) -> list[str]:
        """Take in what is directly inside a folder; return the names of the folders to enter."""
        names = []
        is_empty = True
        # What the folder itself says of a file's type is a look at it, and costs no system call.
        is_quick = not self._with_sizes and _HAS_TYPES and prefix.count("/") < MAX_TREE_DEPTH
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
            path = prefix + entry.name
            if is_quick and _is_regular(entry) and is_name(path):
                self.files.append((path, -1))
            elif self._take(entry, path):
                names.append(entry.name)
        if is_empty and prefix:
            self.empty.append(prefix.removesuffix("/"))
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
            self.files.append((path, info.st_size))
        elif not stat.S_ISDIR(info.st_mode):
            self._add("special-file", path, "is neither a file nor a folder")
        return stat.S_ISDIR(info.st_mode) and not is_link(info)

    def _add(self, code: str, path: str, message: str) -> None:
        self.faults.append(TreeFault(code, printable_name(path), message))

    def _add_error(self, path: str, error: InputError) -> None:
        self._add(error.code, path, error.problem)


def _is_regular(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is a regular file; whatever else there is to say, `_take` says."""
    try:
        return entry.is_file(follow_symlinks=False)
    except OSError:
        return False
