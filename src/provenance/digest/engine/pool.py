"""Worker processes that share the lists of small files with this process.

Numbers of lists lie in one pipe that all read from: balance without locks. Results are placed by
number, so that nothing depends on who was quicker. What a dead worker leaves undone is returned.
"""

from __future__ import annotations

import os
import struct
from contextlib import ExitStack
from typing import TYPE_CHECKING

from provenance.digest.engine.processes import receive, start_bare
from provenance.digest.engine.worker import FILE, FRAME, packed_bytes, unpack_results

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from subprocess import Popen

    from provenance.digest.engine.jobs import Watch

__all__ = ["run_workers"]

# Seconds that pass at most between two looks at the clock.
_PATIENCE = 0.05


class _Line:
    """What comes from one worker: frames, of which the last may be incomplete."""

    def __init__(self, process: Popen[bytes], most: int) -> None:
        self._process = process
        self._most = most  # bytes of the longest answer that there can be
        self._data = b""
        self.is_open = True

    def frames(self, wait: float) -> list[tuple[int, bytes]]:
        """Return the whole frames that have come."""
        data = receive(self._process, wait) if self.is_open else None
        if data is None:
            return []
        self.is_open = bool(data)
        self._data += data
        found = []
        size = FRAME.size
        while len(self._data) >= size:
            number, length = FRAME.unpack_from(self._data)
            if length > self._most:  # nothing sensible will follow
                self.is_open = False
                break
            if len(self._data) < size + length:
                break
            found.append((number, self._data[size : size + length]))
            self._data = self._data[size + length :]
        return found


def run_workers(
    root: int,
    lists: Iterable[bytes],
    shapes: Sequence[tuple[int, int]],
    *,
    workers: int,
    limits: tuple[int, int],
    watch: Watch,
    hash_here: Callable[[int], None],
    take: Callable[[int, list[tuple[int, int, int, bytes]]], None],
) -> list[int]:
    """Hash lists of files in worker processes and here; return the numbers of those left undone.

    Args:
        root: Descriptor of the root folder.
        lists: What `worker.pack_names` made, in order.
        shapes: Number of files and bits of algorithms of each list.
        workers: Processes to start besides this one.
        limits: Largest file and files ahead.
        watch: What this work is under.
        hash_here: Hashes one list in this process and takes its results.
        take: Called with the number of a list and its results from a worker.
    """
    undone = set(range(len(shapes)))
    with ExitStack() as stack:
        memory, index = _write_lists(lists, stack)
        queue = _write_queue(len(shapes), stack)
        numbers = (root, memory, queue, index, len(shapes), *limits)
        most = max(packed_bytes(*shape) for shape in shapes)
        lines = [
            _Line(process, most)
            for _ in range(min(workers, len(shapes)))
            if (
                process := stack.enter_context(
                    start_bare(FILE, "hash_lists", numbers, (root, memory, queue))
                )
            )
        ]

        def collect(wait: float) -> None:
            for line in lines:
                for number, data in line.frames(wait):
                    # What is no answer to a question asked is no answer.
                    if number in undone and len(data) == packed_bytes(*shapes[number]):
                        undone.discard(number)
                        take(number, unpack_results(data, shapes[number][1]))

        while lines and (number := os.read(queue, 4)) and not watch.check():
            at = int.from_bytes(number, "little")
            undone.discard(at)
            hash_here(at)
            collect(0)
        while any(line.is_open for line in lines) and not watch.check():
            collect(_PATIENCE)
    return sorted(undone)


def _write_lists(lists: Iterable[bytes], stack: ExitStack) -> tuple[int, int]:
    """Write lists to a file in memory, and after them where each begins; return both."""
    memory = os.memfd_create("names", os.MFD_CLOEXEC)
    stack.callback(os.close, memory)
    starts = [0]
    with os.fdopen(os.dup(memory), "wb") as file:
        for data in lists:
            file.write(data)
            starts.append(starts[-1] + len(data))
        file.write(struct.pack(f"<{len(starts)}Q", *starts))
    return memory, starts[-1]


def _write_queue(count: int, stack: ExitStack) -> int:
    """Return the reading end of a pipe that holds the numbers below `count` and then ends."""
    queue, end = os.pipe()
    stack.callback(os.close, queue)
    try:
        os.write(end, struct.pack(f"<{count}I", *range(count)))
    finally:
        os.close(end)
    return queue
