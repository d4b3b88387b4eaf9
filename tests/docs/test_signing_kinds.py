"""The table of kinds and operations: every cell names a test, and every test is there."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from support.source import REPOSITORY

PAGE = (REPOSITORY / "docs/reference/signing-kinds.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith("|")
]
#: Each footnote with the test that it names.
FOOTNOTES = re.findall(r"^\[\^([\w-]+)\]: `([^`]+)`$", PAGE, re.MULTILINE)
TESTS = dict(FOOTNOTES)
COLUMNS = (
    "kind",
    "make a key",
    "sign",
    "timestamp",
    "co-sign",
    "verify here",
    "other tools verify",
)


@cache
def names_in(file: str) -> frozenset[str]:
    """Return the tests of a file, with their classes, as pytest names them."""
    tree = ast.parse((REPOSITORY / file).read_text(encoding="utf-8"))
    found = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef):
            inner = (item for item in node.body if isinstance(item, ast.FunctionDef))
            found |= {f"{node.name}::{item.name}" for item in inner}
    return frozenset(name for name in found if name.rpartition("::")[2].startswith("test_"))


def test_table_has_every_operation() -> None:
    header, rule, *rows = ROWS
    assert tuple(header) == COLUMNS
    assert set("".join(rule)) == {"-"}
    assert len(rows) >= 12
    assert {len(row) for row in rows} == {len(COLUMNS)}


@pytest.mark.parametrize("row", ROWS[2:], ids=lambda row: row[0])
def test_every_cell_names_a_test(row: list[str]) -> None:
    for column, cell in zip(COLUMNS[1:], row[1:], strict=True):
        named = re.findall(r"\[\^([\w-]+)\]", cell)
        assert named, f"{row[0]}, {column}: no test"
        assert set(named) <= set(TESTS)


@pytest.mark.parametrize("test", TESTS.values(), ids=TESTS.keys())
def test_named_test_is_there(test: str) -> None:
    file, _, name = test.partition("::")
    assert name in names_in(file)


def test_every_footnote_is_used_and_stands_there_once() -> None:
    assert len(FOOTNOTES) == len(TESTS) == len(re.findall(r"^\[\^", PAGE, re.MULTILINE))
    text = re.sub(r"^\[\^.*$", "", PAGE, flags=re.MULTILINE)
    assert set(re.findall(r"\[\^([\w-]+)\]", text)) == set(TESTS)
