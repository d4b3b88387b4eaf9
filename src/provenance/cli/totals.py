"""How many bytes there are to read, for the time left on a progress bar; nothing relies on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["total_bytes"]


def total_bytes(path: Path) -> int:
    """Return the size of a file, or of all files below a folder; 0 if that cannot be said."""
    from provenance.digest import walk_tree
    from provenance.errors import InputError

    try:
        if path.is_dir():
            return sum(file.size for file in walk_tree(path).files)
        return path.stat().st_size
    except (InputError, OSError):
        return 0
