"""Readers of what other tools write about files: sums, DVC, Git LFS, listings of hubs.

Each takes a whole text and yields names, sizes and digests; it refuses whatever it does not
understand, rather than guess. Source: `spec/digests.md`, section "Claimed digests". No I/O.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final, NamedTuple

from provenance.canonical import MAX_DOCUMENT_BYTES, MAX_LFS_POINTER_BYTES, MAX_LISTING_BYTES
from provenance.canonical import parse as parse_json
from provenance.digest.inventory import Inventory
from provenance.errors import DigestError, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from provenance.canonical import JsonValue

__all__ = ["READERS", "WEAK_SUMS_REMEDY", "RawClaim", "malformed", "recognise"]

#: What helps where the sums are by MD5, SHA-1 or the like, which no option makes count.
WEAK_SUMS_REMEDY: Final = "compare with sums that sha256sum or b3sum wrote"
# What only one format begins with; an inventory is canonical JSON.
_BEGINNINGS: Final = (
    (b'{"digest":{"blake3":', "inventory"),
    (b"BLAKE3 (", "b3sum"),
    (b"SHA256 (", "sha256sum"),
)


class RawClaim(NamedTuple):
    """What a format says of one file, not yet checked."""

    path: str
    """Its name as written."""

    size: int | None
    """Its length in bytes, where the format says it."""

    digests: Mapping[str, str]
    """Its digests by our names of the algorithms."""

    is_folder: bool = False
    """Whether it is a folder whose digest only the tool itself understands."""


def malformed(where: str, problem: str, remedy: str = "") -> DigestError:
    """Return the error for a text that breaks its format."""
    return DigestError(path=where, problem=problem, remedy=remedy, code="listing-malformed")


def recognise(data: bytes, source: str) -> str:
    """Return the name of the format of a text, by its content; one that could be two is refused.

    Raises:
        DigestError: Code `listing-malformed`.
    """
    start = data[:4096].lstrip()
    for beginning, name in _BEGINNINGS:
        if data.startswith(beginning):
            return name
    if start.startswith(b"version https://git-lfs.github.com/spec/"):
        return "lfs"
    if start[:1] in {b"{", b"["}:
        return "hub"
    if re.search(rb"^(?:outs|stages):", data[:MAX_DOCUMENT_BYTES], re.MULTILINE):
        return "dvc"
    if re.match(rb"\\?[0-9a-f]{64} [ *]", data):
        name = PurePosixPath(source).name.lower()
        is_sha256, is_blake3 = "sha256" in name, "b3" in name or "blake3" in name
        if is_sha256 != is_blake3:
            return "sha256sum" if is_sha256 else "b3sum"
        problem = "sums of sha256sum and of b3sum look alike, and its name does not tell which"
    elif found := re.match(rb"\\?([0-9a-f]+) [ *]", data):
        problem = (
            f"begins with a digest of {4 * len(found[1])} bits, and the sums that count here are "
            "SHA-256 and BLAKE3, of 256"
        )
        raise malformed(source, problem, WEAK_SUMS_REMEDY)
    else:
        problem = "the format cannot be told from the content"
    raise malformed(source, problem, f"name it: {', '.join(READERS)}")


_SUM_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")
_TAGGED_LINE = re.compile(r"(SHA256|BLAKE3) \((.+)\) = ([0-9a-f]{64})")
_TAGS: Final = {"SHA256": "sha256", "BLAKE3": "blake3"}


def _read_sums(data: bytes, source: str, algorithm: str) -> Iterator[RawClaim]:
    """Read `<hex>  <name>`, `<hex> *<name>` and what `--tag` writes."""
    text = _text(data, source, MAX_LISTING_BYTES)
    if not text.endswith("\n"):
        raise malformed(source, "the last line does not end with a line feed")
    for number, line in enumerate(text.split("\n")[:-1], start=1):
        where = f"{source}:{number}"
        if line.startswith("\\"):
            raise malformed(
                where,
                "the name is escaped (it holds a backslash or a line break)",
                "rename the file: no manifest can list it",
            )
        if found := _SUM_LINE.fullmatch(line):
            value, path = found.groups()
        elif (found := _TAGGED_LINE.fullmatch(line)) and _TAGS[found[1]] == algorithm:
            path, value = found[2], found[3]
            if ") = " in path:  # where the name ends, two readers would not agree
                raise malformed(where, f"a name that could end in two places: {shown(path)}")
        else:
            raise malformed(
                where, f"expected a digest by {algorithm}, two blanks, a name; found {shown(line)}"
            )
        yield RawClaim(path.removeprefix("./"), None, {algorithm: value})


def _read_sha256sum(data: bytes, source: str) -> Iterator[RawClaim]:
    return _read_sums(data, source, "sha256")


def _read_b3sum(data: bytes, source: str) -> Iterator[RawClaim]:
    return _read_sums(data, source, "blake3")


_POINTER = re.compile(
    r"version https://git-lfs\.github\.com/spec/v1\n"
    r"(?:ext-[0-9]-[a-z0-9.-]+ sha256:[0-9a-f]{64}\n)*"
    r"oid sha256:([0-9a-f]{64})\nsize (0|[1-9][0-9]{0,15})\n"
)


def _read_lfs(data: bytes, source: str) -> Iterator[RawClaim]:
    """Read a Git LFS pointer; it holds no name, so the file is called as the pointer is."""
    text = _text(data, source, MAX_LFS_POINTER_BYTES)
    found = _POINTER.fullmatch(text)
    if found is None:
        raise malformed(source, "it is no Git LFS pointer: version, oid sha256 and size, in order")
    yield RawClaim(PurePosixPath(source).name, int(found[2]), {"sha256": found[1]})


def _read_hub(data: bytes, source: str) -> Iterator[RawClaim]:
    """Read what the Hugging Face Hub answers: `siblings` of a repository, or its `tree`."""
    value = parse_json(data, source=source, foreign=True)
    files = value.get("siblings") if isinstance(value, dict) else value
    if not isinstance(files, tuple):
        raise malformed(source, "expected a list of files, or `siblings` with one")
    for number, file in enumerate(files):
        claim = _read_hub_file(file, f"{source}#/{number}")
        if claim is not None:
            yield claim


def _read_hub_file(file: JsonValue, where: str) -> RawClaim | None:
    if not isinstance(file, dict):
        raise malformed(where, "expected an object")
    if file.get("type") == "directory":
        return None
    path = _only((file.get("rfilename"), file.get("path")), "names", where)
    if not isinstance(path, str):
        raise malformed(where, "expected `rfilename` or `path`")
    stored = file.get("lfs")
    if stored is not None and not isinstance(stored, dict):
        raise malformed(where, "expected an object as `lfs`")
    inside: Mapping[str, JsonValue] = {} if stored is None else stored
    sizes = [_size(item.get("size"), where) for item in (file, inside)]
    size = _size(_only(sizes, "sizes", where), where)
    blob = _only((file.get("blobId"), file.get("oid")), "blobs", where)
    if stored is None:
        # `oid` is the Git blob: SHA-1, and over a header too. It is kept, and never counts.
        return RawClaim(path, size, _digest("gitBlob", blob, where))
    # Beside `lfs`, the outer `oid` is that of the pointer, and says nothing about the file.
    values = [
        value.removeprefix("sha256:") if isinstance(value, str) else value
        for value in (inside.get("sha256"), inside.get("oid"))
    ]
    return RawClaim(path, size, _digest("sha256", _only(values, "digests", where), where))


def _only(values: Iterable[JsonValue], what: str, where: str) -> JsonValue:
    """Return what two members for one thing say, if they agree; `None` where neither is there."""
    said = [value for value in values if value is not None]
    if any(value != said[0] for value in said):
        raise malformed(where, f"two {what} for one file: {shown(said)}")
    return said[0] if said else None


def _digest(algorithm: str, value: JsonValue, where: str) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, str):
        raise malformed(where, f"a digest is text, not {shown(value)}")
    return {algorithm: value}


def _size(value: JsonValue, where: str) -> int | None:
    if value is not None and (type(value) is not int or value < 0):
        raise malformed(where, f"no file has {shown(value)} bytes")
    return value


# DVC writes plain YAML. Only lines of these forms are read; what could hide a line from us, or be
# two things to two readers (anchors, tags, blocks, open quotes, flow, tabs), is refused.
_YAML_LINE = re.compile(r"( *)(- )?(?:([A-Za-z0-9_.@/'\"-][^:#]*):(?: (.*))?|(.*))")
_YAML_REFUSED = re.compile(r"[|>&*!%`?:@]|\{(?!.*\}$)|\[(?!.*\]$)")

# What also ends a line, and so a comment, to some or all readers of YAML.
_OTHER_BREAKS = re.compile("[\r\x85\u2028\u2029]")
# By what DVC may claim: MD5 unless a remote was set up otherwise.
_DVC_DIGESTS: Final = ("md5", "sha256")


def _read_dvc(data: bytes, source: str) -> Iterator[RawClaim]:
    """Read the `outs` of a `.dvc` file or of `dvc.lock`."""
    outs = _Outs()
    text = _text(data, source, MAX_DOCUMENT_BYTES)
    if found := _OTHER_BREAKS.search(text):
        raise malformed(source, f"lines end with a line feed alone, found {shown(found[0])}")
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            outs.take(_yaml_line(line, f"{source}:{number}"))
    for item in outs.items:
        yield _dvc_out(item)


class _Line(NamedTuple):
    """A line of YAML."""

    indent: int
    dash: bool
    key: str | None
    value: str
    where: str


class _Outs:
    """The items of all lists `outs`, collected line by line."""

    def __init__(self) -> None:
        self.items: list[dict[str, str]] = []
        self._list_indent: int | None = None
        self._item_indent: int | None = None
        self._outs_indents: set[int] = set()

    def take(self, line: _Line) -> None:
        if self._list_indent is not None and (
            line.indent > self._list_indent or (line.indent == self._list_indent and line.dash)
        ):
            self._take_inside(line)
            return
        self._list_indent = line.indent if line.key == "outs" and not line.dash else None
        self._item_indent = None
        # Where a line is less indented, what was inside has ended.
        self._outs_indents = {indent for indent in self._outs_indents if indent <= line.indent}
        if self._list_indent is None:
            return
        if line.value:
            raise malformed(line.where, "expected a list of outs")
        if line.indent in self._outs_indents:
            raise malformed(line.where, "'outs' stands twice")
        self._outs_indents.add(line.indent)

    def _take_inside(self, line: _Line) -> None:
        if line.dash and (self._item_indent is None or line.indent <= self._item_indent):
            self._item_indent = line.indent
            self.items.append({"where": line.where})
        if self._item_indent is not None and line.dash and line.indent > self._item_indent:
            return  # an item of a list inside, such as labels
        # A line without a key goes on with the text above it, and would change what it says.
        if self._item_indent is None or line.key is None or " #" in line.value:
            raise malformed(line.where, "expected the outs of DVC, one `- ` each")
        # Deeper lines are parts of `meta`, `cloud` and the like.
        if line.indent == self._item_indent + (0 if line.dash else 2):
            if line.key in self.items[-1]:
                raise malformed(line.where, f"{shown(line.key)} stands twice")
            self.items[-1][line.key] = line.value


def _yaml_line(line: str, where: str) -> _Line:
    found = _YAML_LINE.fullmatch(line)
    if found is None or "\t" in line or line.startswith(("---", "...")):
        raise malformed(where, f"not the YAML that DVC writes: {shown(line)}")
    blanks, dash, key, value, other = found.groups()
    text = (value if key is not None else other) or ""
    if _YAML_REFUSED.match(text) or (text[:1] in {"'", '"'} and not _is_closed(text)):
        raise malformed(where, f"not the YAML that DVC writes: {shown(line)}")
    if text[:1] in {"'", '"'}:
        text = text[1:-1]
    name = None if key is None else key.strip("'\"")
    return _Line(len(blanks), dash is not None, name, text, where)


def _is_closed(text: str) -> bool:
    """Return whether a quoted text ends on its line and needs no unescaping."""
    return len(text) > 1 and text[-1] == text[0] and not re.search(r"['\"\\]", text[1:-1])


def _dvc_out(item: dict[str, str]) -> RawClaim:
    where = item["where"]
    if "path" not in item:
        raise malformed(where, "an out without path")
    size = item.get("size")
    if size is not None and not re.fullmatch(r"0|[1-9][0-9]{0,15}", size):
        raise malformed(where, f"no file has {shown(size)} bytes")
    digests: dict[str, str] = {name: item[name] for name in _DVC_DIGESTS if name in item}
    is_folder = "nfiles" in item or any(value.endswith(".dir") for value in digests.values())
    if is_folder:
        # The digest of a folder is one over DVC's own listing; nobody else can compute it.
        digests = {"dvcFolder": min(digests.values())} if digests else {}
    return RawClaim(item["path"], None if size is None else int(size), digests, is_folder)


def _read_inventory(data: bytes, source: str) -> Iterator[RawClaim]:
    """Read an inventory of ours: what was found at another time, or by somebody else."""
    for entry in Inventory.from_bytes(data, source=source):
        yield RawClaim(entry.path, entry.size, entry.digest.digest_set)


def _text(data: bytes, source: str, max_bytes: int) -> str:
    if len(data) > max_bytes:
        raise malformed(source, f"{len(data)} bytes, more than {max_bytes}")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise malformed(source, f"not UTF-8 at byte {error.start}") from error


#: The readers of all formats, by the names that `read_claims` takes.
READERS: Final[Mapping[str, Callable[[bytes, str], Iterator[RawClaim]]]] = {
    "sha256sum": _read_sha256sum,
    "b3sum": _read_b3sum,
    "dvc": _read_dvc,
    "lfs": _read_lfs,
    "hub": _read_hub,
    "inventory": _read_inventory,
}
