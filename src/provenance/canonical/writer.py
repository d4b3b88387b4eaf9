"""The writer of the canonical form: RFC 8785, and the number rule of our documents.

Only `CanonicalError` leaves: what the underlying library would refuse or recurse into is found
first. Source: `spec/canonical-encoding.md`, section "Canonical form". No I/O.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

import rfc8785

from provenance.canonical.hooks import SURROGATE, visible_key
from provenance.canonical.limits import MAX_DEPTH, NUMBER_BOUND
from provenance.canonical.pointers import join_pointer
from provenance.errors import CanonicalError, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["JsonInput", "write"]

#: What `write` takes: any mapping with text keys, lists as well as tuples.
JsonInput: TypeAlias = (
    "bool | int | float | str | list[Any] | tuple[Any, ...] | Mapping[str, Any] | None"
)


# Doubles below this are written without an exponent (RFC 8785, section 3.2.2.3).
_INTEGER_TEXT_BOUND = 10**21


def write(value: JsonInput, *, foreign: bool = False) -> bytes:
    """Return the canonical form (RFC 8785) of a JSON value.

    Args:
        value: `None`, booleans, numbers, text, lists, tuples, and mappings with text keys.
        foreign: Write any finite double, as RFC 8785 does; otherwise numbers of 2^53 and above in
            magnitude are refused, because our documents write them as `{"number": "…"}`.

    Raises:
        CanonicalError: The value has no canonical form: a number out of range, a lone surrogate,
            nesting beyond `MAX_DEPTH`, or something that JSON does not know.

    Source: `spec/canonical-encoding.md`, section "Canonical form".
    """
    try:
        return rfc8785.dumps(_checked(value, 0, math.inf if foreign else NUMBER_BOUND))
    except _RefusedError as refused:
        raise CanonicalError(
            path=join_pointer(*reversed(refused.tokens)), problem=refused.problem, code=refused.code
        ) from refused


class _RefusedError(Exception):
    """A value without canonical form; the levels above add their tokens on the way out."""

    def __init__(self, problem: str, code: str = "") -> None:
        self.problem = problem
        self.code = code
        self.tokens: list[str | int] = []


def _checked(value: object, depth: int, bound: float) -> Any:  # noqa: ANN401 - a JSON value
    """Return the value as `rfc8785` takes it, or raise: that library recurses without a limit."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return _checked_number(value, bound)
    if isinstance(value, str):
        return _checked_text(value)
    if depth >= MAX_DEPTH:
        raise _RefusedError(f"nested deeper than {MAX_DEPTH} levels", "json-depth")
    if isinstance(value, Mapping):
        return {
            _checked_text(key): item for key, item in _checked_items(value.items(), depth, bound)
        }
    if isinstance(value, list | tuple):
        return [item for _, item in _checked_items(enumerate(value), depth, bound)]
    raise _RefusedError(f"a {type(value).__name__} is not a JSON value")


def _checked_number(value: float, bound: float) -> float:
    if abs(value) < NUMBER_BOUND:
        return value
    if abs(value) < bound:  # in foreign documents only; not NaN
        if not isinstance(value, int):
            return value
        # To RFC 8785 a number is a double. One below 10^21 is written as an integer: the shortest
        # decimal that reads back as it. Any other integer would be changed by writing it.
        if abs(value) < _INTEGER_TEXT_BOUND and int(Decimal(repr(float(value)))) == value:
            return float(value)
    problem = "a number that JSON may not hold here; see provenance.canonical.encode_number"
    raise _RefusedError(problem, "json-number")


def _checked_items(
    items: Iterable[tuple[Any, object]], depth: int, bound: float
) -> Iterator[tuple[Any, Any]]:
    for token, item in items:
        try:
            yield token, _checked(item, depth + 1, bound)
        except _RefusedError as refused:
            refused.tokens.append(visible_key(str(token)))
            raise


def _checked_text(value: object) -> str:
    if not isinstance(value, str):
        raise _RefusedError(f"the key {shown(value)} is not text")
    if SURROGATE.search(value):
        raise _RefusedError(f"{shown(value)} holds a lone surrogate", "json-surrogate")
    return value
