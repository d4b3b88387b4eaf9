"""What differs between two models, with and without NumPy."""

from __future__ import annotations

import math
import struct
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from digest.weights.containers import BIAS, WEIGHT, gguf, onnx_file, safetensors, torch_zip
from provenance.digest import compare_weights
from provenance.digest.weights.numbers import decode_floats
from provenance.errors import DigestError
from provenance.render import render_comparison

if TYPE_CHECKING:
    from pathlib import Path

    from provenance.digest import TensorDifference


def compare(folder: Path, a: bytes, b: bytes) -> tuple[TensorDifference, ...]:
    (folder / "a").write_bytes(a)
    (folder / "b").write_bytes(b)
    return compare_weights(folder / "a", folder / "b").tensors


def test_containers_do_not_matter(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(gguf(WEIGHT, BIAS))
    (tmp_path / "b").write_bytes(onnx_file(BIAS, WEIGHT))
    found = compare_weights(tmp_path / "a", tmp_path / "b")
    assert found.equal
    assert found.different == ()


def test_names_shapes_and_types_are_told(tmp_path: Path) -> None:
    a = safetensors(("a", "F32", (2,), bytes(8)), ("s", "F32", (2,), bytes(8)), BIAS)
    b = safetensors(
        ("c", "F32", (2,), bytes(8)), ("s", "F32", (1, 2), bytes(8)), ("b", "BF16", *BIAS[2:])
    )
    found = compare(tmp_path, a, b)
    assert [(item.name, item.status) for item in found] == [
        ("a", "only-in-a"), ("b", "dtype"), ("c", "only-in-b"), ("s", "shape"),
    ]  # fmt: skip
    assert (found[1].dtype_a, found[1].dtype_b) == ("F16", "BF16")
    assert (found[3].shape_a, found[3].shape_b) == ((2,), (1, 2))


def pair(folder: Path, dtype: str, a: bytes, b: bytes, count: int) -> TensorDifference:
    make = [safetensors(("t", dtype, (count,), data)) for data in (a, b)]
    (found,) = compare(folder, *make)
    assert found.status == "values"
    return found


@pytest.mark.parametrize(
    ("dtype", "kind"), [("F16", "<f2"), ("F32", "<f4"), ("F64", "<f8")], ids=lambda value: value
)
def test_floats_are_measured(tmp_path: Path, dtype: str, kind: str) -> None:
    a = np.array([1, 2, 0, -0.0, math.nan, math.inf, 4], kind)
    b = np.array([1, 2.5, 0, 0.0, 1, -math.inf, 2], kind)
    found = pair(tmp_path, dtype, a.tobytes(), b.tobytes(), 7)
    assert (found.differing, found.largest_absolute, found.largest_relative) == (5, 2.0, 0.5)
    assert (found.special, found.nan_appeared, found.nan_vanished) == (2, 0, 1)


def test_nan_that_appears_is_counted_and_no_distance(tmp_path: Path) -> None:
    one, other = struct.pack("<3f", 1, 2, 3), struct.pack("<3f", 1, math.nan, math.nan)
    found = pair(tmp_path, "F32", one, other, 3)
    assert (found.differing, found.special, found.nan_appeared) == (2, 2, 2)
    assert (found.largest_absolute, found.largest_relative, found.nan_vanished) == (None, None, 0)


def test_other_payload_of_nan_is_no_distance(tmp_path: Path) -> None:
    one, other = struct.pack("<2L", 0x7FC00000, 0), struct.pack("<2L", 0x7FC00001, 0)
    found = pair(tmp_path, "F32", one, other, 2)
    assert (found.differing, found.largest_absolute, found.special) == (1, None, 0)


def test_bfloat16_is_measured(tmp_path: Path) -> None:
    found = pair(tmp_path, "BF16", b"\x80\x3f", b"\x00\x40", 1)
    assert (found.largest_absolute, found.largest_relative) == (1.0, 0.5)


def test_doubles_further_apart_than_any_double_are_measured(tmp_path: Path) -> None:
    top = sys.float_info.max
    found = pair(tmp_path, "F64", struct.pack("<2d", top, 1), struct.pack("<2d", -top, 2), 2)
    assert found.largest_absolute == 2 * int(top)
    assert found.largest_relative == 2.0
    assert (
        "largest difference 3.59539e+308, relative 2"
        in render_comparison(compare_weights(tmp_path / "a", tmp_path / "b"))[0]
    )
    found = pair(tmp_path, "F64", struct.pack("<d", top), struct.pack("<d", -top / 2), 1)
    assert found.largest_relative == 1.5


@pytest.mark.parametrize(
    ("dtype", "kind", "values", "apart"),
    [
        ("I64", "<q", (-(2**63), 2**63 - 1), 2**64 - 1),
        ("I64", "<q", (2**53, 2**53 + 1), 1),
        ("U64", "<Q", (0, 2**64 - 1), 2**64 - 1),
        ("I8", "<b", (-128, 127), 255),
        ("U8", "<B", (3, 255), 252),
        ("BOOL", "<B", (0, 1), 1),
    ],
)
def test_integers_are_measured_exactly(
    tmp_path: Path, dtype: str, kind: str, values: tuple[int, int], apart: int
) -> None:
    a, b = (struct.pack(kind, value) for value in values)
    found = pair(tmp_path, dtype, a, b, 1)
    assert found.largest_absolute == apart
    assert isinstance(found.largest_absolute, int)


def test_complex_numbers_are_measured_by_part(tmp_path: Path) -> None:
    found = pair(tmp_path, "C64", struct.pack("<2f", 1, 1), struct.pack("<2f", 1, 4), 1)
    assert found.largest_absolute == 3.0


def test_floats_of_eight_bits_are_those_of_their_standard() -> None:
    values = {
        "F8_E4M3": {0x38: 1.0, 0x7E: 448.0, 0x01: 2.0**-9, 0xB8: -1.0},
        "F8_E5M2": {0x3C: 1.0, 0x7B: 57344.0, 0x7C: math.inf, 0x01: 2.0**-16},
        "F8_E4M3FNUZ": {0x40: 1.0, 0x7F: 240.0},
        "F8_E5M2FNUZ": {0x40: 1.0, 0x7F: 57344.0},
        "F8_E8M0": {127: 1.0, 128: 2.0},
    }
    nans = {"F8_E4M3": 0x7F, "F8_E5M2": 0x7D, "F8_E4M3FNUZ": 0x80, "F8_E5M2FNUZ": 0x80}
    for dtype, table in values.items():
        assert decode_floats(bytes(table), dtype).tolist() == list(table.values())
    for dtype, byte in {**nans, "F8_E8M0": 0xFF}.items():
        assert np.isnan(decode_floats(bytes([byte]), dtype)).all()


def test_blocks_are_only_compared_by_their_bytes(tmp_path: Path) -> None:
    one = gguf(("q", "GGML_Q8_0", (32,), bytes(34)))
    other = gguf(("q", "GGML_Q8_0", (32,), b"\1" * 34))
    (found,) = compare(tmp_path, one, other)
    assert (found.status, found.differing, found.largest_absolute) == ("values", None, None)


def test_without_numpy_only_bytes_are_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "numpy", None)
    found = pair(tmp_path, "F32", bytes(4), struct.pack("<f", 1), 1)
    assert found.differing is None


def test_large_tensors_are_compared_block_by_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provenance.digest.weights.comparing.BLOCK_BYTES", 64)
    a = np.arange(1000, dtype=np.float32)
    b = a.copy()
    b[[10, 500, 999]] += [1, 2, 3]
    found = pair(tmp_path, "F32", a.tobytes(), b.tobytes(), 1000)
    assert (found.differing, found.largest_absolute) == (3, 3.0)


def test_file_without_names_is_refused(tmp_path: Path) -> None:
    pickled = torch_zip({"data.pkl": b"\x80\x02."})
    with pytest.raises(DigestError, match="unpickling"):
        compare(tmp_path, pickled, pickled)
