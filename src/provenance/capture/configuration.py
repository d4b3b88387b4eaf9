"""The resolved configuration of a run as free JSON: every value after defaults were applied.

Takes dictionaries, dataclasses, argparse namespaces, pydantic, attrs and msgspec objects, named
tuples, OmegaConf and whatever has `to_dict()`. Reads no environment; shows no memory address.
"""

from __future__ import annotations

import os
from collections.abc import Set as AbstractSet
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any

from provenance.canonical import encode_number, join_pointer
from provenance.capture.captured import Captured, describe_error, make_gap
from provenance.capture.object_kinds import element_of, items_of, name_of, text_of
from provenance.capture.omega import is_omega, unset_settings
from provenance.capture.paths import public_path, shorten_home
from provenance.capture.redaction import REDACTED, redact_mapping
from provenance.errors import CanonicalError
from provenance.manifest import FrozenMapping

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from provenance.capture.captured import GapKind
    from provenance.manifest import Gap

__all__ = ["resolve_configuration"]

#: Deepest nesting that is kept; a manifest itself needs about 12 of its 64 levels.
MAX_DEPTH = 32

#: Most values of one configuration.
MAX_VALUES = 50_000

#: Longest text that is kept, in characters; longer ones are cut.
MAX_TEXT_CHARACTERS = 20_000

#: Most gaps; more of them add nothing.
MAX_GAPS = 100

_SUBJECT = "configuration"
_SECRET_CLASSES = frozenset({"Secret", "SecretBytes", "SecretStr"})


def resolve_configuration(
    configuration: object, *, project: Path | None = None
) -> Captured[FrozenMapping]:
    """Return a configuration as an immutable JSON object with its nesting and names kept.

    Args:
        configuration: The object that the script was configured with.
        project: Paths inside this folder become relative to it.

    Returns:
        The settings without secrets. What has no JSON form stands as its class's qualified name,
        with a gap; so does what lies beyond the limits on depth and number of values.
    """
    walk = _Walk(project)
    tree = walk.resolve(configuration, "", 0)
    if not isinstance(tree, dict):
        walk.fault("", "failed", f"a {name_of(type(configuration))} holds no named settings")
        tree = {}
    redacted = redact_mapping(tree)
    return Captured(
        FrozenMapping(redacted.value), (*walk.gaps, *redacted.gaps(_SUBJECT)[:MAX_GAPS])
    )


class _NotScalarError(Exception):
    """The value holds other values."""


class _Walk:
    """One walk through a configuration, with its limits and its faults."""

    def __init__(self, project: Path | None) -> None:
        self.gaps: list[Gap] = []
        self._project = project
        self._values = 0
        self._open: set[int] = set()  # ids of the containers above, to find cycles

    def fault(self, path: str, kind: GapKind, problem: str) -> None:
        if len(self.gaps) < MAX_GAPS:
            self.gaps.append(make_gap(_SUBJECT, kind, f"{path}: {problem}" if path else problem))

    def resolve(self, value: object, path: str, depth: int) -> Any:  # noqa: ANN401 - free JSON
        self._values += 1
        if self._values > MAX_VALUES:
            if self._values == MAX_VALUES + 1:
                self.fault(path, "failed", f"more than {MAX_VALUES} values; the rest is left out")
            return "[left out]"
        try:
            return self._scalar(value, path)
        except _NotScalarError:
            return self._nested(value, path, depth)
        except Exception as error:  # noqa: BLE001 - foreign objects may raise anything when read
            return self._stand_in(value, path, f"could not be read ({describe_error(error)})")

    def _nested(self, value: object, path: str, depth: int) -> Any:  # noqa: ANN401 - free JSON
        """Resolve what holds other values, if it is not too deep, nor inside itself."""
        if depth >= MAX_DEPTH or id(value) in self._open:
            why = "is nested too deep" if depth >= MAX_DEPTH else "contains itself"
            return self._stand_in(value, path, why)
        self._open.add(id(value))
        try:
            return self._container(value, path, depth)
        except Exception as error:  # noqa: BLE001 - as above
            return self._stand_in(value, path, f"could not be read ({describe_error(error)})")
        finally:
            self._open.discard(id(value))

    def _scalar(self, value: object, path: str) -> Any:  # noqa: ANN401 - free JSON
        """Return the JSON form of a value that holds no others.

        Raises:
            _NotScalarError: It does hold others, or nobody knows what it is.
        """
        if isinstance(value, Enum):
            value = value.value
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float | Decimal):
            return self._number(value, path)
        if type(value).__name__ in _SECRET_CLASSES:
            self.fault(path, "redacted", "a class for secrets")
            return REDACTED
        if isinstance(value, str):
            text: str | None = shorten_home(str(value))
        elif isinstance(value, os.PathLike):
            text = public_path(os.fsdecode(value), project=self._project)
        else:
            text = text_of(value)
        if text is None:
            raise _NotScalarError
        return self._text(text, path)

    def _number(self, value: float | Decimal, path: str) -> Any:  # noqa: ANN401 - free JSON
        # A subclass such as `numpy.float64` or an `IntEnum` is written as what it extends.
        kind = next(kind for kind in (int, float, Decimal) if isinstance(value, kind))
        plain = value if isinstance(value, Decimal) else kind(value)
        try:
            encode_number(plain)
        except CanonicalError as error:
            return self._stand_in(value, path, f"cannot be written: {error.problem}")
        return plain

    def _text(self, text: str, path: str) -> str:
        text = text.encode("utf-8", "backslashreplace").decode("utf-8")
        if len(text) > MAX_TEXT_CHARACTERS:
            problem = f"text of {len(text)} characters, cut to {MAX_TEXT_CHARACTERS}"
            self.fault(path, "failed", problem)
        return text[:MAX_TEXT_CHARACTERS]

    def _container(self, value: object, path: str, depth: int) -> Any:  # noqa: ANN401 - free JSON
        items = items_of(value)
        if items is not None:
            if is_omega(value):
                for name in unset_settings(items):
                    self.fault(path, "absent", f"{name} has no value (???)")
            return self._mapping(items, path, depth)
        if isinstance(value, list | tuple):
            return self._sequence(value, path, depth)
        if isinstance(value, AbstractSet):
            # repr of JSON values: no address, and one order in every process.
            return tuple(sorted(self._sequence(value, path, depth), key=repr))
        element = element_of(value)
        if element is None:
            return self._stand_in(value, path, "has no JSON form")
        return self.resolve(element[0], path, depth + 1)

    def _sequence(self, values: Iterable[object], path: str, depth: int) -> tuple[Any, ...]:
        return tuple(
            self.resolve(item, f"{path}{join_pointer(index)}", depth + 1)
            for index, item in enumerate(values)
        )

    def _mapping(self, items: Mapping[Any, Any], path: str, depth: int) -> Any:  # noqa: ANN401 - free JSON
        resolved: dict[str, Any] = {}
        for key, value in items.items():
            name = self._key(key, path)
            place = f"{path}{join_pointer(name)}"
            if name in resolved:
                self.fault(place, "failed", "two keys have this text; the last one is kept")
            resolved[name] = self.resolve(value, place, depth + 1)
        if set(resolved) == {"number"} and isinstance(resolved["number"], str):
            # Reserved in our documents: it would be read back as a number, or refused.
            resolved["number"] = (resolved["number"],)
            problem = "an object with only `number` is reserved; its text stands in a list"
            self.fault(path, "failed", problem)
        return resolved

    def _key(self, key: object, path: str) -> str:
        if isinstance(key, Enum):
            key = key.value
        if isinstance(key, tuple) and all(isinstance(part, str | int) for part in key):
            key = "/".join(map(str, key))
        if key is None or isinstance(key, str | int | float):
            return self._text(str(key), path)
        return self._stand_in(key, path, "is a key without text")

    def _stand_in(self, value: object, path: str, problem: str) -> str:
        name = name_of(type(value))
        self.fault(path, "failed", f"a {name} {problem}")
        return name
