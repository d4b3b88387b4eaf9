"""Group `release`: tensors of released GGUF and ONNX files, recomputed from their bytes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from vectors import formulas
from vectors.containers import gguf_file, onnx_model
from vectors.groups import RELEASE
from vectors.releases import small

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vectors.containers import Tensor
    from vectors.kit import Case

_WEIGHT: Tensor = ("blk.0.weight", "F32", (2, 3), bytes(range(24)))
_BLOCKS: Tensor = ("blk.0.up", "GGML_Q4_0", (2, 32), bytes(range(36)))
_OTHER: Tensor = ("blk.0.weight", "F32", (2, 3), bytes(24))

_ONE = {"m.gguf": gguf_file([_WEIGHT, _BLOCKS])}
_PARTS = {
    "m-00001-of-00002.gguf": gguf_file([_WEIGHT]),
    "m-00002-of-00002.gguf": gguf_file([_BLOCKS]),
}
_ONNX = {"m.onnx": onnx_model([_WEIGHT])}


def _case(
    word: str,
    files: dict[str, bytes],
    signed: Sequence[Tensor],
    *codes: tuple[str, str],
) -> Case:
    """Return the case of recomputing every digest of a release of these files."""
    release = small()
    del release.files["model.safetensors"]
    release.files |= files
    release.seal()
    entries = [formulas.tensor_leaf(*tensor) for tensor in sorted(signed)]
    release.manifest["release"]["tensors"] = formulas.root("tensor", entries)
    return release.sign().case(word, *codes, allDigests=True)


def _rows() -> Iterable[tuple[str, str, partial[Case]]]:
    passes = partial(_case, "PASS")
    yield (
        "tensors_of_gguf",
        "The tensors of a GGUF file, one of them quantised.",
        partial(passes, _ONE, (_WEIGHT, _BLOCKS)),
    )
    yield (
        "tensors_of_gguf_in_parts",
        "A GGUF model was split into two files.",
        partial(passes, _PARTS, (_WEIGHT, _BLOCKS)),
    )
    yield "tensors_of_onnx", "The tensors of an ONNX file.", partial(passes, _ONNX, (_WEIGHT,))
    where = "/release/tensors"
    yield (
        "tensors_of_gguf_beside_onnx",
        "An ONNX file lies beside the GGUF file whose tensors are signed.",
        partial(passes, {**_ONE, **_ONNX}, (_WEIGHT, _BLOCKS), ("tensors-not-covered", where)),
    )
    mismatch = ("release-checkpoint-mismatch", where)
    for name, text, files, signed in (
        ("gguf_other", "A tensor of a GGUF file is not the signed one.", _ONE, (_OTHER, _BLOCKS)),
        ("gguf_fewer", "A GGUF file has a tensor more than was signed.", _ONE, (_WEIGHT,)),
        ("gguf_part_only", "One part of two was signed.", _PARTS, (_WEIGHT,)),
        ("gguf_first", "ONNX beside GGUF is not meant.", {**_ONE, **_ONNX}, (_WEIGHT,)),
        ("onnx_other", "A tensor of an ONNX file is not the signed one.", _ONNX, (_OTHER,)),
    ):
        yield f"tensors_of_{name}", text, partial(_case, "FAIL", files, signed, mismatch)
    two = {"a.gguf": gguf_file([_WEIGHT]), "b.gguf": gguf_file([_OTHER])}
    yield (
        "tensors_of_two_gguf",
        "Two quantisations are two models; nothing is compared.",
        partial(passes, two, (_WEIGHT,), ("release-checkpoint-not-checked", where)),
    )
    cut = {"m.gguf": gguf_file([_WEIGHT])[:-9]}
    yield (
        "tensors_of_gguf_cut",
        "A signed GGUF file breaks its format.",
        partial(_case, "FAIL", cut, (_WEIGHT,), ("tensors-malformed", "m.gguf")),
    )


def _declare_rows() -> None:
    for name, description, make in _rows():
        RELEASE.add(name, description, "section Evidence [R-VER-15]", make, profile=3)


_declare_rows()
