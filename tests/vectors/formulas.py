"""The formulas of the format, written from `spec/` a second time, as plainly as they stand there.

They are slow and recursive on purpose: they follow the words of RFC 6962 and RFC 8785, and share no
line with the library that the vectors test.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from blake3 import blake3

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "Tree",
    "canonical",
    "compact",
    "digests",
    "environment_class",
    "environment_digests",
    "file_leaf",
    "head",
    "inclusion",
    "inventory",
    "leaf",
    "listing",
    "node",
    "pae",
    "root",
    "safetensors",
    "tensor_leaf",
    "tree_digest",
]

#: Entry of an inventory, or any other JSON object.
Tree = dict[str, Any]


def canonical(tree: object) -> bytes:
    """Return RFC 8785 for what vectors hold: ASCII keys, integers, and reals of short decimals."""
    text = json.dumps(
        tree, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode("utf-8")


def compact(tree: object) -> bytes:
    """Return JSON on one line without blanks, in the order of its members."""
    text = json.dumps(tree, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8")


def digests(data: bytes, *algorithms: str) -> dict[str, str]:
    """Return digests by algorithm: BLAKE3 and SHA-256 unless others are named."""
    return {
        name: blake3(data).hexdigest() if name == "blake3" else hashlib.new(name, data).hexdigest()
        for name in algorithms or ("blake3", "sha256")
    }


def leaf(kind: str, entry: bytes) -> bytes:
    """Return SHA-256(0x00 || preamble || entry) (`spec/digests.md`, RFC 6962, section 2.1)."""
    data = b"training-provenance/v1/" + kind.encode() + b"\n" + entry
    return hashlib.sha256(b"\x00" + data).digest()


def node(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(0x01 || left || right) (RFC 6962, section 2.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def head(leaves: Sequence[bytes]) -> bytes:
    """Return the tree head over leaf hashes (RFC 6962, section 2.1)."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = _split(len(leaves))
    return node(head(leaves[:split]), head(leaves[split:]))


def inclusion(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the audit path of one leaf, from the leaf upwards (RFC 6962, section 2.1.1)."""
    if len(leaves) == 1:
        return []
    split = _split(len(leaves))
    if index < split:
        return [*inclusion(leaves[:split], index), head(leaves[split:])]
    return [*inclusion(leaves[split:], index - split), head(leaves[:split])]


def root(kind: str, entries: Sequence[bytes]) -> Tree:
    """Return the typed root over entries."""
    return {
        "tree": kind,
        "size": len(entries),
        "root": head([leaf(kind, e) for e in entries]).hex(),
    }


def file_leaf(entry: Tree) -> bytes:
    """Return the entry of a `file` tree: exactly blake3, path and size."""
    return canonical(
        {"blake3": entry["digest"]["blake3"], "path": entry["path"], "size": entry["size"]}
    )


def inventory(files: dict[str, bytes], *algorithms: str) -> list[Tree]:
    """Return the entries of files, sorted by the bytes of their paths."""
    return [
        {"path": path, "size": len(files[path]), "digest": digests(files[path], *algorithms)}
        for path in sorted(files, key=lambda path: path.encode("utf-8"))
    ]


def tree_digest(entries: Sequence[Tree]) -> Tree:
    """Return the typed root of kind `file` over entries in the order given."""
    return root("file", [file_leaf(entry) for entry in entries])


def listing(entries: Sequence[Tree]) -> bytes:
    """Return `SHA256SUMS` over entries in the order given."""
    lines = [f"{entry['digest']['sha256']}  {entry['path']}\n" for entry in entries]
    return "".join(lines).encode("utf-8")


def tensor_leaf(name: str, dtype: str, shape: Sequence[int], data: bytes) -> bytes:
    """Return the entry of a `tensor` tree."""
    made = blake3(data).hexdigest()
    return canonical({"blake3": made, "dtype": dtype, "name": name, "shape": list(shape)})


def safetensors(
    tensors: Sequence[tuple[str, str, Sequence[int], bytes]],
    *,
    metadata: dict[str, str] | None = None,
) -> bytes:
    """Return a safetensors file with these tensors (name, dtype, shape, bytes) in this order."""
    header: Tree = {} if metadata is None else {"__metadata__": metadata}
    position = 0
    for name, dtype, shape, data in tensors:
        end = position + len(data)
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [position, end]}
        position = end
    text = json.dumps(header, separators=(",", ":")).encode("ascii")
    text += b" " * (-len(text) % 8)  # the data is aligned to 8 bytes
    return len(text).to_bytes(8, "little") + text + b"".join(data for *_, data in tensors)


def pae(kind: bytes, payload: bytes) -> bytes:
    """Return the pre-authentication encoding; both lengths count bytes (DSSE, `protocol.md`)."""
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def _split(size: int) -> int:
    """Return the largest power of two below a number of leaves (RFC 6962, section 2.1)."""
    return 1 << (size - 1).bit_length() - 1


#: Variables that the environment class leaves out, copied from `spec/manifest.md`.
_NEUTRAL = [
    "CUDA_DEVICE_ORDER",
    "CUDA_LAUNCH_BLOCKING",
    "CUDA_VISIBLE_DEVICES",
    "HF_DATASETS_OFFLINE",
    "HF_HUB_OFFLINE",
    "HIP_VISIBLE_DEVICES",
    "KMP_BLOCKTIME",
    "LOCAL_RANK",
    "OMP_WAIT_POLICY",
    "OPENBLAS_VERBOSE",
    "PYTHONHASHSEED",
    "PYTHONUTF8",
    "RANK",
    "ROCR_VISIBLE_DEVICES",
    "TF_FORCE_GPU_ALLOW_GROWTH",
    "TOKENIZERS_PARALLELISM",
    "TORCH_NCCL_ASYNC_ERROR_HANDLING",
    "XLA_PYTHON_CLIENT_MEM_FRACTION",
    "XLA_PYTHON_CLIENT_PREALLOCATE",
]


def environment_class(environment: Tree) -> str:
    """Return the environment class, by `spec/manifest.md`, "Environment class"."""
    selected: Tree = {}
    for name in ("language", "threads"):
        selected[name] = environment.get(name)
    selected["packages"] = []
    for package in environment.get("packages", []):
        kept = dict(package)
        if kept.get("content"):
            kept.pop("record", None)
        selected["packages"].append(kept)
    for name, omitted in (("determinism", ["hashSeed"]), ("variables", _NEUTRAL)):
        values = environment.get(name, {})
        selected[name] = {key: values[key] for key in values if key not in omitted}
    hardware = environment.get("hardware", {})
    parts = ("accelerators", "machine", "nodes", "processor")
    selected["hardware"] = {key: hardware[key] for key in parts if hardware.get(key)}
    tree = {key: value for key, value in selected.items() if value}
    preamble = b"training-provenance/v1/environment-class\n"
    return hashlib.sha256(preamble + canonical(tree)).hexdigest()


def environment_digests(environment: Tree) -> Tree:
    """Return both digests of an environment, as its members."""
    names = ("id", "description", "document", "environmentClass", "fullCapture")
    tree = {key: value for key, value in environment.items() if key not in names}
    preamble = b"training-provenance/v1/environment-capture\n"
    full = hashlib.sha256(preamble + canonical(tree)).hexdigest()
    return {
        "environmentClass": {"sha256": environment_class(environment)},
        "fullCapture": {"sha256": full},
    }
