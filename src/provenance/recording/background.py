"""Hashing beside the training: one thread, which lives as long as there is something to hash.

What a caller hands over has its id already; the thread adds digests later. Between two calls there
is no thread, so that a script which forks, as data loaders do, forks one thread and not two.
"""

from __future__ import annotations

import os
import time
from collections import deque
from threading import Condition, Thread, current_thread
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    Job = Callable[[], None]

__all__ = ["Background"]

#: Most jobs that wait; whoever brings one more does the oldest one himself.
MAX_WAITING: Final = 64

#: Seconds between two looks at the clock while waiting, which also lets signals in.
_LOOK_SECONDS: Final = 0.5


class Background:
    """Jobs done one after another, in the order in which they came, off the caller's thread."""

    def __init__(self) -> None:
        """Begin with nothing to do and without a thread."""
        self._changed = Condition()
        self._jobs: deque[Job] = deque()
        self._running = 0
        self._thread: Thread | None = None
        self._error: Exception | None = None
        self._process = os.getpid()

    @property
    def busy(self) -> bool:
        """Whether something waits or is being done."""
        return os.getpid() == self._process and bool(self._jobs or self._running)

    def submit(self, job: Job) -> None:
        """Have a job done soon; it keeps its own failures, and what it raises is kept for `wait`.

        Where no thread can be started, as when the interpreter ends, it is done at once. A caller
        must not hold a lock that jobs take.
        """
        with self._changed:
            self._jobs.append(job)
            oldest = self._jobs.popleft() if len(self._jobs) > MAX_WAITING else None
            self._running += oldest is not None
            started = self._start()
        if oldest is not None:
            self._do(oldest)
        if not started:
            self._work()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until everything is done; return whether it is.

        Args:
            timeout: Seconds to wait at most; nothing for as long as it takes.

        Raises:
            Exception: What a job raised first since the last call.
        """
        if os.getpid() != self._process or current_thread() is self._thread:
            return True  # a fork has no such thread, and its lock may be held for ever
        end = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            while self._jobs or self._running:
                left = _LOOK_SECONDS if end is None else min(_LOOK_SECONDS, end - time.monotonic())
                if left <= 0:
                    return False
                self._changed.wait(left)
            error, self._error = self._error, None
        if error is not None:
            raise error
        return True

    def drop(self) -> None:
        """Forget what has not begun; what is being done goes on."""
        if os.getpid() == self._process:
            with self._changed:
                self._jobs.clear()
                self._changed.notify_all()

    def _start(self) -> bool:
        """Start the thread unless there is one; return whether there is."""
        if self._thread is None:
            # A daemon: an interpreter that must end does not wait for it, but `finish` does.
            thread = Thread(target=self._work, name="provenance-hashing", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                return False
            self._thread = thread
        return True

    def _work(self) -> None:
        while True:
            with self._changed:
                if not self._jobs:
                    if current_thread() is self._thread:
                        self._thread = None
                    return
                job = self._jobs.popleft()
                self._running += 1
            self._do(job)

    def _do(self, job: Job) -> None:
        try:
            job()
        except Exception as error:  # noqa: BLE001 - raised where somebody waits
            self._error = self._error or error
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()
