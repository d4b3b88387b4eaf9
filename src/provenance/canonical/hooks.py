"""What `json` calls for each object and number of a document, and where it found a fault.

A hook cannot know where in the document it stands. So it leaves a `Fault` in the tree in place of
the value it refuses, and a walk finds its path afterwards; a document without faults pays for no
walk. No I/O.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from provenance.canonical.limits import MAX_NUMBER_CHARACTERS, NUMBER_BOUND
from provenance.errors import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["SURROGATE", "Fault", "Hooks", "freeze", "visible_key", "walk_faults"]

#: A code point that is half of a surrogate pair; no UTF-8 text can hold it.
SURROGATE = re.compile("[\ud800-\udfff]")

# Characters of a key that a path shows.
_MAX_KEY_CHARACTERS = 200


class Fault:
    """Stands in the parsed tree where a value was refused, so that its path can be found."""

    __slots__ = ("code", "key", "problem")

    def __init__(self, code: str, problem: str, key: str | None = None) -> None:
        """Keep the finding code, the problem, and the key if the fault is an object's key."""
        self.code = code
        self.problem = problem
        self.key = key


class Hooks:
    """What `json` calls for each object and number of one document.

    Args:
        foreign: The document is somebody else's: any number may stand that is finite as a double.
            In ours, only those below 2^53 in magnitude.
    """

    def __init__(self, *, foreign: bool) -> None:
        """Start with no fault."""
        self.faults = 0
        self._foreign = foreign

    def read_object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any] | Fault:
        """Return the object, or a fault if a key stands twice (compared as decoded)."""
        result = {key: freeze(value) for key, value in pairs}
        if len(result) == len(pairs):
            return result
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                return self.fault("json-duplicate-key", f"the key {shown(key)} stands twice", key)
            seen.add(key)
        raise AssertionError("fewer keys than pairs, and no key twice")

    def read_integer(self, text: str) -> int | Fault:
        """Return an integer that may stand here, exactly; `-0` is 0."""
        # The length comes first: converting 5,000 digits raises, and converting takes long.
        if len(text) <= MAX_NUMBER_CHARACTERS and self._may_stand(float(text)):
            return int(text)
        return self._too_large(text)

    def read_real(self, text: str) -> float | Fault:
        """Return a double that may stand here; `-0.0` is 0.0."""
        if len(text) <= MAX_NUMBER_CHARACTERS and self._may_stand(value := float(text)):
            return value + 0.0  # turns -0.0 into 0.0 and changes nothing else
        return self._too_large(text)

    def read_constant(self, text: str) -> Fault:
        """Refuse the tokens `NaN`, `Infinity` and `-Infinity`, which are not JSON."""
        return self.fault("json-number", f'{text} is not JSON; it stands as {{"number": "{text}"}}')

    def fault(self, code: str, problem: str, key: str | None = None) -> Fault:
        """Count and return a fault, to be left in the tree."""
        self.faults += 1
        return Fault(code, problem, key)

    def _may_stand(self, value: float) -> bool:
        # 2^53 - 1 and below are exact as doubles, so an integer may be judged by its double.
        return math.isfinite(value) if self._foreign else -NUMBER_BOUND < value < NUMBER_BOUND

    def _too_large(self, text: str) -> Fault:
        limit = "a finite double" if self._foreign else "below 2^53 in magnitude"
        problem = f"{shown(text)} is not {limit}, or longer than {MAX_NUMBER_CHARACTERS} characters"
        remedy = "" if self._foreign else '; it must stand as {"number": "…"}'
        return self.fault("json-number", problem + remedy)


def freeze(value: Any) -> Any:  # noqa: ANN401 - a JSON value on its way through the hooks
    """Return an array, and arrays directly inside it, as tuples; objects are done already."""
    return tuple(map(freeze, value)) if type(value) is list else value


def walk_faults(value: Any) -> Iterator[tuple[tuple[str | int, ...], Fault]]:  # noqa: ANN401 - a JSON value that may hold faults
    """Yield every fault and every lone surrogate in document order, with its reference tokens."""
    if isinstance(value, Fault):
        yield (() if value.key is None else (visible_key(value.key),)), value
    elif isinstance(value, str) and SURROGATE.search(value):
        yield (), Fault("json-surrogate", f"{shown(value)} holds a lone surrogate")
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            for path, fault in walk_faults(item):
                yield (index, *path), fault
    elif isinstance(value, dict):
        for key, item in value.items():
            name = visible_key(key)
            if SURROGATE.search(key):
                yield (name,), Fault("json-surrogate", "the key holds a lone surrogate")
            for path, fault in walk_faults(item):
                yield (name, *path), fault


def visible_key(key: str) -> str:
    """Return a key as it may stand in a path: what is not printable written out, cut to a limit."""
    return "".join(
        character if character.isprintable() else ascii(character)[1:-1]
        for character in key[:_MAX_KEY_CHARACTERS]
    )
