"""Whatever happens while a file is written, the old one or the new one is there, nothing else."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, NoReturn

import pytest

from provenance.digest import write_atomic
from provenance.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


def failing(number: int) -> object:
    def fail(*_: object, **__: object) -> NoReturn:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Return an existing file in a folder of its own."""
    path = tmp_path / "folder" / "file"
    path.parent.mkdir()
    path.write_bytes(b"old")
    return path


def assert_untouched(target: Path) -> None:
    assert target.read_bytes() == b"old"
    assert [entry.name for entry in target.parent.iterdir()] == ["file"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EROFS])
@pytest.mark.parametrize("call", ["open", "write", "fsync", "replace"])
def test_fault_of_the_disk_leaves_the_old_file(
    target: Path, call: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, call, failing(number))
    with pytest.raises(InputError, match="cannot be written"):
        write_atomic(target, b"new")
    monkeypatch.undo()
    assert_untouched(target)


def test_disk_that_fills_up_half_way_leaves_the_old_file(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_write = os.write
    written: list[int] = []

    def filling(descriptor: int, data: memoryview) -> int:
        if written:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(real_write(descriptor, data[:4096]))
        return written[0]

    monkeypatch.setattr(os, "write", filling)
    with pytest.raises(InputError, match="No space left"):
        write_atomic(target, bytes(100_000))
    assert_untouched(target)


@pytest.mark.parametrize("call", ["write", "replace"])
def test_interruption_leaves_the_old_file(
    target: Path, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, call, interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomic(target, b"new")
    assert_untouched(target)


def test_folder_that_cannot_be_synced_is_reported_and_the_new_file_is_whole(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_sync = os.fsync

    def sync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EIO, "Input/output error")
        real_sync(descriptor)

    monkeypatch.setattr(os, "fsync", sync)
    with pytest.raises(InputError):
        write_atomic(target, b"new")
    assert target.read_bytes() == b"new"


def test_file_system_without_folder_sync_is_no_fault(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_sync = os.fsync

    def sync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        real_sync(descriptor)

    monkeypatch.setattr(os, "fsync", sync)
    write_atomic(target, b"new")
    assert target.read_bytes() == b"new"


def test_link_at_the_output_is_refused_and_what_it_names_untouched(target: Path) -> None:
    link = target.parent.parent / "link"
    link.symlink_to(target)
    with pytest.raises(InputError, match="is a link"):
        write_atomic(link, b"new")
    assert link.is_symlink()
    assert_untouched(target)


def test_link_swapped_in_after_the_look_is_replaced_not_followed(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = target.parent.parent / "output"
    real_replace = os.replace

    def swapping(source: str, destination: str) -> None:
        output.symlink_to(target)
        real_replace(source, destination)

    monkeypatch.setattr(os, "replace", swapping)
    write_atomic(output, b"new")
    assert not output.is_symlink()
    assert output.read_bytes() == b"new"
    assert_untouched(target)


@pytest.mark.parametrize("kind", ["folder", "fifo", "root", "device", "zero byte", "no folder"])
def test_output_that_is_no_file_is_refused(tmp_path: Path, kind: str) -> None:
    os.mkfifo(tmp_path / "fifo")
    outputs = {
        "folder": str(tmp_path),
        "fifo": str(tmp_path / "fifo"),
        "root": "/",
        "device": "/dev/null",
        "zero byte": str(tmp_path / "a\0b"),
        "no folder": str(tmp_path / "missing" / "file"),
    }
    with pytest.raises(InputError):
        write_atomic(outputs[kind], b"new")
    assert [entry.name for entry in tmp_path.iterdir()] == ["fifo"]


@pytest.mark.parametrize("data", [b"", b"new", bytearray(b"x" * 100_000), memoryview(b"abc")])
def test_new_file_holds_all_bytes(tmp_path: Path, data: bytes) -> None:
    write_atomic(tmp_path / "file", data)
    assert (tmp_path / "file").read_bytes() == bytes(data)
    assert len(list(tmp_path.iterdir())) == 1


def test_name_without_a_folder_is_written_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_atomic("file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new"


def test_private_file_is_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_atomic(tmp_path / "key", b"secret", mode=0o600)
        write_atomic(tmp_path / "file", b"open")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o644


def test_system_without_folder_descriptors_is_no_fault(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provenance.digest.writing.os.name", "nt")
    try:
        write_atomic(str(target), b"new")
    finally:
        monkeypatch.undo()
    assert target.read_bytes() == b"new"
