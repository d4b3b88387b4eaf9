"""Extensions: objects of other vocabularies, validated by the JSON Schema registered for their URI.

No I/O: a schema that refers to another one finds it among the registered ones or nowhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from provenance import canonical
from provenance.errors import ManifestError, UsageError, shown
from provenance.manifest.frozen import MAX_FREE_VALUES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provenance.manifest.manifest import Predicate

__all__ = ["check_extensions"]

#: Most values in one extension that is validated; some rules of JSON Schema compare all pairs.
MAX_EXTENSION_VALUES: Final = MAX_FREE_VALUES // 10


def check_extensions(
    predicate: Predicate, schemas: Mapping[str, Mapping[str, Any]]
) -> tuple[str, ...]:
    """Validate every extension whose URI has a schema.

    Args:
        predicate: The document that may hold extensions.
        schemas: JSON Schemas (2020-12) by the URI of the extension. They come from the caller,
            never from a document, and may refer to each other by these URIs; nothing is fetched.

    Returns:
        The URIs for which there is no schema, in the order of the document.

    Raises:
        ManifestError: An extension does not satisfy its schema, or is too large to be validated
            (code `extension-invalid`).
        UsageError: A schema is no valid JSON Schema, or refers to one that is not registered.

    Source: `spec/manifest.md`, section "Extensions".
    """
    extensions: Mapping[str, Any] = predicate.extensions or {}
    for uri, content in extensions.items():
        if uri in schemas:
            _check(uri, content, schemas)
    return tuple(uri for uri in extensions if uri not in schemas)


def _check(uri: str, content: object, schemas: Mapping[str, Mapping[str, Any]]) -> None:
    path = canonical.join_pointer("extensions", uri)
    value, count = _listed(content)
    if count > MAX_EXTENSION_VALUES:
        raise ManifestError(
            path=path,
            problem=f"{count} values, more than the {MAX_EXTENSION_VALUES} that are validated",
            remedy="put the content into a document and refer to it",
            code="extension-invalid",
        )
    fault = _first_fault(uri, value, schemas)
    if fault is not None:
        place, message = fault
        raise ManifestError(
            path=path + canonical.join_pointer(*place),
            problem=f"the schema registered for this extension refuses it: {message}",
            code="extension-invalid",
        )


def _first_fault(
    uri: str, value: object, schemas: Mapping[str, Mapping[str, Any]]
) -> tuple[tuple[str | int, ...], str] | None:
    # Slow to import (50 ms), and most documents have no extension.
    from jsonschema import Draft202012Validator, SchemaError  # noqa: PLC0415
    from referencing import Registry  # noqa: PLC0415
    from referencing.exceptions import Unresolvable  # noqa: PLC0415
    from referencing.jsonschema import DRAFT202012  # noqa: PLC0415

    # A registry of our own: the default one of jsonschema fetches what it does not have.
    registry: Registry[Any] = Registry().with_resources(
        (name, DRAFT202012.create_resource(dict(schema))) for name, schema in schemas.items()
    )
    try:
        Draft202012Validator.check_schema(dict(schemas[uri]))
        # Addressed by its URI, so that its own relative references start there.
        validator = Draft202012Validator({"$ref": uri}, registry=registry)
        error = next(validator.iter_errors(value), None)
    except (SchemaError, Unresolvable, RecursionError) as fault:
        raise UsageError(
            problem=f"the schema registered for {shown(uri)} cannot be used: {shown(str(fault))}",
            remedy="register a valid JSON Schema (2020-12), and every schema that it refers to",
        ) from fault
    return None if error is None else (tuple(error.absolute_path), shown(error.message)[1:-1])


def _listed(value: object) -> tuple[Any, int]:
    """Return frozen JSON with lists for tuples, as jsonschema wants, and its number of values."""
    count = 1
    if hasattr(value, "items"):
        members = {key: _listed(item) for key, item in value.items()}
        return {key: item for key, (item, _) in members.items()}, count + sum(
            number for _, number in members.values()
        )
    if isinstance(value, tuple):
        items = [_listed(item) for item in value]
        return [item for item, _ in items], count + sum(number for _, number in items)
    return value, count
