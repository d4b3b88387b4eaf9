"""What differs between the tensors of two models, as lines of text. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from provenance.render.escaping import escape
from provenance.render.quantities import format_count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provenance.digest import TensorDifference, WeightsComparison

__all__ = ["render_comparison"]

_MARKS = {"only-in-a": "-", "only-in-b": "+"}


def render_comparison(comparison: WeightsComparison) -> tuple[str, ...]:
    """Return one line for each tensor that differs: a mark (`+`, `-` or `~`), its name, how."""
    names = [escape(tensor.name) for tensor in comparison.different]
    width = max(map(len, names), default=0)
    return tuple(
        f"{_MARKS.get(tensor.status, '~')} {name:<{width}}  {_how(tensor)}"
        for name, tensor in zip(names, comparison.different, strict=True)
    )


def _how(tensor: TensorDifference) -> str:
    before, after = _kind(tensor.dtype_a, tensor.shape_a), _kind(tensor.dtype_b, tensor.shape_b)
    if tensor.status == "only-in-a":
        return before
    if tensor.status == "only-in-b":
        return after
    if tensor.status in {"shape", "dtype"}:
        return f"{before} → {after}"
    return f"{before}  {_values(tensor)}"


#: Largest whole number that is shown in full, that of 64 bits; only differences of F64 are larger.
MAX_WHOLE = 2**64 - 1


def _kind(dtype: str | None, shape: tuple[int, ...] | None) -> str:
    return f"{dtype} [{', '.join(map(str, shape or ()))}]"


def _values(tensor: TensorDifference) -> str:
    if tensor.differing is None:
        return "other bytes"
    parts = [f"{format_count(tensor.differing)} element{'' if tensor.differing == 1 else 's'}"]
    if tensor.largest_absolute is not None:
        finite = "finite " if tensor.special else ""
        parts += [
            f"largest {finite}difference {_number(tensor.largest_absolute)}",
            f"relative {_number(tensor.largest_relative)}",
        ]
    elif not tensor.special:
        parts.append("NaN with other bits")
    return ", ".join((*parts, *_special(tensor)))


def _special(tensor: TensorDifference) -> Iterator[str]:
    """Yield how many elements are no finite number in one of both, NaN first."""
    appeared, vanished = tensor.nan_appeared or 0, tensor.nan_vanished or 0
    infinite = (tensor.special or 0) - appeared - vanished
    if appeared:
        yield f"{format_count(appeared)} became NaN"
    if vanished:
        yield f"{format_count(vanished)} NaN before"
    if infinite:
        yield f"{format_count(infinite)} to or from infinity"


def _number(value: float | int | None) -> str:  # noqa: PYI041 - an int is shown in full
    if isinstance(value, int):
        return f"{Decimal(value):.6g}" if value > MAX_WHOLE else format_count(value)
    return "?" if value is None else f"{value:.6g}"
