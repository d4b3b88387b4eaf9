"""Writing a file whose copy broke off: what was verified of it stays, and is verified again.

The unfinished copy has a name of its own, so that the name of the file never stands for less than
the whole. Source: `spec/digests.md`, section "Blocks".
"""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from provenance.digest.names import printable_name
from provenance.digest.opening import open_regular
from provenance.digest.verified_reading import count_right_blocks
from provenance.digest.writing import check_output, sync_folder
from provenance.errors import DigestError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from io import FileIO

    from typing_extensions import Buffer

    from provenance.digest.blocks import BlockDigests

__all__ = ["PART_SUFFIX", "is_complete", "resume_copy"]

#: What the name of an unfinished copy ends with.
PART_SUFFIX: Final = ".part"

#: What the owner of a copy may do with it.
_OWN: Final = stat.S_IRUSR | stat.S_IWUSR

_OPEN = (
    os.O_RDWR
    | os.O_CREAT
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


def resume_copy(
    path: str | os.PathLike[str],
    blocks: BlockDigests,
    chunks_from: Callable[[int], Iterable[Buffer]],
) -> int:
    """Write a file, of which `PATH.part` may hold a part; return from which byte on it was fetched.

    The whole blocks that lie there are verified; from the first that is not as signed, everything
    is fetched. If the chunks end with an exception, what was written stays in `PATH.part`. Since
    its name is known to all, and other tools write such files too, every block is verified once
    more before the file gets its own name.

    Args:
        path: The file to write; its folder exists.
        blocks: The digests of its blocks, which the caller trusts.
        chunks_from: Returns the verified bytes from a block on, given its number; each chunk is
            written before the next is asked for.

    Raises:
        InputError: It could not be written, something else than a file of one name lies there, or
            another process continues the same copy.
    """
    text = os.fspath(path)
    folder, name = os.path.split(text)
    partial = text + PART_SUFFIX
    try:
        check_output(text, name)
        with _opened(partial) as file:
            first = count_right_blocks(file, blocks)
            start = blocks.span(first - 1)[1] if first else 0
            file.truncate(start)
            file.seek(start)
            _append(file, chunks_from(first))
            os.fsync(file.fileno())
            _check_whole(file, blocks, partial)
            os.replace(partial, text)  # noqa: PTH105 - text throughout
        sync_folder(folder or os.curdir)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no path"
        raise InputError(
            path=printable_name(partial),
            problem=f"cannot be written: {reason}",
            remedy="check permissions and free space, then resume again",
        ) from error
    return start


def is_complete(path: str | os.PathLike[str], blocks: BlockDigests) -> bool:
    """Return whether a file is there already, every block of it as signed.

    What is no regular file, or cannot be read, is not: writing says what is wrong with it.

    Args:
        path: The file that is to be written.
        blocks: The digests of its blocks, which the caller trusts.
    """
    try:
        with open_regular(os.fspath(path)) as descriptor:
            if os.fstat(descriptor).st_size != blocks.size:
                return False
            with open(descriptor, "rb", buffering=0, closefd=False) as file:
                return count_right_blocks(file, blocks) == len(blocks)
    except (DigestError, InputError, OSError, ValueError):
        return False


@contextmanager
def _opened(partial: str) -> Iterator[FileIO]:
    """Open the unfinished copy, or begin one, for this process alone."""
    descriptor = os.open(partial, _OPEN, 0o644)
    with open(descriptor, "r+b", buffering=0) as file:  # noqa: PTH123 - a descriptor
        info = os.fstat(descriptor)
        # A file of two names would be changed under the other one, too.
        if not stat.S_ISREG(info.st_mode) or info.st_nlink > 1:
            raise InputError(
                path=printable_name(partial),
                problem="is no file of one name, and only such a one is continued",
                remedy="move it away, or name another output",
            )
        if info.st_mode & _OWN != _OWN:
            raise InputError(
                path=printable_name(partial),
                problem="may not be read and written by its owner, and no download leaves it so",
                remedy="move it away, or name another output",
            )
        _lock(descriptor, partial)
        _check_same(descriptor, partial)
        try:
            yield file
        except BaseException:
            # Nothing to go on with; a file of another process that bears the name now stays.
            if not os.fstat(descriptor).st_size and _is_same(descriptor, partial):
                with suppress(OSError):
                    os.unlink(partial)  # noqa: PTH108 - text throughout
            raise


def _check_whole(file: FileIO, blocks: BlockDigests, partial: str) -> None:
    """Refuse a copy that is not what was written: by name, or by any of its blocks."""
    _check_same(file.fileno(), partial)
    file.seek(0)
    right = count_right_blocks(file, blocks)
    if right != len(blocks) or os.fstat(file.fileno()).st_size != blocks.size:
        raise InputError(
            path=printable_name(partial),
            problem=f"was changed by somebody else while it was written, from block {right} on",
            remedy="see who writes there, then resume again",
            code="file-changed",
        )


def _check_same(descriptor: int, partial: str) -> None:
    if not _is_same(descriptor, partial):
        raise InputError(
            path=printable_name(partial),
            problem="was moved or replaced by another process",
            remedy="let one process at a time write it, then resume again",
            code="file-changed",
        )


def _is_same(descriptor: int, partial: str) -> bool:
    """Return whether a name still means the file that is open; a lock is on the file alone."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(partial))
    except OSError:
        return False


def _append(file: FileIO, chunks: Iterable[Buffer]) -> None:
    for chunk in chunks:
        remaining = memoryview(chunk).cast("B")
        while remaining:
            remaining = remaining[file.write(remaining) :]


def _lock(descriptor: int, partial: str) -> None:
    """Keep other processes from writing to the same copy, where the system can (not on Windows)."""
    if os.name != "posix":
        return
    import fcntl  # noqa: PLC0415 - POSIX only

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise InputError(
            path=printable_name(partial),
            problem="is being written by another process",
            remedy="wait for it, or name another output",
        ) from error
