"""Tests of the lock on the file of pins."""

from __future__ import annotations

import stat
import sys
from typing import TYPE_CHECKING

import pytest

from provenance.errors import TrustError
from provenance.trust.file_lock import hold_lock

if TYPE_CHECKING:
    from pathlib import Path


def test_a_second_writer_waits_and_then_says_so(tmp_path: Path) -> None:
    path = tmp_path / "pins.json"
    with (
        hold_lock(path),
        pytest.raises(TrustError, match="does not finish") as caught,
        hold_lock(path, wait_seconds=0.05),
    ):
        pass
    assert caught.value.path == str(path)


def test_a_lock_is_free_again_after_an_error(tmp_path: Path) -> None:
    path = tmp_path / "pins.json"
    with pytest.raises(RuntimeError), hold_lock(path):
        raise RuntimeError
    with hold_lock(path, wait_seconds=0):
        pass


def test_a_sidecar_left_behind_stops_nobody(tmp_path: Path) -> None:
    path = tmp_path / "pins.json"
    (tmp_path / "pins.json.lock").write_text("")
    with hold_lock(path, wait_seconds=0):
        pass
    assert stat.S_ISREG((tmp_path / "pins.json.lock").stat().st_mode)


def test_a_link_is_not_followed_as_a_sidecar(tmp_path: Path) -> None:
    (tmp_path / "pins.json.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"), hold_lock(tmp_path / "pins.json"):
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_a_system_without_locks_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fcntl", None)
    with pytest.raises(TrustError, match="no file locks"), hold_lock(tmp_path / "pins.json"):
        pass
