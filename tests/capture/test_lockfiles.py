"""Lock files near the code are bound by their digests, the most exact first."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from provenance.capture import capture_lockfiles, lockfiles
from provenance.capture.lockfiles import CONDA_LISTING, capture_conda
from provenance.errors import CaptureError

if TYPE_CHECKING:
    from pathlib import Path


def names(folder: Path) -> list[str | None]:
    return [one.name for one in capture_lockfiles(folder).value]


def write(folder: Path, *files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in files:
        (folder / name).write_text(name, encoding="utf-8")


def test_lock_files_come_the_most_exact_first(tmp_path: Path) -> None:
    write(
        tmp_path,
        *("requirements.txt", "requirements-dev.txt", "environment.yml", "uv.lock", "poetry.lock"),
        *("pylock.toml", "pylock.gpu.toml", "Pipfile.lock", "conda-lock.yml", "pyproject.toml"),
        *("my-requirements.txt", "uv.lock.bak"),
    )
    assert names(tmp_path) == [
        *("uv.lock", "pylock.gpu.toml", "pylock.toml", "poetry.lock", "Pipfile.lock"),
        *("conda-lock.yml", "requirements-dev.txt", "requirements.txt", "environment.yml"),
    ]


def test_lock_file_has_its_size_and_digests(tmp_path: Path) -> None:
    write(tmp_path, "uv.lock")
    captured = capture_lockfiles(tmp_path)
    (found,) = captured.value
    assert (found.name, found.size) == ("uv.lock", 7)
    assert found.digest is not None
    assert found.digest["sha256"] == hashlib.sha256(b"uv.lock").hexdigest()
    assert captured.gaps == ()


def test_folders_up_to_the_repository_are_searched_and_none_above(tmp_path: Path) -> None:
    write(tmp_path, "uv.lock")
    write(tmp_path / "project", "requirements.txt")
    write(tmp_path / "project" / ".git", "HEAD")
    write(tmp_path / "project" / "src" / "lib", "code.py")
    assert names(tmp_path / "project" / "src" / "lib") == ["requirements.txt"]
    (tmp_path / "project" / "requirements.txt").unlink()
    assert names(tmp_path / "project" / "src" / "lib") == []


def test_without_a_repository_the_folder_is_searched_alone(tmp_path: Path) -> None:
    write(tmp_path, "uv.lock")
    write(tmp_path / "scripts", "train.py")
    captured = capture_lockfiles(tmp_path / "scripts")
    assert captured.value == ()
    assert [(gap.subject, gap.kind) for gap in captured.gaps] == [("lock file", "absent")]


def test_folder_that_does_not_exist_is_an_absence(tmp_path: Path) -> None:
    assert [gap.kind for gap in capture_lockfiles(tmp_path / "none").gaps] == ["absent"]
    with pytest.raises(CaptureError):
        capture_lockfiles("a\0b")


def test_links_special_files_and_huge_ones_are_gaps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lockfiles, "MAX_LOCKFILE_BYTES", 10)
    (tmp_path / "uv.lock").symlink_to("/etc/hosts")
    os.mkfifo(tmp_path / "poetry.lock")
    (tmp_path / "requirements.txt").write_text("x" * 11, encoding="utf-8")
    captured = capture_lockfiles(tmp_path)
    assert captured.value == ()
    assert [gap.description for gap in captured.gaps] == [
        "uv.lock is a link, and links are not followed",
        "poetry.lock is neither a file nor a folder",
        "requirements.txt is too large",
        "none lies near the code",
    ]


def test_file_that_vanishes_is_a_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lockfiles, "_lockfile_names", lambda _folder: ["uv.lock"])
    assert capture_lockfiles(tmp_path).gaps[0].description == "uv.lock cannot be read"


def test_packages_of_conda_are_one_listing_whatever_their_order(tmp_path: Path) -> None:
    for folder, names in (("one", ("b-1.json", "a-2.json")), ("two", ("a-2.json", "b-1.json"))):
        place = tmp_path / folder / "conda-meta"
        place.mkdir(parents=True)
        (place / "history").write_text(folder, encoding="utf-8")
        for name in names:
            (place / name).write_text(name, encoding="utf-8")
    captured = capture_conda(tmp_path / "one")
    digests = [hashlib.sha256(name.encode()).hexdigest() for name in ("a-2.json", "b-1.json")]
    listing = f"{digests[0]}  a-2.json\n{digests[1]}  b-1.json\n".encode()
    assert captured.gaps == ()
    assert captured.value is not None
    assert (captured.value.name, captured.value.size) == (CONDA_LISTING, len(listing))
    assert dict(captured.value.digest or {})["sha256"] == hashlib.sha256(listing).hexdigest()
    assert capture_conda(tmp_path / "two").value == captured.value


def test_folder_without_packages_of_conda_has_no_listing_and_no_gap(tmp_path: Path) -> None:
    assert capture_conda(tmp_path).value is None
    (tmp_path / "conda-meta").mkdir()
    captured = capture_conda(tmp_path)
    assert captured.value is None
    assert captured.gaps == ()


def test_package_of_conda_that_cannot_be_read_is_a_gap(tmp_path: Path) -> None:
    (tmp_path / "conda-meta" / "a.json").mkdir(parents=True)
    captured = capture_conda(tmp_path)
    assert captured.value is None
    assert [(gap.subject, gap.kind) for gap in captured.gaps] == [("lock file", "failed")]
