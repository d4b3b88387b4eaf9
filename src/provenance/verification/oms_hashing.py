"""Digests of files and of ranges of files, compared with an OMS list. Each file is read once.

Source: `spec/oms.md`, section "Files"; OpenSSF Model Signing 1.0, section 6.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from provenance.digest import FileJob, new_hasher, printable_name
from provenance.errors import ProvenanceError, shown
from provenance.findings import Finding
from provenance.verification.loading import finding_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from provenance.digest import FileDigest
    from provenance.digest.algorithms import Hasher
    from provenance.envelope.oms import OmsStatement, Resource
    from provenance.verification.batches import Reading
    from provenance.verification.oms_files import OmsPlace, Placed

__all__ = ["Compared", "compare_files"]


class Compared(Struct, frozen=True):
    """What the bytes came to."""

    findings: tuple[Finding, ...]
    """Every difference, and what could not be read."""

    matched: int
    """Files whose every digest is the signed one."""

    different: int
    """Files with other bytes, or of another length."""

    unread: int
    """Files that could not be read."""

    bytes_matched: int
    """The bytes of the files that matched."""


class _RangeHasher:
    """Takes the bytes of one file as they are read, and hashes each signed range of them."""

    def __init__(self, ranges: Sequence[Resource], algorithm: str) -> None:
        """Take the ranges in their order; they tile the file."""
        self._ends = [item.end or 0 for item in ranges]
        self._algorithm = algorithm
        self._done = 0
        self._hasher: Hasher = new_hasher(algorithm)
        self.digests: list[str] = []
        """The digests of the ranges that are done."""

    def begin(self, _size: int, /) -> None:
        """Forget everything."""
        self._done = 0
        self._hasher = new_hasher(self._algorithm)
        self.digests = []

    def update(self, data: memoryview, /) -> None:
        """Take the next bytes."""
        while len(data) and len(self.digests) < len(self._ends):
            room = self._ends[len(self.digests)] - self._done
            part = data[:room]
            self._hasher.update(part)
            self._done += len(part)
            data = data[len(part) :]
            if self._done == self._ends[len(self.digests)]:
                self.digests.append(self._hasher.hexdigest())
                self._hasher = new_hasher(self._algorithm)


def compare_files(
    place: OmsPlace, statement: OmsStatement, placed: Placed, reading: Reading
) -> Compared:
    """Hash every listed file that is here, and compare.

    Args:
        place: Where the files are.
        statement: The list.
        placed: Which file holds the bytes of each listed path.
        reading: How files are read.
    """
    by_path: dict[str, list[Resource]] = {}
    for item in statement.resources:
        if item.path in placed.sources:
            by_path.setdefault(item.path, []).append(item)
    for ranges in by_path.values():
        ranges.sort(key=lambda item: item.start or 0)
    findings: list[Finding] = []
    jobs: dict[str, FileJob] = {}
    for path, ranges in by_path.items():
        signed = ranges[-1].end
        if signed is not None and placed.sizes[path] != signed:
            message = f"{shown(path)} has {placed.sizes[path]} bytes, signed were {signed}"
            findings.append(Finding("size-mismatch", printable_name(path), message))
        else:
            jobs[path] = _job(placed.sources[path], placed.sizes[path], ranges, statement)
    different, unread, matched, count = len(findings), 0, 0, 0
    done = place.hash(list(jobs.values()), reading)
    for (path, job), found in zip(jobs.items(), done, strict=True):
        if isinstance(found, ProvenanceError):
            unread += 1
            findings.append(finding_of(found, "file-unreadable", path=printable_name(path)))
            continue
        wrong = list(_wrong(path, by_path[path], job, found, statement.serialization.hash_type))
        findings += wrong
        if found.links > 1:
            message = f"{shown(path)} has {found.links} names on this disk"
            findings.append(Finding("hard-link", printable_name(path), message))
        different += bool(wrong)
        matched += not wrong
        count += 0 if wrong else found.size
    return Compared(tuple(findings), matched, different, unread, count)


def _job(name: str, size: int, ranges: Sequence[Resource], statement: OmsStatement) -> FileJob:
    algorithm = statement.serialization.hash_type
    if ranges[0].start is None:
        return FileJob(name, size, (algorithm,))
    return FileJob(name, size, ("sha256",), (_RangeHasher(ranges, algorithm),))


def _wrong(
    path: str, ranges: Sequence[Resource], job: FileJob, found: FileDigest, algorithm: str
) -> Iterator[Finding]:
    name = printable_name(path)
    if not job.consumers:
        if found.digest[algorithm] != ranges[0].digest:
            message = (
                f"{shown(path)} has {algorithm} {found.digest[algorithm]}, signed was "
                f"{ranges[0].digest}"
            )
            yield Finding("digest-mismatch", name, message)
        return
    (taken,) = job.consumers
    made = taken.digests if isinstance(taken, _RangeHasher) else []
    if len(made) != len(ranges):
        yield Finding("file-changed", name, "it became shorter while it was read")
    for item, digest in zip(ranges, made, strict=False):
        if digest != item.digest:
            message = f"{shown(path)} differs in its bytes from {item.start} to {item.end}"
            yield Finding("digest-mismatch", name, message)
