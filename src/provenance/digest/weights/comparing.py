"""What differs between the tensors of two models: streaming, in bounded memory.

It is a help for people: no digest and no verdict depends on a measured difference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from provenance.digest.tensors import malformed
from provenance.digest.weights.opening_weights import read_layout
from provenance.digest.weights.sources import Sources

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping

    from provenance.digest.opening import Folder
    from provenance.digest.weights.layouts import StoredTensor
    from provenance.digest.weights.numbers import Measure

__all__ = ["TensorDifference", "WeightsComparison", "compare_weights"]

#: Bytes of each of two tensors that are held at once; a multiple of every size of an element.
BLOCK_BYTES: Final = 1024 * 1024

Status = Literal["identical", "only-in-a", "only-in-b", "shape", "dtype", "values"]


@dataclass(frozen=True, slots=True)
class TensorDifference:
    """One tensor in two models."""

    name: str
    """Parameter name."""

    status: Status
    """`identical`, in one model only, or the first of shape, dtype and values that differs."""

    shape_a: tuple[int, ...] | None = None
    """Dimensions in the first model, `None` if it is not there."""

    shape_b: tuple[int, ...] | None = None
    """Dimensions in the second model."""

    dtype_a: str | None = None
    """Name of the element type in the first model."""

    dtype_b: str | None = None
    """Name of the element type in the second model."""

    differing: int | None = None
    """Elements whose bytes differ; `None` if nobody can tell them apart (blocks, no NumPy)."""

    largest_absolute: float | int | None = None
    """Largest `abs(a - b)` where both are finite: exact for integers, and a whole number where no
    float is so large.

    `None` if it is not known, or no element that differs is finite in both.
    """

    largest_relative: float | None = None
    """Largest `abs(a - b) / max(abs(a), abs(b))` where both are finite."""

    special: int | None = None
    """Elements of which one is NaN or infinite and the other is not the same."""

    nan_appeared: int | None = None
    """Elements of `special` that are NaN in the second model only."""

    nan_vanished: int | None = None
    """Elements of `special` that are NaN in the first model only."""


@dataclass(frozen=True, slots=True)
class WeightsComparison:
    """What differs between two models."""

    tensors: tuple[TensorDifference, ...]
    """Every tensor of either, sorted by the bytes of its name."""

    @property
    def equal(self) -> bool:
        """Whether both hold the same tensors with the same bytes: the same tensor digest."""
        return all(tensor.status == "identical" for tensor in self.tensors)

    @property
    def different(self) -> tuple[TensorDifference, ...]:
        """The tensors that are not identical."""
        return tuple(tensor for tensor in self.tensors if tensor.status != "identical")


def compare_weights(
    a: str | os.PathLike[str],
    b: str | os.PathLike[str],
    *,
    root_a: Folder | None = None,
    root_b: Folder | None = None,
) -> WeightsComparison:
    """Compare the tensors of two models, in whatever containers, block by block.

    Without NumPy it is only told whether bytes differ.

    Args:
        a: A safetensors file or index of shards, a GGUF or an ONNX file.
        b: Another one.
        root_a: The folder below which no link is followed on the way to `a`.
        root_b: The same of `b`.

    Raises:
        DigestError: A file breaks its format, or its tensors cannot be read without executing
            something (code `tensors-malformed`).
        InputError: A file cannot be read, or changed meanwhile.
    """
    with Sources(a, root_a) as first, Sources(b, root_b) as second:
        left, right = _tensors(first), _tensors(second)
        names = sorted(left.keys() | right.keys())
        found = tuple(
            _compare(first, left.get(name), second, right.get(name), name) for name in names
        )
    return WeightsComparison(found)


def _tensors(sources: Sources) -> Mapping[str, StoredTensor]:
    layout = read_layout(sources, default="safetensors")
    if layout.tensors is None:
        raise malformed(sources.main, f"{layout.format}: {layout.notes[0]}")
    return {tensor.name: tensor for tensor in layout.tensors}


def _compare(
    first: Sources,
    a: StoredTensor | None,
    second: Sources,
    b: StoredTensor | None,
    name: str,
) -> TensorDifference:
    if a is None or b is None:
        return _described(name, "only-in-b" if a is None else "only-in-a", a, b)
    if a.shape != b.shape:
        return _described(name, "shape", a, b)
    if a.dtype != b.dtype:
        return _described(name, "dtype", a, b)
    measure = None
    is_equal = True
    for one, other in zip(_blocks(first, a), _blocks(second, b), strict=True):
        if one == other:
            continue
        if is_equal:
            is_equal = False
            measure = _measure(a.dtype)
            if measure is None:
                break  # nothing more can be told
        if measure is not None:
            measure.add(one, other)
    return _described(name, "identical" if is_equal else "values", a, b, measure)


def _described(
    name: str,
    status: Status,
    a: StoredTensor | None,
    b: StoredTensor | None,
    measure: Measure | None = None,
) -> TensorDifference:
    return TensorDifference(
        name=name,
        status=status,
        shape_a=None if a is None else a.shape,
        shape_b=None if b is None else b.shape,
        dtype_a=None if a is None else a.dtype,
        dtype_b=None if b is None else b.dtype,
        differing=None if measure is None else measure.differing,
        largest_absolute=None if measure is None else measure.largest_absolute,
        largest_relative=None if measure is None else measure.largest_relative,
        special=None if measure is None else measure.special,
        nan_appeared=None if measure is None else measure.nan_appeared,
        nan_vanished=None if measure is None else measure.nan_vanished,
    )


def _measure(dtype: str) -> Measure | None:
    from provenance.digest.weights.numbers import new_measure  # noqa: PLC0415 - it needs NumPy

    return new_measure(dtype)


def _blocks(sources: Sources, tensor: StoredTensor) -> Iterator[bytes]:
    """Yield the elements of a tensor in blocks of the same bounds for every tensor of its type."""
    for start in range(0, tensor.size, BLOCK_BYTES):
        size = min(BLOCK_BYTES, tensor.size - start)
        if tensor.data is None:
            yield sources.read(tensor.file, tensor.start + start, size)
        else:
            yield tensor.data[start : start + size]
