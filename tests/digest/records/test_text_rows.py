"""JSON Lines and CSV: one dialect each, and nothing that two readers read differently."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest

from provenance.canonical import MAX_DOCUMENT_BYTES
from provenance.digest.records import hash_records
from provenance.digest.records.encoding import encode_record
from provenance.digest.records.sources import encoded_records
from provenance.errors import ProvenanceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def read(folder: Path, name: str, data: bytes, columns: Sequence[str] | None = None) -> list[bytes]:
    path = folder / name
    path.write_bytes(data)
    return list(encoded_records(path, columns=columns))


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b'{"a":1}\n{"a":1,"a":1}\n', "json-duplicate-key"),
        (b'{"a":1}\n\n{"a":1}\n', "json-syntax"),
        (b'{"a":1}{"a":2}\n', "json-syntax"),
        (b'{"a":"\xff"}\n', "json-encoding"),
        (b'\xef\xbb\xbf{"a":1}\n', "json-encoding"),
        (b'{"a":NaN}\n', "json-number"),
        (b'{"a":1e999}\n', "json-number"),
        (b'{"a":"\\ud800"}\n', "json-surrogate"),
        (b"[" * 65 + b"]" * 65, "json-depth"),
        (b'{"a":\n1}\n', "json-syntax"),
        (b'[{"a":1},{"a":2}]\n', "records-malformed"),
        (b'{"a":1}\n[1]\n', "records-malformed"),
        (b"[\n", "json-syntax"),
    ],
    ids=[
        "key-twice", "empty-line", "two-values", "not-utf8", "byte-order-mark", "nan", "infinite",
        "surrogate", "deep", "two-lines", "array-of-records", "array", "open-array",
    ],
)  # fmt: skip
def test_refuses_lines_that_are_no_strict_json(tmp_path: Path, data: bytes, code: str) -> None:
    with pytest.raises(ProvenanceError) as caught:
        read(tmp_path, "a.jsonl", data)
    assert caught.value.code == code
    assert "a.jsonl:" in caught.value.path


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"a,b\n1\n",
        b"a,b\n1,2,3\n",
        b"a,b\n1,2\n\n3,4\n",
        b"a,a\n1,2\n",
        b'a\n"x\n',
        b'a\n"x"y\n',
        b'a\nx"y"\n',
        b'a\n"x" \n',
        b"a,b\n1,\r2\n",
        b"a\n\xff\n",
        b"\xef\xbb\xbfa\n1\n",
    ],
    ids=[
        "empty", "short-row", "long-row", "empty-row", "header-twice", "open-quote", "after-quote",
        "quote-inside", "blank-after-quote", "carriage-return", "not-utf8", "byte-order-mark",
    ],
)  # fmt: skip
def test_refuses_rows_that_break_the_dialect(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(ProvenanceError) as caught:
        read(tmp_path, "a.csv", data)
    assert caught.value.code == "records-malformed"
    assert "a.csv" in caught.value.path


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_refuses_a_line_that_is_too_long(tmp_path: Path, name: str) -> None:
    with (tmp_path / name).open("wb") as file:
        file.truncate(MAX_DOCUMENT_BYTES + 1)  # a hole: it takes no room on the disk
    with pytest.raises(ProvenanceError) as caught:
        list(encoded_records(tmp_path / name))
    assert caught.value.code == "records-malformed"


def test_lines_are_the_values_in_memory(tmp_path: Path) -> None:
    rows = [
        {"a": 1, "b": [None, True, 1.5, "é"], "c": {"d": -(2**70)}},
        {"a": 0.5, "b": [], "c": {}},
    ]
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\r\n" for row in rows).encode()
    expected = [encode_record(row) for row in rows]
    assert read(tmp_path, "a.jsonl", lines) == expected
    assert read(tmp_path, "b.jsonl", lines.removesuffix(b"\r\n")) == expected
    assert read(tmp_path, "c.jsonl", lines, ["a"]) == [encode_record({"a": n}) for n in (1, 0.5)]


def test_a_token_with_a_point_or_an_exponent_is_a_double(tmp_path: Path) -> None:
    found = read(tmp_path, "a.jsonl", b"1\n1.0\n1e0\n-0.0\n-0\n")
    assert found == [encode_record(value) for value in (1, 1.0, 1.0, 0.0, 0)]


def test_columns_of_a_line_must_be_there(tmp_path: Path) -> None:
    for line in (b'{"a":1}\n', b"[1]\n"):
        with pytest.raises(ProvenanceError) as caught:
            read(tmp_path, "a.jsonl", line, ["b"])
        assert caught.value.code == "records-malformed"


def test_fields_of_csv_are_text(tmp_path: Path) -> None:
    data = b'a,"b ""c"""\r\n1,\r\n"x,\r\n""y""",\xc3\xa9'
    rows = [{"a": "1", 'b "c"': ""}, {"a": 'x,\r\n"y"', 'b "c"': "é"}]
    assert read(tmp_path, "a.csv", data) == [encode_record(row) for row in rows]
    assert read(tmp_path, "a.csv", b"a\n1\n\n") == [
        encode_record({"a": "1"}),
        encode_record({"a": ""}),
    ]
    assert read(tmp_path, "a.csv", b"a\n") == []


def test_place_of_a_row_counts_lines_inside_quotes(tmp_path: Path) -> None:
    with pytest.raises(ProvenanceError) as caught:
        read(tmp_path, "a.csv", b'a,b\n"x\n\ny",1\n1\n')
    assert caught.value.path.endswith("a.csv:5")


def test_tabs_end_the_fields_of_tsv(tmp_path: Path) -> None:
    rows = [encode_record({"a": "1,2", "b": 'x\t"'}), encode_record({"a": "", "b": "y"})]
    assert read(tmp_path, "a.tsv", b'a\tb\n1,2\t"x\t"""\n\ty\r\n') == rows
    for data in (b"", b"a\tb\n1\n", b"a\ta\n1\t2\n", b'a\tb\n1\tx"\n', b'a\n"x\n'):
        with pytest.raises(ProvenanceError) as caught:
            read(tmp_path, "a.tsv", data)
        assert caught.value.code == "records-malformed"


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.tsv"])
def test_text_may_be_compressed(tmp_path: Path, name: str) -> None:
    data = b'{"a":1}\n{"a":2}\n' if name == "a.jsonl" else b"a\n1\n2\n"
    plain = read(tmp_path, name, data)
    half = len(data) // 2
    packed = gzip.compress(data[:half]) + gzip.compress(data[half:])
    assert read(tmp_path, f"{name}.gz", packed) == plain
    (tmp_path / name).unlink()
    assert hash_records(tmp_path).count == len(plain)
    for damaged in (packed[:-4], packed + b"more", b"x" + packed, data, b"\x1f\x8b", b""):
        with pytest.raises(ProvenanceError) as caught:
            read(tmp_path, f"{name}.gz", damaged)
        assert caught.value.code == "records-malformed"
        assert f"{name}.gz" in caught.value.path


def test_what_expands_to_one_endless_line_is_refused_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provenance.digest.records.jsonl.MAX_DOCUMENT_BYTES", 100_000)
    with pytest.raises(ProvenanceError, match="more than 100000 bytes"):
        read(tmp_path, "a.jsonl.gz", gzip.compress(bytes(50_000_000)))


def test_other_compressed_files_are_told(tmp_path: Path) -> None:
    for name in ("a.tar.gz", "a.parquet.gz", "a.gz"):
        with pytest.raises(UsageError, match=r"only csv, jsonl, tsv are read; .*--container"):
            read(tmp_path, name, b"")


def test_json_lines_and_csv_of_text_are_one_dataset(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"b":"2","a":"1"}\n')
    (tmp_path / "a.csv").write_bytes(b"a,b\n1,2\n")
    assert hash_records(tmp_path / "a.jsonl") == hash_records(tmp_path / "a.csv")
