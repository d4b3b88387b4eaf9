"""Step 23, records: shuffles and other files are told apart from other content."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from provenance.digest import hash_records
from support.crafted import CraftedRelease, file_root, write_tree
from support.reports import errors_of, expect

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from provenance.verification import Report

    Look = Callable[..., Report]

ROWS = [b'{"id":1}\n', b'{"id":2}\n', b'{"id":2}\n', b'{"id":3}\n']
SIGNED = {"data-0.jsonl": b"".join(ROWS[:2]), "data-1.jsonl": b"".join(ROWS[2:])}
RESHARDED = {"data.jsonl": b"".join(ROWS)}
SHUFFLED = {"data.jsonl": b"".join(reversed(ROWS))}
CHANGED = {"data.jsonl": b"".join(ROWS).replace(b"3", b"4")}
BROKEN = {"data.jsonl": b"".join(ROWS) + b"{"}

RECORDS = ("recordTree", "recordSet")


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Path]:
    """Return what writes a release whose first dataset is bound by these fields alone."""

    def make_release(*fields: str, signed: Mapping[str, bytes] = SIGNED, **changes: Any) -> Path:  # noqa: ANN401 - members of a dataset
        made = hash_records(write_tree(tmp_path / "signed", signed)).to_tree()
        bound: dict[str, Any] = {**made, "files": file_root(signed)}

        def edit(tree: dict[str, Any]) -> None:
            dataset = tree["datasets"][0]
            for name in ("files", "inventory", "records", "bytes"):
                dataset.pop(name, None)
            dataset.update({name: bound[name] for name in fields}, **changes)

        return CraftedRelease(edit_manifest=edit).write(tmp_path / "model")

    return make_release


@pytest.fixture
def hold(tmp_path: Path) -> Callable[[Mapping[str, bytes]], Path]:
    """Return what writes the files that a caller holds."""
    return lambda files: write_tree(tmp_path / "held", files)


def codes_at(report: Report) -> set[tuple[str, str]]:
    """Return (code, path) of every finding about the first dataset's content."""
    return {
        (finding.code, finding.path.removeprefix("/datasets/0"))
        for finding in report.findings
        if finding.path in {"/datasets/0", "/datasets/0/recordTree", "/datasets/0/recordSet"}
        and finding.code.startswith(("evidence-", "records-"))
    }


def rung_of(report: Report) -> str | None:
    return {fact.path: fact.rung for fact in report.facts}["/datasets/0"]


DIFFERENT = {
    "records changed": (CHANGED, RECORDS, ("records-differ", "/recordSet")),
    "records changed, order signed alone": (
        CHANGED, ("recordTree",), ("records-differ", "/recordTree"),
    ),
    "records changed, set signed alone": (
        CHANGED, ("recordSet",), ("records-differ", "/recordSet"),
    ),
    "a record less": (
        {"data.jsonl": b"".join(ROWS[:3])}, RECORDS, ("records-differ", "/recordSet"),
    ),
    "a repeated record once": (
        {"data.jsonl": b"".join([ROWS[0], *ROWS[2:]])}, RECORDS, ("records-differ", "/recordSet"),
    ),
    "no records": ({"data.jsonl": b""}, RECORDS, ("records-differ", "/recordSet")),
    "another order": (SHUFFLED, RECORDS, ("records-reordered", "/recordTree")),
    "another order, order signed alone": (
        SHUFFLED, ("recordTree",), ("records-differ", "/recordTree"),
    ),
    "broken": (BROKEN, RECORDS, ("records-differ", "/recordTree")),
    "broken, set signed alone": (BROKEN, ("recordSet",), ("records-differ", "/recordSet")),
}  # fmt: skip


@pytest.mark.parametrize("case", DIFFERENT)
def test_other_records_are_a_contradiction(
    case: str, make: Callable[..., Path], hold: Callable[..., Path], look: Look
) -> None:
    files, fields, (code, path) = DIFFERENT[case]
    report = look(make(*fields), datasets={"raw": hold(files)})
    assert report.verdict == "FAIL"
    assert codes_at(report) >= {(code, path)}
    assert errors_of(report) == [(code, f"/datasets/0{path}")]
    assert rung_of(report) == "bound"
    assert "evidence-not-supplied" not in {code for code, _ in codes_at(report)}


@pytest.mark.parametrize(
    "case",
    [
        pytest.param((("recordTree",), SIGNED), id="tree equal, set another"),
        pytest.param((("files",), SIGNED), id="files equal, set another"),
        pytest.param((("files", *RECORDS), RESHARDED), id="records equal, files others"),
    ],
)
def test_what_agrees_in_one_way_alone_backs_nothing(
    case: tuple[tuple[str, ...], Mapping[str, bytes]],
    make: Callable[..., Path],
    hold: Callable[..., Path],
    look: Look,
    tmp_path: Path,
) -> None:
    fields, files = case
    other = hash_records(write_tree(tmp_path / "other", CHANGED)).to_tree()
    others = {} if "recordSet" in fields else {"recordSet": other["recordSet"]}
    folder = make(*fields, **others)
    report = look(folder, datasets={"raw": hold(files)})
    assert (report.verdict, rung_of(report)) == ("FAIL", "bound")


@pytest.mark.parametrize("fields", [RECORDS, RECORDS[:1], RECORDS[1:]], ids=["both", "tree", "set"])
def test_files_beside_records_are_said_to_be_unread(
    fields: tuple[str, ...], make: Callable[..., Path], hold: Callable[..., Path], look: Look
) -> None:
    held = hold({**SIGNED, "evil.json": b"{}", "evil.jsonl.zst": b"x", "sub/evil.py": b""})
    report = look(make(*fields), datasets={"raw": held})
    expect(report, "PASS", "records-matched", "records-files-unread")
    (line,) = [line for line in report.not_checked if "other files" in line]
    assert "3 other files" in line
    assert "'evil.json'" in line
    (held / "evil.jsonl").write_bytes(b"{}\n")
    assert look(make(*fields), datasets={"raw": held}).verdict == "FAIL"


def test_files_that_are_signed_are_all_accounted_for(
    make: Callable[..., Path], hold: Callable[..., Path], look: Look
) -> None:
    signed = {**SIGNED, "README": b"all"}
    folder = make("files", *RECORDS, signed=SIGNED, files=file_root(signed))
    report = look(folder, datasets={"raw": hold(signed)})
    expect(report, "PASS", "records-matched", "evidence-matched")
    assert "records-files-unread" not in report.codes()


def test_broken_signed_files_hold_what_was_signed(
    make: Callable[..., Path], hold: Callable[..., Path], look: Look
) -> None:
    folder = make(*RECORDS, files=file_root(BROKEN))
    report = look(folder, datasets={"raw": hold(BROKEN)})
    expect(report, "PASS", "records-not-compared", "evidence-matched")


def test_signed_digests_that_contradict_each_other_are_found(
    make: Callable[..., Path], hold: Callable[..., Path], look: Look, tmp_path: Path
) -> None:
    other = hash_records(write_tree(tmp_path / "other", CHANGED)).to_tree()
    folder = make("files", recordSet=other["recordSet"])
    report = look(folder, datasets={"raw": hold(SIGNED)})
    assert codes_at(report) == {("evidence-matched", ""), ("records-differ", "/recordSet")}
    assert report.verdict == "FAIL"


OTHER_FILES = {
    "resharded": (RESHARDED, "records-resharded", "in the same order, in other files"),
    "shuffled": (SHUFFLED, "records-reordered", "in another order, in other files"),
}


@pytest.mark.parametrize("case", OTHER_FILES)
def test_same_records_in_other_files_stay_an_error_of_the_files(
    case: str,
    make: Callable[..., Path],
    hold: Callable[..., Path],
    look: Look,
) -> None:
    files, code, words = OTHER_FILES[case]
    report = look(make("files", *RECORDS), datasets={"raw": hold(files)})
    assert report.verdict == "FAIL"
    assert codes_at(report) >= {("evidence-mismatch", ""), (code, "/recordTree")}
    messages = [finding.message for finding in report.findings if finding.code == code]
    assert messages == [f"dataset 'raw': the same records {words} (4 records)"]


def test_set_alone_tells_of_other_files(
    make: Callable[..., Path], hold: Callable[..., Path], look: Look
) -> None:
    report = look(make("files", "recordSet"), datasets={"raw": hold(SHUFFLED)})
    assert ("records-resharded", "/recordSet") in codes_at(report)
    assert errors_of(report) == [("evidence-mismatch", "/datasets/0")]


@pytest.mark.parametrize("fields", [RECORDS, RECORDS[:1], RECORDS[1:]], ids=["both", "tree", "set"])
def test_records_in_hand_are_matched_whatever_the_files(
    fields: tuple[str, ...], make: Callable[..., Path], hold: Callable[..., Path], look: Look
) -> None:
    folder = make(*fields)
    assert rung_of(look(folder)) == "bound"
    held = hold(SHUFFLED if fields == ("recordSet",) else RESHARDED)
    report = look(folder, datasets={"raw": held / "data.jsonl"})
    expect(report, "PASS", "records-matched")
    assert "evidence-unbound" not in report.codes()
    assert rung_of(report) == "matched"


def test_files_and_records_are_both_matched(
    make: Callable[..., Path], hold: Callable[..., Path], look: Look
) -> None:
    report = look(make("files", *RECORDS), datasets={"raw": hold(SIGNED)})
    expect(report, "PASS", "records-matched", "evidence-matched")


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({"data.bin": b"x"}, id="no container"),
        pytest.param({"a.jsonl": b"{}\n", "b.csv": b"x\n"}, id="two containers"),
    ],
)
def test_what_nobody_can_read_as_records_is_said(
    files: Mapping[str, bytes], make: Callable[..., Path], hold: Callable[..., Path], look: Look
) -> None:
    report = look(make(*RECORDS, files=file_root(files)), datasets={"raw": hold(files)})
    assert report.verdict == "PASS"
    assert ("records-not-compared", "/recordTree") in codes_at(report)


def test_other_encoding_is_not_compared(
    make: Callable[..., Path], hold: Callable[..., Path], look: Look
) -> None:
    bound = {"count": 4, "digest": "0" * 64, "encoding": "records-v9"}
    report = look(make("recordTree", recordSet=bound), datasets={"raw": hold(SIGNED)})
    expect(report, "PASS", "records-not-compared")
    assert rung_of(report) == "bound"
    assert any("'records-v9'" in line for line in report.not_checked)


def test_missing_extra_is_named(
    make: Callable[..., Path],
    hold: Callable[..., Path],
    look: Look,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = make(*RECORDS)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    report = look(folder, datasets={"raw": hold({"data.parquet": b"PAR1"})})
    expect(report, "PASS", "records-not-compared")
    assert any("training-provenance[records]" in line for line in report.not_checked)


def test_stopping_while_records_are_read_is_a_fault(
    make: Callable[..., Path],
    hold: Callable[..., Path],
    look: Look,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "provenance.verification.supplied_records.hash_records",
        lambda source, **_: hash_records(source, deadline=0.0),
    )
    report = look(make(*RECORDS), datasets={"raw": hold(SIGNED)})
    expect(report, "ERROR", "deadline")


def test_another_compression_and_another_number_of_files_are_told_apart(
    make: Callable[..., Path], look: Look, tmp_path: Path
) -> None:
    pa = pytest.importorskip("pyarrow", reason="needs the extra `records`")
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra `records`")
    table = pa.table({"id": list(range(100)), "text": [str(number) for number in range(100)]})
    (tmp_path / "held").mkdir()
    parquet.write_table(table, tmp_path / "all.parquet", compression="none")
    for number, start in enumerate((0, 60)):
        part = table.slice(start, 60)
        parquet.write_table(part, tmp_path / f"held/part-{number}.parquet", compression="zstd")
    signed = {"all.parquet": (tmp_path / "all.parquet").read_bytes()}
    folder = make("files", *RECORDS, signed=signed)
    report = look(folder, datasets={"raw": tmp_path / "held"})
    assert codes_at(report) == {("evidence-mismatch", ""), ("records-resharded", "/recordTree")}
    report = look(folder, datasets={"raw": tmp_path / "all.parquet"})
    assert codes_at(report) == {("evidence-matched", ""), ("records-matched", "/recordTree")}
    assert rung_of(report) == "matched"
