"""Versions, unknown fields and what is critical."""

from __future__ import annotations

from typing import Any

import pytest

from provenance import canonical
from provenance.errors import ManifestError
from provenance.manifest import (
    DOCUMENT_KINDS,
    EVALUATION_V1,
    EvaluationAttestation,
    parse_manifest,
    parse_predicate,
)
from provenance.manifest.reading import MAX_UNKNOWN_FIELDS
from support.examples import example, least_manifest

URI = "https://vocabulary.example/v1"


def refused(code: str, where: str, tree: object, **options: Any) -> ManifestError:  # noqa: ANN401 - passed on
    with pytest.raises(ManifestError) as caught:
        parse_manifest(tree, **options)
    assert (caught.value.code, caught.value.path) == (code, where)
    return caught.value


@pytest.mark.parametrize("predicate_type", DOCUMENT_KINDS)
def test_examples_of_the_specification_are_read_and_come_back(predicate_type: str) -> None:
    name = "-".join(predicate_type.split("/")[-2:])
    tree = example(name)
    parsed = parse_predicate(DOCUMENT_KINDS[predicate_type], tree)
    assert parsed.document.to_tree() == tree
    assert canonical.parse_canonical(parsed.document.to_bytes()) == tree
    assert parsed.unknown == ()
    assert parsed.tree is tree


@pytest.mark.parametrize("tree", [None, "manifest", 7, ()])
def test_a_predicate_that_is_no_object_is_refused(tree: object) -> None:
    refused("manifest-invalid", "/predicate", tree, path="/predicate")


@pytest.mark.parametrize("version", ["2.0", "0.9", "10.0", "999999.0"])
def test_another_major_version_is_refused_whatever_else_is_there(version: str) -> None:
    error = refused("manifest-version", "/manifestVersion", {"manifestVersion": version, "x": 1})
    assert "we know major version 1" in str(error)


@pytest.mark.parametrize(
    "version", [None, 1.0, 1, "1", "1.", "1.0.0", "a.b", "\u0661.\u0660", "1.-1", "1." + "9" * 5000]
)
def test_what_is_no_version_is_refused(version: object) -> None:
    refused("manifest-invalid", "/manifestVersion", least_manifest(manifestVersion=version))


def test_a_version_with_leading_zeros_is_refused() -> None:
    refused("manifest-invalid", "/manifestVersion", least_manifest(manifestVersion="1.01"))
    refused("manifest-invalid", "/manifestVersion", least_manifest(manifestVersion="01.0"))


def test_version_is_required() -> None:
    tree = least_manifest()
    del tree["manifestVersion"]
    refused("manifest-invalid", "/manifestVersion", tree)


def test_unknown_field_of_a_version_that_we_know_is_an_error_at_any_depth() -> None:
    refused("field-unknown", "/mood", least_manifest(mood="good"))
    refused("field-unknown", "/model/mood", least_manifest(model={"name": "m", "mood": 1}))


def test_unknown_fields_of_a_newer_version_are_kept_and_reported() -> None:
    tree = least_manifest(
        manifestVersion="1.7",
        weather={"sky": ("blue",)},
        model={"name": "m", "mood": "good"},
        datasets=(
            {"id": "a", "name": "a"},
            {"id": "b", "name": "b", "smell": 1, "sources": ({"name": "s", "taste": None},)},
        ),
    )
    before = repr(tree)
    parsed = parse_manifest(tree)
    assert parsed.unknown == (
        "/datasets/1/smell",
        "/datasets/1/sources/0/taste",
        "/model/mood",
        "/weather",
    )
    assert parsed.tree == tree
    assert parsed.document.datasets[1].sources[0].to_tree() == {"name": "s"}
    assert parsed.document.manifest_version == "1.7"
    assert repr(tree) == before
    assert parse_manifest(tree) == parsed


def test_known_rest_of_a_newer_document_is_checked_as_always() -> None:
    refused(
        "manifest-invalid",
        "/model/name",
        least_manifest(manifestVersion="1.7", weather=1, model={"name": 3}),
    )


def test_newer_members_of_a_typed_root_are_refused() -> None:
    root = {"tree": "file", "size": 1, "root": "ab" * 32, "hash": "sha3"}
    refused(
        "manifest-invalid",
        "/release/files",
        least_manifest(manifestVersion="1.7", release={"files": root}),
    )


def test_number_of_unknown_fields_is_bounded() -> None:
    tags = tuple({"name": "s", "x": 1} for _ in range(MAX_UNKNOWN_FIELDS + 1))
    data = {"id": "d", "name": "d", "sources": tags}
    refused("manifest-invalid", "", least_manifest(manifestVersion="1.1", datasets=(data,)))


@pytest.mark.parametrize("pointer", ["/model/mood", "/model", "/model/mood/deep", ""])
def test_critical_unknown_field_is_refused(pointer: str) -> None:
    tree = least_manifest(
        manifestVersion="1.7",
        model={"name": "m", "mood": {"deep": 1}},
        critical=("/producer", pointer),
    )
    refused("critical-unknown", "/predicate/critical/1", tree, path="/predicate")


@pytest.mark.parametrize("pointer", ["/model/name", "/producer", "/critical/0"])
def test_critical_known_field_is_understood(pointer: str) -> None:
    tree = least_manifest(manifestVersion="1.7", mood=1, critical=(pointer,))
    assert parse_manifest(tree).unknown == ("/mood",)


def test_critical_place_that_is_not_there_is_refused() -> None:
    refused("critical-unknown", "/critical/0", least_manifest(critical=("/compute/cost",)))


@pytest.mark.parametrize("pointer", ["", "/extensions", f"/extensions/{URI.replace('/', '~1')}"])
def test_critical_extension_is_understood_only_by_whoever_knows_its_uri(pointer: str) -> None:
    tree = least_manifest(extensions={URI: {"x": 1}}, critical=(pointer,))
    refused("critical-unknown", "/critical/0", tree)
    assert parse_manifest(tree, understood=[URI]).document.extensions == {URI: {"x": 1}}


def test_name_that_only_begins_like_an_unknown_field_is_not_critical() -> None:
    tree = least_manifest(manifestVersion="1.7", mod=1, critical=("/model",))
    assert parse_manifest(tree).unknown == ("/mod",)


def test_an_attestation_says_at_least_one_thing() -> None:
    tree = example("evaluation-v1")
    tree["evaluations"] = ()
    with pytest.raises(ManifestError, match=r"^/evaluations: expected at least 1 items"):
        parse_predicate(DOCUMENT_KINDS[EVALUATION_V1], tree)
    assert parse_predicate(EvaluationAttestation, example("evaluation-v1")).document.evaluations


def test_many_faulty_items_are_refused_at_the_first() -> None:
    sources = tuple({"size": -1} for _ in range(100_000))
    data = {"id": "d", "name": "d", "sources": sources}
    error = refused(
        "manifest-invalid", "/datasets/0/sources/0/size", least_manifest(datasets=(data,) * 1000)
    )
    assert len(str(error)) < 200
