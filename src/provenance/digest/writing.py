"""Writing a file so that whatever happens, the old one or the new one is there, never half of it.

Source: `spec/digests.md`, section "Writing files".
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from provenance.digest.names import printable_name
from provenance.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from typing_extensions import Buffer

__all__ = ["check_output", "sync_folder", "write_atomic", "write_chunks_atomic"]

_CREATE = (
    os.O_WRONLY
    | os.O_CREAT
    | os.O_EXCL
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)

# What a file system answers that has no fsync for folders.
_NO_FOLDER_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EACCES, errno.EPERM}


def write_atomic(path: str | os.PathLike[str], data: Buffer, *, mode: int = 0o644) -> None:
    """Write a whole file, or leave what was there as it was.

    The bytes go to a new file `.tmp-…` in the same folder, which is synced and then takes the name;
    then the folder is synced. A link or special file at the output path is refused, never followed
    and never replaced.

    Args:
        path: The file to write; its folder exists.
        data: All of its bytes.
        mode: Its permissions, less the umask; 0o600 for private keys.

    Raises:
        InputError: It could not be written, or something else than a regular file is in its place.
    """
    write_chunks_atomic(path, (data,), mode=mode)


def write_chunks_atomic(
    path: str | os.PathLike[str], chunks: Iterable[Buffer], *, mode: int = 0o644
) -> int:
    """Write a whole file from chunks, as `write_atomic` does; return its length in bytes.

    If the chunks end with an exception, nothing of them stays.

    Args:
        path: The file to write; its folder exists.
        chunks: Its bytes; each chunk is written before the next is asked for.
        mode: Its permissions, less the umask.

    Raises:
        InputError: As for `write_atomic`.
    """
    text = os.fspath(path)
    folder, name = os.path.split(text)
    temporary = os.path.join(folder, f".tmp-{secrets.token_hex(8)}")  # noqa: PTH118 - text throughout
    try:
        check_output(text, name)
        size = _write_new(temporary, chunks, mode)
        try:
            os.replace(temporary, text)  # noqa: PTH105 - as above
        except BaseException:
            _remove(temporary)
            raise
        sync_folder(folder or os.curdir)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no path"
        raise InputError(
            path=printable_name(text),
            problem=f"cannot be written: {reason}",
            remedy="check permissions and free space; nothing is there half-written",
        ) from error
    return size


def check_output(path: str, name: str) -> None:
    """Refuse a link or special file at a path to write to; `name` is its last segment.

    Raises:
        InputError: It is one, or the path of a folder.
    """
    try:
        mode = os.lstat(path).st_mode if name else stat.S_IFDIR
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        kind = "a link" if stat.S_ISLNK(mode) else "not a regular file"
        raise InputError(
            path=printable_name(path),
            problem=f"is {kind}, and only a file may be replaced",
            remedy="name another output",
        )


def _write_new(path: str, chunks: Iterable[Buffer], mode: int) -> int:
    """Write and sync a new file; on any failure nothing of it stays."""
    descriptor = os.open(path, _CREATE, mode)
    size = 0
    try:
        try:
            for chunk in chunks:
                remaining = memoryview(chunk).cast("B")
                size += len(remaining)
                while remaining:
                    remaining = remaining[os.write(descriptor, remaining) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except BaseException:
        _remove(path)
        raise
    return size


def _remove(path: str) -> None:
    with suppress(OSError):
        os.unlink(path)  # noqa: PTH108 - text throughout


def sync_folder(folder: str) -> None:
    """Make the new name durable. Windows has no such call."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise
    finally:
        os.close(descriptor)
