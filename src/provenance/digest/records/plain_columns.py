"""Arrow columns whose values hold no others: numbers, text, bytes, times.

Source: `spec/digests.md`, section "Record encodings". No I/O.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from provenance.digest.records.encoding import (
    FALSE,
    TRUE,
    encode_decimal,
    encode_length,
    encode_whole,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    Array = Any  # pyarrow has no types of its own

__all__ = ["encoder_of", "plain_values"]

#: Nanoseconds in one unit of Arrow's times.
_UNITS: Final = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1000, "ns": 1}


def encoder_of(kind: Any) -> Callable[[Any], bytes] | None:  # noqa: ANN401 - a pyarrow type
    """Return what encodes one value as `plain_values` gives it, for types without inner values."""
    from pyarrow import types

    for tests, encode in (
        ((types.is_boolean,), lambda value: TRUE if value else FALSE),
        ((types.is_integer,), lambda value: encode_whole(b"i", value)),
        ((types.is_string, types.is_large_string), lambda value: _encode_sized(b"s", value)),
        (
            (types.is_binary, types.is_large_binary, types.is_fixed_size_binary),
            lambda value: _encode_sized(b"b", value),
        ),
        ((types.is_decimal,), encode_decimal),
        ((types.is_date32,), lambda value: encode_whole(b"a", value)),
        ((types.is_time,), lambda value: encode_whole(b"h", value * _UNITS[kind.unit])),
        ((types.is_duration,), lambda value: encode_whole(b"u", value * _UNITS[kind.unit])),
        (
            (types.is_timestamp,),
            lambda value: encode_whole(b"z" if kind.tz else b"p", value * _UNITS[kind.unit]),
        ),
    ):
        if any(test(kind) for test in tests):
            return encode
    return None


def _encode_sized(tag: bytes, value: bytes) -> bytes:
    return tag + encode_length(len(value)) + value


def plain_values(array: Array) -> list[Any]:
    """Return the values of an array: times as their numbers, text as its UTF-8."""
    import pyarrow as pa

    kind = array.type
    if pa.types.is_string(kind):
        array = array.cast(pa.binary())
    elif pa.types.is_large_string(kind):
        array = array.cast(pa.large_binary())
    elif pa.types.is_date32(kind) or pa.types.is_time32(kind):
        array = array.cast(pa.int32())
    elif pa.types.is_temporal(kind):
        array = array.cast(pa.int64())
    values: list[Any] = array.to_pylist()
    return values
