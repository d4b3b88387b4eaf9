"""`provenance diff` of two models."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from digest.weights.containers import BIAS, WEIGHT, gguf, index_folder, safetensors, torch_zip
from support.source import REPOSITORY

if TYPE_CHECKING:
    from cli.conftest import Command

CHANGED = ("w", "F32", (2, 3), struct.pack("<6f", 0, 1, 2, 3, 4, 7.5))


@pytest.fixture
def models(work: Path) -> Path:
    """Write one model in several containers, and a changed one."""
    (work / "a.safetensors").write_bytes(safetensors(WEIGHT, BIAS))
    (work / "a.gguf").write_bytes(gguf(BIAS, WEIGHT))
    (work / "b.safetensors").write_bytes(safetensors(CHANGED, ("c", *BIAS[1:])))
    (work / "shards").mkdir()
    for name, data in index_folder({"1.safetensors": [WEIGHT], "2.safetensors": [BIAS]}).items():
        (work / "shards" / name).write_bytes(data)
    (work / "m.pt").write_bytes(torch_zip({"data.pkl": b"\x80\x02.", "data/0": b"1234"}))
    (work / "text").write_bytes(b"hello")
    (work / "m.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    (work / "config.json").write_bytes(b'{"a": 1}')
    (work / "list.json").write_bytes(b"[1]")
    (work / "cut.safetensors").write_bytes(safetensors(WEIGHT)[:20])
    (work / "empty").mkdir()
    return work


@pytest.mark.usefixtures("models")
def test_same_tensors_are_no_difference(cli: Command) -> None:
    for other in ("a.safetensors", "a.gguf", "shards", "shards/model.safetensors.index.json"):
        shown = cli("diff", "a.safetensors", other)
        assert shown.code == 0
        assert "the same 2 tensors (neither was verified)" in shown.out


@pytest.mark.usefixtures("models")
def test_differences_are_a_line_each(cli: Command) -> None:
    shown = cli("diff", "a.gguf", "b.safetensors")
    assert shown.code == 1
    assert shown.out.splitlines() == [
        "3 of 3 tensors differ between a.gguf and b.safetensors (neither was verified):",
        "- b  F16 [3]",
        "+ c  F16 [3]",
        "~ w  F32 [2, 3]  1 element, largest difference 2.5, relative 0.333333",
    ]


@pytest.mark.usefixtures("models")
def test_differences_as_json(cli: Command) -> None:
    shown = cli("diff", "a.gguf", "b.safetensors", "--format", "json")
    found = json.loads(shown.out)
    assert (shown.code, found["equal"], found["identical"], found["verified"]) == (
        1,
        False,
        0,
        False,
    )
    assert found["differences"][0] == {
        "a": {"dtype": "F16", "shape": [3]},
        "name": "b",
        "status": "only-in-a",
    }
    assert found["differences"][2]["largestAbsolute"] == 2.5


@pytest.mark.usefixtures("models")
@pytest.mark.parametrize(
    ("other", "code", "said"),
    [
        ("m.pt", 3, "without unpickling"),
        ("m.h5", 3, "HDF5"),
        ("text", 2, "diff takes two releases"),
        ("config.json", 2, "diff takes two releases"),
        ("list.json", 2, "diff takes two releases"),
        ("empty", 2, "no manifest; diff takes"),
        ("nowhere", 4, "nowhere"),
        ("cut.safetensors", 4, "header"),
        (".", 2, "has to be named"),
    ],
)
def test_what_cannot_be_compared_is_refused(cli: Command, other: str, code: int, said: str) -> None:
    for pair in (("a.safetensors", other), (other, "a.safetensors"), (other, other)):
        refused = cli("diff", *pair)
        assert (refused.code, refused.out) == (code, "")
        assert refused.err.startswith("error: ")
        assert said in refused.err


@pytest.mark.usefixtures("models")
def test_manifest_and_weights_are_two_kinds(cli: Command, draft: Path) -> None:
    for pair in ((draft, "a.safetensors"), ("a.safetensors", draft)):
        refused = cli("diff", *pair)
        assert (refused.code, "holds no weights" in refused.err) == (2, True)
    (draft / "model.safetensors").write_bytes(safetensors(WEIGHT, BIAS))
    for pair in ((draft, "a.safetensors"), ("a.safetensors", draft)):
        assert cli("diff", *pair).code == 0
    bundle = draft.with_name("model.draft") / "statement.json"
    refused = cli("diff", bundle, "a.safetensors")
    assert (refused.code, "is no file of weights" in refused.err) == (2, True)


@pytest.mark.usefixtures("models")
def test_bundle_that_is_damaged_is_no_difference(cli: Command, work: Path, draft: Path) -> None:
    (work / "bad.json").write_bytes(b'{"mediaType": 1}')
    assert cli("diff", draft, "bad.json").code == 4


def test_one_tensor_differs(cli: Command, work: Path) -> None:
    for name, value in (("a", 1.0), ("b", 2.0)):
        made = safetensors(("w", "F32", (1,), struct.pack("<f", value)))
        (work / f"{name}.safetensors").write_bytes(made)
    said = cli("diff", "a.safetensors", "b.safetensors").out
    assert said.startswith("1 of 1 tensor differs between a.safetensors and b.safetensors")
    found = json.loads(cli("diff", "a.safetensors", "b.safetensors", "--format", "json").out)
    assert (found["a"], found["b"]) == ("a.safetensors", "b.safetensors")


def test_npz_is_no_pickle(cli: Command, work: Path) -> None:
    np.savez(work / "w.npz", w=np.ones(2))
    refused = cli("diff", "w.npz", "w.npz")
    assert (refused.code, "is a NumPy file, whose tensors are not read" in refused.err) == (3, True)


def test_url_is_no_path(cli: Command) -> None:
    refused = cli("diff", "https://host/a.safetensors", "b.safetensors")
    assert (
        refused.code,
        "https://host/a.safetensors: this command takes no URL" in refused.err,
    ) == (2, True)


def test_inventories_are_compared_by_name(cli: Command, work: Path) -> None:
    (work / "data").mkdir()
    for name in ("a", "b", "c"):
        (work / "data" / name).write_text(name)
    cli("digest", "data", "--inventory", "old.jsonl")
    cli("digest", "data", "--inventory", "same.jsonl", "--algorithm", "blake3")
    same = cli("diff", "old.jsonl", "same.jsonl")
    assert (same.code, same.out) == (
        0,
        "No difference between old.jsonl and same.jsonl: the same 3 files.\n",
    )
    (work / "data" / "a").unlink()
    (work / "data" / "b").write_text("B")
    (work / "data" / "d").write_text("d")
    cli("digest", "data", "--inventory", "new.jsonl")
    changed = cli("diff", "old.jsonl", "new.jsonl")
    assert changed.code == 1
    assert changed.out.splitlines()[1:] == ["- a", "~ b", "+ d"]
    assert "1 missing, 1 extra, 1 changed" in changed.out
    found = json.loads(cli("diff", "old.jsonl", "new.jsonl", "--format", "json").out)
    assert [row["outcome"] for row in found["changes"]] == ["missing", "changed", "extra"]
    page = (REPOSITORY / "docs" / "reference" / "json-output.md").read_text(encoding="utf-8")
    section = page.split("\n## provenance diff of inventories\n")[1].split("\n## ")[0]
    assert set(found) == set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))
    data = (work / "old.jsonl").read_bytes()
    (work / "cut.jsonl").write_bytes(data[:-9])
    assert cli("diff", "cut.jsonl", "new.jsonl").code == 4
    (work / "w.safetensors").write_bytes(safetensors(WEIGHT))
    assert cli("diff", "old.jsonl", "w.safetensors").code in {2, 4}


def test_nan_that_appears_is_told_as_that(cli: Command, work: Path) -> None:
    for name, values in (("a", (1.0, 2.0)), ("b", (1.0, float("nan")))):
        made = safetensors(("w", "F32", (2,), struct.pack("<2f", *values)))
        (work / f"{name}.safetensors").write_bytes(made)
    shown = cli("diff", "a.safetensors", "b.safetensors")
    assert shown.out.splitlines()[1] == "~ w  F32 [2]  1 element, 1 became NaN"
    shown = cli("diff", "a.safetensors", "b.safetensors", "--format", "json")
    [found] = json.loads(shown.out)["differences"]
    assert (found["nanAppeared"], found["nanVanished"], found["special"]) == (1, 0, 1)
    assert (found["largestAbsolute"], found["largestRelative"]) == (None, None)


@pytest.mark.usefixtures("models")
@pytest.mark.parametrize(
    ("file", "tensor", "code", "said"),
    [
        ("m.pt", "w", 2, "without unpickling"),
        ("m.h5", "w", 2, "tensor digests are of safetensors"),
        ("text", "w", 2, "tensor digests are of safetensors"),
        ("a.safetensors", "ww", 4, "has no tensor 'ww', perhaps 'w' is meant"),
        ("a.gguf", "nothing", 4, "has no tensor 'nothing' among its 2"),
    ],
)
def test_tensor_that_cannot_be_had_is_refused(
    cli: Command, file: str, tensor: str, code: int, said: str
) -> None:
    refused = cli("digest", file, "--tensor", tensor)
    assert (refused.code, said in refused.err) == (code, True), refused.err


@pytest.mark.usefixtures("models")
@pytest.mark.parametrize("file", ["m.pt", "m.h5", "cut.safetensors"])
def test_digest_says_what_is_known_and_what_is_not(cli: Command, file: str) -> None:
    shown = cli("digest", file)
    assert shown.code == 0
    assert "blake3   " in shown.out
    assert "whole file" in shown.err


@pytest.mark.usefixtures("models")
def test_file_is_called_as_it_was_typed(cli: Command) -> None:
    for done in (
        cli("digest", "cut.safetensors"),
        cli("digest", "cut.safetensors", "--tensor", "w"),
        cli("diff", "a.safetensors", "cut.safetensors"),
        cli("diff", "./cut.safetensors", "a.safetensors"),
    ):
        assert str(Path.cwd()) not in done.out + done.err
        assert "cut.safetensors" in done.err
