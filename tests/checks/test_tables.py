"""The tables of the checks name every field of the documents that they should, and no other."""

from __future__ import annotations

import inspect
import types
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

from provenance.checks import PARTS, RUNGS
from provenance.checks.datasets import _LICENCES
from provenance.checks.references import IDENTIFIED, REFERENCES
from provenance.checks.times import _PAST, _PERIODS
from provenance.manifest import Document, Manifest
from provenance.manifest.base import Id, Timestamp
from provenance.manifest.files import FileReference

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Times of the manifest itself, and of what may lie in the future.
OWN_TIMES = {"/createdAt", "/expiresAt"}


def leaves(kind: type[Document], path: str = "") -> Iterator[tuple[str, str, Any]]:
    """Yield (pattern, field, annotation) of every field below a class of document."""
    for name, field in kind.model_fields.items():
        annotation = field.annotation
        alias = field.alias or name
        where = f"{path}/{alias}"
        for inner, is_list in cores(annotation):
            place = f"{where}/*" if is_list else where
            if isinstance(inner, type) and issubclass(inner, Document):
                yield from leaves(inner, place)
            else:
                yield place, alias, inner
        yield where, alias, written(kind, name)


def written(kind: type[Document], name: str) -> str:
    """Return the annotation of a field as it stands in the source."""
    classes = (inspect.get_annotations(base) for base in kind.__mro__)
    return str(next(found for found in classes if name in found)[name])


def cores(annotation: Any, *, is_list: bool = False) -> Iterator[tuple[Any, bool]]:  # noqa: ANN401 - a type
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from cores(get_args(annotation)[0], is_list=is_list)
    elif origin in {Union, types.UnionType}:
        for item in get_args(annotation):
            if item is not types.NoneType:
                yield from cores(item, is_list=is_list)
    elif origin is tuple:
        yield from cores(get_args(annotation)[0], is_list=True)
    else:
        yield annotation, is_list


def annotated(word: str) -> set[str]:
    """Return the patterns of all fields whose annotation, as it is written, names a type alias."""
    found = set()
    for place, _, annotation in leaves(Manifest):
        if (
            isinstance(annotation, str)
            and word in annotation.replace("[", " ").replace("]", " ").split()
        ):
            found.add(f"{place}/*" if "Many[" in annotation or "tuple[" in annotation else place)
    return found


def test_every_reference_is_checked() -> None:
    owned = {f"{pattern}/id" for pattern, _ in IDENTIFIED}
    assert annotated("Id") == {pattern for pattern, _ in REFERENCES} | owned
    assert Id is not None


def test_every_licence_is_checked() -> None:
    assert {f"{place}/*" for place in annotated("Licenses")} == set(_LICENCES)


def test_every_time_is_checked() -> None:
    periods = {f"{pattern}/{name}" for pattern, *names in _PERIODS for name in names}
    assert annotated("Timestamp") == set(_PAST) | periods | OWN_TIMES
    assert Timestamp is not None


def test_kinds_name_fields_that_exist() -> None:
    places = {place for place, _, _ in leaves(Manifest)} | {
        place.removesuffix("/*") for place, _, _ in leaves(Manifest)
    }
    prefixes = {place[: len(place) - len(name) - 1] for place, name, _ in leaves(Manifest)}
    for part in PARTS:
        for kind in part.kinds:
            names = (kind.field, *kind.alternatives, *kind.roots, *kind.digests, *kind.files)
            names += (*kind.documents, *kind.steps, *kind.code, *kind.environments)
            names += tuple(name for name, _ in kind.lists)
            for pattern in kind.patterns:
                assert pattern in prefixes, pattern
            for name in filter(None, names):
                owners = [pattern for pattern in kind.patterns if f"{pattern}/{name}" in places]
                assert owners, f"{kind.name}: {name}"


def test_eleven_parts_stand_in_their_order() -> None:
    assert [part.id for part in PARTS] == [
        "datasets",
        "data-criteria",
        "processing",
        "architecture",
        "hyperparameters",
        "training-code",
        "environment",
        "training-log",
        "checkpoints",
        "evaluations",
        "compute",
    ]
    assert RUNGS[0] == "absent"
    assert RUNGS[-1] == "reproduced"
    assert issubclass(FileReference, Document)
