"""Strict reading of one field at a time: its type, its presence, and nothing beside it.

Every function takes the JSON Pointer of what it looks at, for the message of its error. No I/O.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING

from provenance import canonical
from provenance.digest.names import printable_name
from provenance.errors import MAX_SHOWN_CHARACTERS, EnvelopeError, shown

if TYPE_CHECKING:
    from collections.abc import Collection

    from provenance.canonical import JsonValue

__all__ = [
    "decode_base64",
    "encode_base64",
    "refuse_unknown",
    "require_array",
    "require_object",
    "require_text",
    "take",
    "under",
]

_URL_SAFE_TO_STANDARD = str.maketrans("-_", "+/")


def under(path: str, token: str | int) -> str:
    """Return the JSON Pointer of a member or an element of what stands at `path`."""
    return path + canonical.join_pointer(token)


def take(parent: dict[str, JsonValue], name: str, path: str, *, code: str) -> JsonValue:
    """Return a field that must be there.

    Raises:
        EnvelopeError: The field is missing.
    """
    if name not in parent:
        raise EnvelopeError(path=under(path, name), problem="this field is missing", code=code)
    return parent[name]


def refuse_unknown(
    parent: dict[str, JsonValue], known: Collection[str], path: str, *, code: str
) -> None:
    """Refuse an object with a field that its format does not have.

    Raises:
        EnvelopeError: There is one; the message names the first.
    """
    for name in parent:
        if name not in known:
            raise EnvelopeError(
                path=under(path, printable_name(name[:MAX_SHOWN_CHARACTERS])),
                problem=f"unknown field, expected only {', '.join(sorted(known))}",
                code=code,
            )


def require_object(value: JsonValue, path: str, *, code: str) -> dict[str, JsonValue]:
    """Return `value` if it is a JSON object.

    Raises:
        EnvelopeError: It is something else.
    """
    if not isinstance(value, dict):
        raise _wrong_type(value, "an object", path, code)
    return value


def require_array(value: JsonValue, path: str, *, most: int, code: str) -> tuple[JsonValue, ...]:
    """Return `value` if it is a JSON array of at most `most` elements.

    Raises:
        EnvelopeError: It is something else, or longer.
    """
    if not isinstance(value, tuple):
        raise _wrong_type(value, "an array", path, code)
    if len(value) > most:
        problem = f"{len(value)} elements, expected at most {most}"
        raise EnvelopeError(path=path, problem=problem, code=code)
    return value


def require_text(value: JsonValue, path: str, *, most: int, code: str) -> str:
    """Return `value` if it is a JSON string of at most `most` characters.

    Raises:
        EnvelopeError: It is something else, or longer.
    """
    if not isinstance(value, str):
        raise _wrong_type(value, "a string", path, code)
    if len(value) > most:
        problem = f"{len(value)} characters, expected at most {most}"
        raise EnvelopeError(path=path, problem=problem, code=code)
    return value


def encode_base64(data: bytes) -> str:
    """Return standard base64 (RFC 4648, section 4) with padding: the one form that we write."""
    return b64encode(data).decode("ascii")


def decode_base64(value: JsonValue, path: str, *, most: int, code: str) -> bytes:
    """Return the bytes of a base64 string of either alphabet, read strictly.

    DSSE makes verifiers accept the standard and the URL-safe alphabet. Beyond that there is one
    spelling: no mixture of both, all padding, no blank, zero trailing bits. `b64decode` alone drops
    foreign characters or takes other trailing bits, so the bytes are encoded again and compared.

    Args:
        value: What stands in the document.
        path: Its JSON Pointer.
        most: Largest number of decoded bytes; checked before decoding.
        code: The finding code of a fault.

    Raises:
        EnvelopeError: The value is no such string, or holds more bytes.
    """
    text = require_text(value, path, most=_encoded_length(most), code=code)
    standard = text
    if "-" in text or "_" in text:
        if "+" in text or "/" in text:
            problem = "base64 that mixes the standard and the URL-safe alphabet"
            raise EnvelopeError(path=path, problem=problem, code=code)
        standard = text.translate(_URL_SAFE_TO_STANDARD)
    try:
        data = b64decode(standard.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise _not_base64(text, path, code) from error
    if encode_base64(data) != standard:
        raise _not_base64(text, path, code)
    if len(data) > most:
        problem = f"{len(data)} bytes, expected at most {most}"
        raise EnvelopeError(path=path, problem=problem, code=code)
    return data


def _encoded_length(size_bytes: int) -> int:
    """Return how many characters of padded base64 hold `size_bytes` bytes."""
    return 4 * -(-size_bytes // 3)


def _wrong_type(value: JsonValue, expected: str, path: str, code: str) -> EnvelopeError:
    names = {dict: "an object", tuple: "an array", str: "a string", bool: "a boolean"}
    found = "null" if value is None else names.get(type(value), "a number")
    return EnvelopeError(path=path, problem=f"{found}, expected {expected}", code=code)


def _not_base64(text: str, path: str, code: str) -> EnvelopeError:
    problem = (
        f"expected padded base64 with zero trailing bits and nothing else, found {shown(text)}"
    )
    return EnvelopeError(path=path, problem=problem, code=code)
