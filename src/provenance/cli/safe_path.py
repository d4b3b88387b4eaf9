"""Keep the working folder out of what Python imports, and notice a stranger of the same name.

A model folder is hostile: a `json.py` inside it must never run because somebody verified the model
while standing there. Console commands do not put the working folder on `sys.path`; this holds for
whoever calls `main` in another way. An entry of PYTHONPATH that names the folder acts before any
code of ours: `PYTHONSAFEPATH=1` does not help against that, and an unset PYTHONPATH does.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

__all__ = ["find_strangers", "leave_out_working_directory"]

# What an installer leaves for the unrelated distribution, e.g. `provenance-0.14.1.dist-info`.
_STRANGER = re.compile(r"provenance-[^-]+(?:-[^-]+)?\.(?:dist-info|egg-info|egg)", re.IGNORECASE)


def leave_out_working_directory() -> None:
    """Remove the working folder from `sys.path`, unless this library itself is installed there."""
    try:
        here = Path.cwd()
    except OSError:
        return  # it was deleted: nothing can be imported from it
    home = Path(__file__).resolve().parents[2]
    if not home.samefile(here):
        sys.path[:] = [entry for entry in sys.path if not _is(entry, here)]


def find_strangers() -> tuple[str, ...]:
    """Return where another distribution, called `provenance`, is installed beside this one.

    It installs an import package of the same name, so that each may overwrite files of the other.
    """
    found: list[str] = []
    for entry in sys.path:
        try:
            names = os.listdir(entry or ".")  # noqa: PTH208 - a name may be no path at all
        except OSError:
            continue
        found.extend(os.path.join(entry, name) for name in names if _STRANGER.fullmatch(name))  # noqa: PTH118
    return tuple(dict.fromkeys(found))


def _is(entry: str, folder: Path) -> bool:
    try:
        return Path(entry).samefile(
            folder
        )  # "" is the working folder for Python and for Path alike
    except (OSError, ValueError):
        return False
