"""Large files hashed by mapping, in one process that may die of it.

The child gets descriptors that were opened and checked here, never names. A file that changes is
found by `fstat` before and after; a file whose mapping kills the child is read instead, once.
Source: `spec/digests.md`, section "Reading files".
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING

from provenance.digest.algorithms import DigestSet
from provenance.digest.engine.mapper import FILE, SLICE, SLICE_BYTES
from provenance.digest.engine.processes import receive, start_bare
from provenance.digest.engine.stream import advise_sequential, open_job
from provenance.digest.files import FileDigest, file_changed, is_unchanged
from provenance.errors import ProvenanceError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from provenance.digest.engine.jobs import FileJob, Watch
    from provenance.digest.opening import Folder

    Opened = tuple[int, FileJob, int, os.stat_result]

__all__ = ["hash_mapped"]

# Files that one process gets.
_FILES = 64

_DIGEST_BYTES = 32

# Seconds that pass at most between two looks at the clock.
_PATIENCE = 0.05


def hash_mapped(
    root: Folder,
    jobs: Sequence[tuple[int, FileJob]],
    watch: Watch,
    finish: Callable[[int, FileDigest | ProvenanceError, os.stat_result | None], None],
) -> list[tuple[int, FileJob]]:
    """Hash files by BLAKE3 in an expendable process; return those that must be read instead.

    Args:
        root: The folder.
        jobs: Number and job of each file; each wants BLAKE3 alone.
        watch: What this work is under.
        finish: Called with number, result and state of each file that is done.
    """
    left: list[tuple[int, FileJob]] = []
    for start in range(0, len(jobs), _FILES):
        with ExitStack() as stack:
            opened: list[Opened] = []
            for index, job in jobs[start : start + _FILES]:
                try:
                    descriptor, info = stack.enter_context(open_job(root, job))
                except ProvenanceError as error:
                    finish(index, error, None)
                    continue
                advise_sequential(descriptor)
                opened.append((index, job, descriptor, info))
            while opened and not watch.check():
                done = _run_child(opened, watch, finish)
                opened = opened[done:]
                if opened and not watch.reason:  # the child died of this one
                    left.extend(_bury(opened.pop(0), finish))
    return left


def _run_child(
    opened: Sequence[Opened],
    watch: Watch,
    finish: Callable[[int, FileDigest | ProvenanceError, os.stat_result | None], None],
) -> int:
    """Run one child over open files, as far as it comes; return how many it has done."""
    numbers = [number for _, _, descriptor, info in opened for number in (descriptor, info.st_size)]
    done = told = 0
    data = b""
    with start_bare(FILE, "map_files", numbers, numbers[::2]) as process:
        while process is not None and done < len(opened) and not watch.check():
            more = receive(process, _PATIENCE)
            if more == b"":
                break
            data += more or b""
            while data and done < len(opened):
                index, _, _, info = opened[done]
                if data.startswith(SLICE):
                    step = min(SLICE_BYTES, info.st_size - told)
                    told += step
                    watch.done(step)
                    data = data[1:]
                elif len(data) > _DIGEST_BYTES:
                    digest, data = data[1 : 1 + _DIGEST_BYTES], data[1 + _DIGEST_BYTES :]
                    finish(index, *_outcome(opened[done], digest))
                    done, told = done + 1, 0
                else:
                    break
    watch.repeat(told)
    return done


def _outcome(
    opened: Opened, digest: bytes
) -> tuple[FileDigest | ProvenanceError, os.stat_result | None]:
    _, job, descriptor, before = opened
    if not is_unchanged(before, os.fstat(descriptor)):
        return file_changed(job.path), None
    digests = DigestSet.computed({"blake3": digest.hex()})
    return FileDigest(before.st_size, digests, before.st_nlink), before


def _bury(
    opened: Opened,
    finish: Callable[[int, FileDigest | ProvenanceError, os.stat_result | None], None],
) -> list[tuple[int, FileJob]]:
    """Return the file to read again, or report that it changed, which is what kills a child."""
    index, job, descriptor, before = opened
    if is_unchanged(before, os.fstat(descriptor)):
        return [(index, job)]
    finish(index, file_changed(job.path), None)
    return []
