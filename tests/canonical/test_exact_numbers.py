"""`{"number": "…"}`: one wire form for each value, and nothing else is read."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.canonical import decode_number, encode_number, parse, write
from provenance.errors import CanonicalError

if TYPE_CHECKING:
    from provenance.canonical import JsonValue

#: Wire forms that are refused.
REFUSED: dict[str, JsonValue] = {
    "bool": True,
    "text": "1",
    "nothing": None,
    "array": (1,),
    "empty object": {},
    "another key": {"number": "1e16", "unit": "s"},
    "number inside": {"number": 1},
    "plain integer": {"number": "1"},
    "plain decimal": {"number": "0.5"},
    "zero": {"number": "0"},
    "negative zero": {"number": "-0"},
    "plain decimal by exponent": {"number": "1e-7"},
    "leading zero": {"number": "018446744073709551616"},
    "trailing zero of a decimal": {"number": "0.10000000000000000000010"},
    "trailing point": {"number": "9007199254740993."},
    "leading point": {"number": ".10000000000000000000001"},
    "plus sign": {"number": "+9007199254740993"},
    "plus in the exponent": {"number": "1e+300"},
    "capital exponent": {"number": "1E300"},
    "leading zero of the exponent": {"number": "1e0300"},
    "digits with outer zero": {"number": "10e299"},
    "point and exponent": {"number": "1.5e300"},
    "long form where the short one wins": {"number": "1" + "0" * 300},
    "exponent form on a tie": {"number": "12345678901234567e2"},
    "exponent too large": {"number": "1e10000"},
    "exponent of five digits": {"number": "1e-10000"},
    "nan in small letters": {"number": "nan"},
    "inf": {"number": "inf"},
    "infinity with plus": {"number": "+Infinity"},
    "empty text": {"number": ""},
    "blank": {"number": " 9007199254740993"},
    "line feed at the end": {"number": "9007199254740993\n"},
    "underscore": {"number": "9_007_199_254_740_993"},
    "Arabic digits": {"number": "٩٠٠٧١٩٩٢٥٤٧٤٠٩٩٣"},
    "hexadecimal": {"number": "0x20000000000000"},
    "too long": {"number": "1" * 401},
    "far too long": {"number": "1" * 1_000_000},
    "double of 2^53": 2.0**53,
    "integer of 2^53": 2**53,
    "bare NaN": math.nan,
}

#: Value, wire form, what comes back.
PAIRS: list[tuple[int | float | Decimal, JsonValue, object]] = [
    (0, 0, 0),
    (-0.0, 0, 0),
    (Decimal("-0E+5"), 0, 0),
    (1.0, 1, 1),
    (0.1, 0.1, 0.1),
    (Decimal("0.10"), 0.1, 0.1),
    (2**53 - 1, 2**53 - 1, 2**53 - 1),
    (2**53, {"number": "9007199254740992"}, 2**53),
    (-(2**63), {"number": "-9223372036854775808"}, -(2**63)),
    (2.0**53, {"number": "9007199254740992"}, 2**53),
    (1e300, {"number": "1e300"}, 10**300),
    (10**16, {"number": "1e16"}, 10**16),
    (12 * 10**20, {"number": "12e20"}, 12 * 10**20),
    (Decimal(1234567890123456700), {"number": "1234567890123456700"}, 1234567890123456700),
    (
        Decimal("9007199254740991.5"),
        {"number": "9007199254740991.5"},
        Decimal("9007199254740991.5"),
    ),
    (Decimal("1e-400"), {"number": "1e-400"}, Decimal("1e-400")),
    (Decimal("-15e-401"), {"number": "-15e-401"}, Decimal("-1.5e-400")),
    (
        Decimal("0.10000000000000000000001"),
        {"number": "0.10000000000000000000001"},
        Decimal("0.10000000000000000000001"),
    ),
    (10**5000, {"number": "1e5000"}, Decimal("1e5000")),
    (10**400 * 7, {"number": "7e400"}, 7 * 10**400),
    (10**401, {"number": "1e401"}, Decimal("1e401")),
    (math.inf, {"number": "Infinity"}, math.inf),
    (-math.inf, {"number": "-Infinity"}, -math.inf),
    (Decimal("Infinity"), {"number": "Infinity"}, math.inf),
    (int("1" * 400), {"number": "1" * 400}, int("1" * 400)),
    (Decimal("1e-9999"), {"number": "1e-9999"}, Decimal("1e-9999")),
]


@pytest.mark.parametrize("name", REFUSED)
def test_other_spelling_is_refused(name: str) -> None:
    with pytest.raises(CanonicalError) as caught:
        decode_number(REFUSED[name])
    assert caught.value.code == "json-number"


@pytest.mark.parametrize(
    "value",
    [
        True,
        "1",
        None,
        int("1" * 400) * 10 + 1,
        1 << 40_000,
        Decimal("1e10000"),
        Decimal("1e-10000"),
        Decimal("0." + "1" * 400),
        Decimal("1e999999"),
    ],
    ids=map(str, range(9)),
)
def test_value_without_wire_form_is_refused(value: object) -> None:
    with pytest.raises(CanonicalError):
        encode_number(value)  # type: ignore[arg-type]  # what callers get wrong


@pytest.mark.parametrize(("value", "wire", "back"), PAIRS, ids=map(str, range(len(PAIRS))))
def test_value_has_one_wire_form(value: float | Decimal, wire: JsonValue, back: object) -> None:
    assert encode_number(value) == wire
    result = decode_number(wire)
    assert result == back
    assert type(result) is type(back)


@pytest.mark.parametrize("value", [math.nan, -math.nan, Decimal("NaN"), Decimal("-sNaN123")])
def test_every_nan_is_the_same(value: float | Decimal) -> None:
    assert encode_number(value) == {"number": "NaN"}
    assert math.isnan(decode_number({"number": "NaN"}))


def test_integral_float_becomes_the_integer_that_is_written() -> None:
    assert type(encode_number(3.0)) is int
    assert type(decode_number(3.0)) is float


@pytest.mark.property
class TestOneWireForm:
    """Law (`spec/canonical-encoding.md`): a value has one wire form, which gives it back."""

    @given(st.integers() | st.integers(-(10**390), 10**390))
    def test_integer_comes_back(self, value: int) -> None:
        self.check(value)
        assert decode_number(encode_number(value)) == value

    @given(st.floats(allow_nan=False))
    def test_float_comes_back(self, value: float) -> None:
        self.check(value)
        assert float(decode_number(encode_number(value))) == value

    @given(st.decimals(allow_nan=False, allow_infinity=False))
    def test_decimal_comes_back(self, value: Decimal) -> None:
        self.check(value)
        back = decode_number(encode_number(value))
        assert (Decimal(repr(back)) if isinstance(back, float) else back) == value

    @given(st.from_regex(r"-?[0-9]{1,25}(\.[0-9]{1,25})?(e-?[0-9]{1,3})?", fullmatch=True))
    def test_no_other_text_is_read_for_the_same_value(self, text: str) -> None:
        wire = encode_number(Decimal(text))
        try:
            decode_number({"number": text})
        except CanonicalError:
            assert wire != {"number": text}
        else:
            assert wire == {"number": text}

    def check(self, value: float | Decimal) -> None:
        wire = encode_number(value)
        assert encode_number(decode_number(wire)) == wire
        assert parse(write(wire)) == wire
