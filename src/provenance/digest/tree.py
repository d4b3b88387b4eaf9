"""Trees of files: what lies below a folder, and the inventory of it.

The walk is iterative and bounded, follows no link, opens no special file, and keeps going: each
`OSError` and each thing that no tree may hold becomes a fault in the result. Source:
`spec/digests.md`, section "Walking a tree".
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from provenance.canonical import MAX_TREE_DEPTH, MAX_TREE_ENTRIES
from provenance.digest.algorithms import COUNTED
from provenance.digest.engine.hashing import run_jobs
from provenance.digest.engine.jobs import FileJob, Watch
from provenance.digest.executing import hash_on_executor
from provenance.digest.inventory import Inventory, InventoryDigest, InventoryEntry
from provenance.digest.names import check_name, is_name, printable_name
from provenance.digest.opening import Folder, is_link, open_folder
from provenance.errors import DigestError, InputError, ProvenanceError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from concurrent.futures import Executor

    from provenance.digest.engine.jobs import Cache

__all__ = ["FoundFile", "FoundTree", "TreeFault", "hash_tree", "walk_folder", "walk_tree"]

# Whether folders say what type their entries are. On Windows a junction needs a closer look.
_HAS_TYPES: Final = os.name == "posix"


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
        return walk_folder(folder, skip=skip)


def walk_folder(folder: Folder, *, skip: Collection[str] = ()) -> FoundTree:
    """Return all that lies below an open folder, which stays open, without reading a file.

    Args:
        folder: The folder.
        skip: Names directly below it that are not looked at, compared exactly.

    Raises:
        InputError: The folder itself cannot be read (code `file-unreadable`).
    """
    walk = _Walk(frozenset(skip))
    walk.run(folder)
    return FoundTree(
        files=tuple(FoundFile(path, size) for path, size in walk.files),
        empty_folders=tuple(sorted(walk.empty)),
        faults=tuple(walk.faults),
    )


def hash_tree(
    root: str | os.PathLike[str],
    *,
    algorithms: Sequence[str] = COUNTED,
    skip: Collection[str] = (),
    progress: Callable[[int], None] | None = None,
    deadline: float | None = None,
    executor: Executor | None = None,
    workers: int | None = None,
    cancelled: Callable[[], bool] | None = None,
    cache: Cache | None = None,
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
        workers: How many processors to use without an executor; by default, all that this process
            may. The result does not depend on it.
        cancelled: Asked now and then whether to stop.
        cache: Digests of files that have not changed since it was told (`open_cache`); asked for
            files of more than 1 MiB, as smaller ones are hashed as quickly, and not with an
            executor.

    Raises:
        DigestError: The tree holds something that no tree may hold (code of the fault), or the
            algorithms are not those of an inventory (`digest-algorithm`).
        InputError: Something could not be read or changed while it was read, or work was stopped
            (`deadline`, `cancelled`).
        UsageError: `workers` is below 1.
    """
    if "blake3" not in algorithms or not set(algorithms) <= set(COUNTED):
        raise DigestError(
            problem=f"an inventory records blake3, and sha256 on request, not {algorithms!r}",
            code="digest-algorithm",
        )
    if executor is not None:
        found = walk_tree(root, skip=skip)
        _require_no_faults(found.faults)
        hashed = hash_on_executor(
            executor,
            root,
            found.files,
            algorithms,
            progress=progress,
            deadline=deadline,
            cancelled=cancelled,
        )
        return Inventory(tuple(hashed))
    watch = Watch(progress, deadline, cancelled)
    names = tuple(dict.fromkeys(algorithms))
    with open_folder(root) as folder:
        # Each reading finds out the size for itself; asking here would cost more than the walk.
        walk = _Walk(frozenset(skip), with_sizes=False)
        walk.run(folder)
        _require_no_faults(walk.faults)
        files = walk.files
        jobs = [(index, FileJob(path, None, names)) for index, (path, _) in enumerate(files)]

        def make(index: int, size: int, _: int, digests: Mapping[str, str]) -> InventoryEntry:
            digest = InventoryDigest(digests["blake3"], digests.get("sha256"))
            return InventoryEntry(digest, files[index][0], size)

        results = run_jobs(folder, jobs, make, watch, workers=workers, cache=cache, looked=True)
    # The walk has checked and sorted the names.
    entries = tuple([_require_entry(results[index]) for index in range(len(jobs))])
    return Inventory._trusted(entries)  # noqa: SLF001 - made for entries that are checked already


class _Walk:
    """The state of one walk.

    Args:
        skip: Names directly below the root that are not looked at.
        with_sizes: Whether to ask for the size of each file, which costs more than all else.
    """

    def __init__(self, skip: frozenset[str], *, with_sizes: bool = True) -> None:
        self._skip = skip
        self._with_sizes = with_sizes
        self._count = 0
        self.files: list[tuple[str, int]] = []
        """Name and size of each file, sorted after `run`; -1 for a size not asked for."""
        self.empty: list[str] = []
        self.faults: list[TreeFault] = []

    def run(self, root: Folder) -> None:
        """Walk; the root stays open."""
        # Depth first, with one open folder a level: each child is opened under its parent.
        stack = [(root, "", self._list(root, ""))]
        try:
            while stack and self._count <= MAX_TREE_ENTRIES:
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
        self.files.sort()  # code points order as their UTF-8 bytes do
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


def _require_no_faults(faults: Sequence[TreeFault]) -> None:
    """Raise for the first fault: ours to do the work over, or the tree's."""
    for fault in faults:
        others = f" (and {len(faults) - 1} more faults)" if len(faults) > 1 else ""
        is_ours = fault.code in {"file-unreadable", "file-changed"}
        raise (InputError if is_ours else DigestError)(
            path=fault.path, problem=fault.message + others, code=fault.code
        )


def _require_entry(result: InventoryEntry | ProvenanceError) -> InventoryEntry:
    """Return the entry, or raise what stands in its place."""
    if isinstance(result, InventoryEntry):
        return result
    if result.code != "size-mismatch":
        raise result
    raise InputError(
        path=result.path,
        problem="changed between the walk and the reading of the tree",
        remedy="let nothing write to it, then try again",
        code="file-changed",
    ) from result


def _is_regular(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is a regular file; whatever else there is to say, `_take` says."""
    try:
        return entry.is_file(follow_symlinks=False)
    except OSError:
        return False
