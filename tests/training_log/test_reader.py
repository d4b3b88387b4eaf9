"""Reading a training log strictly, and its typed root."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from provenance.digest import typed_root
from provenance.errors import InputError, ManifestError
from provenance.training_log import encode_metrics, iterate_entries, iterate_lines, log_root
from provenance.training_log import reader as reader_module

if TYPE_CHECKING:
    from pathlib import Path

LINES = tuple(encode_metrics("2026-11-22T12:00:00Z", step, {"loss": 1.5}) for step in range(5))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in LINES))
    return path


def test_torn_last_line_is_refused(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ManifestError, match="does not end with a line feed"):
        list(iterate_lines(path))


def test_torn_last_line_of_a_killed_run_is_left_out(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])
    assert tuple(iterate_lines(path, allow_torn=True)) == LINES[:-1]


def test_edited_line_is_refused_with_its_number(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'"step":3', b'"step": 3'))
    with pytest.raises(ManifestError) as caught:
        list(iterate_entries(path))
    assert caught.value.path == f"{path}:4"


def test_endless_line_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_module, "MAX_ENTRY_BYTES", 10)
    path.write_bytes(b"x" * 50)
    with pytest.raises(ManifestError, match="longer than 10 bytes"):
        list(iterate_lines(path))


def test_too_many_entries_are_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_module, "MAX_ENTRIES", 4)
    with pytest.raises(ManifestError, match="more than 4 entries"):
        list(iterate_entries(path))


def test_missing_log_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        list(iterate_lines(tmp_path / "nothing"))


def test_entries_come_in_order(path: Path) -> None:
    assert [entry.step for entry in iterate_entries(path)] == [0, 1, 2, 3, 4]


def test_root_is_over_the_lines_of_all_files_in_order(path: Path, tmp_path: Path) -> None:
    second = tmp_path / "second.jsonl"
    second.write_bytes(LINES[0] + b"\n")
    assert log_root([path, second]) == typed_root("log", [*LINES, LINES[0]])
    assert log_root([second, path]) != log_root([path, second])


def test_empty_log_has_a_root(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.touch()
    assert log_root([path]).size == 0
