"""Where two datasets differ, and which of their fields are no text."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from provenance.digest.records import explaining
from provenance.digest.records.encoding import encode_record, encode_value
from provenance.digest.records.explaining import RecordDifference, find_difference, typed_fields
from provenance.digest.records.fields import differing_fields, split_fields

if TYPE_CHECKING:
    from collections.abc import Sequence

VALUES: dict[str, Any] = {
    "null": None,
    "true": True,
    "integer": -(2**70),
    "double": 0.1,
    "text": "é" * 200,
    "bytes": b"\0" * 300,
    "decimal": Decimal("12.500"),
    "day": date(2026, 11, 24),
    "noon": time(12),
    "naive": datetime(2026, 11, 24),  # noqa: DTZ001 - a time without a zone is what is meant
    "instant": datetime(2026, 11, 24, tzinfo=UTC),
    "span": timedelta(days=-3),
    "list": [1, [None, {"x": "y"}], Decimal(0)],
    "struct": {"": {}, "a": [False], "m": Decimal("1e-9")},
}


def test_fields_are_those_that_were_encoded() -> None:
    found = split_fields(encode_record(VALUES))
    assert found == {name: encode_value(value, 1) for name, value in VALUES.items()}
    assert split_fields(encode_record({})) == {}
    assert split_fields(encode_record([1])) == {}


@pytest.mark.parametrize("name", VALUES)
def test_one_changed_field_is_named(name: str) -> None:
    changed = {**VALUES, name: "another"}
    assert differing_fields(encode_record(VALUES), encode_record(changed)) == (name,)
    del changed[name]
    assert differing_fields(encode_record(VALUES), encode_record(changed)) == (name,)


def rows(*numbers: int) -> list[dict[str, object]]:
    return [{"n": number, "t": "x"} for number in numbers]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((1, 2, 3), (1, 2, 3), RecordDifference(None, (), 0, 0)),
        ((1, 2, 3), (1, 9, 3), RecordDifference(1, ("n",), 1, 1)),
        ((1, 2, 3), (1, 2), RecordDifference(2, (), 1, 0)),
        ((), (1, 1), RecordDifference(0, (), 0, 2)),
        ((1, 2, 3), (2, 3, 1), RecordDifference(0, ("n",), 0, 0)),
        ((1, 1, 2), (1, 2, 2), RecordDifference(1, ("n",), 1, 1)),
    ],
    ids=["same", "changed", "fewer", "more", "shuffled", "as-often"],
)
def test_difference(one: Sequence[int], other: Sequence[int], expected: RecordDifference) -> None:
    assert find_difference(rows(*one), rows(*other)) == expected


def test_of_too_many_records_only_the_first_difference_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(explaining, "MAX_COUNTED_RECORDS", 3)
    found = find_difference(rows(1, 2, 3, 4, 5), rows(1, 2, 3, 4, 6))
    assert found == RecordDifference(4, ("n",), None, None)


def test_fields_that_no_csv_has() -> None:
    kinds = {
        name: kind for name, kind in typed_fields([VALUES]).items() if name not in {"text", "null"}
    }
    assert kinds.keys() == VALUES.keys() - {"text", "null"}
    assert (kinds["integer"], kinds["double"], kinds["true"]) == ("numbers", "numbers", "booleans")
    assert typed_fields([{"a": None, "b": "x"}]) == {}
