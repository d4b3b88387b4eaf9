"""Numbers that a JSON number cannot hold: the object `{"number": "…"}` and its one spelling.

JSON numbers of our documents are what RFC 8785 writes for finite doubles below 2^53 in magnitude.
Every other value (a 64-bit seed, a count of operations, NaN, a decimal that a double would change)
stands as `{"number": text}`. Each value has exactly one wire form. Source:
`spec/canonical-encoding.md`, section "Exact numbers". No I/O.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from provenance.canonical.limits import MAX_EXPONENT, MAX_NUMBER_CHARACTERS, NUMBER_BOUND
from provenance.errors import CanonicalError, shown

if TYPE_CHECKING:
    from provenance.canonical.reader import JsonValue

__all__ = ["decode_number", "encode_number"]

# An integer of more bits has more than MAX_NUMBER_CHARACTERS digits or an exponent above
# MAX_EXPONENT, whatever its spelling: (9,999 + 400) * log2(10) < 34,546.
_MAX_BITS = 34_546

# Integral values with at most this many trailing zeros come back as `int`, larger as `Decimal`.
_MAX_INT_EXPONENT = 400

_NUMBER = re.compile(r"-?[0-9]++(?:\.[0-9]++|e-?[0-9]{1,4})?")

_SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def encode_number(value: float | Decimal) -> int | float | dict[str, JsonValue]:
    """Return the wire form of a number: itself where JSON may hold it, else `{"number": "…"}`.

    A float stands for the shortest decimal that reads back as the same double. Negative zero is
    written as 0; an integral float comes back as the `int` that RFC 8785 writes.

    >>> encode_number(0.5), encode_number(2**64), encode_number(float("nan"))
    (0.5, {'number': '18446744073709551616'}, {'number': 'NaN'})

    Raises:
        CanonicalError: It is no number, or needs more than `MAX_NUMBER_CHARACTERS` characters or
            an exponent beyond `MAX_EXPONENT`.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise CanonicalError(problem=f"a {type(value).__name__} is not a number")
    if isinstance(value, int):
        if value.bit_length() > _MAX_BITS:
            raise _too_long()
        decimal = Decimal(value)
    else:
        # `repr` of a double is the shortest decimal that reads back as the same double.
        decimal = value if isinstance(value, Decimal) else Decimal(repr(float(value)))
    if decimal.is_nan():
        return {"number": "NaN"}
    if decimal.is_infinite():
        return {"number": "-Infinity" if decimal.is_signed() else "Infinity"}
    plain = _plain(decimal)
    return {"number": _spelling(decimal)} if plain is None else plain


def decode_number(value: JsonValue) -> int | float | Decimal:
    """Return the number of a wire form; the strict inverse of `encode_number`.

    NaN and infinities are floats, integral values `int` (`Decimal` beyond 400 trailing zeros), all
    others `Decimal`.

    >>> decode_number({"number": "18446744073709551616"}) == 2**64
    True

    Raises:
        CanonicalError: It is no wire form of a number, or not the one spelling of its value.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        if not abs(value) < NUMBER_BOUND:  # also NaN
            raise _refused(f"{shown(value)} may not stand as a JSON number")
        return value
    if not isinstance(value, Mapping) or set(value) != {"number"}:
        raise _refused(f"expected a number, found {shown(value)}")
    text = value["number"]
    if not isinstance(text, str) or len(text) > MAX_NUMBER_CHARACTERS:
        raise _refused(f"expected the text of a number, found {shown(text)}")
    if text in _SPECIAL:
        return _SPECIAL[text]
    if not _NUMBER.fullmatch(text):
        raise _refused(f"{shown(text)} is not a decimal number")
    decimal = Decimal(text)
    if encode_number(decimal) != {"number": text}:
        raise _refused(f"{shown(text)} is not the one spelling of its value")
    return _integral(decimal)


def _plain(decimal: Decimal) -> int | float | None:
    """Return the JSON number that denotes exactly this decimal; `None` if there is none."""
    double = float(decimal)  # the nearest double; too large a decimal gives infinity
    if not abs(double) < NUMBER_BOUND or Decimal(repr(double)) != decimal:
        return None
    return int(double) if double.is_integer() else double


def _spelling(decimal: Decimal) -> str:
    """Return the shorter of the positional and the exponent form; on a tie the positional one."""
    sign, digits, exponent = decimal.as_tuple()
    assert isinstance(exponent, int)  # noqa: S101 - "n", "N", "F" stand for what is not finite
    significant = "".join(map(str, digits)).rstrip("0")
    exponent += len(digits) - len(significant)
    # Exponent form:  digits e exponent, the digits an integer without outer zeros.
    minus = "-" if sign else ""
    scientific = f"{minus}{significant}e{exponent}"
    # The length of the positional form is reckoned first: 1e9999 has 10,000 characters.
    point = len(significant) + exponent
    length = max(len(significant), point) if exponent >= 0 else max(len(significant), -exponent) + 1
    length += (exponent < 0 and point <= 0) + len(minus)
    if min(length, len(scientific)) > MAX_NUMBER_CHARACTERS:
        raise _too_long()
    if length <= len(scientific):
        return minus + _positional(significant, exponent)
    if abs(exponent) > MAX_EXPONENT:
        raise _too_long()
    return scientific


def _positional(significant: str, exponent: int) -> str:
    """Write digits times ten to the exponent with a point where it is needed."""
    if exponent >= 0:
        return significant + "0" * exponent
    padded = significant.rjust(1 - exponent, "0")
    return f"{padded[:exponent]}.{padded[exponent:]}"


def _integral(decimal: Decimal) -> int | Decimal:
    """Return an integral decimal as `int`, unless it has very many zeros."""
    _, digits, exponent = decimal.as_tuple()
    assert isinstance(exponent, int)  # noqa: S101 - as above
    trailing = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    if exponent + trailing < 0 or exponent + trailing > _MAX_INT_EXPONENT:
        return decimal
    return int(decimal)


def _refused(problem: str) -> CanonicalError:
    return CanonicalError(
        problem=problem,
        remedy='write a JSON number below 2^53 in magnitude, else {"number": "…"} in its '
        "one shortest spelling",
        code="json-number",
    )


def _too_long() -> CanonicalError:
    return CanonicalError(
        problem=f"the number needs more than {MAX_NUMBER_CHARACTERS} characters "
        f"or an exponent beyond {MAX_EXPONENT}",
        remedy="round it, or write it as text",
        code="json-number",
    )
