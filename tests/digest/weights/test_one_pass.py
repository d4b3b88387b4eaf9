"""Tensors hashed out of the bytes of their file, however these come in pieces."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.weights.containers import BIAS, WEIGHT, gguf, safetensors
from provenance.digest import (
    FileJob,
    hash_file,
    hash_files,
    hash_tensors,
    open_folder,
    typed_root,
)
from provenance.digest.engine.jobs import Watch
from provenance.digest.engine.stream import hash_plain, hash_streamed
from provenance.digest.weights.hashing import join_tensors, list_tensors
from provenance.digest.weights.one_pass import TensorHasher
from provenance.errors import DigestError

if TYPE_CHECKING:
    from pathlib import Path

    from provenance.digest import TensorDigest

EMPTY = ("empty", "F32", (0, 3), b"")
LAST = ("z", "F32", (0,), b"")
FILES = {
    "two": safetensors(WEIGHT, BIAS),
    "with empty ones": safetensors(EMPTY, WEIGHT, LAST),
    "only an empty one": safetensors(EMPTY),
    "none": safetensors(),
}


def feed(data: bytes, cuts: list[int]) -> TensorHasher:
    hasher = TensorHasher("m")
    hasher.begin(len(data))
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    for start, end in pairwise(places):
        hasher.update(memoryview(data)[start:end])
    return hasher


def on_disk(folder: Path, data: bytes) -> tuple[TensorDigest, ...]:
    (folder / "m").write_bytes(data)
    return hash_tensors(folder / "m")[1]


@pytest.fixture(scope="module")
def separately(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[TensorDigest, ...]]:
    return {name: on_disk(tmp_path_factory.mktemp("files"), data) for name, data in FILES.items()}


@given(name=st.sampled_from(sorted(FILES)), cuts=st.lists(st.integers(0, 1000), max_size=12))
def test_pieces_do_not_matter(
    separately: dict[str, tuple[TensorDigest, ...]], name: str, cuts: list[int]
) -> None:
    assert feed(FILES[name], cuts).result() == separately[name]


@pytest.mark.parametrize("flip", [0x01, 0x80])
def test_every_flipped_byte_is_refused_by_both_or_hashed_alike(tmp_path: Path, flip: int) -> None:
    whole = FILES["two"]
    for place in range(len(whole)):
        data = whole[:place] + bytes([whole[place] ^ flip]) + whole[place + 1 :]
        hasher = feed(data, [place])
        try:
            wanted = on_disk(tmp_path, data)
        except DigestError:
            with pytest.raises(DigestError):
                hasher.result()
        else:
            assert hasher.result() == wanted


OTHERS = {
    "nothing": b"",
    "half a length": b"\x10\0\0",
    "a length alone": b"\x10" + bytes(7),
    "a header alone, cut": FILES["two"][:20],
    "more after the tensors": FILES["two"] + b"x",
    "GGUF": gguf(WEIGHT, BIAS),
    "a zip file by its first bytes": b"PK\3\4" + bytes(100),
    "a header that is longer than any": b"\xff" * 64,
    "an empty header and a byte": (2).to_bytes(8, "little") + b"{}x",
    "a list of blocks that looks like nothing": b"123\n" * 40,
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_files_are_refused_only_when_they_are_asked_for(tmp_path: Path, name: str) -> None:
    data = OTHERS[name]
    (tmp_path / "m").write_bytes(data)
    hasher = TensorHasher("m")
    with open_folder(tmp_path) as root:
        (made,) = hash_files(root, [FileJob("m", None, ("blake3",), (hasher,))])
    assert made == hash_file(tmp_path / "m", algorithms=("blake3",))
    with pytest.raises(DigestError) as caught:
        hasher.result()
    assert caught.value.code == "tensors-malformed"


def test_file_that_was_not_read_has_no_answer_and_one_read_again_the_last() -> None:
    hasher = TensorHasher("m")
    assert hasher.result() is None
    with suppress(DigestError):
        hasher.update(memoryview(b"123"))
    data = FILES["two"]
    hasher.begin(len(data))
    hasher.update(memoryview(data)[:50])
    hasher.begin(len(data))
    hasher.update(memoryview(data))
    assert hasher.result() == feed(data, []).result()


@pytest.mark.parametrize("algorithms", [("blake3",), ("sha256",), ("blake3", "sha256")])
def test_every_reading_feeds_the_tensors(tmp_path: Path, algorithms: tuple[str, ...]) -> None:
    big = ("big", "U8", (3_000_001,), bytes(range(256)) * 11_718 + bytes(193))
    data = safetensors(WEIGHT, big, BIAS)
    wanted = on_disk(tmp_path, data)
    plain, streamed = TensorHasher("m"), TensorHasher("m")
    with open_folder(tmp_path) as root:
        watch = Watch()
        one, _ = hash_plain(root, FileJob("m", None, algorithms, (plain,)), watch, watch.done)
        other, _ = hash_streamed(root, FileJob("m", None, algorithms, (streamed,)), watch)
    assert one == other == hash_file(tmp_path / "m", algorithms=algorithms)
    assert plain.result() == streamed.result() == wanted


def test_files_joined_are_the_model_and_a_name_twice_is_refused(tmp_path: Path) -> None:
    parts = {"one": safetensors(WEIGHT), "two": safetensors(BIAS)}
    paths = []
    for name, data in parts.items():
        paths.append(tmp_path / name)
        paths[-1].write_bytes(data)
    found = [(name, feed(data, [7]).result() or ()) for name, data in parts.items()]
    assert join_tensors(found) == hash_tensors(paths)
    assert [tensor.name for tensor in list_tensors(paths)] == ["b", "w"]
    with pytest.raises(DigestError, match="also stands in another file"):
        join_tensors([*found, found[0]])
    with pytest.raises(DigestError, match="also stands in another file"):
        list_tensors([*paths, paths[0]])
    assert join_tensors([])[0] == typed_root("tensor", [])


def test_known_digests_do_not_spare_the_reading(tmp_path: Path) -> None:
    wanted = on_disk(tmp_path, FILES["two"])

    class Knowing:
        def lookup(self, *_: object) -> None:
            raise AssertionError("what is wanted is no digest alone")

        def store(self, *_: object) -> None:
            pass

    hasher = TensorHasher("m")
    with open_folder(tmp_path) as root:
        (made,) = hash_files(root, [FileJob("m", None, ("blake3",), (hasher,))], cache=Knowing())
    assert made == hash_file(tmp_path / "m", algorithms=("blake3",))
    assert hasher.result() == wanted
