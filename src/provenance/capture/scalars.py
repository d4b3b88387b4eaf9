"""Numbers of any library as Python's own: 0-d arrays, tensors, numpy scalars. Imports none."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import TypeAlias

from provenance.canonical import encode_number
from provenance.capture.captured import describe_error
from provenance.capture.redaction import redact_text
from provenance.errors import CanonicalError, CaptureError

__all__ = ["Scalar", "to_scalar"]

Scalar: TypeAlias = bool | int | float | Decimal | str
"""What a metric's value may be."""

#: Longest text that stands as a metric's value, in characters.
MAX_TEXT_CHARACTERS = 1_000


def to_scalar(value: object) -> Scalar:
    """Return one number, truth value or short text as a plain Python object.

    Args:
        value: A Python number, a numpy scalar, or an array, tensor or series that holds exactly one
            element (anything with `.item()` or `.numpy()`). NaN and infinities are values.

    Returns:
        `bool`, `int`, `float`, `Decimal` or `str`; text without secrets.

    Raises:
        CaptureError: The value holds more than one element, or is no number, truth value or text.

    >>> to_scalar(0.25)
    0.25
    """
    plain = _plain(value)
    if plain is None:
        plain = _plain(_element(value))
    if plain is None:
        raise _refusal(value, "it holds neither a number nor text")
    if isinstance(plain, str):
        return redact_text(plain[:MAX_TEXT_CHARACTERS]).value
    if not isinstance(plain, bool):
        try:
            encode_number(plain)
        except CanonicalError as error:
            raise _refusal(value, error.problem) from error
    return plain


def _plain(value: object) -> Scalar | None:
    """Return an object of Python's own classes; subclasses such as `numpy.float64` lose theirs."""
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, bool | Decimal):
        return value
    for kind in (int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return float(value) if isinstance(value, Fraction) else None


def _element(value: object) -> object:
    """Return the one element of an array, tensor or series."""
    for name in ("item", "numpy"):
        method = getattr(value, name, None)
        if not callable(method):
            continue
        try:
            element = method()
        except Exception as error:  # each library has its own class for "more than one element"
            raise _refusal(
                value, f"it gives no single element ({describe_error(error)})"
            ) from error
        if name == "numpy":
            return _element(element)
        # numpy's long double is no Python float; its shortest text is exact enough.
        wide = type(element).__name__ in {"longdouble", "float128"}
        return Decimal(str(element)) if wide else element
    return None


def _refusal(value: object, problem: str) -> CaptureError:
    shape = getattr(value, "shape", None)
    size = f" of shape {tuple(shape)}" if isinstance(shape, tuple) and shape else ""
    return CaptureError(
        problem=f"a {type(value).__qualname__}{size} is no single value: {problem}",
        remedy="pass one number, e.g. the mean of the array",
    )
