# ruff: noqa: ARG002 - one protocol: not every source needs every argument
"""Where the files of a release are: in a folder, in one file, in a list of digests, or nowhere.

A source says what there is and reads it. Nothing is opened that was not found by name first, no
link is followed, and whatever cannot be read becomes an `InputError` or a fault.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import PurePath
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Literal, Protocol, Self

from msgspec import Struct
from msgspec.structs import replace

from provenance.checks import MANIFEST_FOLDER
from provenance.digest import (
    BlockDigests,
    FileDigest,
    Folder,
    TreeFault,
    TypedRoot,
    check_name,
    hash_file_and_blocks,
    open_folder,
    printable_name,
    read_file,
    walk_folder,
)
from provenance.digest.opening import is_link
from provenance.errors import DigestError, InputError, ProvenanceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from provenance.checks import ListedFile
    from provenance.digest import FileDigest, FileJob
    from provenance.verification.batches import Reading
    from provenance.verification.options import PathLike

__all__ = ["BundleSource", "DigestsSource", "FileSource", "FolderSource", "Source", "Tree"]


class Tree(Struct, frozen=True):
    """What a source has, by name relative to the release."""

    sizes: Mapping[str, int | None]
    """Every file with its size in bytes; `None` if nobody said it."""

    empty_folders: tuple[str, ...] = ()
    """Folders with nothing in them."""

    faults: tuple[TreeFault, ...] = ()
    """Links, special files, and what could not be read."""


class Source(Protocol):
    """What a verification reads from."""

    kind: Literal["folder", "file", "digests", "bundle"]
    """What it is, as the report says it."""

    def find(self, listed: Sequence[ListedFile]) -> Tree:
        """Return what there is; `listed` is what was signed.

        Raises:
            InputError: The root itself cannot be read.
        """

    def read(self, name: str, *, max_bytes: int) -> bytes:
        """Return the bytes of one file.

        Raises:
            InputError: It cannot be read, or is larger.
        """

    def hash_many(
        self, jobs: Sequence[FileJob], reading: Reading
    ) -> list[FileDigest | ProvenanceError]:
        """Return the digests of files, or why there are none, in the order of the jobs."""

    def hash_tensors(self, names: Iterable[str], *, deadline: float | None) -> TypedRoot:
        """Return the tensor digest of files of weights.

        Raises:
            InputError: One cannot be read.
            DigestError: One breaks its format.
        """

    def hash_blocks(
        self, name: str, block_size: int, *, expected_size: int, deadline: float | None
    ) -> BlockDigests:
        """Return the digests of the blocks of one file.

        Raises:
            InputError: It cannot be read, changed meanwhile, or took too long.
            DigestError: Its size is not the expected one.
        """


class FolderSource:
    """A folder on disk; open while it is used."""

    kind: Literal["folder", "file", "digests", "bundle"] = "folder"

    def __init__(self, root: PathLike) -> None:
        """Open the folder.

        Raises:
            InputError: It cannot be read.
        """
        self.path = os.fspath(root)
        self.folder: Folder = open_folder(root)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the folder."""
        self.folder.close()

    def find(self, listed: Sequence[ListedFile]) -> Tree:
        """Walk the folder."""
        found = walk_folder(self.folder)
        sizes = {file.path: file.size for file in found.files}
        return Tree(MappingProxyType(sizes), found.empty_folders, found.faults)

    def exists(self, name: str) -> bool:
        """Return whether anything bears this name, a dangling link included, or may bear it."""
        try:
            os.lstat(os.path.join(self.path, name))  # noqa: PTH118 - no object needed
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:
            return True  # hidden from us: reading it will say why
        return True

    def read(self, name: str, *, max_bytes: int) -> bytes:
        """Read one file below the folder."""
        return read_file(name, max_bytes=max_bytes, root=self.folder)

    def hash_many(
        self, jobs: Sequence[FileJob], reading: Reading
    ) -> list[FileDigest | ProvenanceError]:
        """Hash files below the folder."""
        return reading.hash(self.folder, jobs, looked=True)  # `find` has walked it

    def hash_tensors(self, names: Iterable[str], *, deadline: float | None) -> TypedRoot:
        """Hash the tensors of files below the folder."""
        from provenance.digest import hash_tensors  # noqa: PLC0415 - the weights, if wanted

        return hash_tensors(names, root=self.folder, deadline=deadline)[0]

    def hash_blocks(
        self, name: str, block_size: int, *, expected_size: int, deadline: float | None
    ) -> BlockDigests:
        """Hash the blocks of one file."""
        return hash_file_and_blocks(
            name,
            block_size,
            root=self.folder,
            algorithms=(),
            expected_size=expected_size,
            deadline=deadline,
        )[1]


class FileSource:
    """One file, which stands for the listed file of its name."""

    kind: Literal["folder", "file", "digests", "bundle"] = "file"

    def __init__(self, path: PathLike) -> None:
        """Take the path; nothing is opened yet."""
        self.path = os.fspath(path)

    def find(self, listed: Sequence[ListedFile]) -> Tree:
        """Return the file under the name that was signed for it."""
        name = PurePath(self.path).name
        try:
            info = os.stat(self.path, follow_symlinks=False)  # noqa: PTH116 - text path
        except (OSError, ValueError) as error:  # a ValueError is a name with U+0000 in it
            reason = error.strerror if isinstance(error, OSError) else "it is no path"
            raise InputError(
                path=printable_name(self.path),
                problem=f"cannot be read: {reason}",
                code="input-unreadable",
            ) from error
        signed_name = self._signed_name(name, listed, info.st_size)
        if stat.S_ISREG(info.st_mode):
            return Tree(MappingProxyType({signed_name: info.st_size}))
        shown_name = printable_name(signed_name)
        # The size of a link or a special file would be compared with that of the signed file.
        if is_link(info):
            fault = TreeFault("link-found", shown_name, "is a link, and links are not followed")
        else:
            fault = TreeFault("special-file", shown_name, "is neither a file nor a folder")
        return Tree(MappingProxyType({}), faults=(fault,))

    def read(self, name: str, *, max_bytes: int) -> bytes:
        """Read the file."""
        return read_file(self.path, max_bytes=max_bytes)

    def hash_many(
        self, jobs: Sequence[FileJob], reading: Reading
    ) -> list[FileDigest | ProvenanceError]:
        """Hash the file, under whatever name it was signed."""
        folder, name = os.path.split(self.path)
        try:
            with open_folder(folder or os.curdir) as root:
                return reading.hash(root, [replace(job, path=name) for job in jobs])
        except ProvenanceError as error:
            return [error] * len(jobs)

    def hash_tensors(self, names: Iterable[str], *, deadline: float | None) -> TypedRoot:
        """Hash the tensors of the file."""
        from provenance.digest import hash_tensors  # noqa: PLC0415 - the weights, if wanted

        return hash_tensors(self.path, deadline=deadline)[0]

    def hash_blocks(
        self, name: str, block_size: int, *, expected_size: int, deadline: float | None
    ) -> BlockDigests:
        """Hash the blocks of one file."""
        return hash_file_and_blocks(
            self.path,
            block_size,
            algorithms=(),
            expected_size=expected_size,
            deadline=deadline,
        )[1]

    def _signed_name(self, name: str, listed: Sequence[ListedFile], size: int) -> str:
        """Return the listed name with the longest common end; of several, one of equal size."""
        parts = PurePath(self.path).parts
        best = ((-1, False), name)
        for entry in listed:
            ours = entry.path.split("/")
            if ours[-1] != name:
                continue
            common = sum(1 for _ in _common_end(parts, ours))
            best = max(
                best, ((common if common == len(ours) else 0, entry.size == size), entry.path)
            )
        return best[1]


class DigestsSource:
    """A list of sizes and digests that the caller holds; no byte is read."""

    kind: Literal["folder", "file", "digests", "bundle"] = "digests"

    def __init__(self, digests: Mapping[str, tuple[int | None, Mapping[str, str]]]) -> None:
        """Take a checked mapping."""
        self.digests = digests

    def find(self, listed: Sequence[ListedFile]) -> Tree:
        """Return the names that are safe, and a fault for each other one."""
        sizes: dict[str, int | None] = {}
        faults = []
        for name, (size, _) in self.digests.items():
            try:
                check_name(name)
            except DigestError as error:
                faults.append(TreeFault("name-unsafe", printable_name(name), error.problem))
            else:
                sizes[name] = size
        return Tree(MappingProxyType(sizes), faults=tuple(faults))

    def read(self, name: str, *, max_bytes: int) -> bytes:
        """Refuse: there are no bytes."""
        raise _no_bytes(name)

    def hash_many(
        self, jobs: Sequence[FileJob], reading: Reading
    ) -> list[FileDigest | ProvenanceError]:
        """Refuse: there are no bytes."""
        return [_no_bytes(job.path) for job in jobs]

    def hash_tensors(self, names: Iterable[str], *, deadline: float | None) -> TypedRoot:
        """Refuse: there are no bytes."""
        raise _no_bytes(MANIFEST_FOLDER)

    def hash_blocks(
        self, name: str, block_size: int, *, expected_size: int, deadline: float | None
    ) -> BlockDigests:
        """Refuse: there are no bytes."""
        raise _no_bytes(name)


class BundleSource(DigestsSource):
    """No files at all: the bundle alone was given."""

    kind: Literal["folder", "file", "digests", "bundle"] = "bundle"

    def __init__(self) -> None:
        """Have nothing."""
        super().__init__({})


def _common_end(one: Sequence[str], other: Sequence[str]) -> Iterable[str]:
    for left, right in zip(reversed(one), reversed(other), strict=False):
        if left != right:
            return
        yield left


def _no_bytes(name: str) -> InputError:
    return InputError(
        path=name, problem="no bytes were given, only digests", code="input-unreadable"
    )
