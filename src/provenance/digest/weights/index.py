"""Checkpoints in several safetensors files, with an index that says which tensor is in which.

Source: `spec/digests.md`, section "Containers of weights".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.canonical import MAX_SAFETENSORS_HEADER_BYTES, MAX_SHARDS, parse
from provenance.digest.tensors import check_count, check_tensor_name, malformed
from provenance.digest.weights.layouts import Layout, StoredTensor
from provenance.digest.weights.safetensors_file import read_header
from provenance.errors import CanonicalError, InputError, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provenance.digest.weights.sources import Sources

__all__ = ["read_index", "read_single"]


def read_single(sources: Sources, name: str) -> Layout:
    """Return the layout of one safetensors file.

    Raises:
        DigestError: It breaks the format (code `tensors-malformed`).
    """
    return Layout("safetensors", _tensors(sources, name))


def read_index(sources: Sources, name: str) -> Layout:
    """Return the layout of all shards that an index names.

    Raises:
        DigestError: The index is malformed, or does not agree exactly with the shards (code
            `tensors-malformed`).
        InputError: A file cannot be read.
    """
    weight_map = _weight_map(sources, name)
    shards: dict[str, set[str]] = {}
    for tensor, shard in weight_map.items():
        shards.setdefault(shard, set()).add(tensor)
    if len(shards) > MAX_SHARDS:
        raise malformed(name, f"{len(shards)} shards, more than the {MAX_SHARDS} read")
    found: list[StoredTensor] = []
    for shard in sorted(shards):
        place = sources.beside(shard)
        try:
            tensors = _tensors(sources, place)
        except InputError as error:
            if error.code == "file-unreadable":
                problem = f"the shard {shown(shard)} {error.problem}"
                raise malformed(name, problem) from error
            raise
        _check_agreement(name, shard, shards[shard], {tensor.name for tensor in tensors})
        found.extend(tensors)
    return Layout("safetensors index", tuple(found))


def _tensors(sources: Sources, name: str) -> tuple[StoredTensor, ...]:
    size = sources.size(name)
    descriptor = sources.descriptor(name, start=0)
    return tuple(
        StoredTensor(item.name, item.dtype, item.shape, name, item.start, item.end - item.start)
        for item in read_header(descriptor, size, name)
    )


def _weight_map(sources: Sources, name: str) -> Mapping[str, str]:
    size = sources.size(name)
    if size > MAX_SAFETENSORS_HEADER_BYTES:
        problem = f"an index of {size} bytes, more than the {MAX_SAFETENSORS_HEADER_BYTES} read"
        raise malformed(name, problem)
    data = sources.read(name, 0, size)
    try:
        tree = parse(data, max_bytes=MAX_SAFETENSORS_HEADER_BYTES, foreign=True)
    except CanonicalError as error:
        raise malformed(name, f"the index is refused: {error}") from error
    match tree:
        case {"weight_map": dict(weight_map), **rest} if not rest.keys() - {"metadata"}:
            pass
        case _:
            raise malformed(name, "the index is not an object of weight_map and metadata alone")
    if not isinstance(rest.get("metadata", {}), dict):
        raise malformed(name, "the metadata of the index is no object")
    check_count(len(weight_map), name)
    result: dict[str, str] = {}
    for tensor, shard in weight_map.items():
        check_tensor_name(tensor, name)
        if not isinstance(shard, str):
            raise malformed(name, f"the tensor {shown(tensor)} is in no shard")
        result[tensor] = shard
    return result


def _check_agreement(name: str, shard: str, promised: set[str], found: set[str]) -> None:
    if missing := promised - found:
        problem = f"the shard {shown(shard)} lacks the tensor {shown(min(missing))}"
        raise malformed(name, problem)
    if surplus := found - promised:
        problem = f"the shard {shown(shard)} holds the tensor {shown(min(surplus))} besides"
        raise malformed(name, problem)
