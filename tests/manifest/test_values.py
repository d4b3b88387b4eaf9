"""Numbers, digests, typed roots, origins and extensions."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from provenance import canonical
from provenance.digest import DigestSet, TypedRoot
from provenance.errors import ManifestError
from provenance.manifest import (
    Checkpoint,
    FileEntry,
    MetricResult,
    Source,
    parse_document,
    parse_manifest,
)
from support.examples import least_manifest
from support.strategies import exact_numbers

HEX = "ab" * 32


def metric(value: object) -> MetricResult:
    return parse_document(MetricResult, {"name": "m", "value": value})


@pytest.mark.parametrize(
    ("wire", "value"),
    [
        (0.5, 0.5),
        (3, 3),
        (2**53 - 1, 2**53 - 1),
        ({"number": "9007199254740992"}, 2**53),
        ({"number": "1e300"}, 10**300),
        ({"number": "Infinity"}, math.inf),
        ({"number": "-Infinity"}, -math.inf),
        ({"number": "0.12345678901234567890123"}, Decimal("0.12345678901234567890123")),
    ],
    ids=repr,
)
def test_number_is_read_exactly_and_written_as_it_was(wire: object, value: object) -> None:
    document = metric(wire)
    assert document.value == value
    assert document.to_tree()["value"] == wire


def test_nan_is_a_value_and_equals_itself() -> None:
    document = metric({"number": "NaN"})
    assert math.isnan(document.value)
    assert document == MetricResult(name="m", value=float("nan"))
    assert document.to_bytes() == b'{"name":"m","value":{"number":"NaN"}}'


@pytest.mark.parametrize("value", [1.0, Decimal(1), Decimal("1.000"), 1], ids=repr)
def test_equal_numbers_have_one_form(value: Any) -> None:  # noqa: ANN401 - several kinds of numbers
    document = MetricResult(name="m", value=value)
    assert type(document.value) is int
    assert document == MetricResult(name="m", value=1)


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        ("3", "manifest-invalid"),
        (True, "manifest-invalid"),
        ((), "manifest-invalid"),
        ({"number": 3}, "json-number"),
        ({"number": "3"}, "json-number"),
        ({"number": "1E300"}, "json-number"),
        ({"number": "nan"}, "json-number"),
        ({"number": "9007199254740992.0"}, "json-number"),
        ({"number": "1e300", "unit": "m"}, "json-number"),
        ({}, "json-number"),
        ({"number": "9" * 401}, "json-number"),
    ],
    ids=repr,
)
def test_number_is_refused(wire: object, code: str) -> None:
    with pytest.raises(ManifestError) as caught:
        metric(wire)
    assert (caught.value.path, caught.value.code) == ("/value", code)


class TestNumbersRoundTrip:
    """Law: every number that a document takes comes back equal from its canonical bytes."""

    @given(exact_numbers())
    def test_any_number(self, value: float | Decimal) -> None:
        document = MetricResult(name="m", value=value)
        assert metric(canonical.parse(document.to_bytes())["value"]) == document  # type: ignore[call-overload, index]  # an object


@pytest.mark.parametrize(
    ("digest", "path", "code"),
    [
        ({"sha256": "AB" * 32}, "/digest/sha256", "digest-format"),
        ({"sha256": "ab" * 31}, "/digest/sha256", "digest-format"),
        ({"blake3": 3}, "/digest/blake3", "digest-format"),
        ({"sha 256": HEX}, "/digest/sha 256", "digest-algorithm"),
        ({f"a{number}": "x" for number in range(33)}, "/digest", "digest-algorithm"),
        ({}, "/digest", "digest-algorithm"),
        ("sha256:" + HEX, "/digest", "manifest-invalid"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_digests_of_a_file_are_refused(digest: object, path: str, code: str) -> None:
    with pytest.raises(ManifestError) as caught:
        parse_document(FileEntry, {"path": "a", "size": 1, "digest": digest})
    assert (caught.value.path, caught.value.code) == (path, code)


def test_digests_of_unknown_algorithms_are_kept_and_do_not_count() -> None:
    source = parse_document(Source, {"digest": {"sha256": HEX, "sha9": "Zz="}})
    assert source.to_tree()["digest"] == {"sha256": HEX, "sha9": "Zz="}
    assert source.digest is not None
    assert source.digest.counted == {"sha256": HEX}
    assert parse_document(Source, {"name": "n", "digest": {}}).digest is None
    assert Source(digest=DigestSet({"sha256": HEX})).to_tree() == {"digest": {"sha256": HEX}}


@pytest.mark.parametrize(
    ("root", "path", "code"),
    [
        (HEX, "/files", "manifest-invalid"),
        ({"tree": "file", "size": 1}, "/files", "manifest-invalid"),
        ({"tree": "file", "size": 1, "root": HEX, "salt": 1}, "/files", "manifest-invalid"),
        ({"tree": "tensor", "size": 1, "root": HEX}, "/files/tree", "manifest-invalid"),
        ({"tree": "files", "size": 1, "root": HEX}, "/files/tree", "manifest-invalid"),
        ({"tree": (), "size": 1, "root": HEX}, "/files/tree", "manifest-invalid"),
        ({"tree": "file", "size": True, "root": HEX}, "/files/size", "manifest-invalid"),
        ({"tree": "file", "size": 1.0, "root": HEX}, "/files/size", "manifest-invalid"),
        ({"tree": "file", "size": -1, "root": HEX}, "/files/size", "manifest-invalid"),
        ({"tree": "file", "size": 2**53, "root": HEX}, "/files/size", "manifest-invalid"),
        ({"tree": "file", "size": 1, "root": HEX.upper()}, "/files/root", "digest-format"),
        ({"tree": "file", "size": 1, "root": HEX + "\n"}, "/files/root", "digest-format"),
        ({"tree": "file", "size": 1, "root": 5}, "/files/root", "digest-format"),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_typed_root_is_refused(root: object, path: str, code: str) -> None:
    with pytest.raises(ManifestError, match="expected") as caught:
        parse_document(Checkpoint, {"id": "c", "step": 1, "files": root})
    assert (caught.value.path, caught.value.code) == (path, code)


def test_typed_root_of_the_wrong_kind_is_refused_from_python_too() -> None:
    with pytest.raises(ManifestError, match="expected the root of a tree of kind 'tensor'"):
        Checkpoint(id="c", step=1, tensors=TypedRoot("file", 1, HEX))


@pytest.mark.parametrize(
    ("origins", "path"),
    [
        ("captured", "/origins"),
        ({"training": "captured"}, "/origins/training"),
        ({"/training": "guessed"}, "/origins/~1training"),
        ({"/training": ("captured",)}, "/origins/~1training"),
        ({"/" + "a" * 4096: "captured"}, "/origins/~1" + "a" * 4096),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_origins_are_refused(origins: object, path: str) -> None:
    with pytest.raises(ManifestError) as caught:
        parse_manifest(least_manifest(origins=origins))
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("extensions", "path"),
    [
        ((), "/extensions"),
        ({"no uri": {}}, "/extensions/no uri"),
        ({"a:b": 3}, "/extensions/a:b"),
        ({"a:b": {"x": {"number": "1.0"}}}, "/extensions/a:b/x"),
        ({"a:b": {"number": "NaN"}}, "/extensions/a:b"),
        ({"number": "NaN"}, "/extensions"),
    ],
    ids=repr,
)
def test_extensions_are_refused(extensions: object, path: str) -> None:
    with pytest.raises(ManifestError) as caught:
        parse_manifest(least_manifest(extensions=extensions))
    assert caught.value.path == path
