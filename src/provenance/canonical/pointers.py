"""JSON Pointers (RFC 6901): where a fact stands inside a document.

Every finding, disclosure and origin names its place by one. No I/O.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from provenance.canonical.limits import MAX_POINTER_CHARACTERS
from provenance.errors import CanonicalError, shown

if TYPE_CHECKING:
    from provenance.canonical.reader import JsonValue

__all__ = ["join_pointer", "resolve_pointer", "split_pointer"]

# RFC 6901, section 3: "~" stands only in "~0" and "~1". Possessive, so that no input is slow.
# No possessive group: before Python 3.11.5 one with branches inside matches wrongly (gh-106052).
_POINTER = re.compile(r"(?:/(?:[^/~]++|~[01])*)*", re.DOTALL)

# RFC 6901, section 4: an index has no leading zeros. "-" (past the end) resolves to nothing here.
_INDEX = re.compile(r"0|[1-9][0-9]{0,15}")


def join_pointer(*tokens: str | int) -> str:
    """Return the JSON Pointer with these reference tokens, escaped; none is the whole document.

    >>> join_pointer("datasets", 0, "a/b")
    '/datasets/0/a~1b'
    """
    return "".join("/" + str(token).replace("~", "~0").replace("/", "~1") for token in tokens)


def split_pointer(pointer: str) -> tuple[str, ...]:
    """Return the unescaped reference tokens of a JSON Pointer; `""` has none.

    >>> split_pointer("/datasets/0/a~1b")
    ('datasets', '0', 'a/b')

    Raises:
        CanonicalError: It is no JSON Pointer, or longer than `MAX_POINTER_CHARACTERS`.
    """
    if len(pointer) > MAX_POINTER_CHARACTERS or not _POINTER.fullmatch(pointer):
        raise CanonicalError(
            problem=f"{shown(pointer)} is not a JSON Pointer",
            remedy='write "" or "/" and names joined by "/", with "~" as "~0" and "/" as "~1"',
        )
    # "~1" first: "~01" is the name "~1", not "/" (RFC 6901, section 4).
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:])


def resolve_pointer(document: JsonValue, pointer: str) -> JsonValue:
    """Return the value that a JSON Pointer names in a parsed document.

    Raises:
        CanonicalError: It is no JSON Pointer, or the document has nothing there.
    """
    value = document
    for token in split_pointer(pointer):
        if isinstance(value, Mapping) and token in value:
            value = value[token]
        elif (
            isinstance(value, tuple | list) and _INDEX.fullmatch(token) and int(token) < len(value)
        ):
            value = value[int(token)]
        else:
            raise CanonicalError(
                path=shown(pointer)[1:-1], problem=f"there is nothing named {shown(token)}"
            )
    return value
