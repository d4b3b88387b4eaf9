"""GGUF files without any library: the strict header of versions 2 and 3, little-endian.

Values of the metadata are stepped over, never kept: only the alignment matters here. Source:
`spec/digests.md`, section "Containers of weights".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from provenance.canonical import (
    MAX_GGUF_ALIGNMENT,
    MAX_GGUF_DIMENSIONS,
    MAX_NAME_BYTES,
    NUMBER_BOUND,
)
from provenance.digest.tensors import (
    byte_length,
    check_count,
    check_shape,
    check_tensor_name,
    malformed,
)
from provenance.digest.weights.gguf_metadata import HeaderReader, read_metadata
from provenance.digest.weights.layouts import Layout, StoredTensor
from provenance.errors import shown

if TYPE_CHECKING:
    from provenance.digest.weights.sources import Sources

__all__ = ["GGML_TYPES", "read_gguf"]

#: Names of element types by their number in the file.
GGML_TYPES: Final = {
    0: "F32", 1: "F16", 2: "GGML_Q4_0", 3: "GGML_Q4_1", 6: "GGML_Q5_0", 7: "GGML_Q5_1",
    8: "GGML_Q8_0", 9: "GGML_Q8_1", 10: "GGML_Q2_K", 11: "GGML_Q3_K", 12: "GGML_Q4_K",
    13: "GGML_Q5_K", 14: "GGML_Q6_K", 15: "GGML_Q8_K", 16: "GGML_IQ2_XXS", 17: "GGML_IQ2_XS",
    18: "GGML_IQ3_XXS", 19: "GGML_IQ1_S", 20: "GGML_IQ4_NL", 21: "GGML_IQ3_S", 22: "GGML_IQ2_S",
    23: "GGML_IQ4_XS", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64", 29: "GGML_IQ1_M",
    30: "BF16", 34: "GGML_TQ1_0", 35: "GGML_TQ2_0", 39: "GGML_MXFP4", 40: "GGML_NVFP4",
    41: "GGML_Q1_0",
}  # fmt: skip

#: Alignment of a file that states none, in bytes.
DEFAULT_ALIGNMENT: Final = 32

_MAGIC: Final = b"GGUF"
_VERSIONS: Final = frozenset({2, 3})
# Fewest bytes of one tensor in the header: length of the name, dimensions, type, offset.
_LEAST_TENSOR_BYTES: Final = 24


def read_gguf(sources: Sources, name: str) -> Layout:
    """Return the layout of a GGUF file.

    Raises:
        DigestError: It breaks the format, or is of another version or byte order (code
            `tensors-malformed`).
    """
    size = sources.size(name)
    reader = HeaderReader(sources, name, size)
    if reader.take(4) != _MAGIC:
        raise malformed(name, "it does not begin with GGUF")
    _check_version(reader.number(4), name)
    tensor_count, pair_count = reader.number(8), reader.number(8)
    if tensor_count * _LEAST_TENSOR_BYTES > size:
        raise malformed(name, f"{shown(tensor_count)} tensors in a file of {size} bytes")
    check_count(tensor_count, name)
    alignment = read_metadata(reader, pair_count)
    if alignment is None:
        alignment = DEFAULT_ALIGNMENT
    if not 0 < alignment <= MAX_GGUF_ALIGNMENT or alignment & (alignment - 1):
        problem = f"an alignment of {alignment} bytes, no power of two up to {MAX_GGUF_ALIGNMENT}"
        raise malformed(name, problem)
    tensors = [_tensor(reader, alignment) for _ in range(tensor_count)]
    names = {tensor.name for tensor in tensors}
    if len(names) != len(tensors):
        raise malformed(name, "a tensor stands twice in the header")
    start = _align(reader.position, alignment)
    placed = [
        StoredTensor(item.name, item.dtype, item.shape, name, start + item.start, item.size)
        for item in tensors
    ]
    placed.sort(key=lambda tensor: (tensor.start, tensor.size))
    _check_places(sources, name, placed, reader.position, alignment)
    return Layout("GGUF", tuple(placed))


def _check_version(version: int, path: str) -> None:
    if version in _VERSIONS:
        return
    if version and version % 0x10000 == 0:
        raise malformed(path, "it is a big-endian GGUF file, and only little-endian ones are read")
    raise malformed(path, f"it is of GGUF version {version}, and only 2 and 3 are read")


def _tensor(reader: HeaderReader, alignment: int) -> StoredTensor:
    """Read one tensor; its `start` is still relative to the data."""
    name = reader.text(MAX_NAME_BYTES)
    check_tensor_name(name, reader.path)
    count = reader.number(4)
    if count > MAX_GGUF_DIMENSIONS:
        raise malformed(reader.path, f"the tensor {shown(name)} has {count} dimensions")
    # GGUF lists the dimension that runs fastest first.
    shape = tuple(reversed([reader.number(8) for _ in range(count)]))
    shape = check_shape(shape, name, reader.path)
    number = reader.number(4)
    dtype = GGML_TYPES.get(number)
    if dtype is None:
        raise malformed(reader.path, f"the tensor {shown(name)} has the unknown type {number}")
    size = byte_length(dtype, shape, name, reader.path)
    start = reader.number(8)
    if start % alignment or start >= NUMBER_BOUND:
        problem = f"begins at {shown(start)}, no multiple of {alignment}"
        raise malformed(reader.path, f"the tensor {shown(name)} {problem}")
    return StoredTensor(name, dtype, shape, reader.path, start, size)


def _check_places(
    sources: Sources, path: str, tensors: list[StoredTensor], position: int, alignment: int
) -> None:
    """Check that the tensors follow one another, with nothing but zeros up to the alignment."""
    size = sources.size(path)
    for tensor in tensors:
        begin = _align(position, alignment)
        if tensor.start != begin:
            kind = "overlaps what is before it" if tensor.start < begin else "leaves a hole"
            raise malformed(path, f"the tensor {shown(tensor.name)} {kind}")
        if tensor.start + tensor.size > size:
            end = tensor.start + tensor.size
            raise malformed(
                path,
                f"is cut short: the tensor {shown(tensor.name)} ends after the file, at byte "
                f"{end:,} of {size:,}",
                remedy="fetch it again",
            )
        _check_padding(sources, path, position, begin)
        position = begin + tensor.size
    if size > _align(position, alignment):
        raise malformed(path, f"the tensors end at byte {position} of {size}")
    _check_padding(sources, path, position, size)


def _check_padding(sources: Sources, path: str, start: int, end: int) -> None:
    if end > start and any(sources.read(path, start, end - start)):
        raise malformed(path, f"the padding at byte {start} is not zero")


def _align(position: int, alignment: int) -> int:
    return -(-position // alignment) * alignment
