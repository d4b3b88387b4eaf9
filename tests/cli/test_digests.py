"""`provenance digest`: files, folders, tensors."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from safetensors.numpy import save_file

from provenance.digest import Inventory, digest_bytes, hash_tensors, hash_tree

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import Command


@pytest.fixture
def tree(work: Path) -> Path:
    """Return a folder with two files."""
    folder = work / "data"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.csv").write_bytes(b"1,2\n" * 500)
    (folder / "sub" / "b.csv").write_bytes(b"3\n")
    return folder


def test_file_has_both_digests(cli: Command, tree: Path) -> None:
    shown = cli("digest", tree / "sub" / "b.csv")
    expected = digest_bytes(b"3\n")
    assert shown.code == 0
    assert shown.out.splitlines() == [
        f"path     {tree / 'sub' / 'b.csv'}",
        "size     2 bytes",
        f"blake3   {expected['blake3']}",
        f"sha256   {expected['sha256']}",
    ]


def test_one_algorithm_can_be_chosen(cli: Command, tree: Path) -> None:
    shown = cli("digest", tree / "a.csv", "--algorithm", "sha256", "--format", "json")
    assert list(json.loads(shown.out)["digest"]) == ["sha256"]


def test_link_that_the_caller_names_is_followed(cli: Command, tree: Path, work: Path) -> None:
    (work / "link").symlink_to(tree / "a.csv")
    assert cli("digest", "link").code == 0


def test_folder_has_a_tree_digest(cli: Command, tree: Path) -> None:
    shown = cli("digest", tree)
    root = hash_tree(tree).root
    assert f"tree     {root.root} (2 files)" in shown.out
    assert "size     2,002 bytes (2.0 KiB)" in shown.out


def test_folder_as_json_lists_its_files(cli: Command, tree: Path) -> None:
    found = json.loads(cli("digest", tree, "--format", "json", "--algorithm", "blake3").out)
    assert found["files"] == hash_tree(tree).root.to_tree()
    assert [entry["path"] for entry in found["inventory"]] == ["a.csv", "sub/b.csv"]
    assert set(found["inventory"][0]["digest"]) == {"blake3"}


def test_inventory_is_written(cli: Command, tree: Path, work: Path) -> None:
    written = cli("digest", tree, "--inventory", "out.jsonl")
    assert written.code == 0
    assert written.err == "Wrote out.jsonl\n"
    inventory = Inventory.from_bytes((work / "out.jsonl").read_bytes())
    assert inventory.root == hash_tree(tree).root


def test_file_has_no_inventory(cli: Command, tree: Path) -> None:
    refused = cli("digest", tree / "a.csv", "--inventory", "out.jsonl")
    assert refused.code == 2
    assert "only a folder" in refused.err


def test_tensors_have_a_digest_however_they_are_split(cli: Command, work: Path) -> None:
    one = {"a": np.ones((2, 3), np.float32)}
    two = {"b": np.zeros(4, np.float32)}
    (work / "shards").mkdir()
    save_file(one, work / "shards" / "1.safetensors")
    save_file(two, work / "shards" / "2.safetensors")
    save_file(one | two, work / "whole.safetensors")
    root, _ = hash_tensors(work / "whole.safetensors")
    assert f"tensors  {root.root} (2 tensors)" in cli("digest", "whole.safetensors").out
    assert json.loads(cli("digest", "shards", "--format", "json").out)["tensors"] == root.to_tree()


def test_damaged_tensors_leave_the_other_digests(cli: Command, work: Path) -> None:
    (work / "bad.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{}      trailing")
    shown = cli("digest", "bad.safetensors")
    assert shown.code == 0
    assert "blake3" in shown.out
    assert "\ntensors" not in shown.out
    assert shown.err.startswith("no tensor digest:")


def test_link_in_a_folder_is_refused(cli: Command, tree: Path) -> None:
    (tree / "link").symlink_to("a.csv")
    refused = cli("digest", tree)
    assert refused.code == 1
    assert "link" in refused.err


def test_missing_path_is_named(cli: Command) -> None:
    refused = cli("digest", "nowhere")
    assert refused.code == 4
    assert refused.err.startswith("error: ")
    assert "nowhere" in refused.err
