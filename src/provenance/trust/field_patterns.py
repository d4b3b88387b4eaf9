"""Patterns of fields as a policy writes them: `datasets[*].licenses`. No I/O.

A pattern that no manifest can match would be a requirement that is never looked at, so it is
refused when the policy is read.

Source: `spec/trust-policy.md`, section "Requirements".
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, get_args, get_origin

from provenance.manifest import Manifest
from provenance.manifest.base import wire_fields

if TYPE_CHECKING:
    from provenance.manifest.base import Document

__all__ = ["check_pattern", "to_pointer_pattern"]

_STAR = "[*]"


def to_pointer_pattern(pattern: str) -> str:
    """Return a pattern as a pattern of JSON Pointers; a list of objects stands for each of them.

    >>> to_pointer_pattern("datasets[*].licenses"), to_pointer_pattern("evaluations")
    ('/datasets/*/licenses', '/evaluations/*')

    Args:
        pattern: A pattern that `check_pattern` accepts.
    """
    kind: type[Document] = Manifest
    *before, last = pattern.split(".")
    for part in before:
        kind = wire_fields(kind)[part.removesuffix(_STAR)] or kind
    pointer = "/" + pattern.replace(_STAR, "/*").replace(".", "/")
    is_objects = wire_fields(kind).get(last) is not None and _is_list(kind, last)
    return f"{pointer}/*" if is_objects else pointer


def check_pattern(pattern: str) -> tuple[str, str]:
    """Return what is wrong with a pattern and what to do about it; two empty texts if nothing is.

    Args:
        pattern: Names joined by dots, `[*]` behind that of a list; its form has been checked.
    """
    kind: type[Document] | None = Manifest
    seen = ""
    for part in pattern.split("."):
        name = part.removesuffix(_STAR)
        if kind is None:
            return f"{seen} holds no fields that a pattern can name", f"require {seen} as a whole"
        fields = wire_fields(kind)
        if name not in fields:
            close = difflib.get_close_matches(name, fields, n=1)
            place = f"{seen}.{name}" if seen else name
            return f"a manifest has no field {place}", f"perhaps {close[0]}" if close else ""
        is_list = _is_list(kind, name)
        seen = f"{seen}.{part}" if seen else part
        if part.endswith(_STAR) and not is_list:
            return f"{seen.removesuffix(_STAR)} is no list", f"leave out {_STAR}"
        if is_list and not part.endswith(_STAR) and seen != pattern:
            return f"{seen} is a list", f"write {seen}{_STAR} for each of its items"
        kind = fields[name]
    return "", ""


def _is_list(kind: type[Document], name: str) -> bool:
    field = next(
        field for python, field in kind.model_fields.items() if (field.alias or python) == name
    )
    return _has_tuple(field.annotation)


def _has_tuple(annotation: object) -> bool:
    """Return whether a type is a tuple, or offers one: `X | None`, `Annotated[X, …]`."""
    if get_origin(annotation) is tuple:
        return True
    return any(_has_tuple(inner) for inner in get_args(annotation))
