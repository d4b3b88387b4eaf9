"""Numbers of any library become plain ones; what is no single value is refused."""

from __future__ import annotations

import enum
import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from provenance.capture import to_scalar
from provenance.errors import CaptureError


class Metric(enum.Enum):
    """An enumeration."""

    GOOD = 0.5


class Tensor:
    """What PyTorch's tensors look like from outside."""

    def __init__(self, *values: float) -> None:
        """Hold the values."""
        self.values = values
        self.shape = (len(values),)

    def item(self) -> float:
        if len(self.values) != 1:
            message = "a Tensor with 2 elements cannot be converted to Scalar"
            raise RuntimeError(message)
        return self.values[0]


class EagerTensor:
    """What TensorFlow's tensors look like from outside."""

    def numpy(self) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        return np.array(0.25, dtype=np.float32)


def _name(value: object) -> str:
    """Return the id of a parameter without an address: every process must make the same."""
    text = repr(value)
    return type(value).__name__ if " at 0x" in text else text[:60]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, 1),
        (0.5, 0.5),
        (True, True),
        (2**63, 2**63),
        ("ok", "ok"),
        (Decimal("0.1"), Decimal("0.1")),
        (Fraction(1, 4), 0.25),
        (Metric.GOOD, 0.5),
        (np.float32(0.1), 0.10000000149011612),
        (np.float64(0.1), 0.1),
        (np.float16(0.5), 0.5),
        (np.int8(-3), -3),
        (np.uint64(2**64 - 1), 2**64 - 1),
        (np.bool_(True), True),  # noqa: FBT003 - the value itself
        (np.array(3), 3),
        (np.array([[3.5]]), 3.5),
        (np.longdouble("0.1"), Decimal(str(np.longdouble("0.1")))),
        (Tensor(0.75), 0.75),
        (EagerTensor(), 0.25),
        (math.inf, math.inf),
        (np.float32("-inf"), -math.inf),
    ],
    ids=_name,
)
def test_value_becomes_a_plain_one(value: object, expected: object) -> None:
    found = to_scalar(value)
    assert found == expected
    assert type(found) in {bool, int, float, Decimal, str}
    assert isinstance(found, bool) == isinstance(expected, bool)


@pytest.mark.parametrize("value", [math.nan, np.float32("nan"), Tensor(math.nan)], ids=_name)
def test_nan_is_a_value(value: object) -> None:
    found = to_scalar(value)
    assert isinstance(found, float)
    assert math.isnan(found)


@pytest.mark.parametrize(
    "value",
    [
        np.array([1.0, 2.0]),
        np.array([]),
        Tensor(1.0, 2.0),
        [1.0],
        (),
        {},
        None,
        1 + 2j,
        np.complex64(1),
        np.datetime64("2026-11-01"),
        b"1",
        object(),
        np.float64,
        7**600,
        Decimal("1e99999"),
    ],
    ids=_name,
)
def test_what_is_no_single_value_is_refused(value: object) -> None:
    with pytest.raises(CaptureError, match="is no single value"):
        to_scalar(value)


def test_refusal_names_the_shape_and_what_to_do() -> None:
    with pytest.raises(CaptureError, match=r"a ndarray of shape \(2, 2\) .*mean of the array"):
        to_scalar(np.zeros((2, 2)))


def test_long_text_is_cut() -> None:
    assert to_scalar("x" * 5_000) == "x" * 1_000
