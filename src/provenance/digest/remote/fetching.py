"""Bytes of an object, all of them and no others, over connections that break.

A read that breaks off goes on at the byte where it broke. Tries and the waits between them are
bounded. Source: `spec/digests.md`, section "Reading files".
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from provenance.digest.names import printable_name
from provenance.digest.remote.store import BrokenReadError, changed_object, unreadable_object
from provenance.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from provenance.digest.remote.store import ObjectStore, StoredObject

__all__ = ["Piece", "Retries", "Stop", "fetch_piece", "out_of_time"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an object that is fetched by one request, if nothing breaks."""

    found: StoredObject
    """The object."""

    start: int
    """Its first byte."""

    end: int
    """The byte after its last."""

    @property
    def size(self) -> int:
        """Length in bytes."""
        return self.end - self.start


class Stop:
    """When to give up: a time, a question to the caller, or the end of the work.

    Args:
        deadline: Time of `time.monotonic`.
        cancelled: Asked in the caller's thread; true means to give up.
    """

    #: Seconds between two questions.
    INTERVAL: Final = 0.1

    def __init__(
        self, deadline: float | None = None, cancelled: Callable[[], bool] | None = None
    ) -> None:
        """Keep them."""
        self._deadline = deadline
        self._cancelled = cancelled
        self._closed = threading.Event()

    def close(self) -> None:
        """End the work of all threads that share this."""
        self._closed.set()

    def check(self, name: str) -> None:
        """Check that the work is still wanted; for the caller's thread.

        Raises:
            InputError: The time is over, or the caller cancelled (code `deadline`).
        """
        if self._cancelled is not None and self._cancelled():
            raise out_of_time(name, "reading was cancelled")
        self.check_time(name)

    def check_time(self, name: str) -> None:
        """Check that there is time left; for any thread.

        Raises:
            InputError: The time is over, or the work has been ended (code `deadline`).
        """
        if self._closed.is_set():
            raise out_of_time(name, "reading was ended")
        if self._deadline is not None and time.monotonic() > self._deadline:
            raise out_of_time(name, "the time allowed ran out")

    def wait(self, seconds: float) -> None:
        """Wait, but not beyond the end."""
        if self._deadline is not None:
            seconds = min(seconds, max(0.0, self._deadline - time.monotonic()))
        self._closed.wait(seconds)


@dataclass(frozen=True, slots=True)
class Retries:
    """How often, and for how long, a read that breaks off is tried again."""

    tries: int = 6
    """Most tries that bring nothing, in a row."""

    all_tries: int = 64
    """Most tries for one piece, however much each brings."""

    seconds: float = 300.0
    """Longest time for one piece, after which no other try begins."""

    first_wait: float = 0.1
    """Seconds before the second try; each further wait is twice as long."""

    longest_wait: float = 5.0
    """Where the waits end growing."""

    def run(self, name: str, step: Callable[[], T], progress: Callable[[], int], stop: Stop) -> T:
        """Call `step` until it does not break, and return what it returns.

        Args:
            name: What is read, for errors.
            step: Does the work, or as much of it as it can.
            progress: How much is done; a try that raised it counts as one that brought something.
            stop: When to give up.

        Raises:
            InputError: It broke too often, or the time is over.
        """
        began = time.monotonic()
        tries = idle = 0
        reason = ""
        while tries < self.all_tries:
            stop.check_time(name)
            tries += 1
            before = progress()
            try:
                return step()
            except BrokenReadError as error:
                reason = error.reason
            idle = 0 if progress() > before else idle + 1
            if idle >= self.tries or time.monotonic() - began > self.seconds:
                break
            stop.wait(min(self.longest_wait, self.first_wait * 2 ** max(0, idle - 1)))
        raise unreadable_object(name, f"gave up after {tries} tries: {reason}", "try again later")


def fetch_piece(store: ObjectStore, piece: Piece, retries: Retries, stop: Stop) -> bytearray:
    """Return exactly the bytes of a piece.

    Raises:
        InputError: The object changed (`file-changed`), cannot be read (`file-unreadable`), or the
            time is over (`deadline`).
    """
    data = bytearray(piece.size)
    done = 0

    def go_on() -> bytearray:
        nonlocal done
        if piece.size and done == piece.size:  # it broke after the last byte
            return data
        chunks = store.read(piece.found, piece.start + done, piece.end)
        for chunk in chunks:
            stop.check_time(piece.found.name)
            if len(chunk) > piece.size - done:
                raise changed_object(
                    piece.found.name, "sends more bytes than were listed or asked for"
                )
            data[done : done + len(chunk)] = chunk
            done += len(chunk)
        if done < piece.size:
            raise BrokenReadError("it ended early")
        return data

    return retries.run(piece.found.name, go_on, lambda: done, stop)


def out_of_time(name: str, problem: str) -> InputError:
    """Return the error for work that nobody waits for any more."""
    return InputError(path=printable_name(name), problem=problem, code="deadline")
