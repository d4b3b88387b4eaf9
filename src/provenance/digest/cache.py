"""Digests of files that have not changed since they were read: an opt-in cache, keyed by `stat`.

A hit is the word of whoever could write to the cache or set a clock back: nothing is read then, so
whoever reports a digest from here says so. A cache is never needed: whatever is wrong with it makes
every file a miss and adds one warning. Source: `spec/digests.md`, section "Digest cache".
"""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from provenance.canonical import MAX_CACHE_ENTRIES
from provenance.digest.algorithms import HEX_LENGTHS, DigestSet
from provenance.digest.cache_places import UnusableError, check_private, prepare_file
from provenance.errors import DigestError, UsageError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Mapping

    T = TypeVar("T")

__all__ = ["MIN_CACHED_BYTES", "CachedDigests", "DigestCache", "open_cache"]

#: Smaller files bypass the cache: to read them costs no more than to look them up.
MIN_CACHED_BYTES: Final = 64 * 1024

#: A file that changed less than this before it was looked at may change again without a new time.
RACY_NANOSECONDS: Final = 2 * 10**9

#: How long to wait for another process that writes to the same cache, in seconds.
BUSY_SECONDS: Final = 2.0

#: New digests that are held in memory before they are written.
MAX_PENDING: Final = 16_384

#: Longest row that is read or written, in bytes; ours have under 300.
MAX_ROW_BYTES: Final = 4096

_APPLICATION_ID = 0x74705DC1  # marks the file as ours, in the header of the database
_VERSION = 1
_SCHEMA = (
    "CREATE TABLE digests (file TEXT NOT NULL, algorithm TEXT NOT NULL, state TEXT NOT NULL, "
    "value TEXT NOT NULL, stored INTEGER NOT NULL, PRIMARY KEY (file, algorithm)) WITHOUT ROWID"
)
_LOOKUP = "SELECT algorithm, value, stored FROM digests WHERE file = ? AND state = ?"
_STORE = "INSERT OR REPLACE INTO digests VALUES (?, ?, ?, ?, ?)"
_DROP = (
    "DELETE FROM digests WHERE (file, algorithm) IN "
    "(SELECT file, algorithm FROM digests ORDER BY stored LIMIT ?)"
)


class CachedDigests(DigestSet):
    """Digests that a cache remembered: nothing was read, and whoever reports them says so."""

    __slots__ = ()


class DigestCache:
    """An open cache, from `open_cache`; a context manager. May be used by several threads.

    What is stored is written when the cache is closed, or when much has come together.
    """

    def __init__(self, path: str) -> None:
        """Open the file or make it; one that cannot be used is a cache without entries."""
        self.path = path
        #: What is wrong with the cache, if anything: one sentence, after which all is a miss.
        self.warnings: list[str] = []
        #: Of how many files it has supplied digests: whoever reports them says so.
        self.hits = 0
        self._lock = threading.Lock()
        self._fresh: set[tuple[str, str]] = set()
        self._pending: dict[tuple[str, str], tuple[str, str, int]] = {}
        self._connection: sqlite3.Connection | None = None
        self._connection = self._try(lambda: _connect(path))

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Write what is new and close the file."""
        self.close()

    def lookup(self, info: os.stat_result, algorithms: Iterable[str]) -> CachedDigests | None:
        """Return the digests of a file by all of these algorithms; `None` if one is not known.

        Args:
            info: `fstat` of the open file.
            algorithms: Names of digest algorithms.
        """
        if self._connection is None or info.st_size < MIN_CACHED_BYTES:
            return None
        key = _key(info)
        with self._lock:
            if _is_racy(info, time.time_ns()):
                self._fresh.add(key)  # it is about to be read: a later write may look the same
                return None
            found = self._try(lambda: self._find(info, key, tuple(algorithms)))
            self.hits += found is not None
            return found

    def store(self, info: os.stat_result, digests: Mapping[str, str]) -> None:
        """Keep the digests of a file that was just read and was the same before and after.

        Args:
            info: `fstat` of the open file, from before it was read.
            digests: What it hashes to, by algorithm.
        """
        if self._connection is None or info.st_size < MIN_CACHED_BYTES:
            return
        key = _key(info)
        now = time.time_ns()
        with self._lock:
            if key in self._fresh or _is_racy(info, now):
                return
            file, state = key
            for algorithm, value in digests.items():
                self._pending[file, algorithm] = (state, value, now)
            if len(self._pending) >= MAX_PENDING:
                self._try(self._write)

    def close(self) -> None:
        """Write what is new and close the file; may be called twice."""
        with self._lock:
            if self._pending:
                self._try(self._write)
            self._disconnect()

    def _find(
        self, info: os.stat_result, key: tuple[str, str], algorithms: tuple[str, ...]
    ) -> CachedDigests | None:
        file, state = key
        found = {}
        for algorithm, value, stored in self._open.execute(_LOOKUP, key):
            if not isinstance(stored, int) or algorithm not in HEX_LENGTHS:
                raise UnusableError("it holds what is no entry")
            if not _is_racy(info, stored):
                found[algorithm] = value
        for algorithm in algorithms:
            if (file, algorithm) in self._pending and self._pending[file, algorithm][0] == state:
                found[algorithm] = self._pending[file, algorithm][1]
        if not found.keys() >= set(algorithms):
            return None
        return CachedDigests({algorithm: found[algorithm] for algorithm in algorithms})

    def _write(self) -> None:
        rows = [
            (file, algorithm, state, value, stored)
            for (file, algorithm), (state, value, stored) in self._pending.items()
        ]
        self._pending.clear()
        with self._open as connection:  # one transaction: all of it, or nothing
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(_STORE, rows)
            count = connection.execute("SELECT count(*) FROM digests").fetchone()[0]
            if count > MAX_CACHE_ENTRIES:
                connection.execute(_DROP, (count - MAX_CACHE_ENTRIES,))

    @property
    def _open(self) -> sqlite3.Connection:
        assert self._connection is not None  # noqa: S101 - the callers have looked
        return self._connection

    def _try(self, work: Callable[[], T]) -> T | None:
        """Do something with the file; if that fails, warn once and leave it alone for ever."""
        try:
            import sqlite3  # noqa: PLC0415 - 4 ms that only users of a cache pay
        except ImportError:
            self._give_up("this Python has no sqlite3")
            return None
        try:
            return work()
        except (UnusableError, sqlite3.Error) as error:
            self._give_up(str(error))
        except DigestError as error:
            self._give_up(f"it holds what is no digest ({error.problem})")
        except (OSError, OverflowError, ValueError) as error:
            self._give_up((isinstance(error, OSError) and error.strerror) or "it is no path")
        return None

    def _give_up(self, reason: str) -> None:
        self.warnings.append(f"the digest cache is not used: {reason}")
        self._pending.clear()
        self._disconnect()

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def open_cache(path: str | os.PathLike[str]) -> DigestCache:
    """Open a digest cache, or make one; use it as a context manager.

    It is for whoever hashes the same large files again and trusts everybody who can write to the
    cache and to the clock. Never raises for the state of the file: `warnings` says what is wrong.

    Args:
        path: The file; a folder that is missing is made for its owner alone. It lies outside of
            whatever is hashed or verified (`cache_places`).

    Raises:
        UsageError: The path is empty.
    """
    text = os.fspath(path)
    if not text:
        raise UsageError(path="cache", problem="expected a file, found an empty path")
    return DigestCache(text)


def _connect(path: str) -> sqlite3.Connection:
    import sqlite3  # noqa: PLC0415 - 4 ms that only users of a cache pay

    prepare_file(path)
    connection = sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        # A foreign row must not fill our memory: what is longer is an error, before it is read.
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_ROW_BYTES)
        connection.execute("PRAGMA trusted_schema = OFF")
        _check_format(connection)
        check_private(path)
    except BaseException:
        connection.close()
        raise
    return connection


def _check_format(connection: sqlite3.Connection) -> None:
    """Check that the database is ours and of our version; an empty one becomes ours."""

    def ask(statement: str) -> Any:  # noqa: ANN401 - a column of any type
        return connection.execute(statement).fetchone()[0]

    def names() -> list[str]:
        return [row[0] for row in connection.execute("SELECT sql FROM sqlite_master")]

    if not ask("PRAGMA application_id") and not names():
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            if not names():  # another process may have come first
                connection.execute(_SCHEMA)
                connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {_VERSION}")
    if ask("PRAGMA application_id") != _APPLICATION_ID:
        raise UnusableError("the file belongs to another program")
    if ask("PRAGMA user_version") != _VERSION:
        raise UnusableError("it was made by another version of this library")
    if names() != [_SCHEMA]:
        raise UnusableError("its tables are not those of a cache")


def _key(info: os.stat_result) -> tuple[str, str]:
    """Return which file this is, and in which state; as text, because numbers there can be huge."""
    return (
        f"{info.st_dev}:{info.st_ino}",
        f"{info.st_size}:{info.st_mtime_ns}:{info.st_ctime_ns}",
    )


def _is_racy(info: os.stat_result, now: int) -> bool:
    """Return whether a file changed so lately, or in the future, that its times prove nothing."""
    return now - max(info.st_mtime_ns, info.st_ctime_ns) < RACY_NANOSECONDS
