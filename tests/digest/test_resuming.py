"""An unfinished copy is verified again, and loses nothing that was right."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.test_verified_reading import DATA, SIGNED, B
from provenance.digest.resuming import is_complete, resume_copy
from provenance.errors import DigestError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def rest(first: int) -> Iterator[bytes]:
    """Yield the file from a block on."""
    yield DATA[first * B :]


@pytest.mark.parametrize("name", ["nowhere/copy", "", "nul\0", "folder/"])
def test_place_that_cannot_be_written_to_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError):
        resume_copy(f"{tmp_path}/{name}", SIGNED, rest)


def test_full_disk_keeps_what_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(InputError, match=r"copy\.part: cannot be written: No space left"):
            resume_copy(tmp_path / "copy", SIGNED, rest)
    assert (tmp_path / "copy.part").read_bytes() == DATA
    assert resume_copy(tmp_path / "copy", SIGNED, rest) == len(DATA)
    assert (tmp_path / "copy").read_bytes() == DATA


def test_link_at_the_output_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"old")
    (tmp_path / "copy").symlink_to(tmp_path / "target")
    with pytest.raises(InputError, match="is a link"):
        resume_copy(tmp_path / "copy", SIGNED, rest)
    assert (tmp_path / "target").read_bytes() == b"old"


def test_chunks_that_end_with_an_exception_leave_the_part_before_them(tmp_path: Path) -> None:
    def broken(first: int) -> Iterator[bytes]:
        yield DATA[first * B : (first + 1) * B]
        raise DigestError(problem="wrong", code="digest-mismatch")

    for count in (1, 2):
        with pytest.raises(DigestError):
            resume_copy(tmp_path / "copy", SIGNED, broken)
        assert (tmp_path / "copy.part").read_bytes() == DATA[: count * B]
        assert not (tmp_path / "copy").exists()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, len(DATA)), st.integers(0, len(DATA) - 1), st.binary(max_size=3))
def test_any_damage_to_the_part_gives_the_same_file(
    tmp_path_factory: pytest.TempPathFactory, length: int, at: int, more: bytes
) -> None:
    folder = tmp_path_factory.mktemp("resume")
    part = bytearray(DATA[:length] + more)
    if at < len(part):
        part[at] ^= 1
    (folder / "copy.part").write_bytes(part)
    start = resume_copy(folder / "copy", SIGNED, rest)
    assert DATA[:start] == part[:start]
    assert (folder / "copy").read_bytes() == DATA
    assert [path.name for path in folder.iterdir()] == ["copy"]


@pytest.mark.parametrize(
    "data",
    [DATA[:-1], DATA + b"x", b"", b"x" + DATA[1:], DATA[:-1] + b"x"],
    ids=["short", "long", "empty", "first", "last"],
)
def test_other_bytes_are_not_complete(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "copy").write_bytes(data)
    assert data != DATA
    assert not is_complete(tmp_path / "copy", SIGNED)


def test_complete_is_a_regular_file_of_the_signed_bytes(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    assert not is_complete(copy, SIGNED)
    assert not is_complete(tmp_path, SIGNED)
    assert not is_complete("nul\0", SIGNED)
    copy.write_bytes(DATA)
    assert is_complete(copy, SIGNED)
    (tmp_path / "link").symlink_to(copy)
    assert not is_complete(tmp_path / "link", SIGNED)
