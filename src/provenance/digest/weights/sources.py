"""The files of one model, opened as they are needed; one that changes meanwhile is an error."""

from __future__ import annotations

import os
import posixpath
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from provenance.digest.files import check_unchanged, read_chunks, read_exactly
from provenance.digest.names import check_name
from provenance.digest.opening import open_folder, open_regular
from provenance.digest.tensors import malformed
from provenance.errors import DigestError, shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

    from provenance.digest.opening import Folder

__all__ = ["Sources"]

#: Files that are open at once; a system allows 256 at the least.
MAX_OPEN: Final = 32


class Sources:
    """Where the bytes of a model are read from: one file, and those that it names.

    A context manager. Files are read by their name below a folder, without following links; the
    first file may also be a path of the caller's. Whatever was opened is compared at the end, and
    whenever it is opened again, with what it was at first.
    """

    def __init__(self, path: str | os.PathLike[str], root: Folder | None = None) -> None:
        """Take the model's file; nothing is opened yet.

        Args:
            path: The file; below `root`, a checked name.
            root: The folder below which no link is followed.
        """
        self.main = os.fspath(path)
        self._root = root
        self._beside: Folder | None = None
        self._first: dict[str, os.stat_result] = {}
        self._open: dict[str, tuple[int, ExitStack]] = {}

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *others: object) -> None:
        """Close everything; if nothing failed, check that no file has changed."""
        del others
        try:
            for name in list(self._open):
                self._close(name, check=kind is None)
        finally:
            for _, stack in self._open.values():
                stack.close()
            self._open.clear()
            if self._beside is not None:
                self._beside.close()

    def beside(self, name: str) -> str:
        """Return what `read` calls a file that lies beside the main one, or in a folder there.

        Raises:
            DigestError: The name is not safe, or leads out (code `tensors-malformed`).
        """
        try:
            check_name(name)
        except DigestError as error:
            problem = f"it names the file {shown(name)}, which is no safe name beside it"
            raise malformed(self.main, problem) from error
        if self._root is None:
            return name
        return posixpath.join(posixpath.dirname(self.main), name)

    def size(self, name: str) -> int:
        """Return the length of a file in bytes."""
        self._opened(name)
        return self._first[name].st_size

    def read(self, name: str, start: int, size: int) -> bytes:
        """Return bytes of a file; the caller has compared the range with its size."""
        descriptor = self.descriptor(name, start=start)
        return read_exactly(descriptor, size, path=name)

    def chunks(
        self, name: str, start: int, size: int, deadline: float | None = None
    ) -> Iterator[memoryview]:
        """Yield a range of bytes of a file, in chunks that are valid until the next one."""
        descriptor = self.descriptor(name, start=start)
        return read_chunks(descriptor, size, path=name, deadline=deadline)

    def descriptor(self, name: str, *, start: int) -> int:
        """Return a descriptor that stands at an offset, valid until another file is asked for.

        Raises:
            InputError: It cannot be read, is a link or special file, or has changed.
        """
        descriptor = self._opened(name)
        os.lseek(descriptor, start, os.SEEK_SET)
        return descriptor

    def _opened(self, name: str) -> int:
        if name in self._open:
            return self._open[name][0]
        if len(self._open) >= MAX_OPEN:
            self._close(next(iter(self._open)), check=True)
        stack = ExitStack()
        descriptor = stack.enter_context(open_regular(name, root=self._folder(name)))
        self._open[name] = (descriptor, stack)
        if name in self._first:
            self._check(name, descriptor)
        else:
            self._first[name] = os.fstat(descriptor)
        return descriptor

    def _folder(self, name: str) -> Folder | None:
        if self._root is not None or name == self.main:
            return self._root
        if self._beside is None:
            self._beside = open_folder(os.path.dirname(self.main) or ".")  # noqa: PTH120 - text
        return self._beside

    def _check(self, name: str, descriptor: int) -> None:
        os.lseek(descriptor, self._first[name].st_size, os.SEEK_SET)
        check_unchanged(descriptor, self._first[name], path=name)

    def _close(self, name: str, *, check: bool) -> None:
        descriptor, stack = self._open.pop(name)
        with stack:
            if check:
                self._check(name, descriptor)
