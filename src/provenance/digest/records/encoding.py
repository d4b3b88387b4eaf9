"""The canonical encoding of a record: typed, self-delimiting, one spelling a value.

The container does not matter: an integer is an integer whatever its width, a float16 or float32 is
the double of the same value, a timestamp counts nanoseconds whatever its unit. Source:
`spec/digests.md`, section "Record encodings". No I/O.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Final

from provenance.canonical import MAX_RECORD_BYTES, MAX_RECORD_DEPTH, MAX_RECORD_FIELDS
from provenance.errors import DigestError, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = [
    "ENCODING",
    "FALSE",
    "NULL",
    "TRUE",
    "encode_decimal",
    "encode_double",
    "encode_length",
    "encode_list",
    "encode_record",
    "encode_struct",
    "encode_text",
    "encode_value",
    "encode_whole",
    "malformed",
    "to_utf8",
    "unsupported",
]

#: The name of this encoding, as it stands beside a digest.
ENCODING: Final = "records-v1"

NULL: Final = b"n"
FALSE: Final = b"f"
TRUE: Final = b"t"

# The one NaN: quiet, positive, without a payload.
_NAN = b"d\x7f\xf8\x00\x00\x00\x00\x00\x00"

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - the epoch of timestamps that have no zone
_EPOCH_UTC = datetime(1970, 1, 1, tzinfo=timezone.utc)  # noqa: UP017 - the name reads as what it is
_EPOCH_DAY = date(1970, 1, 1).toordinal()

_LENGTHS = [bytes([n]) for n in range(128)]


def encode_record(value: object) -> bytes:
    """Return the canonical encoding of one record.

    Args:
        value: `None`, booleans, numbers, text, bytes, dates and times, lists, and mappings from
            text to any of these; NumPy scalars and arrays count as what their `tolist` returns.

    Raises:
        DigestError: It holds a value of another type (`records-unsupported`), or breaks a limit
            (`records-malformed`).

    Source: `spec/digests.md`, section "Record encodings".
    """
    encoded = encode_value(value, 0)
    if len(encoded) > MAX_RECORD_BYTES:
        raise malformed(f"a record has more than {MAX_RECORD_BYTES} bytes in its encoding")
    return encoded


def encode_value(value: object, depth: int) -> bytes:
    """Return the encoding of a value that stands `depth` levels below its record."""
    if depth > MAX_RECORD_DEPTH:
        raise malformed(f"nested deeper than {MAX_RECORD_DEPTH} levels")
    encoder = _ENCODERS.get(type(value))
    if encoder is not None:
        return encoder(value)
    if isinstance(value, list | tuple):
        return encode_list([encode_value(item, depth + 1) for item in value])
    if isinstance(value, Mapping):
        return encode_struct(
            (_field_name(name), encode_value(item, depth + 1)) for name, item in value.items()
        )
    return _encode_other(value, depth)


def encode_length(length: int) -> bytes:
    r"""Return a length: seven bits a byte, the lowest first, the high bit set on all but the last.

    >>> encode_length(127), encode_length(300)
    (b'\x7f', b'\xac\x02')
    """
    if length < len(_LENGTHS):
        return _LENGTHS[length]
    parts = bytearray()
    while length >= len(_LENGTHS):
        parts.append(length & 0x7F | 0x80)
        length >>= 7
    parts.append(length)
    return bytes(parts)


def encode_whole(tag: bytes, value: int) -> bytes:
    """Return a tag and a whole number: its length, then its shortest two's complement."""
    length = (~value if value < 0 else value).bit_length() // 8 + 1
    return tag + encode_length(length) + value.to_bytes(length, "big", signed=True)


def encode_double(value: float) -> bytes:
    """Return the encoding of a double: its eight bytes, of which NaN has one spelling."""
    return b"d" + struct.pack(">d", value) if value == value else _NAN  # noqa: PLR0124 - NaN alone differs from itself


def encode_text(text: str) -> bytes:
    """Return the encoding of text: its UTF-8 as it is, not normalised."""
    data = to_utf8(text)
    return b"s" + encode_length(len(data)) + data


def to_utf8(text: str) -> bytes:
    """Return text in UTF-8; half of a surrogate pair has none."""
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise malformed(f"{shown(text)} holds a lone surrogate") from None


def encode_decimal(value: Decimal) -> bytes:
    """Return the encoding of a decimal: a coefficient that no 10 divides, and an exponent."""
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise unsupported(f"the decimal {value} is not finite")
    significant = "".join(map(str, digits)).rstrip("0")
    if not significant:
        return encode_whole(b"m", 0) + encode_whole(b"", 0)
    exponent += len(digits) - len(significant)
    try:
        coefficient = int(significant)
    except ValueError:  # Python converts no text of more than 4,300 digits
        raise malformed("a decimal has too many digits") from None
    return encode_whole(b"m", -coefficient if sign else coefficient) + encode_whole(b"", exponent)


def encode_list(items: Sequence[bytes]) -> bytes:
    """Return the encoding of a list of encoded values."""
    return b"".join((b"l", encode_length(len(items)), *items))


def encode_struct(fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return the encoding of a struct: names in UTF-8 with encoded values, sorted by name."""
    ordered = sorted(fields)
    if len(ordered) > MAX_RECORD_FIELDS:
        raise malformed(f"a struct has more than {MAX_RECORD_FIELDS} fields")
    for (name, _), (following, _) in pairwise(ordered):
        if name == following:
            raise malformed(f"the field {shown(name.decode('utf-8', 'replace'))} stands twice")
    parts = ((encode_length(len(name)), name, value) for name, value in ordered)
    return b"".join((b"r", encode_length(len(ordered)), *chain.from_iterable(parts)))


def malformed(problem: str, *, path: str = "", remedy: str = "") -> DigestError:
    """Return the error for records that break a rule."""
    return DigestError(path=path, problem=problem, remedy=remedy, code="records-malformed")


def unsupported(problem: str, *, path: str = "") -> DigestError:
    """Return the error for a type that has no encoding."""
    return DigestError(
        path=path,
        problem=problem,
        remedy="cast it to a type that has an encoding, or choose other columns",
        code="records-unsupported",
    )


def _field_name(name: object) -> bytes:
    if not isinstance(name, str):
        raise unsupported(f"the name of a field is no text: {shown(name)}")
    return to_utf8(name)


def _encode_bytes(value: bytes | bytearray | memoryview) -> bytes:
    data = bytes(value)
    return b"b" + encode_length(len(data)) + data


def _encode_boolean(value: bool) -> bytes:  # noqa: FBT001 - a value, not a switch
    return TRUE if value else FALSE


def _encode_instant(value: datetime) -> bytes:
    # pandas counts nanoseconds beside the microseconds of Python.
    rest = getattr(value, "nanosecond", 0)
    tag, epoch = (b"p", _EPOCH) if value.tzinfo is None else (b"z", _EPOCH_UTC)
    try:
        return encode_whole(tag, _nanoseconds(value - epoch) + rest)
    except (TypeError, ValueError):  # NaT, which is no time
        raise unsupported(f"{shown(value)} is not a time") from None


def _encode_day(value: date) -> bytes:
    return encode_whole(b"a", value.toordinal() - _EPOCH_DAY)


def _encode_time(value: time) -> bytes:
    if value.tzinfo is not None:
        raise unsupported("a time of day with a time zone has no encoding")
    seconds = (value.hour * 60 + value.minute) * 60 + value.second
    return encode_whole(b"h", (seconds * 1_000_000 + value.microsecond) * 1000)


def _encode_duration(value: timedelta) -> bytes:
    return encode_whole(b"u", _nanoseconds(value) + getattr(value, "nanoseconds", 0))


def _nanoseconds(value: timedelta) -> int:
    return ((value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds) * 1000


def _encode_other(value: object, depth: int) -> bytes:
    """Encode what is of a subclass of a known type, or a NumPy value."""
    for kind, encoder in _ENCODERS.items():
        if kind is not bool and isinstance(value, kind) and not hasattr(value, "tolist"):
            return encoder(value)
    to_list, dtype = getattr(value, "tolist", None), str(getattr(value, "dtype", ""))
    # NumPy turns times into numbers without a unit, and long doubles into shorter ones.
    if callable(to_list) and dtype and "64[" not in dtype and not dtype.startswith("float128"):
        plain = to_list()
        if type(plain) is not type(value):
            return encode_value(plain, depth)
    raise unsupported(f"a value of type {type(value).__name__} has no encoding")


_ENCODERS: Final[dict[type, Callable[..., bytes]]] = {
    type(None): lambda _: NULL,
    bool: _encode_boolean,
    int: lambda value: encode_whole(b"i", value),
    float: encode_double,
    str: encode_text,
    bytes: _encode_bytes,
    bytearray: _encode_bytes,
    memoryview: _encode_bytes,
    Decimal: encode_decimal,
    datetime: _encode_instant,
    date: _encode_day,
    time: _encode_time,
    timedelta: _encode_duration,
}
