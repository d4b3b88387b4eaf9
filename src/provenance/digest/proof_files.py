"""Proof files: one entry, and the way from it to a typed root that somebody signed.

A proof file is complete in itself: whoever holds it, the thing that the entry describes and the
signed root needs neither the other entries nor the release. The last level may be a tree of shards.
Source: `spec/digests.md`, section "Proof files". No I/O.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, cast

from provenance.canonical import (
    MAX_PROOF_FILE_BYTES,
    MAX_PROOF_HASHES,
    MAX_SHARD_LEVELS,
    parse_canonical,
    split_pointer,
    write,
)
from provenance.digest.algorithms import check_digest
from provenance.digest.merkle import (
    InclusionProof,
    TreeKind,
    TypedRoot,
    check_inclusion,
    decode_hash,
)
from provenance.digest.names import check_name
from provenance.digest.proven_entries import entry_bytes
from provenance.digest.salted import SALT_BYTES
from provenance.digest.shards import Shard, shard_entry
from provenance.errors import CanonicalError, DigestError, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provenance.canonical import JsonValue

__all__ = ["PROOF_FORMAT", "ProofFile", "ProofLevel", "seems_proof"]

#: What the member `format` of a proof file says.
PROOF_FORMAT: Final = "training-provenance/proof/v1"

# What that says in every version of the format.
_MARK = b"training-provenance/proof/"

# The salt of a leaf, as it is written.
_SALT = re.compile(rf"[0-9a-f]{{{2 * SALT_BYTES}}}")

_MAX_LEVELS = 1 + MAX_SHARD_LEVELS
# The document, its levels, a level, its root: nothing is nested deeper.
_MAX_DEPTH = 4


@dataclass(frozen=True, slots=True)
class ProofLevel:
    """One tree on the way: where in it the entry, or the tree before it, stands."""

    root: TypedRoot
    """The typed root of this tree."""

    index: int
    """Position in it, from 0."""

    hashes: tuple[bytes, ...]
    """The sibling hashes, 32 bytes each, from the leaf upwards."""

    shard: str | None = None
    """Name of the tree before as a shard of this one; `None` on the first level alone."""

    def to_tree(self) -> dict[str, Any]:
        """Return the level as it stands in a document."""
        named = {} if self.shard is None else {"shard": self.shard}
        hashes = [value.hex() for value in self.hashes]
        return {"hashes": hashes, "index": self.index, "root": self.root.to_tree(), **named}

    def check(self, entry: bytes) -> None:
        """Check that an entry leads to the root of this level.

        Raises:
            DigestError: See `check_inclusion`.
        """
        proof = InclusionProof(self.root.tree, self.index, self.root.size, self.hashes)
        check_inclusion(self.root, entry, proof)


@dataclass(frozen=True, slots=True)
class ProofFile:
    """A proof that is complete in itself; it is not checked until `check` is called.

    Raises:
        DigestError: The parts do not fit together (code `digest-format`).
    """

    entry: Mapping[str, JsonValue]
    """What is proved to be in the tree; its members depend on the kind of the first tree."""

    levels: tuple[ProofLevel, ...]
    """The tree that the entry stands in, then the trees of shards above it."""

    pointer: str | None = None
    """JSON Pointer of the last root in the manifest, if the proof says so."""

    manifest: str | None = None
    """SHA-256 of the signed payload that the pointer is for; there if and only if that is."""

    salt: bytes | None = None
    """The 16 bytes before the entry of a file in a private tree; `None` in an open one."""

    def __post_init__(self) -> None:
        """Check the shape of the proof; no hash is computed."""
        if not 1 <= len(self.levels) <= _MAX_LEVELS:
            raise _malformed(f"{len(self.levels)} levels, expected 1 to {_MAX_LEVELS}")
        for number, level in enumerate(self.levels):
            if (level.shard is None) != (number == 0):
                raise _malformed("every level but the first, and no other, names a shard")
            if number and level.root.tree != "shard":
                raise _malformed(f"level {number} is no tree of shards")
            if level.shard is not None:
                check_name(level.shard)
        entry_bytes(self.kind, self.entry)
        if self.salt is not None and (self.kind != "file" or len(self.salt) != SALT_BYTES):
            raise _malformed(f"a salt has {SALT_BYTES} bytes, and is one of a tree of files")
        if (self.pointer is None) != (self.manifest is None):
            raise _malformed("a pointer and the digest of the manifest come together")
        if self.pointer is not None:
            _check_pointer(self.pointer)
            check_digest("sha256", self.manifest)
        object.__setattr__(self, "entry", MappingProxyType(dict(self.entry)))

    @property
    def kind(self) -> TreeKind:
        """The kind of the tree that the entry stands in."""
        return self.levels[0].root.tree

    @property
    def root(self) -> TypedRoot:
        """The typed root that all of it leads to, to be compared with the signed one."""
        return self.levels[-1].root

    @property
    def name(self) -> str:
        """Path of the file, or name of the tensor or shard; empty for a block or record."""
        return str(self.entry.get("path", self.entry.get("name", "")))

    def check(self, root: TypedRoot) -> None:
        """Check that the entry leads to a root that the caller trusts.

        Raises:
            DigestError: The proof is for a tree of another kind or size (`digest-format`), or does
                not lead to this root (`digest-mismatch`).
        """
        entry = (self.salt or b"") + entry_bytes(self.kind, self.entry)
        for level, above in zip(self.levels, (*self.levels[1:], None), strict=True):
            level.check(entry)
            if above is not None:
                entry = shard_entry(Shard(str(above.shard), level.root))
        if (self.root.tree, self.root.size) != (root.tree, root.size):
            raise _malformed(
                f"the proof is for a {self.root.tree} tree of {self.root.size} leaves, "
                f"the root for a {root.tree} tree of {root.size}"
            )
        if self.root != root:
            raise DigestError(
                problem="the proof leads to another root than the one that is trusted",
                remedy="the proof is for another version of the tree",
                code="digest-mismatch",
            )

    def to_bytes(self) -> bytes:
        """Return the proof file: canonical JSON, without a line feed at its end."""
        tree: dict[str, Any] = {
            "entry": dict(self.entry),
            "format": PROOF_FORMAT,
            "levels": [level.to_tree() for level in self.levels],
        }
        if self.pointer is not None:
            tree["manifest"] = {"pointer": self.pointer, "sha256": self.manifest}
        if self.salt is not None:
            tree["salt"] = self.salt.hex()
        return write(tree)

    @classmethod
    def from_bytes(cls, data: bytes, *, source: str = "") -> ProofFile:
        """Read a proof file that `to_bytes` could have written.

        Raises:
            DigestError: It breaks its format (code `digest-format`), or a name in it is refused
                (`name-unsafe`).
        """
        try:
            tree = parse_canonical(
                data, source=source, max_bytes=MAX_PROOF_FILE_BYTES, max_depth=_MAX_DEPTH
            )
        except CanonicalError as error:
            raise _malformed(str(error)) from error
        if not isinstance(tree, dict) or tree.get("format") != PROOF_FORMAT:
            raise _malformed(f"expected a proof file of the format {PROOF_FORMAT}")
        entry, levels = tree.pop("entry", None), tree.pop("levels", None)
        if not isinstance(entry, dict) or not isinstance(levels, tuple):
            raise _malformed("expected entry, format and levels of a proof file")
        del tree["format"]
        salt = _read_salt(tree.pop("salt")) if "salt" in tree else None
        return cls(entry, tuple(map(_read_level, levels)), *_read_manifest(tree), salt)


def seems_proof(data: bytes) -> bool:
    """Return whether bytes can be meant as a proof file, of whatever version and however broken.

    Tells the wrong file, named by mistake, from a proof that breaks its format.
    """
    return _MARK in data


def _read_level(tree: JsonValue) -> ProofLevel:
    match tree:
        case {
            "hashes": tuple(texts),
            "index": int(index),
            "root": {"root": str(head), "size": int(size), "tree": str(kind), **more},
            **rest,
        } if not more and set(rest) <= {"shard"} and len(texts) <= MAX_PROOF_HASHES:
            shard = rest.get("shard")
            if "shard" in rest and not isinstance(shard, str):
                raise _malformed(f"the name of a shard is text, found {shown(shard)}")
            hashes = tuple(map(decode_hash, texts))
            root = TypedRoot(cast("TreeKind", kind), size, head)
            return ProofLevel(root, index, hashes, cast("str | None", shard))
    raise _malformed("expected hashes, index, root and, above the first level, shard of a level")


def _read_salt(value: JsonValue) -> bytes:
    if isinstance(value, str) and _SALT.fullmatch(value):
        return bytes.fromhex(value)
    raise _malformed(f"a salt is {2 * SALT_BYTES} hexadecimal characters, found {shown(value)}")


def _read_manifest(rest: Mapping[str, JsonValue]) -> tuple[str | None, str | None]:
    match rest:
        case {"manifest": {"pointer": str(pointer), "sha256": str(digest), **more}, **others} if (
            not more and not others
        ):
            return pointer, digest
    if rest:
        raise _malformed(f"unknown or malformed members: {shown(sorted(rest))}")
    return None, None


def _check_pointer(pointer: str) -> None:
    try:
        split_pointer(pointer)
    except CanonicalError as error:
        raise _malformed(error.problem) from error


def _malformed(problem: str) -> DigestError:
    return DigestError(problem=problem, code="digest-format")
