"""`provenance inventory`: merge, shards, split and root, and a proof through all of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import Command


@pytest.fixture
def lists(cli: Command, work: Path) -> Path:
    """Return a folder with the inventories of two folders, and of both together."""
    for name in ("a", "b"):
        (work / "data" / name).mkdir(parents=True)
        for number in range(4):
            (work / "data" / name / f"{number}.txt").write_text(f"{name}{number}")
        cli("digest", work / "data" / name, "--inventory", f"{name}.jsonl", "--algorithm", "blake3")
    cli("digest", work / "data", "--inventory", "whole.jsonl", "--algorithm", "blake3")
    return work


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("merge", "a.jsonl", "b.jsonl", "-o", "m.jsonl"), 1),
        (("merge", "a.jsonl", "nowhere", "-o", "m.jsonl"), 4),
        (("merge", "-o", "m.jsonl"), 2),
        (("shards", "a.jsonl", "a.jsonl", "-o", "m.jsonl"), 1),
        (("root", "data/a/0.txt"), 1),
        (("root", "empty"), 1),
        (("merge", "a.jsonl", "empty", "-o", "m.jsonl"), 1),
        (("shards", "a.jsonl", "empty", "-o", "m.jsonl"), 1),
        (("split", "empty", "--entries", "3", "-o", "parts"), 1),
        (("split", "whole.jsonl", "--entries", "0", "-o", "parts"), 2),
        (("split", "whole.jsonl", "--entries", "3", "-o", "data"), 2),
    ],
    ids=[
        "twice",
        "nowhere",
        "nothing",
        "shard twice",
        "no list",
        "root of nothing",
        "nothing to merge",
        "shard of nothing",
        "nothing to split",
        "none a part",
        "folder not empty",
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_is_written(
    cli: Command, lists: Path, arguments: tuple[str, ...], code: int
) -> None:
    (lists / "empty").touch()
    done = cli("inventory", *arguments)
    assert done.code == code, done.err
    assert ("is empty" in done.err) == ("empty" in arguments)
    assert not (lists / "parts").exists()
    assert not (lists / "m.jsonl").exists()


def test_index_is_no_part_to_merge(cli: Command, lists: Path) -> None:
    cli("inventory", "shards", "a.jsonl", "-o", "s.jsonl")
    done = cli("inventory", "merge", "s.jsonl", "-o", "m.jsonl")
    assert done.code == 2
    assert "is an index of shards" in done.err
    assert lists.is_dir()


def test_merged_parts_are_the_whole(cli: Command, lists: Path) -> None:
    assert cli("inventory", "merge", "a=a.jsonl", "b=b.jsonl", "-o", "m.jsonl").code == 0
    assert (lists / "m.jsonl").read_bytes() == (lists / "whole.jsonl").read_bytes()


def test_file_is_proved_through_the_shards_of_a_split(cli: Command, lists: Path) -> None:
    done = cli(
        "inventory", "split", "whole.jsonl", "--entries", "3", "-o", "parts", "--format", "json"
    )
    root = json.loads(done.out)
    assert (root["tree"], root["size"]) == ("shard", 3)
    assert (
        json.loads(cli("inventory", "root", "parts/shards.jsonl", "--format", "json").out) == root
    )
    part = "parts/part-00001.inventory.jsonl"
    assert cli("prove", "parts/shards.jsonl", "b/0.txt", "--part", part, "-o", "p.json").code == 0
    trusted = ("--root", root["root"], "--size", root["size"], "--tree", "shard")
    done = cli("check-proof", "p.json", "data/b/0.txt", *trusted)
    assert done.code == 0
    assert "1 of 3 files, 1 of 3 shards" in done.out
    assert cli("check-proof", "p.json", "data/a/0.txt", *trusted).code == 1
    assert lists.is_dir()


def test_a_shard_itself_is_proved_by_its_inventory(cli: Command, lists: Path) -> None:
    done = cli("inventory", "shards", "x=a.jsonl", "b.jsonl", "-o", "s.jsonl", "--format", "json")
    root = json.loads(done.out)
    cli("prove", "s.jsonl", "x", "-o", "p.json")
    trusted = ("--root", root["root"], "--size", root["size"], "--tree", "shard")
    assert cli("check-proof", "p.json", "a.jsonl", *trusted, "--kind", "shard").code == 0
    assert cli("check-proof", "p.json", "b.jsonl", *trusted).code == 1
    assert lists.is_dir()
