"""Free JSON inside a frozen document: mappings that cannot be changed, and the way in and out.

`frozen=True` of pydantic is shallow, so a plain `dict` in a document would stay mutable. No I/O.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from provenance import canonical
from provenance.errors import ManifestError, ProvenanceError, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from typing_extensions import override
else:
    # `typing.override` came with Python 3.12.
    def override(method: object) -> object:
        """Mark a method that overrides one of a base class."""
        return method


__all__ = ["MAX_FREE_VALUES", "FrozenMapping", "freeze", "is_number", "plain", "thaw"]

#: Most values in one free object, however nested; a long configuration has some thousands.
MAX_FREE_VALUES: Final = 100_000

_SURROGATE = re.compile("[\ud800-\udfff]")


class FrozenMapping(Mapping[str, Any]):
    """An immutable JSON object. Its values are scalars, tuples and other frozen mappings.

    Numbers that a JSON number of ours cannot hold (64-bit seeds, NaN, decimals) are kept as
    `{"number": "…"}`; `plain` decodes them. Two are equal if they have the same canonical form, so
    `true` is not 1; an ordinary mapping is frozen before it is compared.
    """

    __slots__ = ("_items",)

    _items: Mapping[str, Any]

    def __init__(self, items: Mapping[str, Any] | Iterable[tuple[str, Any]] = ()) -> None:
        """Freeze a copy of `items`, all the way down.

        Raises:
            ManifestError: A value is none that JSON can hold, or there are too many.
        """
        frozen = _Freezer().members(dict(items), 1)
        object.__setattr__(self, "_items", MappingProxyType(frozen))

    @override
    def __setattr__(self, name: str, value: object) -> None:
        """Refuse every assignment."""
        message = f"cannot set {name!r}: a frozen mapping does not change"
        raise AttributeError(message)

    @override
    def __getitem__(self, key: str) -> Any:  # noqa: ANN401 - free JSON has no narrower type
        """Return the value of `key`."""
        return self._items[key]

    @override
    def __iter__(self) -> Iterator[str]:
        """Iterate over the keys in the order they were given."""
        return iter(self._items)

    @override
    def __len__(self) -> int:
        """Return the number of keys."""
        return len(self._items)

    @override
    def __eq__(self, other: object) -> bool:
        """Say whether the other mapping has the same canonical form."""
        if not isinstance(other, Mapping):
            return NotImplemented
        if not isinstance(other, FrozenMapping):
            try:
                other = FrozenMapping(other)
            except ManifestError:
                return False
        return _same(self, other)

    @override
    def __hash__(self) -> int:
        """Hash by content, so that a document that holds one can be hashed."""
        return hash(frozenset(self._items.items()))

    @override
    def __repr__(self) -> str:
        """Show it as the dictionary that it holds."""
        return f"FrozenMapping({dict(self._items)!r})"

    @override
    def __reduce__(self) -> tuple[type[FrozenMapping], tuple[dict[str, Any]]]:
        """Pickle and copy by content; slots without a setter need this."""
        return FrozenMapping, (dict(self._items),)


def freeze(value: object) -> Any:  # noqa: ANN401 - free JSON has no narrower type
    """Return free JSON as an immutable value, numbers in their wire form.

    Raises:
        ManifestError: The value, or something in it, is none that JSON can hold; there are more
            than `MAX_FREE_VALUES`, or they are nested deeper than `canonical.MAX_DEPTH`. The path
            is the JSON Pointer of the fault below `value`.
    """
    return _Freezer().value(value, 0)


def thaw(value: object) -> Any:  # noqa: ANN401 - free JSON has no narrower type
    """Return frozen JSON as ordinary dictionaries and tuples, numbers still in their wire form."""
    if isinstance(value, Mapping):
        return {key: thaw(item) for key, item in value.items()}
    return tuple(map(thaw, value)) if isinstance(value, tuple) else value


def plain(value: object) -> Any:  # noqa: ANN401 - free JSON has no narrower type
    """Return frozen JSON as ordinary dictionaries and lists, with exact numbers decoded."""
    if isinstance(value, Mapping):
        if is_number(value):
            return canonical.decode_number(dict(value))
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return value


def is_number(value: Mapping[Any, Any]) -> bool:
    """Say whether an object is the wire form of an exact number, well spelt or not."""
    return len(value) == 1 and isinstance(value.get("number"), str)


class _Freezer:
    """Freezes one value, counting what is in it."""

    def __init__(self) -> None:
        self._count = 0

    def value(self, value: object, depth: int) -> Any:  # noqa: ANN401 - free JSON
        self._count += 1
        if self._count > MAX_FREE_VALUES:
            raise _refused(f"more than {MAX_FREE_VALUES} values", "put it into a document")
        if depth > canonical.MAX_DEPTH:  # also what holds itself
            raise _refused(f"nested deeper than {canonical.MAX_DEPTH} levels", code="json-depth")
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return _text(value)
        if isinstance(value, int | float | Decimal):
            return self._number(value)
        if isinstance(value, Mapping):
            return self._mapping(value, depth)
        if isinstance(value, list | tuple):
            return tuple(self._at(index, item, depth) for index, item in enumerate(value))
        raise _refused(
            f"a {type(value).__name__} is no JSON value",
            "convert it to text, a number, a list or a dictionary first",
        )

    def members(self, items: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        for key in items:
            if not isinstance(key, str):
                raise _refused(
                    f"a key of a JSON object is text, not {shown(key)}", "write the keys as text"
                )
        return {_text(key): self._at(key, items[key], depth - 1) for key in items}

    def _at(self, token: str | int, item: object, depth: int) -> Any:  # noqa: ANN401 - free JSON
        try:
            return self.value(item, depth + 1)
        except ManifestError as error:
            raise _refused(
                error.problem,
                error.remedy,
                path=canonical.join_pointer(token) + error.path,
                code=error.code,
            ) from error

    @staticmethod
    def _number(value: float | Decimal) -> Any:  # noqa: ANN401 - free JSON
        try:
            wire = canonical.encode_number(value)
        except ProvenanceError as error:
            raise _refused(error.problem, error.remedy, code="json-number") from error
        return _wrap(wire) if isinstance(wire, Mapping) else wire

    def _mapping(self, value: Mapping[Any, Any], depth: int) -> FrozenMapping:
        if is_number(value):
            # Reserved: a number wherever it stands, so a malformed one is refused.
            try:
                canonical.decode_number(dict(value))
            except ProvenanceError as error:
                raise _refused(error.problem, error.remedy, code="json-number") from error
            return _wrap(dict(value))
        return _wrap(self.members(value, depth + 1))


def _wrap(members: Mapping[str, Any]) -> FrozenMapping:
    """Return a frozen mapping over members that are frozen already."""
    mapping = FrozenMapping.__new__(FrozenMapping)
    object.__setattr__(mapping, "_items", MappingProxyType(members))
    return mapping


def _text(value: str) -> str:
    if _SURROGATE.search(value):
        raise _refused(f"{shown(value)} holds a lone surrogate", code="json-surrogate")
    return str(value)


def _same(one: object, other: object) -> bool:
    """Compare frozen values as their canonical forms would; Python takes `True` for 1."""
    if isinstance(one, FrozenMapping) and isinstance(other, FrozenMapping):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def _refused(
    problem: str, remedy: str = "", *, path: str = "", code: str = "manifest-invalid"
) -> ManifestError:
    return ManifestError(path=path, problem=problem, remedy=remedy, code=code)
