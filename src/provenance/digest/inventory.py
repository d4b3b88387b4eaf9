"""Inventories: the files of a tree with sizes and digests, and the tree digest over them.

An inventory file is JSON Lines, one canonical object a file, sorted by the bytes of its path. It is
read by msgspec and written again for comparison, block by block: whatever is not canonical, doubled
keys among them, differs. Source: `spec/digests.md`, section "Inventories". No I/O.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from provenance.canonical import (
    MAX_INVENTORY_BYTES,
    MAX_TREE_ENTRIES,
    NUMBER_BOUND,
)
from provenance.digest.algorithms import DigestSet, check_digest
from provenance.digest.merkle import InclusionProof, TypedRoot, prove_inclusion, typed_root
from provenance.digest.names import check_name, printable_name
from provenance.errors import DigestError, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Inventory", "InventoryDigest", "InventoryEntry", "file_entry"]

#: Bytes of an inventory that are decoded at once.
BLOCK_BYTES: Final = 1024 * 1024


# Characters of a digest by BLAKE3 or SHA-256.
_HEX_CHARACTERS = 64


class InventoryDigest(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False
):
    """The digests of one file of an inventory."""

    blake3: str
    """BLAKE3 of all bytes; the one digest that the tree digest is taken over."""

    sha256: str | None = None
    """SHA-256 of all bytes; released files have it, datasets on request."""

    @property
    def digest_set(self) -> DigestSet:
        """The same as a `DigestSet`."""
        digests = {"blake3": self.blake3}
        return DigestSet(digests if self.sha256 is None else {**digests, "sha256": self.sha256})


# Fields stand in the order of their names, so that what msgspec writes is RFC 8785.
class InventoryEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """One file of an inventory."""

    digest: InventoryDigest
    """Its digests."""

    path: str
    """Its name: relative, POSIX, checked by `check_name`."""

    size: Annotated[int, msgspec.Meta(ge=0, lt=NUMBER_BOUND)]
    """Its length in bytes."""


class _Leaf(msgspec.Struct, frozen=True, gc=False):
    blake3: str
    path: str
    size: int


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(InventoryEntry)


def file_entry(path: str, size: int, blake3: str) -> bytes:
    """Return the entry of one file in a `file` tree: canonical JSON of blake3, path and size.

    Source: `spec/digests.md`, section "Tree digest".
    """
    return _ENCODER.encode(_Leaf(blake3, path, size))


@dataclass(frozen=True)
class Inventory:
    """The files of a tree, sorted by path and unique; immutable.

    Raises:
        DigestError: A path is refused (`name-unsafe`) or stands twice (`name-duplicate`), a digest
            or size is malformed, or there are more than `MAX_TREE_ENTRIES`.
    """

    entries: tuple[InventoryEntry, ...] = ()
    """The files, sorted by the bytes of their paths; any iterable in any order is taken."""

    def __post_init__(self) -> None:
        """Sort and check the entries."""
        ordered = tuple(sorted(self.entries, key=attrgetter("path")))
        for previous, entry in zip((None, *ordered), ordered, strict=False):
            _check_entry(entry)
            if previous is not None and entry.path == previous.path:
                raise DigestError(path=entry.path, problem="is listed twice", code="name-duplicate")
        _check_count(len(ordered), "")
        object.__setattr__(self, "entries", ordered)

    def __len__(self) -> int:
        """Return the number of files."""
        return len(self.entries)

    def __iter__(self) -> Iterator[InventoryEntry]:
        """Iterate over the files in order."""
        return iter(self.entries)

    def find(self, path: str) -> InventoryEntry | None:
        """Return the entry of a file, or `None`."""
        index = self._index(path)
        return None if index is None else self.entries[index]

    @cached_property
    def root(self) -> TypedRoot:
        """The tree digest: typed root of kind `file` over blake3, path and size of each file."""
        return typed_root("file", self._leaves())

    @property
    def total_bytes(self) -> int:
        """The sum of all sizes."""
        return sum(entry.size for entry in self.entries)

    def prove(self, path: str) -> InclusionProof:
        """Return the proof that a file stands in the tree whose root is `root`.

        Raises:
            DigestError: The inventory has no such file.
        """
        index = self._index(path)
        if index is None:
            raise DigestError(path=printable_name(path), problem="is not in the inventory")
        return prove_inclusion("file", self._leaves(), index)

    def to_bytes(self) -> bytes:
        """Return the inventory file: one canonical JSON object and a line feed for each file."""
        return _ENCODER.encode_lines(self.entries)

    @classmethod
    def from_bytes(cls, data: bytes, *, source: str = "inventory") -> Inventory:
        """Read an inventory file that `to_bytes` could have written.

        Args:
            data: The file; empty for no files.
            source: What errors call it; they add the number of the line.

        Raises:
            DigestError: It breaks the format (code `inventory-malformed`), or a path is refused
                (`name-unsafe`).
        """
        entries: list[InventoryEntry] = []
        for block in _blocks(data, source):
            decoded = _decode_block(block, source, len(entries))
            for number, entry in enumerate(decoded, start=len(entries) + 1):
                previous = entries[-1].path if entries else ""
                _check_line(entry, previous, f"{source}:{number}")
                entries.append(entry)
            _check_count(len(entries), source)
        return cls._trusted(tuple(entries))

    @classmethod
    def _trusted(cls, entries: tuple[InventoryEntry, ...]) -> Inventory:
        """Make an inventory of entries that are checked, sorted and unique already."""
        inventory = object.__new__(cls)
        object.__setattr__(inventory, "entries", entries)
        return inventory

    def _leaves(self) -> Iterator[bytes]:
        return (file_entry(entry.path, entry.size, entry.digest.blake3) for entry in self.entries)

    def _index(self, path: str) -> int | None:
        index = bisect_left(self.entries, path, key=attrgetter("path"))
        found = index < len(self.entries) and self.entries[index].path == path
        return index if found else None


def _check_entry(entry: InventoryEntry) -> None:
    """Check what the types do not say: the path and the spelling of the digests."""
    check_name(entry.path)
    _check_hex("blake3", entry.digest.blake3)
    if entry.digest.sha256 is not None:
        _check_hex("sha256", entry.digest.sha256)
    if not 0 <= entry.size < NUMBER_BOUND:  # msgspec checks what it reads, not what is constructed
        raise _malformed(entry.path, f"no file has {shown(entry.size)} bytes")


def _check_hex(algorithm: str, value: str) -> None:
    # 64 characters, none but these: four times faster than a regular expression.
    if len(value) != _HEX_CHARACTERS or value.strip("0123456789abcdef"):
        check_digest(algorithm, value)


def _check_line(entry: InventoryEntry, previous: str, where: str) -> None:
    try:
        _check_entry(entry)
    except DigestError as error:
        code = error.code if error.code == "name-unsafe" else "inventory-malformed"
        raise DigestError(path=where, problem=error.problem, code=code) from error
    if entry.path <= previous:
        problem = "a path stands twice" if entry.path == previous else "not sorted by path"
        raise _malformed(where, problem)


def _check_count(count: int, where: str) -> None:
    if count > MAX_TREE_ENTRIES:
        raise _malformed(where, f"more than {MAX_TREE_ENTRIES} files")


def _blocks(data: bytes, source: str) -> Iterator[memoryview]:
    """Yield the file in blocks of whole lines, each of bounded length."""
    if len(data) > MAX_INVENTORY_BYTES:
        raise _malformed(source, f"{len(data)} bytes, more than {MAX_INVENTORY_BYTES}")
    if data and not data.endswith(b"\n"):
        raise _malformed(source, "the last line does not end with a line feed")
    view = memoryview(data)
    start = 0
    while start < len(data):
        end = data.rfind(b"\n", start, start + BLOCK_BYTES) + 1
        if not end:
            raise _malformed(source, f"a line is longer than {BLOCK_BYTES} bytes")
        yield view[start:end]
        start = end


def _decode_block(block: memoryview, source: str, before: int) -> list[InventoryEntry]:
    """Decode whole lines and make sure that they are what would be written for their content."""
    try:
        entries: list[InventoryEntry] = _DECODER.decode_lines(block)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        entries = []
    if _ENCODER.encode_lines(entries) != block:
        for number, line in enumerate(bytes(block).split(b"\n")[:-1], start=before + 1):
            _check_canonical_line(line, f"{source}:{number}")
        raise AssertionError("each line is canonical, and all of them together are not")
    return entries


def _check_canonical_line(line: bytes, where: str) -> None:
    """Raise for a line that is not what would be written; only called to say which one."""
    try:
        written = _ENCODER.encode(_DECODER.decode(line))
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise _malformed(where, f"found {shown(line)}: {error}") from error
    if written != line:
        raise _malformed(where, f"not canonical: found {shown(line)}, expected {shown(written)}")


def _malformed(where: str, problem: str) -> DigestError:
    return DigestError(
        path=where,
        problem=problem,
        remedy="expected sorted lines of canonical JSON with digest, path and size",
        code="inventory-malformed",
    )
