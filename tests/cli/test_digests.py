"""`provenance digest`: files, folders, tensors."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
from safetensors.numpy import save_file

from digest.weights.containers import BIAS, WEIGHT, gguf, index_folder, safetensors, torch_zip
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


def test_cache_is_used_on_request_only_and_said(
    cli: Command, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now() + 60 * 10**9)
    (tree / "large.bin").write_bytes(bytes(2 * 1024 * 1024))
    first, second = (cli("digest", tree, "--cache", "caches/digests.db") for _ in range(2))
    assert (first.code, second.code) == (0, 0)
    said = "cached   1 file by digests cached earlier, not read\n"
    assert second.out == first.out + said
    assert "cached" not in cli("digest", tree).out
    third = cli("digest", tree, "--cache", "caches/digests.db", "--format", "json")
    assert json.loads(third.out)["cached"] == 1


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("data", "--cache", ""), "found an empty text"),
        (("data", "--cache", "data/digests.db"), "name a file in another folder"),
        (("data/a.csv", "--cache", "digests.db"), "a folder that this machine reads"),
        (("data", "--cache", "digests.db", "--ray", "auto"), "a folder that this machine reads"),
    ],
    ids=["empty", "inside", "file", "cluster"],
)
def test_cache_that_makes_no_sense_is_a_wrong_option(
    cli: Command, tree: Path, options: tuple[str, ...], problem: str
) -> None:
    shown = cli("digest", *options)
    assert shown.code == 2
    assert problem in shown.err
    assert sorted(path.name for path in tree.iterdir()) == ["a.csv", "sub"]


def test_cache_that_cannot_be_used_is_a_warning(cli: Command, tree: Path, work: Path) -> None:
    (work / "notes.txt").write_text("not a cache\n", encoding="utf-8")
    shown = cli("digest", tree, "--cache", "notes.txt")
    assert shown.code == 0
    assert shown.err.startswith("warning: notes.txt: the digest cache is not used")


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


def test_gguf_has_the_tensor_digest_of_safetensors(cli: Command, work: Path) -> None:
    (work / "m.bin").write_bytes(gguf(WEIGHT, BIAS))
    (work / "m.safetensors").write_bytes(safetensors(WEIGHT, BIAS))
    root, tensors = hash_tensors(work / "m.safetensors")
    assert f"tensors  {root.root} (2 tensors)" in cli("digest", "m.bin").out
    found = json.loads(cli("digest", "m.bin", "--format", "json").out)
    assert (found["container"], found["notes"]) == ("GGUF", [])
    one = cli("digest", "m.bin", "--tensor", "w")
    assert one.out.splitlines() == [
        "path     m.bin",
        "tensor   w",
        "type     F32 [2, 3]",
        f"blake3   {tensors[1].blake3}",
    ]
    as_json = json.loads(cli("digest", "m.bin", "--tensor", "w", "--format", "json").out)
    assert as_json["blake3"] == tensors[1].blake3
    refused = cli("digest", "m.bin", "--tensor", "x")
    assert (refused.code, "no tensor" in refused.err) == (1, True)


def test_folder_of_gguf_has_the_tensor_digest_of_its_release(cli: Command, work: Path) -> None:
    (work / "m").mkdir()
    (work / "m/m.gguf").write_bytes(gguf(WEIGHT, BIAS))
    root, _ = hash_tensors(work / "m/m.gguf")
    assert json.loads(cli("digest", "m", "--format", "json").out)["tensors"] == root.to_tree()
    (work / "m/other.gguf").write_bytes(gguf(WEIGHT))
    assert "tensors" not in json.loads(cli("digest", "m", "--format", "json").out)


def test_index_stands_for_its_shards(cli: Command, work: Path) -> None:
    for name, data in index_folder({"1.safetensors": [WEIGHT], "2.safetensors": [BIAS]}).items():
        (work / name).write_bytes(data)
    root, _ = hash_tensors([work / "1.safetensors", work / "2.safetensors"])
    assert root.root in cli("digest", "model.safetensors.index.json").out
    assert cli("digest", ".", "--tensor", "b").code == 0


def test_storages_of_torch_save_are_listed(cli: Command, work: Path) -> None:
    (work / "m.pt").write_bytes(torch_zip({"data.pkl": b"\x80\x02.", "data/0": b"1234"}))
    shown = cli("digest", "m.pt")
    blake3 = digest_bytes(b"1234")["blake3"]
    assert shown.out.splitlines()[-1] == f"storage  0 {blake3} (4 bytes)"
    assert "needs unpickling" in shown.err


def test_safetensors_by_name_alone_is_told_to_be_none(cli: Command, work: Path) -> None:
    (work / "m.safetensors").write_bytes(b"no")
    shown = cli("digest", "m.safetensors")
    assert (shown.code, shown.err.startswith("no tensor digest:")) == (0, True)


def test_tensor_of_a_url_is_refused(cli: Command) -> None:
    assert cli("digest", "s3://bucket/m.safetensors", "--tensor", "w").code == 2
