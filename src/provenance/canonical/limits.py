"""Every limit of this library on what untrusted input may ask for.

A limit is checked before the work that it bounds. What is larger is refused by name, with a finding
code. Source: the sections "Limits" of the files under `spec/`. No I/O.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "MAX_BUNDLE_BYTES",
    "MAX_DEPTH",
    "MAX_DIGESTS",
    "MAX_DOCUMENT_BYTES",
    "MAX_EXPONENT",
    "MAX_INVENTORY_BYTES",
    "MAX_LISTING_BYTES",
    "MAX_NAME_BYTES",
    "MAX_NUMBER_CHARACTERS",
    "MAX_POINTER_CHARACTERS",
    "MAX_PROOF_BYTES",
    "MAX_PROOF_HASHES",
    "MAX_SAFETENSORS_HEADER_BYTES",
    "MAX_SEGMENT_BYTES",
    "MAX_SIGNATURES",
    "MAX_SIGNATURE_BYTES",
    "MAX_TENSOR_DIMENSIONS",
    "MAX_TREE_DEPTH",
    "MAX_TREE_ENTRIES",
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

#: Largest `SHA256SUMS` that is read: 4,000,000 names of 60 bytes.
MAX_LISTING_BYTES: Final = 512 * 1024 * 1024

#: Largest inventory file that is read: 4,000,000 entries with two digests.
MAX_INVENTORY_BYTES: Final = 1024 * 1024 * 1024

#: Largest header of a safetensors file: over 300,000 tensors. The format itself allows 100 MB.
MAX_SAFETENSORS_HEADER_BYTES: Final = 32 * 1024 * 1024

#: Most dimensions of a tensor; frameworks end at 64.
MAX_TENSOR_DIMENSIONS: Final = 64

#: Most digests of one thing: each known algorithm once, and room for unknown ones.
MAX_DIGESTS: Final = 32

#: Longest inclusion proof that is read, in bytes of JSON: MAX_PROOF_HASHES in hexadecimal.
MAX_PROOF_BYTES: Final = 8192

#: Most hashes of an inclusion proof: enough for 2^63 leaves.
MAX_PROOF_HASHES: Final = 63
