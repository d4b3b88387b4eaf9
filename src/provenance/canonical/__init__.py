"""The only door for untrusted JSON: a strict reader, and the RFC 8785 writer.

- `limits`: every limit of this library on untrusted input, named
- `reader`: bytes to values; `hooks` finds faults and their places on the way
- `writer`: values to the one canonical form
- `exact_numbers`: `{"number": "…"}`, for what a JSON number cannot hold
- `pointers`: JSON Pointers

Whatever the input, only `CanonicalError` leaves. No I/O, no network. Source:
`spec/canonical-encoding.md`.
"""

from __future__ import annotations

from provenance.canonical.exact_numbers import decode_number, encode_number
from provenance.canonical.limits import (
    MAX_BLOCK_BYTES,
    MAX_BLOCKS,
    MAX_BUNDLE_BYTES,
    MAX_CACHE_ENTRIES,
    MAX_DEPTH,
    MAX_DIGESTS,
    MAX_DOCUMENT_BYTES,
    MAX_EXPONENT,
    MAX_GGUF_ALIGNMENT,
    MAX_GGUF_ARRAY_DEPTH,
    MAX_GGUF_DIMENSIONS,
    MAX_GGUF_HEADER_BYTES,
    MAX_GGUF_KEY_BYTES,
    MAX_INVENTORY_BYTES,
    MAX_LFS_POINTER_BYTES,
    MAX_LISTING_BYTES,
    MAX_NAME_BYTES,
    MAX_NUMBER_CHARACTERS,
    MAX_ONNX_FIELDS,
    MAX_ONNX_TYPED_BYTES,
    MAX_POINTER_CHARACTERS,
    MAX_PROOF_BYTES,
    MAX_PROOF_FILE_BYTES,
    MAX_PROOF_HASHES,
    MAX_RECORD_BYTES,
    MAX_RECORD_DEPTH,
    MAX_RECORD_FIELDS,
    MAX_RECORD_ITEMS,
    MAX_SAFETENSORS_HEADER_BYTES,
    MAX_SEGMENT_BYTES,
    MAX_SHARD_LEVELS,
    MAX_SHARDS,
    MAX_SIGNATURE_BYTES,
    MAX_SIGNATURES,
    MAX_TENSOR_DIMENSIONS,
    MAX_TORCH_DIRECTORY_BYTES,
    MAX_TORCH_MEMBERS,
    MAX_TREE_DEPTH,
    MAX_TREE_ENTRIES,
    MIN_BLOCK_BYTES,
    NUMBER_BOUND,
)
from provenance.canonical.pointers import join_pointer, resolve_pointer, split_pointer
from provenance.canonical.reader import JsonValue, parse, parse_canonical
from provenance.canonical.writer import JsonInput, write

__all__ = [
    "MAX_BLOCKS",
    "MAX_BLOCK_BYTES",
    "MAX_BUNDLE_BYTES",
    "MAX_CACHE_ENTRIES",
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
    "MAX_NUMBER_CHARACTERS",
    "MAX_ONNX_FIELDS",
    "MAX_ONNX_TYPED_BYTES",
    "MAX_POINTER_CHARACTERS",
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
    "MAX_TENSOR_DIMENSIONS",
    "MAX_TORCH_DIRECTORY_BYTES",
    "MAX_TORCH_MEMBERS",
    "MAX_TREE_DEPTH",
    "MAX_TREE_ENTRIES",
    "MIN_BLOCK_BYTES",
    "NUMBER_BOUND",
    "JsonInput",
    "JsonValue",
    "decode_number",
    "encode_number",
    "join_pointer",
    "parse",
    "parse_canonical",
    "resolve_pointer",
    "split_pointer",
    "write",
]
