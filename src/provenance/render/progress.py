"""Progress of long reading on a terminal: bytes, rate, time left. Nothing at all in a pipe.

Work that ends within a second shows nothing, and does not even import what draws the bar.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TextIO

    from rich.progress import Progress, TaskID

__all__ = ["ByteProgress", "show_progress"]

#: Work that takes less is over before a bar could be read.
QUIET_SECONDS = 1.0


class ByteProgress:
    """Counts bytes that were read; draws a bar once the work has lasted a second.

    Calling it adds bytes, from any thread.
    """

    def __init__(
        self,
        label: str,
        stream: TextIO,
        *,
        total: Callable[[], int] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start counting.

        Args:
            label: What is done, in one or two words of ours.
            stream: The terminal to draw on.
            total: Returns how many bytes there are to read; asked once, when the bar appears.
            clock: Returns seconds that never run backwards.
        """
        self._label = label
        self._stream = stream
        self._total = total
        self._clock = clock
        self._begun = clock()
        self._done = 0
        self._lock = Lock()
        self._bar: tuple[Progress, TaskID] | None = None

    def __call__(self, count: int) -> None:
        """Add bytes that were read."""
        with self._lock:
            self._done += count
            if self._bar is None and self._clock() - self._begun < QUIET_SECONDS:
                return
            bar, task = self._bar or self._appear()
            bar.update(task, completed=self._done)

    def close(self) -> None:
        """Take the bar away; may be called twice."""
        with self._lock:
            if self._bar is not None:
                self._bar[0].stop()
                self._bar = None

    def _appear(self) -> tuple[Progress, TaskID]:
        from rich.console import Console  # noqa: PLC0415 - 60 ms that short work does not pay
        from rich.progress import (  # noqa: PLC0415 - the same
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(binary_units=True),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=Console(file=self._stream),
            transient=True,
        )
        total = self._total() if self._total is not None else 0
        # Without a total the bar pulses, and there is no time left to show.
        task = bar.add_task(self._label, total=total or None)
        bar.start()
        self._bar = bar, task
        return self._bar


@contextmanager
def show_progress(
    label: str, stream: TextIO, *, total: Callable[[], int] | None = None
) -> Iterator[ByteProgress | None]:
    """Give a counter of bytes that draws on `stream`, or nothing if that is no terminal."""
    if not stream.isatty():
        yield None
        return
    progress = ByteProgress(label, stream, total=total)
    try:
        yield progress
    finally:
        progress.close()
