"""Arrays in memory: the tensor digest of a file that holds them, or a refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from provenance.digest import arrays
from provenance.digest.arrays import digest_array, is_array
from provenance.digest.tensors import tensor_entry
from provenance.errors import DigestError

if TYPE_CHECKING:
    from pathlib import Path

ml_dtypes = pytest.importorskip("ml_dtypes")

REFUSED = {
    "objects": np.array([1, None], dtype=object),
    "text": np.array(["a"]),
    "bytes": np.array([b"a"]),
    "times": np.array(["2024-01-01"], dtype="datetime64[D]"),
    "durations": np.array([1], dtype="timedelta64[s]"),
    "records": np.zeros(2, dtype=[("a", "i4")]),
    "wide complex numbers": np.array([1j]),
    "long doubles": np.zeros(1, dtype=np.longdouble),
    "mask": np.ma.masked_array([1, 2], mask=[False, True]),
    "void": np.zeros(2, dtype="V3"),
    "int4": np.zeros(2, dtype=ml_dtypes.int4),
}


@pytest.mark.parametrize("array", REFUSED.values(), ids=REFUSED)
def test_what_has_no_name_in_safetensors_is_refused(array: np.ndarray) -> None:
    with pytest.raises(DigestError) as caught:
        digest_array("x", array)
    assert caught.value.code == "records-unsupported"
    assert caught.value.path == "x"


@pytest.mark.parametrize("name", ["", "a\nb", "__metadata__"], ids=["empty", "control", "reserved"])
def test_name_that_no_tensor_has_is_refused(name: str) -> None:
    with pytest.raises(DigestError):
        digest_array(name, np.zeros(1))


@pytest.mark.parametrize(
    ("dtype", "name"),
    [
        ("bool", "BOOL"),
        ("int8", "I8"),
        ("uint64", "U64"),
        ("float16", "F16"),
        ("float64", "F64"),
        ("complex64", "C64"),
        (ml_dtypes.bfloat16, "BF16"),
        (ml_dtypes.float8_e5m2, "F8_E5M2"),
        (ml_dtypes.float8_e4m3fn, "F8_E4M3"),
    ],
    ids=str,
)
def test_element_types_are_named_as_in_files(dtype: Any, name: str) -> None:  # noqa: ANN401 - whatever NumPy takes
    array = np.array([0, 1, 1]).astype(dtype)
    assert digest_array("x", array).entry == tensor_entry("x", name, [3], array.tobytes())


@given(hnp.arrays(np.dtype("<f4"), hnp.array_shapes(max_dims=3, min_side=0)))
def test_order_in_memory_does_not_matter(array: np.ndarray) -> None:
    expected = tensor_entry("x", "F32", array.shape, array.tobytes())
    for other in (array, np.asfortranarray(array), array.astype(">f4"), array.T.copy().T):
        assert digest_array("x", other).entry == expected


def test_array_without_dimensions_is_one_element() -> None:
    expected = tensor_entry("x", "F64", (), np.float64(0.5).tobytes())
    for array in (np.array(0.5), np.array(0.5, ">f8")):
        assert digest_array("x", array).entry == expected


@given(st.integers(1, 40), st.integers(1, 9))
def test_parts_make_the_whole(rows: int, columns: int) -> None:
    array = np.arange(rows * columns, dtype=">i4").reshape(columns, rows).T
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrays, "CHUNK_BYTES", 16)
        found = digest_array("x", array)
    assert found == digest_array("x", np.ascontiguousarray(array))


def test_array_in_a_file_is_read_there(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(12).reshape(3, 4))
    mapped = np.load(tmp_path / "a.npy", mmap_mode="r")
    assert digest_array("x", mapped) == digest_array("x", np.arange(12).reshape(3, 4))


def test_shape_and_type_count() -> None:
    zeros = [np.zeros(4, "f4"), np.zeros((2, 2), "f4"), np.zeros(4, "i4")]
    assert len({digest_array("x", array).entry for array in zeros}) == 3


def test_only_arrays_are_arrays() -> None:
    assert is_array(np.zeros(1))
    assert not any(map(is_array, ([1], 1.0, np.float64(1), "x", None)))
