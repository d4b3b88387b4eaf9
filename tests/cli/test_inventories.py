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
    meant = ("--name", "b/0.txt", "--part", "part-00001")
    done = cli("check-proof", "p.json", "data/b/0.txt", *trusted, *meant)
    assert done.code == 0
    assert "1 of 3 files, 1 of 3 shards" in done.out
    assert cli("check-proof", "p.json", "data/a/0.txt", *trusted, *meant).code == 1
    assert lists.is_dir()


def test_a_shard_itself_is_proved_by_its_inventory(cli: Command, lists: Path) -> None:
    done = cli("inventory", "shards", "x=a.jsonl", "b.jsonl", "-o", "s.jsonl", "--format", "json")
    root = json.loads(done.out)
    cli("prove", "s.jsonl", "x", "-o", "p.json")
    meant = ("--kind", "shard", "--name", "x")
    trusted = ("--root", root["root"], "--size", root["size"], "--tree", "shard")
    assert cli("check-proof", "p.json", "a.jsonl", *trusted, *meant).code == 0
    assert cli("check-proof", "p.json", "b.jsonl", *trusted, *meant).code == 1
    assert lists.is_dir()


def test_split_and_shards_name_parts_alike(cli: Command, lists: Path) -> None:
    made = cli("inventory", "split", "whole.jsonl", "--entries", "3", "-o", "parts")
    files = sorted((lists / "parts").glob("part-*.inventory.jsonl"))
    again = cli("inventory", "shards", *files, "-o", "again.jsonl")
    assert again.out == made.out
    assert (lists / "again.jsonl").read_bytes() == (lists / "parts/shards.jsonl").read_bytes()


def test_prefix_may_end_with_a_slash(cli: Command, lists: Path) -> None:
    assert lists.is_dir()
    plain = cli("inventory", "merge", "a=a.jsonl", "b=b.jsonl", "-o", "m.jsonl")
    slash = cli("inventory", "merge", "a/=a.jsonl", "b/=b.jsonl", "-o", "n.jsonl")
    assert (slash.code, slash.out) == (0, plain.out)


def test_root_is_one_word_that_check_proof_takes(cli: Command, lists: Path) -> None:
    cli("inventory", "shards", "a.jsonl", "b.jsonl", "-o", "s.jsonl")
    said = cli("inventory", "root", "s.jsonl").out.splitlines()
    label, token = said[-1].split()
    assert (label, token.split(":")[:2]) == ("root", ["shard", "2"])
    proof = ("prove", "s.jsonl", "0.txt", "--part", "a.jsonl", "-o", "p.json")
    assert token in cli(*proof).out
    check = (
        "check-proof",
        "p.json",
        lists / "data/a/0.txt",
        "--name",
        "0.txt",
        "--part",
        "a.jsonl",
    )
    assert cli(*check, "--root", token).code == 0
    digits = token.split(":")[2]
    whole = cli(*check, "--root", digits, "--size", 2, "--tree", "shard")
    assert whole.code == 0
    guessed = cli(*check[:-2], "--root", digits, "--size", 2)
    assert (guessed.code, "say --tree, or give TREE:SIZE:HEX" in guessed.err) == (1, True)
    assert "all three as TREE:SIZE:HEX" in cli(*check, "--root", digits).err


@pytest.mark.parametrize(
    "token",
    ["shard:2:00", "leaf:2:" + "0" * 64, "shard:-2:" + "0" * 64, f"shard:{'9' * 5000}:{'0' * 64}",
     "shard::" + "0" * 64, "::"],
    ids=["digits", "kind", "negative", "huge", "empty", "nothing"],
)  # fmt: skip
def test_token_that_is_none_is_a_wrong_option(cli: Command, lists: Path, token: str) -> None:
    cli("prove", "a.jsonl", "0.txt", "-o", "p.json")
    refused = cli("check-proof", "p.json", lists / "data/a/0.txt", "--root", token)
    assert (refused.code, refused.err.startswith("error: --root: ")) == (2, True)
    more = cli("check-proof", "p.json", "--root", "file:4:" + "0" * 64, "--size", 4)
    assert (more.code, "says its --tree and --size itself" in more.err) == (2, True)


def test_prove_says_what_helps(cli: Command, lists: Path) -> None:
    cli("inventory", "shards", "a.jsonl", "b.jsonl", "-o", "s.jsonl")
    folder = cli("prove", lists / "data", "a/0.txt")
    assert (folder.code, "--inventory data.inventory.jsonl" in folder.err) == (2, True)
    assert "perhaps '0.txt'" in cli("prove", "a.jsonl", "00.txt").err
    assert "name the inventory of its shard with --part" in cli("prove", "s.jsonl", "0.txt").err
    assert "perhaps 'b.jsonl'" in cli("prove", "s.jsonl", "bb.jsonl").err
    assert "takes no URL" in cli("prove", "https://host/a", "x").err


def test_file_that_is_not_there_is_said_first(cli: Command, lists: Path) -> None:
    assert lists.is_dir()
    cli("prove", "a.jsonl", "0.txt", "-o", "p.json")
    missing = cli("check-proof", "p.json", "nothere")
    assert (missing.code, missing.out) == (
        4,
        "ERROR: nothere: cannot be read: there is no such file.\n",
    )
