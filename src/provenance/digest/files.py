"""Files to digests: one pass, bounded memory, and no change goes unseen.

Source: `spec/digests.md`, section "Reading files".
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

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
    "check_unchanged",
    "hash_file",
    "read_chunks",
    "read_exactly",
    "read_file",
    "write_atomic",
]

#: Bytes that are read at once.
CHUNK_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class FileDigest:
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
        if expected_size is not None and info.st_size != expected_size:
            raise DigestError(
                path=printable_name(text),
                problem=f"has {info.st_size} bytes, expected {expected_size}",
                code="size-mismatch",
            )
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
            raise _changed(path)
        parts.append(part)
        remaining -= len(part)
    # One read is the rule; then nothing is copied.
    return parts[0] if len(parts) == 1 else b"".join(parts)


def read_chunks(
    descriptor: int, size: int, *, path: str, deadline: float | None = None
) -> Iterator[memoryview]:
    """Yield exactly `size` bytes from an open file, in chunks that are valid until the next one.

    Raises:
        InputError: There are fewer bytes (`file-changed`), they cannot be read, or the
            deadline has passed.
    """
    buffer = memoryview(bytearray(min(CHUNK_BYTES, size) or 1))
    remaining = size
    while remaining:
        if deadline is not None and time.monotonic() > deadline:
            raise InputError(
                path=printable_name(path), problem="the time allowed ran out", code="deadline"
            )
        count = _read_into(descriptor, buffer[:remaining], path)
        if not count:
            raise _changed(path)
        remaining -= count
        yield buffer[:count]


def check_unchanged(descriptor: int, before: os.stat_result, *, path: str) -> None:
    """Check that a file is read to its end and is as it was when it was opened.

    Raises:
        InputError: There are more bytes, or size, times or identity differ (code `file-changed`).
    """
    # Some file systems (procfs) state a size of 0 for files that are not empty.
    more = _read_into(descriptor, memoryview(bytearray(1)), path)
    if more or _identity(before) != _identity(os.fstat(descriptor)):
        raise _changed(path)


def _read_into(descriptor: int, buffer: memoryview, path: str) -> int:
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


def _identity(info: os.stat_result) -> tuple[int, ...]:
    return (info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns)


def _changed(path: str) -> InputError:
    return InputError(
        path=printable_name(path),
        problem="changed while it was read",
        remedy="let nothing write to it, then try again",
        code="file-changed",
    )
