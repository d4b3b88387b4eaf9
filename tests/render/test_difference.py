"""Differences between two documents, by path."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance import canonical
from provenance.render import Change, find_changes, render_changes

if TYPE_CHECKING:
    from provenance.canonical import JsonValue

ONE: JsonValue = {"id": "one", "size": 1}
TWO: JsonValue = {"id": "two", "size": 2}


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ({"a": 1}, {"a": 2}, [Change("changed", "/a", 1, 2)]),
        ({"a": 1}, {}, [Change("removed", "/a", before=1)]),
        ({}, {"a/b": 1}, [Change("added", "/a~1b", after=1)]),
        ({"a": True}, {"a": 1}, [Change("changed", "/a", True, 1)]),  # noqa: FBT003 - a JSON value
        ({"a": None}, {}, [Change("removed", "/a", before=None)]),
        ({"a": {}}, {"a": ()}, [Change("changed", "/a", {}, ())]),
        (
            {"a": (1, 2)},
            {"a": (1, 3, 4)},
            [Change("changed", "/a/1", 2, 3), Change("added", "/a/2", after=4)],
        ),
        ({"a": (ONE,)}, {"a": (TWO, ONE)}, [Change("added", "/a/two", after=TWO)]),
        ({"a": (ONE, TWO)}, {"a": (TWO,)}, [Change("removed", "/a/one", before=ONE)]),
        (
            {"a": (ONE, TWO)},
            {"a": (TWO, ONE)},
            [Change("reordered", "/a", ("one", "two"), ("two", "one"))],
        ),
        ({"a": (ONE, ONE)}, {"a": (ONE,)}, [Change("removed", "/a/1", before=ONE)]),
        ("a", "b", [Change("changed", "", "a", "b")]),
    ],
)
def test_each_difference_is_named_by_its_path(
    before: JsonValue, after: JsonValue, changes: list[Change]
) -> None:
    assert list(find_changes(before, after)) == changes


def test_members_are_matched_by_path_and_by_name_too() -> None:
    before: JsonValue = ({"path": "a", "size": 1}, {"path": "b", "size": 1})
    after: JsonValue = ({"path": "b", "size": 2},)
    assert [change.path for change in find_changes(before, after, path="/files")] == [
        "/files/a",
        "/files/b/size",
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "id"]),
    lambda inner: (
        st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.sampled_from(["a", "id", "name", "x/y"]), inner, max_size=3)
    ),
    max_leaves=8,
)


class TestNoChangesMeansEqual:
    """Law: there are no changes if, and only if, the canonical forms are equal."""

    @given(JSON, JSON)
    def test_both_directions(self, before: JsonValue, after: JsonValue) -> None:
        equal = canonical.write(before) == canonical.write(after)
        assert (find_changes(before, after) == ()) == equal

    @given(JSON)
    def test_a_document_does_not_differ_from_itself(self, document: JsonValue) -> None:
        assert find_changes(document, document) == ()


def test_lines_show_marks_and_values() -> None:
    before: JsonValue = {"a": 1, "b": "x", "list": (ONE, TWO)}
    after: JsonValue = {"b": "y", "c": {"deep": 1.5}, "list": (TWO, ONE)}
    assert render_changes(find_changes(before, after)) == (
        "- /a: 1",
        '~ /b: "x" → "y"',
        "~ /list: the same members in another order",
        '+ /c: {"deep":1.5}',
    )
    assert render_changes(find_changes(1, 2)) == ("~ (the whole): 1 → 2",)


def test_hostile_values_stay_on_one_safe_line() -> None:
    (line,) = render_changes(find_changes({"a\x1b": "x"}, {"a\x1b": "\u202ey\u2028" + "z" * 1000}))
    assert "\x1b" not in line
    assert "\u202e" not in line
    assert "\\u202ey\\u2028" in line
    assert len(line) < 700
