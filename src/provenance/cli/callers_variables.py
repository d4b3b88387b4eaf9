"""Environment variables that this program adds for itself, and those of its caller."""

from __future__ import annotations

import os
from typing import Final

__all__ = ["add_own_variables", "callers_environment"]

# Whatever is installed beside us has no say in how documents are read; and to look for plugins
# took 10 ms.
_OWN: Final = {"PYDANTIC_DISABLE_PLUGINS": "__all__"}

_added: list[str] = []


def add_own_variables() -> None:
    """Set what this program wants, where its caller has not set it."""
    for name, value in _OWN.items():
        if name not in os.environ:
            os.environ[name] = value
            _added.append(name)


def callers_environment() -> dict[str, str]:
    """Return the environment variables as the caller of this program set them."""
    return {name: value for name, value in os.environ.items() if name not in _added}
