"""SIGTERM and SIGUSR1 while a run goes on: the record is closed, then the signal takes its course.

Schedulers send one of them before they end or requeue a job. A handler is set only in the main
thread, and only where the signal is neither ignored nor caught by something that Python does not
know of (`faulthandler.register`); whatever handler was there before is called afterwards, so that
the process ends, or goes on, as it would have done without us.
"""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

__all__ = ["Termination"]

#: Signals by which a process is asked to end.
NAMES: Final = ("SIGTERM", "SIGUSR1")

#: Where Linux says which signals a process catches.
STATUS_FILE: Final = Path("/proc/self/status")


class Termination:
    """Calls `close` when a signal comes, as soon as no method of the run is at work.

    Args:
        close: Closes the record; it must not raise. It gets the signal's name, and whether the
            script has a handler of its own, which may go on with the run.
    """

    def __init__(self, close: Callable[[str, bool], None]) -> None:
        """Remember what to call; nothing is installed yet."""
        self._close = close
        self._previous: dict[int, Any] = {}
        self._pending: list[tuple[int, FrameType | None]] = []
        self._busy = 0

    def install(self) -> None:
        """Set the handlers, if this is the main thread and somebody would listen."""
        if threading.current_thread() is not threading.main_thread():
            return
        for name in NAMES:
            number = getattr(signal, name, None)
            if number is None:
                continue
            previous = signal.getsignal(number)
            if previous is None or previous == signal.SIG_IGN or _is_caught_outside(number):
                continue
            self._previous[number] = previous
            signal.signal(number, self._handle)

    def remove(self) -> None:
        """Put the former handlers back, unless somebody has set others since."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in list(self._previous):
            self._remove(number)

    def enter(self) -> None:
        """Note that a method of the run is at work in the main thread."""
        if threading.current_thread() is threading.main_thread():
            self._busy += 1

    def leave(self) -> None:
        """Note that it is done, and do what had to wait for it."""
        if threading.current_thread() is threading.main_thread():
            self._busy = max(0, self._busy - 1)
            while not self._busy and self._pending:
                self._terminate(*self._pending.pop(0))

    def _handle(self, number: int, frame: FrameType | None) -> None:
        # A record or log that is being written at this moment must not be written a second time
        # from inside: the signal waits for the end of that call.
        if self._busy:
            self._pending.append((number, frame))
        else:
            self._terminate(number, frame)

    def _terminate(self, number: int, frame: FrameType | None) -> None:
        previous = self._previous.get(number)
        self._close(signal.Signals(number).name, self.goes_on(number))
        self._remove(number)
        if callable(previous):
            previous(number, frame)
        else:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    def goes_on(self, number: int) -> bool:
        """Return whether the script itself handles a signal; another run of ours does not count."""
        previous = self._previous.get(number)
        other = getattr(previous, "__self__", None)
        return other.goes_on(number) if isinstance(other, Termination) else callable(previous)

    def _remove(self, number: int) -> None:
        previous = self._previous.pop(number, None)
        if previous is not None and signal.getsignal(number) == self._handle:
            signal.signal(number, previous)


def _is_caught_outside(number: int) -> bool:
    """Return whether something other than Python's `signal` handles a signal that seems free."""
    if callable(signal.getsignal(number)):
        return False
    try:
        lines = STATUS_FILE.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return False  # no Linux
    caught = next((line.split()[1] for line in lines if line.startswith("SigCgt:")), "0")
    return bool(int(caught, 16) >> (number - 1) & 1)
