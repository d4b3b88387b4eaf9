"""Bytes to digests: files, inventories, trees of files, tensors, Merkle trees and their proofs.

- `algorithms`: BLAKE3 and SHA-256, and sets of digests of the same bytes
- `names`: which names a file of a tree may have
- `opening`, `files`, `writing`: safe opening, hashing in one pass, atomic writing
- `engine`: many files at the speed of the machine
- `executing`, `clusters`, `ray_executor`: the same on executors and clusters of others
- `claims`, `claim_formats`, `dvc_claims`, `raw_claims`: digests that others computed
- `walking`, `tree`, `tree_parts`: walk and hash a folder; `inventory` and `listing`: its records
- `blocks`, `block_hashing`, `verified_reading`: blocks of files, and streams checked by them;
  `resuming`: copies that broke off
- `cache`, `cache_places`: digests of files that have not changed since they were read
- `merkle`: RFC 6962 trees, typed roots, inclusion proofs
- `shards`, `merging`: trees of trees; inventories put together and taken apart
- `proof_files`, `proving`, `proven_entries`: proofs that are complete in themselves
- `tensors`, `dtypes`: the tensors of a model; `weights`: safetensors, GGUF, ONNX, `torch.save`
- `records`: the rows and samples of datasets, in order and without

Nothing here follows a link, opens a special file, or executes or unpickles what it reads. Source:
`spec/digests.md`.
"""

from __future__ import annotations

from provenance.lazy import lazy_names

TYPE_CHECKING = False  # type checkers know the name

if TYPE_CHECKING:
    from provenance.digest.algorithms import (
        COUNTED,
        HEX_LENGTHS,
        Digest,
        DigestSet,
        Hasher,
        check_digest,
        digest_bytes,
        hash_bytes,
        new_hasher,
    )
    from provenance.digest.block_hashing import (
        damaged_ranges,
        hash_blocks,
        hash_file_and_blocks,
    )
    from provenance.digest.blocks import BlockDigests
    from provenance.digest.cache import (
        MIN_CACHED_BYTES,
        CachedDigests,
        DigestCache,
        open_cache,
    )
    from provenance.digest.claims import Claim, ClaimedDigests, ClaimResult, read_claims
    from provenance.digest.clusters import dask_executor, ray_cluster
    from provenance.digest.dtypes import DTYPE_BITS, GGML_BLOCKS
    from provenance.digest.engine import Consumer, FileJob, hash_files
    from provenance.digest.executing import hash_on_executor
    from provenance.digest.files import FileDigest, hash_file, read_file
    from provenance.digest.inventory import Inventory, InventoryDigest, InventoryEntry, file_entry
    from provenance.digest.listing import format_listing, parse_listing
    from provenance.digest.merging import merge_inventories, split_inventory
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
    from provenance.digest.proof_files import PROOF_FORMAT, ProofFile, ProofLevel
    from provenance.digest.proving import (
        prove_in_shards,
        prove_in_trees,
        prove_salted,
        prove_tensor,
    )
    from provenance.digest.ray_executor import RayExecutor
    from provenance.digest.records import (
        MultisetHash,
        RecordComparison,
        RecordDigest,
        compare_records,
        encode_record,
        hash_records,
        record_digests,
    )
    from provenance.digest.salted import derive_salt, salted_root
    from provenance.digest.shards import Shard, ShardIndex, shard_entry
    from provenance.digest.tensors import TensorDigest, TensorInfo, tensor_entry
    from provenance.digest.tree import hash_tree
    from provenance.digest.verified_reading import VerifyingReader
    from provenance.digest.walking import (
        FoundFile,
        FoundTree,
        TreeFault,
        walk_folder,
        walk_tree,
    )
    from provenance.digest.weights import (
        StorageDigest,
        TensorDifference,
        WeightsComparison,
        WeightsDigest,
        choose_weights,
        compare_weights,
        detect_format,
        find_format,
        hash_file_and_tensors,
        hash_tensor,
        hash_tensors,
        hash_weights,
        read_safetensors,
    )
    from provenance.digest.writing import write_atomic

__all__ = [
    "COUNTED",
    "DTYPE_BITS",
    "GGML_BLOCKS",
    "HEX_LENGTHS",
    "MIN_CACHED_BYTES",
    "PROOF_FORMAT",
    "TREE_KINDS",
    "BlockDigests",
    "CachedDigests",
    "Claim",
    "ClaimResult",
    "ClaimedDigests",
    "Consumer",
    "Digest",
    "DigestCache",
    "DigestSet",
    "FileDigest",
    "FileJob",
    "Folder",
    "FoundFile",
    "FoundTree",
    "Hasher",
    "InclusionProof",
    "Inventory",
    "InventoryDigest",
    "InventoryEntry",
    "MultisetHash",
    "ProofFile",
    "ProofLevel",
    "RayExecutor",
    "RecordComparison",
    "RecordDigest",
    "Shard",
    "ShardIndex",
    "StorageDigest",
    "TensorDifference",
    "TensorDigest",
    "TensorInfo",
    "TreeFault",
    "TreeKind",
    "TypedRoot",
    "VerifyingReader",
    "WeightsComparison",
    "WeightsDigest",
    "check_digest",
    "check_inclusion",
    "check_name",
    "choose_weights",
    "compare_records",
    "compare_weights",
    "damaged_ranges",
    "dask_executor",
    "derive_salt",
    "detect_format",
    "digest_bytes",
    "encode_record",
    "file_entry",
    "find_collisions",
    "find_format",
    "format_listing",
    "hash_blocks",
    "hash_bytes",
    "hash_file",
    "hash_file_and_blocks",
    "hash_file_and_tensors",
    "hash_files",
    "hash_on_executor",
    "hash_records",
    "hash_tensor",
    "hash_tensors",
    "hash_tree",
    "hash_weights",
    "inclusion_path",
    "leaf_hash",
    "merge_inventories",
    "new_hasher",
    "open_cache",
    "open_folder",
    "open_regular",
    "parse_listing",
    "plain_leaf_hash",
    "printable_name",
    "prove_in_shards",
    "prove_in_trees",
    "prove_inclusion",
    "prove_salted",
    "prove_tensor",
    "ray_cluster",
    "read_claims",
    "read_file",
    "read_safetensors",
    "record_digests",
    "root_from_path",
    "salted_root",
    "shard_entry",
    "split_inventory",
    "tensor_entry",
    "tree_head",
    "typed_root",
    "walk_folder",
    "walk_tree",
    "write_atomic",
]

if not TYPE_CHECKING:
    _HOMES = {
        "provenance.digest.algorithms": (
            "COUNTED",
            "HEX_LENGTHS",
            "Digest",
            "DigestSet",
            "Hasher",
            "check_digest",
            "digest_bytes",
            "hash_bytes",
            "new_hasher",
        ),
        "provenance.digest.block_hashing": (
            "damaged_ranges",
            "hash_blocks",
            "hash_file_and_blocks",
        ),
        "provenance.digest.blocks": ("BlockDigests",),
        "provenance.digest.cache": (
            "MIN_CACHED_BYTES",
            "CachedDigests",
            "DigestCache",
            "open_cache",
        ),
        "provenance.digest.claims": (
            "Claim",
            "ClaimedDigests",
            "ClaimResult",
            "read_claims",
        ),
        "provenance.digest.clusters": (
            "dask_executor",
            "ray_cluster",
        ),
        "provenance.digest.dtypes": (
            "DTYPE_BITS",
            "GGML_BLOCKS",
        ),
        "provenance.digest.engine": (
            "Consumer",
            "FileJob",
            "hash_files",
        ),
        "provenance.digest.executing": ("hash_on_executor",),
        "provenance.digest.files": (
            "FileDigest",
            "hash_file",
            "read_file",
        ),
        "provenance.digest.inventory": (
            "Inventory",
            "InventoryDigest",
            "InventoryEntry",
            "file_entry",
        ),
        "provenance.digest.listing": (
            "format_listing",
            "parse_listing",
        ),
        "provenance.digest.merging": (
            "merge_inventories",
            "split_inventory",
        ),
        "provenance.digest.merkle": (
            "TREE_KINDS",
            "InclusionProof",
            "TreeKind",
            "TypedRoot",
            "check_inclusion",
            "inclusion_path",
            "leaf_hash",
            "plain_leaf_hash",
            "prove_inclusion",
            "root_from_path",
            "tree_head",
            "typed_root",
        ),
        "provenance.digest.names": (
            "check_name",
            "find_collisions",
            "printable_name",
        ),
        "provenance.digest.opening": (
            "Folder",
            "open_folder",
            "open_regular",
        ),
        "provenance.digest.proof_files": (
            "PROOF_FORMAT",
            "ProofFile",
            "ProofLevel",
        ),
        "provenance.digest.proving": (
            "prove_in_shards",
            "prove_in_trees",
            "prove_salted",
            "prove_tensor",
        ),
        "provenance.digest.ray_executor": ("RayExecutor",),
        "provenance.digest.records": (
            "MultisetHash",
            "RecordComparison",
            "RecordDigest",
            "compare_records",
            "encode_record",
            "hash_records",
            "record_digests",
        ),
        "provenance.digest.salted": (
            "derive_salt",
            "salted_root",
        ),
        "provenance.digest.shards": (
            "Shard",
            "ShardIndex",
            "shard_entry",
        ),
        "provenance.digest.tensors": (
            "TensorDigest",
            "TensorInfo",
            "tensor_entry",
        ),
        "provenance.digest.tree": ("hash_tree",),
        "provenance.digest.verified_reading": ("VerifyingReader",),
        "provenance.digest.walking": (
            "FoundFile",
            "FoundTree",
            "TreeFault",
            "walk_folder",
            "walk_tree",
        ),
        "provenance.digest.weights": (
            "StorageDigest",
            "TensorDifference",
            "WeightsComparison",
            "WeightsDigest",
            "choose_weights",
            "compare_weights",
            "detect_format",
            "find_format",
            "hash_file_and_tensors",
            "hash_tensor",
            "hash_tensors",
            "hash_weights",
            "read_safetensors",
        ),
        "provenance.digest.writing": ("write_atomic",),
    }
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
