"""Shards: trees of trees, for datasets with more files than one inventory holds.

A shard is any tree with a name; an index lists the typed roots of the shards, sorted by name, and
has a typed root of kind `shard` itself. Its lines are the very entries of that tree. Source:
`spec/digests.md`, section "Shards". No I/O.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, cast

import msgspec

from provenance.canonical import (
    MAX_INVENTORY_BYTES,
    MAX_NAME_BYTES,
    MAX_TREE_ENTRIES,
    NUMBER_BOUND,
)
from provenance.digest.merkle import (
    InclusionProof,
    TreeKind,
    TypedRoot,
    prove_inclusion,
    typed_root,
)
from provenance.digest.names import check_name, printable_name
from provenance.errors import DigestError, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Shard", "ShardIndex", "shard_entry"]

#: Longest line of an index: a name whose every byte is escaped, and a typed root.
MAX_LINE_BYTES = 2 * MAX_NAME_BYTES + 256


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """One line of an index; the fields stand in the order of RFC 8785."""

    name: str
    root: str
    size: Annotated[int, msgspec.Meta(ge=0, lt=NUMBER_BOUND)]
    tree: str


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(_Line)


@dataclass(frozen=True, slots=True)
class Shard:
    """One tree of a tree of trees.

    Raises:
        DigestError: The name breaks the grammar of names (code `name-unsafe`).
    """

    name: str
    """Its name among its siblings; the grammar is that of names of files."""

    root: TypedRoot
    """The typed root over its entries."""

    def __post_init__(self) -> None:
        """Check the name; the root has checked itself."""
        check_name(self.name)


def shard_entry(shard: Shard) -> bytes:
    """Return the entry of one shard in a `shard` tree: canonical JSON of name, root, size, tree.

    Source: `spec/digests.md`, section "Shards".
    """
    root = shard.root
    return _ENCODER.encode(_Line(shard.name, root.root, root.size, root.tree))


@dataclass(frozen=True)
class ShardIndex:
    """The shards of a tree of trees, sorted by name and unique; immutable.

    Raises:
        DigestError: A name stands twice (`name-duplicate`), or there are more than
            `MAX_TREE_ENTRIES` shards.
    """

    shards: tuple[Shard, ...] = ()
    """The shards, sorted by the bytes of their names; any iterable in any order is taken."""

    def __post_init__(self) -> None:
        """Sort the shards and refuse a name that stands twice."""
        ordered = tuple(sorted(self.shards, key=attrgetter("name")))
        for previous, shard in pairwise(ordered):
            if shard.name == previous.name:
                raise DigestError(path=shard.name, problem="is listed twice", code="name-duplicate")
        _check_count(len(ordered), "")
        object.__setattr__(self, "shards", ordered)

    def __len__(self) -> int:
        """Return the number of shards."""
        return len(self.shards)

    def __iter__(self) -> Iterator[Shard]:
        """Iterate over the shards in order."""
        return iter(self.shards)

    def find(self, name: str) -> Shard | None:
        """Return the shard of this name, or `None`."""
        index = bisect_left(self.shards, name, key=attrgetter("name"))
        found = index < len(self.shards) and self.shards[index].name == name
        return self.shards[index] if found else None

    @cached_property
    def root(self) -> TypedRoot:
        """The typed root of kind `shard` over name and typed root of each shard."""
        return typed_root("shard", map(shard_entry, self.shards))

    def prove(self, name: str) -> InclusionProof:
        """Return the proof that a shard stands in the tree whose root is `root`.

        Raises:
            DigestError: The index has no such shard.
        """
        shard = self.find(name)
        if shard is None:
            raise DigestError(path=printable_name(name), problem="is not in the index of shards")
        position = bisect_left(self.shards, name, key=attrgetter("name"))
        return prove_inclusion("shard", map(shard_entry, self.shards), position)

    def to_bytes(self) -> bytes:
        """Return the index file: the entry of each shard and a line feed."""
        return b"".join(shard_entry(shard) + b"\n" for shard in self.shards)

    @classmethod
    def from_bytes(cls, data: bytes, *, source: str = "index") -> ShardIndex:
        """Read an index file that `to_bytes` could have written.

        Args:
            data: The file; empty for no shards.
            source: What errors call it; they add the number of the line.

        Raises:
            DigestError: It breaks the format (code `inventory-malformed`), or a name is refused
                (`name-unsafe`).
        """
        if len(data) > MAX_INVENTORY_BYTES:
            raise _malformed(source, f"{len(data)} bytes, more than {MAX_INVENTORY_BYTES}")
        if data and not data.endswith(b"\n"):
            raise _malformed(source, "the last line does not end with a line feed")
        shards: list[Shard] = []
        for number, line in enumerate(_lines(data), start=1):
            where = f"{source}:{number}"
            shard = _read_line(line, where)
            if shards and shard.name <= shards[-1].name:
                twice = shard.name == shards[-1].name
                raise _malformed(where, "a name stands twice" if twice else "not sorted by name")
            shards.append(shard)
            _check_count(number, source)
        return cls(tuple(shards))


def _lines(data: bytes) -> Iterator[bytes]:
    start = 0
    while start < len(data):
        end = data.index(b"\n", start)
        yield data[start:end]
        start = end + 1


def _read_line(line: bytes, where: str) -> Shard:
    if len(line) > MAX_LINE_BYTES:
        raise _malformed(where, f"the line is longer than {MAX_LINE_BYTES} bytes")
    try:
        read = _DECODER.decode(line)
        written = _ENCODER.encode(read)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise _malformed(where, f"found {shown(line)}: {error}") from error
    if written != line:
        raise _malformed(where, f"not canonical: found {shown(line)}, expected {shown(written)}")
    try:
        return Shard(read.name, TypedRoot(cast("TreeKind", read.tree), read.size, read.root))
    except DigestError as error:
        code = error.code if error.code == "name-unsafe" else "inventory-malformed"
        raise DigestError(path=where, problem=error.problem, code=code) from error


def _check_count(count: int, where: str) -> None:
    if count > MAX_TREE_ENTRIES:
        raise _malformed(where, f"more than {MAX_TREE_ENTRIES} shards")


def _malformed(where: str, problem: str) -> DigestError:
    return DigestError(
        path=where,
        problem=problem,
        remedy="expected sorted lines of canonical JSON with name, root, size and tree",
        code="inventory-malformed",
    )
