"""Indexes of shards: canonical lines only, and one root over any trees."""

from __future__ import annotations

import pytest

from provenance.digest import Shard, ShardIndex, TypedRoot, check_inclusion, shard_entry, typed_root
from provenance.errors import DigestError

ONE = TypedRoot("file", 3, "1" * 64)
TWO = TypedRoot("record", 0, "2" * 64)
LINE = shard_entry(Shard("a", ONE)).decode()

#: Lines that are refused, and the code.
REFUSED: dict[str, tuple[str, str]] = {
    "blank": (LINE.replace(":", ": ", 1), "inventory-malformed"),
    "empty line": ("", "inventory-malformed"),
    "no object": ("[]", "inventory-malformed"),
    "key twice": (LINE.replace('"size":3', '"size":3,"size":3'), "inventory-malformed"),
    "keys in another order": (
        f'{{"root":"{"1" * 64}","name":"a","size":3,"tree":"file"}}',
        "inventory-malformed",
    ),
    "member more": (LINE.replace('"size":3', '"size":3,"time":1'), "inventory-malformed"),
    "member missing": (LINE.replace('"size":3,', ""), "inventory-malformed"),
    "no such kind": (LINE.replace('"file"', '"files"'), "inventory-malformed"),
    "capitals": (LINE.replace("1" * 64, "A" * 64), "inventory-malformed"),
    "root short": (LINE.replace("1" * 64, "1" * 62), "inventory-malformed"),
    "size negative": (LINE.replace(":3", ":-3"), "inventory-malformed"),
    "size too large": (LINE.replace(":3", f":{2**53}"), "inventory-malformed"),
    "size real": (LINE.replace(":3", ":3.0"), "inventory-malformed"),
    "size boolean": (LINE.replace(":3", ":true"), "inventory-malformed"),
    "name unsafe": (LINE.replace('"a"', '"../a"'), "name-unsafe"),
    "name empty": (LINE.replace('"a"', '""'), "name-unsafe"),
    "line too long": (LINE.replace('"a"', f'"{"a" * 20_000}"'), "inventory-malformed"),
    "carriage return": (LINE + "\r", "inventory-malformed"),
    "lone surrogate": (LINE.replace('"a"', '"\\ud800"'), "inventory-malformed"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_line_is_refused(name: str) -> None:
    line, code = REFUSED[name]
    with pytest.raises(DigestError) as caught:
        ShardIndex.from_bytes(line.encode() + b"\n", source="x")
    assert caught.value.code == code
    assert caught.value.path.startswith("x:1")


@pytest.mark.parametrize(
    ("names", "problem"),
    [(("b", "a"), "not sorted"), (("a", "a"), "stands twice")],
    ids=["unsorted", "twice"],
)
def test_order_of_lines_is_checked(names: tuple[str, ...], problem: str) -> None:
    data = b"".join(shard_entry(Shard(name, ONE)) + b"\n" for name in names)
    with pytest.raises(DigestError, match=problem):
        ShardIndex.from_bytes(data)


def test_last_line_must_end() -> None:
    with pytest.raises(DigestError, match="line feed"):
        ShardIndex.from_bytes(LINE.encode())


def test_shard_name_twice_is_refused() -> None:
    with pytest.raises(DigestError) as caught:
        ShardIndex((Shard("a", ONE), Shard("a", TWO)))
    assert caught.value.code == "name-duplicate"


def test_unknown_shard_is_not_proved() -> None:
    with pytest.raises(DigestError, match="not in the index"):
        ShardIndex((Shard("a", ONE),)).prove("b")


def test_index_is_sorted_by_bytes_and_reads_back() -> None:
    index = ShardIndex((Shard("ö", TWO), Shard("a/b", ONE), Shard("a.b", ONE)))
    assert [shard.name for shard in index] == ["a.b", "a/b", "ö"]
    assert ShardIndex.from_bytes(index.to_bytes()) == index
    assert index.root == typed_root("shard", map(shard_entry, index))
    for shard in index:
        check_inclusion(index.root, shard_entry(shard), index.prove(shard.name))
        assert index.find(shard.name) == shard
    assert index.find("b") is None
    assert len(index) == 3


def test_index_of_no_shards_is_the_empty_file() -> None:
    assert ShardIndex.from_bytes(b"") == ShardIndex()
    assert ShardIndex().root.size == 0
