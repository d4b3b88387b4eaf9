"""One large file at the speed of several threads: a reader, and a hasher that follows it.

Source: `spec/digests.md`, section "Reading files".
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Final

from blake3 import blake3

from provenance.digest.algorithms import DigestSet, Hasher, new_hasher
from provenance.digest.files import (
    CHUNK_BYTES,
    SHARED_CHUNK_BYTES,
    FileDigest,
    check_size,
    check_unchanged,
    file_changed,
    read_chunks,
    read_into,
)
from provenance.digest.opening import open_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from provenance.digest.engine.jobs import Consumer, FileJob, Watch
    from provenance.digest.opening import Folder

__all__ = ["advise_sequential", "hash_plain", "hash_streamed", "open_job"]

# Number and size of the buffers between reader and hasher: for BLAKE3 alone, whose own threads
# want long pieces, and otherwise, where pieces must stay in the cache of a core.
_LONG_BUFFERS: Final = (3, 4 * 1024 * 1024)
_SHORT_BUFFERS: Final = (6, 256 * 1024)


@contextmanager
def open_job(root: Folder | None, job: FileJob) -> Iterator[tuple[int, os.stat_result]]:
    """Open the file of a job, tell its consumers, and give its descriptor and state.

    Raises:
        InputError: As `open_regular` does.
        DigestError: It has another size than the job says, no safe name, or a consumer refuses it.
    """
    with open_regular(job.path, root=root) as descriptor:
        info = os.fstat(descriptor)
        check_size(info, job.size, path=job.path)
        for consumer in job.consumers:
            consumer.begin(info.st_size)
        yield descriptor, info


def hash_plain(
    root: Folder | None, job: FileJob, watch: Watch, tell: Callable[[int], None]
) -> tuple[FileDigest, os.stat_result]:
    """Hash a file in this thread alone, and return the digests and the state of the file.

    Args:
        root: The folder; without one, the job names a path of the caller's.
        job: The file.
        watch: Whose `reason` stops the reading.
        tell: Called with the number of bytes after each chunk.

    Raises:
        DigestError: As `hash_file` does.
        InputError: As `hash_file` does, and if work must stop.
    """
    hashers = {algorithm: new_hasher(algorithm) for algorithm in job.algorithms}
    with open_job(root, job) as (descriptor, info):
        advise_sequential(descriptor)
        takers: tuple[Hasher | Consumer, ...] = (*hashers.values(), *job.consumers)
        length = CHUNK_BYTES if len(takers) == 1 else SHARED_CHUNK_BYTES
        for chunk in read_chunks(descriptor, info.st_size, path=job.path, chunk_bytes=length):
            if watch.reason:
                raise watch.error(job.path)
            for taker in takers:
                taker.update(chunk)
            tell(len(chunk))
        check_unchanged(descriptor, info, path=job.path)
    return _result(info, hashers), info


def hash_streamed(
    root: Folder | None, job: FileJob, watch: Watch
) -> tuple[FileDigest, os.stat_result]:
    """Do what `hash_plain` does, with a second thread; in the thread of the caller.

    Raises:
        DigestError: As `hash_plain`.
        InputError: As `hash_plain`.
    """
    hashers = {algorithm: new_hasher(algorithm) for algorithm in job.algorithms}
    buffers = _SHORT_BUFFERS
    if set(hashers) == {"blake3"} and not job.consumers:
        hashers = {"blake3": blake3(max_threads=blake3.AUTO)}
        buffers = _LONG_BUFFERS
    mine, theirs = _divide(hashers, job.consumers)
    with open_job(root, job) as (descriptor, info):
        advise_sequential(descriptor)
        with _follower(theirs, *buffers) as (free, full):
            remaining = info.st_size
            while remaining:
                if watch.check():
                    raise watch.error(job.path)
                buffer = free.get()
                count = read_into(descriptor, buffer[:remaining], job.path)
                if not count:
                    raise file_changed(job.path)
                full.put(buffer[:count])
                for taker in mine:
                    taker.update(buffer[:count])
                remaining -= count
                watch.done(count)
        check_unchanged(descriptor, info, path=job.path)
    return _result(info, hashers), info


def advise_sequential(descriptor: int) -> None:
    """Tell the kernel, where it listens, that a file is read from its beginning to its end."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_SEQUENTIAL)


def _divide(
    hashers: dict[str, Hasher], consumers: Sequence[Consumer]
) -> tuple[list[Hasher | Consumer], list[Hasher | Consumer]]:
    """Return what the thread that reads feeds, and what the other one does: the slower half."""
    slow = [hasher for name, hasher in hashers.items() if name != "blake3"]
    quick = [hasher for name, hasher in hashers.items() if name == "blake3"]
    if slow:
        return [*quick, *consumers], [*slow]
    return [*consumers], [*quick]


@contextmanager
def _follower(
    takers: Sequence[Hasher | Consumer], number: int, size: int
) -> Iterator[tuple[SimpleQueue[memoryview], SimpleQueue[memoryview | None]]]:
    """Run a thread that hashes what is put into the second queue; buffers come from the first."""
    free: SimpleQueue[memoryview] = SimpleQueue()
    full: SimpleQueue[memoryview | None] = SimpleQueue()
    whole = [memoryview(bytearray(size)) for _ in range(number)]
    failures: list[BaseException] = []

    def follow() -> None:
        turn = 0
        while (piece := full.get()) is not None:
            try:
                for taker in takers:
                    taker.update(piece)
            except BaseException as error:  # noqa: BLE001 - raised again below, in the other thread
                failures.append(error)
            # Buffers come back in the order in which they went.
            free.put(whole[turn % number])
            turn += 1

    for buffer in whole:
        free.put(buffer)
    thread = Thread(target=follow, name="provenance-hasher", daemon=True)
    thread.start()
    try:
        yield free, full
    finally:
        full.put(None)
        thread.join()
    if failures:
        raise failures[0]


def _result(info: os.stat_result, hashers: dict[str, Hasher]) -> FileDigest:
    digests = {algorithm: hasher.hexdigest() for algorithm, hasher in sorted(hashers.items())}
    return FileDigest(info.st_size, DigestSet.computed(digests), info.st_nlink)
