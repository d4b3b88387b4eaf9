"""How a signer went through a model: by files or by shards, with which hash, leaving out what.

Source: OpenSSF Model Signing 1.0, sections 5.2.2, 6.2 and 7. No I/O.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from provenance.canonical import MAX_TREE_ENTRIES, NUMBER_BOUND
from provenance.canonical.limits import MAX_NAME_BYTES
from provenance.envelope.fields import (
    require_array,
    require_object,
    require_text,
    take,
    under,
)
from provenance.envelope.oms.faults import MALFORMED, check_relative, malformed, require_choice
from provenance.errors import EnvelopeError, shown

if TYPE_CHECKING:
    from provenance.canonical import JsonValue

__all__ = ["FIELDS", "HASHES", "Serialization", "read_serialization", "serialization_tree"]

#: The hash functions of the OMS registry; all of them have these names with us too.
HASHES = ("sha256", "blake3", "blake2b")

#: The fields that are known; a reader leaves others alone.
FIELDS = ("method", "hash_type", "shard_size", "allow_symlinks", "ignore_paths")
_GLOB = frozenset("*?[")


class Serialization(Struct, frozen=True, kw_only=True):
    """The `serialization` object of an OMS predicate."""

    method: Literal["files", "shards"] = "files"
    """Whether each file has one digest, or each range of bytes of each file."""

    hash_type: str = "sha256"
    """The hash function of every digest: `sha256`, `blake3` or `blake2b`."""

    shard_size: int | None = None
    """Bytes of each range but the last of a file; `None` for files."""

    allow_symlinks: bool = False
    """Whether the signer took a link for the file that it leads to."""

    ignore_paths: tuple[str, ...] = ()
    """Files and folders that were left out, relative to the model."""


def read_serialization(value: JsonValue, path: str) -> Serialization:
    """Return the serialization that a parsed object describes.

    Args:
        value: The object.
        path: Its JSON Pointer.

    Raises:
        EnvelopeError: It breaks the format.
    """
    tree = require_object(value, path, code=MALFORMED)
    method = require_choice(
        take(tree, "method", path, code=MALFORMED), under(path, "method"), ("files", "shards")
    )
    hash_type = require_choice(
        take(tree, "hash_type", path, code=MALFORMED), under(path, "hash_type"), HASHES
    )
    links = take(tree, "allow_symlinks", path, code=MALFORMED)
    if not isinstance(links, bool):
        raise malformed(under(path, "allow_symlinks"), f"expected a boolean, found {shown(links)}")
    return Serialization(
        method="shards" if method == "shards" else "files",
        hash_type=hash_type,
        shard_size=_read_shard_size(tree, path, sharded=method == "shards"),
        allow_symlinks=links,
        ignore_paths=_read_ignored(tree, path),
    )


def serialization_tree(serialization: Serialization) -> dict[str, JsonValue]:
    """Return the JSON tree of a serialization; what is not there is left out."""
    tree: dict[str, JsonValue] = {
        "method": serialization.method,
        "hash_type": serialization.hash_type,
        "allow_symlinks": serialization.allow_symlinks,
    }
    if serialization.shard_size is not None:
        tree["shard_size"] = serialization.shard_size
    if serialization.ignore_paths:
        tree["ignore_paths"] = serialization.ignore_paths
    return tree


def _read_shard_size(tree: dict[str, JsonValue], path: str, *, sharded: bool) -> int | None:
    where = under(path, "shard_size")
    if not sharded:
        if "shard_size" in tree:
            raise malformed(where, "there are no shards, and this is their size")
        return None
    found = take(tree, "shard_size", path, code=MALFORMED)
    # Writers that go through a protobuf Struct write `1000.0`: every number is a double there.
    if isinstance(found, int | float) and not isinstance(found, bool):
        size = int(found)
        if size == found and 0 < size < NUMBER_BOUND:
            return size
    raise malformed(where, f"expected a whole number of bytes above 0, found {shown(found)}")


def _read_ignored(tree: dict[str, JsonValue], path: str) -> tuple[str, ...]:
    where = under(path, "ignore_paths")
    found = require_array(
        tree.get("ignore_paths", ()), where, most=MAX_TREE_ENTRIES, code=MALFORMED
    )
    names = []
    for index, item in enumerate(found):
        place = under(where, index)
        name = require_text(item, place, most=MAX_NAME_BYTES, code=MALFORMED)
        check_relative(name, place)
        if not _GLOB.isdisjoint(name):
            problem = f"a path to leave out holds no wildcard, found {shown(name)}"
            raise EnvelopeError(path=place, problem=problem, code="oms-name")
        names.append(name)
    return tuple(names)
