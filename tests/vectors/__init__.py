"""Generators of `spec/vectors/`: one function or row per vector, over a shared kit.

- `kit`: what a vector is, and how one is written down
- `formulas`: digests, trees and canonical JSON, written from `spec/` and not from the library
- `signers`: the fixed test keys, statements and bundles
- `releases`: whole releases to break
- one module per group of vectors

Nothing here uses the library under test: keys come from `cryptography`, hashes from `hashlib` and
`blake3`, everything else is spelt out, so that a vector does not merely repeat the library's opinion.
"""
