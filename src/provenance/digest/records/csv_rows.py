"""CSV and TSV to encoded records: RFC 4180, UTF-8, a header row; every field is text.

One dialect, so that a file has one meaning: comma (or tab), double quotes that are doubled inside
quotes, LF or CR LF. Source: `spec/digests.md`, section "Record encodings".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from provenance.canonical import MAX_DOCUMENT_BYTES, MAX_RECORD_FIELDS
from provenance.digest.records.encoding import encode_record, malformed
from provenance.digest.records.jsonl import choose_fields

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import BinaryIO

__all__ = ["read_csv", "read_tsv"]

# A field and what ends it, by what separates fields. Possessive: no input makes it go back.
_FIELDS: Final = {
    separator: re.compile(rf'(?:"((?:[^"]|"")*+)"|([^"{separator}\r\n]*+))({separator}|\Z)')
    for separator in (",", "\t")
}

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


def read_csv(file: BinaryIO, path: str, columns: Sequence[str] | None = None) -> Iterator[bytes]:
    """Yield the encoding of each row after the header, a struct of text.

    Args:
        file: The open file, at its start.
        path: What errors call it.
        columns: If given, the columns that are kept.

    Raises:
        DigestError: A row breaks the dialect, has another number of fields than the header, or the
            header names a column twice (`records-malformed`).
    """
    return _read_separated(file, path, columns, ",")


def read_tsv(file: BinaryIO, path: str, columns: Sequence[str] | None = None) -> Iterator[bytes]:
    """Yield the encoding of each row after the header, as `read_csv` does; a tab ends a field."""
    return _read_separated(file, path, columns, "\t")


def _read_separated(
    file: BinaryIO, path: str, columns: Sequence[str] | None, separator: str
) -> Iterator[bytes]:
    rows = _read_rows(file, path, separator)
    _, header = next(rows, ("", None))
    if header is None:
        raise malformed("there is no header row", path=path)
    if len(header) > MAX_RECORD_FIELDS:
        raise malformed(f"a row has more than {MAX_RECORD_FIELDS} fields", path=path)
    if len(set(header)) != len(header):
        raise malformed("the header names a column twice", path=path)
    for where, fields in rows:
        if len(fields) != len(header):
            raise malformed(f"expected {len(header)} fields, found {len(fields)}", path=where)
        row = dict(zip(header, fields, strict=True))
        yield encode_record(row if columns is None else choose_fields(row, columns, where))


def _read_rows(file: BinaryIO, path: str, separator: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each row with the place where it begins."""
    number = 1
    while row := _read_row(file, f"{path}:{number}"):
        where = f"{path}:{number}"
        if number == 1 and row.startswith(_BYTE_ORDER_MARK):
            raise malformed("begins with a byte order mark", path=path, remedy="save it without")
        number += row.count(b"\n")
        try:
            text = row.decode("utf-8")
        except UnicodeDecodeError:
            raise malformed("a row is not UTF-8", path=where) from None
        yield where, _split(text, where, separator)


def _read_row(file: BinaryIO, where: str) -> bytes:
    """Return the bytes of one row with its end of line, over all lines that its quotes span."""
    parts: list[bytes] = []
    quotes = size = 0
    while line := file.readline(MAX_DOCUMENT_BYTES + 1):
        parts.append(line)
        size += len(line)
        quotes += line.count(b'"')
        if size > MAX_DOCUMENT_BYTES:
            raise malformed(f"a row has more than {MAX_DOCUMENT_BYTES} bytes", path=where)
        if quotes % 2 == 0:
            break
    if quotes % 2:
        raise malformed("a quoted field has no end", path=where)
    return b"".join(parts)


def _split(text: str, where: str, separator: str) -> list[str]:
    """Return the fields of one row."""
    row = text.removesuffix("\n")
    if len(row) != len(text):
        row = row.removesuffix("\r")
    if '"' not in row:
        if "\r" in row:
            raise malformed("a carriage return stands inside a field", path=where)
        return row.split(separator)
    fields = []
    position = 0
    while found := _FIELDS[separator].match(row, position):
        quoted, plain, end = found.groups()
        fields.append(plain if quoted is None else quoted.replace('""', '"'))
        position = found.end()
        if not end:
            return fields
    raise malformed("a quote stands inside a field, or something after one", path=where)
