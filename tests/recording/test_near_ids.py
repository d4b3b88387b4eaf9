"""Ids of a description that are nearly recorded ones are warned of."""

from __future__ import annotations

from typing import Any

import pytest

from provenance.recording.near_ids import warn_of_near_ids


def tree(*ids: str) -> dict[str, Any]:
    return {"datasets": [{"id": value} for value in ids]}


@pytest.mark.parametrize(
    ("recorded", "described", "near"),
    [
        (("train",), ("trian",), ["train"]),
        (("wiki-en", "books"), ("wiki_en",), ["wiki-en"]),
        (("train",), ("train",), []),
        (("train", "trian"), ("trian",), []),
        (("train",), ("evaluation",), []),
        ((), ("train",), []),
        (("a" * 5000,), ("a" * 4999 + "b",), ["a" * 70]),
    ],
    ids=["mistyped", "other dash", "same", "both recorded", "another", "nothing recorded", "long"],
)
def test_new_ids_like_recorded_ones_are_named(
    recorded: tuple[str, ...], described: tuple[str, ...], near: list[str]
) -> None:
    found = list(warn_of_near_ids(tree(*recorded), tree(*described)))
    assert len(found) == len(near)
    for warning, name in zip(found, near, strict=True):
        assert name in warning
        assert warning.startswith("/datasets: ")


def test_lists_inside_of_parts_are_compared_too() -> None:
    recorded = {"training": {"segments": [{"id": "first"}]}}
    described = {"training": {"segments": [{"id": "frist"}]}}
    [warning] = warn_of_near_ids(recorded, described)
    assert warning.startswith("/training/segments: ")


@pytest.mark.parametrize("bad", [None, 1, "train", [1], [{"id": 1}], [{}], {}])
def test_what_is_no_list_of_parts_is_left_to_others(bad: object) -> None:
    assert list(warn_of_near_ids({"datasets": bad}, tree("train"))) == []
    assert list(warn_of_near_ids(tree("train"), {"datasets": bad})) == []
