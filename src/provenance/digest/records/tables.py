"""Parquet and Arrow to encoded records, a few thousand rows at a time.

Whatever the bytes, pyarrow's own errors leave as ours, and each batch is checked in full before it
is looked at, because offsets in a file can point anywhere. Source: `spec/digests.md`, section
"Record encodings".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from provenance.digest.records.columns import encode_rows
from provenance.digest.records.encoding import malformed
from provenance.errors import DigestError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import BinaryIO

__all__ = ["read_arrow", "read_batches", "read_parquet", "require_arrow"]

#: Rows that are encoded at once.
BATCH_ROWS: Final = 4096

#: How an Arrow file that can be read in any order begins; a stream begins otherwise.
_FILE_MAGIC: Final = b"ARROW1\x00\x00"


def require_arrow(what: str) -> None:
    """Check that pyarrow is installed.

    Raises:
        MissingExtraError: It is not.
    """
    try:
        import pyarrow as pa  # noqa: F401 - only whether it is there
    except ImportError:
        raise MissingExtraError(
            problem=f"{what} is read by pyarrow, which is not installed",
            remedy="install the extra: pip install 'training-provenance[records]'",
        ) from None


def read_parquet(
    file: BinaryIO, path: str, columns: Sequence[str] | None = None
) -> Iterator[bytes]:
    """Yield the encoding of each row of a Parquet file.

    Raises:
        DigestError: It breaks its format (`records-malformed`), or a column has a type that has
            no encoding (`records-unsupported`).
        MissingExtraError: pyarrow is not installed.
    """
    require_arrow("Parquet")
    import pyarrow.parquet as pq

    def batches() -> Iterator[Any]:
        # `memory_map` and `pre_buffer` would hold whole columns; a stream holds pages.
        opened = pq.ParquetFile(file, pre_buffer=False, buffer_size=1 << 20)
        _require_columns(opened.schema_arrow.names, columns, path)
        yield from opened.iter_batches(
            batch_size=BATCH_ROWS,
            columns=None if columns is None else list(columns),
            use_threads=False,
        )

    return read_batches(batches(), path, columns)


def read_arrow(file: BinaryIO, path: str, columns: Sequence[str] | None = None) -> Iterator[bytes]:
    """Yield the encoding of each row of an Arrow IPC file or stream.

    Raises:
        DigestError: It breaks its format (`records-malformed`), or a column has a type that has
            no encoding (`records-unsupported`).
        MissingExtraError: pyarrow is not installed.
    """
    require_arrow("Arrow")
    from pyarrow import ipc

    def batches() -> Iterator[Any]:
        is_file = file.read(len(_FILE_MAGIC)) == _FILE_MAGIC
        file.seek(0)
        if not is_file:
            yield from ipc.open_stream(file)
            return
        opened = ipc.open_file(file)
        for number in range(opened.num_record_batches):
            yield opened.get_batch(number)

    return read_batches(batches(), path, columns)


def read_batches(
    batches: Iterable[Any], path: str, columns: Sequence[str] | None = None
) -> Iterator[bytes]:
    """Yield the encoding of each row of record batches, whose values are checked in full."""
    import pyarrow as pa

    try:
        for batch in batches:
            batch.validate(full=True)
            yield from _encode_batch(batch, path, columns)
    except DigestError as error:
        if error.path.startswith(path):
            raise
        where = f"{path}: {error.path}" if error.path else path
        raise DigestError(
            path=where, problem=error.problem, remedy=error.remedy, code=error.code
        ) from error
    except (pa.ArrowException, OSError, ValueError, ArithmeticError, EOFError) as error:
        first = str(error).partition("\n")[0] or type(error).__name__
        raise malformed(f"cannot be read: {first[:200]!a}", path=path) from error


def _encode_batch(batch: Any, path: str, columns: Sequence[str] | None) -> Iterator[bytes]:  # noqa: ANN401 - of pyarrow
    names = batch.schema.names
    _require_columns(names, columns, path)
    if columns is not None:
        names = list(columns)
    if batch.num_rows and not names:
        raise malformed("there are rows and no columns", path=path)
    for start in range(0, batch.num_rows, BATCH_ROWS):
        rows = batch.slice(start, BATCH_ROWS)
        indices = (
            [rows.schema.names.index(name) for name in names] if columns else range(len(names))
        )
        yield from encode_rows(names, [rows.column(index) for index in indices])


def _require_columns(names: Sequence[str], columns: Sequence[str] | None, path: str) -> None:
    for name in columns or ():
        if names.count(name) != 1:
            raise malformed(
                f"there are {list(names).count(name)} columns {name!a}, expected one", path=path
            )
