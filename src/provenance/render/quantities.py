"""Sizes and counts as people read them; the same in every locale."""

from __future__ import annotations

__all__ = ["format_bytes", "format_count"]

_STEP = 1024
_UNITS = ("KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def format_count(count: int) -> str:
    """Return a whole number with commas between thousands.

    >>> format_count(1234567)
    '1,234,567'
    """
    return f"{count:,}"


def format_bytes(size: int) -> str:
    """Return a size in bytes, and from 1 KiB on in the largest unit that it fills.

    >>> format_bytes(36520)
    '35.7 KiB'
    """
    if size < _STEP:
        return "1 byte" if size == 1 else f"{size} bytes"
    value = float(size)
    for unit in _UNITS:
        value /= _STEP
        if value < _STEP or unit == _UNITS[-1]:
            return f"{value:.1f} {unit}"
    raise AssertionError("the last unit takes everything")
