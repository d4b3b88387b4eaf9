"""safetensors files without torch or numpy: the strict header. Nothing is unpickled or executed.

Source: `spec/digests.md`, section "Tensor digest".
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from provenance.canonical import MAX_SAFETENSORS_HEADER_BYTES, JsonValue, parse
from provenance.digest.dtypes import DTYPE_BITS
from provenance.digest.files import read_exactly
from provenance.digest.opening import open_regular
from provenance.digest.tensors import (
    METADATA,
    TensorInfo,
    byte_length,
    check_count,
    check_shape,
    check_tensor_name,
    malformed,
)
from provenance.errors import CanonicalError, shown

if TYPE_CHECKING:
    from provenance.digest.opening import Folder

__all__ = ["header_end", "parse_header", "read_header", "read_header_bytes", "read_safetensors"]

# Length of the header as an unsigned 64-bit little-endian integer, at the start of a file.
_LENGTH_BYTES = 8
_OFFSETS = b'"data_offsets"'


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
        return read_header(descriptor, os.fstat(descriptor).st_size, text)


def read_header(descriptor: int, file_size: int, path: str) -> tuple[TensorInfo, ...]:
    """Read and check the header; the descriptor then stands at the first byte of the data.

    Raises:
        DigestError: It breaks the format (code `tensors-malformed`).
        InputError: It cannot be read.
    """
    return parse_header(read_header_bytes(descriptor, file_size, path), file_size, path)


def read_header_bytes(descriptor: int, file_size: int, path: str) -> bytes:
    """Read the length and the header, and return both as they stand in the file.

    Raises:
        DigestError: The file is too short, or the header too long.
        InputError: It cannot be read.
    """
    start = read_exactly(descriptor, min(_LENGTH_BYTES, file_size), path=path)
    end = header_end(start, file_size, path)
    return start + read_exactly(descriptor, end - _LENGTH_BYTES, path=path)


def header_end(start: bytes, file_size: int, path: str) -> int:
    """Return the offset after the header, which is where the data begins.

    Args:
        start: The first 8 bytes of the file, or more; the whole of a shorter file.
        file_size: Length of the whole file in bytes.
        path: What errors call the file.

    Raises:
        DigestError: The file is too short, or the header too long.
    """
    if file_size < _LENGTH_BYTES:
        raise malformed(path, f"{file_size} bytes cannot hold a header")
    length = int.from_bytes(start[:_LENGTH_BYTES], "little")
    if length > MAX_SAFETENSORS_HEADER_BYTES:
        raise malformed(
            path, f"a header of {length} bytes, more than the {MAX_SAFETENSORS_HEADER_BYTES} read"
        )
    if _LENGTH_BYTES + length > file_size:
        raise malformed(
            path, f"is cut short, or no safetensors: a header of {length} bytes in {file_size}"
        )
    return _LENGTH_BYTES + length


def parse_header(data: bytes, file_size: int, path: str) -> tuple[TensorInfo, ...]:
    """Return the tensors in the order of their bytes, which cover the data exactly.

    Args:
        data: The length and the header, as they stand in the file.
        file_size: Length of the whole file in bytes.
        path: What errors call the file.

    Raises:
        DigestError: It breaks the format (code `tensors-malformed`).
    """
    data_start = len(data)
    # Each tensor has this member, and unless it is escaped, before anything is made of it.
    check_count(data.count(_OFFSETS), path)
    header = _parse_object(data[_LENGTH_BYTES:], path)
    check_count(len(header) - (METADATA in header), path)
    tensors = [
        _tensor_info(name, value, data_start, path)
        for name, value in header.items()
        if name != METADATA
    ]
    tensors.sort(key=lambda tensor: (tensor.start, tensor.end))
    position = data_start
    for tensor in tensors:
        if tensor.start != position:
            kind = "overlaps the tensor before it" if tensor.start < position else "leaves a hole"
            raise malformed(path, f"the tensor {shown(tensor.name)} {kind}")
        position = tensor.end
    if position > file_size:
        raise malformed(
            path,
            f"is cut short: its header promises {position:,} bytes, and it has {file_size:,}",
            remedy="fetch it again",
        )
    if position != file_size:
        raise malformed(path, f"the tensors end at byte {position} of {file_size}")
    return tuple(tensors)


def _parse_object(data: bytes, path: str) -> dict[str, JsonValue]:
    """Read the header: one object, padded with blanks only so that the data is aligned."""
    body = data.rstrip(b" ")
    if not body.startswith(b"{") or not body.endswith(b"}"):
        raise malformed(path, "the header is not an object followed by blanks")
    try:
        # Levels: header, tensor, shape. Offsets may be any that the format allows.
        header = parse(body, max_bytes=MAX_SAFETENSORS_HEADER_BYTES, max_depth=3, foreign=True)
    except CanonicalError as error:
        raise malformed(path, f"the header is refused: {error}") from error
    assert isinstance(header, dict)  # noqa: S101 - it begins with "{"
    metadata = header.get(METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise malformed(path, "the metadata is not a map of text to text")
    return header


def _tensor_info(name: str, value: JsonValue, data_start: int, path: str) -> TensorInfo:
    """Check one entry of the header."""
    check_tensor_name(name, path)
    match value:
        case {
            "dtype": str(dtype),
            "shape": tuple(shape),
            "data_offsets": (int(start), int(end)),
            **rest,
        } if not rest and type(start) is type(end) is int:  # a boolean is an int to Python
            if dtype not in DTYPE_BITS:  # a quantised type of GGUF is none of this format
                problem = f"has the unknown dtype {shown(dtype)}"
                raise malformed(path, f"the tensor {shown(name)} {problem}")
            dimensions = check_shape(shape, name, path)
            expected = byte_length(dtype, dimensions, name, path)
            if end - start != expected:
                problem = f"has offsets {start} to {end}, expected {expected} bytes"
                raise malformed(path, f"the tensor {shown(name)} {problem}")
            return TensorInfo(name, dtype, dimensions, data_start + start, data_start + end)
    problem = "is not described by dtype, shape and data_offsets alone"
    raise malformed(path, f"the tensor {shown(name)} {problem}")
