"""What the engine is asked, and the watch that everything it does is under.

No I/O.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from provenance.digest.algorithms import COUNTED
from provenance.digest.names import printable_name
from provenance.errors import InputError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence

    from provenance.digest.algorithms import DigestSet

__all__ = [
    "MAPPED_BYTES",
    "MAPPED_FILE_BYTES",
    "POOL_FILES",
    "SMALL_BYTES",
    "Cache",
    "Consumer",
    "FileJob",
    "Watch",
]

#: Largest file that goes the way of small ones; above it, threads pay.
SMALL_BYTES: Final = 1024 * 1024

#: Small files from which on worker processes pay for their start.
POOL_FILES: Final = 4000

#: Bytes of large files from which on an expendable process pays for its start.
MAPPED_BYTES: Final = 256 * 1024 * 1024

#: Smallest file that is mapped; what is smaller is read as quickly.
MAPPED_FILE_BYTES: Final = 16 * 1024 * 1024


class Consumer(Protocol):
    """What also takes the bytes of a file as they are read, so that they are read once.

    One belongs to one job, and keeps what it found until the caller of the engine asks for it.
    """

    def begin(self, size: int, /) -> None:
        """Forget everything: a file of `size` bytes is about to be read from its first one.

        Raises:
            DigestError: It cannot be read so; that is then what became of the job.
        """
        ...

    def update(self, data: memoryview, /) -> None:
        """Take the next bytes, which are valid until this returns."""
        ...


class FileJob(msgspec.Struct, frozen=True, gc=False):
    """One file to hash."""

    path: str
    """Its checked name below the root."""

    size: int | None = None
    """The length in bytes that it must have; `None` takes it as it is."""

    algorithms: tuple[str, ...] = COUNTED
    """Names of digest algorithms."""

    consumers: tuple[Consumer, ...] = ()
    """What takes the bytes in the same reading. What it finds counts only if the job succeeds."""


class Cache(Protocol):
    """Where digests of unchanged files are kept; called from one thread only."""

    def lookup(self, info: os.stat_result, algorithms: Sequence[str], /) -> DigestSet | None:
        """Return the digests of the open file with this state, or `None`."""
        ...

    def store(self, info: os.stat_result, digests: Mapping[str, str], /) -> None:
        """Keep the digests of a file that had this state before and after it was read."""
        ...


class Watch:
    """Progress, deadline and cancellation of one call.

    Both callables of the caller are only ever called in his own thread, inside `done` and `check`;
    other threads look at `reason`.
    """

    __slots__ = ("_cancelled", "_deadline", "_debt", "_progress", "reason")

    def __init__(
        self,
        progress: Callable[[int], None] | None = None,
        deadline: float | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> None:
        """Keep the callables and the time of `time.monotonic` after which nothing is read."""
        self._progress = progress
        self._deadline = deadline
        self._cancelled = cancelled
        self._debt = 0
        self.reason = ""
        """Why work must stop: `deadline`, `cancelled`, or empty."""

    def done(self, count: int) -> None:
        """Tell the caller that so many bytes are done."""
        repeated = min(self._debt, count)
        self._debt -= repeated
        if self._progress is not None and count > repeated:
            self._progress(count - repeated)

    def repeat(self, count: int) -> None:
        """Note that so many bytes that are told already will be read again: they count once."""
        self._debt += count

    def check(self) -> str:
        """Look at the clock, ask the caller, and return `reason`."""
        if not self.reason:
            if self._deadline is not None and time.monotonic() > self._deadline:
                self.reason = "deadline"
            elif self._cancelled is not None and self._cancelled():
                self.reason = "cancelled"
        return self.reason

    def error(self, path: str) -> InputError:
        """Return the error for a file that was not read because work stopped."""
        problem = "the time allowed ran out" if self.reason == "deadline" else "was cancelled"
        return InputError(path=printable_name(path), problem=problem, code=self.reason)
