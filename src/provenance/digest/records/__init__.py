"""Datasets as records: one digest a record, an ordered root over them, and an order-free digest.

- `encoding`: a value to its canonical bytes, the same whatever container it came from
- `columns` and `plain_columns`: the same for whole columns of Arrow arrays
- `jsonl`, `csv_rows`, `tables`, `tar_members` and `samples`: containers to encoded records
- `compressed`: the text in gzip data
- `sources`: which container, which files, in which order
- `multiset`: the digest that does not depend on the order
- `objects`: data frames, Hugging Face datasets and others in memory to encoded records
- `digesting`: `hash_records` and `compare_records`
- `fields` and `explaining`: where two datasets differ

Source: `spec/digests.md`, section "Record encodings".
"""

from __future__ import annotations

from provenance.digest.records.digesting import (
    RecordComparison,
    RecordDigest,
    compare_records,
    hash_records,
    record_digests,
)
from provenance.digest.records.encoding import ENCODING, encode_record
from provenance.digest.records.explaining import RecordDifference, find_difference, typed_fields
from provenance.digest.records.multiset import MultisetHash
from provenance.digest.records.sources import CONTAINERS, find_containers

__all__ = [
    "CONTAINERS",
    "ENCODING",
    "MultisetHash",
    "RecordComparison",
    "RecordDifference",
    "RecordDigest",
    "compare_records",
    "encode_record",
    "find_containers",
    "find_difference",
    "hash_records",
    "record_digests",
    "typed_fields",
]
