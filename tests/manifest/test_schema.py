"""The published schemas accept what the classes accept, and refuse what they refuse."""

from __future__ import annotations

import copy
import json
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generate.schemas import manifest_files
from provenance import canonical
from provenance.errors import ProvenanceError
from provenance.manifest import (
    DOCUMENT_KINDS,
    Manifest,
    document_schema,
    parse_manifest,
    predicate_schemas,
)
from provenance.manifest.base import Document
from provenance.manifest.schema import SCHEMA_DIALECT, field_descriptions
from support.examples import example, least_manifest
from support.source import REPOSITORY
from support.strategies import manifests

SCHEMAS = predicate_schemas()
MANIFEST = jsonschema.Draft202012Validator(SCHEMAS["manifest-v1.schema.json"])

#: Documents that the schema accepts and the classes refuse: the list of `spec/manifest.md`,
#: "What the schema cannot say".
BEYOND_THE_SCHEMA: dict[str, dict[str, Any]] = {
    "date that does not exist": {"createdAt": "2026-02-30T00:00:00Z"},
    "spelling of a number": {"compute": {"deviceHours": {"number": "1e400"}}, "critical": ("/x",)},
    "number that JSON can hold": {"compute": {"deviceHours": {"number": "3"}}},
    "number in a free object": {"compute": {}, "extensions": {"a:b": {"x": {"number": "3"}}}},
    "commitment of what does not apply": {
        "disclosures": (
            {
                "path": "/x",
                "status": "notApplicable",
                "reason": "r",
                "commitment": {"sha256": "ab" * 32},
            },
        )
    },
    "too many free values": {"extensions": {"a:b": {"x": (0,) * 100_000}}},
    "critical place that is not there": {"critical": ("/compute",)},
}

#: Values that replace one value of the example; most of them are refused there.
INTRUDERS = st.sampled_from(
    [
        *(None, True, 0, -1, 1.5, 2**53),
        *("", "x", "\x00", "a b", "captured", "ab" * 32),
        *((), ("x",), {}, {"x": 1}, {"number": "NaN"}, {"number": "x"}, {"sha256": "AB"}),
    ]
)


def listed(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return a tree with lists for tuples, as jsonschema wants it."""
    if isinstance(value, dict):
        return {key: listed(item) for key, item in value.items()}
    return [listed(item) for item in value] if isinstance(value, tuple | list) else value


def places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:  # noqa: ANN401 - any JSON
    found = [place] if place else []
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            found += places(item, (*place, key))
    return found


EXAMPLE = listed(example("manifest-v1"))
PLACES = places(EXAMPLE)


def class_accepts(tree: object) -> bool:
    """Say whether a document is read that comes in by the one door, as bytes."""
    try:
        parse_manifest(canonical.parse(json.dumps(tree).encode()))
    except ProvenanceError:
        return False
    return True


@pytest.mark.parametrize("name", SCHEMAS)
def test_schema_is_valid_and_describes_every_field(name: str) -> None:
    schema = SCHEMAS[name]
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == SCHEMA_DIALECT
    assert schema["$id"].endswith(f"/schema/{name}")
    for definition in (schema, *schema["$defs"].values()):
        for field, content in definition.get("properties", {}).items():
            assert content.get("description"), (name, field)
            assert "title" not in content
    assert '"null"' not in json.dumps({**schema, "$defs": {**schema["$defs"], "FreeValue": {}}})


def test_descriptions_are_the_docstrings_of_the_class_and_its_bases() -> None:
    described = field_descriptions(Manifest)
    assert described["model"] == "The model."
    assert described["manifestVersion"] == "Version of the format, major.minor."
    assert len(described) == len(Manifest.model_fields)


def test_class_of_others_may_have_fields_without_docstrings() -> None:
    class Bare(Document):
        """A document without words."""

        field: int = 3

    schema = document_schema(Bare, "https://other.example/bare")
    assert schema["properties"] == {"field": {"type": "integer", "default": 3}}


def test_schemas_are_the_same_every_time_and_equal_to_the_published_files() -> None:
    assert json.dumps(predicate_schemas()) == json.dumps(SCHEMAS)
    stale = [
        name
        for name, text in manifest_files().items()
        if (REPOSITORY / name).read_text(encoding="utf-8") != text
    ]
    assert stale == [], "run `make schema`"


@pytest.mark.parametrize("predicate_type", DOCUMENT_KINDS)
def test_examples_satisfy_their_schemas(predicate_type: str) -> None:
    name = "-".join(predicate_type.split("/")[-2:])
    schema = SCHEMAS[f"{name}.schema.json"]
    jsonschema.Draft202012Validator(schema).validate(listed(example(name)))


@pytest.mark.parametrize("name", BEYOND_THE_SCHEMA)
def test_rule_that_no_schema_can_express(name: str) -> None:
    tree = listed(least_manifest(**BEYOND_THE_SCHEMA[name]))
    assert MANIFEST.is_valid(tree)
    assert not class_accepts(tree)


class TestSchemaAndClassAgree:
    """Law: what the classes write satisfies the schema; one wrong value is refused by both."""

    @settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
    @given(manifests())
    def test_every_document_satisfies_the_schema(self, document: Manifest) -> None:
        error = next(MANIFEST.iter_errors(listed(document.to_tree())), None)
        assert error is None, error

    @settings(deadline=None, max_examples=300, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(PLACES).filter(lambda place: place[-1] != "commitment"), INTRUDERS)
    def test_one_replaced_value(self, place: tuple[Any, ...], intruder: object) -> None:
        tree = copy.deepcopy(EXAMPLE)
        parent = tree
        for token in place[:-1]:
            parent = parent[token]
        parent[place[-1]] = listed(intruder)
        assert MANIFEST.is_valid(tree) == class_accepts(tree), place

    @settings(deadline=None, max_examples=100, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(PLACES), st.booleans())
    def test_one_removed_or_added_member(self, place: tuple[Any, ...], remove: bool) -> None:  # noqa: FBT001 - hypothesis
        tree = copy.deepcopy(EXAMPLE)
        parent = tree
        for token in place[:-1]:
            parent = parent[token]
        if remove:
            del parent[place[-1]]
        elif isinstance(parent, dict):
            parent["unheardOf"] = 1
        assert MANIFEST.is_valid(tree) == class_accepts(tree), place
