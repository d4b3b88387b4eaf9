"""`spec/manifest.md` says what the classes do."""

from __future__ import annotations

import re

import pytest

from provenance import manifest
from provenance.canonical import MAX_DEPTH, MAX_DOCUMENT_BYTES
from provenance.digest import typed_root
from provenance.digest.algorithms import MAX_DIGESTS
from provenance.digest.inventory import file_entry
from provenance.findings import CODES
from provenance.manifest import Document, FileTree, Release, parse_manifest, wire_fields
from provenance.manifest.base import MAX_MEMBERS
from provenance.manifest.extensions import MAX_EXTENSION_VALUES
from provenance.manifest.fields import MAX_ITEMS
from provenance.manifest.frozen import MAX_FREE_VALUES
from provenance.manifest.reading import MAX_UNKNOWN_FIELDS
from support.examples import example
from support.source import REPOSITORY

PAGE = (REPOSITORY / "spec" / "manifest.md").read_text(encoding="utf-8")
PROSE = re.sub(r"<!-- example.*?<!-- end -->", "", PAGE, flags=re.DOTALL)


def test_rules_are_numbered_without_a_hole() -> None:
    numbers = [int(number) for number in re.findall(r"\[R-MAN-(\d+)\]", PAGE)]
    assert numbers == list(range(1, len(numbers) + 1))


def test_every_class_has_its_table_and_no_table_lacks_a_class() -> None:
    tables = re.findall(r"<!-- fields: (\w+) -->", PAGE)
    classes = {
        name
        for name in manifest.__all__
        if isinstance(kind := getattr(manifest, name), type) and issubclass(kind, Document)
    }
    assert sorted(tables) == sorted(classes - {"Document", "Predicate"})


def test_finding_codes_of_the_page_exist() -> None:
    codes = set(re.findall(r"`([a-z0-9]+(?:-[a-z0-9]+)+)`", PROSE))
    values = set(re.findall(r'`"([a-z-]+)"`', PAGE))  # values of fields that look like codes
    assert codes - values - set(CODES) <= {"text-generation", "training-provenance"}


def test_links_within_the_page_lead_somewhere() -> None:
    headings = {
        re.sub(r"[^\w\- ]", "", line).strip().lower().replace(" ", "-")
        for line in re.findall(r"^#+ (.*)$", PROSE, flags=re.MULTILINE)
    }
    assert set(re.findall(r"\]\(#([\w-]+)\)", PROSE)) <= headings


@pytest.mark.parametrize(
    "limit",
    [
        f"| signed payload | {MAX_DOCUMENT_BYTES // 2**20} MiB |",
        f"| nesting | {MAX_DEPTH} levels |",
        f"| members of an object outside free objects | {MAX_MEMBERS:,} |",
        f"| items of a list | {MAX_ITEMS:,};",
        f"in one free object, in `origins` and in `extensions` | {MAX_FREE_VALUES:,} each |",
        f"| unknown fields of a newer minor version | {MAX_UNKNOWN_FIELDS:,} |",
        f"| digests of one thing | {MAX_DIGESTS} |",
        f"more than {MAX_EXTENSION_VALUES:,} values",
    ],
)
def test_limits_are_those_of_the_code(limit: str) -> None:
    assert limit in PROSE


def test_roots_of_the_example_follow_from_its_entries() -> None:
    document = parse_manifest(example("manifest-v1")).document
    trees: list[FileTree | Release] = [document.release, *document.datasets]
    for tree in trees:
        entries = [
            file_entry(entry.path, entry.size, entry.digest["blake3"]) for entry in tree.inventory
        ]
        assert tree.files == typed_root("file", entries)
    weights = next(saved for saved in document.training.checkpoints if saved.id == "c300")  # type: ignore[union-attr]  # the example has training
    assert weights.tensors == document.release.tensors


def test_no_line_of_the_prose_is_too_long() -> None:
    long = [line for line in PROSE.splitlines() if len(line) > 120 and not line.startswith("|")]
    assert long == []


def test_example_shows_every_part_of_a_manifest() -> None:
    missing = set(wire_fields(manifest.Manifest)) - set(example("manifest-v1"))
    assert missing == {"expiresAt", "replaces", "critical", "extensions"}
