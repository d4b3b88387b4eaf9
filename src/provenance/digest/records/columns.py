"""Arrow columns to canonical encodings, a whole column at a time.

Encoding by column looks at the type once, not once a value. A dictionary is encoded once and its
values are shared, so that no small file becomes large. pyarrow is imported by whoever has a column.
Source: `spec/digests.md`, section "Record encodings". No I/O.
"""

from __future__ import annotations

import struct
from itertools import chain, islice, pairwise, repeat
from typing import TYPE_CHECKING, Any, Final

from provenance.canonical import (
    MAX_RECORD_BYTES,
    MAX_RECORD_DEPTH,
    MAX_RECORD_FIELDS,
    MAX_RECORD_ITEMS,
)
from provenance.digest.records.encoding import (
    NULL,
    encode_double,
    encode_length,
    encode_list,
    encode_struct,
    encode_whole,
    malformed,
    to_utf8,
    unsupported,
)
from provenance.digest.records.plain_columns import encoder_of, plain_values

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Array = Any  # pyarrow has no types of its own

__all__ = ["encode_column", "encode_rows"]

#: Items that any column may have beyond eight for each byte that it takes.
_FREE_ITEMS: Final = 1 << 20

_DAY_MILLISECONDS: Final = 86_400_000


def encode_rows(names: Sequence[str], columns: Sequence[Array]) -> Iterator[bytes]:
    """Yield the encoding of each row of a batch, a struct of its columns.

    Args:
        names: The names of the columns.
        columns: Arrow arrays of one length.

    Raises:
        DigestError: A column has a type without an encoding (`records-unsupported`, its path the
            name), a name stands twice, or a row breaks a limit (`records-malformed`).
    """
    if not columns:
        return
    encoded = [encode_column(column, name, 1) for name, column in zip(names, columns, strict=True)]
    yield from _join_fields(names, encoded)


def _join_fields(names: Sequence[str], columns: Sequence[Sequence[bytes]]) -> Iterator[bytes]:
    """Yield the struct of each row, given the encoded values of each field."""
    fields = sorted(zip(map(to_utf8, names), columns, strict=True), key=lambda field: field[0])
    # Checks the names, once for all rows; then each row is  head || name || value || name || …
    encode_struct((name, b"") for name, _ in fields)
    head = b"r" + encode_length(len(fields))
    parts = chain.from_iterable(
        (repeat(encode_length(len(name)) + name), values) for name, values in fields
    )
    for row in zip(*parts, strict=False):
        if sum(map(len, row)) > MAX_RECORD_BYTES:
            raise malformed(f"a record has more than {MAX_RECORD_BYTES} bytes in its encoding")
        yield head + b"".join(row)


def encode_column(array: Array, path: str, depth: int) -> list[bytes]:
    """Return the encoding of each value of an Arrow array.

    Args:
        array: The array.
        path: Name of the column, with those of the fields on the way, for messages.
        depth: How deep its values stand in their records.
    """
    import pyarrow as pa

    if depth > MAX_RECORD_DEPTH:
        raise malformed(f"nested deeper than {MAX_RECORD_DEPTH} levels", path=path)
    while isinstance(array, pa.ExtensionArray):
        array = array.storage
    encode_one = encoder_of(array.type)
    if encode_one is not None:
        _require_room(len(array), array, path)
        return [NULL if value is None else encode_one(value) for value in plain_values(array)]
    types = pa.types
    for tests, encode in (
        ((types.is_null,), _encode_nulls),
        ((types.is_floating,), _encode_floats),
        ((types.is_date64,), _encode_dates),
        ((types.is_dictionary,), _encode_dictionary),
        ((types.is_run_end_encoded,), _encode_runs),
        ((types.is_map,), _encode_maps),
        ((types.is_list, types.is_large_list, types.is_fixed_size_list), _encode_lists),
        ((types.is_struct,), _encode_structs),
    ):
        if any(test(array.type) for test in tests):
            return encode(array, path, depth)
    raise unsupported(f"the column type {array.type} has no encoding", path=path)


def _encode_nulls(array: Array, _path: str, _depth: int) -> list[bytes]:
    return [NULL] * len(array)


def _encode_floats(array: Array, _path: str, _depth: int) -> list[bytes]:
    import pyarrow as pa

    values = array.cast(pa.float64()).to_pylist()
    if array.null_count or any(value != value for value in values):  # noqa: PLR0124 - NaN alone differs from itself
        return [NULL if value is None else encode_double(value) for value in values]
    packed = struct.pack(f">{len(values)}d", *values)
    return [b"d" + packed[start : start + 8] for start in range(0, len(packed), 8)]


def _encode_dates(array: Array, path: str, _depth: int) -> list[bytes]:
    return [NULL if value is None else _encode_date(value, path) for value in plain_values(array)]


def _encode_date(milliseconds: int, path: str) -> bytes:
    days, rest = divmod(milliseconds, _DAY_MILLISECONDS)
    if rest:
        raise malformed("a date in milliseconds is no whole number of days", path=path)
    return encode_whole(b"a", days)


def _encode_dictionary(array: Array, path: str, depth: int) -> list[bytes]:
    import pyarrow as pa

    # Only what these rows use: a large dictionary is shared by very many batches.
    indices = array.indices.to_pylist()
    used = sorted({at for at in indices if at is not None})
    taken = array.dictionary.take(pa.array(used, pa.int64()))
    values = dict(zip(used, encode_column(taken, path, depth), strict=True))
    return [NULL if at is None else values[at] for at in indices]


def _encode_runs(array: Array, path: str, depth: int) -> list[bytes]:
    _require_room(len(array), array, path)
    first = array.find_physical_offset()
    length = array.find_physical_length()
    values = encode_column(array.values.slice(first, length), path, depth)
    ends = array.run_ends.slice(first, length).to_pylist()
    encoded: list[bytes] = []
    for value, end in zip(values, ends, strict=True):
        encoded.extend(repeat(value, min(end - array.offset, len(array)) - len(encoded)))
    return encoded


def _encode_lists(array: Array, path: str, depth: int) -> list[bytes]:
    import pyarrow.compute as pc

    lengths = pc.list_value_length(array).to_pylist()
    _require_lists(lengths, array, path)
    items = iter(encode_column(array.flatten(), f"{path}[]", depth + 1))
    return [
        NULL if length is None else encode_list(list(islice(items, length))) for length in lengths
    ]


def _encode_maps(array: Array, path: str, depth: int) -> list[bytes]:
    import pyarrow as pa

    kind = array.type.key_type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        raise unsupported(f"a map whose keys are {kind}, not text, has no encoding", path=path)
    if array.keys.null_count:
        raise malformed("a key of a map is null", path=path)
    offsets = array.offsets.to_pylist()
    start, end = offsets[0], offsets[-1]
    _require_lists([b - a for a, b in pairwise(offsets)], array, path)
    keys = plain_values(array.keys.slice(start, end - start))
    values = encode_column(array.items.slice(start, end - start), f"{path}[]", depth + 1)
    encoded = []
    for is_null, low, high in zip(array.is_null().to_pylist(), offsets, offsets[1:], strict=False):
        part = slice(low - start, high - start)
        fields = zip(keys[part], values[part], strict=True)
        encoded.append(NULL if is_null else encode_struct(fields))
    return encoded


def _encode_structs(array: Array, path: str, depth: int) -> list[bytes]:
    count = array.type.num_fields
    _require_room(len(array), array, path)
    if count > MAX_RECORD_FIELDS:
        raise malformed(f"a struct has more than {MAX_RECORD_FIELDS} fields", path=path)
    names = [array.type.field(number).name for number in range(count)]
    children = [
        encode_column(child, f"{path}.{name}", depth + 1)
        for name, child in zip(names, array.flatten(), strict=True)
    ]
    rows = list(_join_fields(names, children)) if children else [encode_struct(())] * len(array)
    if not array.null_count:
        return rows
    return [
        NULL if null else row for null, row in zip(array.is_null().to_pylist(), rows, strict=True)
    ]


def _require_lists(lengths: Sequence[int | None], array: Array, path: str) -> None:
    present = [length for length in lengths if length]
    if max(present, default=0) > MAX_RECORD_ITEMS:
        raise malformed(f"a list has more than {MAX_RECORD_ITEMS} items", path=path)
    _require_room(sum(present), array, path)


def _require_room(count: int, array: Array, path: str) -> None:
    """Refuse a column that states far more values than it has bytes for."""
    if count > _FREE_ITEMS + 8 * array.nbytes:
        raise malformed(f"{count} values stand in {array.nbytes} bytes", path=path)
