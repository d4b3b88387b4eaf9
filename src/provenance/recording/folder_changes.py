"""What a command changed in a folder: the files that are new or differ, and how many are gone.

A file differs by its size, times or inode; nothing is read for that, and no link is followed.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FolderState", "changed_files", "look_at_folder"]

#: Most files of a folder that are compared.
MAX_FILES: Final = 100_000

#: Deepest nesting of folders that is looked into.
MAX_DEPTH: Final = 64

_SKIPPED: Final = frozenset({".git", ".hg", ".svn", "__pycache__", "node_modules"})
_MARKERS: Final = frozenset({"pyvenv.cfg", "CACHEDIR.TAG"})


@dataclass(slots=True)
class FolderState:
    """The regular files below a folder at one moment."""

    files: dict[str, tuple[int, int, int, int]] = field(default_factory=dict)
    """By absolute path: size, times of change of content and inode, number of the inode."""

    complete: bool = True
    """Whether all of them are here."""


def look_at_folder(folder: Path, *, besides: tuple[Path, ...] = ()) -> FolderState:
    """Return the files below a folder, without repositories, environments and marked caches.

    Args:
        folder: The folder.
        besides: Folders below it that are left out.
    """
    state = FolderState()
    left_out = {os.path.realpath(it) for it in besides}
    waiting = [(os.path.realpath(folder), 0)]
    while waiting:
        place, depth = waiting.pop()
        if place in left_out or depth > MAX_DEPTH:
            state.complete &= place in left_out
            continue
        waiting += [(it, depth + 1) for it in _look(place, state)]
    return state


def changed_files(before: FolderState, after: FolderState) -> tuple[list[str], int]:
    """Return the files that are new or differ, sorted, and how many are there no more."""
    changed = [path for path, known in after.files.items() if before.files.get(path) != known]
    return sorted(changed), len(before.files.keys() - after.files.keys())


def _look(place: str, state: FolderState) -> list[str]:
    """Add the files of one folder, and return the folders in it."""
    try:
        with os.scandir(place) as entries:
            found = list(entries)
    except OSError:
        state.complete = False
        return []
    if any(entry.name in _MARKERS for entry in found):
        return []
    folders = []
    for entry in found:
        try:
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in _SKIPPED:
                    folders.append(entry.path)
            elif entry.is_file(follow_symlinks=False):
                if len(state.files) >= MAX_FILES:
                    state.complete = False
                    return []
                info = entry.stat(follow_symlinks=False)
                times = (info.st_mtime_ns, info.st_ctime_ns)
                state.files[entry.path] = (info.st_size, *times, info.st_ino)
        except OSError:  # gone since the folder was read
            continue
    return folders
