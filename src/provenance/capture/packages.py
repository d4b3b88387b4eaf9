"""The installed distributions: name, version, and the digest of `RECORD`.

`RECORD` lists a digest for each installed file, so that one digest pins them all as they were
installed (not that nobody edited them since). The folders on `sys.path` are read directly: parsing
the metadata of a hundred distributions as `importlib.metadata` does takes several times as long.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from provenance.canonical import parse
from provenance.capture.captured import Captured, make_gap
from provenance.digest import digest_bytes, read_file
from provenance.errors import CanonicalError, InputError
from provenance.manifest import Package

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from provenance.manifest import Gap

__all__ = ["capture_packages", "normalise_name"]

#: Largest `METADATA` or `direct_url.json` that is read, in bytes.
MAX_METADATA_BYTES = 4 * 1024 * 1024

#: Largest `RECORD` that is read, in bytes; that of torch has about 2 MiB.
MAX_RECORD_BYTES = 64 * 1024 * 1024

#: Most distributions that are listed.
MAX_PACKAGES = 10_000

#: Most names that one gap lists.
MAX_NAMES_IN_GAP = 20

_HEADER = re.compile(rb"^(Name|Version):[ \t]*([!-~]{1,200})[ \t\r]*$", re.MULTILINE)
_SEPARATORS = re.compile(r"[-_.]+")
_METADATA = b".dist-info"
_ELSEWHERE = (b"..", b"/", b'"..', b'"/')
_UNDIGESTED: tuple[list[bytes], ...] = ([], [b""])


@dataclass(frozen=True, slots=True)
class _Found:
    """One distribution, and what is to be said about it."""

    package: Package
    editable: bool = False
    unrecorded: bool = False


def normalise_name(name: str) -> str:
    """Return the normalised name of a distribution: lower case, one hyphen between words.

    >>> normalise_name("Foo__Bar.baz")
    'foo-bar-baz'
    """
    return _SEPARATORS.sub("-", name).lower()


def capture_packages(search_path: Sequence[str] | None = None) -> Captured[tuple[Package, ...]]:
    """Return every installed distribution, by name; the first on the path wins, as in an import.

    Args:
        search_path: Folders and archives to look in; by default `sys.path`.
    """
    found: dict[str, _Found] = {}
    faults: list[str] = []
    for entry in dict.fromkeys(sys.path if search_path is None else search_path):
        for one in _scan(entry or ".", faults):
            found.setdefault(one.package.name, one)
    listed = [found[name] for name in sorted(found)][:MAX_PACKAGES]
    return Captured(tuple(one.package for one in listed), _gaps(listed, len(found), faults))


def _scan(entry: str, faults: list[str]) -> Iterator[_Found]:
    """Yield the distributions of one entry of the path."""
    try:
        with os.scandir(entry) as entries:
            names = sorted(
                (found.name, found.path)
                for found in entries
                if found.name.endswith((".dist-info", ".egg-info"))
            )
    except NotADirectoryError:
        yield from _scan_archive(entry)
        return
    except (OSError, ValueError):  # an entry that does not exist is common and harmless
        return
    for name, path in names:
        one = _read(Path(path))
        if one is None:
            faults.append(name)
        else:
            yield one


def _scan_archive(entry: str) -> Iterator[_Found]:
    """Yield the distributions inside a zip archive; they are rare, so the slow way will do."""
    for one in importlib.metadata.distributions(path=[entry]):
        name, version = one.metadata["Name"], one.version
        if name and version and name.isascii() and name.isprintable() and version.isprintable():
            yield _Found(Package(name=normalise_name(name), version=version), unrecorded=True)


def _read(folder: Path) -> _Found | None:
    """Read one `.dist-info` folder, `.egg-info` folder or `.egg-info` file."""
    data = _read_first((folder / "METADATA", folder / "PKG-INFO", folder), MAX_METADATA_BYTES)
    head = data.replace(b"\r\n", b"\n").partition(b"\n\n")[0] if data else b""
    headers = dict(reversed(_HEADER.findall(head)))  # the first of two equal headers counts
    if not {b"Name", b"Version"} <= headers.keys():
        return None
    editable = _is_editable(folder)
    record = None if editable else _read_first((folder / "RECORD",), MAX_RECORD_BYTES)
    package = Package(
        name=normalise_name(headers[b"Name"].decode("ascii")),
        version=headers[b"Version"].decode("ascii"),
        record=None if record is None else digest_bytes(record),
        content=None if record is None else digest_bytes(_content(record), ("sha256",)),
    )
    return _Found(package, editable=editable, unrecorded=record is None and not editable)


def _read_first(paths: Iterable[Path], max_bytes: int) -> bytes | None:
    for path in paths:
        try:
            return read_file(path, max_bytes=max_bytes)
        except InputError as error:
            if error.code == "link-found":  # some installers link files from their cache
                return _read_first((Path(os.path.realpath(path)),), max_bytes)
    return None


def _is_editable(folder: Path) -> bool:
    data = _read_first((folder / "direct_url.json",), MAX_METADATA_BYTES)
    if data is None:
        # `setup.py develop` and source trees leave an `.egg-info` beside the code itself.
        return (
            folder.suffix == ".egg-info"
            and folder.is_dir()
            and not (folder / "installed-files.txt").exists()
        )
    try:
        origin = parse(data, foreign=True)
    except CanonicalError:
        return False
    details = origin.get("dir_info") if isinstance(origin, dict) else None
    return isinstance(details, dict) and details.get("editable") is True


def _content(record: bytes) -> bytes:
    """Return the lines of a `RECORD` that are equal wherever its distribution is installed.

    Source: `spec/manifest.md`, section "Package". Scripts name the interpreter's own folder, byte
    code holds times, and the folder `.dist-info` says which program installed it.
    """
    kept = [
        line
        for line in record.splitlines()
        if b".pyc," not in line
        and b'.pyc",' not in line
        and not line.startswith(_ELSEWHERE)
        and not line.partition(b"/")[0].endswith(_METADATA)
        and line.rsplit(b",", 2)[-2:-1] not in _UNDIGESTED
    ]
    return b"".join(line + b"\n" for line in sorted(kept))


def _gaps(listed: Sequence[_Found], count: int, faults: Sequence[str]) -> tuple[Gap, ...]:
    editable = [one.package.name for one in listed if one.editable]
    unrecorded = [one.package.name for one in listed if one.unrecorded]
    problems = (
        (editable, "editable installs, whose code no RECORD binds"),
        (unrecorded, "distributions without a RECORD, whose files nothing binds"),
        (sorted(faults), "distributions whose metadata could not be read"),
        (range(MAX_PACKAGES, count), f"only {MAX_PACKAGES} distributions are listed; left out"),
    )
    return tuple(
        make_gap("packages", "absent", f"{text}: {_some(names)}")
        for names, text in problems
        if names
    )


def _some(names: Sequence[object]) -> str:
    more = f" and {len(names) - MAX_NAMES_IN_GAP} more" if len(names) > MAX_NAMES_IN_GAP else ""
    return ", ".join(map(str, names[:MAX_NAMES_IN_GAP])) + more
