"""safetensors files without torch or numpy: the strict header, and the tensor digest.

The tensor digest is the content of a checkpoint, whatever its container, sharding or metadata
order: a typed root of kind `tensor` over name, dtype, shape and the BLAKE3 of the raw little-endian
bytes of each tensor. Nothing is unpickled or executed. Source: `spec/digests.md`, section "Tensor
digest".
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from math import prod
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from blake3 import blake3

from provenance.canonical import (
    MAX_NAME_BYTES,
    MAX_SAFETENSORS_HEADER_BYTES,
    MAX_TENSOR_DIMENSIONS,
    NUMBER_BOUND,
    JsonValue,
    parse,
    write,
)
from provenance.digest.files import check_unchanged, read_chunks, read_exactly
from provenance.digest.merkle import TypedRoot, typed_root
from provenance.digest.names import printable_name
from provenance.digest.opening import open_regular
from provenance.errors import CanonicalError, DigestError, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from typing_extensions import Buffer

    from provenance.digest.opening import Folder

__all__ = [
    "DTYPE_BITS",
    "TensorDigest",
    "TensorInfo",
    "hash_tensors",
    "read_safetensors",
    "tensor_entry",
]

#: Bits of one element, by the name that safetensors gives to the type.
DTYPE_BITS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "BF16": 16,
        "BOOL": 8,
        "C64": 64,
        "F16": 16,
        "F32": 32,
        "F4": 4,
        "F64": 64,
        "F6_E2M3": 6,
        "F6_E3M2": 6,
        "F8_E4M3": 8,
        "F8_E4M3FNUZ": 8,
        "F8_E5M2": 8,
        "F8_E5M2FNUZ": 8,
        "F8_E8M0": 8,
        "I16": 16,
        "I32": 32,
        "I64": 64,
        "I8": 8,
        "U16": 16,
        "U32": 32,
        "U64": 64,
        "U8": 8,
    }
)

# Length of the header as an unsigned 64-bit little-endian integer, at the start of a file.
_LENGTH_BYTES = 8

# Name of the header's entry that is no tensor.
_METADATA = "__metadata__"

# C0, DEL and C1 in a tensor's name hide what a reader sees (safetensors issue 748).
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """One tensor as the header of a safetensors file describes it."""

    name: str
    """Parameter name, e.g. `model.embed.weight`."""

    dtype: str
    """Name of the element type, a key of `DTYPE_BITS`."""

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
    """Name of the element type, a key of `DTYPE_BITS`."""

    shape: tuple[int, ...]
    """Dimensions, outermost first."""

    blake3: str
    """BLAKE3 of the elements: little-endian, row-major, no padding."""

    @property
    def entry(self) -> bytes:
        """The entry in a `tensor` tree: canonical JSON of blake3, dtype, name and shape."""
        return write(
            {"blake3": self.blake3, "dtype": self.dtype, "name": self.name, "shape": self.shape}
        )


def read_safetensors(
    path: str | os.PathLike[str], *, root: Folder | None = None
) -> tuple[TensorInfo, ...]:
    """Read the header of a safetensors file and check it against the length of the file.

    Returns:
        The tensors in the order of their bytes; together they cover the data exactly.

    Raises:
        DigestError: It breaks the format (code `tensors-malformed`).
        InputError: It cannot be read, or is a link or special file.
    """
    text = os.fspath(path)
    with open_regular(path, root=root) as descriptor:
        return _read_header(descriptor, os.fstat(descriptor).st_size, text)


def hash_tensors(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    root: Folder | None = None,
    progress: Callable[[int], None] | None = None,
    deadline: float | None = None,
) -> tuple[TypedRoot, tuple[TensorDigest, ...]]:
    """Return the tensor digest of a checkpoint in one or several safetensors files.

    Args:
        paths: The file, or all shards in any order.
        root: The folder below which no link is followed.
        progress: Called with numbers of bytes as they are done.
        deadline: Time of `time.monotonic` after which reading stops.

    Returns:
        The typed root, and the tensors sorted by the bytes of their names.

    Raises:
        DigestError: A file breaks the format, or a name stands in two files (code
            `tensors-malformed`).
        InputError: A file cannot be read, or changed meanwhile.
    """
    files = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    tensors: dict[str, TensorDigest] = {}
    for path in files:
        for tensor in _hash_file(os.fspath(path), root, progress, deadline):
            if tensor.name in tensors:
                problem = f"the tensor {shown(tensor.name)} also stands in another file"
                raise _malformed(os.fspath(path), problem)
            tensors[tensor.name] = tensor
    # Code points order as their UTF-8 bytes do.
    ordered = tuple(tensors[name] for name in sorted(tensors))
    return typed_root("tensor", (tensor.entry for tensor in ordered)), ordered


def tensor_entry(name: str, dtype: str, shape: Sequence[int], data: Buffer) -> bytes:
    """Return the entry of one tensor in a `tensor` tree, whatever file it lies in.

    Args:
        name: Parameter name, e.g. `model.embed.weight`.
        dtype: safetensors name, e.g. `BF16` (2 bytes an element).
        shape: Dimensions, outermost first; `()` is a scalar of 1 element.
        data: `product(shape)` elements, little-endian, row-major, no padding.

    Returns:
        Canonical JSON of name, dtype, shape and `blake3`, the BLAKE3 digest of `data`.

    Raises:
        DigestError: `data` is not `product(shape)` times the element size long, or name, dtype or
            shape cannot be (code `tensors-malformed`).

    Source: `spec/digests.md`, section "Tensor digest".
    """
    _check_tensor_name(name, "")
    dimensions = _check_shape(shape, name, "")
    expected = _byte_length(dtype, dimensions, name, "")
    view = memoryview(data).cast("B")
    if len(view) != expected:
        raise _malformed("", f"the tensor {shown(name)} has {len(view)} bytes, expected {expected}")
    return TensorDigest(name, dtype, dimensions, blake3(view).hexdigest()).entry


def _hash_file(
    path: str,
    root: Folder | None,
    progress: Callable[[int], None] | None,
    deadline: float | None,
) -> list[TensorDigest]:
    """Read one file from start to end and hash each tensor."""
    result = []
    with open_regular(path, root=root) as descriptor:
        info = os.fstat(descriptor)
        # The tensors come in the order of their bytes and without holes: no seek is needed.
        for tensor in _read_header(descriptor, info.st_size, path):
            hasher = blake3()
            size = tensor.end - tensor.start
            for chunk in read_chunks(descriptor, size, path=path, deadline=deadline):
                hasher.update(chunk)
                if progress is not None:
                    progress(len(chunk))
            result.append(TensorDigest(tensor.name, tensor.dtype, tensor.shape, hasher.hexdigest()))
        check_unchanged(descriptor, info, path=path)
    return result


def _read_header(descriptor: int, file_size: int, path: str) -> tuple[TensorInfo, ...]:
    """Read and check the header; the descriptor then stands at the first byte of the data."""
    if file_size < _LENGTH_BYTES:
        raise _malformed(path, f"{file_size} bytes cannot hold a header")
    length = int.from_bytes(read_exactly(descriptor, _LENGTH_BYTES, path=path), "little")
    if length > MAX_SAFETENSORS_HEADER_BYTES:
        raise _malformed(
            path, f"a header of {length} bytes, more than the {MAX_SAFETENSORS_HEADER_BYTES} read"
        )
    data_start = _LENGTH_BYTES + length
    if data_start > file_size:
        raise _malformed(path, f"a header of {length} bytes in a file of {file_size}")
    header = _parse_header(read_exactly(descriptor, length, path=path), path)
    tensors = [
        _tensor_info(name, value, data_start, path)
        for name, value in header.items()
        if name != _METADATA
    ]
    tensors.sort(key=lambda tensor: (tensor.start, tensor.end))
    position = data_start
    for tensor in tensors:
        if tensor.start != position:
            kind = "overlaps the tensor before it" if tensor.start < position else "leaves a hole"
            raise _malformed(path, f"the tensor {shown(tensor.name)} {kind}")
        position = tensor.end
    if position != file_size:
        raise _malformed(path, f"the tensors end at byte {position} of {file_size}")
    return tuple(tensors)


def _parse_header(data: bytes, path: str) -> dict[str, JsonValue]:
    """Read the header: one object, padded with blanks only so that the data is aligned."""
    body = data.rstrip(b" ")
    if not body.startswith(b"{") or not body.endswith(b"}"):
        raise _malformed(path, "the header is not an object followed by blanks")
    try:
        # Levels: header, tensor, shape. Offsets may be any that the format allows.
        header = parse(body, max_bytes=MAX_SAFETENSORS_HEADER_BYTES, max_depth=3, foreign=True)
    except CanonicalError as error:
        raise _malformed(path, f"the header is refused: {error}") from error
    assert isinstance(header, dict)  # noqa: S101 - it begins with "{"
    metadata = header.get(_METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise _malformed(path, "the metadata is not a map of text to text")
    return header


def _tensor_info(name: str, value: JsonValue, data_start: int, path: str) -> TensorInfo:
    """Check one entry of the header."""
    _check_tensor_name(name, path)
    match value:
        case {
            "dtype": str(dtype),
            "shape": tuple(shape),
            "data_offsets": (int(start), int(end)),
            **rest,
        } if not rest and not isinstance(start, bool):
            dimensions = _check_shape(shape, name, path)
            expected = _byte_length(dtype, dimensions, name, path)
            if end - start != expected:
                problem = f"has offsets {start} to {end}, expected {expected} bytes"
                raise _malformed(path, f"the tensor {shown(name)} {problem}")
            return TensorInfo(name, dtype, dimensions, data_start + start, data_start + end)
    problem = "is not described by dtype, shape and data_offsets alone"
    raise _malformed(path, f"the tensor {shown(name)} {problem}")


def _check_shape(shape: Sequence[object], name: str, path: str) -> tuple[int, ...]:
    dimensions = tuple(
        size
        for size in shape
        if isinstance(size, int) and not isinstance(size, bool) and 0 <= size < NUMBER_BOUND
    )
    if len(shape) > MAX_TENSOR_DIMENSIONS or len(dimensions) != len(shape):
        raise _malformed(path, f"the tensor {shown(name)} has the shape {shown(shape)}")
    return dimensions


def _byte_length(dtype: str, shape: tuple[int, ...], name: str, path: str) -> int:
    """Return how many bytes the elements take."""
    bits = DTYPE_BITS.get(dtype)
    if bits is None:
        raise _malformed(path, f"the tensor {shown(name)} has the unknown dtype {shown(dtype)}")
    total_bits = prod(shape) * bits
    if total_bits % 8 or total_bits // 8 >= NUMBER_BOUND:
        problem = f"has {shown(total_bits)} bits, which is no length in bytes"
        raise _malformed(path, f"the tensor {shown(name)} {problem}")
    return total_bits // 8


def _check_tensor_name(name: str, path: str) -> None:
    if (
        not name
        or name == _METADATA
        or _CONTROL.search(name)
        or len(name.encode("utf-8")) > MAX_NAME_BYTES
    ):
        raise _malformed(path, f"no tensor may have the name {shown(name)}")


def _malformed(path: str, problem: str) -> DigestError:
    return DigestError(path=printable_name(path), problem=problem, code="tensors-malformed")
