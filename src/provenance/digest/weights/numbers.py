"""How far the elements of two tensors are apart. NumPy is imported only when it is needed.

Floats are compared as 64-bit floats, which hold every value of the shorter types; integers exactly.
Complex numbers are compared part by part.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]

__all__ = ["FloatMeasure", "IntegerMeasure", "Measure", "decode_floats", "new_measure"]

_PLAIN: Final = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "C64": "<f4"}
_INTEGERS: Final = {
    "BOOL": "<u1", "I8": "<i1", "I16": "<i2", "I32": "<i4", "I64": "<i8",
    "U8": "<u1", "U16": "<u2", "U32": "<u4", "U64": "<u8",
}  # fmt: skip
# Floats of 8 bits: bits of the mantissa, bias of the exponent, and whether there are infinities.
_SMALL: Final = {
    "F8_E4M3": (3, 7, False),
    "F8_E4M3FNUZ": (3, 8, False),
    "F8_E5M2": (2, 15, True),
    "F8_E5M2FNUZ": (2, 16, False),
}


class Measure(Protocol):
    """Counts over the blocks of two tensors."""

    differing: int
    largest_absolute: float | int | None
    largest_relative: float | None
    special: int
    nan_appeared: int
    nan_vanished: int

    def add(self, a: bytes, b: bytes) -> None:
        """Count one block of each, of the same length."""


class FloatMeasure:
    """The measure of floats."""

    def __init__(self, dtype: str) -> None:
        """Begin with no difference."""
        self._dtype = dtype
        self.differing = 0
        self.largest_absolute: float | int | None = None
        self.largest_relative: float | None = None
        self.special = 0
        self.nan_appeared = 0
        self.nan_vanished = 0

    def add(self, a: bytes, b: bytes) -> None:
        """Count one block of each, of the same length."""
        import numpy as np  # noqa: PLC0415 - optional

        raw = f"<u{_width(self._dtype)}"
        places = np.flatnonzero(np.frombuffer(a, raw) != np.frombuffer(b, raw))
        self.differing += len(places)
        one, other = decode_floats(a, self._dtype)[places], decode_floats(b, self._dtype)[places]
        finite = np.isfinite(one) & np.isfinite(other)
        is_nan, was_nan = np.isnan(other), np.isnan(one)
        self.special += int(np.count_nonzero(~finite & (one != other) & ~(is_nan & was_nan)))
        self.nan_appeared += int(np.count_nonzero(is_nan & ~was_nan))
        self.nan_vanished += int(np.count_nonzero(was_nan & ~is_nan))
        one, other = one[finite], other[finite]
        if not len(one):
            return
        with np.errstate(over="ignore"):
            apart = np.abs(one - other)
        size = np.maximum(np.abs(one), np.abs(other))
        # Of two values of opposite sign the difference may be no double: relative to the larger one
        # it is at most 2 all the same.
        is_huge = np.isinf(apart)
        relative = np.divide(apart, size, out=np.zeros_like(apart), where=(size > 0) & ~is_huge)
        relative[is_huge] = np.abs(one[is_huge] / size[is_huge] - other[is_huge] / size[is_huge])
        largest: float | int = float(apart.max())
        if is_huge.any():
            halves = np.abs(one[is_huge] / 2 - other[is_huge] / 2)
            largest = 2 * int(halves.max())  # both are whole numbers there
        self.largest_absolute = max(self.largest_absolute or 0.0, largest)
        self.largest_relative = max(self.largest_relative or 0.0, float(relative.max()))


class IntegerMeasure:
    """The measure of integers; the largest absolute difference is exact."""

    def __init__(self, dtype: str) -> None:
        """Begin with no difference."""
        self._dtype = dtype
        self.differing = 0
        self.largest_absolute: float | int | None = None
        self.largest_relative: float | None = None
        self.special = self.nan_appeared = self.nan_vanished = 0

    def add(self, a: bytes, b: bytes) -> None:
        """Count one block of each, of the same length."""
        import numpy as np  # noqa: PLC0415 - optional

        kind = _INTEGERS[self._dtype]
        wide = "<i8" if kind[1] == "i" else "<u8"
        one, other = np.frombuffer(a, kind).astype(wide), np.frombuffer(b, kind).astype(wide)
        places = np.flatnonzero(one != other)
        if not len(places):
            return
        one, other = one[places], other[places]
        self.differing += len(places)
        # Modulo 2^64 the difference of the larger and the smaller is right, also across the sign.
        apart = np.maximum(one, other).view("<u8") - np.minimum(one, other).view("<u8")
        size = np.maximum(np.abs(one.astype("<f8")), np.abs(other.astype("<f8")))
        self.largest_absolute = max(self.largest_absolute or 0, int(apart.max()))
        relative = apart.astype("<f8") / size
        self.largest_relative = max(self.largest_relative or 0.0, float(relative.max()))


def new_measure(dtype: str) -> Measure | None:
    """Return a measure for elements of a type, or nothing if only bytes can be compared."""
    try:
        import numpy  # noqa: ICN001, F401, PLC0415 - optional; only whether it is there
    except ImportError:
        return None
    if dtype in _INTEGERS:
        return IntegerMeasure(dtype)
    if dtype in _PLAIN or dtype in _SMALL or dtype in {"BF16", "F8_E8M0"}:
        return FloatMeasure(dtype)
    return None


def decode_floats(data: bytes, dtype: str) -> Array:
    """Return elements of a float type as 64-bit floats; of complex ones, both parts."""
    import numpy as np  # noqa: PLC0415 - optional

    if dtype in _PLAIN:
        return np.frombuffer(data, _PLAIN[dtype]).astype("<f8")
    if dtype == "BF16":
        return (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4").astype("<f8")
    values: Array = np.array([_small_value(byte, dtype) for byte in range(256)])
    result: Array = values[np.frombuffer(data, "<u1")]
    return result


def _small_value(byte: int, dtype: str) -> float:
    """Return what one byte of an 8-bit float means (OCP 8-bit floating point; MX, section 5.3)."""
    if dtype == "F8_E8M0":
        return float("nan") if byte == 0xFF else 2.0 ** (byte - 127)  # noqa: PLR2004 - its NaN
    mantissa_bits, bias, has_infinity = _SMALL[dtype]
    sign = -1.0 if byte & 0x80 else 1.0
    exponent = (byte & 0x7F) >> mantissa_bits
    mantissa = byte & ((1 << mantissa_bits) - 1)
    if dtype.endswith("FNUZ"):
        if byte == 0x80:  # noqa: PLR2004 - the one NaN stands where negative zero would
            return float("nan")
    elif has_infinity:
        if exponent == (1 << (7 - mantissa_bits)) - 1:
            return float("nan") if mantissa else sign * float("inf")
    elif byte & 0x7F == 0x7F:  # noqa: PLR2004 - all ones, the one NaN of each sign
        return float("nan")
    scale = 1 << mantissa_bits
    if not exponent:
        return sign * mantissa / scale * 2.0 ** (1 - bias)
    return sign * (1 + mantissa / scale) * 2.0 ** (exponent - bias)


def _width(dtype: str) -> int:
    """Return the bytes of one element, of complex ones of one part."""
    return int(_PLAIN[dtype][2]) if dtype in _PLAIN else 2 if dtype == "BF16" else 1
