"""Bytes to digests: files, inventories, trees of files, tensors, Merkle trees and their proofs.

- `algorithms`: BLAKE3 and SHA-256, and sets of digests of the same bytes
- `names`: which names a file of a tree may have
- `opening`, `files`, `writing`: safe opening, hashing in one pass, atomic writing
- `tree`: walks a folder; `inventory` and `listing`: what stands on disk about it
- `merkle`: RFC 6962 trees, typed roots, inclusion proofs
- `tensors`: the content of safetensors files

Nothing here follows a link, opens a special file, or executes or unpickles what it reads. Source:
`spec/digests.md`.
"""

from __future__ import annotations

from provenance.digest.algorithms import (
    COUNTED,
    HEX_LENGTHS,
    DigestSet,
    Hasher,
    check_digest,
    digest_bytes,
    hash_bytes,
    new_hasher,
)
from provenance.digest.files import FileDigest, hash_file, read_file
from provenance.digest.inventory import Inventory, InventoryDigest, InventoryEntry, file_entry
from provenance.digest.listing import format_listing, parse_listing
from provenance.digest.merkle import (
    TREE_KINDS,
    InclusionProof,
    TreeKind,
    TypedRoot,
    check_inclusion,
    inclusion_path,
    leaf_hash,
    plain_leaf_hash,
    prove_inclusion,
    root_from_path,
    tree_head,
    typed_root,
)
from provenance.digest.names import check_name, find_collisions, printable_name
from provenance.digest.opening import Folder, open_folder, open_regular
from provenance.digest.tensors import (
    DTYPE_BITS,
    TensorDigest,
    TensorInfo,
    hash_tensors,
    read_safetensors,
    tensor_entry,
)
from provenance.digest.tree import FoundFile, FoundTree, TreeFault, hash_tree, walk_tree
from provenance.digest.writing import write_atomic

__all__ = [
    "COUNTED",
    "DTYPE_BITS",
    "HEX_LENGTHS",
    "TREE_KINDS",
    "DigestSet",
    "FileDigest",
    "Folder",
    "FoundFile",
    "FoundTree",
    "Hasher",
    "InclusionProof",
    "Inventory",
    "InventoryDigest",
    "InventoryEntry",
    "TensorDigest",
    "TensorInfo",
    "TreeFault",
    "TreeKind",
    "TypedRoot",
    "check_digest",
    "check_inclusion",
    "check_name",
    "digest_bytes",
    "file_entry",
    "find_collisions",
    "format_listing",
    "hash_bytes",
    "hash_file",
    "hash_tensors",
    "hash_tree",
    "inclusion_path",
    "leaf_hash",
    "new_hasher",
    "open_folder",
    "open_regular",
    "parse_listing",
    "plain_leaf_hash",
    "printable_name",
    "prove_inclusion",
    "read_file",
    "read_safetensors",
    "root_from_path",
    "tensor_entry",
    "tree_head",
    "typed_root",
    "walk_tree",
    "write_atomic",
]
