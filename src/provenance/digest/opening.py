"""Opening files and folders that somebody hostile may have arranged.

Below a root, every segment of a name is opened by itself under the folder before it, without ever
following a link, so that one swapped in at any moment is refused, not followed. Only regular files
are opened for reading, and never so that a FIFO could make the caller wait. Every `OSError` becomes
an `InputError`. Source: `spec/digests.md`, section "Reading files".
"""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from provenance.digest.names import check_name, printable_name
from provenance.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Self

__all__ = ["Folder", "is_link", "open_folder", "open_regular", "unreadable"]

# 0 where the system has no such flag (Windows); there the checks by `lstat` do what can be done.
_NOFOLLOW: Final[int] = getattr(os, "O_NOFOLLOW", 0)
_NONBLOCK: Final[int] = getattr(os, "O_NONBLOCK", 0)
_CLOEXEC: Final[int] = getattr(os, "O_CLOEXEC", 0)
_DIRECTORY: Final[int] = getattr(os, "O_DIRECTORY", 0)
_BINARY: Final[int] = getattr(os, "O_BINARY", 0)

_READ_FILE = os.O_RDONLY | _NOFOLLOW | _NONBLOCK | _CLOEXEC | _BINARY
_READ_FOLDER = os.O_RDONLY | _NOFOLLOW | _NONBLOCK | _CLOEXEC | _DIRECTORY

# Whether files can be opened and folders listed relative to a descriptor (all POSIX systems).
_HAS_DESCRIPTORS = os.open in os.supports_dir_fd and os.scandir in os.supports_fd

# Junctions and the like on Windows carry this attribute (stat.FILE_ATTRIBUTE_REPARSE_POINT).
_REPARSE_POINT = 0x400


class Folder:
    """An open folder; a context manager that closes it.

    Where the system allows, it holds a descriptor, and whatever is opened below is opened relative
    to it; elsewhere it holds a path, and links are looked for before each step.
    """

    __slots__ = ("_descriptor", "name", "path")

    def __init__(self, path: str, descriptor: int | None, *, name: str = "") -> None:
        """Take over an open descriptor; use `open_folder` to get one.

        Args:
            path: Where the folder is.
            descriptor: An open descriptor of it, or `None` where there are none.
            name: Its name below the root, which errors about what is inside begin with.
        """
        self.path = path
        self.name = name
        self._descriptor = descriptor

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the folder."""
        self.close()

    def close(self) -> None:
        """Close the descriptor, if there is one; may be called twice."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    @property
    def descriptor(self) -> int | None:
        """The open descriptor, or `None` where there are none or the folder is closed."""
        return self._descriptor

    def scan(self) -> Iterator[os.DirEntry[str]]:
        """Yield the entries of the folder, in no order; they need it to stay open.

        Raises:
            InputError: It cannot be read.
        """
        try:
            with os.scandir(self.path if self._descriptor is None else self._descriptor) as entries:
                yield from entries
        except OSError as error:
            raise unreadable(self.name or self.path, error) from error

    def enter(self, segment: str) -> Folder:
        """Open a folder directly inside this one; a link is refused.

        Raises:
            InputError: Code `link-found`, `file-type` or `file-unreadable`.
        """
        path, name = self._inside(segment)
        # Looked at first only to say what is wrong; what counts is O_NOFOLLOW | O_DIRECTORY.
        if self._descriptor is None:
            _check_type(path, None, name, is_wanted=stat.S_ISDIR)
            return Folder(path, None, name=name)
        _check_type(segment, self._descriptor, name, is_wanted=stat.S_ISDIR)
        return Folder(path, _open(segment, _READ_FOLDER, self._descriptor, name), name=name)

    def open_file(self, segment: str) -> int:
        """Open a regular file directly inside this folder and return its descriptor.

        Raises:
            InputError: Code `link-found`, `special-file`, `file-type` or `file-unreadable`.
        """
        path, name = self._inside(segment)
        if self._descriptor is None:
            return _open_file(path, None, name)
        return _open_file(segment, self._descriptor, name)

    def _inside(self, segment: str) -> tuple[str, str]:
        """Return the path of something inside, and its name below the root."""
        path = os.path.join(self.path, segment)  # noqa: PTH118 - text; no object on the hot path
        return path, f"{self.name}/{segment}" if self.name else segment


def open_folder(path: str | os.PathLike[str]) -> Folder:
    """Open a folder that the caller names as a root; a link there is followed, as it is his word.

    Raises:
        InputError: It is not there, no folder, or cannot be read.
    """
    text = os.fspath(path)
    try:
        if not _HAS_DESCRIPTORS:
            if not os.path.isdir(text):  # noqa: PTH112 - text; no object on the hot path
                raise NotADirectoryError(20, "Not a directory")
            return Folder(text, None)
        return Folder(text, os.open(text, _READ_FOLDER & ~_NOFOLLOW))
    except (OSError, ValueError) as error:
        raise unreadable(text, error) from error


@contextmanager
def open_regular(path: str | os.PathLike[str], *, root: Folder | None = None) -> Iterator[int]:
    """Open a regular file for reading and give its descriptor; it is closed afterwards.

    Args:
        path: The file. A link there is refused; the folders before it are the caller's word.
        root: If given, `path` is a checked name below this folder, and every segment of it is
            opened without following links.

    Raises:
        InputError: Code `link-found`, `special-file`, `file-type` or `file-unreadable`.
        DigestError: `path` is no safe name below `root` (code `name-unsafe`).
    """
    text = os.fspath(path)
    descriptor = _open_file(text, None, text) if root is None else _open_below(root, text)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def is_link(info: os.stat_result) -> bool:
    """Return whether an `lstat` result is a link, a junction, or another kind of redirection."""
    attributes: int = getattr(info, "st_file_attributes", 0)
    return stat.S_ISLNK(info.st_mode) or bool(attributes & _REPARSE_POINT)


def unreadable(path: str, error: OSError | ValueError) -> InputError:
    """Return the `InputError` for a failed system call."""
    # A ValueError is a name with U+0000 in it or one that the file system cannot encode.
    reason = error.strerror if isinstance(error, OSError) else "it is no path"
    return InputError(
        path=printable_name(path),
        problem=f"cannot be read: {reason}",
        remedy="check that it is there, its permissions and the disk",
        code="file-unreadable",
    )


def _open_below(root: Folder, name: str) -> int:
    check_name(name)
    *folders, segment = name.split("/")
    opened: list[Folder] = []
    current = root
    try:
        for folder in folders:
            current = current.enter(folder)
            opened.append(current)
        return current.open_file(segment)
    finally:
        for folder_opened in opened:
            folder_opened.close()


def _open_file(name: str, folder: int | None, path: str) -> int:
    """Open a file and make sure, on its descriptor too, that it is a regular one."""
    # Looked at first, because opening a device can have effects; then on the descriptor, because
    # what lies there can be swapped in between.
    _check_type(name, folder, path, is_wanted=stat.S_ISREG)
    descriptor = _open(name, _READ_FILE, folder, path)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise _wrong_type(path, os.fstat(descriptor))
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _open(name: str, flags: int, folder: int | None, path: str) -> int:
    try:
        return os.open(name, flags, dir_fd=folder)
    except OSError as error:
        raise unreadable(path, error) from error


def _check_type(
    name: str, folder: int | None, path: str, *, is_wanted: Callable[[int], bool]
) -> None:
    """Refuse a link and whatever else is not wanted, without opening it."""
    try:
        info = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error
    if is_link(info) or not is_wanted(info.st_mode):
        raise _wrong_type(path, info)


def _wrong_type(path: str, info: os.stat_result) -> InputError:
    if is_link(info):
        code, problem = "link-found", "is a link, and links are not followed"
    elif stat.S_ISDIR(info.st_mode):
        code, problem = "file-type", "is a folder, not a file"
    elif stat.S_ISREG(info.st_mode):
        code, problem = "file-type", "is a file, not a folder"
    else:
        code, problem = "special-file", "is neither a file nor a folder"
    return InputError(path=printable_name(path), problem=problem, code=code)
