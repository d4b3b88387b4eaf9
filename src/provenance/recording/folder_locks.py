"""One process writes a run folder: a lock that ends with its process, also after a kill.

The lock is one of POSIX (`fcntl`), which NFS and Lustre carry between machines and which a forked
process does not inherit. Where the file system has no locks, what the lock's file says decides.
"""

from __future__ import annotations

import errno
import os
import socket
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any, Final

from provenance import canonical
from provenance.errors import InputError, ProvenanceError, RecordingError

__all__ = ["LOCK_NAME", "FolderLock", "lock_folder"]

#: Name of the lock's file in a run folder; it is removed when the run ends.
LOCK_NAME: Final = "lock"

#: Longest file of a lock that is read, in bytes.
MAX_LOCK_BYTES: Final = 4_096

#: How often a lock is tried whose file another process removes meanwhile.
MAX_ATTEMPTS: Final = 10

#: What a file system answers that has no locks.
_WITHOUT_LOCKS: Final = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL})

_mutex = Lock()
_held: set[str] = set()  # POSIX locks do not keep one process from locking twice


class FolderLock:
    """A run folder that this process holds.

    Args:
        folder: The run folder.
        descriptor: The open file of the lock; -1 where there is none.
        is_kept: Whether the file system keeps others out.
    """

    def __init__(self, folder: Path, descriptor: int, *, is_kept: bool) -> None:
        """Remember what is held."""
        self._path = folder / LOCK_NAME
        self._descriptor = descriptor
        self._process = os.getpid()
        self.is_kept = is_kept

    def release(self) -> None:
        """Give the folder free; twice, or in a forked process, does nothing."""
        if self._process != os.getpid():
            return
        with _mutex:
            _held.discard(str(self._path))
        if self._descriptor >= 0:
            # Removed while it is held: who waits for it sees that the file is no longer there.
            with suppress(OSError):
                self._path.unlink()
            with suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = -1


def lock_folder(folder: Path, *, job: str | None = None) -> FolderLock:
    """Take hold of a run folder.

    Args:
        folder: The run folder.
        job: The scheduler's name for this job. It is the same when the job is requeued, and the
            scheduler starts it again only when its former process has ended.

    Raises:
        RecordingError: Another process, or another run of this one, holds it.
        InputError: The lock cannot be written.
    """
    # Whole, because the script may go to another folder before the lock is released.
    folder = Path(os.path.realpath(folder))
    path = folder / LOCK_NAME
    with _mutex:
        if str(path) in _held:
            raise _is_held(folder)
        lock = _take(folder, path, job)
        _held.add(str(path))
        return lock


def _take(folder: Path, path: Path, job: str | None) -> FolderLock:
    for _ in range(MAX_ATTEMPTS):
        descriptor = _open(path)
        try:
            is_kept = _lock(descriptor)
            if not _is_still_there(descriptor, path):
                os.close(descriptor)
                continue
            if not is_kept and _may_live(descriptor, job):
                raise _is_held(folder)
            _say_who(descriptor, job)
        except BlockingIOError as error:
            os.close(descriptor)
            raise _is_held(folder) from error
        except OSError as error:
            os.close(descriptor)
            raise _unwritable(path, error) from error
        except ProvenanceError:
            os.close(descriptor)
            raise
        return FolderLock(folder, descriptor, is_kept=is_kept)
    raise _is_held(folder)


def _open(path: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
    try:
        return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o644)
    except OSError as error:
        raise _unwritable(path, error) from error


def _lock(descriptor: int) -> bool:
    """Lock a file; return whether the file system can.

    Raises:
        BlockingIOError: Another process has locked it.
        OSError: It cannot be locked for another reason.
    """
    try:
        import fcntl  # noqa: PLC0415 - POSIX only
    except ImportError:  # pragma: no cover - Windows
        return False
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _WITHOUT_LOCKS:
            return False
        if error.errno in {errno.EACCES, errno.EAGAIN}:
            raise BlockingIOError(error.errno, error.strerror) from error
        raise
    return True


def _is_still_there(descriptor: int, path: Path) -> bool:
    try:
        there = path.stat(follow_symlinks=False)
    except FileNotFoundError:
        return False
    mine = os.fstat(descriptor)
    return (there.st_ino, there.st_dev) == (mine.st_ino, mine.st_dev)


def _say_who(descriptor: int, job: str | None) -> None:
    who = {"host": socket.gethostname(), "pid": os.getpid(), "job": job or ""}
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, canonical.write(who), 0)


def _may_live(descriptor: int, job: str | None) -> bool:
    """Return whether the process that a lock's file names may still be at work."""
    data = os.pread(descriptor, MAX_LOCK_BYTES, 0)
    if not data:
        return False
    try:
        found: Any = canonical.parse(data, max_bytes=MAX_LOCK_BYTES)
    except ProvenanceError:
        return True
    if isinstance(found, dict) and job and found.get("job") == job:
        return False
    is_here = isinstance(found, dict) and found.get("host") == socket.gethostname()
    return not is_here or _is_alive(found.get("pid"))


def _is_alive(number: object) -> bool:
    if not isinstance(number, int) or number < 1:
        return True
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True  # somebody else's
    return True


def _is_held(folder: Path) -> RecordingError:
    return RecordingError(
        path=str(folder),
        problem="another process records into this run folder",
        remedy="give every process, and every task of an array, a name or a project of its own",
    )


def _unwritable(path: Path, error: OSError) -> InputError:
    return InputError(
        path=str(path),
        problem=f"the run folder cannot be locked: {error.strerror}",
        remedy="name an output that you may write to",
    )
