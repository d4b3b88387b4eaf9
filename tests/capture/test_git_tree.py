"""A work tree is compared file by file, and every obstacle leaves the answer open."""

from __future__ import annotations

import hashlib
import os
import time
from typing import TYPE_CHECKING

import pytest

from provenance.capture import git_tree
from provenance.capture.git_tree import TreeEntry, compare_work_tree
from provenance.digest import Folder
from provenance.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


def entry(path: str, content: bytes, mode: bytes = b"100644") -> TreeEntry:
    blob = b"blob %d\0" % len(content) + content
    return TreeEntry(mode, hashlib.sha1(blob, usedforsecurity=False).hexdigest(), path)


def soon() -> float:
    return time.monotonic() + 30


def test_executable_and_plain_files_are_compared_by_their_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b").write_bytes(b"2")
    result = compare_work_tree(
        tmp_path, [entry("a", b"1", b"100755"), entry("b", b"1")], deadline=soon()
    )
    assert (result.modified, result.missing, result.untracked) == (["b"], 0, 0)


def test_link_kept_as_a_file_is_what_the_commit_has(tmp_path: Path) -> None:
    (tmp_path / "link").write_bytes(b"target")
    result = compare_work_tree(tmp_path, [entry("link", b"target", b"120000")], deadline=soon())
    assert result.modified == []


def test_folder_that_became_a_file_is_modified_with_all_below(tmp_path: Path) -> None:
    (tmp_path / "d").write_bytes(b"")
    entries = [entry("d/a", b"1"), entry("d/e/b", b"2"), entry("d/s", b"", b"160000")]
    assert compare_work_tree(tmp_path, entries, deadline=soon()).modified == ["d/a", "d/e/b"]


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "a/../../outside", ".git/config"])
def test_name_that_leads_out_is_never_opened(tmp_path: Path, name: str) -> None:
    root = tmp_path / "project"
    (root / ".git").mkdir(parents=True)
    (root / ".git" / "config").write_bytes(b"1")
    (tmp_path / "outside").write_bytes(b"1")
    result = compare_work_tree(root, [entry(name, b"1")], deadline=soon())
    assert len(result.modified) == 1
    assert (result.missing, result.unreadable) == (1, 0)


def test_root_that_does_not_exist_leaves_the_answer_open(tmp_path: Path) -> None:
    result = compare_work_tree(tmp_path / "none", [entry("a", b"1")], deadline=soon())
    assert (result.modified, result.unreadable) == ([], 1)


def test_time_that_has_run_out_stops_the_walk_and_the_count(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"2")
    result = compare_work_tree(tmp_path, [entry("a", b"1")], deadline=time.monotonic() - 1)
    assert result.stopped == "the time allowed ran out"
    assert result.untracked_stopped
    assert result.modified == []


def test_time_that_runs_out_while_a_file_is_read_stops_the_walk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_bytes(b"2")
    original = Folder.open_file

    def slow(folder: Folder, name: str) -> int:
        time.sleep(0.3)
        return original(folder, name)

    monkeypatch.setattr(Folder, "open_file", slow)
    result = compare_work_tree(tmp_path, [entry("a", b"1")], deadline=time.monotonic() + 0.2)
    assert result.stopped == "the time allowed ran out"


def test_file_that_changes_while_it_is_read_leaves_the_answer_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_bytes(b"1")

    def change(*_: object, path: str, **__: object) -> None:
        raise InputError(path=path, problem="changed while it was read", code="file-changed")

    for step in ("check_unchanged", "read_chunks"):
        monkeypatch.setattr(git_tree, step, change)
        result = compare_work_tree(tmp_path, [entry("a", b"1")], deadline=soon())
        assert (result.modified, result.unreadable) == ([], 1)


def test_link_that_vanishes_leaves_the_answer_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "link").symlink_to("target")

    def vanish(_path: str) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(os, "readlink", vanish)
    result = compare_work_tree(tmp_path, [entry("link", b"target", b"120000")], deadline=soon())
    assert (result.modified, result.unreadable) == ([], 1)


def test_untracked_folder_that_cannot_be_read_ends_the_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()

    def refuse(folder: Folder, name: str) -> Folder:
        raise InputError(path=folder.path, problem=f"{name} cannot be read", code="file-unreadable")

    monkeypatch.setattr(Folder, "enter", refuse)
    result = compare_work_tree(tmp_path, [], deadline=soon())
    assert result.untracked_stopped
    assert result.unreadable == 0


def test_many_untracked_files_in_one_folder_are_not_all_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(git_tree, "MAX_UNTRACKED_FILES", 3)
    (tmp_path / "data").mkdir()
    for number in range(20):
        (tmp_path / "data" / f"{number}.bin").write_bytes(b"")
    result = compare_work_tree(tmp_path, [], deadline=soon())
    assert result.untracked_stopped
    assert result.untracked == 4
