"""Which files hold the tensors of a release, by their names."""

from __future__ import annotations

import pytest

from provenance.digest.weights.choosing import tensor_files

NONE = {
    "nothing": (),
    "other files": ("model.bin", "pytorch_model.pt", "model.npz", "model.safetensors.index.json"),
    "two quantisations": ("m-q4.gguf", "m-q8.gguf"),
    "two quantisations and one ONNX": ("m-q4.gguf", "m-q8.gguf", "m.onnx"),
    "two graphs": ("decoder.onnx", "encoder.onnx"),
    "a part is missing": ("m-00001-of-00003.gguf", "m-00003-of-00003.gguf"),
    "a part too many": ("m-00001-of-00002.gguf", "m-00002-of-00002.gguf", "m-00003-of-00002.gguf"),
    "parts from 0": ("m-00000-of-00002.gguf", "m-00001-of-00002.gguf"),
    "parts of two models": ("a-00001-of-00002.gguf", "b-00002-of-00002.gguf"),
    "parts of two splits": ("m-00001-of-00002.gguf", "m-00002-of-00003.gguf"),
    "parts and a whole": ("m-00001-of-00002.gguf", "m-00002-of-00002.gguf", "m.gguf"),
    "parts by other digits": ("m-00001-of-00002.gguf", "m-0000\u0662-of-00002.gguf"),
    "capitals": ("M.GGUF",),
}

SOME = {
    "safetensors": (("b.safetensors", "a/c.safetensors"), ("a/c.safetensors", "b.safetensors")),
    "safetensors before all": (("m.gguf", "m.onnx", "m.safetensors"), ("m.safetensors",)),
    "GGUF before ONNX": (("m.gguf", "m.onnx", "m.pt"), ("m.gguf",)),
    "ONNX": (("m.onnx", "m.onnx_data"), ("m.onnx",)),
    "parts": (
        ("q/m-00002-of-00002.gguf", "README.md", "q/m-00001-of-00002.gguf"),
        ("q/m-00001-of-00002.gguf", "q/m-00002-of-00002.gguf"),
    ),
    "one part": (("m-00001-of-00001.gguf",), ("m-00001-of-00001.gguf",)),
}


@pytest.mark.parametrize("case", NONE)
def test_where_it_is_open_which_tensors_are_meant_there_are_none(case: str) -> None:
    assert tensor_files(NONE[case]) == ()


@pytest.mark.parametrize("case", SOME)
def test_files_of_one_model_are_found_in_order(case: str) -> None:
    names, expected = SOME[case]
    assert tensor_files(names) == expected
    assert tensor_files(reversed(names)) == expected
