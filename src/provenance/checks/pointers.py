"""Patterns of JSON Pointers: `/datasets/*/cleaning/*/step` names every such place. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from provenance.canonical import join_pointer, split_pointer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Places", "covers", "expand", "upwards"]


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


def upwards(path: str) -> Iterator[str]:
    """Yield a path, then everything above it, the whole document last."""
    while path:
        yield path
        path = path.rpartition("/")[0]
    yield ""


class Places:
    """Some places of a document; tells what is one of them, or above or inside one.

    >>> "/datasets/0" in Places(["/datasets/0/recordSet"])
    True
    """

    def __init__(self, paths: Iterable[str]) -> None:
        """Take the pointers; the whole document is no place."""
        self._paths = frozenset(filter(None, paths))
        self._above = frozenset(above for path in self._paths for above in upwards(path))

    def __contains__(self, path: str) -> bool:
        """Return whether a pointer is one of them, or above or inside one."""
        return path in self._above or any(above in self._paths for above in upwards(path))


def _step(
    place: tuple[str | int, ...], value: object, name: str
) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    if name == "*":
        if isinstance(value, list | tuple):
            yield from (((*place, index), item) for index, item in enumerate(value))
    elif isinstance(value, Mapping) and name in value:
        yield (*place, name), value[name]
