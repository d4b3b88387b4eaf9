"""JSON Lines to encoded records: one JSON value a line, read strictly.

Source: `spec/digests.md`, section "Record encodings".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.canonical import MAX_DOCUMENT_BYTES, MAX_RECORD_DEPTH, parse
from provenance.digest.records.encoding import encode_record, malformed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import BinaryIO

__all__ = ["choose_fields", "read_json_lines"]


def read_json_lines(
    file: BinaryIO, path: str, columns: Sequence[str] | None = None
) -> Iterator[bytes]:
    """Yield the encoding of each line's value.

    Args:
        file: The open file, at its start.
        path: What errors call it.
        columns: If given, the fields that are kept; each line must be an object that has them.

    Raises:
        CanonicalError: A line is no strict JSON; the path names file and line.
        DigestError: A line is too long, an array, or lacks a column (`records-malformed`).
    """
    number = 0
    while line := file.readline(MAX_DOCUMENT_BYTES + 2):
        number += 1
        where = f"{path}:{number}"
        if len(line) > MAX_DOCUMENT_BYTES + line.endswith(b"\n"):
            raise malformed(f"a line has more than {MAX_DOCUMENT_BYTES} bytes", path=where)
        value = parse(
            line,
            source=where,
            max_depth=MAX_RECORD_DEPTH,
            foreign=True,
            max_bytes=MAX_DOCUMENT_BYTES + 1,
        )
        if isinstance(value, tuple | list):
            raise malformed(
                "the line is an array, expected a record",
                path=where,
                remedy="write one record a line, without the brackets and commas around them",
            )
        if columns is not None:
            if not isinstance(value, dict):
                raise malformed("expected an object, of which columns can be taken", path=where)
            yield encode_record(choose_fields(value, columns, where))
        else:
            yield encode_record(value)


def choose_fields(
    row: Mapping[str, object], columns: Sequence[str], path: str
) -> dict[str, object]:
    """Return some fields of a row, all of which it must have."""
    for name in columns:
        if name not in row:
            raise malformed(f"there is no column {name!a}", path=path)
    return {name: row[name] for name in columns}
