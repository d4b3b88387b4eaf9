"""`provenance records`: the digests of records, and how two datasets relate."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from provenance.cli.records import DIFFERENT
from provenance.digest.records import CONTAINERS, RecordComparison, hash_records
from provenance.errors import DigestError
from support.source import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import Command


@pytest.fixture
def data(work: Path) -> Path:
    """Return a JSON Lines file, beside others with the rows shuffled and changed."""
    rows = [b'{"a":1,"b":"x"}\n', b'{"a":2,"b":"y"}\n', b'{"a":3,"b":"z"}\n']
    (work / "a.jsonl").write_bytes(b"".join(rows))
    (work / "shuffled.jsonl").write_bytes(b"".join(reversed(rows)))
    (work / "changed.jsonl").write_bytes(b"".join(rows).replace(b'"z"', b'"Z"'))
    (work / "bad.jsonl").write_bytes(b'{"a":1,"a":2}\n')
    (work / "plain").write_bytes(rows[0])
    return work / "a.jsonl"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["bad.jsonl"], 4, "bad.jsonl:1"),
        (["absent.jsonl"], 4, "cannot be read"),
        (["absent"], 4, "cannot be read"),
        (["a.jsonl", "absent"], 4, "cannot be read"),
        (["a.jsonl", "--compare", "absent"], 4, "cannot be read"),
        (["a.jsonl", "--compare", "bad.jsonl"], 4, "bad.jsonl:1"),
        (["bad.jsonl", "--compare", "a.jsonl"], 4, "bad.jsonl:1"),
        (["plain"], 2, "--container"),
        (["a.jsonl", "--columns", "c", "--compare", "a.jsonl"], 4, "no column 'c'"),
        (["https://host/a.jsonl"], 2, "https://host/a.jsonl: this command takes no URL"),
        (["a.jsonl", "--compare", "s3://b/a.jsonl"], 2, "download it first"),
        (["a.jsonl", "--container", "excel"], 2, "excel"),
        (["a.jsonl", "--columns", "c"], 4, "no column 'c'"),
        (["a.jsonl", "--container", "parquet"], 4, "cannot be read"),
        (["a.jsonl", "--container", "webdataset"], 4, "cut off"),
        ([], 2, "PATH"),
    ],
    ids=lambda value: " ".join(value) or "nothing" if isinstance(value, list) else None,
)
def test_says_in_one_line_what_is_wrong(
    cli: Command, data: Path, arguments: list[str], code: int, message: str
) -> None:
    assert data.exists()
    shown = cli("records", *arguments)
    assert shown.code == code
    assert shown.err.startswith("error: ")
    assert shown.err.count("\n") == 1
    assert message in shown.err


def test_digests_are_those_of_the_library(cli: Command, data: Path) -> None:
    made = hash_records(data)
    shown = cli("records", "a.jsonl")
    assert shown.out.splitlines() == [
        f"tree     {made.root.root} (3 records)",
        f"set      {made.multiset}",
        "encoding records-v1",
    ]
    found = json.loads(cli("records", "a.jsonl", "--format", "json").out)
    assert found == {"paths": ["a.jsonl"], **made.to_tree()}
    chosen = json.loads(cli("records", "a.jsonl", "--columns", "b", "--format", "json").out)
    assert chosen["recordTree"] == hash_records(data, columns=["b"]).root.to_tree()


@pytest.mark.parametrize(
    ("other", "relation", "code"),
    [
        ("a.jsonl", "same order and content", 0),
        ("shuffled.jsonl", "same records in another order", 0),
        ("changed.jsonl", "different content", 1),
    ],
)
def test_a_shuffle_is_told_apart_from_a_change(
    cli: Command, data: Path, other: str, relation: str, code: int
) -> None:
    assert data.exists()
    shown = cli("records", "a.jsonl", "--compare", other)
    assert shown.code == code
    assert shown.out.splitlines()[-1] == f"relation {relation}"
    found = json.loads(cli("records", "a.jsonl", "--compare", other, "--format", "json").out)
    assert found["relation"] == relation
    assert found["other"]["paths"] == [other]
    found.setdefault("difference")
    page = (REPOSITORY / "docs" / "reference" / "json-output.md").read_text(encoding="utf-8")
    section = page.split("\n## provenance records\n")[1].split("\n## ")[0]
    assert set(found) == set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))


def test_what_differs_is_counted_and_the_first_place_named(cli: Command, data: Path) -> None:
    assert data.exists()
    shown = cli("records", "a.jsonl", "--compare", "changed.jsonl")
    assert shown.out.splitlines()[-3:-1] == [
        "differ   1 of PATH are not in OTHER, 1 of OTHER are not in PATH",
        "first    record 2 (from 0): b",
    ]
    found = json.loads(
        cli("records", "a.jsonl", "--compare", "changed.jsonl", "--format", "json").out
    )
    assert found["difference"] == {
        "fields": ["b"], "first": 2, "onlyInOther": 1, "onlyInPaths": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("csv", "code", "said"),
    [
        (b"a,b\n1,x\n2,y\n3,z\n", 3, "fields of CSV are text; in the other, a is numbers"),
        (b"a,b\n1,x\n2,y\n", 1, ""),
    ],
    ids=["as-many", "fewer"],
)
def test_text_of_csv_is_not_compared_with_types(
    cli: Command, data: Path, csv: bytes, code: int, said: str
) -> None:
    (data.parent / "a.csv").write_bytes(csv)
    for one, other in (("a.jsonl", "a.csv"), ("a.csv", "a.jsonl")):
        shown = cli("records", one, "--compare", other)
        assert (shown.code, said in shown.err) == (code, True)
        relation = "not comparable" if code == 3 else "different content"
        assert shown.out.splitlines()[-1] == f"relation {relation}"
    same = cli("records", "a.jsonl", "--columns", "b", "--compare", "a.csv")
    assert same.code == (0 if code == 3 else 1)


def test_tabs_in_a_csv_are_warned_of(cli: Command, work: Path) -> None:
    (work / "a.csv").write_bytes(b"a\tb\n1\t2\n")
    shown = cli("records", "a.csv")
    assert (shown.code, shown.err.startswith("warning: a.csv: the header is one column")) == (
        0,
        True,
    )
    assert cli("records", "a.csv", "--container", "tsv").err == ""


@pytest.mark.parametrize("code", ["records-unsupported", "digest-format"])
def test_what_has_no_encoding_cannot_be_compared(
    cli: Command, data: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    assert data.exists()

    def refuse(*_: object, **__: object) -> object:
        raise DigestError(problem="has no encoding", code=code)

    monkeypatch.setattr("provenance.digest.records.compare_records", refuse)
    shown = cli("records", "a.jsonl", "--compare", "a.jsonl")
    assert (shown.code, shown.out, shown.err) == (3, "", "error: has no encoding\n")


def test_containers_are_those_of_the_library(cli: Command) -> None:
    assert f"[{'|'.join(CONTAINERS)}]" in "".join(cli("records", "--help").out.split())


def test_word_for_a_difference_is_that_of_the_library() -> None:
    assert str(RecordComparison.DIFFERENT) == DIFFERENT


@pytest.mark.parametrize("command", ["digest", "records", "show", "diff", "inventory root"])
def test_missing_path_is_an_error_of_reading(cli: Command, command: str) -> None:
    arguments = command.split() + ["nowhere"] * (2 if command == "diff" else 1)
    shown = cli(*arguments)
    assert (shown.code, shown.out) == (4, "")
    assert "cannot be read: No such file" in shown.err
