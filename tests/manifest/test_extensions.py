"""Extensions are validated by registered schemas; nothing is fetched."""

from __future__ import annotations

from typing import Any

import pytest

from provenance.errors import ManifestError, UsageError
from provenance.manifest import Manifest, check_extensions, parse_manifest
from support.examples import least_manifest

URI = "https://vocabulary.example/v1"
OTHER = "https://other.example/v1"
SCHEMA = {
    "type": "object",
    "required": ["colour"],
    "properties": {"colour": {"enum": ["red", "green"]}, "list": {"items": {"type": "integer"}}},
}


def manifest_with(**extensions: Any) -> Manifest:  # noqa: ANN401 - any JSON
    names = {"first": URI, "second": OTHER}
    tree = {names[name]: content for name, content in extensions.items()}
    return parse_manifest(least_manifest(**({"extensions": tree} if tree else {}))).document


def test_known_extension_is_validated_and_unknown_one_is_named() -> None:
    document = manifest_with(first={"colour": "red", "list": (1, 2)}, second={})
    assert check_extensions(document, {URI: SCHEMA}) == (OTHER,)
    assert check_extensions(document, {}) == (URI, OTHER)
    assert check_extensions(manifest_with(), {URI: SCHEMA}) == ()


@pytest.mark.parametrize(
    ("content", "path"),
    [
        ({}, ""),
        ({"colour": "blue"}, "/colour"),
        ({"colour": "red", "list": (1, "2")}, "/list/1"),
        ({"colour": "red", "list": ({"number": "NaN"},)}, "/list/0"),
    ],
)
def test_extension_that_breaks_its_schema_is_refused_with_its_place(
    content: dict[str, Any], path: str
) -> None:
    with pytest.raises(ManifestError) as caught:
        check_extensions(manifest_with(first=content), {URI: SCHEMA})
    assert caught.value.code == "extension-invalid"
    assert caught.value.path == "/extensions/https:~1~1vocabulary.example~1v1" + path


def test_foreign_text_is_cut_and_escaped_in_the_message() -> None:
    with pytest.raises(ManifestError) as caught:
        check_extensions(manifest_with(first={"colour": "\x1b[31m" * 1000}), {URI: SCHEMA})
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_schemas_may_refer_to_each_other_and_to_nothing_else() -> None:
    schemas: dict[str, dict[str, Any]] = {
        URI: {"properties": {"inner": {"$ref": OTHER}}},
        OTHER: {"type": "integer"},
    }
    assert check_extensions(manifest_with(first={"inner": 3}), schemas) == ()
    with pytest.raises(ManifestError, match="/inner: "):
        check_extensions(manifest_with(first={"inner": "3"}), schemas)
    del schemas[OTHER]
    with pytest.raises(UsageError, match="every schema that it refers to"):
        check_extensions(manifest_with(first={"inner": 3}), schemas)


@pytest.mark.parametrize(
    "schema",
    [{"type": "colour"}, {"$ref": "#"}, {"$ref": "https://json-schema.example/remote"}],
)
def test_schema_that_cannot_be_used_is_the_callers_mistake(schema: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"schema registered for 'https://vocabulary.example/v1'"):
        check_extensions(manifest_with(first={}), {URI: schema} if schema else {})


def test_extension_that_is_too_large_to_validate_is_refused() -> None:
    document = manifest_with(first={"colour": "red", "list": (1,) * 9_998})
    with pytest.raises(ManifestError, match="10001 values, more than the 10000"):
        check_extensions(document, {URI: SCHEMA})
    assert check_extensions(document, {}) == (URI,)
