"""Which files of a folder the running process has imported. Reads only `sys.modules`."""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path

__all__ = ["imported_files"]


def imported_files(folder: Path) -> tuple[str, ...]:
    """Return the source files below a folder that were imported, relative to it, with `/`, sorted.

    Installed packages (`site-packages` of the running interpreter) are left out: they stand among
    the packages of the environment.
    """
    installed = {sysconfig.get_path(name) for name in ("purelib", "platlib", "stdlib")}
    found = set()
    for module in tuple(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if not isinstance(file, str):
            continue
        path = Path(os.path.abspath(file))  # noqa: PTH100 - takes `..` out, follows no link
        if path.is_relative_to(folder) and not any(path.is_relative_to(root) for root in installed):
            found.add(path.relative_to(folder).as_posix())
    return tuple(sorted(found))
