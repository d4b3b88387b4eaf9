"""Files to digests: one pass, bounded memory, and no change goes unseen.

Source: `spec/digests.md`, section "Reading files".
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from provenance.digest.algorithms import COUNTED, DigestSet, Hasher, new_hasher
from provenance.digest.names import printable_name
from provenance.digest.opening import open_regular, unreadable
from provenance.digest.writing import write_atomic
from provenance.errors import DigestError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from provenance.digest.opening import Folder

__all__ = [
    "FileDigest",
    "check_size",
    "check_unchanged",
    "file_changed",
    "hash_file",
    "is_unchanged",
    "read_chunks",
    "read_exactly",
    "read_file",
    "read_into",
    "write_atomic",
]

#: Bytes that are read at once.
CHUNK_BYTES: Final = 1024 * 1024

#: The same where several hashers take each chunk: it must stay in the cache of a core.
SHARED_CHUNK_BYTES: Final = 512 * 1024


class FileDigest(Struct, frozen=True):
    """What one reading of a file found."""

    size: int
    """Length in bytes."""

    digest: DigestSet
    """Digests of all bytes."""

    links: int
    """Names that the file has on its file system; above 1 there are hard links."""


def hash_file(
    path: str | os.PathLike[str],
    *,
    root: Folder | None = None,
    algorithms: Sequence[str] = COUNTED,
    expected_size: int | None = None,
    progress: Callable[[int], None] | None = None,
    deadline: float | None = None,
) -> FileDigest:
    """Read a regular file once and return its digests.

    Args:
        path: The file; below `root`, a checked name.
        root: The folder below which no link is followed, from `open_folder`.
        algorithms: Names of digest algorithms.
        expected_size: If given, a file of another size is refused before a byte is read.
        progress: Called with the number of bytes after each chunk.
        deadline: Time of `time.monotonic` after which reading stops.

    Raises:
        DigestError: The size is not the expected one (`size-mismatch`), an algorithm is unknown.
        InputError: It is a link or special file, cannot be read, changed while it was read
            (`file-changed`), or took too long (`deadline`).
    """
    hashers = {algorithm: new_hasher(algorithm) for algorithm in algorithms}
    text = os.fspath(path)
    with open_regular(path, root=root) as descriptor:
        info = os.fstat(descriptor)
        check_size(info, expected_size, path=text)
        for chunk in read_chunks(descriptor, info.st_size, path=text, deadline=deadline):
            _update(hashers.values(), chunk)
            if progress is not None:
                progress(len(chunk))
        check_unchanged(descriptor, info, path=text)
    digests = {algorithm: hasher.hexdigest() for algorithm, hasher in hashers.items()}
    return FileDigest(info.st_size, DigestSet(digests), info.st_nlink)


def read_file(path: str | os.PathLike[str], *, max_bytes: int, root: Folder | None = None) -> bytes:
    """Return the bytes of a regular file that has at most `max_bytes`.

    Raises:
        InputError: It is larger, a link or special file, cannot be read, or changed meanwhile.
    """
    text = os.fspath(path)
    with open_regular(path, root=root) as descriptor:
        info = os.fstat(descriptor)
        if info.st_size > max_bytes:
            raise InputError(
                path=printable_name(text),
                problem=f"has {info.st_size} bytes, more than the {max_bytes} that are read",
                code="json-size",
            )
        data = read_exactly(descriptor, info.st_size, path=text)
        check_unchanged(descriptor, info, path=text)
    return data


def read_exactly(descriptor: int, size: int, *, path: str) -> bytes:
    """Return exactly `size` bytes from an open file, whose length the caller has checked.

    Raises:
        InputError: There are fewer bytes (`file-changed`), or they cannot be read.
    """
    parts = []
    remaining = size
    while remaining:
        try:
            part = os.read(descriptor, remaining)
        except OSError as error:
            raise unreadable(path, error) from error
        if not part:
            raise file_changed(path)
        parts.append(part)
        remaining -= len(part)
    # One read is the rule; then nothing is copied.
    return parts[0] if len(parts) == 1 else b"".join(parts)


def read_chunks(
    descriptor: int,
    size: int,
    *,
    path: str,
    deadline: float | None = None,
    chunk_bytes: int = CHUNK_BYTES,
) -> Iterator[memoryview]:
    """Yield exactly `size` bytes from an open file, in chunks that are valid until the next one.

    Raises:
        InputError: There are fewer bytes (`file-changed`), they cannot be read, or the
            deadline has passed.
    """
    buffer = memoryview(bytearray(min(chunk_bytes, size) or 1))
    remaining = size
    while remaining:
        if deadline is not None and time.monotonic() > deadline:
            raise InputError(
                path=printable_name(path), problem="the time allowed ran out", code="deadline"
            )
        count = read_into(descriptor, buffer[:remaining], path)
        if not count:
            raise file_changed(path)
        remaining -= count
        yield buffer[:count]


def check_size(info: os.stat_result, expected: int | None, *, path: str) -> None:
    """Check that an open file has the size that is expected of it; `None` expects nothing.

    Raises:
        DigestError: It has another one (code `size-mismatch`).
    """
    if expected is not None and info.st_size != expected:
        raise DigestError(
            path=printable_name(path),
            problem=f"has {info.st_size} bytes, expected {expected}",
            code="size-mismatch",
        )


def check_unchanged(descriptor: int, before: os.stat_result, *, path: str) -> None:
    """Check that a file is read to its end and is as it was when it was opened.

    Raises:
        InputError: There are more bytes, or size, times or identity differ (code `file-changed`).
    """
    # Some file systems (procfs) state a size of 0 for files that are not empty.
    more = read_into(descriptor, memoryview(bytearray(1)), path)
    if more or not is_unchanged(before, os.fstat(descriptor)):
        raise file_changed(path)


def read_into(descriptor: int, buffer: memoryview, path: str) -> int:
    """Read into a buffer and return the number of bytes, 0 at the end.

    Raises:
        InputError: They cannot be read.
    """
    try:
        return _readv(descriptor, buffer)
    except OSError as error:
        raise unreadable(path, error) from error


def _readv_portable(descriptor: int, buffer: memoryview) -> int:
    """Do what `os.readv` does where it is missing (Windows)."""
    data = os.read(descriptor, len(buffer))
    buffer[: len(data)] = data
    return len(data)


def _readv_posix(descriptor: int, buffer: memoryview) -> int:
    return os.readv(descriptor, [buffer])


_readv = _readv_posix if hasattr(os, "readv") else _readv_portable


def _update(hashers: Iterable[Hasher], chunk: memoryview) -> None:
    for hasher in hashers:
        hasher.update(chunk)


def is_unchanged(before: os.stat_result, after: os.stat_result) -> bool:
    """Return whether two looks at a file saw the same file, size and times."""
    return _identity(before) == _identity(after)


def _identity(info: os.stat_result) -> tuple[int, ...]:
    return (info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns)


def file_changed(path: str) -> InputError:
    """Return the error for a file that changed while it was read."""
    return InputError(
        path=printable_name(path),
        problem="changed while it was read",
        remedy="let nothing write to it, then try again",
        code="file-changed",
    )
