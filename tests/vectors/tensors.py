"""Group `digests`: tensor digests, and safetensors files that break their format."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from vectors import formulas
from vectors.groups import DIGESTS
from vectors.kit import Case, refuses, returns

if TYPE_CHECKING:
    from collections.abc import Iterable

_TENSORS = "section Tensor digest"


_WEIGHT = ("layer.weight", "F32", (2, 3), bytes(range(24)))
_BIAS = ("layer.bias", "BF16", (3,), bytes(range(6)))
_SCALAR = ("step", "I64", (), (7).to_bytes(8, "little"))
_NONE = ("empty", "U8", (0, 4), b"")


def _tensors(shards: dict[str, bytes], *tensors: tuple[str, str, tuple[int, ...], bytes]) -> Case:
    entries = [formulas.tensor_leaf(*tensor) for tensor in sorted(tensors)]
    request = {"operation": "tensor-digest", "files": list(shards)}
    return returns(request, formulas.root("tensor", entries), shards)


def _no_tensors(shards: dict[str, bytes]) -> Case:
    return refuses(
        {"operation": "tensor-digest", "files": list(shards)}, "tensors-malformed", shards
    )


@DIGESTS.vector(_TENSORS, profile=3)
def tensors_of_one_file() -> Case:
    """A matrix, a vector, a scalar and a tensor without elements."""
    every = (_WEIGHT, _BIAS, _SCALAR, _NONE)
    return _tensors({"model.safetensors": formulas.safetensors(every)}, *every)


@DIGESTS.vector(_TENSORS, profile=3)
def tensors_in_two_shards() -> Case:
    """The same tensors in two files, in another order and with metadata, have the same root."""
    shards = {
        "model-2.safetensors": formulas.safetensors([_SCALAR, _WEIGHT], metadata={"format": "pt"}),
        "model-1.safetensors": formulas.safetensors([_NONE, _BIAS]),
    }
    return _tensors(shards, _WEIGHT, _BIAS, _SCALAR, _NONE)


@DIGESTS.vector(_TENSORS, profile=3)
def tensors_of_four_bits() -> Case:
    """Elements of four bits are packed, two a byte."""
    tensor = ("quantized", "F4", (3, 2), b"\x12\x34\x56")
    return _tensors({"model.safetensors": formulas.safetensors([tensor])}, tensor)


def _with_header(header: object, data: bytes = b"", *, pad: bytes = b"") -> bytes:
    text = formulas.canonical(header) + pad
    return len(text).to_bytes(8, "little") + text + data


def _tensor(begin: int, end: int, **changes: object) -> dict[str, Any]:
    return {"data_offsets": [begin, end], "dtype": "U8", "shape": [end - begin], **changes}


def _bad_tensors() -> Iterable[tuple[str, str, bytes]]:
    good = _with_header({"a": _tensor(0, 4), "b": _tensor(4, 8)}, b"12345678")
    yield (
        "tensors_overlap",
        "Two tensors share a byte.",
        _with_header({"a": _tensor(0, 5), "b": _tensor(4, 8)}, b"12345678"),
    )
    yield (
        "tensors_leave_a_hole",
        "A byte between two tensors belongs to none.",
        _with_header({"a": _tensor(0, 3), "b": _tensor(4, 8)}, b"12345678"),
    )
    yield (
        "tensors_begin_late",
        "Bytes before the first tensor belong to none.",
        _with_header({"a": _tensor(1, 8)}, b"12345678"),
    )
    yield "tensors_end_early", "Bytes after the last tensor belong to none.", good + b"9"
    yield "tensors_cut_off", "The last tensor is cut off.", good[:-1]
    yield (
        "tensors_offsets_swapped",
        "A tensor ends before it begins.",
        _with_header({"a": _tensor(4, 0, shape=[4])}, b"1234"),
    )
    yield (
        "tensors_wrong_length",
        "The bytes of a tensor are not those of its shape.",
        _with_header({"a": _tensor(0, 4, dtype="F32", shape=[2])}, b"1234"),
    )
    yield (
        "tensors_half_a_byte",
        "Three elements of four bits are no whole bytes.",
        _with_header({"a": _tensor(0, 2, dtype="F4", shape=[3])}, b"12"),
    )
    yield "tensors_name_twice", "A name stands twice in the header.", good.replace(b'"b"', b'"a"')
    yield "tensors_name_twice_by_escape", "Two spellings of one name are one name.", _escaped_name()
    yield (
        "tensors_name_control_character",
        "A control character hides what follows in a name.",
        _with_header({"a\x1b[8m": _tensor(0, 4)}, b"1234"),
    )
    yield "tensors_name_empty", "A tensor has a name.", _with_header({"": _tensor(0, 4)}, b"1234")
    yield (
        "tensors_unknown_type",
        "The type of an element is unknown.",
        _with_header({"a": _tensor(0, 4, dtype="Q4")}, b"1234"),
    )
    yield (
        "tensors_small_type",
        "The name of a type has one spelling.",
        _with_header({"a": _tensor(0, 4, dtype="u8")}, b"1234"),
    )
    yield (
        "tensors_negative_dimension",
        "A dimension is not negative.",
        _with_header({"a": _tensor(0, 4, shape=[-2, -2])}, b"1234"),
    )
    yield (
        "tensors_real_dimension",
        "A dimension is a whole number.",
        _with_header({"a": _tensor(0, 4, shape=[4.5])}, b"1234"),
    )
    yield (
        "tensors_boolean_dimension",
        "A boolean is no number.",
        _with_header({"a": _tensor(0, 1, shape=[True])}, b"1"),
    )
    yield (
        "tensors_boolean_offset",
        "A boolean is no offset, neither the first nor the last.",
        _with_header({"a": {**_tensor(0, 1), "data_offsets": [0, True]}}, b"1"),
    )
    yield (
        "tensors_shape_overflows",
        "The product of the dimensions is not cut to 64 bits.",
        _with_header({"a": _tensor(0, 0, shape=[2**32, 2**32])}),
    )
    yield (
        "tensors_65_dimensions",
        "A tensor has at most 64 dimensions.",
        _with_header({"a": _tensor(0, 1, shape=[1] * 65)}, b"1"),
    )
    yield (
        "tensors_unknown_member",
        "A tensor is described by three members alone.",
        _with_header({"a": _tensor(0, 4, stride=[1])}, b"1234"),
    )
    yield (
        "tensors_no_offsets",
        "A tensor without offsets lies nowhere.",
        _with_header({"a": {"dtype": "U8", "shape": [0]}}),
    )
    yield (
        "tensors_metadata_not_text",
        "Metadata is a map of text to text.",
        _with_header({"__metadata__": {"step": 1}}),
    )
    yield (
        "tensors_header_of_a_tebibyte",
        "The header is said to be longer than the file.",
        (2**40).to_bytes(8, "little") + b"{}",
    )
    yield (
        "tensors_header_length_negative",
        "The length of the header is an unsigned number.",
        b"\xff" * 8 + b"{}",
    )
    yield "tensors_header_of_no_bytes", "An empty header is no object.", bytes(8)
    yield (
        "tensors_header_begins_with_blank",
        "The header begins with its brace.",
        (3).to_bytes(8, "little") + b" {}",
    )
    yield (
        "tensors_header_padded_with_nul",
        "The header is padded with blanks only.",
        _with_header({}, pad=b"\x00"),
    )
    yield "tensors_header_array", "The header is an object.", _with_header([])
    yield (
        "tensors_header_not_utf8",
        "The header is UTF-8.",
        (10).to_bytes(8, "little") + b'{"\xff":"a"}',
    )
    yield (
        "tensors_header_too_deep",
        "The header is nested three deep.",
        _with_header({"a": _tensor(0, 0, shape=[[[0]]])}),
    )
    yield (
        "tensors_seven_bytes",
        "A file of seven bytes has no header.",
        b"\x02\x00\x00\x00\x00\x00\x00",
    )
    yield (
        "tensors_pickle",
        "A pickle is no safetensors file, whatever its name says.",
        b"\x80\x04\x95\x0f\x00\x00\x00\x00\x00\x00\x00\x8c\x02os\x94\x8c\x06system\x94\x93\x94.",
    )


def _escaped_name() -> bytes:
    text = rb'{"a":{"data_offsets":[0,1],"dtype":"U8","shape":[1]},"\u0061":{"data_offsets":[1,2],"dtype":"U8","shape":[1]}}'
    return len(text).to_bytes(8, "little") + text + b"12"


@DIGESTS.vector(_TENSORS, profile=3)
def tensors_name_in_two_shards() -> Case:
    """Two shards hold a tensor of the same name."""
    return _no_tensors(
        {
            "model-1.safetensors": formulas.safetensors([_WEIGHT, _BIAS]),
            "model-2.safetensors": formulas.safetensors([_BIAS, _SCALAR]),
        }
    )


def _declare_rows() -> None:
    for name, description, data in _bad_tensors():
        make = partial(_no_tensors, {"model.safetensors": data})
        DIGESTS.add(name, description, _TENSORS, make, profile=3)


_declare_rows()
