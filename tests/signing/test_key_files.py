"""Tests of writing pairs of keys."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from provenance.errors import InputError, UsageError
from provenance.signing import (
    PrivateKey,
    PublicKey,
    generate_private_key,
    load_private_key,
    write_key_pair,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = generate_private_key()


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    """Set the umask of the process for one test."""
    before = os.umask(request.param)
    try:
        yield request.param
    finally:
        os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_private_key_is_0600_whatever_the_umask(umask: int, tmp_path: Path) -> None:
    private, public = write_key_pair(tmp_path / "lab", KEY)
    assert mode(private) == 0o600
    assert mode(public) == 0o644 & ~umask


def test_a_pair_is_read_again(key: PrivateKey, tmp_path: Path) -> None:
    private, public = write_key_pair(str(tmp_path / "lab.key"), key, "secret")
    assert (private.name, public.name) == ("lab.key", "lab.key.pub")
    assert load_private_key(private, b"secret") == key
    assert PublicKey.load(public) == key.public_key
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lab.key", "lab.key.pub"]


@pytest.mark.parametrize("existing", ["lab", "lab.pub"])
def test_nothing_is_overwritten(existing: str, tmp_path: Path) -> None:
    (tmp_path / existing).write_text("precious")
    with pytest.raises(UsageError, match="never overwritten"):
        write_key_pair(tmp_path / "lab", KEY)
    assert [path.name for path in tmp_path.iterdir()] == [existing]
    assert (tmp_path / existing).read_text() == "precious"


@pytest.mark.parametrize("existing", ["lab", "lab.pub"])
def test_a_dangling_link_is_neither_followed_nor_replaced(existing: str, tmp_path: Path) -> None:
    (tmp_path / existing).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="never overwritten"):
        write_key_pair(tmp_path / "lab", KEY)
    assert [path.name for path in tmp_path.iterdir()] == [existing]


@pytest.mark.parametrize("raced", ["lab", "lab.pub"])
def test_a_name_that_appears_in_between_is_not_overwritten(
    raced: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / raced).write_text("precious")
    monkeypatch.setattr(os.path, "lexists", lambda _: False)
    with pytest.raises(UsageError, match="never overwritten"):
        write_key_pair(tmp_path / "lab", KEY)
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == [raced]
    assert (tmp_path / raced).read_text() == "precious"


@pytest.mark.parametrize("path", ["absent/lab", "a\0b", ""])
def test_a_place_that_cannot_be_written_is_said(path: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        write_key_pair(tmp_path / path if path else "", KEY)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_password_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        write_key_pair(tmp_path / "lab", KEY, b"")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("call", [1, 2, 3])
def test_a_full_disk_leaves_nothing_half_written(
    call: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 0
    real = os.fsync

    def fail(handle: int) -> None:
        nonlocal count
        count += 1
        if count == call:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(handle)

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(InputError, match="No space left"):
        write_key_pair(tmp_path / "lab", KEY)
    left = sorted(path.name for path in tmp_path.iterdir())
    # The third sync is the folder's: both files are whole by then.
    assert left == (["lab", "lab.pub"] if call == 3 else [])


def test_a_file_system_without_hard_links_works_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    private, public = write_key_pair(tmp_path / "lab", KEY)
    assert mode(private) == 0o600
    assert load_private_key(private) == KEY
    assert PublicKey.load(public) == KEY.public_key
    with pytest.raises(UsageError):
        write_key_pair(tmp_path / "lab", KEY)


def test_a_system_that_cannot_sync_folders_works_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from provenance.signing import key_files  # noqa: PLC0415 - only its view of the system is changed

    monkeypatch.setattr(key_files, "_CAN_SYNC_FOLDERS", False)
    assert write_key_pair(tmp_path / "lab", KEY)[0].exists()
