"""The RFC 8785 writer: what has no canonical form is refused with its place."""

from __future__ import annotations

from collections import OrderedDict
from enum import IntEnum, StrEnum
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.canonical import MAX_DEPTH, write
from provenance.errors import CanonicalError


class Colour(StrEnum):
    """Text with a class."""

    RED = "red"


class Level(IntEnum):
    """A number with a class."""

    HIGH = 3


def nested(levels: int) -> list[object]:
    value: list[object] = []
    for _ in range(levels - 1):
        value = [value]
    return value


#: Value, code, path: refused for foreign documents too.
REFUSED: dict[str, tuple[object, str, str]] = {
    "NaN": ({"a": [0.5, float("nan")]}, "json-number", "/a/1"),
    "infinity": ([float("-inf")], "json-number", "/0"),
    "integer that a double changes": ({"a": {"b": 2**53 + 1}}, "json-number", "/a/b"),
    "integer of 5,000 digits": ([10**5000], "json-number", "/0"),
    "lone surrogate": (["\udc80"], "json-surrogate", "/0"),
    "lone surrogate in a key": ({"a": {"\ud800": 1}}, "json-surrogate", "/a"),
    "key that is no text": ({"a": {1: 2}}, "", "/a"),
    "bytes": ({"a": b""}, "", "/a"),
    "set": ({1}, "", ""),
    "too deep": (nested(MAX_DEPTH + 1), "json-depth", "/0" * MAX_DEPTH),
}


@pytest.mark.parametrize("foreign", [False, True])
@pytest.mark.parametrize("name", REFUSED)
def test_value_without_canonical_form_is_refused(name: str, foreign: bool) -> None:  # noqa: FBT001 - parametrised
    value, code, path = REFUSED[name]
    with pytest.raises(CanonicalError) as caught:
        write(value, foreign=foreign)  # type: ignore[arg-type]  # what callers get wrong
    assert (caught.value.code, caught.value.path) == (code, path)


def test_value_that_holds_itself_is_refused() -> None:
    ring: list[object] = []
    ring.append(ring)
    with pytest.raises(CanonicalError) as caught:
        write(ring)
    assert caught.value.code == "json-depth"


@pytest.mark.parametrize("value", [2.0**53, -1e300, 1e16])
def test_double_of_2_to_53_and_above_is_written_for_foreign_documents_only(value: float) -> None:
    with pytest.raises(CanonicalError) as caught:
        write([value])
    assert caught.value.code == "json-number"
    assert write(value, foreign=True) in {b"9007199254740992", b"-1e+300", b"10000000000000000"}


def test_integer_that_a_double_holds_is_written_for_foreign_documents_only() -> None:
    value = -333333333333333300000  # not exactly a double, but the shortest text of one
    assert write(value, foreign=True) == b"-333333333333333300000"
    with pytest.raises(CanonicalError):
        write(value)
    with pytest.raises(CanonicalError):
        write(10**21, foreign=True)


@pytest.mark.parametrize(
    ("value", "data"),
    [
        (-0.0, b"0"),
        (1.0, b"1"),
        (0.1 + 0.2, b"0.30000000000000004"),
        (5e-324, b"5e-324"),
        (1e-7, b"1e-7"),
        (2**53 - 1, b"9007199254740991"),
        ((1, [2], ()), b"[1,[2],[]]"),
        (
            MappingProxyType({"b": OrderedDict(y=1, x=2), "a": True}),
            b'{"a":true,"b":{"x":2,"y":1}}',
        ),
        ({"\ufffd": 1, "\U0001f600": 2}, '{"\U0001f600":2,"\ufffd":1}'.encode()),  # UTF-16 order
        ({Colour.RED: Level.HIGH}, b'{"red":3}'),
        ('\x00\x1f\x7f"\\/\u2028', b'"\\u0000\\u001f\x7f\\"\\\\/\xe2\x80\xa8"'),
        (nested(MAX_DEPTH), b"[" * MAX_DEPTH + b"]" * MAX_DEPTH),
    ],
)
def test_value_is_written(value: object, data: bytes) -> None:
    assert write(value) == data  # type: ignore[arg-type]  # JSON values


def test_writing_leaves_the_value_alone() -> None:
    value = {"b": [1, {"z": 0, "a": 0}]}
    assert write(value) == write(value)
    assert list(value["b"][1]) == ["z", "a"]  # type: ignore[call-overload]  # an object


@pytest.mark.property
class TestNothingForeignLeaves:
    """Law: whatever the value, the writer returns bytes or raises `CanonicalError`."""

    @given(
        st.recursive(
            st.none() | st.integers() | st.floats() | st.text(st.characters()) | st.binary(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner),
            max_leaves=8,
        )
    )
    def test_only_our_error_leaves(self, value: object) -> None:
        for foreign in (False, True):
            try:
                write(value, foreign=foreign)  # type: ignore[arg-type]  # anything at all
            except CanonicalError:
                continue
