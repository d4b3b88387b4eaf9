"""Compare a commit's tree with the files of its work tree, by our own hashing.

Git itself would run the repository's filters and monitors to tell whether a file is modified. The
id of a blob is the digest of `blob SIZE NUL` and its bytes; where attributes make Git convert line
endings or filter content, a file that Git calls clean differs here, and is reported as found.
"""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from provenance.canonical import MAX_TREE_DEPTH
from provenance.capture.git_commands import is_object_id
from provenance.digest import open_folder
from provenance.digest.files import check_unchanged, read_chunks
from provenance.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from provenance.digest import Folder

__all__ = ["Comparison", "TreeEntry", "compare_work_tree", "parse_tree"]

#: Most tracked files that are hashed.
MAX_COMPARED_FILES = 200_000

#: Most bytes of tracked files that are hashed.
MAX_COMPARED_BYTES = 8 * 1024**3

#: Most untracked files that are counted.
MAX_UNTRACKED_FILES = 50_000

# Folders that mark themselves as environments, caches or repositories of their own.
_MARKERS = frozenset({".git", "CACHEDIR.TAG", "pyvenv.cfg"})
_SKIPPED_FOLDERS = frozenset({"__pycache__"})


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """One entry of a commit's tree."""

    mode: bytes
    """`100644`, `100755`, `120000` (a link) or `160000` (a submodule)."""

    id: str
    """Id of the blob, or of the submodule's commit."""

    path: str
    """Relative to the repository, as the file system names it."""

    @property
    def is_link(self) -> bool:
        """Whether the content is the text of a link."""
        return self.mode == b"120000"

    @property
    def is_submodule(self) -> bool:
        """Whether it is the commit of another repository."""
        return self.mode == b"160000"


@dataclass(slots=True)
class Comparison:
    """How a work tree stands against a commit."""

    modified: list[str] = field(default_factory=list)
    """Tracked files that differ or are not there."""

    missing: int = 0
    """How many of these are not there."""

    untracked: int = 0
    """Files that the commit does not have."""

    unreadable: int = 0
    """Tracked files or folders that could not be read."""

    stopped: str = ""
    """Why not everything was compared; empty if it was."""

    untracked_stopped: bool = False
    """Whether there are more untracked files than are counted."""


def parse_tree(listing: bytes) -> tuple[TreeEntry, ...]:
    """Return the entries of `git ls-tree -r -z`; lines that are none are left out."""
    entries = []
    for line in listing.split(b"\0"):
        head, tab, path = line.partition(b"\t")
        words = head.split(b" ")
        # An id that is none, and an empty name, come only out of a tree that Git did not make.
        if tab and path and len(words) == 3 and is_object_id(words[2]):  # noqa: PLR2004 - mode, type, id
            entries.append(TreeEntry(words[0], words[2].decode("ascii"), os.fsdecode(path)))
    return tuple(entries)


def compare_work_tree(
    root: Path, entries: Iterable[TreeEntry], *, deadline: float, sparse: bool = False
) -> Comparison:
    """Compare files with a commit's tree, and count those that the commit does not have.

    Args:
        root: The top folder of the work tree. No link below it is followed.
        entries: The tree; submodules in it are not looked into.
        deadline: When to stop, on the clock of `time.monotonic`.
        sparse: Files that are not there were left out on purpose, and do not count as modified.

    Counted as untracked are ignored files too, because asking Git which are ignored would run the
    repository's monitor; not counted are `__pycache__`, virtual environments, folders that hold a
    `CACHEDIR.TAG`, and other repositories.
    """
    walk = _Walk(entries, deadline=deadline, sparse=sparse)
    try:
        with open_folder(root) as folder:
            walk.compare(folder, "", 0)
    except InputError:
        walk.result.unreadable += 1
    except _StopError as stop:
        walk.result.stopped = str(stop)
    walk.result.modified.sort()
    return walk.result


class _StopError(Exception):
    """A limit was reached."""


class _Walk:
    """One walk over a work tree, beside the tree of the commit."""

    def __init__(self, entries: Iterable[TreeEntry], *, deadline: float, sparse: bool) -> None:
        self.result = Comparison()
        self._deadline = deadline
        self._sparse = sparse
        self._files = 0
        self._bytes = 0
        # Folder -> name -> entry, or nothing where the name is a folder of the tree.
        self._tree: dict[str, dict[str, TreeEntry | None]] = {"": {}}
        for entry in entries:
            self._insert(entry)

    def _insert(self, entry: TreeEntry) -> None:
        folder, _, name = entry.path.rpartition("/")
        self._tree.setdefault(folder, {})[name] = entry
        while folder:
            parent, _, name = folder.rpartition("/")
            siblings = self._tree.setdefault(parent, {})
            if name in siblings:
                return
            siblings[name] = None
            folder = parent

    def compare(self, folder: Folder, prefix: str, depth: int) -> None:
        """Compare one folder that the commit has."""
        if depth > MAX_TREE_DEPTH:
            self.result.unreadable += 1
            return
        expected = dict(self._tree.get(prefix, {}))
        for found in folder.scan():
            self._check_time()
            if found.name == ".git":
                continue
            path = f"{prefix}/{found.name}" if prefix else found.name
            if found.name not in expected:
                self._count_untracked(folder, found, depth)
            elif self._matches(folder, found, expected.pop(found.name), path, depth):
                continue
            else:
                self._differ(path)
        for name, entry in expected.items():
            self._miss(f"{prefix}/{name}" if prefix else name, entry)

    def _matches(
        self,
        folder: Folder,
        found: os.DirEntry[str],
        expected: TreeEntry | None,
        path: str,
        depth: int,
    ) -> bool:
        """Return whether one name is what the commit has there, or has been dealt with."""
        try:
            if expected is None:
                if not found.is_dir(follow_symlinks=False):
                    return False
                with folder.enter(found.name) as inner:
                    self.compare(inner, path, depth + 1)
                return True
            if expected.is_submodule or self.result.stopped:
                return True
            return self._blob_id(folder, found, expected) == expected.id
        except (InputError, OSError):
            self.result.unreadable += 1
            return True
        except _StopError as stop:
            self.result.stopped = str(stop)
            return True

    def _blob_id(self, folder: Folder, found: os.DirEntry[str], expected: TreeEntry) -> str:
        """Return the blob id of what lies there, or nothing that could equal one."""
        self._files += 1
        if self._files > MAX_COMPARED_FILES:
            raise _StopError(f"only {MAX_COMPARED_FILES} files were compared")
        algorithm = "sha1" if len(expected.id) == 40 else "sha256"  # noqa: PLR2004 - hex of SHA-1
        if found.is_symlink():
            if not expected.is_link:
                return ""
            text = os.fsencode(os.readlink(os.path.join(folder.path, found.name)))  # noqa: PTH115, PTH118 - text, not a path
            return _new_blob_hash(algorithm, len(text), text)
        if not found.is_file(follow_symlinks=False):
            return ""
        descriptor = folder.open_file(found.name)
        try:
            info = os.fstat(descriptor)
            self._bytes += info.st_size
            if self._bytes > MAX_COMPARED_BYTES:
                raise _StopError(f"only {MAX_COMPARED_BYTES} bytes were compared")
            return self._hash(descriptor, info, algorithm, found.name)
        finally:
            os.close(descriptor)

    def _hash(self, descriptor: int, info: os.stat_result, algorithm: str, name: str) -> str:
        hasher = hashlib.new(algorithm, b"blob %d\0" % info.st_size, usedforsecurity=False)
        try:
            for chunk in read_chunks(descriptor, info.st_size, path=name, deadline=self._deadline):
                hasher.update(chunk)
        except InputError:
            self._check_time()  # the deadline is one reason why reading ends
            raise
        check_unchanged(descriptor, info, path=name)
        return hasher.hexdigest()

    def _check_time(self) -> None:
        if time.monotonic() > self._deadline:
            self.result.untracked_stopped = True
            raise _StopError("the time allowed ran out")

    def _differ(self, path: str) -> None:
        """Note that a file differs, or all files below a folder of the tree."""
        self.result.modified.extend(self._below(path))

    def _miss(self, path: str, entry: TreeEntry | None) -> None:
        if entry is not None and entry.is_submodule:
            return  # not checked out: Git calls that clean too
        paths = self._below(path)
        self.result.missing += len(paths)
        if not self._sparse:
            self.result.modified.extend(paths)

    def _below(self, path: str) -> list[str]:
        children = self._tree.get(path)
        if children is None:
            return [path]
        found: list[str] = []
        waiting = [path]
        while waiting:
            folder = waiting.pop()
            for name, entry in self._tree.get(folder, {}).items():
                place = f"{folder}/{name}"
                if entry is None:
                    waiting.append(place)
                elif not entry.is_submodule:
                    found.append(place)
        return found

    def _count_untracked(self, folder: Folder, found: os.DirEntry[str], depth: int) -> None:
        self._check_time()
        if self.result.untracked_stopped:
            return
        try:
            if not found.is_dir(follow_symlinks=False):
                self.result.untracked += 1
            elif found.name not in _SKIPPED_FOLDERS and depth < MAX_TREE_DEPTH:
                with folder.enter(found.name) as inner:
                    entries = list(islice(inner.scan(), MAX_UNTRACKED_FILES + 1))
                    if _MARKERS.isdisjoint(entry.name for entry in entries):
                        for entry in entries:
                            self._count_untracked(inner, entry, depth + 1)
        except (InputError, OSError):
            self.result.untracked_stopped = True
        if self.result.untracked > MAX_UNTRACKED_FILES:
            self.result.untracked_stopped = True


def _new_blob_hash(algorithm: str, size: int, data: bytes) -> str:
    return hashlib.new(algorithm, b"blob %d\0" % size + data, usedforsecurity=False).hexdigest()
