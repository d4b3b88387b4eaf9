"""Packages whose names are loaded when they are first used (PEP 562).

Importing one module of a package runs the package's `__init__` first. One that only re-exports
names would load all of its modules for that, and a short command would pay for all of the library.
"""

from __future__ import annotations

import sys
from importlib import import_module

TYPE_CHECKING = False  # type checkers know the name; importing `typing` would cost 6 ms

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["lazy_names"]


def lazy_names(
    package: str, homes: Mapping[str, tuple[str, ...]]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return the `__getattr__` and the `__dir__` of a package that loads its names on first use.

    Type checkers read the imports under `if TYPE_CHECKING:` beside it; a test compares the two.

    Args:
        package: Name of the package, its `__name__`.
        homes: Names of modules, each with the public names that are defined there.
    """
    home_of = {name: home for home, names in homes.items() for name in names}

    def load(name: str) -> object:
        """Load a public name from its module, once."""
        home = home_of.get(name)
        if home is None:
            message = f"module {package!r} has no attribute {name!r}"
            raise AttributeError(message)
        value: object = getattr(import_module(home), name)
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        """List the public names, loaded or not."""
        return sorted({*vars(sys.modules[package]), *home_of})

    return load, names
