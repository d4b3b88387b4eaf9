"""What `spec/digests.md` shows of records is what the code computes."""

from __future__ import annotations

import re
from pathlib import Path

from blake3 import blake3

from provenance import canonical
from provenance.digest import leaf_hash
from provenance.digest.records import (
    CONTAINERS,
    ENCODING,
    MultisetHash,
    encode_record,
    hash_records,
)

PAGE = (Path(__file__).parents[3] / "spec" / "digests.md").read_text(encoding="utf-8")
START = PAGE.index("## Record encodings")
TEXT = PAGE[START : PAGE.index("\n## ", START)]
VALUES = dict(re.findall(r"^\| ([\w ,]+) \| `([0-9a-f]+)` \|$", TEXT, re.MULTILINE))
RECORDS = [{"id": 1, "text": "café"}, {"id": 2, "text": None}, {"id": 1, "text": "café"}]


def test_values_of_the_example_are_those_shown() -> None:
    digests = []
    for number, record in enumerate(RECORDS):
        encoding = encode_record(record)
        digests.append(blake3(encoding).digest())
        if number < 2:
            assert VALUES[f"encoding of record {number}"] == encoding.hex()
            assert VALUES[f"digest of record {number}"] == digests[-1].hex()
            assert VALUES[f"leaf of record {number}"] == leaf_hash("record", digests[-1]).hex()
            one = MultisetHash()
            one.update(digests[-1:])
            assert (
                VALUES[f"element of record {number}, first 16 bytes"] == one.to_bytes()[8:24].hex()
            )
    every = MultisetHash()
    every.update(digests)
    state = every.to_bytes()[8:]
    assert VALUES["state, first 16 bytes"] == state[:16].hex()
    assert VALUES["BLAKE3 of the state"] == blake3(state).hexdigest()
    for name, records in (("the", RECORDS), ("no", [])):
        made = hash_records(records)
        assert VALUES[f"root of {name} records"] == made.root.root
        assert VALUES[f"set of {name} records"] == made.multiset


def test_names_and_rules_are_on_the_page() -> None:
    assert f"The encoding `{ENCODING}`" in TEXT
    assert all(f"`{container}`" in TEXT for container in CONTAINERS)
    numbers = [int(number) for number in re.findall(r"\[R-DIGEST-(\d+)\]", TEXT)]
    assert numbers == [67, 68, 69, 70, 71, 72]
    for name in ("MAX_RECORD_BYTES", "MAX_RECORD_DEPTH", "MAX_RECORD_FIELDS", "MAX_RECORD_ITEMS"):
        assert f"| {getattr(canonical, name):,} | `records-malformed` |" in PAGE
