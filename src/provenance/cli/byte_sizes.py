"""Sizes in bytes on the command line: `1MiB`, `64KiB`, `1048576`."""

from __future__ import annotations

import re

import click
from typing_extensions import override

__all__ = ["SIZE"]

_UNITS = {"": 1, "B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
_SIZE = re.compile(r"([0-9]{1,15})(|B|KiB|MiB|GiB)")


class _Size(click.ParamType[int]):
    """A whole number of bytes, with a binary unit or none."""

    name = "size"

    @override
    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """Return the number of bytes."""
        match = _SIZE.fullmatch(str(value))
        if match is None:
            self.fail(f"expected a size such as 1MiB, 64KiB or 1048576, found {value!r}", param)
        return int(match[1]) * _UNITS[match[2]]


#: The type of an option that takes a size.
SIZE = _Size()
