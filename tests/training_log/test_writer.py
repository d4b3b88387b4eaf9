"""Appending: one writer, whole lines, whatever the disk does."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from provenance.errors import RecordingError
from provenance.training_log import LogWriter, encode_metrics, iterate_entries, iterate_lines
from provenance.training_log import writer as writer_module
from provenance.training_log.entries import MAX_ENTRY_BYTES

if TYPE_CHECKING:
    from pathlib import Path

AT = "2026-11-22T12:00:00Z"


def line(step: int) -> bytes:
    return encode_metrics(AT, step, {"loss": 0.5})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.jsonl"


def test_second_writer_is_refused(path: Path) -> None:
    with LogWriter(path), pytest.raises(RecordingError, match="another process"):
        LogWriter(path)


def test_second_process_is_refused(path: Path) -> None:
    program = f"from provenance.training_log import LogWriter; LogWriter({str(path)!r})"
    with LogWriter(path):
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=False
        )
    assert done.returncode == 1
    assert "another process is writing this training log" in done.stderr


def test_link_at_the_logs_place_is_refused(path: Path, tmp_path: Path) -> None:
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RecordingError, match="cannot be opened"):
        LogWriter(path)
    assert not (tmp_path / "elsewhere").exists()


def test_entry_of_two_lines_is_refused(path: Path) -> None:
    with LogWriter(path) as log, pytest.raises(RecordingError, match="one line"):
        log.append(b"{}\n{}")


def test_entry_that_is_too_long_is_refused(path: Path) -> None:
    with LogWriter(path) as log, pytest.raises(RecordingError, match="one line"):
        log.append(b"x" * (MAX_ENTRY_BYTES + 1))


def test_lines_wait_and_are_written_by_flush(path: Path) -> None:
    with LogWriter(path) as log:
        log.append(line(1))
        assert path.read_bytes() == b""
        log.flush()
        log.flush()
        assert list(iterate_lines(path)) == [line(1)]


def test_lines_wait_no_longer_than_half_a_second(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LogWriter(path) as log:
        log.append(line(1))
        monkeypatch.setattr(writer_module, "FLUSH_SECONDS", 0.0)
        log.append(line(2))
        assert list(iterate_lines(path)) == [line(1), line(2)]


def test_many_lines_are_written_before_they_fill_memory(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "FLUSH_BYTES", 100)
    with LogWriter(path) as log:
        for step in range(3):
            log.append(line(step))
        assert len(list(iterate_lines(path))) >= 1


def test_closing_twice_does_nothing_more(path: Path) -> None:
    log = LogWriter(path)
    log.append(line(1))
    log.close()
    log.close()
    assert list(iterate_lines(path)) == [line(1)]


def test_closed_log_takes_no_line(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = LogWriter(path)
    log.close()
    monkeypatch.setattr(writer_module, "FLUSH_SECONDS", 0.0)
    with pytest.raises(RecordingError, match="closed"):
        log.append(line(1))


@pytest.mark.parametrize("size", [10, 70_000])
def test_torn_last_line_is_cut_off_and_noted(path: Path, size: int) -> None:
    path.write_bytes(line(1) + b"\n" + b"x" * size)
    with LogWriter(path) as log:
        log.append(line(2))
    kinds = [entry.kind for entry in iterate_entries(path)]
    assert kinds == ["metrics", "recovered", "metrics"]
    lost = [entry.fields.get("lostBytes") for entry in iterate_entries(path)]
    assert lost[1] == size


def test_log_of_one_torn_line_begins_anew(path: Path) -> None:
    path.write_bytes(b'{"at":"20')
    LogWriter(path).close()
    assert [entry.kind for entry in iterate_entries(path)] == ["recovered"]


def test_full_disk_leaves_whole_lines(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    calls = []

    def write(descriptor: int, data: bytes) -> int:
        calls.append(data)
        if len(calls) == 1:
            return real(descriptor, bytes(data[:10]))
        raise OSError(errno.ENOSPC, "No space left on device")

    with LogWriter(path) as log:
        log.append(line(1))
        log.flush()
        monkeypatch.setattr(os, "write", write)
        log.append(line(2))
        with pytest.raises(RecordingError, match="No space left on device"):
            log.flush()
        monkeypatch.setattr(os, "write", real)
        log.append(line(3))
    assert list(iterate_lines(path)) == [line(1), line(3)]


def test_disk_without_fsync_is_no_fault(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(_: int) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    log = LogWriter(path)
    log.append(line(1))
    monkeypatch.setattr(os, "fsync", fsync)
    log.close()
    assert list(iterate_lines(path)) == [line(1)]


def test_threads_write_whole_lines(path: Path) -> None:
    with LogWriter(path) as log:

        def write_many() -> None:
            for step in range(200):
                log.append(line(step))

        threads = [Thread(target=write_many) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(list(iterate_entries(path))) == 1600
