"""Columns of every type: as the values in memory, wherever they come from."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from provenance.digest.records.sources import encoded_records
from provenance.errors import DigestError

if TYPE_CHECKING:
    from pathlib import Path

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

INTERVAL = pa.month_day_nano_interval()
INNER = pa.struct([("x", INTERVAL)])
MAP = pa.map_(pa.string(), pa.int32())


def nothings(count: int) -> Any:  # noqa: ANN401 - a pyarrow table
    """Return a table whose one row is a list of many nulls, which take no bytes."""
    return pa.table({"a": pa.ListArray.from_arrays([0, count], pa.nulls(count))})


def table() -> Any:  # noqa: ANN401 - a pyarrow table
    return pa.table(
        {
            "binary": pa.array([b"1", b"", None]),
            "boolean": pa.array([True, False, None]),
            "date32": pa.array([1, -2, None], pa.date32()),
            "date64": pa.array([86_400_000, None, 0], pa.date64()),
            "decimal": pa.array([Decimal("1.50"), None, Decimal(-200)], pa.decimal128(10, 2)),
            "dictionary": pa.array(["p", None, "p"]).dictionary_encode(),
            "duration": pa.array([1, -2, None], pa.duration("s")),
            "fixed": pa.array([b"12", b"34", None], pa.binary(2)),
            "float16": pa.array([1.5, None, float("nan")], pa.float16()),
            "float32": pa.array([0.1, 1, 2], pa.float32()),
            "int8": pa.array([1, None, -128], pa.int8()),
            "large": pa.array(["x", "é", "z"], pa.large_string()),
            "list": pa.array([[1, 2], None, []]),
            "map": pa.array([[("k", 1), ("a", 2)], None, []], pa.map_(pa.string(), pa.int32())),
            "null": pa.nulls(3),
            "pair": pa.array([[1, 2], None, [3, 4]], pa.list_(pa.int16(), 2)),
            "struct": pa.array([{"b": 1, "a": None}, None, {"b": None, "a": "x"}]),
            "structs": pa.array([[{"a": 1}, None], [], None]),
            "text": pa.array(["a", "é", None]),
            "time32": pa.array([1, 2, None], pa.time32("s")),
            "time64": pa.array([1000, 2000, None], pa.time64("ns")),
            "timestamp": pa.array([1, 2, None], pa.timestamp("ms")),
            "uint64": pa.array([2**64 - 1, 0, 5], pa.uint64()),
            "zoned": pa.array([1, 2, None], pa.timestamp("us", "Europe/Zurich")),
        }
    )


def rows() -> list[dict[str, object]]:
    made: list[dict[str, object]] = table().drop_columns(["map"]).to_pylist()
    for row, value in zip(made, ({"k": 1, "a": 2}, None, {}), strict=True):
        row["map"] = value
    return made


def encoded(source: object) -> list[bytes]:
    return list(encoded_records(source))


@pytest.mark.parametrize(
    ("column", "match"),
    [
        (lambda: pa.array([(1, 2, 3)], INTERVAL), "month_day_nano"),
        (lambda: pa.array([[(1, 2)]], pa.map_(pa.int32(), pa.int32())), "keys are int32"),
        (lambda: pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1])]), "union"),
        (lambda: pa.array(["a"], pa.string_view()), "string_view"),
        (lambda: pa.array([[{"x": (1, 2, 3)}]], pa.list_(INNER)), "interval"),
    ],
    ids=["interval", "map-of-numbers", "union", "view", "inside"],
)  # fmt: skip
def test_a_type_without_an_encoding_names_its_column(column: Any, match: str) -> None:  # noqa: ANN401 - makes an array
    with pytest.raises(DigestError, match=match) as caught:
        encoded(pa.table({"good": [1], "bad": column()}))
    assert caught.value.code == "records-unsupported"
    assert caught.value.path.startswith("table: bad")


@pytest.mark.parametrize(
    ("source", "match"),
    [
        (lambda: pa.table([pa.array([1]), pa.array([2])], names=["a", "a"]), "twice"),
        (lambda: pa.table({"a": pa.array([[("k", 1), ("k", 2)]], MAP)}), "twice"),
        (lambda: pa.table({"a": pa.array([1], pa.date64())}), "whole number of days"),
        (lambda: pa.table({"a": pa.array([b"\xff"]).view(pa.string())}), "cannot be read"),
        (lambda: nothings(1 << 24), "bytes"),
        (lambda: nothings((1 << 24) + 1), "items"),
        (lambda: pa.table({"a": [1]}).select([]), "no columns"),
    ],
    ids=["name-twice", "key-twice", "half-a-day", "not-utf8", "free-items", "long-list", "none"],
)  # fmt: skip
def test_refuses_what_breaks_a_rule(source: Any, match: str) -> None:  # noqa: ANN401 - makes a table
    with pytest.raises(DigestError, match=match) as caught:
        encoded(source())
    assert caught.value.code == "records-malformed"


def test_every_type_is_as_in_memory() -> None:
    assert encoded(table()) == encoded(rows())


def test_slices_and_chunks_do_not_matter() -> None:
    whole = pa.concat_tables([table()] * 3)
    every = encoded(table()) * 3
    for start in range(9):
        assert encoded(whole.slice(start, 4)) == every[start : start + 4]
        assert encoded(whole.combine_chunks().slice(start, 4)) == every[start : start + 4]


def test_dictionaries_and_runs_count_as_their_values() -> None:
    plain = pa.array(["a", "a", None, "b"])
    runs = pa.RunEndEncodedArray.from_arrays([2, 3, 4], pa.array(["a", None, "b"]))
    forms = [plain, plain.dictionary_encode(), runs, plain.cast(pa.large_string())]
    assert len({tuple(encoded(pa.table({"x": form}))) for form in forms}) == 1
    assert encoded(pa.table({"x": runs}).slice(1, 2)) == encoded(pa.table({"x": plain}).slice(1, 2))


def test_widths_and_units_do_not_matter() -> None:
    for kinds in (
        [pa.int8(), pa.uint8(), pa.int64(), pa.uint64()],
        [pa.float16(), pa.float32(), pa.float64()],
        [pa.timestamp(unit) for unit in ("s", "ms", "us", "ns")],
        [pa.timestamp(unit, zone) for unit, zone in (("s", "UTC"), ("ns", "+02:00"))],
        [pa.decimal128(9, 2), pa.decimal256(50, 4)],
        [pa.date32(), pa.date64()],
    ):
        value: object = datetime(2020, 1, 2) if pa.types.is_temporal(kinds[0]) else 7  # noqa: DTZ001 - the case
        if pa.types.is_timestamp(kinds[0]) and kinds[0].tz:
            value = datetime(2020, 1, 2, tzinfo=UTC)
        made = {encoded(pa.table({"x": pa.array([value], kind)}))[0] for kind in kinds}
        assert len(made) == 1, kinds


def test_a_float32_is_the_double_of_the_same_value_not_of_the_same_text() -> None:
    single, double = (
        pa.table({"x": pa.array([0.1], kind)}) for kind in (pa.float32(), pa.float64())
    )
    assert encoded(single) != encoded(double)


@pytest.mark.parametrize("group", [1, 2, 3])
@pytest.mark.parametrize("dictionary", [True, False])
def test_parquet_is_as_in_memory(tmp_path: Path, group: int, dictionary: bool) -> None:  # noqa: FBT001 - a case
    path = tmp_path / "a.parquet"
    pq.write_table(table(), path, row_group_size=group, use_dictionary=dictionary)
    assert encoded(path) == encoded(rows())


def test_arrow_files_and_streams_are_as_in_memory(tmp_path: Path) -> None:
    with pa.ipc.new_file(tmp_path / "a.arrow", table().schema) as writer:
        writer.write_table(table(), max_chunksize=2)
    with pa.ipc.new_stream(tmp_path / "b.arrow", table().schema) as writer:
        writer.write_table(table())
    assert encoded(tmp_path / "a.arrow") == encoded(tmp_path / "b.arrow") == encoded(rows())


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow", "b.arrow"])
def test_damaged_files_are_refused_and_never_a_traceback(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "a.parquet":
        pq.write_table(table(), path)
    else:
        new = pa.ipc.new_file if name == "a.arrow" else pa.ipc.new_stream
        with new(path, table().schema) as writer:
            writer.write_table(table())
    good = path.read_bytes()
    for at in range(0, len(good), max(1, len(good) // 150)):
        for damaged in (good[:at], good[:at] + bytes([good[at] ^ 0x55]) + good[at + 1 :]):
            path.write_bytes(damaged)
            try:
                encoded(path)
            except DigestError as error:
                assert error.code in {"records-malformed", "records-unsupported"}  # noqa: PT017 - may pass as well


@pytest.mark.parametrize("columns", [["text", "int8"], ["int8", "text"]])
def test_chosen_columns_alone_count(tmp_path: Path, columns: list[str]) -> None:
    pq.write_table(table(), tmp_path / "a.parquet")
    expected = encoded(table().select(["int8", "text"]))
    for source in (table(), rows(), tmp_path / "a.parquet"):
        assert list(encoded_records(source, columns=columns)) == expected
        with pytest.raises(DigestError, match=r"no column|0 columns"):
            list(encoded_records(source, columns=["absent"]))


def test_a_large_dictionary_is_not_encoded_for_every_batch() -> None:
    values = pa.array([f"value {number}" for number in range(50_000)])
    indices = pa.array([number % 7 for number in range(50_000)], pa.int32())
    column = pa.DictionaryArray.from_arrays(indices, values)
    found = encoded(pa.table({"x": column}))
    assert found == encoded(pa.table({"x": column.dictionary_decode()}))
