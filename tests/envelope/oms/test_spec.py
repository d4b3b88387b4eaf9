"""`spec/oms.md`: its rules are numbered, and its example is what the code computes."""

from __future__ import annotations

import re

import pytest

from provenance.canonical import MAX_TREE_ENTRIES, NUMBER_BOUND
from provenance.digest import hash_bytes
from provenance.envelope.oms import DEFAULT_EXCLUSIONS, Resource, root_digest
from provenance.envelope.oms.serialization import HASHES
from provenance.envelope.oms.statement import MAX_TEXT_CHARACTERS
from provenance.findings import CODES
from support.source import REPOSITORY

PAGE = (REPOSITORY / "spec" / "oms.md").read_text(encoding="utf-8")


def test_rules_are_numbered_without_a_hole() -> None:
    numbers = [int(number) for number in re.findall(r"\[R-OMS-(\d+)\]", PAGE)]
    assert numbers == list(range(1, len(numbers) + 1))


def test_every_code_of_oms_is_on_the_page() -> None:
    codes = {code for code in CODES if code.startswith("oms-")} - {"oms-present"}
    assert codes <= set(re.findall(r"`(oms-[a-z-]+)`", PAGE))


def test_the_root_of_the_example_is_computed() -> None:
    first, second = hash_bytes(b"{}\n", "sha256"), hash_bytes(b"", "sha256")
    assert f"`{first}`" in PAGE
    assert f"`{second}`" in PAGE
    resources = [Resource("config.json", first), Resource("weights.bin", second)]
    assert f"`{root_digest(resources)}`" in PAGE


@pytest.mark.parametrize("name", [*DEFAULT_EXCLUSIONS, *HASHES])
def test_names_of_the_code_are_on_the_page(name: str) -> None:
    assert f"`{name}`" in PAGE


@pytest.mark.parametrize(
    "line",
    [
        f"| entries of `resources`, and of `ignore_paths` | {MAX_TREE_ENTRIES:,} |",
        f"| characters of a subject's name, and of the predicate type | {MAX_TEXT_CHARACTERS:,} |",
        f"| shard size, and end of a range | below 2^{NUMBER_BOUND.bit_length() - 1} |",
    ],
)
def test_limits_are_those_of_the_code(line: str) -> None:
    assert line in PAGE
