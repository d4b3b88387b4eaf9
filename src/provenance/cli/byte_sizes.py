"""Sizes of blocks on the command line: `1MiB`, `64KiB`, `1048576`."""

from __future__ import annotations

import re

import click
from typing_extensions import override

from provenance.canonical.limits import MAX_BLOCK_BYTES, MIN_BLOCK_BYTES

__all__ = ["BLOCK_BOUNDS", "BLOCK_SIZE"]

_UNITS = {"": 1, "B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
_SIZE = re.compile(r"([0-9]{1,15})(|B|KiB|MiB|GiB)")

#: Which sizes a block may have, in words.
BLOCK_BOUNDS = (
    f"a power of two from {MIN_BLOCK_BYTES // _UNITS['KiB']}KiB "
    f"to {MAX_BLOCK_BYTES // _UNITS['GiB']}GiB"
)


class _BlockSize(click.ParamType[int]):
    """A number of bytes that a block may have, with a binary unit or none."""

    name = "size"

    @override
    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """Return the number of bytes."""
        match = _SIZE.fullmatch(str(value))
        if match is None:
            self.fail(f"expected a size such as 1MiB, 64KiB or 1048576, found {value!r}", param)
        size = int(match[1]) * _UNITS[match[2]]
        if not MIN_BLOCK_BYTES <= size <= MAX_BLOCK_BYTES or size & (size - 1):
            self.fail(f"expected {BLOCK_BOUNDS}, found {value!r}", param)
        return size


#: The type of an option that takes the size of blocks.
BLOCK_SIZE = _BlockSize()
