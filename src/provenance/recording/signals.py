"""SIGTERM while a run goes on: the record is closed, then the signal takes its course.

A handler is set only in the main thread and only where the signal is not ignored; whatever handler
was there before is called afterwards, so that the process ends as it would have ended without us.
"""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

__all__ = ["Termination"]


class Termination:
    """Calls `close` when SIGTERM comes, as soon as no method of the run is at work.

    Args:
        close: Closes the record; it must not raise.
    """

    def __init__(self, close: Callable[[], None]) -> None:
        """Remember what to call; nothing is installed yet."""
        self._close = close
        self._previous: Any = None
        self._installed = False
        self._pending: FrameType | bool | None = False
        self._busy = 0

    def install(self) -> None:
        """Set the handler, if this is the main thread and the signal is not ignored."""
        if threading.current_thread() is not threading.main_thread():
            return
        previous = signal.getsignal(signal.SIGTERM)
        if previous is None or previous == signal.SIG_IGN:
            return
        self._previous = previous
        signal.signal(signal.SIGTERM, self._handle)
        self._installed = True

    def remove(self) -> None:
        """Put the former handler back, unless somebody has set another one since."""
        if not self._installed or threading.current_thread() is not threading.main_thread():
            return
        if signal.getsignal(signal.SIGTERM) == self._handle:
            signal.signal(signal.SIGTERM, self._previous)
            self._installed = False

    def enter(self) -> None:
        """Note that a method of the run is at work in the main thread."""
        if threading.current_thread() is threading.main_thread():
            self._busy += 1

    def leave(self) -> None:
        """Note that it is done, and do what had to wait for it."""
        if threading.current_thread() is threading.main_thread():
            self._busy = max(0, self._busy - 1)
            if not self._busy and self._pending is not False:
                frame, self._pending = self._pending, False
                self._terminate(None if frame is True else frame)

    def _handle(self, _: int, frame: FrameType | None) -> None:
        # A record or log that is being written at this moment must not be written a second time
        # from inside: the signal waits for the end of that call.
        if self._busy:
            self._pending = frame or True
        else:
            self._terminate(frame)

    def _terminate(self, frame: FrameType | None) -> None:
        self._close()
        previous = self._previous
        self.remove()
        if callable(previous):
            previous(signal.SIGTERM, frame)
        else:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)
