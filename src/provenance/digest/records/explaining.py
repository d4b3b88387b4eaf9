"""Where two datasets of different records differ: for a person, after the digests have said that.

Both are read once more. Nothing here changes what the digests say.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import TYPE_CHECKING, Final

from blake3 import blake3

from provenance.digest.records.fields import KINDS, differing_fields, kinds_of_fields
from provenance.digest.records.sources import encoded_records

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["RecordDifference", "find_difference", "typed_fields"]

#: Records of each side of which it is counted which are on one side alone: 100 bytes each.
MAX_COUNTED_RECORDS: Final = 1_000_000
#: Records of which the types of fields are looked at.
MAX_TYPED_RECORDS: Final = 1_000


@dataclass(frozen=True, slots=True)
class RecordDifference:
    """What a second reading found."""

    first: int | None
    """The first place, from 0, at which the two have other records; `None` if there is none."""

    fields: tuple[str, ...]
    """The fields that differ there; none if one side has ended, or a record has no fields."""

    only_one: int | None
    """Records that the first side alone has, each as often; `None` if there were too many."""

    only_other: int | None
    """The same of the other side."""


def find_difference(
    one: object,
    other: object,
    *,
    format: str | None = None,  # noqa: A002 - as in `hash_records`
    columns: Sequence[str] | None = None,
) -> RecordDifference:
    """Read two datasets, and return where they differ.

    The arguments and errors are those of `hash_records`.
    """
    first: int | None = None
    fields: tuple[str, ...] = ()
    balance: Counter[bytes] | None = Counter()
    pairs = zip_longest(
        encoded_records(one, format, columns), encoded_records(other, format, columns)
    )
    for index, (left, right) in enumerate(pairs):
        if left != right and first is None:
            first = index
            fields = () if left is None or right is None else differing_fields(left, right)
        if index >= MAX_COUNTED_RECORDS:
            balance = None
            if first is not None:
                break
        if balance is not None and left != right:
            for record, sign in ((left, 1), (right, -1)):
                if record is not None:
                    balance[blake3(record).digest()] += sign
    counts = None if balance is None else list(balance.values())
    return RecordDifference(
        first,
        fields,
        None if counts is None else sum(count for count in counts if count > 0),
        None if counts is None else -sum(count for count in counts if count < 0),
    )


def typed_fields(
    source: object,
    *,
    format: str | None = None,  # noqa: A002 - as in `hash_records`
    columns: Sequence[str] | None = None,
) -> dict[str, str]:
    """Return the fields whose values are no text, each with what they are, e.g. `numbers`.

    They can never be equal to fields of CSV. Only the first records are looked at. The arguments
    and errors are those of `hash_records`.
    """
    found: dict[str, str] = {}
    for record in islice(encoded_records(source, format, columns), MAX_TYPED_RECORDS):
        for name, kind in kinds_of_fields(record).items():
            if kind not in b"sn":
                found.setdefault(name, KINDS[kind][1])
    return found
