"""What differs between two JSON documents, by path. Pure.

Members of a list are matched by their `id`, `path` or `name` where all of them have one, so that a
dataset that was added at the front is one difference and not a shift of all others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from provenance import canonical
from provenance.render.escaping import escape, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from provenance.canonical import JsonValue

__all__ = ["Change", "find_changes", "render_changes"]

#: Characters of a value that a line shows.
MAX_CHANGE_CHARACTERS = 300

# What names a member of a list, the best first.
_KEYS = ("id", "path", "name")
_MARKS = {"added": "+", "removed": "-", "changed": "~", "reordered": "~"}


@dataclass(frozen=True, slots=True)
class Change:
    """One difference."""

    kind: Literal["added", "removed", "changed", "reordered"]
    """What happened on the way from the first document to the second."""

    path: str
    """JSON Pointer, in which a member of a list is called by its id, path or name if it has one."""

    before: JsonValue = None
    """The value in the first document; `None` if it was added."""

    after: JsonValue = None
    """The value in the second document; `None` if it was removed."""


def find_changes(before: JsonValue, after: JsonValue, *, path: str = "") -> tuple[Change, ...]:
    """Return the differences between two parsed documents, in the order of the first.

    There are none if, and only if, both have the same canonical form.

    Args:
        before: The first document, arrays as tuples.
        after: The second one.
        path: JSON Pointer of both, put before every path.
    """
    return tuple(_changes(before, after, path))


def render_changes(changes: Sequence[Change]) -> tuple[str, ...]:
    """Return one line for each difference: a mark (`+`, `-` or `~`), the path, the values."""
    return tuple(_line(change) for change in changes)


def _changes(before: JsonValue, after: JsonValue, path: str) -> Iterator[Change]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        yield from _members(before, after, path)
    elif isinstance(before, tuple) and isinstance(after, tuple):
        yield from _lists(before, after, path)
    elif type(before) is not type(after) or before != after:  # true is not 1
        yield Change("changed", path, before, after)


def _members(
    before: Mapping[str, JsonValue], after: Mapping[str, JsonValue], path: str
) -> Iterator[Change]:
    for name, value in before.items():
        inside = path + canonical.join_pointer(name)
        if name in after:
            yield from _changes(value, after[name], inside)
        else:
            yield Change("removed", inside, before=value)
    for name, value in after.items():
        if name not in before:
            yield Change("added", path + canonical.join_pointer(name), after=value)


def _lists(
    before: tuple[JsonValue, ...], after: tuple[JsonValue, ...], path: str
) -> Iterator[Change]:
    for key in _KEYS:
        first, second = _by_key(before, key), _by_key(after, key)
        if first is not None and second is not None:
            yield from _members(first, second, path)
            both = [name for name in first if name in second]
            if both != [name for name in second if name in first]:
                yield Change("reordered", path, tuple(both), tuple(n for n in second if n in first))
            return
    yield from _members(_by_index(before), _by_index(after), path)


def _by_key(items: tuple[JsonValue, ...], key: str) -> dict[str, JsonValue] | None:
    """Return the members of a list by a key that all of them have and no two share."""
    found: dict[str, JsonValue] = {}
    for item in items:
        name = item.get(key) if isinstance(item, dict) else None
        if not isinstance(name, str) or name in found:
            return None
        found[name] = item
    return found


def _by_index(items: tuple[JsonValue, ...]) -> dict[str, JsonValue]:
    return {str(index): item for index, item in enumerate(items)}


def _line(change: Change) -> str:
    mark = f"{_MARKS[change.kind]} {escape(change.path) or '(the whole)'}"
    if change.kind == "added":
        return f"{mark}: {_value(change.after)}"
    if change.kind == "removed":
        return f"{mark}: {_value(change.before)}"
    if change.kind == "reordered":
        return f"{mark}: the same members in another order"
    return f"{mark}: {_value(change.before)} → {_value(change.after)}"


def _value(value: JsonValue) -> str:
    text = canonical.write(value, foreign=True).decode("utf-8")
    return escape(shorten(text, MAX_CHANGE_CHARACTERS))
