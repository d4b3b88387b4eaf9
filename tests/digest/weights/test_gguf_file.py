"""GGUF files read strictly, and those of the real writer."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import gguf as library
import numpy as np
import pytest

from digest.weights.containers import BIAS, WEIGHT, gguf, gguf_pair, safetensors
from provenance import canonical
from provenance.digest import GGML_BLOCKS, hash_bytes, hash_tensors
from provenance.digest.weights.gguf_file import GGML_TYPES
from provenance.errors import DigestError
from support.source import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

GOOD = gguf(WEIGHT, BIAS)
BLOCK = ("q", "GGML_Q8_0", (2, 32), bytes(68))


def uint(value: int) -> bytes:
    return struct.pack("<L", value)


def array(kind: int, count: int, content: bytes = b"") -> bytes:
    return struct.pack("<LQ", kind, count) + content


REFUSED = {
    "version 1": gguf(WEIGHT, version=1),
    "version 4": gguf(WEIGHT, version=4),
    "big-endian": gguf(WEIGHT, version=3 << 24),
    "padding": GOOD[:-32] + GOOD[-32:-1] + b"x",
    "surplus": GOOD + bytes(32),
    "boolean": gguf(WEIGHT, pairs=[gguf_pair("k", 7, b"\x02")]),
    "value type": gguf(WEIGHT, pairs=[gguf_pair("k", 13, bytes(8))]),
    "array type": gguf(WEIGHT, pairs=[gguf_pair("k", 9, array(13, 1, bytes(8)))]),
    "array too long": gguf(WEIGHT, pairs=[gguf_pair("k", 9, array(0, 1 << 63))]),
    "texts too many": gguf(WEIGHT, pairs=[gguf_pair("k", 9, array(8, 1 << 63))]),
    "arrays too many": gguf(WEIGHT, pairs=[gguf_pair("k", 9, array(9, 1 << 63))]),
    "empty key": gguf(WEIGHT, pairs=[gguf_pair("", 0, b"x")]),
    "key over the limit": gguf(WEIGHT, pairs=[gguf_pair("k" * 65_536, 0, b"x")]),
    "key not UTF-8": gguf(pairs=[struct.pack("<Q", 1) + b"\xff" + uint(0) + b"x"]),
    "alignment of another type": gguf(WEIGHT, pairs=[gguf_pair("general.alignment", 5, uint(32))]),
    "alignment over the limit": gguf(
        WEIGHT, pairs=[gguf_pair("general.alignment", 4, uint(1 << 17))]
    ),
    "name over the limit": gguf(("n" * 4097, *WEIGHT[1:])),
    "control character": gguf(("a\x07", *WEIGHT[1:])),
    "shape that overflows": gguf(("a", "F32", (1 << 52, 1 << 52), b"")),
    "scalar of blocks": gguf(("a", "GGML_Q8_0", (), b"")),
}


@pytest.mark.parametrize("name", REFUSED)
def test_file_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(REFUSED[name])
    with pytest.raises(DigestError) as caught:
        hash_tensors(path)
    assert caught.value.code == "tensors-malformed"
    assert len(str(caught.value)) < 1000


def test_header_over_the_limit_is_refused_without_reading_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provenance.digest.weights.gguf_metadata.MAX_GGUF_HEADER_BYTES", 64)
    (tmp_path / "model").write_bytes(GOOD)
    with pytest.raises(DigestError, match="at most 64 are read"):
        hash_tensors(tmp_path / "model")


def test_scalar_empty_tensor_and_no_tensors(tmp_path: Path) -> None:
    tensors = [("s", "F32", (), bytes(4)), ("e", "F32", (0, 4), b"")]
    (tmp_path / "a").write_bytes(gguf(*tensors))
    (tmp_path / "b").write_bytes(safetensors(*tensors))
    (tmp_path / "c").write_bytes(gguf(pairs=[gguf_pair("k", 9, array(9, 1, array(0, 1, b"x")))]))
    assert hash_tensors(tmp_path / "a") == hash_tensors(tmp_path / "b")
    assert hash_tensors(tmp_path / "c")[0].size == 0


def test_file_of_the_real_writer_gives_the_digests_of_safetensors(tmp_path: Path) -> None:
    weight = np.arange(64 * 4, dtype=np.float32).reshape(4, 64)
    writer = library.GGUFWriter(tmp_path / "real.gguf", "llama")
    writer.add_string("general.name", "tiny")
    writer.add_array("tokenizer.tokens", ["a", "bb", ""])
    writer.add_bool("flag", True)  # noqa: FBT003 - the signature of the library
    writer.add_custom_alignment(64)
    writer.add_tensor("w", weight)
    writer.add_tensor("h", weight.astype(np.float16))
    blocks = library.quants.quantize(weight, library.GGMLQuantizationType.Q8_0)
    writer.add_tensor("q", blocks, raw_dtype=library.GGMLQuantizationType.Q8_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    found = {tensor.name: tensor for tensor in hash_tensors(tmp_path / "real.gguf")[1]}
    assert (found["w"].dtype, found["w"].shape) == ("F32", (4, 64))
    assert found["w"].blake3 == hash_bytes(weight.tobytes(), "blake3")
    assert found["h"].blake3 == hash_bytes(weight.astype(np.float16).tobytes(), "blake3")
    assert (found["q"].dtype, found["q"].shape) == ("GGML_Q8_0", (4, 64))
    assert found["q"].blake3 == hash_bytes(blocks.tobytes(), "blake3")


def test_types_and_blocks_are_those_of_the_real_library() -> None:
    sizes = {int(kind): size for kind, size in library.GGML_QUANT_SIZES.items()}
    for number, dtype in GGML_TYPES.items():
        assert library.GGMLQuantizationType(number).name == dtype.removeprefix("GGML_")
        if dtype in GGML_BLOCKS:
            assert sizes[number] == GGML_BLOCKS[dtype]


def test_worked_example_of_the_spec(tmp_path: Path) -> None:
    text = (REPOSITORY / "spec" / "digests.md").read_text(encoding="utf-8")
    start = text.index("\n47475546")
    lines = text[start : text.index("\n```", start)].split("\n")
    data = bytes.fromhex("".join(line.split(" ")[0] for line in lines))
    (tmp_path / "w.gguf").write_bytes(data)
    root, (tensor,) = hash_tensors(tmp_path / "w.gguf")
    assert f"| entry of w | `{tensor.entry.decode()}` |" in text
    assert f"| root of w alone | `{root.root}` |" in text
    rows = [f"| {number} | `{dtype}` | " for number, dtype in GGML_TYPES.items()]
    assert all(row in text for row in rows)


def test_limits_are_named() -> None:
    assert canonical.MAX_GGUF_HEADER_BYTES == 64 * 1024 * 1024
