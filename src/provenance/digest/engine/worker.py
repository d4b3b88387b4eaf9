"""The loop over small files, and the program of the bare worker processes.

This module imports nothing but the standard library and blake3, because a worker process runs it
from its file, without this package. It raises no error of ours: each file gets a status, and the
parent says in words what is wrong. Source: `spec/digests.md`, section "Reading files".
"""

from __future__ import annotations

import os
import struct
from stat import S_ISREG

from blake3 import blake3

TYPE_CHECKING = False  # `typing` would cost each worker process 8 ms
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = [
    "AGAIN",
    "ANY_SIZE",
    "BLAKE3",
    "BUFFER_BYTES",
    "CHANGED",
    "DIGEST_BYTES",
    "DONE",
    "FILE",
    "FRAME",
    "HEAD",
    "LARGE",
    "RECORD",
    "SHA256",
    "STOPPED",
    "TASK",
    "UNREADABLE",
    "SmallFiles",
    "hash_lists",
    "pack_names",
    "pack_results",
    "packed_bytes",
    "unpack_names",
    "unpack_results",
]

#: Where this program is; a bare process is told.
FILE = __file__

#: What became of a file: hashed; to be asked of `hash_file` (nothing was read); too large for this
#: loop; changed while it was read; a failed reading; not read because work stopped.
DONE, AGAIN, LARGE, CHANGED, UNREADABLE, STOPPED = range(6)

#: Bits of the algorithms that are computed here; digests stand in this order in a result.
BLAKE3, SHA256 = 1, 2

DIGEST_BYTES = 32
BUFFER_BYTES = 256 * 1024

#: An expected size that is not known.
ANY_SIZE = -1

#: Of one result: status, size (or error number), links; then the digests.
RECORD = struct.Struct("<BQI")

#: Of a list of names: number of files, bits of algorithms, whether to look before opening; then
#: the expected sizes, 8 bytes each, then the names, separated by U+0000.
HEAD = struct.Struct("<IBB")

#: Of the results of one list: its number, and the bytes that follow.
FRAME = struct.Struct("<II")

#: Of one task in the queue: number of a list, its bytes, and where in the file of lists they begin.
TASK = struct.Struct("<IIQ")

_FILE = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
)
_FOLDER = _FILE | getattr(os, "O_DIRECTORY", 0)

# How often, in files, the loop asks whether it must stop.
_STOP_FILES = 64

# Files of a list that are looked at to find out whether they are in memory.
_PROBES = 2

_EMPTY = b""


class _Folders:
    """The open folders on the way to the last one asked for, each opened below the one before."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._name: str | None = ""
        self._open: list[tuple[str, int]] = []

    def enter(self, name: str) -> int:
        """Return a descriptor of the folder; it stays open until another one is entered."""
        if name != self._name:
            self._name = None  # until all of it is open
            self._move(name.split("/") if name else [])
            self._name = name
        return self._open[-1][1] if self._open else self._root

    def _move(self, segments: list[str]) -> None:
        common = 0
        for (segment, _), wanted in zip(self._open, segments, strict=False):
            if segment != wanted:
                break
            common += 1
        while len(self._open) > common:
            os.close(self._open.pop()[1])
        for segment in segments[common:]:
            parent = self._open[-1][1] if self._open else self._root
            self._open.append((segment, os.open(segment, _FOLDER, dir_fd=parent)))

    def close(self) -> None:
        """Close all of them but the root."""
        while self._open:
            os.close(self._open.pop()[1])


class SmallFiles:
    """The loop over small files below one root, with its one buffer.

    Args:
        root: Descriptor of the root folder.
        largest: Larger files are not read.
        ahead: How many files are opened ahead of the one that is read, so that the kernel fetches
            them from the disk in parallel.
        stop: Asked now and then whether to stop.
    """

    def __init__(
        self, root: int, largest: int, ahead: int, *, stop: Callable[[], object] = bool
    ) -> None:
        """Make the buffer; nothing is opened yet."""
        self._root = root
        self._largest = largest
        self._ahead = ahead
        self._stop = stop
        self._buffer = memoryview(bytearray(BUFFER_BYTES))
        self._buffers = [self._buffer]
        self._no_wait = getattr(os, "RWF_NOWAIT", 0) if hasattr(os, "preadv") else 0
        self._advise = getattr(os, "posix_fadvise", None)
        self._will_need = getattr(os, "POSIX_FADV_WILLNEED", 0)

    def hash(
        self, names: Sequence[str], sizes: Sequence[int], mask: int, *, look: bool
    ) -> list[tuple[int, int, int, bytes]]:
        """Return status, size, links and digests of each file, in order."""
        if not self._ahead or self._are_cached(names):
            return self._hash_each(names, sizes, mask, look=look)
        count, ahead, stop = len(names), self._ahead, self._stop
        opened: list[tuple[int, os.stat_result] | int] = []
        results: list[tuple[int, int, int, bytes]] = []
        folders = _Folders(self._root)
        try:
            for index in range(count + ahead):
                if index < count:
                    opened.append(self._open(folders, names[index], sizes[index], look=look))
                if index < ahead:
                    continue
                item = opened[index - ahead]
                if isinstance(item, int):
                    results.append((item, 0, 0, _EMPTY))
                    continue
                if not index % _STOP_FILES and stop():
                    break
                results.append(self._read(*item, mask))
                opened[index - ahead] = STOPPED
                os.close(item[0])
        finally:
            folders.close()
            for item in opened:
                if not isinstance(item, int):
                    os.close(item[0])
        results.extend([(STOPPED, 0, 0, _EMPTY)] * (count - len(results)))
        return results

    def _are_cached(self, names: Sequence[str]) -> bool:
        """Return whether memory holds these files, by a look at a few; no answer is a wrong one."""
        if not self._no_wait:
            return False
        folders = _Folders(self._root)
        try:
            for name in names[:: max(1, len(names) // _PROBES)]:
                folder, _, segment = name.rpartition("/")
                descriptor = os.open(segment, _FILE, dir_fd=folders.enter(folder))
                try:
                    if not S_ISREG(os.fstat(descriptor).st_mode):
                        return False
                    os.preadv(descriptor, [self._buffer], 0, self._no_wait)
                finally:
                    os.close(descriptor)
        except (OSError, ValueError):  # it would have to wait, or cannot say, or is no such file
            return False
        finally:
            folders.close()
        return True

    def _hash_each(
        self, names: Sequence[str], sizes: Sequence[int], mask: int, *, look: bool
    ) -> list[tuple[int, int, int, bytes]]:
        """Hash files one after the other, each closed before the next is opened."""
        results: list[tuple[int, int, int, bytes]] = []
        open_file, close, stop = os.open, os.close, self._stop
        folders = _Folders(self._root)
        current, parent = "", self._root
        try:
            for index, name in enumerate(names):
                if not index % _STOP_FILES and stop():
                    break
                folder, _, segment = name.rpartition("/")
                descriptor = -1
                try:
                    if folder != current:
                        parent = folders.enter(folder)
                        current = folder
                    if not look or _is_regular(segment, parent):
                        descriptor = open_file(segment, _FILE, dir_fd=parent)
                except (OSError, ValueError):
                    current = "/"  # no folder has this name: the next one is entered anew
                if descriptor < 0:
                    results.append((AGAIN, 0, 0, _EMPTY))
                    continue
                try:
                    results.append(self._hash_open(descriptor, sizes[index], mask))
                finally:
                    close(descriptor)
        finally:
            folders.close()
        results.extend([(STOPPED, 0, 0, _EMPTY)] * (len(names) - len(results)))
        return results

    def _hash_open(self, descriptor: int, expected: int, mask: int) -> tuple[int, int, int, bytes]:
        """Return what becomes of an open file, which may be anything."""
        try:
            info = os.fstat(descriptor)
        except OSError:
            return AGAIN, 0, 0, _EMPTY
        if not S_ISREG(info.st_mode) or expected not in (ANY_SIZE, info.st_size):
            return AGAIN, 0, 0, _EMPTY
        if info.st_size > self._largest:
            return LARGE, 0, 0, _EMPTY
        return self._read(descriptor, info, mask)

    def _open(
        self, folders: _Folders, name: str, expected: int, *, look: bool
    ) -> tuple[int, os.stat_result] | int:
        """Open a file as `_open_file` of this library does, or return what became of it."""
        folder, _, segment = name.rpartition("/")
        try:
            parent = folders.enter(folder)
            if look and not _is_regular(segment, parent):
                return AGAIN
            descriptor = os.open(segment, _FILE, dir_fd=parent)
        except (OSError, ValueError):
            return AGAIN
        try:
            info = os.fstat(descriptor)
            status = DONE
            if not S_ISREG(info.st_mode) or expected not in (ANY_SIZE, info.st_size):
                status = AGAIN
            elif info.st_size > self._largest:
                status = LARGE
            elif self._advise is not None and self._ahead:
                self._advise(descriptor, 0, 0, self._will_need)
        except OSError:  # some file systems take no advice: `hash_file` gives none
            os.close(descriptor)
            return AGAIN
        except BaseException:
            os.close(descriptor)
            raise
        if status != DONE:
            os.close(descriptor)
            return status
        return descriptor, info

    def _read(
        self, descriptor: int, before: os.stat_result, mask: int
    ) -> tuple[int, int, int, bytes]:
        size = before.st_size
        try:
            count = os.readv(descriptor, self._buffers)
            # With room left in the buffer, and as many bytes as it has: that was all of it.
            if count == size < BUFFER_BYTES:
                digests = _digests(self._buffer[:count], mask)
            else:
                status, digests = self._read_on(descriptor, size, count, mask)
                if status != DONE:
                    return status, 0, 0, _EMPTY
            after = os.fstat(descriptor)
        except OSError as error:
            return UNREADABLE, error.errno or 0, 0, _EMPTY
        if (
            before.st_mtime_ns != after.st_mtime_ns
            or before.st_ctime_ns != after.st_ctime_ns
            or after.st_size != size
            or before.st_ino != after.st_ino
            or before.st_dev != after.st_dev
        ):
            return CHANGED, 0, 0, _EMPTY
        return DONE, size, after.st_nlink, digests

    def _read_on(self, descriptor: int, size: int, count: int, mask: int) -> tuple[int, bytes]:
        """Read to the end of a file of which the buffer holds the first bytes."""
        hashers = _hashers(mask)
        total = 0
        while count:
            total += count
            if total > size:
                return CHANGED, _EMPTY
            if self._stop():
                return STOPPED, _EMPTY
            for hasher in hashers:
                hasher.update(self._buffer[:count])
            count = os.readv(descriptor, [self._buffer])
        if total != size:
            return CHANGED, _EMPTY
        return DONE, b"".join(hasher.digest() for hasher in hashers)


def _is_regular(segment: str, parent: int) -> bool:
    return S_ISREG(os.stat(segment, dir_fd=parent, follow_symlinks=False).st_mode)


def _digests(data: memoryview, mask: int) -> bytes:
    if mask == BLAKE3:
        return blake3(data).digest()
    hashers = _hashers(mask)
    for hasher in hashers:
        hasher.update(data)
    return b"".join([hasher.digest() for hasher in hashers])


def _hashers(mask: int) -> list[blake3]:
    hashers = [blake3()] if mask & BLAKE3 else []
    if mask & SHA256:
        from hashlib import sha256  # noqa: PLC0415 - not loaded where only BLAKE3 is wanted

        hashers.append(sha256(usedforsecurity=False))  # type: ignore[arg-type]  # the same methods
    return hashers


def pack_results(results: Sequence[tuple[int, int, int, bytes]], mask: int) -> bytes:
    """Return results as bytes of a fixed length each."""
    width = DIGEST_BYTES * mask.bit_count()
    pack = RECORD.pack
    return b"".join(
        [pack(status, size, links) + digests.ljust(width, b"\0")
         for status, size, links, digests in results]
    )  # fmt: skip


def unpack_results(data: bytes, mask: int) -> list[tuple[int, int, int, bytes]]:
    """Return what `pack_results` packed."""
    return list(struct.iter_unpack(f"{RECORD.format}{DIGEST_BYTES * mask.bit_count()}s", data))


def packed_bytes(count: int, mask: int) -> int:
    """Return how many bytes `pack_results` makes of so many results."""
    return count * (RECORD.size + DIGEST_BYTES * mask.bit_count())


def pack_names(names: Sequence[str], sizes: Sequence[int], mask: int, *, look: bool) -> bytes:
    """Return a list of names for a worker process."""
    return (
        HEAD.pack(len(names), mask, look)
        + struct.pack(f"<{len(sizes)}q", *sizes)
        + "\0".join(names).encode()
    )


def unpack_names(data: bytes) -> tuple[list[str], tuple[int, ...], int, bool]:
    """Return what `pack_names` packed."""
    count, mask, look = HEAD.unpack_from(data)
    sizes = struct.unpack_from(f"<{count}q", data, HEAD.size)
    return data[HEAD.size + 8 * count :].decode().split("\0"), sizes, mask, bool(look)


def hash_lists(*numbers: int) -> None:
    """Be a worker process: take tasks from a pipe, write their results to stdout.

    Args:
        numbers: Descriptors: the root folder, a file with all lists, the pipe of tasks that all
            workers share. Then the largest file and the files ahead, as `SmallFiles` takes them.
    """
    root, lists, queue, largest, ahead = numbers
    loop = SmallFiles(root, largest, ahead)
    while task := os.read(queue, TASK.size):
        at, length, start = TASK.unpack(task)
        names, sizes, mask, look = unpack_names(os.pread(lists, length, start))
        packed = pack_results(loop.hash(names, sizes, mask, look=look), mask)
        data = FRAME.pack(at, len(packed)) + packed
        while data:
            data = data[os.write(1, data) :]
