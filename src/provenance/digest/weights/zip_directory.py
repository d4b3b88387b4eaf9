"""The directory of a zip file, read strictly: every byte of the file belongs to one member.

What lenient readers allow, and hide things with, is refused: compression, encryption, comments,
names that stand twice or differ between directory and member, holes, and data before or after.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from provenance.canonical import MAX_TORCH_DIRECTORY_BYTES, MAX_TORCH_MEMBERS
from provenance.digest.names import check_name
from provenance.digest.tensors import malformed
from provenance.errors import DigestError, shown

if TYPE_CHECKING:
    from provenance.digest.weights.sources import Sources

__all__ = ["Member", "read_directory"]

# Signature; disks and counts; size and offset of the directory; length of the comment.
_END: Final = struct.Struct("<4s4H2LH")
# Signature; length; versions; disks; counts; size and offset of the directory (zip64).
_END_64: Final = struct.Struct("<4sQ2H2L4Q")
# Signature; disk; offset of the record above; disks (zip64).
_LOCATOR: Final = struct.Struct("<4sLQL")
# Signature; versions; flags; method; time, date; CRC; sizes; lengths; disk; attributes; offset.
_ENTRY: Final = struct.Struct("<4s6H3L5H2L")
# Signature; version; flags; method; time, date; CRC; sizes; lengths.
_LOCAL: Final = struct.Struct("<4s5H3L2H")

_STORED: Final = 0
#: Bit 3: sizes follow the data; bit 11: the name is UTF-8. No other one is allowed.
_SIZES_FOLLOW: Final = 0x8
_ALLOWED_FLAGS: Final = _SIZES_FOLLOW | 0x800
_FULL_16: Final = 0xFFFF
_FULL_32: Final = 0xFFFFFFFF
_ZIP64_EXTRA: Final = 1


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a zip file."""

    name: str
    """Its name, a checked relative path."""

    start: int
    """Offset of the first byte of its data in the file."""

    size: int
    """Length of its data in bytes."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """What the directory says of a member."""

    raw_name: bytes
    size: int
    crc: int
    flags: int
    offset: int


def read_directory(sources: Sources, path: str) -> tuple[Member, ...]:
    """Return the members in the order of their bytes.

    Raises:
        DigestError: The file breaks a rule of this module (code `tensors-malformed`).
    """
    start, length, count = _find_directory(sources, path)
    entries = _parse_directory(sources.read(path, start, length), count, path)
    entries.sort(key=lambda entry: entry.offset)
    members: list[Member] = []
    names: set[str] = set()
    position = 0
    for entry in entries:
        if position != entry.offset:
            kind = "overlap" if entry.offset < position else "leave a hole"
            raise malformed(path, f"the members {kind} at byte {entry.offset}")
        member = _read_member(sources, path, entry, start)
        if member.name in names:
            raise malformed(path, f"the member {shown(member.name)} stands twice")
        names.add(member.name)
        members.append(member)
        position = member.start + member.size
        if entry.flags & _SIZES_FOLLOW:
            position += _descriptor_length(sources, path, entry, position, start)
    if position != start:
        raise malformed(path, f"bytes {position} to {start} belong to no member")
    return tuple(members)


def _find_directory(sources: Sources, path: str) -> tuple[int, int, int]:
    """Return offset and length of the directory, and the number of its entries."""
    size = sources.size(path)
    end = size - _END.size
    if end < 0:
        raise malformed(path, "a zip file without a directory")
    fields = _END.unpack(sources.read(path, end, _END.size))
    signature, disk, first_disk, here, count, length, start, comment = fields
    if signature != b"PK\5\6" or disk or first_disk or here != count or comment:
        raise malformed(path, "a zip file that does not end with its directory")
    directory_end = end
    zip64 = _read_zip64(sources, path, end)
    if zip64 is not None:
        directory_end, (full_count, full_length, full_start) = zip64
        pairs = (
            (count, full_count, _FULL_16),
            (length, full_length, _FULL_32),
            (start, full_start, _FULL_32),
        )
        # Two places state them: a reader may believe either, so that they have to agree.
        if any(short not in {full, mark} for short, full, mark in pairs):
            raise malformed(path, "a zip file with two directories")
        count, length, start = full_count, full_length, full_start
    if count > MAX_TORCH_MEMBERS or length > MAX_TORCH_DIRECTORY_BYTES:
        problem = f"a directory of {count} members in {length} bytes"
        limits = f"{MAX_TORCH_MEMBERS} in {MAX_TORCH_DIRECTORY_BYTES}"
        raise malformed(path, f"{problem}, more than the {limits} read")
    if start + length != directory_end:
        raise malformed(path, "a zip file whose directory is not at its end")
    return start, length, count


def _read_zip64(sources: Sources, path: str, end: int) -> tuple[int, tuple[int, int, int]] | None:
    """Return where the zip64 record begins and what it says: count, length, start."""
    place = end - _LOCATOR.size
    if place < _END_64.size:
        return None
    signature, disk, offset, disks = _LOCATOR.unpack(sources.read(path, place, _LOCATOR.size))
    if signature != b"PK\6\7":
        return None
    if disk or disks != 1 or offset != place - _END_64.size:
        raise malformed(path, "a zip64 record that is not at the end")
    fields = _END_64.unpack(sources.read(path, offset, _END_64.size))
    signature, length, _, _, disk, first_disk, here, count, size, start = fields
    if signature != b"PK\6\6" or length != _END_64.size - 12 or disk or first_disk or here != count:
        raise malformed(path, "a zip64 record that breaks its format")
    return offset, (count, size, start)


def _parse_directory(data: bytes, count: int, path: str) -> list[_Entry]:
    entries = []
    position = 0
    for _ in range(count):
        if position + _ENTRY.size > len(data):
            raise malformed(path, "the directory is cut off")
        fields = _ENTRY.unpack_from(data, position)
        signature, _, _, flags, method, _, _, crc, packed, size, *rest = fields
        name_length, extra_length, comment, disk, _, _, offset = rest
        position += _ENTRY.size
        name = data[position : position + name_length]
        extra = data[position + name_length : position + name_length + extra_length]
        position += name_length + extra_length
        if signature != b"PK\1\2" or comment or disk or position > len(data):
            raise malformed(path, "an entry of the directory breaks its format")
        if method != _STORED or flags & ~_ALLOWED_FLAGS:
            raise malformed(path, f"the member {shown(name)} is compressed or encrypted")
        size, packed, offset = _widen(extra, (size, packed, offset), path)
        if size != packed:
            raise malformed(path, f"the member {shown(name)} has two sizes")
        entries.append(_Entry(name, size, crc, flags, offset))
    if position != len(data):
        raise malformed(path, "the directory holds more than its entries")
    return entries


def _widen(extra: bytes, values: tuple[int, int, int], path: str) -> tuple[int, int, int]:
    """Return sizes and offset with those of the zip64 field in the place of full ones."""
    wide = b""
    position = 0
    while position + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, position)
        if kind == _ZIP64_EXTRA:
            wide = extra[position + 4 : position + 4 + length]
        position += 4 + length
    result = []
    for value in values:
        if value == _FULL_32:
            if len(wide) < 8:  # noqa: PLR2004 - bytes of a 64-bit number
                raise malformed(path, "a zip64 field is missing")
            result.append(int.from_bytes(wide[:8], "little"))
            wide = wide[8:]
        else:
            result.append(value)
    return result[0], result[1], result[2]


def _read_member(sources: Sources, path: str, entry: _Entry, end: int) -> Member:
    """Read the header before the data, which has to say what the directory says."""
    try:
        name = entry.raw_name.decode("utf-8")
        check_name(name)
    except (UnicodeDecodeError, DigestError) as error:
        raise malformed(path, f"the member {shown(entry.raw_name)} has no safe name") from error
    if entry.offset + _LOCAL.size > end:
        raise malformed(path, f"the member {shown(name)} lies outside")
    fields = _LOCAL.unpack(sources.read(path, entry.offset, _LOCAL.size))
    signature, _, flags, method, _, _, crc, packed, size, name_length, extra_length = fields
    start = entry.offset + _LOCAL.size + name_length + extra_length
    if signature != b"PK\3\4" or start + entry.size > end:
        raise malformed(path, f"the member {shown(name)} lies outside")
    rest = sources.read(path, entry.offset + _LOCAL.size, name_length + extra_length)
    again, extra = rest[:name_length], rest[name_length:]
    size, packed, _ = _widen(extra, (size, packed, 0), path)
    # Writers that do not know a size beforehand leave zeros.
    later = {0} if flags & _SIZES_FOLLOW else set()
    agrees = (
        again == entry.raw_name
        and method == _STORED
        and flags == entry.flags
        and (crc == entry.crc or crc in later)
        and all(value == entry.size or value in later for value in (packed, size))
    )
    if not agrees:
        raise malformed(path, f"the member {shown(name)} is described in two ways")
    return Member(name, start, entry.size)


def _descriptor_length(sources: Sources, path: str, entry: _Entry, start: int, end: int) -> int:
    """Return how many bytes after the data repeat its size."""
    for layout in ("<4s3L", "<4sL2Q"):
        length = struct.calcsize(layout)
        if start + length > end:
            continue
        signature, crc, packed, size = struct.unpack(layout, sources.read(path, start, length))
        if signature == b"PK\7\x08" and (crc, packed, size) == (entry.crc, entry.size, entry.size):
            return length
    raise malformed(path, f"the sizes after the member {shown(entry.raw_name)} are others")
