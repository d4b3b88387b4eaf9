"""Small files: hashed in one loop, here or in worker processes, and their statuses in words.

Source: `spec/digests.md`, section "Reading files".
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from provenance.digest.engine.jobs import POOL_FILES, SMALL_BYTES
from provenance.digest.engine.pool import Pool
from provenance.digest.engine.processes import HAS_PROCESSES
from provenance.digest.engine.worker import (
    ANY_SIZE,
    BLAKE3,
    DONE,
    SHA256,
    STOPPED,
    SmallFiles,
    pack_names,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from provenance.digest.engine.jobs import FileJob, Watch
    from provenance.digest.opening import Folder

__all__ = ["MASKS", "Status", "hash_small", "start_pool"]

#: Status, size or error number, links, digests.
Status = tuple[int, int, int, bytes]

#: Algorithms that the loop computes, and their bits.
MASKS: Final[Mapping[tuple[str, ...], int]] = MappingProxyType(
    {
        ("blake3",): BLAKE3,
        ("sha256",): SHA256,
        ("blake3", "sha256"): BLAKE3 | SHA256,
        ("sha256", "blake3"): BLAKE3 | SHA256,
    }
)

# Files of one list; more where there are so many lists that their tasks might not fit a pipe,
# which holds one page of 4 KiB where a system is short of them.
_LIST_FILES = 256
_LISTS = 250

# Files opened ahead; of the descriptors that a process may have, a quarter at most.
_AHEAD = 128


def hash_small(
    root: Folder,
    jobs: Sequence[tuple[int, FileJob]],
    *,
    workers: int,
    looked: bool,
    watch: Watch,
    place: Callable[[int, Status], None],
    pool: Pool | None = None,
) -> None:
    """Hash files whose algorithms are in `MASKS` and hand the status of each to `place`.

    Args:
        root: The folder; it has a descriptor.
        jobs: Number and job of each file.
        workers: Processes that may work, this one among them.
        looked: Somebody has just seen that these are regular files.
        watch: What this work is under.
        place: Called with the number of each file and its status, in no order.
        pool: Processes that were started before it was known how many files there are.
    """
    # By algorithms first, so that there are no more lists than there must be.
    lists = _cut(sorted(jobs, key=lambda item: item[1].algorithms))
    loop = _open_loop(root, watch)

    def names_of(number: int) -> tuple[list[str], list[int], int]:
        part = lists[number]
        names = [job.path for _, job in part]
        sizes = [ANY_SIZE if job.size is None else job.size for _, job in part]
        return names, sizes, MASKS[part[0][1].algorithms]

    def take(number: int, statuses: Sequence[Status]) -> None:
        done = 0
        for (index, _), status in zip(lists[number], statuses, strict=True):
            place(index, status)
            if status[0] == DONE:
                done += status[1]
        watch.done(done)

    def hash_here(number: int) -> None:
        names, sizes, mask = names_of(number)
        if watch.check():
            take(number, [(STOPPED, 0, 0, b"")] * len(names))
        else:
            take(number, loop.hash(names, sizes, mask, look=not looked))

    missing = list(range(len(lists)))
    if pool is None and len(jobs) >= POOL_FILES:
        pool = start_pool(root, workers)
    if pool is not None and missing:
        packed = (pack_names(*names_of(number), look=not looked) for number in missing)
        shapes = [(len(part), MASKS[part[0][1].algorithms]) for part in lists]
        with pool:
            missing = pool.run(packed, shapes, watch=watch, hash_here=hash_here, take=take)
    for number in missing:
        hash_here(number)


def _open_loop(root: Folder, watch: Watch) -> SmallFiles:
    if root.descriptor is None:
        raise AssertionError("only folders with descriptors come here")
    return SmallFiles(root.descriptor, SMALL_BYTES, _ahead(), stop=watch.check)


def start_pool(root: Folder, workers: int) -> Pool | None:
    """Start the processes that help with small files, or return `None` where none would.

    Args:
        root: The folder.
        workers: Processes that may work, this one among them.
    """
    if workers < 2 or not HAS_PROCESSES or root.descriptor is None:  # noqa: PLR2004 - this and another
        return None
    return Pool(root.descriptor, workers - 1, (SMALL_BYTES, _ahead()))


def _cut(jobs: Sequence[tuple[int, FileJob]]) -> list[Sequence[tuple[int, FileJob]]]:
    """Cut jobs into lists of bounded length, each with the same algorithms throughout."""
    length = max(_LIST_FILES, -(-len(jobs) // _LISTS))
    lists = []
    start = 0
    for position in range(1, len(jobs) + 1):
        if (
            position == len(jobs)
            or position - start == length
            or jobs[position][1].algorithms != jobs[start][1].algorithms
        ):
            lists.append(jobs[start:position])
            start = position
    return lists


def _ahead() -> int:
    """Return how many files may be open ahead of the one that is read."""
    try:
        import resource  # noqa: PLC0415 - not on every system

        allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    except (ImportError, OSError):
        return 0
    return _AHEAD if allowed < 0 else min(_AHEAD, allowed // 4)
