"""Weights in the files of many frameworks: their tensors, without executing anything.

- `sources`: the files of a model, opened safely and compared at the end
- `layouts`, `opening_weights`: what a container holds, and which one a file is, by its content
- `safetensors_file`, `index`: safetensors, alone or in shards with an index
- `gguf_file`, `gguf_metadata`: GGUF; `onnx_file`, `onnx_tensors`, `protobuf`: ONNX
- `torch_zip`, `zip_directory`: the storages of `torch.save` files
- `hashing`, `one_pass`: digests of tensors, and of a file with them
- `comparing`, `numbers`: what differs between two models
- `choosing`: which file of a folder stands for its model

Source: `spec/digests.md`, sections "Tensor digest" and "Containers of weights".
"""

from __future__ import annotations

from provenance.lazy import lazy_names

TYPE_CHECKING = False  # type checkers know the name

if TYPE_CHECKING:
    from provenance.digest.weights.choosing import choose_weights
    from provenance.digest.weights.comparing import (
        TensorDifference,
        WeightsComparison,
        compare_weights,
    )
    from provenance.digest.weights.hashing import (
        StorageDigest,
        WeightsDigest,
        hash_tensor,
        hash_tensors,
        hash_weights,
    )
    from provenance.digest.weights.one_pass import hash_file_and_tensors
    from provenance.digest.weights.opening_weights import detect_format, find_format
    from provenance.digest.weights.safetensors_file import read_safetensors

__all__ = [
    "StorageDigest",
    "TensorDifference",
    "WeightsComparison",
    "WeightsDigest",
    "choose_weights",
    "compare_weights",
    "detect_format",
    "find_format",
    "hash_file_and_tensors",
    "hash_tensor",
    "hash_tensors",
    "hash_weights",
    "read_safetensors",
]

if not TYPE_CHECKING:
    _HOMES = {
        "provenance.digest.weights.choosing": ("choose_weights",),
        "provenance.digest.weights.comparing": (
            "TensorDifference",
            "WeightsComparison",
            "compare_weights",
        ),
        "provenance.digest.weights.hashing": (
            "StorageDigest",
            "WeightsDigest",
            "hash_tensor",
            "hash_tensors",
            "hash_weights",
        ),
        "provenance.digest.weights.one_pass": ("hash_file_and_tensors",),
        "provenance.digest.weights.opening_weights": (
            "detect_format",
            "find_format",
        ),
        "provenance.digest.weights.safetensors_file": ("read_safetensors",),
    }
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
