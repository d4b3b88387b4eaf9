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
    MAX_BUNDLE_BYTES,
    MAX_DEPTH,
    MAX_DIGESTS,
    MAX_DOCUMENT_BYTES,
    MAX_EXPONENT,
    MAX_INVENTORY_BYTES,
    MAX_LISTING_BYTES,
    MAX_NAME_BYTES,
    MAX_NUMBER_CHARACTERS,
    MAX_POINTER_CHARACTERS,
    MAX_PROOF_BYTES,
    MAX_PROOF_HASHES,
    MAX_SAFETENSORS_HEADER_BYTES,
    MAX_SEGMENT_BYTES,
    MAX_SIGNATURE_BYTES,
    MAX_SIGNATURES,
    MAX_TENSOR_DIMENSIONS,
    MAX_TREE_DEPTH,
    MAX_TREE_ENTRIES,
    NUMBER_BOUND,
)
from provenance.canonical.pointers import join_pointer, resolve_pointer, split_pointer
from provenance.canonical.reader import JsonValue, parse, parse_canonical
from provenance.canonical.writer import JsonInput, write

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
