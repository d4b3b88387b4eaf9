"""Reading many files: what went wrong is collected, not raised."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from provenance.checks import Observed
from provenance.digest import COUNTED, HEX_LENGTHS, CachedDigests, FileJob, printable_name
from provenance.errors import ProvenanceError
from provenance.findings import CODES, Finding
from provenance.verification.batches import Reading

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from provenance.digest import BlockDigests, DigestCache, TypedRoot
    from provenance.verification.options import Options
    from provenance.verification.part_hashers import PartHashers
    from provenance.verification.sources import Source

__all__ = ["Reader", "wanted_algorithms"]

# Why nothing more is read, by code: it is said once, not of every file that was left unread.
_STOPS = {"deadline": "the time allowed ran out", "cancelled": "the caller cancelled"}


class Reader:
    """Reads from one source for one verification, and remembers what it could not read."""

    def __init__(self, source: Source, options: Options, cache: DigestCache | None = None) -> None:
        """Begin with nothing read."""
        self._source = source
        self._options = options
        self._reading = Reading(
            progress=options.progress,
            deadline=options.deadline,
            cancelled=options.cancelled,
            workers=options.workers,
            cache=cache,
        )
        self.all_digests = options.policy.all_digests
        self.policy = options.policy
        self.now = options.now
        self.parts: PartHashers | None = None
        self.faults: list[Finding] = []
        self.faulty: set[str] = set()
        self.algorithms: set[str] = set()

    def hash(self, name: str, size: int, *digests: Mapping[str, str]) -> Observed:
        """Return what a file of the signed size hashes to; without digests if it cannot be read."""
        return self.hash_many([self.job(name, size, *digests)])[name]

    def job(self, name: str, size: int, *digests: Mapping[str, str]) -> FileJob:
        """Return what to hash.

        Args:
            name: The file, relative to the release.
            size: The signed size, which the file was found with.
            digests: The signed digests, of each thing that refers to the file; by which algorithms
                to hash.
        """
        consumers = () if self.parts is None else self.parts.consumers(name, size)
        return FileJob(name, size, self.wanted(*digests), consumers)

    def hash_many(self, jobs: Sequence[FileJob]) -> dict[str, Observed]:
        """Return what files hash to, by name; without digests those that cannot be read."""
        found = {job.path: Observed(job.size) for job in jobs}
        wanted = [job for job in jobs if job.algorithms and not self.is_late(job.path)]
        results = self._source.hash_many(wanted, self._reading) if wanted else []
        for job, made in zip(wanted, results, strict=True):
            if isinstance(made, ProvenanceError):
                self.note(job.path, made)
                continue
            is_cached = isinstance(made.digest, CachedDigests)
            found[job.path] = Observed(
                made.size, made.digest, made.links, read=not is_cached, cached=is_cached
            )
            if not is_cached:
                self.algorithms.update(job.algorithms)
        return found

    def wanted(self, *digests: Mapping[str, str]) -> tuple[str, ...]:
        """Return the algorithms to hash a file by, so that each of these digests is compared."""
        each = (wanted_algorithms(digest, all_digests=self.all_digests) for digest in digests)
        wanted = dict.fromkeys(name for names in each for name in names)
        if wanted and self.policy.needs_sha256:
            wanted["sha256"] = None
        return tuple(wanted)

    def read(self, name: str, *, max_bytes: int) -> bytes | None:
        """Return the bytes of a file; `None` if it cannot be read, is too large, or time is up."""
        if self.is_late(name):
            return None
        try:
            data = self._source.read(name, max_bytes=max_bytes)
        except ProvenanceError as error:
            self.note(name, error)
            return None
        if self._options.progress is not None:
            self._options.progress(len(data))
        return data

    def tensors(self, names: Collection[str]) -> TypedRoot | None:
        """Return the tensor digest of files; `None` if they cannot be read or break the format."""
        if self.parts is not None and (root := self.parts.tensors(names)) is not None:
            return root
        try:
            return self._source.hash_tensors(names, deadline=self._options.deadline)
        except ProvenanceError as error:
            self.note(error.path, error)
            return None

    def blocks(self, name: str, size: int, block_size: int) -> BlockDigests | None:
        """Return the digests of a file's blocks; `None` if it cannot be read, or time is up."""
        if self.parts is not None and (made := self.parts.blocks(name, size, block_size)):
            return made
        if self.is_late(name):
            return None
        try:
            return self._source.hash_blocks(
                name, block_size, expected_size=size, deadline=self._options.deadline
            )
        except ProvenanceError as error:
            if error.code != "blocks-malformed":  # step 13 says that
                self.note(name, error)
            return None

    def note(self, name: str, error: ProvenanceError) -> None:
        """Remember that a file could not be read, and why."""
        # A size that is another one now than during the walk: something writes to the folder.
        code = "file-changed" if error.code == "size-mismatch" else error.code
        self.faulty.add(printable_name(name))
        if code in _STOPS:
            self._stop(name, code)
        else:
            known = code if code in CODES else "file-unreadable"
            self.faults.append(Finding(known, printable_name(name), error.problem))

    def is_late(self, name: str) -> bool:
        """Return whether nothing more is read, and remember what was left unread for that."""
        code = self._reason()
        if not code:
            return False
        self.faulty.add(printable_name(name))
        self._stop(name, code)
        return True

    def _reason(self) -> str:
        deadline, cancelled = self._options.deadline, self._options.cancelled
        if deadline is not None and time.monotonic() > deadline:
            return "deadline"
        return "cancelled" if cancelled is not None and cancelled() else ""

    def _stop(self, name: str, code: str) -> None:
        """Say once that nothing more is read; what was left out is among the faulty."""
        if not any(fault.code in _STOPS for fault in self.faults):
            message = f"{_STOPS[code]} before this and what follows was read"
            self.faults.append(Finding(code, printable_name(name), message))


def wanted_algorithms(digest: Mapping[str, str], *, all_digests: bool) -> tuple[str, ...]:
    """Return the algorithms to hash by: one that counts, BLAKE3 before SHA-256; or all we can."""
    if all_digests:
        return tuple(name for name in digest if name in HEX_LENGTHS and not name.startswith("git"))
    return tuple(name for name in COUNTED if name in digest)[:1]
