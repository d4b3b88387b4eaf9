"""Readers of what other tools write about files: sums, DVC, Git LFS, listings of hubs.

Each takes a whole text and yields names, sizes and digests; it refuses whatever it does not
understand, rather than guess. Source: `spec/digests.md`, section "Claimed digests". No I/O.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from provenance.canonical import MAX_DOCUMENT_BYTES, MAX_LFS_POINTER_BYTES, MAX_LISTING_BYTES
from provenance.canonical import parse as parse_json
from provenance.digest.dvc_claims import read_dvc
from provenance.digest.inventory import Inventory
from provenance.digest.raw_claims import RawClaim, malformed, read_text
from provenance.errors import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from provenance.canonical import JsonValue

__all__ = ["READERS", "WEAK_SUMS_REMEDY", "recognise"]

#: What helps where the sums are by MD5, SHA-1 or the like, which no option makes count.
WEAK_SUMS_REMEDY: Final = "compare with sums that sha256sum or b3sum wrote"
# What only one format begins with; an inventory is canonical JSON.
_BEGINNINGS: Final = (
    (b'{"digest":{"blake3":', "inventory"),
    (b"BLAKE3 (", "b3sum"),
    (b"SHA256 (", "sha256sum"),
)


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
    text = read_text(data, source, MAX_LISTING_BYTES)
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
    text = read_text(data, source, MAX_LFS_POINTER_BYTES)
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


def _read_inventory(data: bytes, source: str) -> Iterator[RawClaim]:
    """Read an inventory of ours: what was found at another time, or by somebody else."""
    for entry in Inventory.from_bytes(data, source=source):
        yield RawClaim(entry.path, entry.size, entry.digest.digest_set)


#: The readers of all formats, by the names that `read_claims` takes.
READERS: Final[Mapping[str, Callable[[bytes, str], Iterator[RawClaim]]]] = {
    "sha256sum": _read_sha256sum,
    "b3sum": _read_b3sum,
    "dvc": read_dvc,
    "lfs": _read_lfs,
    "hub": _read_hub,
    "inventory": _read_inventory,
}
