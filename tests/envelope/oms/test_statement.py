"""Reading and writing OMS statements: strict on names and digests, lenient on order and layout."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from provenance.canonical import parse_canonical
from provenance.envelope.oms import (
    LEGACY_PREDICATE_TYPE,
    Resource,
    Serialization,
    parse_oms_statement,
    root_digest,
    write_oms_statement,
)
from provenance.errors import EnvelopeError, ProvenanceError
from support.oms import FILES, PREDICATE_TYPE, digest, payload_of, resource, statement

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

X = b"0123456789"


def of(*resources: Mapping[str, Any], **options: Any) -> bytes:  # noqa: ANN401 - those of `statement`
    return payload_of(statement(resources, **options))


def shards(*names: str, size: object = 4, algorithm: str = "sha256") -> bytes:
    listed = [{**resource(name, b"?"), "algorithm": algorithm} for name in names]
    return payload_of(statement(listed, method="shards", shard_size=size))


def changed(change: Callable[[dict[str, Any]], object]) -> bytes:
    tree = statement()
    change(tree)
    return payload_of(tree)


def named(name: str) -> bytes:
    return of(resource(name, X))


REFUSED: dict[str, tuple[bytes, str]] = {
    "array": (b"[]", "oms-malformed"),
    "other_type": (changed(lambda tree: tree.update(_type="x")), "oms-malformed"),
    "no_predicate_type": (changed(lambda tree: tree.pop("predicateType")), "oms-predicate-type"),
    "version_2": (
        of(resource("x", X), predicate_type="https://model_signing/signature/v2.0"),
        "oms-predicate-type",
    ),
    "version_1_01": (
        of(resource("x", X), predicate_type="https://model_signing/signature/v1.01"),
        "oms-predicate-type",
    ),
    "slsa": (
        of(resource("x", X), predicate_type="https://slsa.dev/provenance/v1"),
        "oms-predicate-type",
    ),
    "legacy_unasked": (of(resource("x", X), predicate_type=LEGACY_PREDICATE_TYPE), "oms-legacy"),
    "no_subject": (changed(lambda tree: tree.update(subject=[])), "oms-malformed"),
    "two_subjects": (
        changed(lambda tree: tree.update(subject=tree["subject"] * 2)),
        "oms-malformed",
    ),
    "empty_subject_name": (
        changed(lambda tree: tree["subject"][0].update(name="")),
        "oms-malformed",
    ),
    "md5_subject": (
        changed(lambda tree: tree["subject"][0].update(digest={"md5": "0" * 32})),
        "oms-malformed",
    ),
    "unknown_field": (changed(lambda tree: tree.update(more=1)), "oms-malformed"),
    "no_serialization": (
        changed(lambda tree: tree["predicate"].pop("serialization")),
        "oms-malformed",
    ),
    "no_resources": (of(), "oms-malformed"),
    "method": (of(resource("x", X), method="tensors"), "oms-malformed"),
    "hash_type": (of(resource("x", X), hash_type="md5"), "oms-malformed"),
    "symlinks_text": (of(resource("x", X), allow_symlinks="false"), "oms-malformed"),
    "shard_size_of_files": (of(resource("x", X), shard_size=4), "oms-malformed"),
    "algorithm_differs": (
        of({**resource("x", X), "algorithm": "blake3"}),
        "oms-malformed",
    ),
    "digest_upper_case": (
        of({**resource("x", X), "digest": digest(X).upper()}),
        "digest-format",
    ),
    "digest_cut": (of({**resource("x", X), "digest": "ab"}), "digest-format"),
    "root_upper_case": (of(resource("x", X), root=digest(b"").upper()), "digest-format"),
    "root": (of(resource("x", X), root=digest(b"")), "oms-root"),
    "traversal": (named("../x"), "oms-name"),
    "inner_traversal": (named("a/../x"), "oms-name"),
    "absolute": (named("/x"), "oms-name"),
    "dot_prefix": (named("./x"), "oms-name"),
    "inner_dot": (named("a/./x"), "oms-name"),
    "empty_part": (named("a//x"), "oms-name"),
    "folder": (named("a/"), "oms-name"),
    "empty_name": (named(""), "oms-name"),
    "control_character": (named("a\nb"), "oms-name"),
    "backslash": (named("a\\b"), "oms-name"),
    "twice": (of(resource("x", X), resource("x", b"")), "oms-name"),
    "file_and_folder": (of(resource("a", X), resource("a/x", X)), "oms-name"),
    "model_and_file": (of(resource(".", X), resource("x", X)), "oms-name"),
    "listed_and_left_out": (of(resource("a/x", X), ignore_paths=["a"]), "oms-name"),
    "ignore_everything": (of(resource("x", X), ignore_paths=["."]), "oms-name"),
    "ignore_traversal": (of(resource("x", X), ignore_paths=["../y"]), "oms-name"),
    "ignore_absolute": (of(resource("x", X), ignore_paths=["/y"]), "oms-name"),
    "ignore_glob": (of(resource("x", X), ignore_paths=["*.py"]), "oms-name"),
    "ignore_number": (of(resource("x", X), ignore_paths=[1]), "oms-malformed"),
    "shard_size_zero": (shards("x:0:4", size=0), "oms-malformed"),
    "shard_size_negative": (shards("x:0:4", size=-4), "oms-malformed"),
    "shard_size_fraction": (shards("x:0:4", size=4.5), "oms-malformed"),
    "shard_size_true": (shards("x:0:1", size=True), "oms-malformed"),
    "shard_size_text": (shards("x:0:4", size="4"), "oms-malformed"),
    "shard_without_range": (shards("x"), "oms-shards"),
    "shard_leading_zero": (shards("x:0:04"), "oms-shards"),
    "shard_negative": (shards("x:-4:0"), "oms-shards"),
    "shard_empty": (shards("x:0:0"), "oms-shards"),
    "shard_gap": (shards("x:0:4", "x:8:12"), "oms-shards"),
    "shard_overlap": (shards("x:0:4", "x:2:6"), "oms-shards"),
    "shard_too_long": (shards("x:0:5"), "oms-shards"),
    "shard_short_inside": (shards("x:0:3", "x:3:7"), "oms-shards"),
    "shard_not_from_0": (shards("x:4:8"), "oms-shards"),
    "shard_twice": (shards("x:0:4", "x:0:4"), "oms-name"),
    "shard_algorithm": (shards("x:0:4", algorithm="sha256-sharded-5"), "oms-malformed"),
    "shard_traversal": (shards("../x:0:4"), "oms-name"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refuses(case: str) -> None:
    payload, code = REFUSED[case]
    with pytest.raises(EnvelopeError) as caught:
        parse_oms_statement(payload)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (
            payload_of(statement()).replace(b'"predicate":', b'"predicate": {}, "predicate":'),
            "json-duplicate-key",
        ),
        (payload_of(statement()) + b"x", "json-syntax"),
        (b'{"a": NaN}', "json-number"),
        (b"\xff", "json-encoding"),
    ],
    ids=["key_twice", "trailing", "nan", "utf8"],
)
def test_refuses_what_is_no_strict_json(payload: bytes, code: str) -> None:
    with pytest.raises(ProvenanceError) as caught:
        parse_oms_statement(payload)
    assert caught.value.code == code


def test_reads_the_usual_statement_in_any_layout() -> None:
    found = parse_oms_statement(payload_of(statement(ignore_paths=[".git"])))
    assert [item.path for item in found.resources] == list(FILES)
    assert found.serialization == Serialization(ignore_paths=(".git",))
    assert found.root == root_digest(found.resources)
    assert found.order == "code points"
    assert not found.is_newer


def test_order_is_the_list_s_own() -> None:
    # By components `a/x` stands before `a-b/x`: same files, another root, both right.
    paths = sorted(FILES, key=lambda name: name.split("/"))
    by_parts = parse_oms_statement(of(*(resource(name, FILES[name]) for name in paths)))
    by_points = parse_oms_statement(payload_of(statement()))
    assert by_parts.order == "components"
    assert by_parts.root != by_points.root
    backwards = parse_oms_statement(of(*(resource(name, FILES[name]) for name in reversed(paths))))
    assert backwards.order == "another"


@pytest.mark.parametrize("algorithm", ["sha256", "blake3", "blake2b"])
def test_reads_every_hash(algorithm: str) -> None:
    found = parse_oms_statement(of(resource("x", X, algorithm), hash_type=algorithm))
    assert found.resources[0].digest == digest(X, algorithm)


@pytest.mark.parametrize("size", [4, 4.0], ids=["whole", "double"])
@pytest.mark.parametrize("algorithm", ["sha256", "sha256-sharded-4"])
def test_reads_shards(size: object, algorithm: str) -> None:
    names = ("b:0:4:0:4", "x:0:4", "x:4:8", "x:8:10")
    found = parse_oms_statement(shards(*names, size=size, algorithm=algorithm))
    assert [item.path for item in found.resources] == ["b:0:4", "x", "x", "x"]
    assert [item.name for item in found.resources] == list(names)
    assert found.serialization.shard_size == 4


def test_reads_a_later_minor_version_and_leaves_its_fields_alone() -> None:
    payload = of(
        resource("x", X),
        predicate_type="https://model_signing/signature/v1.7",
        predicate={"later": 1},
        more=2,
    )
    assert parse_oms_statement(payload).is_newer


def test_unknown_fields_of_the_predicate_are_left_alone_and_named() -> None:
    found = parse_oms_statement(of(resource("x", X), predicate={"more": 1}, later=2))
    assert found.unknown == ("/predicate/more", "/predicate/serialization/later")
    assert not found.is_newer
    assert parse_oms_statement(payload_of(statement())).unknown == ()


def test_fields_of_a_resource_that_say_nothing_are_ignored() -> None:
    parse_oms_statement(of(resource("x", X, uri="https://example.org", annotations={})))


def test_reads_version_0_2_when_asked() -> None:
    tree = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "x", "digest": {"sha256": digest(X)}}],
        "predicateType": LEGACY_PREDICATE_TYPE,
        "predicate": {"unused": "Unused, just passed due to API requirements"},
    }
    found = parse_oms_statement(payload_of(tree), legacy=True)
    assert found.is_legacy
    assert found.resources == (Resource("x", digest(X)),)
    tree["subject"] = [{"name": "../x", "digest": {"sha256": digest(X)}}]
    with pytest.raises(EnvelopeError):
        parse_oms_statement(payload_of(tree), legacy=True)


def test_writes_one_line_by_code_points_that_it_reads_again() -> None:
    resources = [Resource(name, digest(data)) for name, data in reversed(list(FILES.items()))]
    payload = write_oms_statement("model", resources, Serialization(ignore_paths=("model.sig",)))
    assert parse_canonical(payload)
    found = parse_oms_statement(payload)
    assert found.order == "code points"
    assert found.predicate_type == PREDICATE_TYPE
    tree = json.loads(payload)
    assert set(tree["predicate"]["resources"][0]) == {"name", "algorithm", "digest"}


@pytest.mark.parametrize(
    "resources", [[], [Resource("../x", digest(X))]], ids=["none", "traversal"]
)
def test_writes_nothing_that_it_would_not_read(resources: list[Resource]) -> None:
    with pytest.raises(EnvelopeError):
        write_oms_statement("model", resources, Serialization())
