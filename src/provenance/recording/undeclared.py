"""Which of the files that a script opened are data that nobody declared.

A file counts if it is a regular one, was there before the run and is no part of the system, of an
installation of Python, of the code or of the run itself. Declared is what lies at or below a place
that the record names, and what has the digest of a declared file.
"""

from __future__ import annotations

import os
import site
import stat
import sys
import sysconfig
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from provenance.capture import public_path, redact_text
from provenance.capture.paths import manifest_path
from provenance.digest import hash_file
from provenance.errors import ProvenanceError
from provenance.manifest.training import UndeclaredInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from provenance.digest import DigestSet
    from provenance.recording.records import Record

__all__ = ["Opened", "declared_places", "find_undeclared", "undeclared_inputs"]

#: Most undeclared inputs of one record; the rest is counted by a gap.
MAX_INPUTS: Final = 1_000

#: Largest undeclared input that is hashed, in bytes.
MAX_HASHED_BYTES: Final = 256 * 1024 * 1024

#: Most bytes of undeclared inputs of one run that are hashed: the end of a run must not wait long.
MAX_HASHED_TOTAL: Final = 1024 * 1024 * 1024

# What belongs to a machine, wherever it stands below these.
_SYSTEM: Final = (
    *("/proc/", "/sys/", "/dev/", "/etc/", "/bin/", "/sbin/", "/lib/", "/lib32/", "/lib64/"),
    *("/usr/bin/", "/usr/sbin/", "/usr/include/", "/usr/lib/", "/usr/lib32/", "/usr/lib64/"),
    *("/usr/share/", "/usr/local/lib/", "/usr/local/share/", "/var/lib/", "/opt/conda/"),
)

# Endings of code and of what is made from code.
_CODE: Final = (
    *(".py", ".pyc", ".pyi", ".pyd", ".pyx", ".pth", ".ipynb", ".egg-link", ".so", ".dylib"),
    *(".dll", ".c", ".cc", ".cpp", ".cu", ".h", ".hpp", ".rs", ".sh", ".nbi", ".nbc"),
)

# Folders of caches, repositories and installations, by their names.
_FOLDERS: Final = frozenset(
    {
        *("__pycache__", "site-packages", "dist-packages", ".git", ".hg", ".svn", ".tox", ".nox"),
        *(".mypy_cache", ".ruff_cache", ".pytest_cache", ".ipynb_checkpoints", ".triton"),
    }
)


@dataclass(frozen=True, slots=True)
class Opened:
    """One file that a script opened for reading, before it wrote it if it ever did."""

    path: str
    """Where it lies, absolute."""

    size: int | None = None
    """Its length in bytes when the script began to overwrite it, or nothing: it never did."""


def find_undeclared(
    opened: Iterable[Opened],
    record: Record,
    *,
    began: float,
    project: Path,
    runs: Path | None = None,
    outside: Sequence[str] = (),
    hashing: bool = True,
) -> tuple[tuple[UndeclaredInput, ...], int]:
    """Return the undeclared inputs of a run, by path, and how many more there are.

    Args:
        opened: The files that were opened for reading.
        record: What was declared.
        began: When the run began, in seconds of the epoch by the clock of the file system.
        project: The folder that the script ran in, to which paths become relative.
        runs: The folder of all runs, to which the record's places are relative.
        outside: Folders whose files do not count.
        hashing: Whether to read them for their digests.
    """
    places = declared_places(record, runs)
    digests = frozenset(_declared_digests(record))
    elsewhere = (*_installations(), *(f"{os.path.realpath(it)}/" for it in outside))
    found: dict[str, UndeclaredInput] = {}
    budget = MAX_HASHED_TOTAL if hashing else 0
    more = 0
    for item in sorted(opened, key=lambda it: it.path):
        path = os.path.realpath(item.path)
        size = _size_of_input(path, item, began, elsewhere)
        if size is None or path in found or _lies_in(path, places):
            continue
        if len(found) >= MAX_INPUTS:
            more += 1
            continue
        digest = None
        if item.size is None and size <= min(budget, MAX_HASHED_BYTES):
            budget -= size
            digest = _digest_of(path)
            if digest is not None and digest["blake3"] in digests:
                continue
        name = redact_text(public_path(path, project=project)).value
        found[path] = UndeclaredInput(path=manifest_path(name), size=size, digest=digest)
    return tuple(found.values()), more


def undeclared_inputs(records: Sequence[Record]) -> list[dict[str, Any]]:
    """Return the undeclared inputs of several runs that none of them declared, as JSON trees."""
    digests = frozenset(digest for record in records for digest in _declared_digests(record))
    found = dict.fromkeys(
        item
        for record in records
        for item in record.undeclared_inputs
        if item.digest is None or item.digest.get("blake3") not in digests
    )
    return [item.to_tree() for item in found]


def declared_places(record: Record, project: Path | None) -> tuple[str, ...]:
    """Return the real paths of the data and checkpoints whose places a record knows."""
    places = (place for place in (record.locations or {}).values() if isinstance(place, str))
    base = Path() if project is None else project
    return tuple(os.path.realpath(base / place) for place in places)


def _declared_digests(record: Record) -> Iterator[str]:
    """Return the BLAKE3 digests of every declared file that is listed."""
    trees = (*record.datasets, *record.checkpoints, *record.used_checkpoints)
    digests = [entry.digest for tree in trees for entry in tree.inventory]
    digests += [document.digest for document in record.documents if document.digest is not None]
    yield from (digest["blake3"] for digest in digests if "blake3" in digest)


def _size_of_input(path: str, item: Opened, began: float, outside: Sequence[str]) -> int | None:
    """Return the size of a file that counts, or nothing if it does not count."""
    if path.startswith((*_SYSTEM, *outside)) or path.endswith(_CODE):
        return None
    if not _FOLDERS.isdisjoint(path.split("/")):
        return None
    try:
        info = os.lstat(path)  # the path is real: a link here is one that was made since
    except (OSError, ValueError):
        return item.size  # what the script overwrote and took away was there before
    if not stat.S_ISREG(info.st_mode):
        return None
    # The time of the last change of the inode cannot be set by hand, as that of the content can.
    if item.size is None and info.st_ctime >= began:
        return None
    return info.st_size if item.size is None else item.size


def _lies_in(path: str, places: Sequence[str]) -> bool:
    return any(path == place or path.startswith(f"{place}/") for place in places)


def _digest_of(path: str) -> DigestSet | None:
    try:
        return hash_file(path, algorithms=("blake3",)).digest
    except ProvenanceError:
        return None  # gone, changed or not ours to read: it is listed without


@lru_cache(maxsize=1)
def _installations() -> tuple[str, ...]:
    """Return the folders of this Python and of what is installed for it, each with `/`."""
    folders = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    folders |= {site.getusersitepackages(), str(Path(__file__).parent.parent)}
    # A virtual environment, or an interpreter of its own; never the whole of `/usr`.
    prefixes = {sys.prefix, sys.base_prefix, sys.exec_prefix}
    folders |= {it for it in prefixes if it not in {"/", "/usr", "/usr/local"}}
    return tuple(sorted(f"{os.path.realpath(folder)}/" for folder in folders if folder))
