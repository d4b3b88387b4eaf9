"""Objects in memory as records: what is refused, and one content in many objects."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import override

from provenance.digest.records import RecordDigest, hash_records
from provenance.digest.records.digesting import hash_encoded_records
from provenance.digest.records.objects import record_object
from provenance.errors import DigestError

if TYPE_CHECKING:
    from pathlib import Path

datasets = pytest.importorskip("datasets")
pd = pytest.importorskip("pandas")
pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")


def digest(value: object) -> RecordDigest:
    return hash_encoded_records(record_object(value).open())


class Items:
    """A map-style dataset as torch has it."""

    def __init__(self, items: list[Any]) -> None:
        """Keep the items."""
        self.items = items

    def __len__(self) -> int:
        """Return their number."""
        return len(self.items)

    def __getitem__(self, index: int) -> object:
        """Return one."""
        return self.items[index]


class Tensor:
    """A tensor as torch has it, for what the encoding looks at."""

    dtype = "torch.float32"

    def __init__(self, values: object) -> None:
        """Keep the values."""
        self.values = values

    def tolist(self) -> object:
        return self.values


class Broken(Items):
    """One that fails."""

    @override
    def __getitem__(self, index: int) -> object:
        """Fail."""
        raise RuntimeError("the image is damaged")


class Augmented(Items):
    """One whose items are made anew each time."""

    @override
    def __getitem__(self, index: int) -> object:
        """Return something else each time."""
        return time.perf_counter_ns()


class LazyFrame:
    """A query that polars has not run."""


def pictures(values: list[Any], feature: object = None) -> Any:  # noqa: ANN401 - a dataset
    """Return a dataset with a column of pictures, as a download has it."""
    features = datasets.Features({"image": feature or datasets.Image()})
    table = pa.table({"image": pa.array(values, features.arrow_schema.field("image").type)})
    return datasets.Dataset(table, info=datasets.DatasetInfo(features=features))


TABLE: dict[str, list[Any]] = {
    "id": [1, 2, 3],
    "text": ["café", None, ""],
    "score": [0.5, -0.0, 1e300],
    "seen": [True, False, True],
    "raw": [b"\x00\xff", b"", b"x"],
    "day": [date(2024, 2, 29), None, date(1969, 12, 31)],
    "at": [datetime(2024, 1, 1, tzinfo=UTC), None, datetime(1970, 1, 1, tzinfo=UTC)],
    "price": [Decimal("1.50"), Decimal(0), None],
    "tags": [["a"], [], None],
    "who": [{"name": "Ada", "age": 36}, {"name": None, "age": None}, {"name": "Bo", "age": 1}],
}

REFUSED = {
    "stream of Hugging Face": datasets.Dataset.from_dict({"a": [1]}).to_iterable_dataset(),
    "generator": ({"a": n} for n in range(2)),
    "reader of Arrow batches": pa.RecordBatchReader.from_batches(pa.schema([]), []),
    "lazy frame": LazyFrame(),
    "text": b"bytes",
    "number": 7,
    "array": np.arange(3),
    "list of paths": ["a.csv", "b.csv"],
    "empty mapping": {},
    "mapping without names": {1: [{"a": 1}]},
    "mapping of numbers": {"a": 1},
    "set": {1, 2},
    "complex column": pd.DataFrame({"a": np.array([1j, 2j])}),
    "mixed column": pd.DataFrame({"a": [1, "x", object()]}),
    "names that stand twice": pd.DataFrame([[1, 2]], columns=["a", "a"]),
    "union column": pa.table(
        {"a": pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1]), pa.array(["x"])])}
    ),
    "item of an unknown class": Items([object()]),
    "item with a complex number": Items([(1, 2j)]),
    "item that cannot be read": Broken([1]),
    "items drawn anew each time": Augmented([1]),
    "picture that lies elsewhere": pictures([{"bytes": None, "path": "/data/1.png"}]),
    "pictures in a list, one elsewhere": pictures(
        [[{"bytes": b"x", "path": None}, {"bytes": None, "path": "1.png"}]],
        datasets.List(datasets.Image()),
    ),
}


@pytest.mark.parametrize("value", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_read_in_full_is_refused(value: object) -> None:
    with pytest.raises(DigestError) as caught:
        digest(value)
    assert caught.value.code in {"records-unsupported", "records-malformed"}


def test_refusing_takes_nothing_from_a_generator() -> None:
    rows = iter([{"a": 1}, {"a": 2}])
    with pytest.raises(DigestError, match="read once"):
        record_object(rows)
    assert list(rows) == [{"a": 1}, {"a": 2}]


def test_message_names_the_column_or_record() -> None:
    with pytest.raises(DigestError, match="column type"):
        digest(REFUSED["union column"])
    with pytest.raises(DigestError) as caught:
        digest(Items([{"a": 1}, {"a": object()}]))
    assert caught.value.path == "record 1"


def test_one_content_has_one_digest_in_every_object(tmp_path: Path) -> None:
    table = pa.table(TABLE)
    expected = hash_records(
        [dict(zip(TABLE, row, strict=True)) for row in zip(*TABLE.values(), strict=True)]
    )
    path = tmp_path / "t.parquet"
    parquet.write_table(table, path)
    rows = table.to_pylist()
    objects = {
        "file": hash_records(path),
        "Arrow": digest(table),
        "Arrow in pieces": digest(pa.concat_tables([table.slice(0, 1), table.slice(1)])),
        "batch": digest(table.combine_chunks().to_batches()[0]),
        "pandas with Arrow types": digest(table.to_pandas(types_mapper=pd.ArrowDtype)),
        "datasets": digest(datasets.Dataset(table)),
        "rows": digest(rows),
        "items": digest(Items(rows)),
    }
    assert {name for name, found in objects.items() if found != expected} == set()
    assert expected.count == 3


def test_columns_of_numpy_types_agree() -> None:
    frame = pd.DataFrame(
        {"a": np.arange(4, dtype=np.int16), "b": np.array([0.1, 1, 2, 3], np.float32)}
    )
    rows = [{"a": int(a), "b": float(b)} for a, b in zip(frame.a, frame.b, strict=True)]
    assert digest(frame) == digest(rows)
    assert digest(frame) == digest(datasets.Dataset.from_pandas(frame))


def test_every_column_of_pandas_counts() -> None:
    base = {
        "c": pd.Categorical(["a", "b", "a"]),
        "t": pd.to_datetime(["2024-01-01", None, "2024-01-03"]),
        "z": pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-03"], utc=True),
        "d": pd.to_timedelta([1, 2, 3], unit="s"),
        "n": pd.array([1, None, 3], dtype="Int64"),
        "s": pd.array(["x", None, "y"], dtype="string"),
        "i": pd.arrays.IntervalArray.from_breaks([0, 1, 2, 3]),
        "p": pd.period_range("2024-01", periods=3, freq="M"),
        "h": np.array([1, 2, 3], np.float16),
    }
    frame = pd.DataFrame(base)
    roots = {digest(frame).root.root}
    for name in base:
        roots.add(digest(frame.drop(columns=name)).root.root)
        changed = frame.copy()
        changed[name] = changed[name].iloc[[0, 0, 0]].array
        roots.add(digest(changed).root.root)
    assert len(roots) == 1 + 2 * len(base)


def test_index_that_says_something_is_a_column() -> None:
    frame = pd.DataFrame({"a": [1, 2]})
    named = frame.set_index(pd.Index(["x", "y"], name="key"))
    assert digest(named) == digest([{"a": 1, "key": "x"}, {"a": 2, "key": "y"}])
    assert digest(frame) == digest([{"a": 1}, {"a": 2}])


def test_series_is_a_frame_of_one_column() -> None:
    assert digest(pd.Series([1, 2], name="a")) == digest([{"a": 1}, {"a": 2}])


def test_selection_and_order_of_a_hugging_face_dataset_count() -> None:
    whole = datasets.Dataset.from_dict({"a": list(range(10)), "b": ["x"] * 10})
    assert digest(whole.select([3, 1])) == digest([{"a": 3, "b": "x"}, {"a": 1, "b": "x"}])
    turned = digest(whole.select(range(9, -1, -1)))
    assert turned.multiset == digest(whole).multiset
    assert turned.root != digest(whole).root


def test_format_of_a_hugging_face_dataset_hides_nothing() -> None:
    whole = datasets.Dataset.from_dict({"a": [1, 2], "b": ["x", "y"]})
    assert digest(whole.with_format("numpy", columns=["a"])) == digest(whole)
    assert digest(whole.with_transform(lambda _: {"a": [0]})) == digest(whole)


def test_pictures_in_the_table_are_its_content() -> None:
    one, two = (pictures([{"bytes": data, "path": None}]) for data in (b"one", b"two"))
    assert digest(one) != digest(two)


def test_splits_are_read_in_the_order_of_their_names() -> None:
    train, test = (datasets.Dataset.from_dict({"a": part}) for part in ([1, 2], [3]))
    found = record_object(datasets.DatasetDict({"train": train, "test": test}))
    assert found.splits == (("test", 1), ("train", 2))
    assert (found.count, found.settled) == (3, True)
    assert hash_encoded_records(found.open()) == digest([{"a": 3}, {"a": 1}, {"a": 2}])


def test_items_of_a_map_style_dataset_are_values() -> None:
    found = digest(Items([(Tensor([0.5, 1.0]), 3), (np.array([2, 3], np.float32), np.int64(4))]))
    assert found.count == 2
    assert found == digest(Items([[[0.5, 1.0], 3], [[2.0, 3.0], 4]]))


@pytest.mark.parametrize(
    "value",
    [[], pd.DataFrame({"a": []}), Items([]), pa.table({"a": []})],
    ids=["list", "frame", "items", "table"],
)
def test_nothing_is_a_set_without_records(value: object) -> None:
    assert digest(value).count == 0


def test_only_what_nobody_can_change_is_settled() -> None:
    table = pa.table({"a": [1]})
    assert record_object(table).settled
    assert record_object(datasets.Dataset(table)).settled
    assert not record_object(table.to_pandas()).settled
    assert not record_object([{"a": 1}]).settled


def test_polars_frames_are_read() -> None:
    polars = pytest.importorskip("polars")
    table = pa.table({name: TABLE[name] for name in ("id", "text", "score", "tags")})
    assert digest(polars.from_arrow(table)) == digest(table)


class Frame:
    """A frame as polars has it, whose text stands in views."""

    def __init__(self, table: Any) -> None:  # noqa: ANN401 - of pyarrow
        """Keep an Arrow table."""
        self.table = table

    def __len__(self) -> int:
        """Return the number of rows."""
        return int(self.table.num_rows)

    def to_arrow(self) -> object:
        return self.table


def test_views_of_text_are_text() -> None:
    views = pa.table({"a": pa.array(["x", None], pa.string_view()), "b": [1, 2]})
    assert digest(Frame(views)) == digest([{"a": "x", "b": 1}, {"a": None, "b": 2}])


def test_digest_is_the_same_in_another_process() -> None:
    text = (
        "import pandas as pd\n"
        "from provenance.digest.records.digesting import hash_encoded_records\n"
        "from provenance.digest.records.objects import record_object\n"
        "frame = pd.DataFrame({'b': ['x', None], 'a': [1, 2]})\n"
        "print(hash_encoded_records(record_object(frame).open()).root.root)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, check=True, timeout=60
    )
    frame = pd.DataFrame({"b": ["x", None], "a": [1, 2]})
    assert ran.stdout.strip() == digest(frame).root.root


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "i": st.integers(-(2**63), 2**63 - 1),
            "f": st.floats(allow_nan=False, width=64),
            "s": st.text(st.characters(codec="utf-8"), max_size=5),
            "b": st.binary(max_size=5),
            "t": st.booleans(),
            "u": st.timedeltas(timedelta(0), timedelta(days=9)),
            "l": st.lists(st.integers(-5, 5), max_size=3),
        }
    ),
    min_size=1,
    max_size=6,
)
SCHEMA = [("i", "int64"), ("f", "float64"), ("s", "string"), ("b", "binary"), ("t", "bool_")]


@settings(max_examples=40, deadline=None)
@given(rows=ROWS)
def test_rows_agree_whatever_holds_them(rows: list[dict[str, Any]]) -> None:
    fields = [(name, getattr(pa, kind)()) for name, kind in SCHEMA]
    schema = pa.schema([*fields, ("u", pa.duration("us")), ("l", pa.list_(pa.int64()))])
    table = pa.Table.from_pylist(rows, schema=schema)
    expected = hash_records(rows)
    assert digest(table) == expected
    assert digest(table.to_pandas(types_mapper=pd.ArrowDtype)) == expected
    assert digest(datasets.Dataset(table)) == expected
    assert digest(Items(rows)) == expected
