"""What the released weights say of themselves: tensors, parameters, and which file is for what."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from provenance.digest import DTYPE_BITS, hash_tensors
from provenance.digest.weights.choosing import tensor_files
from provenance.digest.weights.hashing import join_tensors, list_tensors
from provenance.errors import DigestError, ProvenanceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from provenance.digest import TypedRoot
    from provenance.digest.weights.layouts import StoredTensor
    from provenance.digest.weights.one_pass import TensorHasher

__all__ = ["Weights", "bind_weights", "describe_weights", "has_tensors", "is_weights", "role_of"]

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
    "optimizer.bin": "other",
    "optimizer.pt": "other",
    "readme.md": "card",
    "rng_state.pth": "other",
    "scaler.pt": "other",
    "scheduler.bin": "other",
    "scheduler.pt": "other",
    "special_tokens_map.json": "tokenizer",
    "tokenizer.json": "tokenizer",
    "tokenizer.model": "tokenizer",
    "tokenizer_config.json": "tokenizer",
    "training_args.bin": "other",
    "vocab.json": "tokenizer",
    "vocab.txt": "tokenizer",
}


# Positions, counters and masks: saved beside parameters, and trained by nobody.
_BUFFERS: Final = frozenset({"BOOL", "I64"})


@dataclass(frozen=True, slots=True)
class Weights:
    """The tensors of the released weights: of safetensors, GGUF or ONNX files."""

    root: TypedRoot | None = None
    """Typed root over them, once their bytes are read."""

    parameter_count: int | None = None
    """Number of their elements, without those that count and mask."""

    data_type: str | None = None
    """Their data type, if all that are counted have the same."""

    fault: str = ""
    """Why they could not be read."""


def describe_weights(folder: Path, names: Sequence[str]) -> Weights:
    """Return what the headers of the released weights say; no tensor is read.

    Files of which `tensor_files` chooses none are bound as files alone.
    """
    chosen = tensor_files(names)
    if not chosen:
        return Weights()
    try:
        tensors = list_tensors([folder / name for name in chosen])
    except ProvenanceError as error:
        return Weights(fault=str(error))
    if chosen[0].endswith(".onnx"):  # shapes and other constants are among them
        return Weights()
    parameters = [tensor for tensor in tensors if tensor.dtype not in _BUFFERS] or tensors
    return Weights(None, _count(parameters), _data_type(parameters))


def bind_weights(
    weights: Weights, names: Iterable[str], found: Mapping[str, TensorHasher], folder: Path
) -> Weights:
    """Return the same with the root over the tensors; those of safetensors are hashed already.

    Args:
        weights: What `describe_weights` returned.
        names: All released files.
        found: What was found in some files while they were read.
        folder: Where the files lie.
    """
    chosen = tensor_files(names)
    if weights.fault or not chosen:
        return weights
    try:
        try:
            made = [(name, found[name].result() or ()) for name in chosen]
            root, _ = join_tensors(made)
        except (DigestError, KeyError):
            # Another container, by its name or under this one, or whatever there is to say of it.
            root, _ = hash_tensors([folder / name for name in chosen])
    except ProvenanceError as error:
        return Weights(fault=str(error))
    return replace(weights, root=root)


def has_tensors(name: str) -> bool:
    """Return whether a file's name says that its tensors can be hashed while it is read."""
    return name.endswith(".safetensors")


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


def _count(tensors: Sequence[StoredTensor]) -> int:
    return sum(prod(tensor.shape) for tensor in tensors)


def _data_type(tensors: Sequence[StoredTensor]) -> str | None:
    kinds = {tensor.dtype for tensor in tensors}
    # A quantised type of GGUF is none that the manifest names.
    return kinds.pop() if len(kinds) == 1 and kinds <= DTYPE_BITS.keys() else None
