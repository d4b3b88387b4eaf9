"""Trees of files: the inventory of all that lies below a folder.

Source: `spec/digests.md`, sections "Walking a tree" and "Reading files".
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from provenance.digest.algorithms import COUNTED
from provenance.digest.cache import DigestCache
from provenance.digest.cache_places import check_outside
from provenance.digest.engine.hashing import count_workers, run_jobs
from provenance.digest.engine.jobs import POOL_FILES, FileJob, Watch
from provenance.digest.engine.small import start_pool
from provenance.digest.executing import hash_on_executor
from provenance.digest.inventory import Inventory, InventoryDigest, InventoryEntry
from provenance.digest.opening import open_folder
from provenance.digest.walking import Walk, walk_tree
from provenance.errors import DigestError, InputError, ProvenanceError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection, Mapping, Sequence
    from concurrent.futures import Executor

    from provenance.digest.engine.jobs import Cache, Consumer
    from provenance.digest.engine.pool import Pool
    from provenance.digest.walking import TreeFault

__all__ = ["hash_here", "hash_tree"]


def hash_tree(
    root: str | os.PathLike[str],
    *,
    algorithms: Sequence[str] = COUNTED,
    skip: Collection[str] = (),
    progress: Callable[[int], None] | None = None,
    deadline: float | None = None,
    executor: Executor | None = None,
    workers: int | None = None,
    cancelled: Callable[[], bool] | None = None,
    cache: Cache | None = None,
) -> Inventory:
    """Read every file below a folder once and return the inventory.

    Args:
        root: The folder.
        algorithms: `blake3`, and `sha256` if wanted.
        skip: Names directly below the root that are left out.
        progress: Called with numbers of bytes as they are done.
        deadline: Time of `time.monotonic` after which reading stops.
        executor: Where to hash batches of files, threads or processes; the result does not depend
            on it. Without one they are hashed here.
        workers: How many processors to use without an executor; by default, all that this process
            may. The result does not depend on it.
        cancelled: Asked now and then whether to stop.
        cache: Digests of files that have not changed since it was told (`open_cache`); asked for
            files of 64 KiB and more, as smaller ones are hashed as quickly, and not with an
            executor.

    Raises:
        DigestError: The tree holds something that no tree may hold (code of the fault), or the
            algorithms are not those of an inventory (`digest-algorithm`).
        InputError: Something could not be read or changed while it was read, or work was stopped
            (`deadline`, `cancelled`).
        UsageError: `workers` is below 1, or the cache lies below the root.
    """
    if isinstance(cache, DigestCache):
        check_outside(cache.path, root, skip=skip)
    if "blake3" not in algorithms or not set(algorithms) <= set(COUNTED):
        raise DigestError(
            problem=f"an inventory records blake3, and sha256 on request, not {algorithms!r}",
            code="digest-algorithm",
        )
    if executor is not None:
        found = walk_tree(root, skip=skip)
        _require_no_faults(found.faults)
        hashed = hash_on_executor(
            executor,
            root,
            found.files,
            algorithms,
            progress=progress,
            deadline=deadline,
            cancelled=cancelled,
        )
        return Inventory(tuple(hashed))
    watch = Watch(progress, deadline, cancelled)
    return hash_here(root, algorithms, watch, skip=skip, workers=workers, cache=cache)


def hash_here(
    root: str | os.PathLike[str],
    algorithms: Sequence[str],
    watch: Watch,
    *,
    skip: Collection[str] = (),
    workers: int | None = None,
    cache: Cache | None = None,
    consumers: Callable[[str, int], tuple[Consumer, ...]] | None = None,
) -> Inventory:
    """Do what `hash_tree` does without an executor.

    Args:
        root: As above; so are the others that are not named here.
        algorithms: As above.
        watch: Progress, deadline and cancellation.
        skip: As above.
        workers: As above.
        cache: As above.
        consumers: Called with the name and length of each file; what takes its bytes in the same
            reading.

    Raises:
        DigestError: As above, or a consumer refuses a file.
        InputError: As above.
        UsageError: As above.
    """
    names = tuple(dict.fromkeys(algorithms))
    count = count_workers(workers)
    with ExitStack() as stack:
        folder = stack.enter_context(open_folder(root))
        pool: Pool | None = None

        def start() -> None:
            # They get ready while the rest is found; nothing is read before all of it is.
            nonlocal pool
            pool = start_pool(folder, count)
            if pool is not None:
                stack.enter_context(pool)

        # Each reading finds out the size for itself; asking here would cost more than the walk.
        walk = Walk(frozenset(skip), with_sizes=consumers is not None)
        walk.run(folder, many=POOL_FILES, notice=start if consumers is None else None)
        _require_no_faults(walk.faults)
        files = walk.files
        if consumers is None:
            jobs = [(index, FileJob(path, None, names)) for index, (path, _) in enumerate(files)]
        else:
            jobs = [
                (index, FileJob(path, size, names, consumers(path, size)))
                for index, (path, size) in enumerate(files)
            ]

        def make(index: int, size: int, _: int, digests: Mapping[str, str]) -> InventoryEntry:
            digest = InventoryDigest(digests["blake3"], digests.get("sha256"))
            return InventoryEntry(digest, files[index][0], size)

        results = run_jobs(
            folder, jobs, make, watch, workers=count, cache=cache, looked=True, pool=pool
        )
    # The walk has checked and sorted the names.
    found = [results[index] for index in range(len(jobs))]
    entries = tuple([it if isinstance(it, InventoryEntry) else _require_entry(it) for it in found])
    return Inventory._trusted(entries)  # noqa: SLF001 - made for entries that are checked already


def _require_no_faults(faults: Sequence[TreeFault]) -> None:
    """Raise for the first fault: ours to do the work over, or the tree's."""
    for fault in faults:
        others = f" (and {len(faults) - 1} more faults)" if len(faults) > 1 else ""
        is_ours = fault.code in {"file-unreadable", "file-changed"}
        raise (InputError if is_ours else DigestError)(
            path=fault.path, problem=fault.message + others, code=fault.code
        )


def _require_entry(result: InventoryEntry | ProvenanceError) -> InventoryEntry:
    """Return the entry, or raise what stands in its place."""
    if isinstance(result, InventoryEntry):
        return result
    if result.code != "size-mismatch":
        raise result
    raise InputError(
        path=result.path,
        problem="changed between the walk and the reading of the tree",
        remedy="let nothing write to it, then try again",
        code="file-changed",
    ) from result
