"""Step 15: what is withheld or does not apply, and who said what."""

from __future__ import annotations

import re
import types
from typing import TYPE_CHECKING, Annotated, Union, get_args, get_origin

from provenance.canonical import join_pointer, resolve_pointer, split_pointer
from provenance.errors import MAX_TOLD_CHARACTERS, CanonicalError, shown
from provenance.findings import Finding
from provenance.manifest import Document, FrozenMapping, Manifest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provenance.checks.evidence import Evidence
    from provenance.trust import TrustPolicy

__all__ = ["check_disclosures", "check_origins"]

# RFC 6901, section 4; nobody has more elements than fit into nine digits.
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")


def check_disclosures(evidence: Evidence, policy: TrustPolicy) -> Iterator[Finding]:
    """Step 15: a disclosed fact could stand in the manifest, does not, and is disclosed once.

    Codes: `disclosure-duplicate`, `disclosure-contradiction`, `disclosure-path`, `fact-withheld`,
    `fact-not-applicable`.
    """
    seen: set[str] = set()
    for index, disclosure in enumerate(evidence.manifest.disclosures):
        path = f"/disclosures/{index}"
        if disclosure.path in seen:
            message = f"{shown(disclosure.path)} is disclosed twice"
            yield Finding("disclosure-duplicate", f"{path}/path", message)
        seen.add(disclosure.path)
        if _is_stated(evidence, disclosure.path):
            message = f"{shown(disclosure.path)} is {disclosure.status}, and the manifest states it"
            yield Finding("disclosure-contradiction", f"{path}/path", message)
        elif not _is_possible(evidence.manifest, disclosure.path):
            message = f"no manifest like this has anything at {shown(disclosure.path)}"
            yield Finding("disclosure-path", f"{path}/path", message)
        code = "fact-withheld" if disclosure.status == "withheld" else "fact-not-applicable"
        told = shown(disclosure.reason, limit=MAX_TOLD_CHARACTERS)
        yield Finding(code, disclosure.path, f"the producer says why: {told}")


def check_origins(evidence: Evidence, policy: TrustPolicy) -> Iterator[Finding]:
    """Step 15: an origin is one of something that is there.

    Codes: `origin-path`.
    """
    for pointer in evidence.manifest.origins or {}:
        if not _is_stated(evidence, pointer):
            message = f"the manifest has nothing at {shown(pointer)}"
            yield Finding("origin-path", join_pointer("origins", pointer), message)


def _is_stated(evidence: Evidence, pointer: str) -> bool:
    try:
        resolve_pointer(dict(evidence.tree), pointer)
    except CanonicalError:
        return False
    return True


def _is_possible(manifest: Manifest, pointer: str) -> bool:
    """Return whether a manifest with these lists could have something there.

    A field that is absent may be named, as may anything inside it; an element of a list must exist,
    unless the list itself is absent.
    """
    kind: object = Manifest
    value: object = manifest
    for token in split_pointer(pointer):
        kind, value = _descend(kind, value, token)
        if kind is None:
            return False
    return True


def _descend(kind: object, value: object, token: str) -> tuple[object, object]:
    """Return the type and the value (or `None`) one step further down; no type if there is none."""
    if isinstance(kind, type) and issubclass(kind, Document):
        for name, field in kind.model_fields.items():
            if (field.alias or name) == token:
                return _core(field.annotation), getattr(value, name, None)
    elif get_origin(kind) is tuple:
        items = value if isinstance(value, tuple) else ()
        if _INDEX.fullmatch(token) and (not items or int(token) < len(items)):
            return _core(get_args(kind)[0]), items[int(token)] if items else None
    elif kind is FrozenMapping:
        return FrozenMapping, value
    return None, None


def _core(annotation: object) -> object:
    """Return the type without `Annotated` and `| None`."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif get_origin(annotation) in {Union, types.UnionType}:
            annotation = next(item for item in get_args(annotation) if item is not types.NoneType)
        else:
            return annotation
