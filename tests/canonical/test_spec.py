"""What `spec/canonical-encoding.md` shows is what the code does."""

from __future__ import annotations

import hashlib
import re
from decimal import Decimal
from pathlib import Path

import pytest

from provenance import canonical
from provenance.errors import CanonicalError
from provenance.findings import CODES

TEXT = (Path(__file__).parents[2] / "spec" / "canonical-encoding.md").read_text(encoding="utf-8")
FENCES = re.findall(r"^```\w*\n(.*?)\n```$", TEXT, re.DOTALL | re.MULTILINE)


def section(title: str) -> str:
    return re.split(r"^#", TEXT.partition(f"# {title}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def rows(title: str) -> list[list[str]]:
    """Return the cells of the tables of a section, without code marks and heads."""
    lines = re.findall(r"^\| (.*) \|$", section(title), re.MULTILINE)
    return [[cell.strip().strip("`") for cell in line.split(" | ")] for line in lines]


def test_example_has_the_canonical_form_and_the_digest_that_stand_below_it() -> None:
    document, form, digest = FENCES[:3]
    written = canonical.write(canonical.parse(document.encode()))
    assert written.decode() == form
    assert hashlib.sha256(written).hexdigest() == digest
    assert f"has {len(written)} bytes" in TEXT


def test_wire_forms_are_those_of_the_table() -> None:
    table = [row for row in rows("Exact numbers") if row[0] not in {"value", "name", "number"}]
    shown = [row for row in table if len(row) == 3]
    assert len(shown) >= 15
    for value, wire, _ in shown:
        assert canonical.write(canonical.encode_number(Decimal(value))).decode() == wire


def test_spellings_of_the_table_are_refused() -> None:
    table = [row for row in rows("Exact numbers") if len(row) == 2 and row[0] != "text"]
    assert len(table) >= 15
    for text, _ in table:
        with pytest.raises(CanonicalError) as caught:
            canonical.decode_number({"number": text})
        assert caught.value.code == "json-number"


def test_open_verdicts_are_those_that_the_test_fixes() -> None:
    source = (Path(__file__).parent / "test_outside_vectors.py").read_text(encoding="utf-8")
    fixed = re.findall(r'^    "(i_.*)": \("(.*)", "(.*)"\),$', source, re.MULTILINE)
    table = [row for row in rows("Verdicts that RFC 8259 leaves open") if row[0].startswith("i_")]
    assert len(table) == 35
    assert [tuple(cell.replace("ok", "") for cell in row) for row in table] == fixed


def test_limits_are_those_of_the_code() -> None:
    values = {f"{value:,}" for name, value in vars(canonical).items() if name.isupper()}
    table = [row for row in rows("Limits") if row[0] != "limit"]
    assert len(table) == 7
    assert {row[1] for row in table} <= values


def test_codes_are_registered_and_anchors_are_counted() -> None:
    named = set(re.findall(r"`((?:json|payload)-[a-z-]+)`", TEXT))
    assert named <= set(CODES)
    anchors = [int(number) for number in re.findall(r"\[R-CANON-(\d+)\]", TEXT)]
    assert anchors == list(range(1, len(anchors) + 1))
