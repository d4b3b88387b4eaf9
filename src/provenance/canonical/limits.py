"""Every limit of this library on what untrusted input may ask for.

A limit is checked before the work that it bounds. What is larger is refused by name, with a finding
code. Source: the sections "Limits" of the files under `spec/`. No I/O.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "MAX_BLOCKS",
    "MAX_BLOCK_BYTES",
    "MAX_BUNDLE_BYTES",
    "MAX_CACHE_ENTRIES",
    "MAX_CERTIFICATE_FILE_BYTES",
    "MAX_CERTIFICATE_FILE_ENTRIES",
    "MAX_CHAIN_CERTIFICATES",
    "MAX_CHAIN_PATHS",
    "MAX_CHAIN_STEPS",
    "MAX_DEPTH",
    "MAX_DIGESTS",
    "MAX_DOCUMENT_BYTES",
    "MAX_EXPONENT",
    "MAX_GGUF_ALIGNMENT",
    "MAX_GGUF_ARRAY_DEPTH",
    "MAX_GGUF_DIMENSIONS",
    "MAX_GGUF_HEADER_BYTES",
    "MAX_GGUF_KEY_BYTES",
    "MAX_INVENTORY_BYTES",
    "MAX_LFS_POINTER_BYTES",
    "MAX_LISTING_BYTES",
    "MAX_NAME_BYTES",
    "MAX_NAME_COMPARISONS",
    "MAX_NUMBER_CHARACTERS",
    "MAX_ONNX_FIELDS",
    "MAX_ONNX_TYPED_BYTES",
    "MAX_POINTER_CHARACTERS",
    "MAX_POLICY_BYTES",
    "MAX_POLICY_REQUIREMENTS",
    "MAX_POLICY_REVOCATIONS",
    "MAX_POLICY_ROLES",
    "MAX_POLICY_SIGNERS",
    "MAX_POLICY_UPDATES",
    "MAX_PROOF_BYTES",
    "MAX_PROOF_FILE_BYTES",
    "MAX_PROOF_HASHES",
    "MAX_RECORD_BYTES",
    "MAX_RECORD_DEPTH",
    "MAX_RECORD_FIELDS",
    "MAX_RECORD_ITEMS",
    "MAX_SAFETENSORS_HEADER_BYTES",
    "MAX_SEGMENT_BYTES",
    "MAX_SHARDS",
    "MAX_SHARD_LEVELS",
    "MAX_SIGNATURES",
    "MAX_SIGNATURE_BYTES",
    "MAX_SIGNED_POLICY_BYTES",
    "MAX_STATE_BYTES",
    "MAX_STATE_ENTRIES",
    "MAX_SUMMARY_BYTES",
    "MAX_TENSORS",
    "MAX_TENSOR_DIMENSIONS",
    "MAX_TORCH_DIRECTORY_BYTES",
    "MAX_TORCH_MEMBERS",
    "MAX_TREE_DEPTH",
    "MAX_TREE_ENTRIES",
    "MAX_VOTE_STEPS",
    "MAX_VOTE_TRIPLES",
    "MIN_BLOCK_BYTES",
    "NUMBER_BOUND",
]

#: Largest document (signed payload, policy, report) that is read; what is larger stands in files.
MAX_DOCUMENT_BYTES: Final = 64 * 1024 * 1024

#: Largest bundle that is read: the largest payload in base64, its signature and its certificates.
MAX_BUNDLE_BYTES: Final = 96 * 1024 * 1024

#: Deepest nesting of arrays and objects; a manifest needs about 12 levels.
MAX_DEPTH: Final = 64

#: Longest JSON Pointer that is read; a path through `MAX_DEPTH` ordinary names is far shorter.
MAX_POINTER_CHARACTERS: Final = 16_384

#: JSON numbers of our documents lie strictly below this in magnitude: every integer there is exact.
NUMBER_BOUND: Final = 2**53

#: Longest text of a number, as a JSON token or inside `{"number": …}`; a 1,024-bit integer fits.
MAX_NUMBER_CHARACTERS: Final = 400

#: Largest magnitude of the exponent inside `{"number": …}`, as written.
MAX_EXPONENT: Final = 9999

#: Most signatures of an envelope that are read at all; ours has exactly one.
MAX_SIGNATURES: Final = 16

#: Longest single signature in bytes; ML-DSA-87 has 4,627.
MAX_SIGNATURE_BYTES: Final = 16_384

#: Most files and folders that one tree may hold.
MAX_TREE_ENTRIES: Final = 4_000_000

#: Most segments of one path below the root of a tree.
MAX_TREE_DEPTH: Final = 128

#: Longest name (relative path of a file, or name of a tensor), in UTF-8 bytes; Linux ends there.
MAX_NAME_BYTES: Final = 4096

#: Longest segment of a path, in UTF-8 bytes; common file systems end there.
MAX_SEGMENT_BYTES: Final = 255

#: Longest Git LFS pointer; its specification says less than 1,024 bytes.
MAX_LFS_POINTER_BYTES: Final = 1023

#: Largest `SHA256SUMS` that is read: 4,000,000 names of 60 bytes.
MAX_LISTING_BYTES: Final = 512 * 1024 * 1024

#: Largest inventory file that is read: 4,000,000 entries with two digests.
MAX_INVENTORY_BYTES: Final = 1024 * 1024 * 1024

#: Largest header of a safetensors file: room for `MAX_TENSORS`. The format itself allows 100 MB.
MAX_SAFETENSORS_HEADER_BYTES: Final = 32 * 1024 * 1024

#: Most tensors of one file, and of one model; the largest models have 210,000 (each expert of each
#: layer, with its scales).
MAX_TENSORS: Final = 262_144

#: Most dimensions of a tensor; frameworks end at 64.
MAX_TENSOR_DIMENSIONS: Final = 64

#: Most digests of one thing: each known algorithm once, and room for unknown ones.
MAX_DIGESTS: Final = 32

#: Longest inclusion proof that is read, in bytes of JSON: MAX_PROOF_HASHES in hexadecimal.
MAX_PROOF_BYTES: Final = 8192

#: Most hashes of an inclusion proof: enough for 2^63 leaves.
MAX_PROOF_HASHES: Final = 63

#: Largest proof file, in bytes: names whose every byte is escaped, and hashes on every level.
MAX_PROOF_FILE_BYTES: Final = 65_536

#: Most levels of shards above the trees of a dataset: 4,000,000 shards of as many files each.
MAX_SHARD_LEVELS: Final = 2

#: Most digests that a digest cache keeps; the oldest are dropped. 120 bytes each on disk.
MAX_CACHE_ENTRIES: Final = 1_000_000

#: Smallest block of a file that has a digest of its own, in bytes.
MIN_BLOCK_BYTES: Final = 64 * 1024

#: Largest block, in bytes: as much is held in memory while a stream is checked.
MAX_BLOCK_BYTES: Final = 1024 * 1024 * 1024

#: Most blocks of one file: 4 TiB in blocks of 1 MiB, and a list of 128 MiB.
MAX_BLOCKS: Final = 4_194_304

#: Largest record, in bytes of its canonical encoding, its line, or all members of a sample.
MAX_RECORD_BYTES: Final = 256 * 1024 * 1024

#: Deepest nesting of lists and structs in a record.
MAX_RECORD_DEPTH: Final = 64

#: Most fields of one struct of a record.
MAX_RECORD_FIELDS: Final = 65_536

#: Most items of one list of a record.
MAX_RECORD_ITEMS: Final = 16_777_216

#: Largest alignment of the data of a GGUF file, in bytes; the largest page of a common system.
MAX_GGUF_ALIGNMENT: Final = 65_536

#: Deepest nesting of arrays in the metadata of a GGUF file; writers make one level.
MAX_GGUF_ARRAY_DEPTH: Final = 4

#: Most dimensions of a tensor in a GGUF file; the format ends there.
MAX_GGUF_DIMENSIONS: Final = 4

#: Largest header of a GGUF file: a vocabulary of over 500,000 tokens with its merges.
MAX_GGUF_HEADER_BYTES: Final = 64 * 1024 * 1024

#: Longest key in the metadata of a GGUF file, in bytes; the format ends there.
MAX_GGUF_KEY_BYTES: Final = 65_535

#: Most fields of an ONNX file that are looked at: over 300,000 initializers.
MAX_ONNX_FIELDS: Final = 4_000_000

#: Most bytes of elements in typed fields of an ONNX file; writers of models use raw bytes.
MAX_ONNX_TYPED_BYTES: Final = 64 * 1024 * 1024

#: Most shards that one index of safetensors files may name.
MAX_SHARDS: Final = 10_000

#: Largest directory of a `torch.save` file, in bytes.
MAX_TORCH_DIRECTORY_BYTES: Final = 64 * 1024 * 1024

#: Most members of a `torch.save` file.
MAX_TORCH_MEMBERS: Final = 1_000_000

#: Largest file of certificates, in bytes: a whole web root store has 250 KiB.
MAX_CERTIFICATE_FILE_BYTES: Final = 1024 * 1024

#: Most certificates of one file.
MAX_CERTIFICATE_FILE_ENTRIES: Final = 512

#: Most certificates of one chain, leaf and anchor included; private CAs have 2 to 4.
MAX_CHAIN_CERTIFICATES: Final = 16

#: Most whole chains that are validated for one leaf, before it is refused.
MAX_CHAIN_PATHS: Final = 16

#: Most pairs of certificate and possible issuer that are tried for one leaf.
MAX_CHAIN_STEPS: Final = 256

#: Most comparisons of a name in a certificate with a name constraint, for one chain.
MAX_NAME_COMPARISONS: Final = 65_536

#: Largest trust policy that is read, in bytes: 1,024 signers with keys, and long lists of what is
#: revoked.
MAX_POLICY_BYTES: Final = 4 * 1024 * 1024

#: Most signers of a trust policy, and most names in one of its lists.
MAX_POLICY_SIGNERS: Final = 1_024

#: Most roles of a trust policy; the format has five.
MAX_POLICY_ROLES: Final = 16

#: Most requirements of a trust policy; a manifest has fewer kinds of facts.
MAX_POLICY_REQUIREMENTS: Final = 1_000

#: Most revoked keys, and most revoked artifacts, of a trust policy.
MAX_POLICY_REVOCATIONS: Final = 16_384

#: Most versions of a signed policy that one update goes through, and most signatures of each.
MAX_POLICY_UPDATES: Final = 64

#: Largest signed policy, in bytes: one bundle for each signature.
MAX_SIGNED_POLICY_BYTES: Final = 64 * 1024 * 1024

#: Most signatures, as name, person and key, that hang together of which every choice is counted.
MAX_VOTE_TRIPLES: Final = 40

#: Most steps of that search; then the best choice found so far counts.
MAX_VOTE_STEPS: Final = 20_000

#: Most entries (model name and signer) of a verifier's memory of releases.
MAX_STATE_ENTRIES: Final = 4_096

#: Largest file of a verifier's memory: that many entries with several signers each.
MAX_STATE_BYTES: Final = 16 * 1024 * 1024

#: Largest summary of a verification (in-toto) that is checked, in bytes; ours have 2 KB.
MAX_SUMMARY_BYTES: Final = 1024 * 1024

#: Largest trusted root of a Sigstore instance, in bytes; the public one has 7 KB.
MAX_TRUSTED_ROOT_BYTES: Final = 4 * 1024 * 1024

#: Largest file whose signature covers its bytes and not a digest of them (Ed25519), in bytes.
MAX_SIGNED_MESSAGE_BYTES: Final = 1024 * 1024 * 1024
