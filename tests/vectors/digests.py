"""Group `digests`: tree digests, inventories and names."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from vectors import formulas
from vectors.groups import DIGESTS
from vectors.kit import Case, refuses, returns

if TYPE_CHECKING:
    from collections.abc import Iterable

_INVENTORY, _NAMES, _TREE = "section Inventories", "section Names", "section Tree digest"

#: The worked example of `spec/digests.md`.
_FILES = {
    "config.json": b'{"layers":2}\n',
    "empty.txt": b"",
    "weights/part-1.bin": bytes(range(251)),
}


def _folder(files: dict[str, bytes]) -> Case:
    request = {"operation": "tree-digest", "folder": "tree"}
    output = formulas.tree_digest(formulas.inventory(files))
    return returns(request, output, {f"tree/{name}": data for name, data in files.items()})


def _lines(entries: Iterable[object]) -> bytes:
    return b"".join(formulas.canonical(entry) + b"\n" for entry in entries)


def _inventory(files: dict[str, bytes], *algorithms: str) -> Case:
    entries = formulas.inventory(files, *algorithms)
    request = {"operation": "tree-digest", "inventory": "inventory.jsonl"}
    return returns(request, formulas.tree_digest(entries), {"inventory.jsonl": _lines(entries)})


def _refused(data: bytes, code: str = "inventory-malformed") -> Case:
    request = {"operation": "tree-digest", "inventory": "inventory.jsonl"}
    return refuses(request, code, {"inventory.jsonl": data})


@DIGESTS.vector(_TREE)
def tree_of_three_files() -> Case:
    """The tree digest of a folder with a nested file and an empty one."""
    return _folder(_FILES)


@DIGESTS.vector(_TREE)
def tree_of_one_file() -> Case:
    """The root of one leaf is the hash of that leaf."""
    return _folder({"model.bin": b"weights\n"})


@DIGESTS.vector(_TREE)
def tree_order_is_by_bytes_of_the_path() -> Case:
    """Paths are compared as bytes, so `a-b` and `a.b` stand before `a/b`, and `a0` after it."""
    return _folder({"a0": b"4", "a/b": b"3", "a.b": b"2", "a-b": b"1", "B": b"0"})


@DIGESTS.vector(_TREE)
def tree_of_seven_files() -> Case:
    """A tree that is not full splits at the largest power of two below its size."""
    return _folder({f"part-{number}.bin": bytes([number]) * number for number in range(7)})


@DIGESTS.vector(_INVENTORY)
def inventory_of_three_files() -> Case:
    """The inventory of the same three files has the same root as the folder."""
    return _inventory(_FILES)


@DIGESTS.vector(_INVENTORY)
def inventory_without_sha256() -> Case:
    """The root does not depend on whether SHA-256 was recorded."""
    return _inventory(_FILES, "blake3")


@DIGESTS.vector(_INVENTORY)
def inventory_of_no_files() -> Case:
    """The root of no leaves is SHA-256 of the empty string."""
    return _inventory({})


@DIGESTS.vector(_INVENTORY)
def inventory_order_is_by_utf8() -> Case:
    """Paths are sorted by UTF-8 bytes, so U+FB33 stands before U+1F600."""
    return _inventory({"\ufb33.txt": b"1", "\U0001f600.txt": b"2", "\u00e4.txt": b"3"})


@DIGESTS.vector(_NAMES)
def names_that_are_allowed() -> Case:
    """Blanks, leading dots, three dots, reserved names of Windows and long segments are names."""
    names = (" a b ", ".hidden", "...", "CON", "x" * 255, "d/e/f", "\u00e4\u4e2d", "a:b", "-rf")
    return _inventory(dict.fromkeys(names, b""))


def _entry(path: str = "a", **changes: object) -> dict[str, Any]:
    return {**formulas.inventory({path: b"content of " + path.encode()})[0], **changes}


def _digest(**changes: object) -> dict[str, Any]:
    entry = _entry()
    return {**entry, "digest": {**entry["digest"], **changes}}


def _bad_inventories() -> Iterable[tuple[str, str, bytes]]:
    line = _lines([_entry()])
    made = _entry()["digest"]
    yield (
        "inventory_unsorted",
        "The entries are not sorted by path.",
        _lines([_entry("b"), _entry("a")]),
    )
    yield (
        "inventory_sorted_by_utf16",
        "The entries are sorted by UTF-16 code units.",
        _lines([_entry("\U0001f600"), _entry("\ufb33")]),
    )
    yield "inventory_path_twice", "A path is listed twice.", line + line
    yield (
        "inventory_two_contents_for_one_path",
        "A path is listed with two digests.",
        _lines([_entry(), _digest(blake3="0" * 64)]),
    )
    yield "inventory_no_last_line_feed", "The last line is not ended.", line[:-1]
    yield "inventory_blank_line", "A line is empty.", line + b"\n"
    yield "inventory_crlf", "A line ends in CR LF.", line[:-1] + b"\r\n"
    yield "inventory_blank_in_line", "A line is not canonical.", line.replace(b",", b", ", 1)
    yield "inventory_byte_order_mark", "It begins with a byte order mark.", b"\xef\xbb\xbf" + line
    yield (
        "inventory_keys_unsorted",
        "The members of an entry are not sorted.",
        b'{"path":"a","size":0,"digest":{"blake3":"%s"}}\n' % b"0" * 64,
    )
    yield (
        "inventory_key_twice",
        "An entry has a key twice.",
        line.replace(b'"path"', b'"path":"b","path"'),
    )
    yield "inventory_unknown_member", "An entry has an unknown member.", _lines([_entry(mode=420)])
    yield "inventory_no_size", "An entry has no size.", _lines([{"digest": made, "path": "a"}])
    yield "inventory_negative_size", "A size is negative.", _lines([_entry(size=-1)])
    yield (
        "inventory_real_size",
        "A size is spelt as a real.",
        line.replace(b'"size":12', b'"size":12.0'),
    )
    yield "inventory_huge_size", "A size is 2^53.", _lines([_entry(size=2**53)])
    yield "inventory_size_as_text", "A size is text.", _lines([_entry(size="12")])
    yield (
        "inventory_no_blake3",
        "A file has no BLAKE3.",
        _lines([_entry(digest={"sha256": made["sha256"]})]),
    )
    yield "inventory_upper_case", "A digest is in upper case.", _lines([_digest(blake3="A" * 64)])
    yield "inventory_short_digest", "A digest is cut off.", _lines([_digest(sha256="0" * 32)])
    yield (
        "inventory_weak_digest",
        "An inventory holds no other algorithm.",
        _lines([_digest(md5="0" * 32)]),
    )
    yield "inventory_null_digest", "What is absent is left out.", _lines([_digest(sha256=None)])
    yield (
        "inventory_escaped_letter",
        "A letter is escaped that need not be.",
        line.replace(b'"a"', rb'"\u0061"'),
    )
    yield "inventory_not_utf8", "A path is not UTF-8.", line.replace(b'"a"', b'"\xff"')
    yield (
        "inventory_lone_surrogate",
        "A path holds a lone surrogate.",
        line.replace(b'"a"', rb'"\ud800"'),
    )


_BAD_NAMES = (
    ("name_empty", "A name is not empty.", ""),
    ("name_absolute", "A name is not absolute.", "/etc/passwd"),
    ("name_parent", "A name does not climb.", "../a"),
    ("name_parent_inside", "A name does not climb, not even inside.", "a/../b"),
    ("name_dot", "A name has one spelling, without `.` segments.", "./a"),
    ("name_empty_segment", "A name has one spelling, without empty segments.", "a//b"),
    ("name_trailing_slash", "A name of a file does not end in a slash.", "a/"),
    ("name_backslash", "A backslash is a separator on some systems.", "a\\b"),
    ("name_nul", "A NUL character ends a name on most systems.", "a\x00b"),
    ("name_line_feed", "A line feed would start another line of a listing.", "a\nb"),
    ("name_escape_sequence", "An escape sequence would reach a terminal.", "a\x1b[31mb"),
    ("name_delete", "DEL is a control character.", "a\x7f"),
    ("name_c1", "U+0080 to U+009F are control characters.", "a\x9bb"),
    ("name_long_segment", "A segment has at most 255 bytes.", "x" * 256),
    (
        "name_long_segment_in_bytes",
        "The limit of a segment counts bytes, not characters.",
        "\u00e4" * 128,
    ),
    ("name_too_deep", "A name has at most 128 segments.", "/".join("a" * 129)),
    ("name_too_long", "A name has at most 4,096 bytes.", "/".join(["x" * 200] * 21)),
)


def _declare_rows() -> None:
    for name, description, data in _bad_inventories():
        DIGESTS.add(name, description, f"{_INVENTORY} [R-DIGEST-26]", partial(_refused, data))
    for name, description, path in _BAD_NAMES:
        data = _lines([_entry(path)])
        DIGESTS.add(
            name, description, f"{_NAMES} [R-DIGEST-8]", partial(_refused, data, "name-unsafe")
        )


_declare_rows()
