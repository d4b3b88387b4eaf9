"""The options that say whom to trust, the same for every command that verifies a signature."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["trust_options"]

_F = TypeVar("_F", bound="Callable[..., Any]")

# In the order in which the help prints them. What cannot be read is no wrong option: the command
# itself says so.
_OPTIONS = (
    click.option(
        "--key",
        "keys",
        type=click.Path(path_type=Path, readable=False),
        multiple=True,
        metavar="FILE",
        help="Public key, any of which may have signed. May be repeated. Without it, the keys that "
        "you have pinned count.",
    ),
    click.option("--model", metavar="NAME", help="The name that the model must have."),
)


def trust_options(command: _F) -> _F:
    """Add `--key` (as `keys`) and `--model` to a command that verifies a signature."""
    for option in reversed(_OPTIONS):  # the decorator next to a function adds the last option
        command = option(command)
    return command
