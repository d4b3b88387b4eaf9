"""Which files a framework has written since one looked last; for those that do not tell."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["SavedFiles"]


class SavedFiles:
    """Files and folders by name, as they looked last: time of change, length, place on the disk."""

    def __init__(self) -> None:
        """Know no file."""
        self._known: dict[str, tuple[int, int, int]] = {}

    def written(self, paths: Iterable[str | os.PathLike[str]]) -> list[Path]:
        """Return those that are there, and new or changed; a link only names another file."""
        found: list[tuple[tuple[int, int, int], Path]] = []
        for path in dict.fromkeys(os.fspath(it) for it in paths):
            try:
                state = os.lstat(path)
            except (OSError, ValueError):  # removed again, or nowhere on this machine
                continue
            look = (state.st_mtime_ns, state.st_size, state.st_ino)
            if self._known.get(path) != look and not stat.S_ISLNK(state.st_mode):
                self._known[path] = look
                found.append((look, Path(path)))
        return [path for _, path in sorted(found)]  # the oldest first
