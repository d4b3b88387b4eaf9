"""Every digest of a release is recomputed in one reading of its files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from digest.weights.containers import BIAS, WEIGHT, gguf, safetensors
from provenance.canonical import MIN_BLOCK_BYTES
from provenance.digest import hash_blocks, hash_tensors
from provenance.recording import release_existing, sign_release
from provenance.signing import generate_private_key
from provenance.verification import inspect, sources
from provenance.verification.part_hashers import PartHashers
from support.releases import DESCRIPTION

if TYPE_CHECKING:
    from pathlib import Path

B = MIN_BLOCK_BYTES
KEY = generate_private_key()
FACTS = {name: DESCRIPTION[name] for name in ("producer", "model")}
BIG = ("big", "U8", (3 * B + 1,), bytes(3 * B + 1))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "1.safetensors").write_bytes(safetensors(WEIGHT, BIG))
    (folder / "2.safetensors").write_bytes(safetensors(BIAS))
    (folder / "notes").write_bytes(bytes(2 * B))
    sign_release(release_existing(folder, FACTS, blocks=B), KEY)
    return folder


def feed(hashers: PartHashers, name: str, data: bytes) -> None:
    for consumer in hashers.consumers(name, len(data)):
        consumer.begin(len(data))
        consumer.update(memoryview(data))


def refuse(*_: object, **__: object) -> None:
    raise AssertionError("a file is read a second time")


def test_tensors_and_blocks_need_no_reading_of_their_own(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("hash_tensors", "hash_blocks"):
        monkeypatch.setattr(sources.FolderSource, name, refuse)
    report = inspect(folder, keys=KEY.public_key, all_digests=True)
    assert report.verdict == "PASS"
    codes = {finding.code for finding in report.findings}
    assert not codes & {"blocks-not-recomputed", "release-checkpoint-not-checked"}


@pytest.mark.parametrize("name", ["1.safetensors", "2.safetensors", "notes"])
def test_changed_file_fails_as_ever(folder: Path, name: str) -> None:
    data = bytearray((folder / name).read_bytes())
    data[-1] ^= 1
    (folder / name).write_bytes(data)
    report = inspect(folder, keys=KEY.public_key, all_digests=True)
    assert report.verdict == "FAIL"
    assert "digest-mismatch" in {finding.code for finding in report.findings}


def test_what_was_read_is_known_and_nothing_else(tmp_path: Path) -> None:
    data = safetensors(WEIGHT, BIG)
    path = tmp_path / "m"
    path.write_bytes(data)
    hashers = PartHashers(["m", "n"], {"m": B, "other": B})
    assert hashers.tensors(["m"]) is None
    assert hashers.blocks("m", len(data), B) is None
    hashers.consumers("m", len(data))  # as of a file that a cache knows
    assert hashers.tensors(["m"]) is None
    assert hashers.blocks("m", len(data), B) is None
    feed(hashers, "m", data)
    assert hashers.tensors(["m"]) == hash_tensors(path)[0]
    assert hashers.tensors(["m", "n"]) is None
    assert hashers.blocks("m", len(data), B) == hash_blocks(path, B)
    assert hashers.blocks("m", len(data), 2 * B) is None
    assert hashers.blocks("m", len(data) + 1, B) is None


def test_what_is_wrong_with_a_file_is_left_to_the_reading_that_says_it() -> None:
    hashers = PartHashers(["m", "n"], {"m": 3, "n": B})
    assert len(hashers.consumers("m", 100)) == 1  # that is no size of a block
    feed(hashers, "m", gguf(WEIGHT))
    feed(hashers, "n", safetensors(WEIGHT))
    assert hashers.tensors(["m", "n"]) is None
    assert hashers.tensors(["n", "n"]) is None  # each tensor twice
