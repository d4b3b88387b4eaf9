"""Reading many files one after the other: what went wrong is collected, not raised."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from provenance.checks import Observed
from provenance.digest import COUNTED, HEX_LENGTHS, printable_name
from provenance.errors import ProvenanceError
from provenance.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from provenance.digest import TypedRoot
    from provenance.verification.options import Options
    from provenance.verification.sources import Source

__all__ = ["Reader", "wanted_algorithms"]


class Reader:
    """Reads from one source for one verification, and remembers what it could not read."""

    def __init__(self, source: Source, options: Options) -> None:
        """Begin with nothing read."""
        self._source = source
        self._options = options
        self.all_digests = options.policy.all_digests
        self.keys = options.policy.keys
        self.faults: list[Finding] = []
        self.faulty: set[str] = set()
        self.algorithms: set[str] = set()

    def hash(self, name: str, size: int, *digests: Mapping[str, str]) -> Observed:
        """Return what a file of the signed size hashes to; without digests if it cannot be read.

        Args:
            name: The file, relative to the release.
            size: The signed size, which the file was found with.
            digests: The signed digests, of each thing that refers to the file; by which algorithms
                to hash.
        """
        algorithms = self.wanted(*digests)
        if not algorithms or self.is_late(name):
            return Observed(size)
        try:
            made = self._source.hash(
                name,
                algorithms=algorithms,
                expected_size=size,
                progress=self._options.progress or _ignore,
                deadline=self._options.deadline,
            )
        except ProvenanceError as error:
            self.note(name, error)
            return Observed(size)
        self.algorithms.update(algorithms)
        return Observed(made.size, made.digest, made.links, read=True)

    def wanted(self, *digests: Mapping[str, str]) -> tuple[str, ...]:
        """Return the algorithms to hash a file by, so that each of these digests is compared."""
        each = (wanted_algorithms(digest, all_digests=self.all_digests) for digest in digests)
        return tuple(dict.fromkeys(name for names in each for name in names))

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
        try:
            return self._source.hash_tensors(names, deadline=self._options.deadline)
        except ProvenanceError as error:
            self.note(error.path, error)
            return None

    def note(self, name: str, error: ProvenanceError) -> None:
        """Remember that a file could not be read, and why."""
        # A size that is another one now than during the walk: something writes to the folder.
        code = "file-changed" if error.code == "size-mismatch" else error.code or "file-unreadable"
        self.faulty.add(printable_name(name))
        self.faults.append(Finding(code, printable_name(name), error.problem))

    def is_late(self, name: str) -> bool:
        """Return whether the time is up, and remember what was left unread for that."""
        deadline = self._options.deadline
        if deadline is None or time.monotonic() <= deadline:
            return False
        if not any(fault.code == "deadline" for fault in self.faults):
            message = "the time allowed ran out before this and what follows was read"
            self.faults.append(Finding("deadline", printable_name(name), message))
        self.faulty.add(printable_name(name))
        return True


def wanted_algorithms(digest: Mapping[str, str], *, all_digests: bool) -> tuple[str, ...]:
    """Return the algorithms to hash by: one that counts, BLAKE3 before SHA-256; or all we can."""
    if all_digests:
        return tuple(name for name in digest if name in HEX_LENGTHS and not name.startswith("git"))
    return tuple(name for name in COUNTED if name in digest)[:1]


def _ignore(_: int) -> None:
    """Take progress that nobody wants."""
