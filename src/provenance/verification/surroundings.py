"""What belongs to what is verified, and whether a file lies in it.

Whoever hands out a release can change every file of it, so neither the policy that judges it nor
what is remembered of it may lie there. Only looks where things are; reads nothing.

Source: `spec/trust-policy.md`, [R-POL-1] and [R-POL-41].
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from provenance.checks import MANIFEST_FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provenance.verification.options import PathLike

__all__ = ["lies_within", "surroundings_of"]

# The folders of one repository in the cache of `huggingface_hub`.
_SNAPSHOTS, _BLOBS = "snapshots", "blobs"


def surroundings_of(*targets: object) -> tuple[Path, ...]:
    """Return the folders, or single files, that somebody else fills.

    Args:
        *targets: What is verified: a folder; a file of a release, its bundle, or its list of
            digests, which stand for the release that they lie in. What is no path is left out.
    """
    found: dict[Path, None] = {}
    for target in targets:
        if isinstance(target, str | os.PathLike):
            for path in _spellings(target):
                found.update(dict.fromkeys(_around(path)))
    return tuple(found)


def lies_within(path: PathLike, folders: tuple[Path, ...]) -> bool:
    """Return whether a path lies in one of some folders: as it is written, or where links lead."""
    return any(
        _is_same(place, folder)
        for spelling in _spellings(path)
        for place in (spelling, *spelling.parents)
        for folder in folders
    )


def _around(path: Path) -> Iterator[Path]:
    yield path
    # A snapshot is links into the blobs beside it: one download wrote both.
    for place in (path, *path.parents):
        if place.name == _SNAPSHOTS and (place.with_name(_BLOBS)).is_dir():
            yield place.parent
    if not path.is_dir():
        yield from (place for place in path.parents if (place / MANIFEST_FOLDER).is_dir())


def _spellings(path: PathLike) -> tuple[Path, ...]:
    """Return a path as it is written, with links followed up to its name, and all the way."""
    try:
        written = Path(os.path.abspath(os.fspath(path)))  # noqa: PTH100 - no link is followed
        folder = Path(os.path.realpath(written.parent)) / written.name
        return tuple(dict.fromkeys((written, folder, Path(os.path.realpath(written)))))
    except (ValueError, TypeError):  # a name with U+0000 in it: whoever opens it says so
        return ()


def _is_same(one: Path, other: Path) -> bool:
    if one == other:
        return True
    try:
        # By inode: another letter case or a second mount is the same folder.
        return one.samefile(other)
    except (OSError, ValueError):
        return False
