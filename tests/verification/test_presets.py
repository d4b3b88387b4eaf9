"""Presets: what `git clone` and the hub's client add, and what is found all the same."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from support.crafted import CraftedRelease, write_tree
from support.reports import errors_of, expect

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from provenance.verification import Report

    Look = Callable[..., Report]

GIT = {
    "PATH": os.environ.get("PATH", ""),
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.org",
}


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, env=GIT, check=True, capture_output=True)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a clone of a repository that holds a release."""
    origin = CraftedRelease().write(tmp_path / "origin")
    (origin / ".gitattributes").write_text("*.safetensors -text\n")
    git(origin, "init", "-q", "-b", "main")
    git(origin, "add", ".")
    git(origin, "commit", "-q", "-m", "release")
    git(tmp_path, "clone", "-q", "origin", "clone")
    return tmp_path / "clone"


def test_clone_fails_without_the_preset_and_passes_with_it(clone: Path, look: Look) -> None:
    (clone / "mine.txt").write_text("x")
    report = look(clone)
    expect(report, "FAIL", "file-extra")
    extra = {item.path: item.message for item in report.findings if item.code == "file-extra"}
    assert "the preset 'hub' ignores it" in extra[".gitattributes"]
    assert "preset" not in extra["mine.txt"]
    (clone / "mine.txt").unlink()
    report = look(clone, presets=["hub"])
    expect(report, "PASS", "file-ignored")
    ignored = [finding.path for finding in report.findings if finding.code == "file-ignored"]
    assert sorted(ignored) == [".git", ".gitattributes"], "one line a place, not one a file"
    assert report.files is not None
    assert report.files.ignored > 2
    assert "folder-empty" not in report.codes()


def test_download_of_the_hub_client_passes_with_the_preset(folder: Path, look: Look) -> None:
    write_tree(
        folder,
        {
            ".cache/huggingface/.gitignore": b"*",
            ".cache/huggingface/download/README.md.metadata": b"x",
            ".gitattributes": b"",
            ".DS_Store": b"",
        },
    )
    expect(look(folder, presets="hub"), "PASS", "file-ignored")


@pytest.mark.parametrize(
    "name", [".git/hooks/evil.py", ".git/model.safetensors", ".cache/other/x", ".gitignore"]
)
def test_what_could_be_loaded_is_never_ignored(folder: Path, look: Look, name: str) -> None:
    write_tree(folder, {name: b"x"})
    assert errors_of(look(folder, presets=["hub"])) == [("file-extra", name)]


def test_signed_file_is_checked_whatever_the_preset_says(tmp_path: Path, look: Look) -> None:
    release = CraftedRelease()
    release.files[".gitattributes"] = b"signed"
    folder = release.write(tmp_path)
    expect(look(folder, presets=["hub"]), "PASS")
    (folder / ".gitattributes").write_bytes(b"edited")
    assert errors_of(look(folder, presets=["hub"])) == [("digest-mismatch", ".gitattributes")]
    (folder / ".gitattributes").unlink()
    (folder / ".gitattributes").symlink_to("README.md")
    assert errors_of(look(folder, presets=["hub"])) == [("link-found", ".gitattributes")]


def test_link_is_never_ignored_where_a_preset_covers_its_name(folder: Path, look: Look) -> None:
    (folder / ".git").mkdir()
    (folder / ".git/link").symlink_to("/")
    assert errors_of(look(folder, presets=["hub"])) == [("link-found", ".git/link")]


def test_git_folder_that_is_a_link_is_never_ignored(folder: Path, look: Look) -> None:
    (folder / ".git").symlink_to("/etc")
    assert errors_of(look(folder, presets=["hub"])) == [("link-found", ".git")]
