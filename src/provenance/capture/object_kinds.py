"""How settings of each kind are read: mappings, dataclasses, pydantic, attrs, msgspec.

Libraries are recognised by what an object has, or asked if they are loaded; none is imported.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import re
import sys
from argparse import Namespace
from collections.abc import Mapping
from fractions import Fraction
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from provenance.capture.omega import is_omega, omega_container

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["element_of", "items_of", "name_of", "text_of"]

#: Largest array that is written out, in elements.
MAX_ARRAY_ELEMENTS = 1_000

# Values whose text is short, exact and free of addresses.
_TEXTUAL = (Fraction, UUID, complex, dt.timedelta, range, slice)

# Libraries whose types of numbers and devices are best known by their text: `torch.float32`.
_NUMERIC_LIBRARIES = frozenset({"jax", "jaxlib", "ml_dtypes", "numpy", "tensorflow", "torch"})

# Libraries whose settings are best read by their own `to_dict`.
_HUGGING_FACE = frozenset({"peft", "transformers", "trl"})


def name_of(kind: Any) -> str:  # noqa: ANN401 - classes and functions alike
    """Return the qualified name of a class or function."""
    module = getattr(kind, "__module__", None)
    name = getattr(kind, "__qualname__", None) or getattr(kind, "__name__", "?")
    return str(name if module in {None, "builtins", "__main__"} else f"{module}.{name}")


def text_of(value: object) -> str | None:
    """Return the text of a value that is best known by it, or nothing."""
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, re.Pattern):
        return str(value.pattern)
    if isinstance(value, _TEXTUAL) or _is_numeric_type(type(value)):
        return str(value)
    if isinstance(value, type) or (callable(value) and hasattr(value, "__qualname__")):
        return name_of(value)
    return None


def items_of(value: object) -> Mapping[Any, Any] | None:
    """Return the named settings of an object of any common kind, or nothing."""
    for matches, items in _KINDS:
        if matches(value):
            return items(value)
    return None


def element_of(value: object) -> list[Any] | None:
    """Return what a numpy or torch scalar or a small array holds, alone in a list, or nothing."""
    count = getattr(value, "numel", None)
    elements = count() if callable(count) else getattr(value, "size", None)
    if not isinstance(elements, int) or elements > MAX_ARRAY_ELEMENTS:
        return None
    method = getattr(value, "tolist", None) or getattr(value, "item", None)
    return [method()] if callable(method) else None


def _is_numeric_type(kind: type) -> bool:
    if kind.__module__.partition(".")[0] not in _NUMERIC_LIBRARIES:
        return False
    return "dtype" in kind.__name__.lower() or kind.__name__ == "device"


def _omega_items(value: Any) -> Mapping[Any, Any]:  # noqa: ANN401 - an OmegaConf
    container = omega_container(value)
    return container if isinstance(container, Mapping) else dict(enumerate(container))


def _is_pydantic(value: object) -> bool:
    pydantic = sys.modules.get("pydantic")
    return pydantic is not None and isinstance(value, pydantic.BaseModel)


def _pydantic_items(value: Any) -> Mapping[Any, Any]:  # noqa: ANN401 - a pydantic model
    fields = {name: getattr(value, name) for name in type(value).model_fields}
    return {**fields, **(value.model_extra or {})}


def _dataclass_items(value: Any) -> Mapping[Any, Any]:  # noqa: ANN401 - a dataclass
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


def _attrs_items(value: Any) -> Mapping[Any, Any]:  # noqa: ANN401 - an attrs object
    return {field.name: getattr(value, field.name) for field in value.__attrs_attrs__}


def _struct_items(value: Any) -> Mapping[Any, Any]:  # noqa: ANN401 - a msgspec.Struct
    return {name: getattr(value, name) for name in value.__struct_fields__}


def _is_hugging_face(value: object) -> bool:
    # `TrainingArguments` is a dataclass too, but its own method masks tokens and resolves fields.
    return hasattr(type(value), "to_dict") and any(
        kind.__module__.partition(".")[0] in _HUGGING_FACE for kind in type(value).__mro__
    )


def _partial_items(value: Any) -> Mapping[Any, Any]:  # noqa: ANN401 - a functools.partial
    return {"function": value.func, "arguments": value.args, "keywords": value.keywords}


def _is_table(value: object) -> bool:
    # A data frame has `to_dict` too, and would be written out whole.
    return isinstance(getattr(value, "shape", None), tuple)


def _to_dict_items(value: Any) -> Mapping[Any, Any]:  # noqa: ANN401 - any object with `to_dict`
    items = value.to_dict()
    if not isinstance(items, Mapping):
        raise TypeError
    return items


def _has(*names: str) -> Callable[[Any], bool]:
    return lambda value: all(hasattr(type(value), name) for name in names)


def _is(*kinds: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, kinds)


# How each kind of object is recognised, and how its settings are read; the first that fits.
_KINDS: tuple[tuple[Callable[[Any], bool], Callable[[Any], Mapping[Any, Any]]], ...] = (
    (is_omega, _omega_items),
    (_is(Mapping), lambda value: value),
    (_is(Namespace, SimpleNamespace), vars),
    (_is_pydantic, _pydantic_items),
    (_is_hugging_face, _to_dict_items),
    (_has("__dataclass_fields__"), _dataclass_items),
    (_has("__struct_fields__"), _struct_items),
    (_has("__attrs_attrs__"), _attrs_items),
    (_has("_asdict", "_fields"), lambda value: value._asdict()),
    (_is(functools.partial), _partial_items),
    (lambda value: hasattr(type(value), "to_dict") and not _is_table(value), _to_dict_items),
)
