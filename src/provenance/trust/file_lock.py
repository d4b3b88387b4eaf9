"""One writer at a time: a lock on a file beside the one that is rewritten.

The lock is taken on a sidecar that is never deleted and never holds anything: the file itself is
replaced by every write, and a lock on a replaced file excludes nobody. The operating system frees
the lock when its holder ends, however it ends, so there is no stale lock to clear away.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from provenance.digest.names import printable_name
from provenance.errors import TrustError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["LOCK_SUFFIX", "hold_lock"]

#: What the name of the sidecar adds to the name of the file.
LOCK_SUFFIX = ".lock"
#: How long a writer waits for the one before it; a write takes milliseconds.
MAX_WAIT_SECONDS = 10.0

_PAUSE_SECONDS = 0.01
_MODE = 0o600


@contextmanager
def hold_lock(path: Path, *, wait_seconds: float = MAX_WAIT_SECONDS) -> Iterator[None]:
    """Let no other process and no other thread write `path` until the block ends.

    Args:
        path: The file that is to be rewritten; its folder exists.
        wait_seconds: How long to wait for another writer.

    Raises:
        TrustError: Another writer does not finish, or this system has no such locks.
        OSError: The sidecar cannot be opened.
    """
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    handle = os.open(path.with_name(path.name + LOCK_SUFFIX), flags, _MODE)
    try:
        _wait_for(handle, path, time.monotonic() + wait_seconds)
        yield
    finally:
        os.close(handle)  # frees the lock as well


def _wait_for(handle: int, path: Path, deadline: float) -> None:
    try:
        import fcntl  # noqa: PLC0415 - not on Windows, where the rest of this room works
    except ImportError as error:
        problem = "this system has no file locks, so it cannot be changed safely"
        raise TrustError(
            path=printable_name(str(path)), problem=problem, remedy="name keys with --key"
        ) from error
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() >= deadline:
                problem = "another process is changing it and does not finish"
                raise TrustError(
                    path=str(path), problem=problem, remedy="try again later"
                ) from error
            time.sleep(_PAUSE_SECONDS)
        else:
            return
