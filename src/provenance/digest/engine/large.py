"""Large files: known from a cache, mapped by a process that may die, or read by threads.

Source: `spec/digests.md`, section "Reading files".
"""

from __future__ import annotations

from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import TYPE_CHECKING

from provenance.digest.engine.jobs import MAPPED_BYTES, MAPPED_FILE_BYTES
from provenance.digest.engine.mapped import hash_mapped
from provenance.digest.engine.processes import HAS_PROCESSES
from provenance.digest.engine.stream import hash_plain, hash_streamed, open_job
from provenance.digest.files import FileDigest
from provenance.errors import ProvenanceError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence

    from provenance.digest.engine.jobs import Cache, FileJob, Watch
    from provenance.digest.opening import Folder

    Outcome = FileDigest | ProvenanceError
    Message = int | BaseException | tuple[int, Outcome, os.stat_result | None] | None

__all__ = ["hash_large"]

# Seconds that pass at most between two looks at the clock.
_PATIENCE = 0.05

# Bytes that a thread reads before it says so.
_TOLD_BYTES = 4 * 1024 * 1024


def hash_large(
    root: Folder,
    jobs: Sequence[tuple[int, FileJob]],
    *,
    workers: int,
    in_child: bool,
    cache: Cache | None,
    watch: Watch,
    place: Callable[[int, Outcome], None],
) -> None:
    """Hash large files and hand what became of each to `place`, in no order.

    Args:
        root: The folder.
        jobs: Number and job of each file.
        workers: Threads that may read.
        in_child: Whether a process that may die maps what only needs BLAKE3.
        cache: Asked before, and told afterwards; in the thread of the caller.
        watch: What this work is under.
        place: Called with the number of each file; files that were not reached are left out.
    """

    def finish(index: int, outcome: Outcome, info: os.stat_result | None) -> None:
        if cache is not None and info is not None and isinstance(outcome, FileDigest):
            cache.store(info, outcome.digest)
        place(index, outcome)

    if cache is not None:
        # Who wants the bytes themselves has no use for digests that are known.
        jobs = [
            item
            for item in jobs
            if item[1].consumers or not _is_cached(root, item, cache, watch, place)
        ]
    if in_child and HAS_PROCESSES:
        mapped = [item for item in jobs if _is_mapped(item[1])]
        if sum(job.size or 0 for _, job in mapped) >= MAPPED_BYTES:
            jobs = [item for item in jobs if not _is_mapped(item[1])]
            jobs += hash_mapped(root, mapped, watch, finish)
    if len(jobs) == 1 and workers > 1:
        index, job = jobs[0]
        finish(index, *_attempt(lambda: hash_streamed(root, job, watch)))
    elif jobs:
        _run_threads(root, jobs, min(workers, len(jobs)), watch, finish)


def _is_mapped(job: FileJob) -> bool:
    """Return whether mapping a file is the quickest way to hash it."""
    return (
        set(job.algorithms) == {"blake3"}
        and (job.size or 0) >= MAPPED_FILE_BYTES
        and not job.consumers
    )


def _is_cached(
    root: Folder,
    item: tuple[int, FileJob],
    cache: Cache,
    watch: Watch,
    place: Callable[[int, Outcome], None],
) -> bool:
    """Return whether the cache knows an open file, and then hand its digests on."""
    index, job = item
    if watch.check():
        return False
    try:
        with open_job(root, job) as (_, info):
            digests = cache.lookup(info, job.algorithms)
    except ProvenanceError:
        return False  # whoever reads it says why
    if digests is None:
        return False
    watch.done(info.st_size)
    place(index, FileDigest(info.st_size, digests, info.st_nlink))
    return True


def _attempt(
    read: Callable[[], tuple[FileDigest, os.stat_result]],
) -> tuple[Outcome, os.stat_result | None]:
    """Read a file; what is wrong with it is a result."""
    try:
        return read()
    except ProvenanceError as error:
        return error, None


class _Tally:
    """What a thread has read since it last said so: each word of it costs the others time."""

    def __init__(self, messages: SimpleQueue[Message]) -> None:
        self._messages = messages
        self._count = 0

    def add(self, count: int) -> None:
        self._count += count
        if self._count >= _TOLD_BYTES:
            self.flush()

    def flush(self) -> None:
        if self._count:
            self._messages.put(self._count)
            self._count = 0


def _run_threads(
    root: Folder,
    jobs: Sequence[tuple[int, FileJob]],
    workers: int,
    watch: Watch,
    finish: Callable[[int, Outcome, os.stat_result | None], None],
) -> None:
    """Hash files in threads, the largest first; everything of the caller's is called here."""
    pending = iter(sorted(jobs, key=lambda item: -(item[1].size or 0)))
    lock = Lock()
    messages: SimpleQueue[Message] = SimpleQueue()

    def work() -> None:
        try:
            while not watch.reason:
                with lock:
                    item = next(pending, None)
                if item is None:
                    break
                index, job = item
                done = _Tally(messages)
                read = _attempt(lambda job=job, done=done: hash_plain(root, job, watch, done.add))  # type: ignore[misc]  # bound now
                done.flush()
                messages.put((index, *read))
        except BaseException as error:  # noqa: BLE001 - raised again in the thread of the caller
            messages.put(error)
        messages.put(None)

    threads = [
        Thread(target=work, name=f"provenance-reader-{number}", daemon=True)
        for number in range(workers)
    ]
    try:
        for thread in threads:
            thread.start()
        _listen(messages, workers, watch, finish)
    except BaseException:
        watch.reason = watch.reason or "cancelled"
        raise
    finally:
        for thread in threads:
            if thread.ident is not None:
                thread.join()


def _listen(
    messages: SimpleQueue[Message],
    working: int,
    watch: Watch,
    finish: Callable[[int, Outcome, os.stat_result | None], None],
) -> None:
    """Take in what the threads have to say until all of them have ended."""
    while working:
        watch.check()
        try:
            message = messages.get(timeout=_PATIENCE)
        except Empty:
            continue
        if message is None:
            working -= 1
        elif isinstance(message, int):
            watch.done(message)
        elif isinstance(message, BaseException):
            raise message
        else:
            finish(*message)
