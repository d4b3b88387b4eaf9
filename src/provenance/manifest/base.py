"""What every document of the format shares: strictness, frozenness, the wire and back.

A document is made from a tree that `provenance.canonical` has read, never from raw bytes. No I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final, Self, TypeVar, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    SerializerFunctionWrapHandler,
    ValidationError,
    ValidationInfo,
    model_serializer,
    model_validator,
)
from pydantic.alias_generators import to_camel

from provenance import canonical
from provenance.errors import ManifestError, shown
from provenance.manifest.faults import FaultError, Place, refusal
from provenance.manifest.fields import (
    Commit,
    Count,
    Hash,
    Id,
    Licenses,
    Many,
    Name,
    Path,
    Pointer,
    ShortText,
    Step,
    Text,
    Timestamp,
    Uri,
    Version,
    parse_timestamp,
)
from provenance.manifest.values import (
    BlockRoot,
    Digests,
    Extensions,
    FileRoot,
    FreeObject,
    LogRoot,
    Number,
    Origins,
    RecordRoot,
    RequiredDigests,
    Root,
    ShardRoot,
    TensorRoot,
)

__all__ = [
    "BlockRoot",
    "Commit",
    "Count",
    "Digests",
    "Document",
    "Extensions",
    "FileRoot",
    "FreeObject",
    "Hash",
    "Id",
    "Licenses",
    "LogRoot",
    "Many",
    "Name",
    "Number",
    "Origins",
    "Path",
    "Pointer",
    "RecordRoot",
    "RequiredDigests",
    "Root",
    "ShardRoot",
    "ShortText",
    "Step",
    "TensorRoot",
    "Text",
    "Timestamp",
    "Uri",
    "Version",
    "find_unknown",
    "parse_document",
    "parse_timestamp",
    "wire_fields",
]

#: Most members of one object that are looked at; no object of the format has a tenth of it.
MAX_MEMBERS: Final = 1_000

#: What `_prepare` is told when the values come from the wire, where only the wire's names count.
_WIRE: Final = object()


class Document(BaseModel):
    """Base of every object of the format: frozen, strict, camelCase on the wire, no unknown field.

    Nothing that can be reached from a document can be changed, and documents are hashable. Equal
    documents have equal canonical bytes.
    """

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        defer_build=True,  # most programs read one kind of document
        arbitrary_types_allowed=True,
    )

    def __init__(self, **values: Any) -> None:  # noqa: ANN401 - each field has its own type
        """Check and keep the values of the fields, by their Python names or those of the wire.

        Lists are taken for tuples, dictionaries for documents, and `None` for what is absent.

        Raises:
            ManifestError: A value breaks a rule; the message names the first fault's JSON Pointer.
        """
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise _refusal(type(self), error) from error

    # Without this mark pydantic would call `__init__` for every nested document too, and a fault
    # inside would lose its place.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]  # pydantic reads it

    @model_validator(mode="before")
    @classmethod
    def _prepare(cls, values: object, info: ValidationInfo) -> object:
        if not isinstance(values, Mapping):
            return values
        if len(values) > MAX_MEMBERS:
            raise FaultError(f"expected at most {MAX_MEMBERS} members, found {len(values)}")
        if info.context is _WIRE:
            for key, item in values.items():
                if item is None:
                    # One spelling of absence: on the wire a missing field, never null.
                    raise FaultError(
                        "expected a value, found null",
                        tokens=(key,),
                        remedy="leave out what is absent",
                    )
        # Python callers write lists; strict mode wants the tuples that the fields hold.
        return {
            key: tuple(item) if isinstance(item, list) else item for key, item in values.items()
        }

    @model_validator(mode="after")
    def _leave_out_what_is_empty(self) -> Self:
        # An empty object says the same as a missing one: nothing.
        fields = self.__dict__
        for name, value in fields.items():
            if isinstance(value, Document | Mapping) and _is_empty(value):
                fields[name] = None
        return self

    @model_serializer(mode="wrap", return_type=dict[str, Any])  # or each class asks again
    def _leave_out_what_is_absent(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        tree: dict[str, Any] = handler(self)
        return {key: item for key, item in tree.items() if item is not None and item != ()}

    def to_tree(self) -> dict[str, Any]:
        """Return the JSON tree of this document: the names of the wire, arrays as tuples."""
        return self.model_dump(mode="python", by_alias=True)

    def to_bytes(self) -> bytes:
        """Return the canonical bytes of this document (RFC 8785)."""
        return canonical.write(self.to_tree())

    def updated(self, **changes: Any) -> Self:  # noqa: ANN401 - each field has its own type
        """Return a copy with some fields changed, checked as a whole.

        Raises:
            ManifestError: A value breaks a rule.
        """
        return type(self)(**{**dict(self), **changes})


D = TypeVar("D", bound=Document)


def parse_document(kind: type[D], tree: object, *, path: str = "") -> D:
    """Return the document that a parsed JSON tree holds.

    Args:
        kind: The class of the document.
        tree: What `provenance.canonical.parse` returned. Only the names of the wire count here;
            Python callers use the constructor.
        path: JSON Pointer of the tree in its own document, for messages.

    Raises:
        ManifestError: The tree breaks a rule; the message names the first fault's JSON Pointer.
    """
    if not isinstance(tree, Mapping):  # an instance of the class is no tree either
        raise ManifestError(
            path=path, problem=f"expected an object, found {shown(tree)}", code="manifest-invalid"
        )
    try:
        return kind.model_validate(tree, by_alias=True, by_name=False, context=_WIRE)
    except ValidationError as error:
        raise _refusal(kind, error, path) from error


@cache
def wire_fields(kind: type[Document]) -> Mapping[str, type[Document] | None]:
    """Return the wire names of a class's fields, each with the class of document that it holds."""
    return MappingProxyType(
        {
            field.alias or name: _document_in(field.annotation)
            for name, field in kind.model_fields.items()
        }
    )


def find_unknown(kind: type[Document], tree: object) -> tuple[Place, ...]:
    """Return the places of all members that the class and the classes in it do not know."""
    if not isinstance(tree, Mapping):
        return ()
    fields = wire_fields(kind)
    found: list[Place] = []
    for key, item in tree.items():
        inner = fields.get(key)
        if key not in fields:
            found.append((key,))
        elif inner is not None and isinstance(item, list | tuple):
            for index, member in enumerate(item):
                found.extend((key, index, *rest) for rest in find_unknown(inner, member))
        elif inner is not None:
            found.extend((key, *rest) for rest in find_unknown(inner, item))
    return tuple(found)


def _document_in(annotation: object) -> type[Document] | None:
    """Return the class of document inside `X`, `X | None`, `tuple[X, ...]`, if there is one."""
    if isinstance(annotation, type) and issubclass(annotation, Document):
        return annotation
    return next(filter(None, map(_document_in, get_args(annotation))), None)


def _is_empty(value: Document | Mapping[str, Any]) -> bool:
    if isinstance(value, Mapping):
        return not value
    return all(item is None or item == () for item in value.__dict__.values())


def _refusal(kind: type[Document], error: ValidationError, path: str = "") -> ManifestError:
    return refusal(
        error,
        path=path,
        to_wire=lambda place: _walk(kind, place)[0],
        find_names=lambda place: tuple(wire_fields(_walk(kind, place)[1] or kind)),
    )


def _walk(kind: type[Document], place: Place) -> tuple[Place, type[Document] | None]:
    """Return a place in the names of the wire, and the class of the document there."""
    inner: type[Document] | None = kind
    tokens: list[str | int] = []
    for token in place:
        wire = token
        if inner is not None and isinstance(token, str):
            field = inner.model_fields.get(token)
            wire = (field and field.alias) or token
            inner = wire_fields(inner).get(wire)
        tokens.append(wire)
    return tuple(tokens), inner
