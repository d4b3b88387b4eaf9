"""Worker processes that share the lists of small files with this process.

Where the lists lie is written to one pipe that all read from: balance without locks. Results are
placed by number, so that nothing depends on who was quicker. What a dead worker leaves undone is
returned.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING

from provenance.digest.engine.processes import receive, start_bare
from provenance.digest.engine.worker import FILE, FRAME, TASK, packed_bytes, unpack_results

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from subprocess import Popen
    from typing import Self

    from provenance.digest.engine.jobs import Watch

__all__ = ["Pool"]

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


class Pool:
    """Worker processes that wait for lists; a context manager that ends them.

    They can be started while it is still being found out what there is to hash: they read nothing
    before `run` hands out the lists.
    """

    def __init__(self, root: int, workers: int, limits: tuple[int, int]) -> None:
        """Start the processes.

        Args:
            root: Descriptor of the root folder, which stays open as long as the pool.
            workers: Processes to start.
            limits: Largest file and files ahead.
        """
        self._end = -1
        self._stack = ExitStack()
        try:
            self._memory = os.memfd_create("names", os.MFD_CLOEXEC)
            self._stack.callback(os.close, self._memory)
            self._queue, self._end = os.pipe()
            self._stack.callback(os.close, self._queue)
            numbers = (root, self._memory, self._queue, *limits)
            self._processes = [
                process
                for _ in range(workers)
                if (
                    process := self._stack.enter_context(
                        start_bare(FILE, "hash_lists", numbers, numbers[:3])
                    )
                )
            ]
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the processes."""
        self.close()

    def close(self) -> None:
        """End the processes; may be called twice."""
        self._close_end()
        self._stack.close()

    def run(
        self,
        lists: Iterable[bytes],
        shapes: Sequence[tuple[int, int]],
        *,
        watch: Watch,
        hash_here: Callable[[int], None],
        take: Callable[[int, list[tuple[int, int, int, bytes]]], None],
    ) -> list[int]:
        """Hash lists of files in the processes and here; return the numbers of those left undone.

        Called once.

        Args:
            lists: What `worker.pack_names` made, in order.
            shapes: Number of files and bits of algorithms of each list.
            watch: What this work is under.
            hash_here: Hashes one list in this process and takes its results.
            take: Called with the number of a list and its results from a worker.
        """
        undone = set(range(len(shapes)))
        most = max(packed_bytes(*shape) for shape in shapes)
        lines = [_Line(process, most) for process in self._processes]

        def collect(wait: float) -> None:
            for line in lines:
                for number, data in line.frames(wait):
                    # What is no answer to a question asked is no answer.
                    if number in undone and len(data) == packed_bytes(*shapes[number]):
                        undone.discard(number)
                        take(number, unpack_results(data, shapes[number][1]))

        self._hand_out(lists)
        while lines and not watch.check():
            task = os.read(self._queue, TASK.size)
            at = TASK.unpack(task)[0] if len(task) == TASK.size else -1
            if at not in undone:
                break
            undone.discard(at)
            hash_here(at)
            collect(0)
        while any(line.is_open for line in lines) and not watch.check():
            collect(_PATIENCE)
        return sorted(undone)

    def _hand_out(self, lists: Iterable[bytes]) -> None:
        """Write the lists to the file in memory, then where each lies to the queue, and end it."""
        tasks = []
        start = 0
        with os.fdopen(os.dup(self._memory), "wb") as file:
            for number, data in enumerate(lists):
                file.write(data)
                tasks.append(TASK.pack(number, len(data), start))
                start += len(data)
        os.write(self._end, b"".join(tasks))
        self._close_end()

    def _close_end(self) -> None:
        if self._end >= 0:
            os.close(self._end)
            self._end = -1
