"""The plain types of fields: texts with their limits, times, counts and lists. No I/O."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

from pydantic import AfterValidator, FailFast, Field, GetPydanticSchema, WithJsonSchema
from pydantic_core import core_schema

from provenance.errors import ManifestError, shown
from provenance.manifest.faults import describe_pattern, located

if TYPE_CHECKING:
    from pydantic_core.core_schema import IntSchema, StringSchema

__all__ = [
    "MAX_ITEMS",
    "MAX_URI_LENGTH",
    "MAX_WHOLE_NUMBER",
    "POINTER_PATTERN",
    "URI_PATTERN",
    "Commit",
    "Count",
    "Hash",
    "Id",
    "Licenses",
    "Many",
    "Name",
    "Path",
    "Pointer",
    "ShortText",
    "Step",
    "Text",
    "Timestamp",
    "Uri",
    "Version",
    "parse_timestamp",
]

#: Longest identifier inside a manifest, in characters.
MAX_ID_LENGTH: Final = 128

#: Longest one-line text, in characters.
MAX_SHORT_TEXT_LENGTH: Final = 1_000

#: Longest free text, in characters; longer prose belongs into a document.
MAX_TEXT_LENGTH: Final = 100_000

#: Longest URI, JSON Pointer or path, in characters.
MAX_URI_LENGTH: Final = 4_096

#: Most items of one list; a longer inventory stands in a file of its own.
MAX_ITEMS: Final = 100_000

#: Largest count and step: every whole number up to here is exact as a double.
MAX_WHOLE_NUMBER: Final = 2**53 - 1

_TIMESTAMP = (
    r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?Z$"
)
_TIMESTAMP_FORM = re.compile(_TIMESTAMP[1:-1])

#: The pattern of a URI.
URI_PATTERN = describe_pattern(
    r"^[A-Za-z][A-Za-z0-9+.-]*:[!-~]+$", "a URI with its scheme, in ASCII without blanks"
)

#: The pattern of a JSON Pointer.
POINTER_PATTERN = describe_pattern(r"^(/([^/~]|~[01])*)*$", "a JSON Pointer")

_ONE_LINE = describe_pattern(
    r"^[^\u0000-\u001F\u007F-\u009F\u2028\u2029]+$", "one line of text without control characters"
)

T = TypeVar("T")


def parse_timestamp(text: str) -> datetime:
    """Return an RFC 3339 time in UTC as an aware `datetime`, cut to microseconds.

    >>> parse_timestamp("2026-11-22T12:00:00Z").isoformat()
    '2026-11-22T12:00:00+00:00'

    Raises:
        ManifestError: The text is no such time, or the date does not exist.
    """
    if _TIMESTAMP_FORM.fullmatch(text):
        year, month, day, hour, minute, second = map(int, re.split("[-T:]", text[:19]))
        micro = int(text[20:-1][:6].ljust(6, "0"))
        try:
            return datetime(year, month, day, hour, minute, second, micro, tzinfo=UTC)
        except ValueError:
            pass  # 30 February and the year 0000: the same answer as for a wrong form
    raise ManifestError(
        problem=f"expected a time such as 2026-11-22T12:00:00Z, found {shown(text)}",
        code="manifest-invalid",
    )


def _check_timestamp(value: str) -> str:
    with located():
        parse_timestamp(value)
    return value


def _as_built(schema: StringSchema | IntSchema) -> GetPydanticSchema:
    """Return the mark of a type whose schema is this one.

    Pydantic would put it together again for each of some hundred fields, from marks of its own.
    """
    return GetPydanticSchema(lambda _source, _handler: schema.copy())


Many = Annotated[tuple[T, ...], Field(max_length=MAX_ITEMS), FailFast()]
"""A list; reading stops at its first fault, so that no list of faults is a bomb."""

Id = Annotated[
    str,
    _as_built(
        core_schema.str_schema(
            pattern=describe_pattern(
                r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
                "an id (letters, digits, '.', '_', '-'; first a letter or digit)",
            ),
            max_length=MAX_ID_LENGTH,
        )
    ),
]
"""A short, unique, stable name inside one manifest."""

ShortText = Annotated[
    str,
    _as_built(
        core_schema.str_schema(pattern=_ONE_LINE, min_length=1, max_length=MAX_SHORT_TEXT_LENGTH)
    ),
]
"""One line of text."""

Name = ShortText
"""One line that names something."""

Text = Annotated[str, _as_built(core_schema.str_schema(min_length=1, max_length=MAX_TEXT_LENGTH))]
"""Prose; may have lines."""

Uri = Annotated[
    str, _as_built(core_schema.str_schema(pattern=URI_PATTERN, max_length=MAX_URI_LENGTH))
]
"""A URI with its scheme (RFC 3986); never fetched by a verifier on its own account."""

Timestamp = Annotated[
    str,
    AfterValidator(_check_timestamp),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": _TIMESTAMP}),
]
"""A time in UTC (RFC 3339), with `Z`."""

Version = Annotated[
    str,
    _as_built(
        core_schema.str_schema(
            pattern=describe_pattern(
                r"^(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})$", "a version major.minor"
            )
        )
    ),
]
"""A version of the format, major.minor."""

Pointer = Annotated[
    str, _as_built(core_schema.str_schema(pattern=POINTER_PATTERN, max_length=MAX_URI_LENGTH))
]
"""A JSON Pointer (RFC 6901) into the same document."""

Path = Annotated[str, _as_built(core_schema.str_schema(min_length=1, max_length=MAX_URI_LENGTH))]
"""A relative path; whether it is safe is a check of its own (`spec/digests.md`, "Names")."""

Commit = Annotated[
    str,
    _as_built(
        core_schema.str_schema(
            pattern=describe_pattern(
                r"^([0-9a-f]{40}|[0-9a-f]{64})$",
                "a full Git id of 40 or 64 lower-case hexadecimal characters, no branch or tag",
            )
        )
    ),
]
"""A full Git object id."""

Hash = Annotated[
    str,
    _as_built(
        core_schema.str_schema(
            pattern=describe_pattern(r"^[0-9a-f]{64}$", "64 lower-case hexadecimal characters")
        )
    ),
]
"""A hash of 256 bits whose field says how it is made; not the digest of a file."""

Count = Annotated[int, _as_built(core_schema.int_schema(ge=0, le=MAX_WHOLE_NUMBER))]
"""A number of things or bytes."""

Step = Count
"""A number of training steps."""

Licenses = Many[ShortText]
"""SPDX licence expressions; all of them apply."""
