"""Sizes and counts as people read them."""

from __future__ import annotations

import pytest

from provenance.render import format_bytes, format_count


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1023, "1023 bytes"),
        (1024, "1.0 KiB"),
        (36520, "35.7 KiB"),
        (1 << 20, "1.0 MiB"),
        (1 << 40, "1.0 TiB"),
        (1 << 70, "1024.0 EiB"),
    ],
)
def test_bytes_are_shown_in_the_largest_unit_they_fill(size: int, expected: str) -> None:
    assert format_bytes(size) == expected


def test_thousands_are_separated() -> None:
    assert format_count(1234567) == "1,234,567"
