"""Small containers of every kind, made without any library, for the tests of this folder."""

from __future__ import annotations

import json
import struct
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["gguf", "index_folder", "onnx_field", "onnx_file", "safetensors", "torch_zip"]

Tensor = tuple[str, str, tuple[int, ...], bytes]

WEIGHT: Tensor = ("w", "F32", (2, 3), struct.pack("<6f", *range(6)))
BIAS: Tensor = ("b", "F16", (3,), struct.pack("<3e", 1.0, -2.0, 0.5))

_GGML = {"F32": 0, "F16": 1, "GGML_Q4_0": 2, "GGML_Q8_0": 8, "I8": 24}


def safetensors(*tensors: Tensor) -> bytes:
    """Return a safetensors file."""
    header, data = {}, b""
    for name, dtype, shape, content in tensors:
        offsets = [len(data), len(data) + len(content)]
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": offsets}
        data += content
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def gguf(*tensors: Tensor, pairs: Sequence[bytes] = (), version: int = 3) -> bytes:
    """Return a GGUF file with an alignment of 32 bytes."""
    data = infos = b""
    for name, dtype, shape, content in tensors:
        infos += _text(name) + struct.pack("<L", len(shape))
        infos += b"".join(struct.pack("<Q", size) for size in reversed(shape))
        infos += struct.pack("<LQ", _GGML[dtype], len(data))
        data += content + bytes(-len(content) % 32)
    head = (
        b"GGUF" + struct.pack("<LQQ", version, len(tensors), len(pairs)) + b"".join(pairs) + infos
    )
    return head + bytes(-len(head) % 32) + data


def gguf_pair(key: str, kind: int, value: bytes) -> bytes:
    """Return a pair of the metadata."""
    return _text(key) + struct.pack("<L", kind) + value


def _text(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()


def onnx_field(number: int, value: int | bytes) -> bytes:
    """Return one field of a message."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def onnx_file(*tensors: Tensor) -> bytes:
    """Return an ONNX file with raw elements."""
    types = {"F32": 1, "F16": 10, "I8": 3}
    graph = onnx_field(2, b"g")
    for name, dtype, shape, content in tensors:
        body = b"".join(onnx_field(1, size) for size in shape) + onnx_field(2, types[dtype])
        graph += onnx_field(5, body + onnx_field(8, name.encode()) + onnx_field(9, content))
    return onnx_field(1, 8) + onnx_field(2, b"tests") + onnx_field(7, graph)


def _varint(value: int) -> bytes:
    head = b""
    while value > 127:
        head += bytes([value & 127 | 128])
        value >>= 7
    return head + bytes([value])


def index_folder(shards: Mapping[str, Sequence[Tensor]]) -> dict[str, bytes]:
    """Return shards and their index by name."""
    files = {name: safetensors(*tensors) for name, tensors in shards.items()}
    weight_map = {tensor[0]: name for name, tensors in shards.items() for tensor in tensors}
    files["model.safetensors.index.json"] = json.dumps({"weight_map": weight_map}).encode()
    return files


def torch_zip(
    members: Mapping[str, bytes], *, prefix: str = "archive", zip64: bool = True, late: bool = True
) -> bytes:
    """Return a zip file as `torch.save` lays it out: stored, data aligned to 64 bytes.

    Args:
        members: Content by name below the folder.
        prefix: The folder.
        zip64: Whether the wide records are there as well, as torch writes them.
        late: Whether sizes follow the data, as torch writes them.
    """
    body = directory = b""
    flags = 0x808 if late else 0x800
    for name, data in members.items():
        full = f"{prefix}/{name}".encode()
        crc, size, start = zlib.crc32(data), len(data), len(body)
        gap = -(start + 30 + len(full) + 4) % 64
        extra = b"FB" + struct.pack("<H", gap) + b"Z" * gap
        said = (0, 0, 0) if late else (crc, size, size)
        body += b"PK\3\4" + struct.pack("<5H3L2H", 0, flags, 0, 0, 0, *said, len(full), len(extra))
        body += full + extra + data
        if late:
            body += b"PK\7\x08" + struct.pack("<3L", crc, size, size)
        directory += b"PK\1\2" + struct.pack(
            "<6H3L5H2L", 0, 0, flags, 0, 0, 0, crc, size, size, len(full), 0, 0, 0, 0, 0, start
        ) + full  # fmt: skip
    count, place = len(members), len(body)
    end = b""
    if zip64:
        end += b"PK\6\6" + struct.pack(
            "<Q2H2L4Q", 44, 0, 0, 0, 0, count, count, len(directory), place
        )
        end += b"PK\6\7" + struct.pack("<LQL", 0, place + len(directory), 1)
    end += b"PK\5\6" + struct.pack("<4H2LH", 0, 0, count, count, len(directory), place, 0)
    return body + directory + end
