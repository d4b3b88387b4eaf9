"""`provenance digest`: files, folders, tensors."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from safetensors.numpy import save_file

from digest.weights.containers import BIAS, WEIGHT, gguf, index_folder, safetensors, torch_zip
from provenance.digest import Inventory, digest_bytes, hash_tensors, hash_tree
from provenance.digest.engine.hashing import CACHED_BYTES
from support.source import REPOSITORY

if TYPE_CHECKING:
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
    said = "cached   {} by digests cached earlier, not read\n"
    assert first.out.endswith(said.format("0 files"))
    assert second.out == first.out.replace(said.format("0 files"), said.format("1 file"))
    assert "cached" not in cli("digest", tree).out
    third = cli("digest", tree, "--cache", "caches/digests.db", "--format", "json")
    assert json.loads(third.out)["cached"] == 1
    alone = [cli("digest", tree / "large.bin", "--cache", "one.db") for _ in range(2)]
    assert alone[0].out.endswith(said.format("0 files"))
    assert alone[1].out == alone[0].out.replace(said.format("0 files"), said.format("1 file"))
    (tree / "large.bin").write_bytes(b"1" + bytes(2 * 1024 * 1024 - 1))
    changed = cli("digest", tree / "large.bin", "--cache", "one.db")
    assert changed.out.endswith(said.format("0 files"))
    assert changed.out != alone[0].out
    help_text = " ".join(cli("digest", "--help").out.split())
    assert f"from {CACHED_BYTES // 1024} KiB on" in help_text


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("data", "--cache", ""), "found an empty text"),
        (("data", "--cache", "data/digests.db"), "name a file in another folder"),
        (("data/a.csv", "--cache", "data/a.csv"), "name a file in another folder"),
        (("-", "--cache", "digests.db"), "files and folders that this machine reads"),
        (("data", "--cache", "digests.db", "--ray", "auto"), "files and folders that this"),
    ],
    ids=["empty", "inside", "file", "stream", "cluster"],
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
    arguments = ("digest", tree, "--format", "json", "--algorithm", "blake3")
    assert set(json.loads(cli(*arguments).out)) == {"files", "path", "size"}
    found = json.loads(cli(*arguments, "--full").out)
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


def test_inventory_does_not_go_into_what_it_lists(cli: Command, tree: Path) -> None:
    refused = cli("digest", tree, "--inventory", tree / "inv.jsonl")
    assert (refused.code, refused.out) == (2, "")
    assert "its inventory cannot lie in what is hashed" in refused.err
    assert not (tree / "inv.jsonl").exists()


def test_excluded_names_are_left_out_and_said(cli: Command, tree: Path) -> None:
    alone = cli("digest", tree, "--exclude", "sub")
    assert alone.code == 0
    assert "excluded sub\n" in alone.out
    assert hash_tree(tree, skip=("sub",)).root.root in alone.out
    found = json.loads(cli("digest", tree, "--exclude", "sub", "--format", "json").out)
    assert (found["excluded"], found["files"]["size"]) == (["sub"], 1)


@pytest.mark.parametrize(
    ("path", "name"),
    [("data", "nothing"), ("data", "sub/b.csv"), ("data", ".."), ("data", ""), ("data/a.csv", "x"),
     ("s3://bucket/data/", "x"), ("data", "nul\0")],
    ids=["nothing", "deeper", "above", "empty", "file", "url", "nul"],
)  # fmt: skip
def test_what_cannot_be_excluded_is_a_wrong_option(
    cli: Command, tree: Path, path: str, name: str
) -> None:
    assert tree.is_dir()
    refused = cli("digest", path, "--exclude", name)
    assert (refused.code, refused.err.startswith("error: --exclude: ")) == (2, True), refused


def test_several_paths_are_hashed_one_after_the_other(cli: Command, tree: Path) -> None:
    paths = tree / "a.csv", tree
    alone = [cli("digest", path) for path in paths]
    shown = cli("digest", *paths)
    assert (shown.code, shown.out) == (0, "\n".join(one.out for one in alone))
    found = json.loads(cli("digest", *paths, "--format", "json").out)
    assert [one["path"] for one in found] == [str(path) for path in paths]
    for option in ("--inventory", "--compare", "--tensor"):
        refused = cli("digest", *paths, option, "x")
        assert (refused.code, "name one PATH" in refused.err) == (2, True)
    assert cli("digest", tree, "nowhere").code == 4


def test_standard_input_is_hashed(tree: Path) -> None:
    program = Path(sys.executable).with_name("provenance")
    command: list[str | Path] = [program, "digest", "-", "--format", "json"]
    done = subprocess.run(command, input=b"hello", capture_output=True, check=False)
    assert json.loads(done.stdout) == {
        "digest": dict(digest_bytes(b"hello")),
        "path": "-",
        "size": 5,
    }
    for option in ("--compare", "--inventory", "--tensor"):
        assert tree.exists()
        done = subprocess.run(
            [*command, option, tree / "a.csv"], input=b"", capture_output=True, check=False
        )
        assert done.returncode == 2


def test_file_that_is_cut_short_is_a_warning_and_in_the_json(cli: Command, work: Path) -> None:
    whole = safetensors(WEIGHT, BIAS)
    (work / "cut.safetensors").write_bytes(whole[:-3])
    shown = cli("digest", "cut.safetensors")
    said = f"is cut short: its header promises {len(whole):,} bytes, and it has {len(whole) - 3:,}"
    assert shown.code == 0
    assert shown.err.startswith("warning: no tensor digest: ")
    assert said in shown.err
    found = json.loads(cli("digest", "cut.safetensors", "--format", "json").out)
    assert said in found["problem"]
    assert said in json.loads(cli("digest", ".", "--format", "json").out)["problem"]
    data = gguf(WEIGHT, BIAS)
    (work / "cut.gguf").write_bytes(data[:-40])
    assert "is cut short" in cli("digest", "cut.gguf").err


def test_members_of_the_json_are_documented() -> None:
    page = (REPOSITORY / "docs" / "reference" / "json-output.md").read_text(encoding="utf-8")
    section = page.split("\n## provenance digest\n")[1].split("\n## ")[0]
    members = set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))
    assert {"cached", "problem", "inventory"} <= members


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
    assert shown.err.startswith("warning: no tensor digest:")


def test_link_in_a_folder_is_refused(cli: Command, tree: Path) -> None:
    (tree / "link").symlink_to("a.csv")
    refused = cli("digest", tree)
    assert refused.code == 4
    assert "is a link" in refused.err
    assert "cp --recursive --dereference" in refused.err


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
    assert (refused.code, "no tensor" in refused.err) == (4, True)


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
    assert (shown.code, shown.err.startswith("warning: no tensor digest:")) == (0, True)


def test_tensor_of_a_url_is_refused(cli: Command) -> None:
    assert cli("digest", "s3://bucket/m.safetensors", "--tensor", "w").code == 2
