"""RFC 6962 Merkle trees with SHA-256, typed roots, and inclusion proofs.

Two layers. The plain one is exactly RFC 6962, section 2.1, so that the vectors of others apply. The
typed one puts a preamble that names the kind of tree before each entry, so that an entry, a proof
or a root of one kind is never taken for one of another. Source: `spec/digests.md`, section "Trees".
No I/O.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, cast, get_args

from provenance.canonical import (
    MAX_PROOF_BYTES,
    MAX_PROOF_HASHES,
    NUMBER_BOUND,
    parse_canonical,
    write,
)
from provenance.errors import CanonicalError, DigestError, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = [
    "TREE_KINDS",
    "InclusionProof",
    "TreeKind",
    "TypedRoot",
    "check_inclusion",
    "decode_hash",
    "inclusion_path",
    "leaf_hash",
    "plain_leaf_hash",
    "prove_inclusion",
    "root_from_path",
    "tree_head",
    "typed_root",
]

#: The kinds of trees (`spec/registry/tree-kinds.json`).
TreeKind: TypeAlias = Literal["file", "tensor", "block", "record", "shard", "log"]

#: The same, to look one up.
TREE_KINDS: Final[frozenset[str]] = frozenset(get_args(TreeKind))

#: What stands before every entry, followed by the kind and a line feed.
PREAMBLE: Final = b"training-provenance/v1/"

# Leaves that are folded at once: a power of two, so that each block is a whole subtree, and memory
# does not grow with the tree.
_BLOCK_LEAVES = 1 << 16

_HASH_BYTES = 32


@dataclass(frozen=True, slots=True)
class TypedRoot:
    """The root of a tree with its kind and its number of leaves; never a file digest."""

    tree: TreeKind
    """The kind of the tree."""

    size: int
    """Number of leaves."""

    root: str
    """The tree head: 64 lower-case hexadecimal characters."""

    def __post_init__(self) -> None:
        """Refuse an unknown kind, an impossible size, and another spelling of the root."""
        if self.tree not in TREE_KINDS:
            raise _malformed(f"{shown(self.tree)} is not a kind of tree")
        if isinstance(self.size, bool) or not 0 <= self.size < NUMBER_BOUND:
            raise _malformed(f"{shown(self.size)} is not a number of leaves")
        decode_hash(self.root)

    def to_tree(self) -> dict[str, Any]:
        """Return the root as it stands in a document."""
        return {"tree": self.tree, "size": self.size, "root": self.root}


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """Shows, with a typed root, that an entry stands at a position of a tree."""

    kind: TreeKind
    """The kind of the tree; checked against the root."""

    index: int
    """Position of the entry, from 0."""

    size: int
    """Number of leaves; checked against the root."""

    hashes: tuple[bytes, ...]
    """The sibling hashes, 32 bytes each, from the leaf upwards."""

    def to_bytes(self) -> bytes:
        """Return the proof in canonical JSON, under 2 KiB for up to 2^28 leaves."""
        hashes = [value.hex() for value in self.hashes]
        return write({"tree": self.kind, "index": self.index, "size": self.size, "hashes": hashes})

    @classmethod
    def from_bytes(cls, data: bytes, *, source: str = "") -> InclusionProof:
        """Read a proof that `to_bytes` wrote.

        Raises:
            DigestError: It breaks its format (code `digest-format`).
        """
        try:
            tree = parse_canonical(data, source=source, max_bytes=MAX_PROOF_BYTES, max_depth=2)
        except CanonicalError as error:
            raise _malformed(str(error)) from error
        match tree:
            case {
                "tree": str(kind),
                "index": int(index),
                "size": int(size),
                "hashes": tuple(texts),
                **rest,
            } if not rest and kind in TREE_KINDS and len(texts) <= MAX_PROOF_HASHES:
                hashes = tuple(map(decode_hash, texts))
                return cls(cast("TreeKind", kind), index, size, hashes)
        raise _malformed("expected tree, index, size and hashes of an inclusion proof")


def plain_leaf_hash(data: bytes) -> bytes:
    """Return the RFC 6962 hash of leaf data: 32 bytes."""
    # RFC 6962, section 2.1:  MTH({d}) = SHA-256(0x00 || d)
    # The prefix keeps a leaf from being passed off as a node, whose prefix is 0x01.
    return sha256(b"\x00" + data).digest()


def leaf_hash(kind: TreeKind, entry: bytes) -> bytes:
    """Return the 32-byte hash of one entry of a tree of this kind, given as canonical bytes."""
    # Leaf data:  d = "training-provenance/v1/" || kind || LF || entry
    # The preamble keeps an entry of one kind of tree from being passed off as one of another.
    return plain_leaf_hash(_preamble(kind) + entry)


def tree_head(leaf_hashes: Iterable[bytes]) -> bytes:
    """Return the 32-byte RFC 6962 root over leaf hashes; of none, SHA-256 of the empty string."""
    return _head_and_size(leaf_hashes)[0]


def typed_root(kind: TreeKind, entries: Iterable[bytes]) -> TypedRoot:
    """Return the typed root over entries in their order, each given as canonical bytes."""
    head, size = _head_and_size(_leaf_hashes(kind, entries))
    return TypedRoot(kind, size, head.hex())


def inclusion_path(leaf_hashes: Iterable[bytes], index: int) -> tuple[bytes, ...]:
    """Return the sibling hashes of one leaf, from the leaf upwards (RFC 6962, section 2.1.1).

    Raises:
        DigestError: There is no leaf at this index.
    """
    return _path_and_size(leaf_hashes, index)[0]


def root_from_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """Return the root that a leaf hash and its sibling hashes lead to (RFC 9162, section 2.1.3.2).

    Raises:
        DigestError: The index is not below the size, the number of hashes is not the one that
            index and size require, or a hash has not 32 bytes.
    """
    _check_index(index, size)
    # inner = bit length of (index xor (size - 1));  border = one bits of (index >> inner)
    inner = (index ^ (size - 1)).bit_length()
    expected = inner + (index >> inner).bit_count()
    if len(path) != expected:
        raise _malformed(f"expected {expected} hashes, found {len(path)}")
    if any(len(value) != _HASH_BYTES for value in (leaf, *path)):
        raise _malformed("a hash does not have 32 bytes")
    node = leaf
    for level, sibling in enumerate(path):
        # Above the inner levels the node is the last of its level: siblings are on the left.
        is_right = level >= inner or index >> level & 1
        node = _node_hash(sibling, node) if is_right else _node_hash(node, sibling)
    return node


def prove_inclusion(kind: TreeKind, entries: Iterable[bytes], index: int) -> InclusionProof:
    """Return the proof that the entry at this index stands in the tree over these entries.

    Raises:
        DigestError: There is no entry at this index.
    """
    path, size = _path_and_size(_leaf_hashes(kind, entries), index)
    return InclusionProof(kind, index, size, path)


def check_inclusion(root: TypedRoot, entry: bytes, proof: InclusionProof) -> None:
    """Check that an entry, given as canonical bytes, stands in a tree where the proof says.

    Everything but index and hashes is taken from the root, which the caller trusts.

    Raises:
        DigestError: The proof is malformed or for another tree (`digest-format`), or does not
            lead to the root (`digest-mismatch`).
    """
    if (proof.kind, proof.size) != (root.tree, root.size):
        raise _malformed(
            f"the proof is for a {shown(proof.kind)} tree of {shown(proof.size)} leaves, "
            f"the root for a {root.tree!r} tree of {root.size}"
        )
    leaf = leaf_hash(root.tree, entry)
    if root_from_path(leaf, proof.index, root.size, proof.hashes).hex() != root.root:
        raise DigestError(
            problem="the proof does not lead from the entry to the root",
            remedy="the entry is not in the tree, or not at this place",
            code="digest-mismatch",
        )


def decode_hash(text: object) -> bytes:
    """Return the 32 bytes of a hash in lower-case hexadecimal.

    Raises:
        DigestError: It is spelt in any other way (code `digest-format`).
    """
    # `bytes.fromhex` also takes blanks and capitals: the result must spell the same text.
    try:
        value = bytes.fromhex(text) if isinstance(text, str) else b""
    except ValueError:
        value = b""
    if len(value) != _HASH_BYTES or value.hex() != text:
        raise _malformed(f"expected 64 lower-case hexadecimal characters, found {shown(text)}")
    return value


def _preamble(kind: TreeKind) -> bytes:
    if kind not in TREE_KINDS:
        raise _malformed(f"{shown(kind)} is not a kind of tree")
    return PREAMBLE + kind.encode("ascii") + b"\n"


def _node_hash(left: bytes, right: bytes) -> bytes:
    # RFC 6962, section 2.1:  MTH(D[n]) = SHA-256(0x01 || MTH(D[0:k]) || MTH(D[k:n]))
    return sha256(b"\x01" + left + right).digest()


def _next_level(level: list[bytes]) -> list[bytes]:
    """Return the level above. RFC 6962 splits at powers of two: an odd last node moves up."""
    pairs = iter(level)
    above = [
        sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=False)
    ]
    if len(level) % 2:
        above.append(level[-1])
    return above


def _fold(level: list[bytes]) -> bytes:
    while len(level) > 1:
        level = _next_level(level)
    return level[0]


def _climb(level: list[bytes], index: int) -> tuple[bytes, ...]:
    """Return the siblings on the way from one node of a level to the top."""
    path = []
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):  # the last node of an odd level has none and moves up as it is
            path.append(level[sibling])
        level = _next_level(level)
        index >>= 1
    return tuple(path)


def _leaf_hashes(kind: TreeKind, entries: Iterable[bytes]) -> Iterator[bytes]:
    prefix = b"\x00" + _preamble(kind)
    return (sha256(prefix + entry).digest() for entry in entries)


def _blocks(leaf_hashes: Iterable[bytes]) -> Iterator[list[bytes]]:
    leaves = iter(leaf_hashes)
    while block := list(islice(leaves, _BLOCK_LEAVES)):
        yield block


def _head_and_size(leaf_hashes: Iterable[bytes]) -> tuple[bytes, int]:
    """Return the root and the number of leaves, holding one block of leaves at a time."""
    heads = []
    size = 0
    for block in _blocks(leaf_hashes):
        size += len(block)
        heads.append(_fold(block))
    return (_fold(heads) if heads else sha256(b"").digest()), size


def _path_and_size(leaf_hashes: Iterable[bytes], index: int) -> tuple[tuple[bytes, ...], int]:
    """Return the siblings of one leaf and the number of leaves, holding one block at a time."""
    heads: list[bytes] = []
    size = 0
    inside: tuple[bytes, ...] = ()
    for block in _blocks(leaf_hashes):
        if size <= index < size + len(block):
            inside = _climb(block, index - size)
        size += len(block)
        heads.append(_fold(block))
    _check_index(index, size)
    return inside + _climb(heads, index // _BLOCK_LEAVES), size


def _check_index(index: int, size: int) -> None:
    # bool is an int; True as an index is a mistake of the caller.
    if isinstance(index, bool) or not 0 <= index < size < NUMBER_BOUND:
        raise _malformed(f"there is no leaf {shown(index)} in a tree of {shown(size)} leaves")


def _malformed(problem: str) -> DigestError:
    return DigestError(problem=problem, code="digest-format")
