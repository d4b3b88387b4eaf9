"""Files are read once, in bounded memory, and a change meanwhile is an error."""

from __future__ import annotations

import errno
import hashlib
import os
import time
from pathlib import Path

import pytest
from blake3 import blake3

from provenance.digest import files, hash_file, open_folder, read_file
from provenance.errors import DigestError, InputError

#: Sizes around the chunk, and content that shows swapped blocks: 251 is prime.
SIZES = [0, 1, 251, 1024 * 1024 - 1, 1024 * 1024, 1024 * 1024 + 1, 3 * 1024 * 1024 + 5]


def content(size: int) -> bytes:
    return (bytes(range(251)) * (size // 251 + 1))[:size]


@pytest.mark.parametrize("size", SIZES)
def test_digests_are_those_of_all_bytes(tmp_path: Path, size: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(content(size))
    seen: list[int] = []
    found = hash_file(path, expected_size=size, progress=seen.append)
    assert found.digest == {
        "blake3": blake3(content(size)).hexdigest(),
        "sha256": hashlib.sha256(content(size)).hexdigest(),
    }
    assert (found.size, found.links, sum(seen)) == (size, 1, size)
    assert read_file(path, max_bytes=size) == content(size)


def test_digests_are_the_same_without_readv(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(content(SIZES[-1]))
    expected = hash_file(path)
    monkeypatch.setattr(files, "_readv", files._readv_portable)
    assert hash_file(path) == expected


def test_only_the_algorithms_asked_for_are_computed(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    assert set(hash_file(tmp_path / "file", algorithms=["sha1"]).digest) == {"sha1"}
    with pytest.raises(DigestError):
        hash_file(tmp_path / "file", algorithms=["sha9"])


def test_hard_link_is_counted(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    os.link(tmp_path / "file", tmp_path / "other")
    assert hash_file(tmp_path / "file").links == 2


def test_sparse_file_of_1_tib_is_refused_by_size_at_once(tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    with path.open("wb") as handle:
        handle.truncate(1 << 40)
    start = time.monotonic()
    with pytest.raises(DigestError) as caught:
        hash_file(path, expected_size=10)
    assert caught.value.code == "size-mismatch"
    with pytest.raises(InputError) as unread:
        read_file(path, max_bytes=10)
    assert unread.value.code == "json-size"
    assert time.monotonic() - start < 1


def test_deadline_stops_the_reading_of_a_sparse_file(tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    with path.open("wb") as handle:
        handle.truncate(1 << 40)
    with pytest.raises(InputError) as caught:
        hash_file(path, deadline=time.monotonic() + 0.05)
    assert caught.value.code == "deadline"


def changing(path: Path, change: str) -> None:
    if change == "grow":
        with path.open("ab") as handle:
            handle.write(b"more")
    elif change == "shrink":
        os.truncate(path, 10)
    elif change == "rewrite":
        with path.open("r+b") as handle:
            handle.write(b"other")
        os.utime(path, ns=(1, 1))
    else:
        os.utime(path, ns=(1, 1))


@pytest.mark.parametrize("change", ["grow", "shrink", "rewrite", "touch"])
def test_file_that_changes_while_it_is_hashed_is_an_error(tmp_path: Path, change: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content(SIZES[-1]))
    state: list[str] = []

    def interfere(_: int) -> None:
        if not state:
            changing(path, change)
            state.append(change)

    with pytest.raises(InputError) as caught:
        hash_file(path, progress=interfere)
    assert caught.value.code == "file-changed"


@pytest.mark.parametrize("change", ["grow", "shrink"])
def test_file_that_changes_while_it_is_read_is_an_error(
    tmp_path: Path, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(content(1000))
    real_read = os.read

    def interfering(descriptor: int, size: int) -> bytes:
        data = real_read(descriptor, min(size, 100))
        changing(path, change)
        return data

    monkeypatch.setattr(os, "read", interfering)
    with pytest.raises(InputError) as caught:
        read_file(path, max_bytes=1000)
    assert caught.value.code == "file-changed"


def test_short_reads_are_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(content(1000))
    real_read = os.read
    monkeypatch.setattr(os, "read", lambda descriptor, size: real_read(descriptor, min(size, 7)))
    assert read_file(path, max_bytes=1000) == content(1000)


def test_input_error_of_the_disk_is_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"data")

    def failing(*_: object) -> int:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(files, "_readv", failing)
    with pytest.raises(InputError, match="Input/output error") as caught:
        hash_file(path)
    assert caught.value.code == "file-unreadable"
    monkeypatch.setattr(os, "read", failing)
    with pytest.raises(InputError, match="Input/output error"):
        read_file(path, max_bytes=10)


def test_file_whose_stated_size_is_wrong_is_an_error() -> None:
    path = Path("/proc/self/status")
    if not path.exists():
        pytest.skip("there is no procfs here")
    with pytest.raises(InputError) as caught:
        hash_file(path)
    assert caught.value.code == "file-changed"


def test_file_below_a_root_is_hashed_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "file").write_bytes(b"x")
    with open_folder(tmp_path) as root:
        assert hash_file("a/file", root=root).size == 1
        assert read_file("a/file", root=root, max_bytes=1) == b"x"
        with pytest.raises(DigestError) as caught:
            hash_file("a/file", root=root, expected_size=2)
    assert caught.value.path == "a/file"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_unreadable_file_is_ours(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "file").chmod(0)
    with pytest.raises(InputError):
        hash_file(tmp_path / "file")
