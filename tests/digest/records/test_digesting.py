"""The digests of whole datasets: what changes them, and what does not."""

from __future__ import annotations

import time
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.digest import check_inclusion, prove_inclusion
from provenance.digest.records import (
    RecordComparison,
    RecordDigest,
    compare_records,
    hash_records,
    record_digests,
)
from provenance.errors import DigestError, InputError, MissingExtraError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

ROWS: list[dict[str, Any]] = [{"id": n, "text": f"text {n}", "tags": [n % 3]} for n in range(20)]

CELLS = (
    st.none() | st.integers(-3, 3) | st.text(max_size=2) | st.floats(-1, 1).map(lambda x: x + 0.0)
)
TABLES = st.lists(
    st.fixed_dictionaries({"a": CELLS, "b": CELLS, "c": st.lists(CELLS, max_size=2)}),
    min_size=1,
    max_size=5,
)


@pytest.mark.parametrize(
    ("name", "match"),
    [("a.txt", "container"), ("a.json", "container"), ("a.tar.gz", "container")],
)
def test_a_name_that_says_nothing_is_a_usage_error(tmp_path: Path, name: str, match: str) -> None:
    (tmp_path / name).write_bytes(b"{}\n")
    with pytest.raises(UsageError, match=match):
        hash_records(tmp_path / name)
    assert hash_records(tmp_path / name, format="jsonl").count == 1


@pytest.mark.parametrize("source", [7, None, object()], ids=["number", "none", "object"])
def test_what_holds_no_records_is_a_usage_error(source: object) -> None:
    with pytest.raises(UsageError, match="holds no records"):
        hash_records(source)


def test_refuses_what_is_asked_for_in_vain(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no container"):
        hash_records(tmp_path, format="excel")
    with pytest.raises(UsageError, match="only files"):
        hash_records(ROWS, format="csv")
    with pytest.raises(DigestError, match="no file of records"):
        hash_records(tmp_path)
    (tmp_path / "a.csv").write_bytes(b"a\n")
    (tmp_path / "a.jsonl").write_bytes(b"")
    with pytest.raises(UsageError, match="several containers: csv, jsonl"):
        hash_records(tmp_path)
    with pytest.raises(DigestError, match="expected a mapping") as caught:
        hash_records([{"a": 1}, 2])
    assert caught.value.path == "record 1"


def test_follows_no_link_below_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"1\n")
    (tmp_path / "b.jsonl").symlink_to(tmp_path / "a.jsonl")
    with pytest.raises(DigestError) as caught:
        hash_records(tmp_path)
    assert caught.value.code == "link-found"
    assert hash_records(tmp_path / "b.jsonl").count == 1  # the caller named it


def test_a_missing_file_and_a_spent_deadline_are_faults(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        hash_records(tmp_path / "a.jsonl")
    with pytest.raises(InputError, match="time allowed"):
        hash_records(ROWS, deadline=time.monotonic() - 1)
    with pytest.raises(InputError, match="stopped"):
        hash_records(ROWS, cancelled=lambda: True)


def test_without_pyarrow_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    for name in ("a.parquet", "a.arrow"):
        (tmp_path / name).write_bytes(b"")
        with pytest.raises(MissingExtraError, match=r"training-provenance\[records\]"):
            hash_records(tmp_path / name)


def test_encodings_that_differ_cannot_be_compared() -> None:
    made = hash_records(ROWS)
    with pytest.raises(DigestError, match="cannot be compared"):
        compare_records(made, RecordDigest(made.count, made.root, made.multiset, "records-v2"))


def test_shuffles_are_told_apart_from_changes() -> None:
    made = hash_records(ROWS)
    assert compare_records(made, hash_records(ROWS)) is RecordComparison.SAME
    assert compare_records(made, hash_records(ROWS[::-1])) is RecordComparison.REORDERED
    for changed in (ROWS[1:], [*ROWS, ROWS[0]], [*ROWS[1:], ROWS[1]]):
        assert compare_records(made, hash_records(changed)) is RecordComparison.DIFFERENT
    assert made.to_tree() == {
        "recordTree": made.root.to_tree(),
        "recordSet": {"count": 20, "digest": made.multiset, "encoding": "records-v1"},
    }


def test_no_records_have_digests_too() -> None:
    made = hash_records([])
    assert (made.count, made.root.size) == (0, 0)


@pytest.mark.property
@given(TABLES, st.data())
def test_every_changed_cell_changes_both_digests(table: list[dict[str, Any]], data: Any) -> None:  # noqa: ANN401 - hypothesis's
    row = data.draw(st.integers(0, len(table) - 1))
    name = data.draw(st.sampled_from(["a", "b", "c"]))
    old = table[row][name]
    new = data.draw(
        (CELLS | st.lists(CELLS, max_size=2)).filter(lambda new: repr(new) != repr(old))
    )
    changed = [dict(cells) for cells in table]
    changed[row][name] = new
    one, other = hash_records(table), hash_records(changed)
    assert one.root != other.root
    assert one.multiset != other.multiset


@pytest.mark.property
@given(st.permutations(ROWS[:6]), st.integers(0, 6))
def test_shuffles_and_shards_keep_the_set(rows: list[dict[str, Any]], at: int) -> None:
    assert hash_records(rows).multiset == hash_records(ROWS[:6]).multiset
    parts = (row for part in (rows[at:], rows[:at]) for row in part)
    assert hash_records(parts).multiset == hash_records(ROWS[:6]).multiset


def test_containers_of_one_dataset_have_one_digest(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    json = pytest.importorskip("json")
    made = hash_records(ROWS)
    table = pa.Table.from_pylist(ROWS)
    for size in (1, 7, 20):
        pq.write_table(table, tmp_path / f"{size}.parquet", row_group_size=size)
        assert hash_records(tmp_path / f"{size}.parquet") == made
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    assert hash_records(tmp_path / "a.jsonl") == made
    assert hash_records(table) == hash_records(table.to_batches()[0]) == made
    shards = tmp_path / "shards"
    shards.mkdir()
    for number in range(4):
        pq.write_table(table.slice(number * 5, 5), shards / f"part-{number}.parquet")
    (shards / "README.md").write_text("not data")
    assert hash_records(shards) == made
    assert hash_records(sorted(shards.glob("*.parquet"))) == made
    reordered = hash_records(sorted(shards.glob("*.parquet"), reverse=True))
    assert compare_records(made, reordered) is RecordComparison.REORDERED


def test_a_hugging_face_dataset_is_its_rows(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    made = hash_records(ROWS)
    dataset = datasets.Dataset.from_list(ROWS)
    assert hash_records(dataset) == made
    shuffled = hash_records(dataset.shuffle(seed=1))
    assert compare_records(made, shuffled) is RecordComparison.REORDERED
    chosen = hash_records(dataset, columns=["id"])
    assert chosen == hash_records([{"id": row["id"]} for row in ROWS])
    dataset.save_to_disk(tmp_path / "saved")
    assert hash_records(tmp_path / "saved") == made


def test_a_record_is_proved_to_be_in_a_dataset() -> None:
    entries = list(record_digests(ROWS))
    proof = prove_inclusion("record", entries, 7)
    check_inclusion(hash_records(ROWS).root, entries[7], proof)
    with pytest.raises(DigestError):
        check_inclusion(hash_records(ROWS).root, entries[8], proof)


def test_progress_counts_every_record() -> None:
    done: list[int] = []
    hash_records(({"n": n} for n in range(3000)), progress=done.append)
    assert sum(done) == 3000


def test_memory_does_not_grow_with_the_dataset(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text":"' + b"x" * 1000 + b'"}\n' + b"")
    line = path.read_bytes()
    path.write_bytes(line * 20_000)
    tracemalloc.start()
    try:
        hash_records(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < path.stat().st_size / 2
