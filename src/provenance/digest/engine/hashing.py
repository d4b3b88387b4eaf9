"""Many files below one root, each by the road that suits its size.

Source: `spec/digests.md`, section "Reading files".
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, TypeVar

from provenance.digest.algorithms import DigestSet
from provenance.digest.engine.jobs import SMALL_BYTES, Watch
from provenance.digest.engine.large import hash_large
from provenance.digest.engine.small import MASKS, hash_small
from provenance.digest.engine.stream import hash_plain
from provenance.digest.engine.worker import AGAIN, DIGEST_BYTES, DONE, LARGE, STOPPED, UNREADABLE
from provenance.digest.files import FileDigest, file_changed
from provenance.digest.names import check_name
from provenance.digest.opening import unreadable
from provenance.errors import DigestError, ProvenanceError, UsageError, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from provenance.digest.engine.jobs import Cache, FileJob
    from provenance.digest.engine.pool import Pool
    from provenance.digest.engine.small import Status
    from provenance.digest.opening import Folder

__all__ = ["CACHED_BYTES", "count_workers", "hash_files", "run_jobs"]

#: Smallest file that a cache is asked about; a smaller one is hashed as quickly.
CACHED_BYTES: Final = 64 * 1024

# More processes than this only wait for each other.
_MOST_WORKERS = 32

_HAS_LOOP: Final = hasattr(os, "readv") and os.open in os.supports_dir_fd

Result = TypeVar("Result")


def hash_files(
    root: Folder,
    jobs: Sequence[FileJob],
    *,
    workers: int | None = None,
    progress: Callable[[int], None] | None = None,
    deadline: float | None = None,
    cancelled: Callable[[], bool] | None = None,
    cache: Cache | None = None,
    in_child: bool = False,
    looked: bool = False,
) -> list[FileDigest | ProvenanceError]:
    """Hash many files below a folder; a file that fails does not stop the others.

    What comes back does not depend on how many workers there are. Small files are read in one loop,
    in bare worker processes too if they are many; large ones in threads.

    Args:
        root: The folder, from `open_folder`; no link is followed below it.
        jobs: The files, best sorted by name.
        workers: How many processors to use; by default, all that this process may.
        progress: Called with numbers of bytes as they are done, in this thread.
        deadline: Time of `time.monotonic` after which nothing is read.
        cancelled: Asked now and then, in this thread, whether to stop.
        cache: Digests of files that have not changed, for files of `CACHED_BYTES` and more.
        in_child: Map large files, where only BLAKE3 is wanted, in a process that may die. Faster
            than reading them, and the memory of this process stays out of it.
        looked: `walk_tree` has just seen that all of these are regular files, so that they need
            not be looked at again before they are opened.

    Returns:
        For each job in order its digests, or the error that `hash_file` would have raised: code
        `file-changed`, `size-mismatch`, `link-found`, `special-file`, `file-type`,
        `file-unreadable`, `name-unsafe`, `digest-algorithm`, `deadline` or `cancelled`.

    Raises:
        UsageError: `workers` is below 1.
    """

    def make(_: int, size: int, links: int, digests: Mapping[str, str]) -> FileDigest:
        # A cache answers with a set of its own kind, by which it is told apart.
        kept = digests if isinstance(digests, DigestSet) else DigestSet.computed(digests)
        return FileDigest(size, kept, links)

    faults: dict[int, ProvenanceError] = {}
    for index, job in enumerate(jobs):
        try:
            check_name(job.path)
        except DigestError as error:
            faults[index] = error
    watch = Watch(progress, deadline, cancelled)
    sound = [item for item in enumerate(jobs) if item[0] not in faults] if faults else None
    results = run_jobs(
        root,
        list(enumerate(jobs)) if sound is None else sound,
        make,
        watch,
        workers=workers,
        cache=cache,
        in_child=in_child,
        looked=looked,
    )
    return [faults[index] if index in faults else results[index] for index in range(len(jobs))]


def run_jobs(
    root: Folder,
    jobs: Sequence[tuple[int, FileJob]],
    make: Callable[[int, int, int, Mapping[str, str]], Result],
    watch: Watch,
    *,
    workers: int | None = None,
    cache: Cache | None = None,
    in_child: bool = False,
    looked: bool = False,
    pool: Pool | None = None,
) -> dict[int, Result | ProvenanceError]:
    """Hash files whose names are checked; return by number what `make` makes, or the error.

    Args:
        root: The folder.
        jobs: Number and job of each file.
        make: Called with number, size, links and digests (sorted by algorithm) of each file.
        watch: Progress, deadline and cancellation.
        workers: As `hash_files` takes it; so are the others.
        cache: As above.
        in_child: As above.
        looked: As above.
        pool: Processes that wait for small files already; the caller ends them.

    Raises:
        UsageError: `workers` is below 1.
    """
    count = count_workers(workers)
    results: dict[int, Result | ProvenanceError] = {}
    paths = dict(jobs)
    large: list[tuple[int, FileJob]] = []
    again: list[tuple[int, FileJob]] = []

    def place(index: int, status: Status) -> None:
        kind, size, links, data = status
        if kind == DONE:
            digests = _named(data, paths[index].algorithms)
            results[index] = make(index, size, links, digests)
        elif kind in {AGAIN, LARGE}:
            (again if kind == AGAIN else large).append((index, paths[index]))
        elif kind != STOPPED:
            results[index] = _fault(paths[index].path, kind, size)

    def place_whole(index: int, outcome: FileDigest | ProvenanceError) -> None:
        if isinstance(outcome, FileDigest):
            results[index] = make(index, outcome.size, outcome.links, outcome.digest)
        else:
            results[index] = outcome

    small = _sort_out(root, jobs, large, again, with_cache=cache is not None)
    if small:
        hash_small(root, small, workers=count, looked=looked, watch=watch, place=place, pool=pool)
    _hash_again(root, again, watch, place_whole)
    hash_large(
        root, large, workers=count, in_child=in_child, cache=cache, watch=watch, place=place_whole
    )
    if len(results) < len(paths):
        watch.reason = watch.reason or "cancelled"
        for index, job in paths.items():
            results.setdefault(index, watch.error(job.path))
    return results


def _sort_out(
    root: Folder,
    jobs: Sequence[tuple[int, FileJob]],
    large: list[tuple[int, FileJob]],
    again: list[tuple[int, FileJob]],
    *,
    with_cache: bool,
) -> list[tuple[int, FileJob]]:
    """Return what the loop can hash, and put the rest into the other two lists."""
    small = []
    has_loop = _HAS_LOOP and root.descriptor is not None
    for item in jobs:
        job = item[1]
        size = job.size or 0
        if job.consumers or size > SMALL_BYTES or (with_cache and size >= CACHED_BYTES):
            large.append(item)
        elif has_loop and job.algorithms in MASKS:
            small.append(item)
        else:
            again.append(item)
    return small


def _hash_again(
    root: Folder,
    jobs: Sequence[tuple[int, FileJob]],
    watch: Watch,
    place: Callable[[int, FileDigest | ProvenanceError], None],
) -> None:
    """Hash files one by one as `hash_file` does: whatever the loop did not open or cannot hash."""

    def tell(count: int) -> None:
        watch.done(count)
        watch.check()

    for index, job in jobs:
        if watch.check():
            return
        try:
            place(index, hash_plain(root, job, watch, tell)[0])
        except ProvenanceError as error:
            place(index, error)


def _named(data: bytes, algorithms: Sequence[str]) -> dict[str, str]:
    """Return digests by algorithm, of which the loop has computed the counted ones in order."""
    if len(data) == DIGEST_BYTES:
        return {algorithms[0]: data.hex()}
    text = data.hex()
    return {
        "blake3": text[: 2 * DIGEST_BYTES],
        "sha256": text[2 * DIGEST_BYTES :],
    }


def _fault(path: str, kind: int, number: int) -> ProvenanceError:
    if kind == UNREADABLE:
        return unreadable(path, OSError(number, os.strerror(number)))
    return file_changed(path)


def count_workers(workers: int | None) -> int:
    """Return how many processors to use; `None` for all that this process may.

    Raises:
        UsageError: It is below 1.
    """
    if workers is not None:
        if workers < 1:
            raise UsageError(problem=f"workers must be 1 or more, found {shown(workers)}")
        return min(workers, _MOST_WORKERS)
    if hasattr(os, "sched_getaffinity"):
        return min(len(os.sched_getaffinity(0)), _MOST_WORKERS)
    return min(os.cpu_count() or 1, _MOST_WORKERS)
