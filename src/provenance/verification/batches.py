"""How a verification hashes many files at once: one road, for every source."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct

from provenance.digest import MIN_CACHED_BYTES, DigestCache, FileDigest, hash_files, open_regular
from provenance.errors import ProvenanceError
from provenance.verification.options import Progress

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provenance.digest import FileJob, Folder

__all__ = ["Reading"]


class Reading(Struct, frozen=True, kw_only=True):
    """How files are read, the same for all of one verification."""

    progress: Progress | None = None
    """Whom to tell how far it is."""

    deadline: float | None = None
    """Time of `time.monotonic` after which no more bytes are read."""

    cancelled: Callable[[], bool] | None = None
    """Asked again and again; once it says true, no more bytes are read."""

    workers: int | None = None
    """How many threads or processes read at once; `None` for what suits the machine."""

    cache: DigestCache | None = None
    """Where digests of unchanged files are known from; `None` reads every file."""

    def hash(
        self, root: Folder, jobs: Sequence[FileJob], *, looked: bool = False
    ) -> list[FileDigest | ProvenanceError]:
        """Return the digests of files below a folder, or why there are none, in their order.

        Args:
            root: The folder.
            jobs: The files.
            looked: A walk has just seen that all of them are regular files.
        """
        known = self._known(root, jobs)
        unknown = [job for job in jobs if job.path not in known]
        made = hash_files(
            root,
            unknown,
            workers=self.workers,
            progress=self.progress,
            deadline=self.deadline,
            cancelled=self.cancelled,
            cache=None if self.cache is None else _Remembering(self.cache),
            # A file that is cut short while it is mapped ends a process; it must not be ours.
            in_child=True,
            looked=looked,
        )
        known.update(zip((job.path for job in unknown), made, strict=True))
        return [known[job.path] for job in jobs]

    def _known(
        self, root: Folder, jobs: Sequence[FileJob]
    ) -> dict[str, FileDigest | ProvenanceError]:
        """Return by path what the cache knows of files that are as large as they must be."""
        found: dict[str, FileDigest | ProvenanceError] = {}
        for job in jobs if self.cache is not None else ():
            if self.cache is None or job.size is None or job.size < MIN_CACHED_BYTES:
                continue
            try:
                with open_regular(job.path, root=root) as descriptor:
                    info = os.fstat(descriptor)
            except ProvenanceError:
                continue  # reading it will say why
            digest = self.cache.lookup(info, job.algorithms)
            if digest is not None and info.st_size == job.size:
                found[job.path] = FileDigest(info.st_size, digest, info.st_nlink)
                if self.progress is not None:
                    self.progress(info.st_size)
        return found


class _Remembering:
    """A cache that is only told: what is read is read, and the report can say so of each file."""

    def __init__(self, cache: DigestCache) -> None:
        self._cache = cache

    def lookup(self, _info: os.stat_result, _algorithms: Sequence[str]) -> None:
        """Know nothing; the cache itself was asked before."""

    def store(self, info: os.stat_result, digests: Mapping[str, str]) -> None:
        """Tell the cache."""
        self._cache.store(info, digests)
