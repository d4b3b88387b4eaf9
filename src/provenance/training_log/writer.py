"""Appending to a training log: one writer, whole lines, and a torn last line is mended.

Lines are kept for at most half a second before they are written, so that an entry a step costs a
loop next to nothing; `flush` writes them at once, and `close` also waits for the disk. A kill in
between loses those lines and nothing before them.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING, Final, Self

from provenance.errors import RecordingError
from provenance.training_log.entries import MAX_ENTRY_BYTES, encode_entry

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["LogWriter"]

#: Seconds that a line waits at most, as long as lines keep coming.
FLUSH_SECONDS: Final = 0.5

#: Bytes that wait at most.
FLUSH_BYTES: Final = 64 * 1024


class LogWriter:
    """The one writer of a training log.

    Args:
        path: The log's file; it is made if it does not exist, and never through a link.

    Raises:
        RecordingError: Another writer has it open, or it cannot be opened.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Open and lock the file, and cut off a line that a crash tore."""
        self._path = os.fspath(path)
        self._lock = Lock()
        self._lines: list[bytes] = []
        self._bytes = 0
        self._written_at = time.monotonic()
        self._descriptor = _open(self._path)
        try:
            _lock_file(self._descriptor, self._path)
            self._recover()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Write what waits and close the file."""
        self.close()

    def append(self, entry: bytes) -> None:
        """Add one entry, given as its canonical bytes.

        Raises:
            RecordingError: The log is closed, the entry is no line, or the disk refuses it.
        """
        if b"\n" in entry or len(entry) > MAX_ENTRY_BYTES:
            raise RecordingError(
                path=self._path,
                problem=f"an entry is one line of at most {MAX_ENTRY_BYTES} bytes",
            )
        with self._lock:
            self._lines.append(entry + b"\n")
            self._bytes += len(entry) + 1
            if self._bytes >= FLUSH_BYTES or time.monotonic() - self._written_at >= FLUSH_SECONDS:
                self._write()

    def flush(self) -> None:
        """Write every line that waits.

        Raises:
            RecordingError: The log is closed, or the disk refuses it.
        """
        with self._lock:
            if self._lines:
                self._write()

    def close(self) -> None:
        """Write what waits, let the disk confirm it, and release the lock; twice does nothing.

        Raises:
            RecordingError: The disk refuses it; the file is closed all the same.
        """
        with self._lock:
            if self._descriptor < 0:
                return
            try:
                if self._lines:
                    self._write()
                with suppress(OSError):  # some file systems cannot; the lines are written
                    os.fsync(self._descriptor)
            finally:
                os.close(self._descriptor)
                self._descriptor = -1

    def _write(self) -> None:
        # The lines leave the buffer first: repeated lines are worse than lost ones.
        data = b"".join(self._lines)
        self._lines.clear()
        self._bytes = 0
        self._written_at = time.monotonic()
        if self._descriptor < 0:
            raise RecordingError(path=self._path, problem="the training log is closed")
        before = os.fstat(self._descriptor).st_size
        try:
            _write_all(self._descriptor, data)
        except OSError as error:
            # A part of a line would make the next one unreadable.
            with suppress(OSError):
                os.ftruncate(self._descriptor, before)
            raise RecordingError(
                path=self._path,
                problem=f"the training log cannot be written: {error.strerror}",
                remedy="make room on the disk",
            ) from error

    def _recover(self) -> None:
        size = os.fstat(self._descriptor).st_size
        whole = _end_of_last_line(self._descriptor, size)
        if whole == size:
            return
        os.ftruncate(self._descriptor, whole)
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._lines.append(encode_entry("recovered", now, lostBytes=size - whole) + b"\n")
        self._write()


def _open(path: str) -> int:
    # O_NOFOLLOW: whoever may write beside the log must not choose where its lines go.
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
    try:
        return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o644)
    except OSError as error:
        raise RecordingError(
            path=path, problem=f"the training log cannot be opened: {error.strerror}"
        ) from error


def _lock_file(descriptor: int, path: str) -> None:
    try:
        import fcntl  # noqa: PLC0415  # POSIX alone has it; elsewhere the run's own folder protects
    except ImportError:  # pragma: no cover - Windows
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise RecordingError(
            path=path,
            problem="another process is writing this training log",
            remedy="give every process a run folder of its own",
        ) from error


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _end_of_last_line(descriptor: int, size: int) -> int:
    """Return the length of the file up to and with its last line feed."""
    position = size
    while position:
        start = max(0, position - FLUSH_BYTES)
        os.lseek(descriptor, start, os.SEEK_SET)
        found = os.read(descriptor, position - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        position = start
    return 0
