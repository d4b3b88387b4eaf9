"""Lists of digests that a caller holds already, in the forms in which people keep them. No I/O.

Read are: `sha256sum` and `b3sum` lines (`<hex>  <name>`), their tagged form (`SHA256 (<name>) =
<hex>`), an inventory of ours (JSON Lines), and JSON: an object of name to `{"size", "digest"}`, or
an array of `{"path", "size", "digest"}`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from provenance.canonical import MAX_LISTING_BYTES, parse
from provenance.digest import DigestSet, Inventory
from provenance.errors import DigestError, ProvenanceError, UsageError, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provenance.canonical import JsonValue

__all__ = ["read_listing"]

_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")
_TAGGED = re.compile(r"(SHA256|BLAKE3) \((.+)\) = ([0-9a-f]{64})")
_TAGS = {"SHA256": "sha256", "BLAKE3": "blake3"}

_Digests = dict[str, tuple[int | None, Mapping[str, str]]]


def read_listing(data: bytes, *, algorithm: str = "sha256") -> _Digests:
    """Return name to (size or `None`, digests) from a list of digests, as `inspect` takes it.

    Args:
        data: The list, in UTF-8.
        algorithm: By what the plain lines are: `sha256sum` and `b3sum` write the same form.

    Raises:
        UsageError: It is in none of the forms, or names a file twice.
    """
    if algorithm not in _TAGS.values():
        raise _unusable(f"expected sha256 or blake3 as algorithm, found {shown(algorithm)}")
    if len(data) > MAX_LISTING_BYTES:
        raise _unusable(f"{len(data)} bytes, more than the {MAX_LISTING_BYTES} that are read")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _unusable(f"not UTF-8 at byte {error.start}") from error
    start = text.lstrip()[:1]
    try:
        if start == "{" and text.lstrip().startswith('{"digest":'):
            return _collect(
                (entry.path, entry.size, entry.digest.digest_set)
                for entry in Inventory.from_bytes(data, source="listing")
            )
        if start in {"{", "["}:
            return _collect(_read_json(parse(data, max_bytes=MAX_LISTING_BYTES)))
        return _collect(_read_lines(text, algorithm))
    except UsageError:
        raise
    except DigestError as error:
        raise _unusable(
            f"{error.path}: {error.problem}" if error.path else error.problem
        ) from error
    except ProvenanceError as error:
        raise _unusable(str(error)) from error


def _read_lines(text: str, algorithm: str) -> Iterable[tuple[str, None, DigestSet]]:
    for number, line in enumerate(text.split("\n"), start=1):
        line = line.removesuffix("\r")  # noqa: PLW2901 - what Windows tools put before the line feed
        if not line:
            continue
        if tagged := _TAGGED.fullmatch(line):
            yield _plain(tagged[2]), None, DigestSet({_TAGS[tagged[1]]: tagged[3]})
        elif plain := _LINE.fullmatch(line):
            yield _plain(plain[2]), None, DigestSet({algorithm: plain[1]})
        else:
            raise _unusable(f"line {number}: expected a digest and a name, found {shown(line)}")


def _read_json(document: JsonValue) -> Iterable[tuple[str, int | None, DigestSet]]:
    if isinstance(document, Mapping):
        for name, entry in document.items():
            yield _read_entry(name, entry)
        return
    for entry in document if isinstance(document, tuple) else ():
        path = entry.get("path") if isinstance(entry, Mapping) else None
        if not isinstance(path, str):
            raise _unusable(f"expected an object with path, size and digest, found {shown(entry)}")
        yield _read_entry(path, entry)


def _read_entry(name: str, entry: Any) -> tuple[str, int | None, DigestSet]:  # noqa: ANN401 - JSON
    size = entry.get("size") if isinstance(entry, Mapping) else None
    digest = entry.get("digest") if isinstance(entry, Mapping) else None
    if not isinstance(digest, Mapping) or not (size is None or (type(size) is int and size >= 0)):
        raise _unusable(f"{shown(name)}: expected size and digest, found {shown(entry)}")
    return name, size, DigestSet(digest)


def _collect(entries: Iterable[tuple[str, int | None, DigestSet]]) -> _Digests:
    """Return the entries by name; the digests of one name by several algorithms are joined."""
    collected: _Digests = {}
    for name, size, digest in entries:
        known_size, known = collected.get(name, (None, {}))
        if known.keys() & digest.keys():
            raise _unusable(f"{shown(name)} is listed twice")
        collected[name] = (known_size if size is None else size, DigestSet({**known, **digest}))
    return collected


def _plain(name: str) -> str:
    return name.removeprefix("./")


def _unusable(problem: str) -> UsageError:
    return UsageError(
        path="listing",
        problem=problem,
        remedy="give lines of sha256sum or b3sum, or JSON with path, size and digest",
    )
