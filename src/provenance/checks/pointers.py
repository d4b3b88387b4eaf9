"""Patterns of JSON Pointers: `/datasets/*/cleaning/*/step` names every such place. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from provenance.canonical import join_pointer, split_pointer

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["covers", "expand"]


def expand(tree: object, pattern: str) -> Iterator[tuple[str, Any]]:
    """Yield each place of a JSON tree that a pattern names, with the value there.

    A `*` stands for every position of an array; an array at the end stands for its elements, if the
    pattern ends in `/*`.

    >>> list(expand({"a": ({"b": 1}, {"b": 2})}, "/a/*/b"))
    [('/a/0/b', 1), ('/a/1/b', 2)]
    """
    places: list[tuple[tuple[str | int, ...], Any]] = [((), tree)]
    for token in pattern.split("/")[1:]:
        places = [found for place, value in places for found in _step(place, value, token)]
    for place, value in places:
        yield join_pointer(*place), value


def covers(pattern: str, pointer: str) -> bool:
    """Return whether a pointer names a place of the pattern, something inside one, or one above.

    >>> covers("/datasets/*/labelling", "/datasets/3/labelling/annotators")
    True
    >>> covers("/datasets/*/labelling", "/datasets/3/cleaning")
    False
    """
    wanted = pattern.split("/")[1:]
    return all(
        want in ("*", token) for want, token in zip(wanted, split_pointer(pointer), strict=False)
    )


def _step(
    place: tuple[str | int, ...], value: object, name: str
) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    if name == "*":
        if isinstance(value, list | tuple):
            yield from (((*place, index), item) for index, item in enumerate(value))
    elif isinstance(value, Mapping) and name in value:
        yield (*place, name), value[name]
