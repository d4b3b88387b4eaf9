"""What the released weights say of themselves: tensors, parameters, and which file is for what."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from provenance.digest import hash_tensors
from provenance.errors import ProvenanceError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from provenance.digest import TensorDigest, TypedRoot

__all__ = ["Weights", "describe_weights", "is_weights", "role_of"]

#: Endings of files that hold weights.
WEIGHT_SUFFIXES: Final = frozenset(
    {
        *(
            ".safetensors",
            ".bin",
            ".pt",
            ".pth",
            ".ckpt",
            ".gguf",
            ".ggml",
            ".onnx",
            ".npz",
            ".npy",
        ),
        *(".h5", ".keras", ".msgpack", ".tflite", ".pb", ".pkl", ".joblib", ".ubj", ".model"),
    }
)

# Names by which hubs and frameworks know what a file is for.
_ROLES: Final = {
    "chat_template.jinja": "chatTemplate",
    "chat_template.json": "chatTemplate",
    "config.json": "configuration",
    "generation_config.json": "configuration",
    "merges.txt": "tokenizer",
    "model.safetensors.index.json": "configuration",
    "readme.md": "card",
    "special_tokens_map.json": "tokenizer",
    "tokenizer.json": "tokenizer",
    "tokenizer.model": "tokenizer",
    "tokenizer_config.json": "tokenizer",
    "vocab.json": "tokenizer",
    "vocab.txt": "tokenizer",
}


@dataclass(frozen=True, slots=True)
class Weights:
    """The tensors of the released safetensors files."""

    root: TypedRoot | None = None
    """Typed root over them."""

    parameter_count: int | None = None
    """Number of their elements."""

    data_type: str | None = None
    """Their data type, if all have the same."""

    fault: str = ""
    """Why they could not be read."""


def describe_weights(folder: Path, names: Sequence[str]) -> Weights:
    """Read the safetensors files among the released ones; other formats are only bound as files."""
    paths = [folder / name for name in names if name.endswith(".safetensors")]
    if not paths:
        return Weights()
    try:
        root, tensors = hash_tensors(paths)
    except ProvenanceError as error:
        return Weights(fault=str(error))
    return Weights(root, _count(tensors), _data_type(tensors))


def is_weights(name: str) -> bool:
    """Return whether a file's name says that it holds weights."""
    return PurePosixPath(name).suffix.lower() in WEIGHT_SUFFIXES and name not in _ROLES


def role_of(name: str) -> str:
    """Return what a released file is for, by its name."""
    base = PurePosixPath(name).name.lower()
    if base in _ROLES:
        return _ROLES[base]
    if is_weights(base):
        return "weights"
    if base.split(".")[0] in {"license", "licence", "notice", "copying"}:
        return "license"
    return "code" if base.endswith(".py") else "other"


def _count(tensors: Sequence[TensorDigest]) -> int:
    return sum(prod(tensor.shape) for tensor in tensors)


def _data_type(tensors: Sequence[TensorDigest]) -> str | None:
    kinds = {tensor.dtype for tensor in tensors}
    return kinds.pop() if len(kinds) == 1 else None
