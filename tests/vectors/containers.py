"""Group `digests`: tensors in GGUF, ONNX and sharded containers, and files that break them."""

from __future__ import annotations

import struct
import zlib
from functools import partial
from typing import TYPE_CHECKING, Any

from vectors import formulas
from vectors.groups import DIGESTS
from vectors.kit import Case, refuses, returns

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_SECTION = "section Containers of weights"

Tensor = tuple[str, str, tuple[int, ...], bytes]

_WEIGHT: Tensor = ("blk.0.weight", "F32", (2, 3), bytes(range(24)))
_BIAS: Tensor = ("blk.0.bias", "BF16", (3,), bytes(range(6)))
_BLOCKS: Tensor = ("blk.0.up", "GGML_Q4_0", (2, 32), bytes(range(36)))

_GGML = {"F32": 0, "GGML_Q4_0": 2, "BF16": 30}
_ONNX = {"F32": 1, "I64": 7, "F16": 10, "BF16": 16}
_INDEX = "model.safetensors.index.json"


def _accepts(files: dict[str, bytes], asked: str, *tensors: Tensor) -> Case:
    entries = [formulas.tensor_leaf(*tensor) for tensor in sorted(tensors)]
    request = {"operation": "tensor-digest", "files": [asked]}
    return returns(request, formulas.root("tensor", entries), files)


def _refuses(files: dict[str, bytes], asked: str) -> Case:
    return refuses({"operation": "tensor-digest", "files": [asked]}, "tensors-malformed", files)


def _text(text: bytes) -> bytes:
    return struct.pack("<Q", len(text)) + text


def _pad(data: bytes, alignment: int = 32) -> bytes:
    return data + bytes(-len(data) % alignment)


def _gguf(
    tensors: Sequence[Tensor],
    *,
    pairs: Sequence[bytes] = (),
    alignment: int = 32,
    **changes: Any,  # noqa: ANN401 - whatever a row replaces
) -> bytes:
    """Return a GGUF file; `changes` replace parts of it by wrong ones."""
    data, infos = b"", b""
    for number, (name, dtype, shape, content) in enumerate(tensors):
        place = changes.get("offsets", {}).get(number, len(data))
        infos += _text(name.encode()) + struct.pack("<L", len(shape))
        infos += b"".join(struct.pack("<Q", size) for size in reversed(shape))
        infos += struct.pack("<LQ", changes.get("type", _GGML[dtype]), place)
        data += _pad(content, alignment)
    count = changes.get("count", len(tensors))
    head = changes.get("head", b"GGUF" + struct.pack("<L", changes.get("version", 3)))
    head += struct.pack("<QQ", count, changes.get("pairs", len(pairs))) + b"".join(pairs) + infos
    return _pad(head, alignment) + data


def gguf_file(tensors: Sequence[Tensor]) -> bytes:
    """Return a GGUF file that breaks no rule."""
    return _gguf(tensors)


def _pair(key: bytes, kind: int, value: bytes) -> bytes:
    return _text(key) + struct.pack("<L", kind) + value


_NAME = _pair(b"general.name", 8, _text(b"tiny"))
_TOKENS = _pair(b"tokens", 9, struct.pack("<LQ", 8, 2) + _text(b"a") + _text(b"\xff"))


def _align(alignment: int) -> bytes:
    return _pair(b"general.alignment", 4, struct.pack("<L", alignment))


@DIGESTS.vector(_SECTION, profile=3)
def gguf_of_two_plain_tensors() -> Case:
    """Plain tensors of a GGUF file are those of a safetensors file; their dimensions are reversed."""
    data = _gguf([_WEIGHT, _BIAS], pairs=[_NAME, _TOKENS])
    return _accepts({"model.gguf": data}, "model.gguf", _WEIGHT, _BIAS)


@DIGESTS.vector(_SECTION, profile=3)
def gguf_of_quantised_blocks() -> Case:
    """Blocks of a quantised type are hashed as they are, under a name that says so."""
    data = _gguf([_BLOCKS], pairs=[_align(64)], alignment=64, version=2)
    return _accepts({"model.gguf": data}, "model.gguf", _BLOCKS)


def _bad_gguf() -> Iterable[tuple[str, str, bytes]]:
    good = _gguf([_WEIGHT, _BIAS])
    start = good.rindex(_WEIGHT[3])
    yield "gguf_of_version_1", "Version 1 has other lengths.", _gguf([_WEIGHT], version=1)
    yield (
        "gguf_big_endian",
        "A big-endian GGUF file is not read.",
        _gguf([_WEIGHT], head=b"GGUF\x00\x00\x00\x03"),
    )
    yield "gguf_cut_off", "The last tensor of a GGUF file is cut off.", good[: start + 36]
    yield (
        "gguf_surplus_bytes",
        "Bytes after the last alignment belong to no tensor.",
        good + bytes(32),
    )
    yield (
        "gguf_padding_not_zero",
        "Padding holds no data, under any digest or none.",
        good[: start + 24] + b"\x01" + good[start + 25 :],
    )
    yield (
        "gguf_tensors_overlap",
        "Two tensors of a GGUF file begin at one place.",
        _gguf([_WEIGHT, _BIAS], offsets={1: 0}),
    )
    yield (
        "gguf_offset_not_aligned",
        "A tensor of a GGUF file begins between two multiples of the alignment.",
        _gguf([_WEIGHT, _BIAS], offsets={1: 24}),
    )
    yield (
        "gguf_hole",
        "A tensor of a GGUF file begins after more than the padding.",
        _gguf([_WEIGHT, _BIAS], offsets={1: 64}) + bytes(32),
    )
    yield "gguf_name_twice", "A name stands twice in a GGUF file.", _gguf([_WEIGHT, _WEIGHT])
    yield (
        "gguf_unknown_type",
        "A type that was removed from GGUF has no block size.",
        _gguf([_WEIGHT], type=4),
    )
    yield (
        "gguf_split_block",
        "A row of 31 elements is no whole block.",
        _gguf([("a", "GGML_Q4_0", (31,), bytes(18))]),
    )
    yield "gguf_key_twice", "A key stands twice.", _gguf([_WEIGHT], pairs=[_NAME, _NAME])
    yield (
        "gguf_alignment_of_24",
        "An alignment is a power of two.",
        _gguf([_WEIGHT], pairs=[_align(24)], alignment=24),
    )
    yield "gguf_alignment_of_0", "An alignment is not zero.", _gguf([_WEIGHT], pairs=[_align(0)])
    yield (
        "gguf_count_of_tensors",
        "A file is said to hold more tensors than it has bytes.",
        _gguf([_WEIGHT], count=1 << 60),
    )
    yield (
        "gguf_count_of_pairs",
        "A file is said to hold more pairs than it has bytes.",
        _gguf([_WEIGHT], pairs=[_NAME]).replace(
            struct.pack("<QQ", 1, 1), struct.pack("<QQ", 1, 1 << 60)
        ),
    )
    deep = struct.pack("<LQ", 9, 1) * 4 + struct.pack("<LQ", 0, 0)
    yield "gguf_deep_array", "Arrays lie five deep.", _gguf([_WEIGHT], pairs=[_pair(b"a", 9, deep)])
    yield (
        "gguf_text_past_the_end",
        "A text is said to be longer than the file.",
        _gguf([_WEIGHT], pairs=[_pair(b"a", 8, struct.pack("<Q", (1 << 64) - 1))]),
    )
    yield (
        "gguf_five_dimensions",
        "A tensor of a GGUF file has at most four dimensions.",
        _gguf([("a", "F32", (1, 1, 1, 1, 1), bytes(4))]),
    )


def _index(weight_map: dict[str, Any], **more: object) -> bytes:
    return formulas.canonical({"metadata": {"total_size": 30}, "weight_map": weight_map, **more})


_SHARDS = {
    "model-1.safetensors": formulas.safetensors([_WEIGHT]),
    "model-2.safetensors": formulas.safetensors([_BIAS]),
}
_MAP = {_WEIGHT[0]: "model-1.safetensors", _BIAS[0]: "model-2.safetensors"}


@DIGESTS.vector(_SECTION, profile=3)
def index_of_two_shards() -> Case:
    """An index stands for the shards that it names."""
    return _accepts({**_SHARDS, _INDEX: _index(_MAP)}, _INDEX, _WEIGHT, _BIAS)


def _bad_index() -> Iterable[tuple[str, str, bytes]]:
    weight, bias = _MAP
    yield (
        "index_shard_missing",
        "A shard that the index names is not there.",
        _index({**_MAP, bias: "model-3.safetensors"}),
    )
    yield (
        "index_tensor_not_listed",
        "A shard holds a tensor that the index does not list.",
        _index({weight: "model-1.safetensors"} | {"x": "model-2.safetensors"}),
    )
    yield (
        "index_tensor_missing",
        "The index lists a tensor that its shard does not hold.",
        _index({**_MAP, "x": "model-1.safetensors"}),
    )
    yield (
        "index_tensor_elsewhere",
        "The index lists two tensors in each other's shard.",
        _index({weight: "model-2.safetensors", bias: "model-1.safetensors"}),
    )
    yield (
        "index_leads_out",
        "A shard lies below the folder of the index.",
        _index({**_MAP, bias: "../model-2.safetensors"}),
    )
    yield (
        "index_absolute",
        "The name of a shard is not absolute.",
        _index({**_MAP, bias: "/model-2.safetensors"}),
    )
    yield "index_shard_no_text", "A shard is named by text.", _index({**_MAP, bias: 2})
    yield "index_unknown_member", "An index has two members.", _index(_MAP, more=1)
    yield (
        "index_key_twice",
        "A tensor stands twice in the index.",
        _index(_MAP).replace(
            b'"weight_map":{', b'"weight_map":{"blk.0.bias":"model-1.safetensors",'
        ),
    )


def _varint(value: int) -> bytes:
    head = b""
    while value > 127:
        head += bytes([value & 127 | 128])
        value >>= 7
    return head + bytes([value])


def _field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _initializer(tensor: Tensor, *more: bytes, raw: bool = True) -> bytes:
    name, dtype, shape, data = tensor
    dims = b"".join(_field(1, size) for size in shape)
    body = dims + _field(2, _ONNX[dtype]) + _field(8, name.encode()) + b"".join(more)
    return body + (_field(9, data) if raw else b"")


def onnx_model(tensors: Sequence[Tensor]) -> bytes:
    """Return an ONNX file that breaks no rule."""
    return _onnx(*map(_initializer, tensors))


def _onnx(*initializers: bytes, more: bytes = b"") -> bytes:
    graph = _field(2, b"g") + b"".join(_field(5, item) for item in initializers) + more
    return _field(1, 8) + _field(2, b"vectors") + _field(7, graph)


def _external(**pairs: str) -> bytes:
    entries = [_field(1, key.encode()) + _field(2, value.encode()) for key, value in pairs.items()]
    return _field(14, 1) + b"".join(_field(13, entry) for entry in entries)


_STEP: Tensor = ("step", "I64", (2,), struct.pack("<2q", -1, 300))


@DIGESTS.vector(_SECTION, profile=3)
def onnx_of_raw_and_typed_elements() -> Case:
    """Elements of typed fields are the same as raw ones, little-endian."""
    typed = _field(7, _varint((1 << 64) - 1) + _varint(300))
    data = _onnx(_initializer(_WEIGHT), _initializer(_STEP, typed, raw=False))
    return _accepts({"model.onnx": data}, "model.onnx", _WEIGHT, _STEP)


@DIGESTS.vector(_SECTION, profile=3)
def onnx_with_external_file() -> Case:
    """Elements in a file beside the model are read by offset and length."""
    place = _external(location="model.data", offset="6", length="24")
    data = _onnx(_initializer(_WEIGHT, place, raw=False), _initializer(_BIAS))
    files = {"model.data": b"before" + _WEIGHT[3] + b"after", "model.onnx": data}
    return _accepts(files, "model.onnx", _WEIGHT, _BIAS)


def _bad_onnx() -> Iterable[tuple[str, str, bytes]]:
    good = _initializer(_WEIGHT)

    def outside(**pairs: str) -> bytes:
        return _onnx(_initializer(_WEIGHT, _external(**pairs), raw=False))

    yield "onnx_cut_off", "An ONNX file is cut off.", _onnx(good)[:-1]
    yield "onnx_name_twice", "A name stands twice in an ONNX file.", _onnx(good, good)
    yield "onnx_two_graphs", "Readers merge two graphs.", _onnx(good) + _field(7, b"")
    yield "onnx_no_graph", "An ONNX file has a graph.", _field(1, 8) + _field(2, b"vectors")
    yield "onnx_sparse", "Sparse initializers have no digest.", _onnx(good, more=_field(15, b""))
    yield (
        "onnx_raw_too_short",
        "An initializer has other elements than its shape.",
        _onnx(_initializer((*_WEIGHT[:3], bytes(23)))),
    )
    yield (
        "onnx_raw_twice",
        "Of two fields readers take the last.",
        _onnx(good + _field(9, bytes(24))),
    )
    yield "onnx_raw_and_typed", "Elements stand in two places.", _onnx(good + _field(4, bytes(24)))
    yield (
        "onnx_text_elements",
        "Texts have no fixed size.",
        _onnx(good.replace(_field(2, 1), _field(2, 8))),
    )
    yield (
        "onnx_element_too_large",
        "An element that its type cannot hold is not cut.",
        _onnx(_initializer(("a", "F16", (1,), b""), _field(5, _varint(65536)), raw=False)),
    )
    yield (
        "onnx_external_leads_out",
        "An external file lies below the folder of the model.",
        outside(location="../model.data", offset="0", length="24"),
    )
    yield (
        "onnx_external_missing",
        "An external file is not there.",
        outside(location="other.data", offset="0", length="24"),
    )
    yield (
        "onnx_external_past_the_end",
        "The elements end after the external file.",
        outside(location="model.data", offset="8", length="24"),
    )
    yield (
        "onnx_external_negative",
        "An offset is not negative.",
        outside(location="model.data", offset="-1", length="24"),
    )


def _stored_zip(members: dict[str, bytes]) -> bytes:
    body, directory = b"", b""
    for name, data in members.items():
        sizes = struct.pack("<3L2H", zlib.crc32(data), len(data), len(data), len(name), 0)
        head = struct.pack("<5H", 0, 0, 0, 0, 33)
        directory += (
            b"PK\1\2" + bytes(2) + head + sizes + struct.pack("<3H2L", 0, 0, 0, 0, len(body))
        )
        directory += name.encode()
        body += b"PK\3\4" + head + sizes + name.encode() + data
    count = len(members)
    end = struct.pack("<4H2LH", 0, 0, count, count, len(directory), len(body), 0)
    return body + directory + b"PK\5\6" + end


@DIGESTS.vector(_SECTION, profile=3)
def torch_zip_without_names() -> Case:
    """The names of the tensors of a `torch.save` file stand in a pickle, which is not run."""
    data = _stored_zip(
        {"m/data.pkl": b"\x80\x02N.", "m/byteorder": b"little", "m/data/0": bytes(8)}
    )
    return _refuses({"model.pt": data}, "model.pt")


@DIGESTS.vector(_SECTION, profile=3)
def torch_zip_compressed() -> Case:
    """A compressed member of a `torch.save` file is refused."""
    data = _stored_zip({"m/data.pkl": b"\x80\x02N.", "m/data/0": bytes(8)})
    return _refuses(
        {"model.pt": data.replace(bytes(4) + b"\0\0\0\0\x21", bytes(4) + b"\x08\0\0\0\x21")},
        "model.pt",
    )


def _declare_rows() -> None:
    for name, description, data in _bad_gguf():
        make = partial(_refuses, {"model.gguf": data}, "model.gguf")
        DIGESTS.add(name, description, _SECTION, make, profile=3)
    for name, description, data in _bad_index():
        make = partial(_refuses, {**_SHARDS, _INDEX: data}, _INDEX)
        DIGESTS.add(name, description, _SECTION, make, profile=3)
    for name, description, data in _bad_onnx():
        files = {"model.data": bytes(24), "model.onnx": data}
        make = partial(_refuses, files, "model.onnx")
        DIGESTS.add(name, description, _SECTION, make, profile=3)


_declare_rows()
