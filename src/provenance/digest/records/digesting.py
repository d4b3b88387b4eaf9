"""Datasets to digests of their records, and what two such digests say of each other.

Source: `spec/digests.md`, section "Record encodings".
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from blake3 import blake3

from provenance.digest.merkle import TypedRoot, typed_root
from provenance.digest.records.encoding import ENCODING
from provenance.digest.records.multiset import MultisetHash
from provenance.digest.records.sources import encoded_records
from provenance.errors import DigestError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = [
    "RecordComparison",
    "RecordDigest",
    "compare_records",
    "hash_encoded_records",
    "hash_records",
    "record_digests",
]

#: Records between two looks at the clock.
_BATCH_RECORDS: Final = 1024


@dataclass(frozen=True, slots=True)
class RecordDigest:
    """What one reading of a dataset found."""

    count: int
    """Number of records."""

    root: TypedRoot
    """Typed root of kind `record` over all records in their order."""

    multiset: str
    """The digest that does not depend on the order: 64 hexadecimal characters."""

    encoding: str = ENCODING
    """The name of the encoding of a record."""

    def to_tree(self) -> dict[str, Any]:
        """Return both digests as they stand in a manifest's dataset."""
        return {
            "recordTree": self.root.to_tree(),
            "recordSet": {
                "count": self.count,
                "digest": self.multiset,
                "encoding": self.encoding,
            },
        }


class RecordComparison(StrEnum):
    """How the records of two datasets relate."""

    SAME = "same order and content"
    """The same records in the same order."""

    REORDERED = "same records in another order"
    """Shuffled or sharded anew: each record is there as often as before."""

    DIFFERENT = "different content"
    """A record was added, removed or changed."""


def record_digests(
    source: object,
    *,
    format: str | None = None,  # noqa: A002 - the word for it
    columns: Sequence[str] | None = None,
) -> Iterator[bytes]:
    """Yield the digest of each record in order, 32 bytes of BLAKE3: the entries of the tree.

    With `prove_inclusion("record", record_digests(source), index)` a record is proved to be in a
    dataset. The arguments and errors are those of `hash_records`.
    """
    for encoded in encoded_records(source, format, columns):
        yield blake3(encoded).digest()


def hash_records(
    source: object,
    *,
    format: str | None = None,  # noqa: A002 - the word for it
    columns: Sequence[str] | None = None,
    progress: Callable[[int], None] | None = None,
    deadline: float | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> RecordDigest:
    """Read a dataset once and return the digests of its records.

    Args:
        source: A file, a folder (its data files in the order of their names), a list of these, a
            `datasets.Dataset`, an Arrow table or whatever exports an Arrow stream, or an iterable
            of mappings.
        format: A name of `CONTAINERS`: how the files are read; by their names if not given.
        columns: The columns that count; all if not given.
        progress: Called with numbers of records as they are done.
        deadline: Time of `time.monotonic` after which reading stops.
        cancelled: Asked between batches; reading stops if it says yes.

    Raises:
        DigestError: The data breaks its format or a limit (`records-malformed`), or holds a type
            that has no encoding (`records-unsupported`).
        CanonicalError: A line of JSON is not strict JSON.
        InputError: A file cannot be read, is a link or special file, changed meanwhile, or the
            time ran out (`deadline`).
        MissingExtraError: pyarrow is needed and not installed.
        UsageError: It is not clear which container is meant.

    Source: `spec/digests.md`, section "Record encodings".
    """
    return hash_encoded_records(
        encoded_records(source, format, columns),
        progress=progress,
        deadline=deadline,
        cancelled=cancelled,
    )


def hash_encoded_records(
    encoded: Iterator[bytes],
    *,
    progress: Callable[[int], None] | None = None,
    deadline: float | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> RecordDigest:
    """Return the digests of records that are encoded already; the rest is as in `hash_records`."""
    multiset = MultisetHash()
    digests = (blake3(record).digest() for record in encoded)

    def entries() -> Iterator[bytes]:
        while batch := list(islice(digests, _BATCH_RECORDS)):
            _require_time(deadline, cancelled)
            multiset.update(batch)
            if progress is not None:
                progress(len(batch))
            yield from batch

    root = typed_root("record", entries())
    return RecordDigest(multiset.count, root, multiset.hexdigest())


def compare_records(one: RecordDigest, other: RecordDigest) -> RecordComparison:
    """Return how the records of two datasets relate.

    Raises:
        DigestError: They were made by different encodings, so that nothing can be said
            (`digest-format`).
    """
    if one.encoding != other.encoding:
        raise DigestError(
            problem=f"{one.encoding} and {other.encoding} cannot be compared",
            remedy="compute both by one encoding",
            code="digest-format",
        )
    if (one.count, one.multiset) != (other.count, other.multiset):
        return RecordComparison.DIFFERENT
    return RecordComparison.SAME if one.root == other.root else RecordComparison.REORDERED


def _require_time(deadline: float | None, cancelled: Callable[[], bool] | None) -> None:
    if deadline is not None and time.monotonic() > deadline:
        raise InputError(problem="the time allowed ran out", code="deadline")
    if cancelled is not None and cancelled():
        raise InputError(problem="stopped by its caller", code="deadline")
