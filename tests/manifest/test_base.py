"""Strictness, frozenness, the wire and back; messages that a stranger understands."""

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from pydantic import ValidationError

from provenance import canonical, manifest
from provenance.errors import ManifestError
from provenance.manifest import (
    Dataset,
    Document,
    Evaluation,
    Manifest,
    MetricResult,
    Segment,
    Source,
    parse_document,
    parse_manifest,
    wire_fields,
)
from provenance.manifest.base import find_unknown
from support.examples import example, least_manifest
from support.strategies import documents, manifests

KINDS = [
    kind
    for name in manifest.__all__
    if isinstance(kind := getattr(manifest, name), type)
    and issubclass(kind, Document)
    and kind is not Document
]

#: A change of the smallest manifest, the pointer and code of its refusal, and words of the message.
REFUSED: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "number for text": (
        {"model": {"name": 3}},
        "/model/name",
        "manifest-invalid",
        "expected text, found 3",
    ),
    "text for a whole number": (
        {"training": {"checkpoints": ({"id": "c", "step": "1"},)}},
        "/training/checkpoints/0/step",
        "manifest-invalid",
        "expected a whole number, found '1'",
    ),
    "true for a whole number": (
        {"training": {"checkpoints": ({"id": "c", "step": True},)}},
        "/training/checkpoints/0/step",
        "manifest-invalid",
        "expected a whole number, found True",
    ),
    "1.0 for a whole number": (
        {"training": {"checkpoints": ({"id": "c", "step": 1.0},)}},
        "/training/checkpoints/0/step",
        "manifest-invalid",
        "expected a whole number, found 1.0",
    ),
    "negative step": (
        {"training": {"checkpoints": ({"id": "c", "step": -1},)}},
        "/training/checkpoints/0/step",
        "manifest-invalid",
        "expected a number not below 0",
    ),
    "number for a boolean": (
        {"datasets": ({"id": "d", "name": "d", "sensitiveData": {"present": 1}},)},
        "/datasets/0/sensitiveData/present",
        "manifest-invalid",
        "expected true or false",
    ),
    "object for a list": (
        {"datasets": {}},
        "/datasets",
        "manifest-invalid",
        "expected a list, found an object",
    ),
    "text for an object": (
        {"compute": "much"},
        "/compute",
        "manifest-invalid",
        "expected an object, found 'much'",
    ),
    "list for an object": (
        {"compute": ()},
        "/compute",
        "manifest-invalid",
        "expected an object, found a list",
    ),
    "null": (
        {"compute": None},
        "/compute",
        "manifest-invalid",
        "expected a value, found null; leave out what is absent",
    ),
    "null in a list": (
        {"datasets": (None,)},
        "/datasets/0",
        "manifest-invalid",
        "expected an object, found null",
    ),
    "missing field": (
        {"datasets": ({"id": "d"},)},
        "/datasets/0/name",
        "manifest-invalid",
        "expected this field, and it is not there",
    ),
    "unknown field": ({"wheather": 1}, "/wheather", "field-unknown", "this field is unknown"),
    "British spelling": (
        {"model": {"name": "m", "licences": ("MIT",)}},
        "/model/licences",
        "field-unknown",
        "did you mean 'licenses'?",
    ),
    "Python's name of a field": (
        {"training": {"segments": ({"id": "s", "from_step": 0, "toStep": 1},)}},
        "/training/segments/0/from_step",
        "field-unknown",
        "did you mean 'fromStep'?",
    ),
    "both names of a field": (
        {"training": {"segments": ({"id": "s", "from_step": 0, "fromStep": 0, "toStep": 1},)}},
        "/training/segments/0/from_step",
        "field-unknown",
        "this field is unknown",
    ),
    "unknown role": (
        {"datasets": ({"id": "d", "name": "d", "roles": ("training",)},)},
        "/datasets/0/roles/0",
        "manifest-invalid",
        "expected 'raw', 'intermediate', 'train'",
    ),
    "empty text": (
        {"model": {"name": "m", "description": ""}},
        "/model/description",
        "manifest-invalid",
        "expected some text",
    ),
    "long id": (
        {"documents": ({"id": "a" * 129, "kind": "other"},)},
        "/documents/0/id",
        "manifest-invalid",
        "expected at most 128 characters",
    ),
    "id with a blank": (
        {"documents": ({"id": "a b", "kind": "other"},)},
        "/documents/0/id",
        "manifest-invalid",
        "expected an id (letters, digits",
    ),
    "name with an escape sequence": (
        {"model": {"name": "\x1b[31mred"}},
        "/model/name",
        "manifest-invalid",
        "expected one line of text without control characters, found '\\x1b[31mred'",
    ),
    "too many items": (
        {"model": {"name": "m", "tasks": ("t",) * 100_001}},
        "/model/tasks",
        "manifest-invalid",
        "expected at most 100000 items, found 100001",
    ),
    "too many members": (
        {"model": {f"m{number}": 1 for number in range(1001)}},
        "/model",
        "manifest-invalid",
        "expected at most 1000 members, found 1001",
    ),
}


def values_in(value: object) -> Iterator[object]:
    """Yield everything that can be reached from a document by public means."""
    yield value
    if isinstance(value, Document):
        for name in type(value).model_fields:
            yield from values_in(getattr(value, name))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield key
            yield from values_in(item)
    elif isinstance(value, tuple):
        for item in value:
            yield from values_in(item)


@pytest.mark.parametrize("name", REFUSED)
def test_refusal_names_the_place_and_what_was_expected(name: str) -> None:
    change, path, code, words = REFUSED[name]
    with pytest.raises(ManifestError) as caught:
        parse_manifest(least_manifest(**change))
    assert (caught.value.path, caught.value.code) == (path, code)
    assert words in str(caught.value)
    assert str(caught.value).startswith(f"{path}: ")
    assert len(str(caught.value)) < 400


def test_path_begins_where_the_caller_says() -> None:
    with pytest.raises(ManifestError) as caught:
        parse_document(Source, {"size": "1"}, path="/predicate/datasets/0/sources/0")
    assert caught.value.path == "/predicate/datasets/0/sources/0/size"


@pytest.mark.parametrize("tree", [None, "text", 3, (), ("name",)])
def test_what_is_no_object_is_no_document(tree: object) -> None:
    with pytest.raises(ManifestError, match="expected an object"):
        parse_document(Source, tree)


def test_a_name_of_the_wire_that_is_no_text_is_refused() -> None:
    with pytest.raises(ManifestError):
        parse_document(Source, {3: "x"})


def test_constructor_refuses_with_the_same_error_and_the_names_of_the_wire() -> None:
    with pytest.raises(ManifestError) as caught:
        Segment(id="s", from_step=2**53, to_step=1)
    assert caught.value.path == "/fromStep"
    assert isinstance(caught.value.__cause__, ValidationError)


def test_fault_in_a_nested_dictionary_keeps_its_place() -> None:
    with pytest.raises(ManifestError) as caught:
        Dataset(id="d", name="d", sources=[{"retrieved_at": "yesterday"}])  # type: ignore[arg-type]  # taken for a document
    assert caught.value.path == "/sources/0/retrievedAt"


def test_constructor_takes_lists_dictionaries_and_none() -> None:
    made = Dataset(id="d", name="d", licenses=["MIT"], version=None, attributes={"a": [1]})  # type: ignore[arg-type]  # taken for tuples and frozen mappings
    assert made.licenses == ("MIT",)
    assert made.to_tree() == {
        "id": "d",
        "name": "d",
        "licenses": ("MIT",),
        "attributes": {"a": (1,)},
    }


def test_fields_cannot_be_assigned_or_deleted() -> None:
    made = Source(name="x")
    with pytest.raises(ValidationError):
        made.name = "y"  # type: ignore[misc]  # frozen
    with pytest.raises(ValidationError):
        del made.name


def test_nothing_reachable_can_be_changed() -> None:
    document = parse_manifest(example("manifest-v1")).document
    kinds = {type(value).__name__ for value in values_in(document)}
    assert kinds >= {"tuple", "FrozenMapping", "DigestSet", "TypedRoot", "Manifest"}
    for value in values_in(document):
        assert not isinstance(value, list | dict | set | bytearray), value
        hash(value)
        if not isinstance(value, str | int | float | bool | tuple | None):
            with pytest.raises((AttributeError, ValidationError, TypeError)):
                value.anything = 1  # type: ignore[attr-defined]  # that is the question
        if isinstance(value, Mapping):
            with pytest.raises(TypeError):
                value["anything"] = 1  # type: ignore[index]  # that is the question


def test_later_changes_of_what_was_given_do_not_reach_the_document() -> None:
    settings_given: dict[str, Any] = {"layers": [1, 2]}
    made = Segment(id="s", from_step=0, to_step=1, hyperparameters=settings_given)  # type: ignore[arg-type]  # frozen on the way in
    settings_given["layers"].append(3)
    settings_given["more"] = True
    assert made.hyperparameters == {"layers": [1, 2]}


def test_updated_leaves_the_first_document_alone_and_checks_the_whole() -> None:
    first = Segment(id="s", from_step=0, to_step=1)
    second = first.updated(to_step=2, reason="more")
    assert (first.to_step, second.to_step, second.reason) == (1, 2, "more")
    assert first.updated() == first
    with pytest.raises(ManifestError, match="/toStep: expected a whole number"):
        first.updated(to_step="3")
    with pytest.raises(ManifestError, match="/too_step: this field is unknown"):
        first.updated(too_step=3)


def test_empty_objects_say_nothing() -> None:
    tree = {"id": "d", "name": "d", "collection": {}, "attributes": {}, "sources": ()}
    document = parse_document(Dataset, tree)
    assert document == Dataset(id="d", name="d")
    assert document.collection is None
    assert document.attributes is None
    assert document.to_tree() == {"id": "d", "name": "d"}


def test_documents_are_equal_and_hash_equal_by_content() -> None:
    one = MetricResult(name="loss", value=math.nan)
    other = parse_document(MetricResult, {"name": "loss", "value": {"number": "NaN"}})
    assert one == other
    assert hash(one) == hash(other)
    assert one != MetricResult(name="loss", value=math.inf)


def test_copies_and_pickles_are_equal() -> None:
    document = parse_manifest(example("manifest-v1")).document
    pickled = pickle.loads(pickle.dumps(document))  # noqa: S301 - our own bytes
    for other in (copy.copy(document), copy.deepcopy(document), pickled):
        assert other == document
        assert other.to_bytes() == document.to_bytes()


def test_every_class_has_a_docstring_and_required_fields_come_without_default() -> None:
    for kind in KINDS:
        assert kind.__doc__
        assert len(wire_fields(kind)) == len(kind.model_fields)


def test_no_required_document_can_be_empty() -> None:
    # Else an empty one would be taken for absent where something must stand.
    for kind in KINDS:
        for name, field in kind.model_fields.items():
            inner = wire_fields(kind)[field.alias or name]
            if field.is_required() and inner is not None:
                assert any(part.is_required() for part in inner.model_fields.values()), (kind, name)


def test_unknown_members_are_found_at_any_depth() -> None:
    tree = least_manifest(
        datasets=({"id": "d", "sources": ({"x": 1}, 3), "attributes": {"y": 1}},), training=5, z={}
    )
    assert find_unknown(Manifest, tree) == (("datasets", 0, "sources", 0, "x"), ("z",))


class TestRoundTrip:
    """Law: a document written to the wire and read again is equal, and so are its bytes."""

    @settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
    @given(manifests())
    def test_manifest(self, document: Manifest) -> None:
        data = document.to_bytes()
        tree = canonical.parse_canonical(data)
        assert tree == document.to_tree()
        again = parse_manifest(tree).document
        assert again == document
        assert hash(again) == hash(document)
        assert again.to_bytes() == data

    @settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
    @given(documents(Evaluation))
    def test_evaluation(self, document: Evaluation) -> None:
        tree = canonical.parse_canonical(document.to_bytes())
        assert parse_document(Evaluation, tree) == document
