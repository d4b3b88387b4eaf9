"""Where the file of a digest cache may lie, and whose it must be.

Source: `spec/digests.md`, section "Digest cache".
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from provenance.digest.names import printable_name
from provenance.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["UnusableError", "check_outside", "check_private", "prepare_file"]


class UnusableError(Exception):
    """The cache cannot be used; the text says why. It never leaves `DigestCache`."""


def check_outside(
    cache: str | os.PathLike[str],
    root: str | os.PathLike[str],
    *,
    skip: Collection[str] = (),
    what: str = "a digest cache",
) -> None:
    """Refuse a cache in the folder that is to be hashed, whether or not it is there already.

    The next run would find it there, and its journal, as files that nobody signed or listed.

    Args:
        cache: The file of the cache.
        root: The folder, or file, that is hashed; links in the way to both are followed.
        skip: Names directly below the root that are left out, in which a cache may lie.
        what: What lies there, for the message.

    Raises:
        UsageError: It lies there.
    """
    try:
        outer = os.stat(root)  # noqa: PTH116 - text path
        inner = os.path.join(  # noqa: PTH118 - text path
            os.path.realpath(os.path.dirname(os.path.abspath(cache))),  # noqa: PTH100, PTH120 - text path
            os.path.basename(cache),  # noqa: PTH119 - text path
        )
    except (OSError, ValueError):
        return  # whoever reads the root, or opens the cache, says what is wrong
    # By inode: another spelling, another letter case or a second mount is the same folder.
    while not _is_same(inner, outer):
        parent, name = os.path.split(inner)
        if parent == inner or (name in skip and _is_same(parent, outer)):
            return
        inner = parent
    raise UsageError(
        path=printable_name(os.fspath(cache)),
        problem=f"{what} cannot lie in what is hashed: it would be one more file there",
        remedy="name a file in another folder",
    )


def _is_same(path: str, info: os.stat_result) -> bool:
    try:
        return os.path.samestat(os.stat(path), info)  # noqa: PTH116 - text path
    except OSError:
        return False


def prepare_file(path: str) -> None:
    """Make the file, for its owner alone, or check that it is one that nobody else can write to.

    Args:
        path: The file; its folder is made if it is missing.

    Raises:
        UnusableError: Others can write to it or its folder, or it is no file of ours.
        OSError: It cannot be made or looked at.
    """
    folder = os.path.dirname(os.path.abspath(path))  # noqa: PTH100, PTH120 - text path
    os.makedirs(folder, mode=0o700, exist_ok=True)  # noqa: PTH103 - text path
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        info = os.stat(path, follow_symlinks=False)  # noqa: PTH116 - text path
        if not stat.S_ISREG(info.st_mode):
            raise UnusableError("it is no regular file") from None
        if os.name == "posix" and (info.st_uid != os.geteuid() or info.st_mode & 0o022):
            raise UnusableError("others can write to it") from None
        # An empty file is a database to SQLite. It is ours if it is as we make one (another process
        # may be about to fill it) or as `mktemp` does, and else a file that was named by mistake.
        if not info.st_size and os.name == "posix" and info.st_mode & 0o077:
            raise UnusableError("it is an empty file that this library did not make") from None
    # SQLite takes pages from a journal that lies beside the file, whoever put it there.
    place = os.stat(folder)  # noqa: PTH116 - text path
    if os.name == "posix" and (place.st_uid != os.geteuid() or place.st_mode & 0o022):
        raise UnusableError("others can write to its folder")


def check_private(path: str) -> None:
    """Check that nobody else can read what this user has, and when it changed.

    Raises:
        UnusableError: Somebody can.
    """
    if os.name == "posix" and os.stat(path).st_mode & 0o077:  # noqa: PTH116 - text path
        raise UnusableError("others can read it; make its mode 0600")
