"""Where `provenance stream` reads and writes: files, pipes, URLs, and what becomes of a signal."""

from __future__ import annotations

import os
import signal
import stat
import sys
import threading
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, TextIO

from provenance.cli.output import drop_output
from provenance.cli.remote import named_url
from provenance.errors import DigestError, InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path
    from types import FrameType
    from typing import BinaryIO

    from provenance.digest.verified_reading import ReadableBytes

__all__ = ["CHUNK_BYTES", "check_standard_output", "clean_ends", "opened_input", "write_out"]

#: Bytes that are read at once where a file has no blocks, and that a pipe is asked to hold.
CHUNK_BYTES = 1024 * 1024

# What a service manager, a scheduler or a terminal that closes sends to end a process.
_ENDING = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
)


class _EndedError(BaseException):
    """A signal asks this process to end. No `Exception`: nothing but cleaning up may stop it."""

    def __init__(self, number: int) -> None:
        """Remember which one."""
        super().__init__(number)
        self.number = number


@contextmanager
def clean_ends() -> Iterator[None]:
    """Let a process that is asked to end clean up first: no temporary file stays.

    An interrupt (SIGINT) is a `KeyboardInterrupt` anyway. Signals that the caller ignores (`nohup`)
    stay ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, _frame: FrameType | None) -> None:
        raise _EndedError(number)

    before = {}
    for number in _ENDING:
        if signal.getsignal(number) is signal.SIG_DFL:
            before[number] = signal.signal(number, end)
    try:
        yield
    except _EndedError as ended:
        signal.signal(ended.number, signal.SIG_DFL)
        signal.raise_signal(ended.number)  # whoever waits for this process sees what ended it
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def opened_input(
    source: Path | str | None, start: int, storage_options: Mapping[str, str]
) -> Iterator[tuple[ReadableBytes, str]]:
    """Give the stream to read from, from a byte on, and what to call it.

    Args:
        source: A path; the text of a URL; `None` for standard input.
        start: The first byte to give. What lies before it is not read where that is possible (a
            file, a URL), and else read and thrown away.
        storage_options: Options for the library that reads a URL.

    Raises:
        UsageError: There is no standard input.
        InputError: It cannot be read.
        DigestError: A pipe ends before `start` (`size-mismatch`).
    """
    if isinstance(source, str):
        from provenance.digest.remote.reading import open_remote_file
        from provenance.digest.remote.urls import parse_url

        label = str(parse_url(source))  # without what may be a secret
        with ExitStack() as stack:
            with named_url(source):
                remote = stack.enter_context(
                    open_remote_file(source, start=start, storage_options=storage_options)
                )
            yield _NamedReader(remote, source), label
    elif source is None:
        if sys.stdin is None:
            raise UsageError(problem="there is no standard input", remedy="name the file to read")
        _widen(sys.stdin)
        _skip(sys.stdin.buffer, start, "standard input")
        yield sys.stdin.buffer, "standard input"
    else:
        with _open_file(source) as file:
            _skip(file, start, str(source))
            yield file, str(source)


class _NamedReader:
    """Reads from a URL, and puts it before the name that an error is about."""

    def __init__(self, raw: ReadableBytes, url: str) -> None:
        """Keep both."""
        self._raw = raw
        self._url = url

    def read(self, size: int, /) -> bytes | None:
        """Return at most `size` bytes; none at the end."""
        with named_url(self._url):
            return self._raw.read(size)


def check_standard_output() -> None:
    """Refuse a standard output that the caller closed: all would be lost, and look done.

    A terminal is refused as well: it would obey what stands in the bytes.

    Raises:
        UsageError: It is closed, or a terminal.
    """
    if sys.__stdout__ is None:
        raise UsageError(problem="there is no standard output", remedy="name a file with -o")
    if sys.stdout.isatty():
        raise UsageError(
            problem="standard output is a terminal, which is no place for the bytes of a file",
            remedy="name a file with -o, or a program that reads them: `… | load-model`",
        )


def write_out(chunks: Iterable[memoryview], size: int) -> None:
    """Write to standard output without a buffer, so that what was written is what was verified.

    Args:
        chunks: The bytes, verified.
        size: How many there should be.

    Raises:
        InputError: The reader closed the pipe: it has less than the whole.
    """
    descriptor = sys.stdout.fileno()
    _widen(sys.stdout)
    written = 0
    try:
        for chunk in chunks:
            remaining = chunk
            while remaining:
                count = os.write(descriptor, remaining)
                written += count
                remaining = remaining[count:]
    except BrokenPipeError as error:
        drop_output(sys.stdout)
        raise InputError(
            path="standard output",
            problem=f"the reader closed the pipe after {written:,} of {size:,} bytes",
            remedy="what it has is verified, the rest is not",
        ) from error


def _open_file(source: Path) -> BinaryIO:
    try:
        # Unbuffered: whole blocks are read. A pipe that the user names is as good as a file.
        return open(source, "rb", buffering=0)  # noqa: PTH123 - the caller closes it
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no path"
        raise InputError(
            path=str(source), problem=f"cannot be read: {reason}", code="input-unreadable"
        ) from error


def _skip(raw: BinaryIO, start: int, label: str) -> None:
    """Go to a byte of a stream, counted from where it stands."""
    if not start:
        return
    try:
        descriptor = raw.fileno()
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.lseek(descriptor, start, os.SEEK_CUR)  # nothing was read into a buffer yet
            return
        left = start
        while left:
            data = raw.read(min(left, CHUNK_BYTES))
            if not data:
                break
            left -= len(data)
    except OSError as error:
        raise InputError(
            path=label, problem=f"cannot be read: {error.strerror}", code="input-unreadable"
        ) from error
    if left:
        raise DigestError(
            path=label,
            problem=f"ends after {start - left:,} bytes, and {start:,} are here already",
            remedy="give the whole file, from its first byte",
            code="size-mismatch",
        )


def _widen(pipe: TextIO) -> None:
    """Let a pipe hold what is read at once, so that the other side works meanwhile (Linux)."""
    if sys.platform == "linux":
        import fcntl

        with suppress(OSError):  # it is no pipe, or the system allows no more
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, CHUNK_BYTES)
