"""Making proof files from inventories, indexes of shards and tensors. Checking needs none of them.

Source: `spec/digests.md`, section "Proof files". No I/O.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from provenance.canonical import MAX_NAME_BYTES
from provenance.digest.inventory import Inventory
from provenance.digest.merkle import TypedRoot, leaf_hash, prove_inclusion, root_from_path
from provenance.digest.names import printable_name
from provenance.digest.proof_files import ProofFile, ProofLevel
from provenance.digest.proven_entries import entry_bytes
from provenance.digest.salted import derive_salt, salted_entries, salted_root
from provenance.digest.shards import ShardIndex
from provenance.errors import DigestError, UsageError, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provenance.canonical import JsonValue
    from provenance.digest.merkle import InclusionProof
    from provenance.digest.tensors import TensorDigest

__all__ = ["prove_in_shards", "prove_in_trees", "prove_salted", "prove_tensor"]

#: Names among which one is sought that is like a name that is not there.
MAX_COMPARED_NAMES: Final = 10_000


def prove_in_shards(index: ShardIndex, name: str, inventory: Inventory, path: str) -> ProofFile:
    """Return the proof that a file stands in a shard, and that shard in a tree of shards.

    Raises:
        DigestError: The index has no such shard, or another root for it (`inventory-mismatch`); or
            the inventory has no such file.
    """
    first, entry = _level(inventory, path), _entry_of(inventory, path)
    shard = index.find(name)
    if shard is None or shard.root != first.root:
        raise _not_listed(first.root, f"no shard {printable_name(name)}")
    return ProofFile(entry, (first, _level(index, name, shard=name)))


def prove_salted(inventory: Inventory, path: str, secret: bytes) -> ProofFile:
    """Return the proof that a file stands in a private tree; it shows the salt of this file alone.

    Args:
        inventory: The files of the tree.
        path: The file.
        secret: What the salts of the tree are derived from.

    Raises:
        DigestError: There is no such file, or the secret has not 32 bytes.
    """
    entry, salt = _entry_of(inventory, path), derive_salt(secret, path)
    index = next(number for number, it in enumerate(inventory) if it.path == path)
    proof = prove_inclusion("file", salted_entries(inventory, secret), index)
    level = ProofLevel(salted_root(inventory, secret), proof.index, proof.hashes)
    return ProofFile(entry, (level,), salt=salt)


def prove_in_trees(trees: Sequence[ShardIndex | Inventory], name: str) -> ProofFile:
    """Return the proof that a file, or a shard, stands in the first of these trees.

    Args:
        trees: Indexes from the topmost to the lowest, then the inventory; or an index alone, to
            prove a shard. Each is found in the one before by its typed root.
        name: Path of the file; name of the shard if the last tree is an index.

    Raises:
        DigestError: A tree is not listed in the one before (`inventory-mismatch`), or the last has
            no such entry; or there are more levels than a proof file has.
        UsageError: There is no tree, or a tree that is not the last is no index.
    """
    if not trees:
        raise UsageError(path="trees", problem="expected an inventory or an index of shards")
    last = trees[-1]
    levels = [_level(last, name)]
    for index in reversed(trees[:-1]):
        if not isinstance(index, ShardIndex):
            raise UsageError(path="trees", problem="only the last one may be an inventory")
        below = levels[-1].root
        shard = next((shard.name for shard in index if shard.root == below), None)
        if shard is None:
            raise _not_listed(below, "no shard")
        levels.append(_level(index, shard, shard=shard))
    return ProofFile(_entry_of(last, name), tuple(levels))


def prove_tensor(tensors: Sequence[TensorDigest], name: str) -> ProofFile:
    """Return the proof that a tensor stands in the tensor tree over all of these.

    Args:
        tensors: Every tensor of the checkpoint, sorted by name, as `hash_tensors` returns them.
        name: The tensor.

    Raises:
        DigestError: There is no such tensor.
    """
    at = next((index for index, tensor in enumerate(tensors) if tensor.name == name), None)
    if at is None:
        raise DigestError(path=printable_name(name), problem="is no tensor of these weights")
    entries = [tensor.entry for tensor in tensors]
    proof = prove_inclusion("tensor", entries, at)
    level = ProofLevel(_root(proof, entries[at]), proof.index, proof.hashes)
    found = tensors[at]
    entry: dict[str, JsonValue] = {
        "blake3": found.blake3,
        "dtype": found.dtype,
        "name": found.name,
        "shape": tuple(found.shape),
    }
    return ProofFile(entry, (level,))


def _level(tree: ShardIndex | Inventory, name: str, *, shard: str | None = None) -> ProofLevel:
    if tree.find(name) is None:
        raise _missing(tree, name)
    proof = tree.prove(name)
    root = _root(proof, entry_bytes(proof.kind, _entry_of(tree, name)))
    return ProofLevel(root, proof.index, proof.hashes, shard)


def _root(proof: InclusionProof, entry: bytes) -> TypedRoot:
    """Return the root that a proof of ours leads to: the tree is not hashed a second time."""
    leaf = leaf_hash(proof.kind, entry)
    head = root_from_path(leaf, proof.index, proof.size, proof.hashes)
    return TypedRoot(proof.kind, proof.size, head.hex())


def _entry_of(tree: ShardIndex | Inventory, name: str) -> dict[str, JsonValue]:
    if isinstance(tree, Inventory):
        found = tree.find(name)
        if found is None:
            raise DigestError(path=printable_name(name), problem="is not in the inventory")
        return {"blake3": found.digest.blake3, "path": found.path, "size": found.size}
    shard = tree.find(name)
    if shard is None:
        raise DigestError(path=printable_name(name), problem="is not in the index of shards")
    return {"name": shard.name, **shard.root.to_tree()}


def _missing(tree: ShardIndex | Inventory, name: str) -> DigestError:
    """Return the error for a name that a tree lacks, with those that are like it."""
    from difflib import get_close_matches  # noqa: PLC0415 - slow to import, for a refusal only

    is_index = isinstance(tree, ShardIndex)
    entries = (
        (shard.name for shard in tree)
        if isinstance(tree, ShardIndex)
        else (entry.path for entry in tree)
    )
    names = list(islice(entries, MAX_COMPARED_NAMES))
    close = get_close_matches(name[:MAX_NAME_BYTES], names)
    remedy = f"perhaps {', '.join(map(shown, close))} is meant" if close else ""
    if is_index and not close:
        remedy = "to prove a file, name the inventory of its shard with --part"
    what = "the index of shards" if is_index else "the inventory"
    return DigestError(path=printable_name(name), problem=f"is not in {what}", remedy=remedy)


def _not_listed(root: TypedRoot, what: str) -> DigestError:
    return DigestError(
        problem=f"the index lists {what} with the root {root.root} over {root.size}",
        remedy="name each inventory with the index that was made from it",
        code="inventory-mismatch",
    )
