"""Free JSON: frozen all the way down, exact numbers, bounded."""

from __future__ import annotations

import copy
import math
import pickle
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given

from provenance import canonical
from provenance.errors import ManifestError
from provenance.manifest import FrozenMapping, freeze, plain, thaw
from provenance.manifest.frozen import MAX_FREE_VALUES
from support.strategies import free_objects

if TYPE_CHECKING:
    from collections.abc import Mapping


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


def test_freezing_goes_all_the_way_down() -> None:
    frozen = FrozenMapping({"a": [{"b": [1]}], "c": None})
    assert frozen["a"] == (FrozenMapping({"b": (1,)}),)
    assert list(frozen) == ["a", "c"]
    assert len(frozen) == 2
    with pytest.raises(AttributeError, match="does not change"):
        frozen.a = 1
    with pytest.raises(TypeError):
        frozen._items["a"] = 1  # type: ignore[index]  # that is the question
    assert repr(frozen["a"][0]) == "FrozenMapping({'b': (1,)})"


def test_exact_numbers_are_kept_in_wire_form_and_decoded_by_plain() -> None:
    value = {"seed": 2**64, "loss": math.inf, "share": Decimal("0.1"), "one": 1.0}
    frozen = FrozenMapping(value)
    assert thaw(frozen) == {
        "seed": {"number": "18446744073709551616"},
        "loss": {"number": "Infinity"},
        "share": 0.1,
        "one": 1,
    }
    assert plain(frozen) == {"seed": 2**64, "loss": math.inf, "share": 0.1, "one": 1}
    assert plain(FrozenMapping({"a": [1, {"b": 2}]})) == {"a": [1, {"b": 2}]}
    assert freeze(thaw(frozen)) == frozen


def test_equality_is_that_of_the_canonical_form() -> None:
    assert FrozenMapping({"a": 1}) == {"a": 1.0}
    assert FrozenMapping({"a": [1, 2]}) == {"a": (1, 2)}
    assert FrozenMapping({"a": 1}) != {"a": True}
    assert FrozenMapping({"a": [0]}) != {"a": [False]}
    assert FrozenMapping({"a": 1}) != {"a": object()}
    assert FrozenMapping({"a": 1}) != {"b": 1}
    assert FrozenMapping({"a": [1]}) != {"a": [1, 1]}
    assert FrozenMapping({}) != 3
    assert hash(FrozenMapping({"a": [1], "b": 2})) == hash(FrozenMapping({"b": 2, "a": (1,)}))


def test_an_object_with_a_number_and_more_is_an_ordinary_object() -> None:
    assert thaw(freeze({"number": "1.0", "unit": "m"})) == {"number": "1.0", "unit": "m"}
    assert thaw(freeze({"number": 3})) == {"number": 3}


def test_copies_and_pickles_are_equal() -> None:
    frozen = FrozenMapping({"a": [2**64, {"b": None}]})
    assert copy.deepcopy(frozen) == frozen
    assert pickle.loads(pickle.dumps(frozen)) == frozen  # noqa: S301 - our own bytes


@pytest.mark.parametrize(
    ("value", "path", "code", "words"),
    [
        ({"a": [{"b": {1}}]}, "/a/0/b", "manifest-invalid", "a set is no JSON value"),
        ({"a": {3: 1}}, "/a", "manifest-invalid", "a key of a JSON object is text, not 3"),
        ({"a": {"number": "1.0"}}, "/a", "json-number", "not the one spelling"),
        ({"a": Decimal("1" * 401)}, "/a", "json-number", "more than 400 characters"),
        ({"a": "\ud800"}, "/a", "json-surrogate", "lone surrogate"),
        ({"\udfff": 1}, "", "json-surrogate", "lone surrogate"),
        ({"a": nested(66)}, "/a" + "/0" * 64, "json-depth", "deeper than 64 levels"),
        ({"a": b"bytes"}, "/a", "manifest-invalid", "a bytes is no JSON value"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_what_json_cannot_hold_is_refused_with_its_place(
    value: Mapping[str, Any], path: str, code: str, words: str
) -> None:
    with pytest.raises(ManifestError, match=words) as caught:
        FrozenMapping(value)
    assert (caught.value.path, caught.value.code) == (path, code)


def test_what_holds_itself_is_refused() -> None:
    value: dict[str, Any] = {}
    value["again"] = value
    with pytest.raises(ManifestError, match="deeper than 64 levels"):
        freeze(value)


def test_number_of_values_is_bounded() -> None:
    assert len(FrozenMapping({"a": [0] * (MAX_FREE_VALUES - 1)})["a"]) == MAX_FREE_VALUES - 1
    with pytest.raises(ManifestError, match=f"more than {MAX_FREE_VALUES} values"):
        FrozenMapping({"a": [0] * MAX_FREE_VALUES})


class TestFreezing:
    """Law: freezing what was thawed gives the same, and its bytes are canonical."""

    @given(free_objects())
    def test_is_idempotent(self, value: dict[str, Any]) -> None:
        frozen = FrozenMapping(value)
        assert freeze(thaw(frozen)) == frozen
        assert canonical.parse(canonical.write(thaw(frozen))) == thaw(frozen)
        assert FrozenMapping(plain(frozen)) == frozen
