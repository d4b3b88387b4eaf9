"""safetensors headers read strictly, and the content of a checkpoint whatever its container."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from provenance.canonical import write
from provenance.digest import (
    DTYPE_BITS,
    TensorDigest,
    TensorInfo,
    check_inclusion,
    hash_bytes,
    hash_tensors,
    hash_weights,
    open_folder,
    prove_inclusion,
    read_safetensors,
    tensor_entry,
    typed_root,
)
from provenance.digest.weights.hashing import list_tensors
from provenance.errors import DigestError, InputError

if TYPE_CHECKING:
    from pathlib import Path

A = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
B = {"dtype": "U8", "shape": [], "data_offsets": [8, 9]}
DATA = bytes(range(9))


def container(header: object, data: bytes = DATA, *, pad: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text + pad)) + text + pad + data


#: Files that are refused.
REFUSED: dict[str, bytes] = {
    "empty file": b"",
    "seven bytes": b"\x02\0\0\0\0\0\0",
    "no header": struct.pack("<Q", 0),
    "header past the end": struct.pack("<Q", 100) + b"{}",
    "header of 2^63 bytes": struct.pack("<Q", 1 << 63) + b"{}",
    "header over the limit": struct.pack("<Q", 32 * 1024 * 1024 + 1) + b"{}",
    "header is an array": container(b"[]", b""),
    "header is text": container(b'"{}"', b""),
    "blank before the header": container(b" {}", b""),
    "line feed after the header": container(b"{}\n", b""),
    "garbage after the header": container(b"{}x", b""),
    "two headers": container(b"{}{}", b""),
    "header is not UTF-8": container(b'{"\xff":1}', b""),
    "header is no JSON": container(b"{'a':1}", b""),
    "deep header": container(b'{"a":' * 100_000 + b"1" + b"}" * 100_000, b""),
    "name twice": container(b'{"a":%b,"a":%b}' % ((json.dumps(A).encode(),) * 2)),
    "name twice by escape": container(b'{"a":%b,"\\u0061":%b}' % ((json.dumps(B).encode(),) * 2)),
    "key twice": container(b'{"a":{"dtype":"U8","dtype":"I8","shape":[9],"data_offsets":[0,9]}}'),
    "overlap": container({"a": A, "b": {**B, "data_offsets": [7, 8]}}),
    "same bytes twice": container({"a": A, "b": A}),
    "hole": container({"a": A, "b": {**B, "data_offsets": [9, 10]}}, DATA + b"x"),
    "hole at the start": container({"b": B}),
    "trailing bytes": container({"a": A, "b": B}, DATA + b"x"),
    "missing bytes": container({"a": A, "b": B}, DATA[:-1]),
    "offset past the end": container(
        {"a": {**A, "shape": [1 << 40], "data_offsets": [0, 1 << 42]}}
    ),
    "wrong size": container({"a": {**A, "shape": [3]}, "b": B}),
    "offsets reversed": container({"a": {**A, "data_offsets": [8, 0]}, "b": B}),
    "negative offset": container({"a": {**A, "data_offsets": [-8, 0]}, "b": B}),
    "offset as real": container({"a": {**A, "data_offsets": [0.0, 8]}, "b": B}),
    "offset as text": container({"a": {**A, "data_offsets": ["0", "8"]}, "b": B}),
    "offset as bool": container({"a": {**B, "data_offsets": [False, True]}}, b"x"),
    "end as bool": container({"a": {**B, "data_offsets": [0, True]}}, b"x"),
    "three offsets": container({"a": {**A, "data_offsets": [0, 4, 8]}, "b": B}),
    "huge offset": container({"a": {**A, "data_offsets": [10**300, 10**300 + 8]}}),
    "negative dimension": container({"a": {**A, "shape": [-2]}, "b": B}),
    "dimension as bool": container({"a": {**A, "shape": [True, 2]}, "b": B}),
    "dimension as real": container({"a": {**A, "shape": [2.0]}, "b": B}),
    "shape that overflows": container({"a": {**A, "shape": [1 << 50, 1 << 50]}, "b": B}),
    "shape that overflows to zero": container({"a": {**A, "shape": [1 << 32, 1 << 32]}, "b": B}),
    "too many dimensions": container({"a": {**A, "shape": [1] * 65 + [2]}, "b": B}),
    "shape is a number": container({"a": {**A, "shape": 2}, "b": B}),
    "unknown dtype": container({"a": {**A, "dtype": "F128"}, "b": B}),
    "dtype in small letters": container({"a": {**A, "dtype": "f32"}, "b": B}),
    "bits that are no bytes": container({"a": {**B, "dtype": "F4", "shape": [3]}}, b"xy"),
    "key missing": container({"a": {"dtype": "F32", "shape": [2]}, "b": B}),
    "unknown key": container({"a": {**A, "stride": [1]}, "b": B}),
    "tensor is an array": container({"a": ["F32", [2], [0, 8]], "b": B}),
    "metadata is text": container({"__metadata__": "x", "a": A, "b": B}),
    "metadata holds a number": container({"__metadata__": {"x": 1}, "a": A, "b": B}),
    "empty name": container({"": A, "b": B}),
    "control character in a name": container({"a\x08": A, "b": B}),
    "lone surrogate in a name": container(b'{"\\ud800":%b}' % json.dumps(A).encode(), DATA[:8]),
    "name over the limit": container({"a" * 4097: A, "b": B}),
}


@pytest.mark.parametrize("name", REFUSED)
def test_file_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "file.safetensors"
    path.write_bytes(REFUSED[name])
    with pytest.raises(DigestError) as caught:
        read_safetensors(path)
    assert (caught.value.code, caught.value.path) == ("tensors-malformed", str(path))
    assert len(caught.value.problem) < 1000
    with pytest.raises(DigestError):
        hash_tensors(path)


#: What we refuse and the reader of the format's authors takes; each stands in the spec.
STRICTER = {
    "blank before the header",
    "line feed after the header",
    "tensor is an array",
    "key twice",
    "name twice",
    "name twice by escape",
    "unknown key",
    "too many dimensions",
    "empty name",
    "control character in a name",
    "name over the limit",
    "deep header",
    "header over the limit",
}


@pytest.mark.parametrize("name", sorted(set(REFUSED) - STRICTER))
def test_reader_of_the_formats_authors_refuses_it_too(tmp_path: Path, name: str) -> None:
    path = tmp_path / "file.safetensors"
    path.write_bytes(REFUSED[name])
    with pytest.raises((SafetensorError, OSError)), safe_open(path, framework="numpy"):
        pass


def test_header_gives_the_tensors_in_the_order_of_their_bytes(tmp_path: Path) -> None:
    path = tmp_path / "file.safetensors"
    path.write_bytes(container({"__metadata__": {"k": "v"}, "b": B, "a": A}, pad=b"   "))
    start = path.stat().st_size - len(DATA)
    assert read_safetensors(path) == (
        TensorInfo("a", "F32", (2,), start, start + 8),
        TensorInfo("b", "U8", (), start + 8, start + 9),
    )


def test_file_without_tensors_is_the_empty_tree(tmp_path: Path) -> None:
    path = tmp_path / "file.safetensors"
    path.write_bytes(container({}, b""))
    root, entries = hash_tensors(path)
    assert (root, entries) == (typed_root("tensor", []), ())


def test_empty_tensor_and_scalar_are_leaves(tmp_path: Path) -> None:
    path = tmp_path / "file.safetensors"
    empty = {"dtype": "F32", "shape": [0, 3], "data_offsets": [0, 0]}
    scalar = {"dtype": "U8", "shape": [], "data_offsets": [0, 1]}
    path.write_bytes(container({"empty": empty, "scalar": scalar}, b"x"))
    root, entries = hash_tensors(path)
    assert root.size == 2
    assert entries[0].blake3 == hash_bytes(b"", "blake3")
    assert entries[1].entry == tensor_entry("scalar", "U8", (), b"x")


def test_elements_smaller_than_a_byte_are_counted_in_bits(tmp_path: Path) -> None:
    path = tmp_path / "file.safetensors"
    four = {"dtype": "F4", "shape": [2, 3], "data_offsets": [0, 3]}
    six = {"dtype": "F6_E2M3", "shape": [4], "data_offsets": [3, 6]}
    path.write_bytes(container({"four": four, "six": six}, b"abcdef"))
    assert hash_tensors(path)[0].size == 2


def test_every_known_dtype_is_known_to_the_formats_authors(tmp_path: Path) -> None:
    for dtype, bits in DTYPE_BITS.items():
        path = tmp_path / f"{dtype}.safetensors"
        tensor = {"dtype": dtype, "shape": [8], "data_offsets": [0, bits]}
        path.write_bytes(container({"a": tensor}, bytes(bits)))
        assert read_safetensors(path)[0].dtype == dtype
        with safe_open(path, framework="numpy") as file:
            assert file.get_slice("a").get_dtype() == dtype


DTYPES = {
    "BOOL": np.bool_,
    "U8": np.uint8,
    "I8": np.int8,
    "U16": np.uint16,
    "I16": np.int16,
    "F16": np.float16,
    "U32": np.uint32,
    "I32": np.int32,
    "F32": np.float32,
    "U64": np.uint64,
    "I64": np.int64,
    "F64": np.float64,
    "C64": np.complex64,
}


def arrays() -> dict[str, np.ndarray[Any, Any]]:
    random = np.random.default_rng(7)
    made: dict[str, np.ndarray[Any, Any]] = {
        f"layer.{name}": random.integers(0, 2, size=(3, number + 1)).astype(dtype)
        for number, (name, dtype) in enumerate(DTYPES.items())
    }
    return {**made, "nan": np.array([np.nan, -0.0, np.inf], np.float32), "scalar": np.array(7)}


def test_file_of_the_real_library_gives_the_digests_of_its_arrays(tmp_path: Path) -> None:
    made = arrays()
    save_file(made, tmp_path / "file.safetensors", metadata={"format": "np"})
    root, entries = hash_tensors(tmp_path / "file.safetensors")
    names = {str(np.dtype(dtype)): name for name, dtype in DTYPES.items()}
    expected = [
        tensor_entry(name, names[str(made[name].dtype)], made[name].shape, made[name].tobytes())
        for name in sorted(made)
    ]
    assert [entry.entry for entry in entries] == expected
    assert root == typed_root("tensor", expected)
    check_inclusion(root, expected[3], prove_inclusion("tensor", expected, 3))


def test_digest_does_not_depend_on_shards_metadata_or_order(tmp_path: Path) -> None:
    made = arrays()
    whole = tmp_path / "whole.safetensors"
    save_file(made, whole, metadata={"b": "1", "a": "2", "c": "3"})
    half = len(made) // 2
    shards = [tmp_path / "1.safetensors", tmp_path / "2.safetensors"]
    save_file(dict(list(made.items())[:half]), shards[0])
    save_file(dict(list(made.items())[half:]), shards[1])
    seen: list[int] = []
    assert hash_tensors(whole, progress=seen.append) == hash_tensors(reversed(shards))
    assert sum(seen) == sum(array.nbytes for array in made.values())
    with open_folder(tmp_path) as root:
        assert hash_tensors("whole.safetensors", root=root) == hash_tensors(shards)
        assert read_safetensors("1.safetensors", root=root) != ()


def test_name_in_two_files_is_refused(tmp_path: Path) -> None:
    for name in ("1", "2"):
        (tmp_path / name).write_bytes(container({"a": A}, DATA[:8]))
    with pytest.raises(DigestError, match="also stands in another file") as caught:
        hash_tensors([tmp_path / "1", tmp_path / "2"])
    assert caught.value.code == "tensors-malformed"


def test_header_over_the_limit_is_refused_without_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    with path.open("wb") as handle:
        handle.write(struct.pack("<Q", 1 << 39))
        handle.truncate(1 << 40)
    start = time.monotonic()
    with pytest.raises(DigestError, match="a header of"):
        hash_tensors(path)
    assert time.monotonic() - start < 1


def test_more_tensors_than_the_limit_are_refused_before_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provenance.digest.tensors.MAX_TENSORS", 2)
    none = {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]}
    paths = []
    for number, names in enumerate(("ab", "c", "def")):
        paths.append(tmp_path / f"{number}.safetensors")
        paths[-1].write_bytes(container(dict.fromkeys(names, none), b""))
    assert hash_tensors(paths[0])[0].size == 2
    for several in (paths[2], paths[:2]):
        with pytest.raises(DigestError, match="3 tensors, more than the 2 read"):
            hash_tensors(several)
    with pytest.raises(DigestError, match="3 tensors"):
        hash_weights(paths[:2])
    with pytest.raises(DigestError, match="3 tensors"):
        list_tensors(paths[:2])
    escaped = container(dict.fromkeys("def", none), b"").replace(
        b"data_offsets", b"data_offset\\u0073"
    )
    length = struct.pack("<Q", len(escaped) - 8)
    paths[2].write_bytes(length + escaped[8:])
    with pytest.raises(DigestError, match="3 tensors"):
        hash_tensors(paths[2])


@given(
    st.text(min_size=1), st.sampled_from(sorted(DTYPE_BITS)), st.lists(st.integers(0, 2**53 - 1))
)
def test_entry_is_canonical(name: str, dtype: str, shape: list[int]) -> None:
    digest = TensorDigest(name, dtype, tuple(shape), "0" * 64)
    tree = {"blake3": digest.blake3, "dtype": dtype, "name": name, "shape": shape}
    assert digest.entry == write(tree)


def test_deadline_stops_the_reading_of_a_sparse_file(tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    size = 1 << 40
    header = json.dumps({"a": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    with path.open("wb") as handle:
        handle.write(struct.pack("<Q", len(header)) + header)
        handle.truncate(8 + len(header) + size)
    with pytest.raises(InputError) as caught:
        hash_tensors(path, deadline=time.monotonic() + 0.05)
    assert caught.value.code == "deadline"


def test_file_that_changes_meanwhile_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(container({"a": A, "b": B}))

    def grow(_: int) -> None:
        path.write_bytes(container({"a": A, "b": B}, DATA[::-1] + b"x"))

    with pytest.raises(InputError) as caught:
        hash_tensors(path, progress=grow)
    assert caught.value.code == "file-changed"


@pytest.mark.parametrize(
    ("name", "dtype", "shape", "data"),
    [
        ("a", "F32", (2,), bytes(7)),
        ("a", "F32", (-1,), b""),
        ("a", "X", (), b""),
        ("", "U8", (), b"x"),
        ("__metadata__", "U8", (), b"x"),
        ("a\ud800", "U8", (), b"x"),
        ("a", "F4", (1,), b"x"),
    ],
)
def test_tensor_that_cannot_be_is_refused(
    name: str, dtype: str, shape: tuple[int, ...], data: bytes
) -> None:
    with pytest.raises(DigestError) as caught:
        tensor_entry(name, dtype, shape, data)
    assert caught.value.code == "tensors-malformed"


def test_reading_needs_neither_numpy_nor_torch_nor_safetensors(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(container({"a": A, "b": B}))
    program = (
        "import sys; from provenance.digest import hash_tensors; hash_tensors('file');"
        "assert not {'numpy', 'torch', 'safetensors'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)


@pytest.mark.property
class TestTensorFiles:
    """Laws: only our errors leave; a changed byte is refused or changes exactly what it is of."""

    @given(st.integers(0, 200), st.integers(0, 255))
    def test_changed_byte_is_seen(
        self, tmp_path_factory: pytest.TempPathFactory, place: int, byte: int
    ) -> None:
        path = tmp_path_factory.mktemp("tensors") / "file"
        good = container({"a": A, "b": B})
        path.write_bytes(good)
        expected = hash_tensors(path)
        changed = bytearray(good)
        changed[place % len(good)] = byte
        path.write_bytes(changed)
        try:
            found = hash_tensors(path)
        except DigestError:
            return
        is_blank = json.loads(good[8 : -len(DATA)]) == json.loads(changed[8 : -len(DATA)])
        assert (found == expected) == (is_blank and changed[-len(DATA) :] == DATA)
