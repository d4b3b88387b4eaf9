"""The entry of a proof file: what each kind of tree has as entries, as JSON and as leaf data.

Source: `spec/digests.md`, sections "Trees" and "Proof files". No I/O.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from provenance.canonical import MAX_TENSOR_DIMENSIONS, NUMBER_BOUND, write
from provenance.digest.algorithms import check_digest
from provenance.digest.inventory import file_entry
from provenance.digest.merkle import TreeKind, TypedRoot
from provenance.digest.names import check_name
from provenance.digest.shards import Shard, shard_entry
from provenance.digest.tensors import check_tensor_name
from provenance.errors import DigestError, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provenance.canonical import JsonValue

__all__ = ["entry_bytes"]

#: Longest name of an element type that is read; the longest known one has 12 characters.
MAX_DTYPE_CHARACTERS = 64


def entry_bytes(kind: TreeKind, entry: Mapping[str, JsonValue]) -> bytes:
    """Return what stands in the leaf for an entry of a proof file.

    Args:
        kind: The kind of the tree.
        entry: `blake3`, `path`, `size` of a file; `blake3`, `dtype`, `name`, `shape` of a tensor;
            `blake3` of a block or record; `name`, `root`, `size`, `tree` of a shard.

    Raises:
        DigestError: The entry is malformed, or entries of this kind are not proved by files
            (`digest-format`, `name-unsafe`, `tensors-malformed`).
    """
    match kind, entry:
        case "file", {"blake3": str(blake3), "path": str(path), "size": int(size), **rest} if (
            not rest and _is_count(size)
        ):
            check_name(path)
            check_digest("blake3", blake3)
            return file_entry(path, size, blake3)
        case "tensor", {
            "blake3": str(blake3),
            "dtype": str(dtype),
            "name": str(name),
            "shape": tuple(shape),
            **rest,
        } if not rest and _is_shape(shape) and 0 < len(dtype) <= MAX_DTYPE_CHARACTERS:
            check_tensor_name(name, "")
            check_digest("blake3", blake3)
            return write(dict(entry))
        case "block" | "record", {"blake3": str(blake3), **rest} if not rest:
            check_digest("blake3", blake3)
            return bytes.fromhex(blake3)
        case "shard", {
            "name": str(name),
            "root": str(head),
            "size": int(size),
            "tree": str(tree),
            **rest,
        } if not rest:
            return shard_entry(Shard(name, TypedRoot(cast("TreeKind", tree), size, head)))
    raise DigestError(
        problem=f"{shown(dict(entry))} is no entry of a {kind} tree", code="digest-format"
    )


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < NUMBER_BOUND  # True is an int, and no size


def _is_shape(shape: tuple[JsonValue, ...]) -> bool:
    return len(shape) <= MAX_TENSOR_DIMENSIONS and all(map(_is_count, shape))
