"""Objects of a program to encoded records: Hugging Face datasets, data frames, tables, items.

Libraries are told by what an object has and by the names of its classes; none is imported but
pyarrow, which every table goes through. Nothing is sampled, cut off or left out: what has no
encoding is refused, and so is what could be read only once. Source: `spec/digests.md`, section
"Record encodings".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from provenance.digest.records.encoding import encode_record, unsupported
from provenance.digest.records.sources import encoded_records
from provenance.digest.records.tables import require_arrow
from provenance.errors import DigestError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["RecordObject", "record_object"]

#: Items of a dataset that are read twice, to find one whose items are drawn anew each time.
TWICE_READ: Final = 16

# Classes that give their records once, or never end: reading would take them from the script.
_ONCE: Final = frozenset(
    {"IterableDataset", "IterableDatasetDict", "RecordBatchReader", "LazyFrame", "Scanner"}
)


@dataclass(frozen=True, slots=True)
class RecordObject:
    """An object whose records can be read as often as one likes."""

    open: Callable[[], Iterator[bytes]]
    """Returns the encodings of its records, in order."""

    count: int | None
    """Number of records, as the object itself says."""

    settled: bool
    """Whether nobody can change it: it may be read later."""

    name: str = ""
    """What the object calls itself."""

    splits: tuple[tuple[str, int], ...] = ()
    """Names and numbers of records of its parts, in the order in which they are read."""


def record_object(value: object) -> RecordObject:
    """Return how the records of an object are read. Nothing is read yet.

    Args:
        value: A `datasets.Dataset`, a pandas or polars data frame or series, an Arrow table or
            whatever has `to_arrow` or exports an Arrow stream, a sequence of mappings, whatever
            has `__len__` and `__getitem__` as a torch dataset, or a mapping from the names of
            splits to any of these (a `datasets.DatasetDict`): their records one after another, in
            the order of the UTF-8 bytes of the names.

    Raises:
        DigestError: It can be read only once, or holds no records (`records-unsupported`).
    """
    classes = {kind.__name__ for kind in type(value).__mro__}
    if classes & _ONCE or isinstance(value, Iterator):
        raise unsupported(
            f"a {type(value).__name__} is read once, so that hashing would take its records away"
        )
    if isinstance(value, Mapping):
        return _splits(value)
    for matches, read in (
        (_is_hugging_face, _hugging_face),
        (lambda frame: _is_of(frame, "pandas"), _pandas),
        (_has("to_arrow"), lambda table: _arrow(table, table.to_arrow, settled=False)),
        (_has("to_frame"), lambda series: record_object(series.to_frame())),
        (
            _has("__arrow_c_stream__"),
            lambda table: _arrow(table, lambda: table, settled=_is_of(table, "pyarrow")),
        ),
        (_has("__len__", "__getitem__"), _items),
    ):
        if matches(value):
            return read(value)
    raise unsupported(f"a {type(value).__name__} holds no records that could be read")


def _has(*names: str) -> Callable[[Any], bool]:
    return lambda value: all(hasattr(type(value), name) for name in names)


def _is_hugging_face(value: object) -> bool:
    return hasattr(value, "with_format") and hasattr(value, "features")


def _is_of(value: object, library: str) -> bool:
    return any(kind.__module__.partition(".")[0] == library for kind in type(value).__mro__)


def _splits(value: Mapping[Any, object]) -> RecordObject:
    if not value or not all(isinstance(name, str) for name in value):
        raise unsupported("a mapping of datasets has a name for each of them")
    parts = [
        (name, record_object(value[name]))
        for name in sorted(value, key=lambda name: name.encode("utf-8", "surrogatepass"))
    ]

    def read() -> Iterator[bytes]:
        for _, part in parts:
            yield from part.open()

    counts = [(name, part.count) for name, part in parts]
    known = tuple((name, count) for name, count in counts if count is not None)
    if len(known) != len(parts):
        raise unsupported("a split does not say how many records it has")
    return RecordObject(
        read,
        sum(count for _, count in known),
        all(part.settled for _, part in parts),
        parts[0][1].name,
        known,
    )


def _hugging_face(dataset: Any) -> RecordObject:  # noqa: ANN401 - a `datasets.Dataset`
    name = getattr(getattr(dataset, "info", None), "dataset_name", None) or ""
    features = dataset.features or {}
    media = sorted(column for column, feature in features.items() if _names_files(feature))

    def read() -> Iterator[bytes]:
        for column in media:
            _require_embedded(dataset, column)
        yield from encoded_records(dataset)

    return RecordObject(read, len(dataset), settled=True, name=str(name))


def _names_files(feature: object) -> bool:
    """Return whether a feature may name files instead of holding bytes."""
    kind = type(feature).__name__
    if kind in {"Image", "Audio", "Video", "Pdf", "Nifti"}:
        return True
    if isinstance(feature, Mapping):
        return any(map(_names_files, feature.values()))
    if isinstance(feature, list | tuple):
        return any(map(_names_files, feature))
    return _names_files(getattr(feature, "feature", None)) if hasattr(feature, "feature") else False


def _require_embedded(dataset: Any, column: str) -> None:  # noqa: ANN401 - a `datasets.Dataset`
    require_arrow("a Hugging Face dataset")
    tables = dataset.with_format("arrow").select_columns([column]).iter(batch_size=1024)
    for table in tables:
        for value in table.column(column).to_pylist():
            if _is_outside(value):
                raise unsupported("rows name files whose bytes are not in the dataset", path=column)


def _is_outside(value: object) -> bool:
    if isinstance(value, Mapping):
        if value.keys() == {"bytes", "path"}:
            return value["bytes"] is None and value["path"] is not None
        return any(map(_is_outside, value.values()))
    return isinstance(value, list) and any(map(_is_outside, value))


def _pandas(value: Any) -> RecordObject:  # noqa: ANN401 - of pandas
    frame = value.to_frame() if hasattr(value, "to_frame") else value

    def table() -> Any:  # noqa: ANN401 - of pyarrow
        import pyarrow as pa

        # As `DataFrame.to_parquet` does: an index is a column unless it only counts rows, and a
        # missing value is null.
        return pa.Table.from_pandas(frame, nthreads=1)

    return _arrow(frame, table, settled=False)


def _arrow(value: Any, table: Callable[[], Any], *, settled: bool) -> RecordObject:  # noqa: ANN401 - any table
    def read() -> Iterator[bytes]:
        require_arrow(f"a {type(value).__name__}")
        try:
            found = _without_views(table())
        except DigestError:
            raise
        except Exception as error:  # pyarrow and the libraries before it raise whatever they like
            first = str(error).partition("\n")[0] or type(error).__name__
            raise unsupported(f"its columns have no Arrow types: {first[:300]!a}") from error
        yield from encoded_records(found)

    count = getattr(value, "num_rows", None)
    if count is None and hasattr(type(value), "__len__"):
        count = len(value)
    return RecordObject(read, count, settled)


def _without_views(table: Any) -> Any:  # noqa: ANN401 - of pyarrow
    """Return a table whose views of text and bytes are the plain ones; polars writes such views."""
    import pyarrow as pa

    if not isinstance(table, pa.Table):
        table = (
            pa.Table.from_batches([table]) if isinstance(table, pa.RecordBatch) else pa.table(table)
        )
    plain = {pa.string_view(): pa.large_string(), pa.binary_view(): pa.large_binary()}
    for number, field in enumerate(table.schema):
        if field.type in plain:
            column = table.column(number).cast(plain[field.type])
            table = table.set_column(number, field.name, column)
    return table


def _items(dataset: Any) -> RecordObject:  # noqa: ANN401 - whatever has items
    if isinstance(dataset, str | bytes | bytearray | memoryview) or hasattr(dataset, "dtype"):
        raise unsupported(f"a {type(dataset).__name__} is no sequence of records")
    count = len(dataset)
    if isinstance(dataset, Sequence) and any(
        isinstance(item, str) for item in islice(dataset, TWICE_READ)
    ):
        raise unsupported("a sequence of texts is no dataset: name one path")

    def read() -> Iterator[bytes]:
        for number in range(count):
            encoded = _encode_item(dataset, number)
            if number < TWICE_READ and _encode_item(dataset, number) != encoded:
                raise unsupported(
                    "it has other values each time it is read, as random augmentation makes",
                    path=f"record {number}",
                )
            yield encoded

    return RecordObject(read, count, settled=False)


def _encode_item(dataset: Any, number: int) -> bytes:  # noqa: ANN401 - whatever has items
    try:
        return encode_record(dataset[number])
    except DigestError as error:
        where = f"record {number}"
        raise DigestError(
            path=where, problem=error.problem, remedy=error.remedy, code=error.code
        ) from error
    except Exception as error:  # an item is made by code of the script
        problem = f"cannot be read ({type(error).__name__}: {str(error)[:200]!a})"
        raise unsupported(problem, path=f"record {number}") from error
