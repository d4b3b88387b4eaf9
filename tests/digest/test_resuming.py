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


def test_another_file_under_the_name_is_never_published(tmp_path: Path) -> None:
    part = tmp_path / "copy.part"

    def swapped(first: int) -> Iterator[bytes]:
        yield DATA[first * B :]
        part.unlink()
        part.write_bytes(b"of another process")

    with pytest.raises(InputError, match="moved or replaced") as caught:
        resume_copy(tmp_path / "copy", SIGNED, swapped)
    assert caught.value.code == "file-changed"
    assert not (tmp_path / "copy").exists()
    assert part.read_bytes() == b"of another process"


def test_a_failure_leaves_the_file_of_another_process(tmp_path: Path) -> None:
    part = tmp_path / "copy.part"

    def moved(_: int) -> Iterator[bytes]:
        part.rename(tmp_path / "mine")
        part.write_bytes(b"of another process")
        if part.exists():
            raise DigestError(problem="wrong", code="digest-mismatch")
        yield b""

    with pytest.raises(DigestError):
        resume_copy(tmp_path / "copy", SIGNED, moved)
    assert part.read_bytes() == b"of another process"


@pytest.mark.parametrize("at", [0, B, len(DATA) - 1], ids=["first", "second", "last"])
def test_what_somebody_changes_meanwhile_is_noticed(tmp_path: Path, at: int) -> None:
    part = tmp_path / "copy.part"
    part.write_bytes(DATA[: 2 * B])

    def disturbed(first: int) -> Iterator[bytes]:
        yield DATA[first * B :]
        with part.open("r+b") as file:
            file.seek(at)
            file.write(bytes([DATA[at] ^ 1]))

    with pytest.raises(InputError, match=f"from block {at // B} on") as caught:
        resume_copy(tmp_path / "copy", SIGNED, disturbed)
    assert caught.value.code == "file-changed"
    assert not (tmp_path / "copy").exists()
    resume_copy(tmp_path / "copy", SIGNED, rest)
    assert (tmp_path / "copy").read_bytes() == DATA


def test_a_part_that_its_owner_may_not_write_is_refused(tmp_path: Path) -> None:
    part = tmp_path / "copy.part"
    part.write_bytes(DATA[:B])
    part.chmod(0o444)
    with pytest.raises(InputError, match=r"by its owner|Permission denied"):
        resume_copy(tmp_path / "copy", SIGNED, rest)
    assert part.read_bytes() == DATA[:B]
