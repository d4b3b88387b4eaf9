"""Merging and splitting inventories: the tree digest is that of the whole, or names are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.digest import (
    Inventory,
    InventoryDigest,
    InventoryEntry,
    hash_tree,
    merge_inventories,
    split_inventory,
)
from provenance.errors import DigestError, UsageError

if TYPE_CHECKING:
    from pathlib import Path


def listing(*paths: str) -> Inventory:
    return Inventory(
        tuple(InventoryEntry(digest=InventoryDigest("1" * 64), path=p, size=1) for p in paths)
    )


@pytest.mark.parametrize(
    ("parts", "code", "name"),
    [
        ({"": listing("a/f"), "a": listing("f")}, "name-duplicate", "a/f"),
        ({"A": listing("f"), "a": listing("f")}, "name-collision", "A/f"),
        ({"": listing("a"), "a": listing("f")}, "name-collision", "'a'"),
        ({"../up": listing("f")}, "name-unsafe", "up"),
        ({"a/": listing("f")}, "name-unsafe", "a//f"),
    ],
    ids=["twice", "letter case", "file and folder", "leads out", "slash"],
)
def test_names_that_do_not_fit_are_refused(
    parts: dict[str, Inventory], code: str, name: str
) -> None:
    with pytest.raises(DigestError) as caught:
        merge_inventories(parts)
    assert caught.value.code == code
    assert name in str(caught.value)


def test_many_doubled_names_are_counted() -> None:
    part = listing("a", "b", "c", "d", "e")
    with pytest.raises(DigestError, match="'a', 'b', 'c' and 2 more"):
        merge_inventories([("", part), ("", part)])


def test_collisions_inside_one_part_stay_its_own_business() -> None:
    assert len(merge_inventories({"x": listing("a", "A"), "y": listing("b")})) == 3


@pytest.mark.parametrize("most", [0, -1, True])
def test_parts_of_nothing_are_refused(most: int) -> None:
    if most is True:
        with pytest.raises(UsageError):
            split_inventory(listing("a"), True)  # noqa: FBT003 - the mistake that is tested
        return
    with pytest.raises(UsageError):
        split_inventory(listing("a"), most)


def test_merged_parts_have_the_root_of_the_whole(tmp_path: Path) -> None:
    for name in ("a/1", "a/2", "b/c/3", "4"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    whole = hash_tree(tmp_path)
    parts = {"a": hash_tree(tmp_path / "a"), "b": hash_tree(tmp_path / "b")}
    (tmp_path / "rest").mkdir()
    (tmp_path / "4").rename(tmp_path / "rest" / "4")
    assert merge_inventories({**parts, "": hash_tree(tmp_path / "rest")}) == whole


@given(st.sets(st.from_regex(r"[a-z]{1,3}", fullmatch=True)), st.integers(1, 5))
def test_split_parts_merge_to_the_whole(names: set[str], most: int) -> None:
    whole = listing(*names)
    parts = split_inventory(whole, most)
    assert list(parts) == sorted(parts)
    assert all(0 < len(part) <= most for part in parts.values())
    assert merge_inventories(("", part) for part in parts.values()) == whole
