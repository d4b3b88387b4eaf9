"""Which records a caller means: files and folders by container, tables, rows in memory.

Source: `spec/digests.md`, section "Record encodings".
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from provenance.digest.files import check_unchanged
from provenance.digest.names import printable_name
from provenance.digest.opening import open_folder, open_regular
from provenance.digest.records.compressed import SUFFIX, decompressed, is_compressed
from provenance.digest.records.csv_rows import read_csv, read_tsv
from provenance.digest.records.encoding import encode_record, malformed
from provenance.digest.records.jsonl import choose_fields, read_json_lines
from provenance.digest.records.samples import read_webdataset
from provenance.digest.records.tables import (
    BATCH_ROWS,
    read_arrow,
    read_batches,
    read_parquet,
    require_arrow,
)
from provenance.digest.walking import walk_tree
from provenance.errors import DigestError, UsageError, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

    from provenance.digest.opening import Folder

    Read = Callable[[BinaryIO, str, Sequence[str] | None], Iterator[bytes]]

__all__ = ["CONTAINERS", "TEXT_CONTAINERS", "encoded_records", "find_containers", "find_unread"]

#: The containers by name, each with the ends of the names of its files.
CONTAINERS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "arrow": (".arrow", ".arrows", ".feather"),
        "csv": (".csv",),
        "jsonl": (".jsonl", ".ndjson"),
        "parquet": (".parquet",),
        "tsv": (".tsv",),
        "webdataset": (".tar",),
    }
)

#: Those whose files may be compressed by gzip, which then ends their names: they are read in order.
TEXT_CONTAINERS: Final = frozenset({"csv", "jsonl", "tsv"})

_READERS: Final[Mapping[str, Read]] = MappingProxyType(
    {
        "arrow": read_arrow,
        "csv": read_csv,
        "jsonl": read_json_lines,
        "parquet": read_parquet,
        "tsv": read_tsv,
        "webdataset": read_webdataset,
    }
)


_REMEDY = f"say which one is meant with --container (`format=`): {', '.join(CONTAINERS)}"


def encoded_records(
    source: object, container: str | None = None, columns: Sequence[str] | None = None
) -> Iterator[bytes]:
    """Yield the canonical encoding of each record of a source, in its order.

    Args:
        source: As in `hash_records`.
        container: A name of `CONTAINERS`; by the names of the files if not given.
        columns: The columns that are kept; all if not given.

    Raises:
        ProvenanceError: As in `hash_records`.
    """
    if container is not None and container not in CONTAINERS:
        raise UsageError(
            problem=f"{shown(container)} is no container", remedy=f"use {', '.join(CONTAINERS)}"
        )
    if isinstance(source, str | os.PathLike):
        return _read_paths([source], container, columns)
    if isinstance(source, Sequence) and source and isinstance(source[0], str | os.PathLike):
        return _read_paths(source, container, columns)
    if container is not None:
        raise UsageError(problem="only files have a container")
    if hasattr(source, "with_format") and hasattr(source, "features"):
        require_arrow("a Hugging Face dataset")
        tables = source.with_format("arrow").iter(batch_size=BATCH_ROWS)
        return read_batches((b for table in tables for b in table.to_batches()), "dataset", columns)
    if hasattr(source, "__arrow_c_stream__"):
        require_arrow("an Arrow table")
        import pyarrow as pa

        return read_batches(pa.RecordBatchReader.from_stream(source), "table", columns)
    if isinstance(source, Iterable):
        return _encode_rows_in_memory(source, columns)
    raise UsageError(problem=f"a {type(source).__name__} holds no records")


def find_containers(
    paths: Sequence[str | os.PathLike[str]], container: str | None = None
) -> frozenset[str]:
    """Return the names of the containers of all files that `encoded_records` reads.

    Raises:
        ProvenanceError: As in `hash_records`.
    """
    found: set[str] = set()
    for path in paths:
        real = os.path.realpath(path)
        names = _files_of(real, container) if os.path.isdir(real) else [os.fspath(path)]  # noqa: PTH112 - text
        found |= {container or _container_of(name) for name in names}
    return frozenset(found)


def find_unread(folder: str | os.PathLike[str]) -> tuple[str, ...]:
    """Return the names of the files of a folder that `encoded_records` does not read.

    Raises:
        ProvenanceError: As in `hash_records`.
    """
    real = os.path.realpath(folder)
    read = frozenset(_files_of(real, None))
    return tuple(file.path for file in walk_tree(real).files if file.path not in read)


def _encode_rows_in_memory(rows: Iterable[Any], columns: Sequence[str] | None) -> Iterator[bytes]:
    for number, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise malformed(f"expected a mapping, found {shown(row)}", path=f"record {number}")
        try:
            chosen = row if columns is None else choose_fields(row, columns, "")
            encoded = encode_record(chosen)
        except DigestError as error:
            raise _located(error, f"record {number}") from error
        yield encoded


def _read_paths(
    paths: Sequence[str | os.PathLike[str]],
    container: str | None,
    columns: Sequence[str] | None,
) -> Iterator[bytes]:
    """Yield the records of files and folders; those of a folder in the order of their names."""
    for path in paths:
        # The caller named it, so a link is followed here; below a folder none is.
        real = os.path.realpath(path)
        if not os.path.isdir(real):  # noqa: PTH112 - text, as everywhere in this room
            chosen = container or _container_of(os.fspath(path))
            yield from _read_one(real, os.fspath(path), chosen, columns, None)
            continue
        names = _files_of(real, container)
        with open_folder(real) as folder:
            for name in names:
                chosen = container or _container_of(name)
                yield from _read_one(name, name, chosen, columns, folder)


def _read_one(
    path: str, label: str, container: str, columns: Sequence[str] | None, root: Folder | None
) -> Iterator[bytes]:
    with _opened(path, root) as file:
        where = printable_name(label)
        # A name that promises compression is believed; under other names, the first bytes are.
        packed = tuple(suffix for suffix in _suffixes(container) if suffix.endswith(SUFFIX))
        is_packed = container in TEXT_CONTAINERS and (
            label.lower().endswith(packed) or is_compressed(file)
        )
        try:
            with decompressed(file, where) if is_packed else nullcontext(file) as data:
                yield from _READERS[container](data, where, columns)
        except DigestError as error:
            raise _located(error, where) from error


@contextmanager
def _opened(path: str, root: Folder | None) -> Iterator[BinaryIO]:
    """Open a regular file, and check after the last record that it did not change."""
    with open_regular(path, root=root) as descriptor:
        before = os.fstat(descriptor)
        with open(descriptor, "rb", buffering=1 << 20, closefd=False) as file:
            yield file
        os.lseek(descriptor, 0, os.SEEK_END)
        check_unchanged(descriptor, before, path=path)


def _files_of(folder: str, container: str | None) -> list[str]:
    """Return the names of a folder's data files, all of one container, sorted by their bytes."""
    found = walk_tree(folder)
    for fault in found.faults:
        raise DigestError(path=fault.path, problem=fault.message, code=fault.code)
    suffixes = tuple(
        suffix for name in ([container] if container else CONTAINERS) for suffix in _suffixes(name)
    )
    names = [file.path for file in found.files if file.path.lower().endswith(suffixes)]
    if not names:
        raise malformed("there is no file of records in it", path=printable_name(folder))
    kinds = {_container_of(name) for name in names}
    if len(kinds) > 1:
        raise UsageError(
            path=printable_name(folder),
            problem=f"holds files of several containers: {', '.join(sorted(kinds))}",
            remedy=_REMEDY,
        )
    return names


def _container_of(path: str) -> str:
    for container in CONTAINERS:
        if path.lower().endswith(_suffixes(container)):
            return container
    problem = "its name does not say which container it is"
    if path.lower().endswith(SUFFIX):
        problem += f"; compressed by gzip, only {', '.join(sorted(TEXT_CONTAINERS))} are read"
    raise UsageError(path=printable_name(path), problem=problem, remedy=_REMEDY)


def _suffixes(container: str) -> tuple[str, ...]:
    """Return the ends of the names of a container's files, as they are or compressed."""
    plain = CONTAINERS[container]
    if container not in TEXT_CONTAINERS:
        return plain
    return plain + tuple(suffix + SUFFIX for suffix in plain)


def _located(error: DigestError, where: str) -> DigestError:
    """Return an error with the place of its source before its own."""
    if error.path.startswith(where):
        return error
    path = f"{where}: {error.path}" if error.path else where
    return DigestError(path=path, problem=error.problem, remedy=error.remedy, code=error.code)
