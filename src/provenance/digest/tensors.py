"""Tensors whatever file they lie in: their entry in a `tensor` tree, and what each must keep.

The tensor digest is the content of a checkpoint, whatever its container, sharding or metadata
order: a typed root of kind `tensor` over name, dtype, shape and the BLAKE3 of the raw little-endian
bytes of each tensor. The containers are read in `weights/`. Source: `spec/digests.md`, section
"Tensor digest". No I/O.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from json import JSONEncoder
from typing import TYPE_CHECKING

from blake3 import blake3

from provenance.canonical import (
    MAX_NAME_BYTES,
    MAX_TENSOR_DIMENSIONS,
    MAX_TENSORS,
    NUMBER_BOUND,
)
from provenance.digest.dtypes import DTYPE_BITS, GGML_BLOCKS, element_bits
from provenance.digest.names import printable_name
from provenance.errors import DigestError, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Buffer

__all__ = [
    "METADATA",
    "TensorDigest",
    "TensorInfo",
    "byte_length",
    "check_count",
    "check_shape",
    "check_tensor_name",
    "malformed",
    "tensor_entry",
]

#: Name of the entry of a safetensors header that is no tensor; no tensor anywhere has it.
METADATA = "__metadata__"

# C0, DEL and C1 in a tensor's name hide what a reader sees (safetensors issue 748).
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")

# A text as RFC 8785 writes it, section 3.2.2.2.
_quote = JSONEncoder(ensure_ascii=False).encode


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """One tensor as the header of a file describes it."""

    name: str
    """Parameter name, e.g. `model.embed.weight`."""

    dtype: str
    """Name of the element type, a key of `DTYPE_BITS` or `GGML_BLOCKS`."""

    shape: tuple[int, ...]
    """Dimensions, outermost first; `()` is a scalar of 1 element."""

    start: int
    """Offset of the first byte in the file."""

    end: int
    """Offset after the last byte in the file."""


@dataclass(frozen=True, slots=True)
class TensorDigest:
    """What identifies the content of one tensor, whatever file it lies in."""

    name: str
    """Parameter name."""

    dtype: str
    """Name of the element type, a key of `DTYPE_BITS` or `GGML_BLOCKS`."""

    shape: tuple[int, ...]
    """Dimensions, outermost first."""

    blake3: str
    """BLAKE3 of the elements: little-endian, row-major, no padding."""

    @property
    def entry(self) -> bytes:
        """The entry in a `tensor` tree: canonical JSON of blake3, dtype, name and shape."""
        # Written out: a general writer takes half of the time of a model of many small tensors. Of
        # a text, both escape the same characters.
        shape = ",".join(f"{size:d}" for size in self.shape)
        blake3, dtype, name = map(_quote, (self.blake3, self.dtype, self.name))
        text = f'{{"blake3":{blake3},"dtype":{dtype},"name":{name},"shape":[{shape}]}}'
        return text.encode("utf-8")


def tensor_entry(name: str, dtype: str, shape: Sequence[int], data: Buffer) -> bytes:
    """Return the entry of one tensor in a `tensor` tree, whatever file it lies in.

    Args:
        name: Parameter name, e.g. `model.embed.weight`.
        dtype: A key of `DTYPE_BITS` or `GGML_BLOCKS`, e.g. `BF16` (2 bytes an element).
        shape: Dimensions, outermost first; `()` is a scalar of 1 element.
        data: `product(shape)` elements, little-endian, row-major, no padding.

    Returns:
        Canonical JSON of name, dtype, shape and `blake3`, the BLAKE3 digest of `data`.

    Raises:
        DigestError: `data` is not `product(shape)` times the element size long, or name, dtype or
            shape cannot be (code `tensors-malformed`).

    Source: `spec/digests.md`, section "Tensor digest".
    """
    check_tensor_name(name, "")
    dimensions = check_shape(shape, name, "")
    expected = byte_length(dtype, dimensions, name, "")
    view = memoryview(data).cast("B")
    if len(view) != expected:
        raise malformed("", f"the tensor {shown(name)} has {len(view)} bytes, expected {expected}")
    return TensorDigest(name, dtype, dimensions, blake3(view).hexdigest()).entry


def check_count(count: int, path: str) -> None:
    """Check that a file, or a model, may have so many tensors.

    Raises:
        DigestError: They are more than `MAX_TENSORS`.
    """
    if count > MAX_TENSORS:
        raise malformed(path, f"{shown(count)} tensors, more than the {MAX_TENSORS} read")


def check_shape(shape: Sequence[object], name: str, path: str) -> tuple[int, ...]:
    """Return the dimensions of a tensor.

    Raises:
        DigestError: There are too many, or one is no number of elements.
    """
    dimensions = tuple(
        size
        for size in shape
        if isinstance(size, int) and not isinstance(size, bool) and 0 <= size < NUMBER_BOUND
    )
    if len(shape) > MAX_TENSOR_DIMENSIONS or len(dimensions) != len(shape):
        raise malformed(path, f"the tensor {shown(name)} has the shape {shown(shape)}")
    return dimensions


def byte_length(dtype: str, shape: tuple[int, ...], name: str, path: str) -> int:
    """Return how many bytes the elements of a tensor take.

    Raises:
        DigestError: The type is unknown, or the elements are no whole number of bytes or blocks.
    """
    if dtype not in DTYPE_BITS and dtype not in GGML_BLOCKS:
        raise malformed(path, f"the tensor {shown(name)} has the unknown dtype {shown(dtype)}")
    total_bits = element_bits(dtype, shape)
    if total_bits is None:
        problem = f"has the shape {shown(shape)}, which {dtype} cannot divide into blocks"
        raise malformed(path, f"the tensor {shown(name)} {problem}")
    if total_bits % 8 or total_bits // 8 >= NUMBER_BOUND:
        problem = f"has {shown(total_bits)} bits, which is no length in bytes"
        raise malformed(path, f"the tensor {shown(name)} {problem}")
    return total_bits // 8


def check_tensor_name(name: str, path: str) -> None:
    """Check that a tensor may have this name.

    Raises:
        DigestError: It is empty, `__metadata__`, too long, or holds a control character.
    """
    if (
        not name
        or name == METADATA
        or _CONTROL.search(name)
        or len(name.encode("utf-8")) > MAX_NAME_BYTES
    ):
        raise malformed(path, f"no tensor may have the name {shown(name)}")


def malformed(path: str, problem: str, *, remedy: str = "") -> DigestError:
    """Return the error for a file, or a tensor in it, that breaks its format."""
    return DigestError(
        path=printable_name(path), problem=problem, remedy=remedy, code="tensors-malformed"
    )
