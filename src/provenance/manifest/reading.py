"""From a parsed predicate to a document, by the rules for versions. No I/O.

Another major version is refused. An unknown field is an error within a known minor version, and is
kept and reported from a newer one (`spec/manifest.md`, section "Versions").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from provenance import canonical
from provenance.errors import CanonicalError, ManifestError, shown
from provenance.manifest.attestations import (
    DatasetAttestation,
    EvaluationAttestation,
    ReproductionAttestation,
)
from provenance.manifest.base import find_unknown, parse_document
from provenance.manifest.manifest import MANIFEST_VERSION, Manifest, Predicate
from provenance.manifest.predicates import (
    DATASET_V1,
    EVALUATION_V1,
    MANIFEST_V1,
    REPRODUCTION_V1,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from provenance.manifest.faults import Place

__all__ = ["DOCUMENT_KINDS", "ParsedPredicate", "parse_manifest", "parse_predicate"]

#: The class of the predicate of each predicate type.
DOCUMENT_KINDS: Final[Mapping[str, type[Predicate]]] = MappingProxyType(
    {
        MANIFEST_V1: Manifest,
        DATASET_V1: DatasetAttestation,
        EVALUATION_V1: EvaluationAttestation,
        REPRODUCTION_V1: ReproductionAttestation,
    }
)

#: Most unknown fields of a newer minor version that are set aside one by one.
MAX_UNKNOWN_FIELDS: Final = 1_000

#: Longest major or minor number of a version, in digits.
MAX_VERSION_DIGITS: Final = 6

P = TypeVar("P", bound=Predicate)


@dataclass(frozen=True, slots=True)
class ParsedPredicate(Generic[P]):
    """A predicate that was read, and what of it we do not know."""

    document: P
    """The document, without the unknown fields."""

    tree: Mapping[str, Any]
    """The whole tree as it was signed, unknown fields included. Not to be changed."""

    unknown: tuple[str, ...] = ()
    """JSON Pointers of the fields that a newer minor version brought, in order."""


def parse_manifest(
    tree: object, *, path: str = "", understood: Collection[str] = ()
) -> ParsedPredicate[Manifest]:
    """Read the predicate of `manifest/v1`; see `parse_predicate`."""
    return parse_predicate(Manifest, tree, path=path, understood=understood)


def parse_predicate(
    kind: type[P], tree: object, *, path: str = "", understood: Collection[str] = ()
) -> ParsedPredicate[P]:
    """Read a predicate that `provenance.canonical` has parsed.

    Args:
        kind: The class of the predicate.
        tree: The parsed predicate.
        path: JSON Pointer of the predicate in its own document, for messages.
        understood: URIs of the extensions that the caller understands, should one be critical.

    Raises:
        ManifestError: Another major version (code `manifest-version`), an unknown field of a
            version that we know (`field-unknown`), something critical that we do not know
            (`critical-unknown`), or another broken rule (`manifest-invalid`, `digest-format`,
            `digest-algorithm`, `json-number`).
    """
    if not isinstance(tree, Mapping):
        raise ManifestError(
            path=path, problem=f"expected an object, found {shown(tree)}", code="manifest-invalid"
        )
    unknown: tuple[Place, ...] = ()
    if _is_newer(tree.get("manifestVersion"), path):
        unknown = find_unknown(kind, tree)
        _check_number(unknown, path)
    document = parse_document(kind, _without(tree, unknown), path=path)
    pointers = tuple(sorted(canonical.join_pointer(*location) for location in unknown))
    for index, pointer in enumerate(document.critical):
        _check_critical(pointer, tree, pointers, understood, f"{path}/critical/{index}")
    return ParsedPredicate(document=document, tree=tree, unknown=pointers)


def _is_newer(version: object, path: str) -> bool:
    """Say whether a version of our major has a newer minor."""
    parts = version.split(".") if isinstance(version, str) else []
    if len(parts) != 2 or not all(map(_is_number, parts)):  # noqa: PLR2004 - major.minor
        raise ManifestError(
            path=f"{path}/manifestVersion",
            problem=f"expected a version major.minor, found {shown(version)}",
            code="manifest-invalid",
        )
    major, minor = map(int, parts)
    our_major, our_minor = map(int, MANIFEST_VERSION.split("."))
    if major != our_major:
        raise ManifestError(
            path=f"{path}/manifestVersion",
            problem=f"this is version {shown(version)}, and we know major version {our_major}",
            remedy="use a verifier that knows it",
            code="manifest-version",
        )
    return minor > our_minor


def _is_number(part: str) -> bool:
    # Without a limit, thousands of digits would take long to convert.
    return part.isascii() and part.isdigit() and len(part) <= MAX_VERSION_DIGITS


def _check_number(unknown: tuple[object, ...], path: str) -> None:
    if len(unknown) > MAX_UNKNOWN_FIELDS:
        raise ManifestError(
            path=path,
            problem=f"{len(unknown)} unknown fields, more than {MAX_UNKNOWN_FIELDS}",
            remedy="use a newer verifier",
            code="manifest-invalid",
        )


def _without(tree: Any, locations: tuple[Place, ...]) -> Any:  # noqa: ANN401 - a JSON tree
    """Return a copy of the tree without the members at these places; the rest is shared."""
    if not locations:
        return tree
    dropped = {location[0] for location in locations if len(location) == 1}
    below: dict[str | int, list[Place]] = {}
    for first, *rest in locations:
        if rest:
            below.setdefault(first, []).append(tuple(rest))
    inner = {key: tuple(places) for key, places in below.items()}
    if isinstance(tree, Mapping):
        return {
            key: _without(item, inner.get(key, ()))
            for key, item in tree.items()
            if key not in dropped
        }
    return tuple(_without(item, inner.get(index, ())) for index, item in enumerate(tree))


def _check_critical(
    pointer: str,
    tree: Mapping[str, Any],
    unknown: tuple[str, ...],
    understood: Collection[str],
    path: str,
) -> None:
    try:
        canonical.resolve_pointer(dict(tree), pointer)
    except CanonicalError as error:
        raise ManifestError(
            path=path,
            problem=f"{shown(pointer)} must be understood, and the document does not have it",
            code="critical-unknown",
        ) from error
    foreign = (*unknown, *_foreign_extensions(tree, understood))
    if any(_overlap(pointer, place) for place in foreign):
        raise ManifestError(
            path=path,
            problem=f"{shown(pointer)} must be understood, and we do not know it",
            remedy="use a newer verifier, or one that knows the extension",
            code="critical-unknown",
        )


def _foreign_extensions(tree: Mapping[str, Any], understood: Collection[str]) -> list[str]:
    # An extension is understood by whoever knows its URI, never by the core format.
    extensions = tree.get("extensions", {})
    return [
        canonical.join_pointer("extensions", uri) for uri in extensions if uri not in understood
    ]


def _overlap(one: str, other: str) -> bool:
    """Say whether one place is the other, holds it, or lies in it."""
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")
