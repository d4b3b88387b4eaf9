"""Which files were written since the last look."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from provenance.integrations.saved_files import SavedFiles

if TYPE_CHECKING:
    import pytest


def test_what_is_not_there_or_only_a_link_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to("file")
    names = ["missing", "link", "", "a\0b"]
    places = [os.fspath(tmp_path / name) for name in names[:2]] + names[2:]
    assert SavedFiles().written([*places, "s3://bucket/weights"]) == []


def test_a_file_is_written_when_it_appears_and_when_it_changes(tmp_path: Path) -> None:
    files, path = SavedFiles(), tmp_path / "weights"
    path.write_text("one")
    assert files.written([path, str(path)]) == [path]
    assert files.written([path]) == []
    path.write_text("three")
    assert files.written([path]) == [path]
    other = tmp_path / "other"  # of the same length and time
    other.write_text("seven")
    os.utime(other, ns=(1, path.stat().st_mtime_ns))
    other.replace(path)
    assert files.written([path]) == [path]


def test_the_oldest_comes_first_however_it_is_spelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for moment, name in enumerate("ba", start=1):
        (tmp_path / name).write_text(name)
        os.utime(tmp_path / name, ns=(moment, moment))
    assert SavedFiles().written(["./a", "./b"]) == [Path("b"), Path("a")]
