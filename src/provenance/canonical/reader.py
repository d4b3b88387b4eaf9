"""The strict reader of JSON: size, encoding, depth, syntax, keys, numbers, text, in this order.

Whatever the input, only `CanonicalError` leaves; time and memory are linear in the input, whose
size is looked at first; nothing recurses deeper than `MAX_DEPTH`. Source:
`spec/canonical-encoding.md`, section "Reading". No I/O.
"""

from __future__ import annotations

import json
import re
from itertools import accumulate
from typing import TypeAlias

from provenance.canonical.hooks import Hooks, freeze, walk_faults
from provenance.canonical.limits import MAX_DEPTH, MAX_DOCUMENT_BYTES
from provenance.canonical.pointers import join_pointer
from provenance.canonical.writer import write
from provenance.errors import CanonicalError, shown

__all__ = ["JsonValue", "parse", "parse_canonical"]

#: What `parse` returns: arrays are tuples.
JsonValue: TypeAlias = (
    "bool | int | float | str | tuple[JsonValue, ...] | dict[str, JsonValue] | None"
)

# A string, closed or running to the end. Possessive: no input makes it go back.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?+', re.DOTALL)

# Everything that is no bracket, and +1 or -1 (as a signed byte) for each bracket.
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")

# An escape that may be half of a surrogate pair; the JSON reader joins the halves of a whole pair.
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


def parse(
    data: bytes,
    *,
    source: str = "",
    max_bytes: int = MAX_DOCUMENT_BYTES,
    max_depth: int = MAX_DEPTH,
    foreign: bool = False,
) -> JsonValue:
    """Read one JSON document strictly.

    Args:
        data: The document: UTF-8 without a byte order mark.
        source: What errors call the document, e.g. a file name; their path is then
            `source#/json/pointer`, otherwise the JSON Pointer alone.
        max_bytes: Longest input that is looked at.
        max_depth: Deepest nesting of arrays and objects, at most `MAX_DEPTH`.
        foreign: The document is not of our format: numbers may be any that are finite as doubles,
            in at most `MAX_NUMBER_CHARACTERS` characters.

    Returns:
        The value; arrays are tuples, objects keep the order of their keys, `-0` and `-0.0` are 0.

    Raises:
        CanonicalError: With code `json-size`, `json-encoding`, `json-depth`, `json-syntax`,
            `json-duplicate-key`, `json-number` or `json-surrogate`.

    Source: `spec/canonical-encoding.md`, section "Reading".
    """
    text = _decode(data, source=source, max_bytes=max_bytes)
    _check_depth(data, source=source, max_depth=min(max_depth, MAX_DEPTH))
    hooks = Hooks(foreign=foreign)
    try:
        value = json.loads(
            text,
            object_pairs_hook=hooks.read_object,
            parse_int=hooks.read_integer,
            parse_float=hooks.read_real,
            parse_constant=hooks.read_constant,
        )
    except json.JSONDecodeError as error:
        raise CanonicalError(
            path=source,
            problem=f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}",
            code="json-syntax",
        ) from error
    value = freeze(value)
    if hooks.faults or _SURROGATE_ESCAPE.search(text):
        _raise_first_fault(value, source)
    return value  # type: ignore[no-any-return]  # without faults the hooks build only JSON values


def parse_canonical(
    data: bytes,
    *,
    source: str = "",
    max_bytes: int = MAX_DOCUMENT_BYTES,
    max_depth: int = MAX_DEPTH,
    foreign: bool = False,
) -> JsonValue:
    """Read one JSON document that must be in canonical form; takes what `parse` takes.

    Raises:
        CanonicalError: As `parse`, or with code `payload-not-canonical`: the bytes are not those
            that `write` would give for what they say.
    """
    value = parse(data, source=source, max_bytes=max_bytes, max_depth=max_depth, foreign=foreign)
    canonical = write(value, foreign=foreign)
    if canonical != data:
        same = _common_prefix_length(canonical, data)
        raise CanonicalError(
            path=source,
            problem=f"not in canonical form (RFC 8785): differs from it at byte {same}, "
            f"found {shown(data[same : same + 20])}, expected {shown(canonical[same : same + 20])}",
            remedy="the signer must write the canonical form; it cannot be repaired afterwards",
            code="payload-not-canonical",
        )
    return value


def _decode(data: bytes, *, source: str, max_bytes: int) -> str:
    """Check size and encoding; `json` itself would guess UTF-16 and UTF-32."""
    if len(data) > max_bytes:
        raise CanonicalError(
            path=source,
            problem=f"{len(data)} bytes, more than the {max_bytes} that are read",
            code="json-size",
        )
    if data.startswith(b"\xef\xbb\xbf"):
        raise CanonicalError(
            path=source, problem="begins with a byte order mark", code="json-encoding"
        )
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CanonicalError(
            path=source, problem=f"not UTF-8 at byte {error.start}", code="json-encoding"
        ) from error


def _check_depth(data: bytes, *, source: str, max_depth: int) -> None:
    """Refuse deep nesting before anything recurses. Brackets inside strings do not count."""
    if data.count(b"[") + data.count(b"{") <= max_depth:
        return
    brackets = _STRING.sub(b"", data).translate(_STEPS, _NO_BRACKETS)
    # The running sum of +1 and -1 is never below the depth that the JSON reader reaches.
    if max(accumulate(memoryview(brackets).cast("b")), default=0) > max_depth:
        raise CanonicalError(
            path=source, problem=f"nested deeper than {max_depth} levels", code="json-depth"
        )


def _raise_first_fault(value: object, source: str) -> None:
    """Raise for the first fault in document order, if there is one."""
    for path, fault in walk_faults(value):
        pointer = join_pointer(*path)
        raise CanonicalError(
            path=f"{source}#{pointer}" if source and pointer else source or pointer,
            problem=fault.problem,
            code=fault.code,
        )


def _common_prefix_length(one: bytes, other: bytes) -> int:
    """Return how many bytes two strings have in common from the start, by halving."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
