"""One digest in every container; formats by content; damaged files never do anything else."""

from __future__ import annotations

import struct
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from digest.weights.containers import (
    BIAS,
    WEIGHT,
    gguf,
    gguf_pair,
    index_folder,
    onnx_file,
    safetensors,
    torch_zip,
)
from provenance.digest import (
    find_format,
    hash_file,
    hash_file_and_tensors,
    hash_tensor,
    hash_tensors,
    hash_weights,
    open_folder,
)
from provenance.errors import DigestError, InputError

if TYPE_CHECKING:
    from pathlib import Path

PAIRS = [
    gguf_pair("general.alignment", 4, struct.pack("<L", 32)),
    gguf_pair("tokens", 9, struct.pack("<LQ", 8, 1) + struct.pack("<Q", 1) + b"a"),
    gguf_pair("flags", 9, struct.pack("<LQ", 7, 2) + b"\0\1"),
]
CONTAINERS = {
    "safetensors": safetensors(WEIGHT, BIAS),
    "GGUF": gguf(WEIGHT, BIAS, pairs=PAIRS),
    "ONNX": onnx_file(WEIGHT, BIAS),
}
EVERY = {**CONTAINERS, "zip": torch_zip({"data.pkl": b"\x80\x02.", "data/0": b"1234"})}


@pytest.mark.parametrize("name", CONTAINERS)
def test_content_decides_and_not_the_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(CONTAINERS[name])
    (tmp_path / "other").write_bytes(CONTAINERS["safetensors"])
    root, tensors = hash_tensors(tmp_path / "other")
    found = hash_weights(path)
    assert (found.root, found.tensors, found.formats) == (root, tensors, (name,))
    assert find_format(path) == name
    assert hash_tensor(path, "b") == tensors[0]
    with open_folder(tmp_path) as folder:
        assert hash_weights("weights.bin", root=folder) == found
    with pytest.raises(DigestError, match="has no tensor 'x'"):
        hash_tensor(path, "x")


OTHERS = {
    "pickle": b"\x80\x04\x95",
    "HDF5": b"\x89HDF\r\n\x1a\n",
    "NumPy": b"\x93NUMPY\1\0",
    "zip": b"PK\3\4" + bytes(30),
    "JSON": b'{"a": 1}',
    "other": b"1,2,3\n",
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_formats_have_no_tensor_digest(tmp_path: Path, name: str) -> None:
    (tmp_path / "m").write_bytes(OTHERS[name])
    found = hash_weights(tmp_path / "m")
    assert (found.root, found.formats) == (None, (name,))
    assert found.notes
    with pytest.raises(DigestError):
        hash_tensors(tmp_path / "m")


def test_no_file_is_no_model() -> None:
    assert hash_weights([]).root is None


def test_one_tensor_reads_only_the_header_and_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    size = 1 << 38
    data = gguf(("a", "F32", (2,), bytes(8)), ("big", "I8", (size,), b""))
    with path.open("wb") as handle:
        handle.write(data)
        handle.truncate(len(data) + size)
    start = time.monotonic()
    assert hash_tensor(path, "a").shape == (2,)
    assert time.monotonic() - start < 1


@pytest.mark.parametrize("name", EVERY)
def test_every_cut_is_refused_or_another_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / "m"
    whole = EVERY[name]
    path.write_bytes(whole)
    expected = hash_weights(path)
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        try:
            found = hash_weights(path)
        except (DigestError, InputError):
            continue
        # What is left is no container, or lacks only the padding at the end.
        assert found.root is None or found.root == expected.root


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("flip", [0x01, 0x80, 0xFF])
def test_every_flipped_byte_is_refused_or_hashed(tmp_path: Path, name: str, flip: int) -> None:
    path = tmp_path / "m"
    whole = EVERY[name]
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ flip]) + whole[place + 1 :])
        with suppress(DigestError, InputError):  # whatever else is raised fails the test
            hash_weights(path)


@pytest.mark.parametrize("flip", [0x01, 0x80])
def test_every_flipped_byte_of_an_index_is_refused_or_hashed(tmp_path: Path, flip: int) -> None:
    files = index_folder({"1.safetensors": [WEIGHT], "2.safetensors": [BIAS]})
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    path = tmp_path / "model.safetensors.index.json"
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ flip]) + whole[place + 1 :])
        with suppress(DigestError):
            hash_tensors(path)


def test_one_pass_is_both_passes(tmp_path: Path) -> None:
    path = tmp_path / "m"
    path.write_bytes(CONTAINERS["safetensors"])
    seen: list[int] = []
    made, tensors = hash_file_and_tensors(path, progress=seen.append)
    assert made == hash_file(path)
    assert tensors == hash_tensors(path)[1]
    assert sum(seen) == path.stat().st_size
    with open_folder(tmp_path) as root:
        assert hash_file_and_tensors("m", root=root, algorithms=("sha256",))[1] == tensors
    path.write_bytes(CONTAINERS["safetensors"] + b"x")
    with pytest.raises(DigestError):
        hash_file_and_tensors(path)


def test_deadline_stops_every_container(tmp_path: Path) -> None:
    for name, data in EVERY.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(InputError) as caught:
            hash_weights(tmp_path / name, deadline=time.monotonic() - 1)
        assert caught.value.code == "deadline"


def test_reading_needs_no_library(tmp_path: Path) -> None:
    for name, data in EVERY.items():
        (tmp_path / name).write_bytes(data)
    program = (
        "import sys; from provenance.digest import hash_weights, compare_weights;"
        f"[hash_weights(n) for n in {list(EVERY)}]; compare_weights('GGUF', 'ONNX');"
        "assert not {'numpy', 'torch', 'safetensors', 'gguf', 'onnx'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)
