"""A strict reader of tar archives: regular files and their bytes, nothing on disk.

It takes what the usual tools write for plain files (ustar, pax and GNU long names) and refuses the
rest: links, devices, sparse files, wrong sums, bytes after the end. Source: `spec/digests.md`,
section "Record encodings".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from provenance.canonical import MAX_NAME_BYTES, MAX_RECORD_BYTES
from provenance.digest.records.encoding import malformed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

__all__ = ["read_members"]

_BLOCK: Final = 512
_ZEROS: Final = bytes(_BLOCK)
_FOLDER: Final = b"5"

#: First byte of a number in binary, which GNU tar writes where octal digits do not suffice.
_BINARY: Final = 0x80

#: Longest extended header: a name and a few times.
_MAX_HEADER_BYTES: Final = 65_536

# A size in an extended header; longer ones are no sizes of files, and take long to convert.
_SIZE: Final = re.compile(r"[0-9]{1,20}")

#: Keys of extended headers that change what a member holds, and are not followed.
_REFUSED_KEYS: Final = ("linkpath", "GNU.sparse.", "hdrcharset")


def read_members(file: BinaryIO, path: str) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of each regular file of an archive, in its order; folders are skipped.

    Raises:
        DigestError: It is malformed, holds anything but files and folders, or a member that is too
            large (`records-malformed`).
    """
    changes: dict[str, str] = {}
    while (header := _read_exactly(file, _BLOCK, path)) != _ZEROS:
        _check_sum(header, path)
        kind = header[156:157]
        size = int(changes["size"]) if "size" in changes else _number(header[124:136], path)
        if kind in {b"x", b"g", b"L"}:
            changes |= _read_changes(file, kind, size, path)
            continue
        name = _checked_name(changes.get("path") or _name(header, path), path)
        changes = {}
        if kind == _FOLDER and not size:
            continue
        if kind not in {b"0", b"\0"}:
            raise malformed(f"the member {name!a} is no regular file", path=path)
        if size > MAX_RECORD_BYTES:
            raise malformed(f"the member {name!a} has {size} bytes", path=path)
        yield name, _read_padded(file, size, path)
    if changes:
        raise malformed("an extended header stands before the end", path=path)
    _check_end(file, path)


def _read_changes(file: BinaryIO, kind: bytes, size: int, path: str) -> dict[str, str]:
    """Return what an extended header says of the next member."""
    if size > _MAX_HEADER_BYTES:
        raise malformed("an extended header is too long", path=path)
    data = _read_padded(file, size, path)
    if kind == b"L":
        return {"path": _text(data.rstrip(b"\0"), path)}
    found = _pax(data, path)
    if kind == b"g" and found:
        raise malformed("a global header changes every member", path=path)
    return found


def _checked_name(name: str, path: str) -> str:
    if len(name.encode("utf-8")) > MAX_NAME_BYTES:
        raise malformed("the name of a member is too long", path=path)
    return name


def _check_end(file: BinaryIO, path: str) -> None:
    while rest := file.read(_BLOCK * 128):
        if rest.strip(b"\0"):
            raise malformed("there are bytes after the end of the archive", path=path)


def _read_exactly(file: BinaryIO, size: int, path: str) -> bytes:
    data = file.read(size)
    if len(data) != size:
        raise malformed("the archive is cut off", path=path)
    return data


def _read_padded(file: BinaryIO, size: int, path: str) -> bytes:
    data = _read_exactly(file, size, path)
    _read_exactly(file, -size % _BLOCK, path)
    return data


def _check_sum(header: bytes, path: str) -> None:
    # The sum of all bytes, those of the sum itself counted as blanks.
    stated = _number(header[148:156], path)
    if stated != sum(header[:148]) + 8 * 0x20 + sum(header[156:]):
        raise malformed("the sum of a header is wrong", path=path)


def _number(field: bytes, path: str) -> int:
    text = field.strip(b" \0")
    if field[0] == _BINARY:
        return int.from_bytes(field[1:], "big")
    if text.strip(b"01234567"):
        raise malformed("a number in a header is not octal", path=path)
    return int(text or b"0", 8)


def _name(header: bytes, path: str) -> str:
    name = header[:100].partition(b"\0")[0]
    prefix = header[345:500].partition(b"\0")[0] if header[257:263] == b"ustar\0" else b""
    return _text(prefix + b"/" + name if prefix else name, path)


def _text(data: bytes, path: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise malformed("the name of a member is not UTF-8", path=path) from None


def _pax(data: bytes, path: str) -> dict[str, str]:
    """Return path and size from an extended header:  length SP key "=" value LF, repeated."""
    found: dict[str, str] = {}
    while data:
        digits = data[:20].partition(b" ")[0]
        length = int(digits) if digits.isdigit() else 0
        record = data[len(digits) + 1 : length]
        key, equals, value = record.removesuffix(b"\n").partition(b"=")
        if length > len(data) or not equals or not record.endswith(b"\n"):
            raise malformed("an extended header breaks its format", path=path)
        data = data[length:]
        text = _text(key, path)
        if text.startswith(_REFUSED_KEYS):
            raise malformed(f"an extended header says {text!a}", path=path)
        if text in {"path", "size"}:
            found[text] = _text(value, path)
    if not _SIZE.fullmatch(found.get("size", "0")):
        raise malformed("a size in an extended header is no number", path=path)
    return found
