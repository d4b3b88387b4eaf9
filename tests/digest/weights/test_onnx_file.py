"""ONNX files: those of the real library, and those that break a rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file

from digest.weights.containers import WEIGHT, onnx_field, onnx_file
from provenance.digest import hash_tensors, hash_weights
from provenance.digest.weights.onnx_file import NOT_COVERED
from provenance.errors import DigestError, InputError

if TYPE_CHECKING:
    from pathlib import Path

ARRAYS: dict[str, np.ndarray[Any, Any]] = {
    "f": np.arange(6, dtype=np.float32).reshape(2, 3),
    "h": np.array([1, -2, 0.5], np.float16),
    "i": np.array([-1, 2**40], np.int64),
    "u": np.array([0, 255], np.uint8),
    "empty": np.zeros((0, 3), np.float32),
    "scalar": np.array(7.0),
}


def model(*initializers: TensorProto) -> onnx.ModelProto:
    return helper.make_model(helper.make_graph([], "g", [], [], initializer=list(initializers)))


@pytest.fixture
def arrays(tmp_path: Path) -> Path:
    """Return a safetensors file of the arrays."""
    save_file(ARRAYS, tmp_path / "arrays.safetensors")
    return tmp_path / "arrays.safetensors"


def test_raw_elements_are_those_of_safetensors(tmp_path: Path, arrays: Path) -> None:
    items = [numpy_helper.from_array(array, name) for name, array in ARRAYS.items()]
    onnx.save(model(*items), tmp_path / "m.onnx")
    assert hash_tensors(tmp_path / "m.onnx") == hash_tensors(arrays)
    found = hash_weights(tmp_path / "m.onnx")
    assert (found.formats, found.notes) == (("ONNX",), (NOT_COVERED,))


def test_external_elements_are_those_of_safetensors(tmp_path: Path, arrays: Path) -> None:
    items = [numpy_helper.from_array(array, name) for name, array in ARRAYS.items()]
    place = tmp_path / "e.onnx"
    onnx.save(model(*items), place, save_as_external_data=True, location="e.data", size_threshold=0)
    assert (tmp_path / "e.data").stat().st_size > 0
    assert hash_tensors(place) == hash_tensors(arrays)


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [
        (TensorProto.FLOAT, np.float32),
        (TensorProto.DOUBLE, np.float64),
        (TensorProto.FLOAT16, np.float16),
        (TensorProto.INT8, np.int8),
        (TensorProto.INT16, np.int16),
        (TensorProto.INT32, np.int32),
        (TensorProto.INT64, np.int64),
        (TensorProto.UINT8, np.uint8),
        (TensorProto.UINT16, np.uint16),
        (TensorProto.UINT32, np.uint32),
        (TensorProto.UINT64, np.uint64),
        (TensorProto.BOOL, np.bool_),
        (TensorProto.COMPLEX64, np.complex64),
    ],
    ids=str,
)
def test_typed_elements_are_those_of_safetensors(
    tmp_path: Path, kind: int, dtype: type[np.generic]
) -> None:
    array = np.array([0, 1, 100], dtype) if dtype is not np.int8 else np.array([-1, 0, 1], dtype)
    onnx.save(model(helper.make_tensor("t", kind, [3], array.tolist())), tmp_path / "t.onnx")
    save_file({"t": array}, tmp_path / "t.safetensors")
    assert hash_tensors(tmp_path / "t.onnx") == hash_tensors(tmp_path / "t.safetensors")


def body(*more: bytes, dtype: int = 1, name: bytes = b"w") -> bytes:
    return onnx_field(1, 2) + onnx_field(2, dtype) + onnx_field(8, name) + b"".join(more)


def file_of(*initializers: bytes) -> bytes:
    graph = b"".join(onnx_field(5, item) for item in initializers)
    return onnx_field(1, 8) + onnx_field(7, graph)


RAW = onnx_field(9, bytes(8))
REFUSED = {
    "kind of a field": onnx_field(1, 8) + b"\x3b",
    "field number 0": onnx_field(1, 8) + b"\x3a\x02\x00\x00",
    "initializer is a number": onnx_field(1, 8) + onnx_field(7, onnx_field(5, 1)),
    "no name": file_of(onnx_field(1, 2) + onnx_field(2, 1) + RAW),
    "no type": file_of(onnx_field(1, 2) + onnx_field(8, b"w") + RAW),
    "no elements": file_of(body()),
    "name twice": file_of(body(RAW, onnx_field(8, b"v"))),
    "name not UTF-8": file_of(body(RAW, name=b"\xff")),
    "complex of 128 bits": file_of(body(RAW, dtype=15)),
    "segment": file_of(body(RAW, onnx_field(3, b""))),
    "wrong typed field": file_of(body(onnx_field(7, bytes(2)))),
    "typed field of an integer that does not end": file_of(
        body(onnx_field(7, b"\x01\x80"), dtype=7)
    ),
    "integer of eleven bytes": file_of(body(onnx_field(7, b"\x80" * 11), dtype=7)),
    "unknown place": file_of(body(RAW, onnx_field(14, 2))),
    "place without a file": file_of(body(onnx_field(14, 1))),
    "two places of one file": file_of(
        body(onnx_field(14, 1), *[onnx_field(13, onnx_field(1, b"location"))] * 2)
    ),
    "65 dimensions": file_of(body(RAW, *[onnx_field(1, 1)] * 64)),
    "packed dimensions over the limit": file_of(body(RAW, onnx_field(1, b"\1" * 2000))),
}


@pytest.mark.parametrize("name", REFUSED)
def test_file_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(REFUSED[name])
    with pytest.raises(DigestError) as caught:
        hash_tensors(path)
    assert caught.value.code == "tensors-malformed"


def test_packed_dimensions_are_read(tmp_path: Path) -> None:
    data = onnx_field(1, b"\1\2") + onnx_field(2, 1) + onnx_field(8, b"w") + RAW
    (tmp_path / "m").write_bytes(file_of(data))
    assert hash_tensors(tmp_path / "m")[1][0].shape == (1, 2)


def test_link_as_external_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(bytes(8))
    (tmp_path / "model.data").symlink_to("secret")
    place = onnx_field(13, onnx_field(1, b"location") + onnx_field(2, b"model.data"))
    (tmp_path / "model.onnx").write_bytes(file_of(body(onnx_field(14, 1), place)))
    with pytest.raises(InputError) as caught:
        hash_tensors(tmp_path / "model.onnx")
    assert caught.value.code == "link-found"


@pytest.mark.parametrize("limit", ["onnx_tensors.MAX_ONNX_TYPED_BYTES", "protobuf.MAX_ONNX_FIELDS"])
def test_limits_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    monkeypatch.setattr(f"provenance.digest.weights.{limit}", 6)
    typed = file_of(body(onnx_field(4, bytes(8))))
    (tmp_path / "m").write_bytes(typed)
    with pytest.raises(DigestError, match="more than"):
        hash_tensors(tmp_path / "m")


def test_file_made_by_hand_is_one_of_the_real_library(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(onnx_file(WEIGHT))
    (item,) = onnx.load(tmp_path / "m.onnx").graph.initializer
    assert numpy_helper.to_array(item).tobytes() == WEIGHT[3]
