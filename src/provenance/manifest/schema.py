"""The published contract: JSON Schema 2020-12 of every document, generated from the classes.

It needs the source of the classes, whose docstrings under the fields are the descriptions. Nothing
but that source is read.
"""

from __future__ import annotations

from typing import Any, Final

from provenance.manifest.base import Document, wire_fields
from provenance.manifest.fields import MAX_WHOLE_NUMBER
from provenance.manifest.predicates import PREDICATE_PREFIX
from provenance.manifest.reading import DOCUMENT_KINDS
from provenance.manifest.values import IS_NUMBER, NUMBER_PATTERN, SHARED

__all__ = ["SCHEMA_DIALECT", "document_schema", "field_descriptions", "predicate_schemas"]

#: The dialect that every schema of ours names.
SCHEMA_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

# What a free object may hold: any JSON, with numbers as our documents write them.
_FREE_VALUE: Final = {
    "anyOf": [
        {"type": ["null", "boolean", "string"]},
        {"type": "number", "minimum": -MAX_WHOLE_NUMBER, "maximum": MAX_WHOLE_NUMBER},
        {"type": "array", "items": {"$ref": "#/$defs/FreeValue"}},
        {
            "type": "object",
            "if": IS_NUMBER,
            "then": {"properties": {"number": {"maxLength": 400, "pattern": NUMBER_PATTERN}}},
            "additionalProperties": {"$ref": "#/$defs/FreeValue"},
        },
    ]
}


def document_schema(kind: type[Document], identifier: str) -> dict[str, Any]:
    """Return the JSON Schema of one class of document, under its `$id`.

    The keys stand in a fixed order. Absent facts are left out on the wire, so no schema allows
    `null`.
    """
    schema = kind.model_json_schema(by_alias=True, mode="validation")
    shared: dict[str, Any] = {}
    cleaned: dict[str, Any] = _clean(schema, shared)
    definitions = {**cleaned.pop("$defs", {}), **shared}
    for inner in _classes_in(kind, {}).values():
        described = cleaned if inner is kind else definitions[inner.__name__]
        for name, description in field_descriptions(inner).items():
            described["properties"][name]["description"] = description
    return {
        "$schema": SCHEMA_DIALECT,
        "$id": identifier,
        "title": kind.__name__,
        **cleaned,
        "$defs": {name: definitions[name] for name in sorted(definitions)},
    }


def predicate_schemas() -> dict[str, dict[str, Any]]:
    """Return the schema of every predicate by file name, e.g. `manifest-v1.schema.json`."""
    named = {}
    for predicate_type, kind in DOCUMENT_KINDS.items():
        name = predicate_type.removeprefix(PREDICATE_PREFIX).replace("/", "-") + ".schema.json"
        named[name] = document_schema(kind, f"{PREDICATE_PREFIX}schema/{name}")
    return named


def field_descriptions(kind: type[Document]) -> dict[str, str]:
    """Return the docstring under each field of a class, by the field's name on the wire.

    Pydantic could read them when a class is made, but every program would pay for it (30 ms).
    """
    docstrings: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if base.__module__.startswith("provenance."):
            docstrings.update(_docstrings(base))
    return {
        field.alias or name: docstrings[name]
        for name, field in kind.model_fields.items()
        if name in docstrings
    }


def _docstrings(kind: type) -> dict[str, str]:
    import ast  # noqa: PLC0415  # slow to import, and only the export needs them
    import inspect  # noqa: PLC0415  # the same
    import textwrap  # noqa: PLC0415  # the same

    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(definition, ast.ClassDef)  # noqa: S101 - the source of a class
    found = {}
    for field, below in zip(definition.body, definition.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            match below:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    found[field.target.id] = inspect.cleandoc(text)
    return found


def _classes_in(
    kind: type[Document], found: dict[str, type[Document]]
) -> dict[str, type[Document]]:
    """Return the class and every class of document that it can hold, by name."""
    found[kind.__name__] = kind
    for inner in wire_fields(kind).values():
        if inner is not None and inner.__name__ not in found:
            _classes_in(inner, found)
    return found


def _clean(schema: Any, shared: dict[str, Any]) -> Any:  # noqa: ANN401 - a JSON tree
    """Drop what pydantic adds and the wire does not have, and share what many fields have."""
    if isinstance(schema, list):
        return [_clean(item, shared) for item in schema]
    if not isinstance(schema, dict):
        return schema
    cleaned = _without_null({key: _clean(item, shared) for key, item in schema.items()})
    if cleaned.get("default", 0) is None or cleaned.get("default") == []:
        del cleaned["default"]
    return _share(cleaned, shared)


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    choices = schema.get("anyOf")
    if not isinstance(choices, list) or {"type": "null"} not in choices:
        return schema
    (choice,) = (choice for choice in choices if choice != {"type": "null"})
    return {**choice, **{key: item for key, item in schema.items() if key != "anyOf"}}


def _share(schema: dict[str, Any], shared: dict[str, Any]) -> dict[str, Any]:
    """Move the definition of a shared type to `$defs`; drop titles, which only repeat names."""
    name = schema.get(SHARED)
    if name is None:
        return {k: item for k, item in schema.items() if k != "title" or not isinstance(item, str)}
    content = {key: item for key, item in schema.items() if key not in {SHARED, "title", "default"}}
    shared[name] = _FREE_VALUE if name == "FreeValue" else content
    return {"$ref": f"#/$defs/{name}"}
