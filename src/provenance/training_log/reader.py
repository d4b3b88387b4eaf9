"""Reading a training log: its lines, its entries, and the typed root over them.

The root's leaves are the lines without their line feeds, in order (`spec/digests.md`, section
"Trees"), so that a later proof shows one entry without the others.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from provenance.digest import TypedRoot, typed_root
from provenance.digest.files import check_unchanged, read_chunks
from provenance.digest.opening import open_regular
from provenance.errors import ManifestError
from provenance.training_log.entries import MAX_ENTRY_BYTES, LogEntry, parse_entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["MAX_ENTRIES", "iterate_entries", "iterate_lines", "log_root"]

#: Most entries of one log.
MAX_ENTRIES: Final = 100_000_000


def iterate_lines(path: str | os.PathLike[str], *, allow_torn: bool = False) -> Iterator[bytes]:
    """Yield the lines of a log without their line feeds, in bounded memory.

    Args:
        path: The log's file.
        allow_torn: Leave out a last line without line feed, as a crash leaves one; otherwise it is
            an error.

    Raises:
        InputError: The file cannot be read, or changed while it was read.
        ManifestError: A line is longer than `MAX_ENTRY_BYTES`, or the last one is torn (code
            `log-malformed`).
    """
    source = os.fspath(path)
    rest = b""
    with open_regular(path) as descriptor:
        info = os.fstat(descriptor)
        for chunk in read_chunks(descriptor, info.st_size, path=source):
            *lines, rest = (rest + bytes(chunk)).split(b"\n")
            if len(rest) > MAX_ENTRY_BYTES:
                raise _malformed(source, f"a line is longer than {MAX_ENTRY_BYTES} bytes")
            yield from lines
        check_unchanged(descriptor, info, path=source)
    if rest and not allow_torn:
        raise _malformed(source, "the last line does not end with a line feed")


def iterate_entries(
    path: str | os.PathLike[str], *, allow_torn: bool = False
) -> Iterator[LogEntry]:
    """Yield the entries of a log, each read strictly; takes and raises what `iterate_lines` does.

    Raises:
        ManifestError: A line is no entry in canonical form (code `log-malformed`).
    """
    source = os.fspath(path)
    for number, line in enumerate(iterate_lines(path, allow_torn=allow_torn), start=1):
        if number > MAX_ENTRIES:
            raise _malformed(source, f"more than {MAX_ENTRIES} entries")
        yield parse_entry(line, source=f"{source}:{number}")


def log_root(paths: Iterable[str | os.PathLike[str]]) -> TypedRoot:
    """Return the typed root over the lines of these files, one file after the other."""
    return typed_root("log", (line for path in paths for line in iterate_lines(path)))


def _malformed(source: str, problem: str) -> ManifestError:
    return ManifestError(path=source, problem=problem, code="log-malformed")
