"""Group `digests`: records of JSON Lines, CSV and WebDataset, good and bad."""

from __future__ import annotations

import json
import struct
import zlib
from functools import partial
from typing import TYPE_CHECKING, Any

from blake3 import blake3

from vectors import formulas
from vectors.groups import DIGESTS
from vectors.kit import Case, refuses, returns

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_RECORDS = "section Record encodings"

#: The prime of the order-free digest.
_PRIME = 2**3072 - 1103717


def _length(number: int) -> bytes:
    low, rest = number % 128, number // 128
    return bytes([low]) if rest == 0 else bytes([low + 128]) + _length(rest)


def _integer(number: int) -> bytes:
    size = next(n for n in range(1, 300) if -(1 << 8 * n - 1) <= number < 1 << 8 * n - 1)
    return _length(size) + number.to_bytes(size, "big", signed=True)


def encoding(value: Any) -> bytes:  # noqa: ANN401, PLR0911 - any value; one line a type
    """Return the encoding of a value by the grammar of the page."""
    if value is None:
        return b"n"
    if isinstance(value, bool):
        return b"t" if value else b"f"
    if isinstance(value, int):
        return b"i" + _integer(value)
    if isinstance(value, float):
        return b"d" + struct.pack(">d", value)
    if isinstance(value, str):
        return b"s" + _length(len(value.encode())) + value.encode()
    if isinstance(value, bytes):
        return b"b" + _length(len(value)) + value
    if isinstance(value, list):
        return b"l" + _length(len(value)) + b"".join(map(encoding, value))
    fields = sorted((name.encode(), encoding(item)) for name, item in value.items())
    body = b"".join(_length(len(name)) + name + item for name, item in fields)
    return b"r" + _length(len(fields)) + body


def record_digests(records: Sequence[Any]) -> dict[str, Any]:
    """Return `recordTree` and `recordSet` of these records."""
    entries = [blake3(encoding(record)).digest() for record in records]
    state = 1
    for entry in entries:
        stream = blake3(b"training-provenance/v1/record-element\n" + entry).digest(length=384)
        state = state * (1 + int.from_bytes(stream, "little") % (_PRIME - 1)) % _PRIME
    counted = len(entries).to_bytes(8, "big") + state.to_bytes(384, "little")
    digest = blake3(b"training-provenance/v1/record-set\n" + counted).hexdigest()
    described = {"count": len(entries), "digest": digest, "encoding": "records-v1"}
    return {"recordTree": formulas.root("record", entries), "recordSet": described}


def _header(name: str, size: int, kind: bytes = b"0", link: str = "") -> bytes:
    """Return a ustar header, its fields one after the other."""
    fields = (
        name.encode().ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2 + b"%011o\0" % size
        + b"00000000000\0" + b" " * 8 + kind + link.encode().ljust(100, b"\0") + b"ustar\x0000"
    ).ljust(512, b"\0")  # fmt: skip
    return fields[:148] + b"%06o\0 " % sum(fields) + fields[156:]


def _tar(*members: tuple[str, bytes], end: bytes = bytes(1024)) -> bytes:
    return b"".join(_header(n, len(d)) + d + bytes(-len(d) % 512) for n, d in members) + end


def _gzip(data: bytes) -> bytes:
    """Return one member of RFC 1952, its data in one stored block of RFC 1951."""
    size = struct.pack("<HH", len(data), len(data) ^ 0xFFFF)
    end = struct.pack("<II", zlib.crc32(data), len(data))
    return bytes.fromhex("1f8b08000000000000ff") + b"\x01" + size + data + end


def _request(files: dict[str, bytes], **more: object) -> dict[str, Any]:
    return {"operation": "record-digest", "files": list(files), **more}


def _lines(*records: object) -> bytes:
    return b"".join(json.dumps(record, ensure_ascii=False).encode() + b"\n" for record in records)


_ROWS: tuple[dict[str, Any], ...] = (
    {"id": 1, "text": "café", "score": 0.5, "tags": ["a", None], "meta": {"ok": True}},
    {"id": -129, "text": "", "score": 1.0, "tags": [], "meta": {}},
    {"id": 2**64, "text": "cafe\u0301", "score": 1e300, "tags": [[]], "meta": {"ok": False}},
)


def _good() -> Iterable[tuple[str, str, dict[str, bytes], Sequence[Any], dict[str, object]]]:
    lines = _lines(*_ROWS)
    yield (
        "records_of_json_lines",
        "Values of every kind that JSON has.",
        {"a.jsonl": lines},
        _ROWS,
        {},
    )
    yield (
        "records_in_two_shards",
        "The files of one dataset, in the order given.",
        {"b.jsonl": _lines(_ROWS[0]), "a.jsonl": _lines(*_ROWS[1:])},
        _ROWS,
        {},
    )
    yield (
        "records_shuffled",
        "Another order: another tree, the same set.",
        {"a.jsonl": _lines(*_ROWS[::-1])},
        _ROWS[::-1],
        {},
    )
    yield (
        "records_repeated",
        "A record that is there three times counts three times.",
        {"a.jsonl": _lines(*_ROWS[:1] * 3)},
        _ROWS[:1] * 3,
        {},
    )
    yield (
        "records_missing_is_not_null",
        "A field that is missing is another thing than null.",
        {"a.jsonl": _lines({}, {"a": None})},
        [{}, {"a": None}],
        {},
    )
    yield "records_none", "A dataset without records.", {"a.jsonl": b""}, [], {}
    yield (
        "records_numbers",
        "A point or an exponent makes a double; -0 is 0.",
        {"a.jsonl": b"1\n1.0\n1e0\n-0\n-0.0\n"},
        [1, 1.0, 1.0, 0, 0.0],
        {},
    )
    yield (
        "records_columns",
        "Only the chosen columns count.",
        {"a.jsonl": lines},
        [{"id": row["id"]} for row in _ROWS],
        {"columns": ["id"]},
    )
    yield (
        "records_of_csv",
        "Quotes, a comma, line ends and an empty field; all is text.",
        {"a.csv": b'a,"b"\r\n1,\r\n"x,""\r\n",y'},
        [{"a": "1", "b": ""}, {"a": 'x,"\r\n', "b": "y"}],
        {},
    )
    yield (
        "records_of_tsv",
        "A tab ends a field; a comma is a comma.",
        {"a.tsv": b'a\tb\n1,2\t\n"x\t"\ty\n'},
        [{"a": "1,2", "b": ""}, {"a": "x\t", "b": "y"}],
        {},
    )
    yield (
        "records_compressed",
        "Gzip data in two members, beside a file without.",
        {
            "a.jsonl.gz": _gzip(_lines(_ROWS[0])) + _gzip(_lines(_ROWS[1])),
            "b.jsonl": _lines(_ROWS[2]),
        },
        _ROWS,
        {},
    )
    samples = _tar(("s/1.txt", b"one"), ("s/1.cls.json", b"{}"), ("s/2.txt", b""))
    yield (
        "records_of_webdataset",
        "Two samples of a shard.",
        {"a.tar": samples},
        [{"__key__": "s/1", "txt": b"one", "cls.json": b"{}"}, {"__key__": "s/2", "txt": b""}],
        {},
    )


def _bad() -> Iterable[tuple[str, str, str, str, bytes]]:
    malformed = "records-malformed"
    one = ("1.txt", b"one")
    yield (
        "records_key_twice",
        "A key stands twice in a line.",
        "json-duplicate-key",
        "a.jsonl",
        b'{"a":1,"a":1}\n',
    )
    yield (
        "records_line_not_utf8",
        "A line is not UTF-8.",
        "json-encoding",
        "a.jsonl",
        b'{"a":"\xff"}\n',
    )
    yield "records_line_empty", "An empty line is no value.", "json-syntax", "a.jsonl", b"1\n\n2\n"
    yield "records_two_values", "Two values stand in one line.", "json-syntax", "a.jsonl", b"{}{}\n"
    yield "records_nan", "NaN is no JSON.", "json-number", "a.jsonl", b"NaN\n"
    yield (
        "records_surrogate",
        "Half of a surrogate pair is no text.",
        "json-surrogate",
        "a.jsonl",
        b'"\\ud800"\n',
    )
    yield (
        "records_deep",
        "A line is nested deeper than 64 levels.",
        "json-depth",
        "a.jsonl",
        b"[" * 65 + b"]" * 65 + b"\n",
    )
    yield (
        "records_array",
        "A file that is one array of records is no JSON Lines.",
        malformed,
        "a.jsonl",
        b'[{"a":1},{"a":2}]\n',
    )
    yield "records_array_later", "A later line is an array.", malformed, "a.jsonl", b"{}\n[]\n"
    packed = _gzip(_lines(*_ROWS))
    yield "records_gzip_cut", "Gzip data is cut off.", malformed, "a.jsonl.gz", packed[:-4]
    yield "records_gzip_more", "Something follows it.", malformed, "a.jsonl.gz", packed + b"{}\n"
    yield (
        "records_gzip_wrong_sum",
        "The sum at the end of gzip data is wrong.",
        malformed,
        "a.csv.gz",
        _gzip(b"a\n1\n")[:-8] + bytes(8),
    )
    yield "records_gzip_plain", "The name promises gzip data.", malformed, "a.tsv.gz", b"a\n1\n"
    yield "records_gzip_empty", "There is no gzip data.", malformed, "a.jsonl.gz", b""
    yield "records_tsv_ragged", "A row has fewer fields.", malformed, "a.tsv", b"a\tb\n1\n"
    yield "records_tsv_quote", "A quote stands inside a field.", malformed, "a.tsv", b'a\nx"\n'
    yield (
        "records_csv_ragged",
        "A row has fewer fields than the header.",
        malformed,
        "a.csv",
        b"a,b\n1\n",
    )
    yield (
        "records_csv_long_row",
        "A row has more fields than the header.",
        malformed,
        "a.csv",
        b"a\n1,2\n",
    )
    yield (
        "records_csv_header_twice",
        "The header names a column twice.",
        malformed,
        "a.csv",
        b"a,a\n1,2\n",
    )
    yield (
        "records_csv_quote_inside",
        "A quote stands inside a field without quotes.",
        malformed,
        "a.csv",
        b'a\nx"y"\n',
    )
    yield (
        "records_csv_after_quote",
        "Something stands after the quote that ends a field.",
        malformed,
        "a.csv",
        b'a\n"x"y\n',
    )
    yield "records_csv_open_quote", "A quoted field has no end.", malformed, "a.csv", b'a\n"x\n'
    yield (
        "records_csv_carriage_return",
        "A carriage return alone ends no row.",
        malformed,
        "a.csv",
        b"a\n1\r2\n",
    )
    yield (
        "records_csv_byte_order_mark",
        "A byte order mark would be part of the first name.",
        malformed,
        "a.csv",
        b"\xef\xbb\xbfa\n1\n",
    )
    yield "records_csv_not_utf8", "A row is not UTF-8.", malformed, "a.csv", b"a\n\xff\n"
    yield "records_csv_without_header", "There is no header row.", malformed, "a.csv", b""
    yield (
        "records_tar_link",
        "A member is a symbolic link.",
        malformed,
        "a.tar",
        _header("1.txt", 0, b"2", "/etc/passwd") + _tar(one),
    )
    yield (
        "records_tar_hard_link",
        "A member is a hard link.",
        malformed,
        "a.tar",
        _tar(one, end=b"") + _header("2.txt", 0, b"1", "1.txt") + bytes(1024),
    )
    yield (
        "records_tar_device",
        "A member is a device.",
        malformed,
        "a.tar",
        _header("1.txt", 0, b"3") + _tar(one),
    )
    yield (
        "records_tar_wrong_sum",
        "The sum of a header is wrong.",
        malformed,
        "a.tar",
        b"2" + _tar(one)[1:],
    )
    yield (
        "records_tar_cut",
        "The archive is cut off inside a member.",
        malformed,
        "a.tar",
        _tar(one)[:514],
    )
    yield (
        "records_tar_without_end",
        "The archive has no end.",
        malformed,
        "a.tar",
        _tar(one, end=b""),
    )
    yield (
        "records_tar_after_end",
        "A second archive stands after the end of the first.",
        malformed,
        "a.tar",
        _tar(one) + _tar(one),
    )
    yield (
        "records_tar_too_large",
        "A member says that it has 8 GiB.",
        malformed,
        "a.tar",
        _header("1.txt", 8**11 - 1),
    )
    yield (
        "records_tar_no_extension",
        "A member has no extension.",
        malformed,
        "a.tar",
        _tar(("1", b"")),
    )
    yield (
        "records_tar_extension_twice",
        "A sample has two members with one extension.",
        malformed,
        "a.tar",
        _tar(one, one),
    )
    yield (
        "records_tar_extension_like_key",
        "An extension has the name of the field of the key.",
        malformed,
        "a.tar",
        _tar(("1.__key__", b"")),
    )


def _declare_rows() -> None:
    for name, description, files, records, more in _good():
        make = partial(_returns, files, records, more)
        DIGESTS.add(name, description, f"{_RECORDS} [R-DIGEST-67]", make, profile=3)
    for name, description, code, file, data in _bad():
        rule = "R-DIGEST-69" if file.endswith(".tar") else "R-DIGEST-68"
        make = partial(refuses, _request({file: data}), code, {file: data})
        DIGESTS.add(name, description, f"{_RECORDS} [{rule}]", make, profile=3)


def _returns(files: dict[str, bytes], records: Sequence[Any], more: dict[str, object]) -> Case:
    return returns(_request(files, **more), record_digests(records), files)


_declare_rows()
