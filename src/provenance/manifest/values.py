"""The types of fields with a value of their own: numbers, digests, typed roots, free objects.

Each is read and written as a whole, refuses in words of its own and knows its JSON Schema. No newer
version adds a member to one. No I/O.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from typing import Annotated, Any, Final, get_args

from msgspec import Struct
from pydantic_core import CoreSchema, core_schema

from provenance import canonical
from provenance.digest import DigestSet, TreeKind, TypedRoot
from provenance.digest.algorithms import HEX_LENGTHS, MAX_DIGESTS, check_digest
from provenance.errors import shown
from provenance.manifest.faults import FaultError, located
from provenance.manifest.fields import (
    MAX_URI_LENGTH,
    MAX_WHOLE_NUMBER,
    POINTER_PATTERN,
    URI_PATTERN,
)
from provenance.manifest.frozen import FrozenMapping, is_number, thaw

__all__ = [
    "IS_NUMBER",
    "NUMBER_PATTERN",
    "ORIGINS",
    "SHARED",
    "BlockRoot",
    "Digests",
    "Extensions",
    "FileRoot",
    "FreeObject",
    "LogRoot",
    "Number",
    "Origins",
    "RecordRoot",
    "RequiredDigests",
    "Root",
    "ShardRoot",
    "TensorRoot",
]

#: Key by which `schema` knows the types that it defines once.
SHARED: Final = "x-shared"

#: Who can have said a fact.
ORIGINS: Final = ("captured", "authored")

#: The form of the text of an exact number; that it is the shortest, no pattern can say.
NUMBER_PATTERN: Final = (
    r"^(NaN|-?Infinity|-?(0|[1-9][0-9]*)(\.[0-9]*[1-9])?|-?[1-9][0-9]*e-?[1-9][0-9]{0,3})$"
)

_HEX_ROOT = "^[0-9a-f]{64}$"
_HEX_ROOT_FORM = re.compile(r"[0-9a-f]{64}")
_URI_FORM = re.compile(URI_PATTERN[1:-1])
_POINTER_FORM = re.compile(POINTER_PATTERN[1:-1], re.DOTALL)


class _Wire(Struct, frozen=True, eq=False):
    """Tells pydantic how a type is read from the wire and written to it, and its JSON Schema.

    Pydantic's own markers would also build a schema for the inner class, which nobody uses.
    """

    read: Callable[[object], Any]
    write: Callable[[Any], Any]
    schema: Mapping[str, Any]

    def __get_pydantic_core_schema__(self, _source: object, _handler: object) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.read,
            serialization=core_schema.plain_serializer_function_ser_schema(self.write),
        )

    def __get_pydantic_json_schema__(self, _core: object, _handler: object) -> dict[str, Any]:
        return dict(self.schema)


def _read_number(value: object) -> int | float | Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | Mapping):
        raise FaultError(f"expected a number, found {shown(value)}")
    # Back and forth, so that each value has one form in Python too: 1.0 is 1.
    with located():
        wire: Any = dict(value) if isinstance(value, Mapping) else canonical.encode_number(value)
        number = canonical.decode_number(wire)
    # One NaN object everywhere, so that equal documents compare equal.
    return math.nan if number != number else number  # noqa: PLR0124 - the test for NaN


def _read_digests(value: object) -> DigestSet:
    if isinstance(value, DigestSet):
        return value
    if not isinstance(value, Mapping):
        raise FaultError(f"expected an object of algorithms and digests, found {shown(value)}")
    if len(value) <= MAX_DIGESTS:
        for algorithm in value:
            with located(str(algorithm)):
                check_digest(algorithm, value[algorithm])
    with located():
        return DigestSet(value)


def _read_some_digests(value: object) -> DigestSet:
    digests = _read_digests(value)
    if not digests:
        raise FaultError("expected at least one digest, found none", code="digest-algorithm")
    return digests


def _read_root(kind: TreeKind | None, value: object) -> TypedRoot:
    root = value if isinstance(value, TypedRoot) else _parse_root(value)
    if kind not in {None, root.tree}:
        raise FaultError(
            f"expected the root of a tree of kind {kind!r}, found {root.tree!r}", tokens=("tree",)
        )
    return root


def _parse_root(value: object) -> TypedRoot:
    if not isinstance(value, Mapping) or set(value) != {"tree", "size", "root"}:
        raise FaultError(f"expected a typed root {{tree, size, root}}, found {shown(value)}")
    tree, size, root = value["tree"], value["size"], value["root"]
    if tree not in get_args(TreeKind):
        raise FaultError(f"expected a kind of tree, found {shown(tree)}", tokens=("tree",))
    if type(size) is not int or not 0 <= size <= MAX_WHOLE_NUMBER:
        raise FaultError(f"expected a number of leaves, found {shown(size)}", tokens=("size",))
    if not isinstance(root, str) or not _HEX_ROOT_FORM.fullmatch(root):
        raise FaultError(
            f"expected 64 lower-case hexadecimal characters, found {shown(root)}",
            code="digest-format",
            tokens=("root",),
        )
    return TypedRoot(tree=tree, size=size, root=root)


def _read_object(value: object) -> FrozenMapping:
    if not isinstance(value, Mapping):
        raise FaultError(f"expected an object, found {shown(value)}")
    if is_number(value):
        raise FaultError(f"expected an object, found the number {shown(value['number'])}")
    with located():
        return value if isinstance(value, FrozenMapping) else FrozenMapping(value)


def _read_origins(value: object) -> FrozenMapping:
    origins = _read_object(value)
    for pointer, origin in origins.items():
        if len(pointer) > MAX_URI_LENGTH or not _POINTER_FORM.fullmatch(pointer):
            raise FaultError(f"expected a JSON Pointer, found {shown(pointer)}", tokens=(pointer,))
        if origin not in ORIGINS:
            raise FaultError(
                f"expected 'captured' or 'authored', found {shown(origin)}", tokens=(pointer,)
            )
    return origins


def _read_extensions(value: object) -> FrozenMapping:
    extensions = _read_object(value)
    for uri, content in extensions.items():
        if len(uri) > MAX_URI_LENGTH or not _URI_FORM.fullmatch(uri):
            raise FaultError(f"expected a URI, found {shown(uri)}", tokens=(uri,))
        if not isinstance(content, FrozenMapping) or is_number(content):
            raise FaultError(f"expected an object, found {shown(content)}", tokens=(uri,))
    return extensions


def _digests_schema(least: int) -> dict[str, Any]:
    known = {
        name: {
            "type": "string",
            "pattern": f"^({'|'.join(f'[0-9a-f]{{{length}}}' for length in lengths)})$",
            "description": f"The {name} digest in lower-case hexadecimal.",
        }
        for name, lengths in HEX_LENGTHS.items()
    }
    return {
        SHARED: "RequiredDigests" if least else "Digests",
        "type": "object",
        "minProperties": least,
        "maxProperties": MAX_DIGESTS,
        "propertyNames": {"pattern": "^[A-Za-z][A-Za-z0-9_]{0,63}$"},
        "properties": known,
        "additionalProperties": {"type": "string", "pattern": "^[!-~]{1,512}$"},
    }


def _root_schema(kind: TreeKind | None) -> dict[str, Any]:
    return {
        SHARED: f"{kind.capitalize()}Root" if kind else "Root",
        "type": "object",
        "properties": {
            "tree": {
                "enum": [kind] if kind else list(get_args(TreeKind)),
                "description": "The kind of the tree.",
            },
            "size": {
                "type": "integer",
                "minimum": 0,
                "maximum": MAX_WHOLE_NUMBER,
                "description": "Its number of leaves.",
            },
            "root": {
                "type": "string",
                "pattern": _HEX_ROOT,
                "description": "The tree head: 64 lower-case hexadecimal characters.",
            },
        },
        "required": ["tree", "size", "root"],
        "additionalProperties": False,
    }


# Stands for whatever JSON may hold; `schema` puts the definition in.
_FREE_VALUE = {SHARED: "FreeValue"}


#: What makes an object the wire form of a number, wherever it stands.
IS_NUMBER: Final = {
    "properties": {"number": {"type": "string"}},
    "required": ["number"],
    "maxProperties": 1,
}
_IS_OBJECT = {"type": "object", "not": IS_NUMBER, "additionalProperties": _FREE_VALUE}


Number = Annotated[
    int | float | Decimal,
    _Wire(
        _read_number,
        canonical.encode_number,
        {
            SHARED: "Number",
            "anyOf": [
                {"type": "number", "minimum": -MAX_WHOLE_NUMBER, "maximum": MAX_WHOLE_NUMBER},
                {
                    "type": "object",
                    "properties": {
                        "number": {
                            "description": "The one shortest spelling of the value.",
                            "type": "string",
                            "maxLength": canonical.MAX_NUMBER_CHARACTERS,
                            "pattern": NUMBER_PATTERN,
                        }
                    },
                    "required": ["number"],
                    "additionalProperties": False,
                },
            ],
        },
    ),
]
"""Any number: in Python `int`, `float` or `Decimal`, whatever holds it exactly."""

Digests = Annotated[
    DigestSet,
    _Wire(_read_digests, dict, _digests_schema(0)),
]
"""Digests of the same bytes, by algorithm; an empty object binds nothing and counts as absent."""

RequiredDigests = Annotated[
    DigestSet,
    _Wire(_read_some_digests, dict, _digests_schema(1)),
]
"""Digests of the same bytes, at least one."""

Root = Annotated[TypedRoot, _Wire(partial(_read_root, None), TypedRoot.to_tree, _root_schema(None))]
"""A typed root of any kind of tree (`spec/digests.md`, "Trees")."""

BlockRoot = Annotated[
    TypedRoot, _Wire(partial(_read_root, "block"), TypedRoot.to_tree, _root_schema("block"))
]
"""A typed root over the blocks of a file."""

FileRoot = Annotated[
    TypedRoot, _Wire(partial(_read_root, "file"), TypedRoot.to_tree, _root_schema("file"))
]
"""A typed root over files."""

TensorRoot = Annotated[
    TypedRoot, _Wire(partial(_read_root, "tensor"), TypedRoot.to_tree, _root_schema("tensor"))
]
"""A typed root over tensors."""

RecordRoot = Annotated[
    TypedRoot, _Wire(partial(_read_root, "record"), TypedRoot.to_tree, _root_schema("record"))
]
"""A typed root over records."""

ShardRoot = Annotated[
    TypedRoot, _Wire(partial(_read_root, "shard"), TypedRoot.to_tree, _root_schema("shard"))
]
"""A typed root over shards."""

LogRoot = Annotated[
    TypedRoot, _Wire(partial(_read_root, "log"), TypedRoot.to_tree, _root_schema("log"))
]
"""A typed root over entries of a training log."""

FreeObject = Annotated[
    FrozenMapping,
    _Wire(_read_object, thaw, {SHARED: "FreeObject", **_IS_OBJECT}),
]
"""An object with names of the producer's own."""

Origins = Annotated[
    FrozenMapping,
    _Wire(
        _read_origins,
        thaw,
        {
            SHARED: "Origins",
            "type": "object",
            "propertyNames": {"pattern": POINTER_PATTERN, "maxLength": MAX_URI_LENGTH},
            "additionalProperties": {"enum": list(ORIGINS)},
        },
    ),
]
"""JSON Pointer prefixes, and who said what stands below them."""

Extensions = Annotated[
    FrozenMapping,
    _Wire(
        _read_extensions,
        thaw,
        {
            SHARED: "Extensions",
            "type": "object",
            "propertyNames": {"pattern": URI_PATTERN, "maxLength": MAX_URI_LENGTH},
            "additionalProperties": _IS_OBJECT,
        },
    ),
]
"""Objects of other vocabularies, by URI."""
