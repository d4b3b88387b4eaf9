"""Indexes of safetensors shards, which agree exactly with what lies beside them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from digest.weights.containers import BIAS, WEIGHT, index_folder, safetensors
from provenance.digest import choose_weights, find_format, hash_tensor, hash_tensors, open_folder
from provenance.errors import DigestError, InputError

if TYPE_CHECKING:
    from pathlib import Path

INDEX = "model.safetensors.index.json"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with two shards, one of them below, and their index."""
    (tmp_path / "more").mkdir()
    files = index_folder({"1.safetensors": [WEIGHT], "more/2.safetensors": [BIAS]})
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


def rewrite(folder: Path, tree: object) -> Path:
    (folder / INDEX).write_text(json.dumps(tree))
    return folder / INDEX


GOOD = {"w": "1.safetensors", "b": "more/2.safetensors"}
REFUSED: dict[str, object] = {
    "unknown member": {"weight_map": GOOD, "more": {}},
    "metadata is text": {"weight_map": GOOD, "metadata": "x"},
    "map is a list": {"weight_map": []},
    "shard is a number": {"weight_map": {**GOOD, "b": 1}},
    "shard is missing": {"weight_map": {**GOOD, "b": "3.safetensors"}},
    "shard is the index": {"weight_map": {**GOOD, "b": INDEX}},
    "tensor is missing": {"weight_map": {**GOOD, "c": "1.safetensors"}},
    "tensor is not listed": {"weight_map": {"w": "1.safetensors", "c": "more/2.safetensors"}},
    "leads out": {"weight_map": {**GOOD, "b": "../2.safetensors"}},
    "absolute": {"weight_map": {**GOOD, "b": "/etc/passwd"}},
    "backslash": {"weight_map": {**GOOD, "b": "more\\2.safetensors"}},
    "empty name": {"weight_map": {**GOOD, "": "1.safetensors"}},
}


@pytest.mark.parametrize("name", REFUSED)
def test_index_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(DigestError) as caught:
        hash_tensors(rewrite(folder, REFUSED[name]))
    assert caught.value.code == "tensors-malformed"


def test_link_as_shard_is_refused(folder: Path) -> None:
    (folder / "3.safetensors").symlink_to("more/2.safetensors")
    with pytest.raises(InputError) as caught:
        hash_tensors(rewrite(folder, {"weight_map": {**GOOD, "b": "3.safetensors"}}))
    assert caught.value.code == "link-found"


def test_too_many_shards_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provenance.digest.weights.index.MAX_SHARDS", 1)
    with pytest.raises(DigestError, match="2 shards"):
        hash_tensors(folder / INDEX)


def test_index_over_the_limit_is_refused(folder: Path) -> None:
    with (folder / INDEX).open("r+b") as handle:
        handle.truncate(32 * 1024 * 1024 + 1)
    with pytest.raises(DigestError, match="more than"):
        hash_tensors(folder / INDEX)


def test_index_has_the_digest_of_one_file(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "whole").write_bytes(safetensors(BIAS, WEIGHT))
    expected = hash_tensors(tmp_path / "whole")
    assert hash_tensors(folder / INDEX) == expected
    assert hash_tensor(folder / INDEX, "b") == expected[1][0]
    assert find_format(folder / INDEX) == "safetensors index"
    assert choose_weights(folder) == folder / INDEX
    with open_folder(folder.parent) as root:
        assert hash_tensors(f"{folder.name}/{INDEX}", root=root) == expected


def test_more_shards_than_files_may_be_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provenance.digest.weights.sources.MAX_OPEN", 2)
    shards = {f"{n}.safetensors": [(f"t{n}", *WEIGHT[1:])] for n in range(7)}
    for name, data in index_folder(shards).items():
        (tmp_path / name).write_bytes(data)
    assert hash_tensors(tmp_path / INDEX)[0].size == 7

    def change(_: int) -> None:
        (tmp_path / "6.safetensors").write_bytes(safetensors(("t6", *BIAS[1:])))

    with pytest.raises(InputError) as caught:
        hash_tensors(tmp_path / INDEX, progress=change)
    assert caught.value.code == "file-changed"


@pytest.mark.parametrize("names", [[], ["a.safetensors", "b.safetensors"], ["a.txt"]], ids=str)
def test_folder_without_one_model_is_refused(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(DigestError):
        choose_weights(tmp_path)
