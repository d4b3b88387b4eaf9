"""One spelling a value, and no two values with one spelling."""

from __future__ import annotations

import math
import struct
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.canonical import MAX_RECORD_DEPTH, MAX_RECORD_FIELDS
from provenance.digest.records.encoding import encode_length, encode_record
from provenance.errors import DigestError

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | st.binary(max_size=5)
    | st.decimals(allow_nan=False, allow_infinity=False, places=3).map(Decimal.normalize)
    | st.dates()
    | st.times()
    | st.timedeltas()
    | st.datetimes()
    | st.datetimes(timezones=st.just(UTC))
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3).map(tuple) | st.dictionaries(st.text(max_size=3), inner)
    ),
    max_leaves=8,
)


def typed(value: Any) -> object:  # noqa: ANN401 - any value of a record
    """Return what tells two values apart: with its type, which `True == 1` leaves out."""
    if isinstance(value, tuple):
        return ("list", *map(typed, value))
    if isinstance(value, dict):
        return ("struct", frozenset((key, typed(item)) for key, item in value.items()))
    if isinstance(value, float):
        return ("float", struct.pack(">d", value))
    return (type(value).__name__, value, getattr(value, "tzinfo", None) is None)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ({"a": object()}, "records-unsupported"),
        ({"a": 1j}, "records-unsupported"),
        ({1: "a"}, "records-unsupported"),
        ({"a": {"b"}}, "records-unsupported"),
        (Decimal("NaN"), "records-unsupported"),
        (Decimal("-Infinity"), "records-unsupported"),
        (time(1, tzinfo=UTC), "records-unsupported"),
        ("\ud800", "records-malformed"),
        ({"\udfff": 1}, "records-malformed"),
        (Decimal("1" * 5000), "records-malformed"),
        ({str(n): n for n in range(MAX_RECORD_FIELDS + 1)}, "records-malformed"),
    ],
    ids=[
        "object",
        "complex",
        "number-as-name",
        "set",
        "decimal-nan",
        "decimal-infinity",
        "time-with-zone",
        "lone-surrogate",
        "lone-surrogate-in-name",
        "endless-decimal",
        "too-many-fields",
    ],
)
def test_refuses_what_has_no_encoding(value: object, code: str) -> None:
    with pytest.raises(DigestError) as caught:
        encode_record(value)
    assert caught.value.code == code


def test_refuses_nesting_deeper_than_the_limit() -> None:
    value: object = 1
    for _ in range(MAX_RECORD_DEPTH):
        value = [value]
    encode_record(value)
    with pytest.raises(DigestError, match="deeper"):
        encode_record([value])


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (None, "6e"),
        (False, "66"),
        (True, "74"),
        (0, "690100"),
        (127, "69017f"),
        (128, "69020080"),
        (-128, "690180"),
        (-129, "6902ff7f"),
        (2**64, "6909010000000000000000"),
        (1.0, "643ff0000000000000"),
        (-0.0, "648000000000000000"),
        (math.nan, "647ff8000000000000"),
        (-math.inf, "64fff0000000000000"),
        (Decimal("1.50"), "6d010f01ff"),
        (Decimal(-200), "6d01fe0102"),
        (Decimal("0.00"), "6d01000100"),
        ("é", "7302c3a9"),
        (b"\xff", "6201ff"),
        (date(1970, 1, 2), "610101"),
        (date(1969, 12, 31), "6101ff"),
        (time(0, 0, 0, 1), "680203e8"),
        (datetime(1970, 1, 1), "700100"),  # noqa: DTZ001 - a time without a zone is the case
        (datetime(1970, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))), "7a0100"),
        (timedelta(microseconds=-1), "7502fc18"),
        ([], "6c00"),
        ((None, 1), "6c026e690101"),
        ({}, "7200"),
        ({"b": 1, "a": None}, "720201616e0162690101"),
    ],
    ids=lambda value: value if isinstance(value, str) else repr(value)[:30],
)
def test_encodings_are_those_of_the_specification(value: object, encoded: str) -> None:
    assert encode_record(value).hex() == encoded


@pytest.mark.parametrize(
    ("length", "encoded"), [(0, "00"), (127, "7f"), (128, "8001"), (300, "ac02")]
)
def test_lengths_have_seven_bits_a_byte(length: int, encoded: str) -> None:
    assert encode_length(length).hex() == encoded


@pytest.mark.parametrize("bits", [0x7FF8000000000001, 0xFFF8000000000000, 0x7FF0000000000001])
def test_every_nan_is_one(bits: int) -> None:
    (value,) = struct.unpack(">d", struct.pack(">Q", bits))
    assert encode_record(value) == encode_record(math.nan)


def test_a_missing_field_is_not_null() -> None:
    assert encode_record({}) != encode_record({"a": None})


def test_fields_are_sorted_by_their_bytes() -> None:
    # In UTF-16 the first would come after the second.
    assert encode_record({"\U0001f600": 1, "\uffff": 2}) == encode_record(
        {"\uffff": 2, "\U0001f600": 1}
    )
    assert encode_record({"\U0001f600": 1, "\uffff": 2}).startswith(b"r\x02\x03\xef\xbf\xbf")


def test_numpy_values_count_as_what_they_hold() -> None:
    np = pytest.importorskip("numpy")
    assert encode_record(np.int8(-3)) == encode_record(-3)
    assert encode_record(np.float32(0.5)) == encode_record(np.float64(0.5)) == encode_record(0.5)
    assert encode_record(np.bool_(True)) == encode_record(True)  # noqa: FBT003 - a value of a record
    assert encode_record(np.array([[1, 2]])) == encode_record([[1, 2]])
    for value in (np.datetime64("2020-01-01", "ns"), np.longdouble(1)):
        with pytest.raises(DigestError, match="no encoding"):
            encode_record(value)


@pytest.mark.property
@given(VALUES, VALUES)
def test_two_values_have_one_encoding_only_if_they_are_equal(one: object, other: object) -> None:
    assert (encode_record(one) == encode_record(other)) == (typed(one) == typed(other))


@pytest.mark.property
@given(st.lists(VALUES, max_size=4), st.lists(VALUES, max_size=4))
def test_encodings_delimit_themselves(ones: list[object], others: list[object]) -> None:
    joined = [b"".join(map(encode_record, values)) for values in (ones, others)]
    assert (joined[0] == joined[1]) == (list(map(typed, ones)) == list(map(typed, others)))
