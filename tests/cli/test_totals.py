"""Totals for a progress bar: a guess, and never a fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.cli.totals import total_bytes

if TYPE_CHECKING:
    from pathlib import Path


def test_sizes_of_files_and_folders(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "a").write_bytes(b"12")
    (tmp_path / "sub" / "b").write_bytes(b"345")
    assert total_bytes(tmp_path / "a") == 2
    assert total_bytes(tmp_path) == 5


def test_what_cannot_be_read_has_no_size(tmp_path: Path) -> None:
    assert total_bytes(tmp_path / "nowhere") == 0
