"""Code is captured as it is, whatever state its repository is in."""

from __future__ import annotations

import hashlib
import os
import sys
import types
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from capture.conftest import Repository, make_repository
from provenance.capture import capture_code, git, git_tree
from provenance.digest import Folder
from provenance.errors import CaptureError

if TYPE_CHECKING:
    from provenance.capture import Captured
    from provenance.manifest import CodeReference


def texts(captured: Captured[CodeReference]) -> str:
    return "\n".join(gap.description for gap in captured.gaps)


def test_clean_checkout_is_bound_by_commit_tree_and_script(repository: Repository) -> None:
    repository.git("remote", "add", "origin", "https://github.com/lab/digits.git")
    repository.git("tag", "v1.0")
    captured = capture_code(repository.folder, script=repository.folder / "train.py")
    code = captured.value
    assert captured.gaps == ()
    assert code.commit == repository.git("rev-parse", "HEAD")
    assert code.tree == repository.git("rev-parse", "HEAD^{tree}")
    assert (code.branch, code.tag) == ("main", "v1.0")
    assert code.repository == "https://github.com/lab/digits.git"
    assert (code.path, code.modified, code.modified_files) == ("train.py", False, ())
    assert code.untracked_files == 0
    assert code.script is not None
    assert code.script.size == 9
    assert code.script.digest is not None
    assert code.script.digest["sha256"] == hashlib.sha256(b"print(1)\n").hexdigest()


def test_repository_of_sha256_objects_is_compared_by_sha256(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "modern", "--object-format=sha256")
    commit = repository.commit(train="print(1)\n")
    code = capture_code(repository.folder).value
    assert (code.commit, code.modified) == (commit, False)
    assert len(commit) == 64


def test_edited_deleted_and_retyped_files_are_modified(repository: Repository) -> None:
    repository.commit(a="1", b="2", c="3", d__e="4", d__f="5")
    repository.write("a.py", "9")  # the same size as before
    (repository.folder / "b.py").unlink()
    (repository.folder / "c.py").unlink()
    (repository.folder / "c.py").symlink_to("/etc/passwd")
    for name in ("e.py", "f.py"):
        (repository.folder / "d" / name).unlink()
    (repository.folder / "d").rmdir()
    (repository.folder / "d").symlink_to(repository.folder / "lib")
    code = capture_code(repository.folder).value
    assert code.modified is True
    assert code.modified_files == ("a.py", "b.py", "c.py", "d/e.py", "d/f.py")


def test_file_replaced_by_a_folder_and_a_fifo_is_modified_at_once(repository: Repository) -> None:
    repository.commit(a="1", b="2")
    for name in ("a.py", "b.py"):
        (repository.folder / name).unlink()
    (repository.folder / "a.py").mkdir()
    os.mkfifo(repository.folder / "b.py")
    assert capture_code(repository.folder).value.modified_files == ("a.py", "b.py")


def test_folder_that_was_deleted_is_modified_with_all_below(repository: Repository) -> None:
    (repository.folder / "lib" / "model.py").unlink()
    (repository.folder / "lib").rmdir()
    assert capture_code(repository.folder).value.modified_files == ("lib/model.py",)


def test_link_is_compared_by_its_text_and_never_followed(repository: Repository) -> None:
    (repository.folder / "link").symlink_to("/etc/passwd")
    repository.commit()
    assert capture_code(repository.folder).value.modified is False
    (repository.folder / "link").unlink()
    (repository.folder / "link").symlink_to("/etc/shadow")
    assert capture_code(repository.folder).value.modified_files == ("link",)


def test_files_that_the_commit_lacks_are_counted_but_not_environments(
    repository: Repository,
) -> None:
    repository.write(".gitignore", "ignored.txt\n")
    repository.commit()
    for name in ("ignored.txt", "new/deep/file.py", "lib/other.py"):
        repository.write(name, "x")
    for name in ("venv/pyvenv.cfg", "cache/CACHEDIR.TAG", "lib/__pycache__/model.pyc"):
        repository.write(name, "x")
        repository.write(f"{name}.more", "x")
    make_repository(repository.folder / "inner").commit(a="1")
    assert capture_code(repository.folder).value.untracked_files == 3


def test_more_untracked_files_than_are_counted_are_a_gap(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(git_tree, "MAX_UNTRACKED_FILES", 2)
    for name in ("a", "b", "c", "d", "e"):
        repository.write(f"{name}.txt", "x")
    captured = capture_code(repository.folder)
    assert captured.value.untracked_files is None
    assert "more untracked files than are counted" in texts(captured)


def test_script_that_was_never_committed_is_told(repository: Repository) -> None:
    script = repository.write("scratch.py", "print(2)\n")
    captured = capture_code(repository.folder, script=script)
    assert captured.value.path == "scratch.py"
    assert captured.value.script is not None
    assert "the commit does not have the script scratch.py" in texts(captured)


def test_script_outside_of_the_repository_is_told(repository: Repository, tmp_path: Path) -> None:
    script = tmp_path / "elsewhere.py"
    script.write_text("print(3)\n", encoding="utf-8")
    captured = capture_code(repository.folder, script=script)
    assert captured.value.path is None
    assert captured.value.script is not None
    assert "outside the repository" in texts(captured)


def test_script_that_is_gone_is_a_gap(repository: Repository) -> None:
    captured = capture_code(repository.folder, script=repository.folder / "gone.py")
    assert captured.value.script is None
    assert [gap.subject for gap in captured.gaps][:1] == ["script"]


def test_imported_module_that_was_never_committed_is_named(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("lib/model.py", "lib/secret_sauce.py"):
        module = types.ModuleType(Path(name).stem)
        module.__file__ = str(repository.write(name, "WIDTH = 4\n"))
        monkeypatch.setitem(sys.modules, module.__name__, module)
    captured = capture_code(repository.folder)
    assert "modules that were imported: lib/secret_sauce.py" in texts(captured)
    assert "lib/model.py" not in texts(captured)


def test_folder_below_the_top_finds_its_repository(repository: Repository) -> None:
    repository.write("train.py", "print(4)\n")
    code = capture_code(
        repository.folder / "lib", script=repository.folder / "lib" / "model.py"
    ).value
    assert (code.path, code.modified_files) == ("lib/model.py", ("train.py",))


def test_link_to_the_folder_is_followed_as_the_caller_named_it(
    repository: Repository, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(repository.folder)
    code = capture_code(tmp_path / "link", script=tmp_path / "link" / "train.py").value
    assert (code.path, code.modified) == ("train.py", False)


def test_repository_further_up_that_knows_nothing_of_the_folder_is_not_ours(
    repository: Repository,
) -> None:
    script = repository.write("other/project/run.py", "x")
    captured = capture_code(script.parent, script=script)
    assert captured.value.commit is None
    assert captured.value.path == "run.py"
    assert "it is another's" in texts(captured)


def test_script_elsewhere_in_the_repository_makes_it_ours(repository: Repository) -> None:
    folder = repository.folder / "output"
    folder.mkdir()
    captured = capture_code(folder, script=repository.folder / "train.py")
    assert captured.value.commit is not None


def test_folder_without_repository_is_an_absence(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("1", encoding="utf-8")
    captured = capture_code(tmp_path, script=tmp_path / "train.py")
    assert [(gap.kind, gap.description) for gap in captured.gaps] == [
        ("absent", "there is no repository")
    ]
    assert captured.value.path == "train.py"
    assert captured.value.commit is None


def test_folder_that_does_not_exist_is_a_gap(tmp_path: Path) -> None:
    captured = capture_code(tmp_path / "nowhere")
    assert "could not be started" in texts(captured)


def test_folder_that_can_be_no_path_is_refused() -> None:
    with pytest.raises(CaptureError, match="is no path"):
        capture_code("project\0")


def test_missing_git_is_an_absence(repository: Repository, tmp_path: Path) -> None:
    captured = capture_code(repository.folder, search_path=str(tmp_path))
    assert texts(captured) == "git was not found, so no commit is known"


def test_git_in_the_current_folder_or_on_a_relative_path_is_never_run(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = repository.folder / "canary"
    program = repository.write("git", f"#!/bin/sh\ntouch '{canary}'\n")
    program.chmod(0o755)
    monkeypatch.chdir(repository.folder)
    monkeypatch.setenv("PATH", ".")
    captured = capture_code(repository.folder, search_path=".:")
    assert texts(captured) == "git was not found, so no commit is known"
    assert capture_code(repository.folder).value.commit is not None
    assert not canary.exists()


def test_repository_without_commit_is_an_absence(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "new")
    captured = capture_code(repository.folder)
    assert texts(captured) == "the repository has no commit yet"


def test_commit_whose_object_is_missing_is_a_failure(repository: Repository) -> None:
    commit = repository.git("rev-parse", "HEAD")
    (repository.folder / ".git" / "objects" / commit[:2] / commit[2:]).unlink()
    captured = capture_code(repository.folder)
    assert "is missing from the repository" in texts(captured)


def test_tree_whose_object_is_missing_is_a_failure(repository: Repository) -> None:
    tree = repository.git("rev-parse", "HEAD:lib")
    (repository.folder / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    captured = capture_code(repository.folder)
    assert captured.value.commit is not None
    assert captured.value.modified is None
    assert "the tree of the commit could not be read" in texts(captured)


def test_broken_repository_is_a_failure(repository: Repository) -> None:
    (repository.folder / ".git" / "config").write_text("[core\n", encoding="utf-8")
    captured = capture_code(repository.folder)
    assert texts(captured) == "git could not read the repository"


def test_detached_head_has_a_commit_and_no_branch(repository: Repository) -> None:
    repository.git("checkout", "--quiet", "--detach")
    code = capture_code(repository.folder).value
    assert code.commit is not None
    assert code.branch is None


def test_newest_of_several_tags_is_taken(repository: Repository) -> None:
    for name in ("v1.9", "v1.10"):
        repository.git("tag", name)
    assert capture_code(repository.folder).value.tag == "v1.10"


def test_bare_repository_has_a_commit_and_nothing_to_compare(
    repository: Repository, tmp_path: Path
) -> None:
    repository.git("clone", "--quiet", "--bare", str(repository.folder), str(tmp_path / "bare"))
    captured = capture_code(tmp_path / "bare")
    assert captured.value.commit == repository.git("rev-parse", "HEAD")
    assert captured.value.modified is None
    assert "the repository is bare" in texts(captured)


def test_folder_inside_a_git_folder_has_nothing_to_compare(repository: Repository) -> None:
    captured = capture_code(repository.folder / ".git" / "refs")
    assert captured.value.modified is None
    assert "inside a Git folder" in texts(captured)


def test_linked_work_tree_is_compared_with_its_own_commit(
    repository: Repository, tmp_path: Path
) -> None:
    other = Repository(tmp_path / "linked")
    repository.git("worktree", "add", "--quiet", "-b", "side", str(other.folder))
    commit = other.commit(extra="1")
    code = capture_code(other.folder).value
    assert (code.commit, code.branch, code.modified) == (commit, "side", False)


def test_shallow_clone_is_like_any_other(repository: Repository, tmp_path: Path) -> None:
    repository.commit(train="print(5)\n")
    target = tmp_path / "shallow"
    repository.git("clone", "--quiet", "--depth=1", f"file://{repository.folder}", str(target))
    captured = capture_code(target)
    assert captured.value.modified is False
    assert captured.value.repository is None
    assert [gap.kind for gap in captured.gaps] == ["redacted"]  # the remote is a path


def test_sparse_checkout_is_not_called_modified(repository: Repository) -> None:
    repository.commit(big__data="x")
    repository.git("sparse-checkout", "set", "lib")
    captured = capture_code(repository.folder)
    assert captured.value.modified is False
    assert "sparse checkout: 1 files are not there" in texts(captured)


def test_file_that_git_converts_differs_and_the_reason_is_told(repository: Repository) -> None:
    repository.write(".gitattributes", "*.txt text eol=crlf\n")
    repository.write("notes.txt", "one\r\ntwo\r\n")
    repository.commit()
    captured = capture_code(repository.folder)
    assert captured.value.modified_files == ("notes.txt",)
    assert "files that git converts differ without an edit" in texts(captured)


def test_credentials_of_the_remote_are_taken_out_and_reported(repository: Repository) -> None:
    repository.git("remote", "add", "origin", "https://ada:hunter2@git.example/lab/x.git?t=1")
    captured = capture_code(repository.folder)
    assert captured.value.repository == "https://git.example/lab/x.git"
    assert [gap.kind for gap in captured.gaps] == ["redacted", "redacted"]
    assert "hunter2" not in repr(captured)


def test_missing_remote_is_an_absence(repository: Repository) -> None:
    assert "no remote is named origin" in texts(capture_code(repository.folder))


def test_name_that_is_not_utf8_is_shown_with_escapes(repository: Repository) -> None:
    raw = os.fsencode(repository.folder) + b"/\xff.py"
    with open(raw, "wb") as file:  # noqa: PTH123 - a name of bytes
        file.write(b"1")
    repository.commit()
    with open(raw, "wb") as file:  # noqa: PTH123 - as above
        file.write(b"2")
    assert capture_code(repository.folder).value.modified_files == ("\\xff.py",)


def test_only_so_many_modified_files_are_listed(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(git, "MAX_LISTED_FILES", 1)
    for name in ("train.py", "lib/model.py"):
        repository.write(name, "changed")
    captured = capture_code(repository.folder)
    assert captured.value.modified_files == ("lib/model.py",)
    assert "2 files differ; only 1 are listed" in texts(captured)


@pytest.mark.parametrize(
    ("limit", "value", "told"),
    [
        ("MAX_COMPARED_FILES", 1, "only 1 files were compared"),
        ("MAX_COMPARED_BYTES", 10, "only 10 bytes were compared"),
    ],
)
def test_limit_on_comparing_leaves_the_answer_open(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, limit: str, value: int, told: str
) -> None:
    monkeypatch.setattr(git_tree, limit, value)
    captured = capture_code(repository.folder)
    assert captured.value.modified is None
    assert told in texts(captured)


def test_unreadable_file_leaves_the_answer_open(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Removed between listing and opening, as a running script may do.
    def vanish(folder: Folder, name: str) -> int:
        (repository.folder / name).unlink(missing_ok=True)
        return original(folder, name)

    original = Folder.open_file
    monkeypatch.setattr(Folder, "open_file", vanish)
    captured = capture_code(repository.folder)
    assert captured.value.modified is None
    assert "1 files or folders could not be read" in texts(captured)


def test_no_time_left_is_a_gap_at_once(repository: Repository) -> None:
    captured = capture_code(repository.folder, timeout_seconds=0.0)
    assert "took too long and was stopped" in texts(captured)


def test_commits_of_submodules_are_listed_and_compared(
    repository: Repository, tmp_path: Path
) -> None:
    parts = make_repository(tmp_path / "parts")
    first = parts.commit(part="1")
    repository.git("submodule", "--quiet", "add", str(parts.folder), "vendor/parts")
    repository.write(
        ".gitmodules",
        '[submodule "vendor/parts"]\n\tpath = vendor/parts\n\turl = https://u:p@git.example/p.git\n',
    )
    repository.commit()
    inner = Repository(repository.folder / "vendor" / "parts")
    inner.git("checkout", "--quiet", first)
    captured = capture_code(repository.folder)
    (submodule,) = captured.value.submodules
    assert (submodule.path, submodule.commit) == ("vendor/parts", first)
    assert submodule.repository == "https://git.example/p.git"
    assert captured.value.modified is None  # its files were not compared
    assert "files inside submodules were not compared: vendor/parts" in texts(captured)

    inner.commit(part="2")
    assert capture_code(repository.folder).value.modified_files == ("vendor/parts",)
    inner.git("checkout", "--quiet", "-b", "work")  # a branch is not followed
    assert capture_code(repository.folder).value.modified_files == ()


def test_submodule_that_was_not_checked_out_is_clean(
    repository: Repository, tmp_path: Path
) -> None:
    parts = make_repository(tmp_path / "parts")
    commit = parts.commit(part="1")
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{commit},vendor")
    repository.git("commit", "--quiet", "--message", "Submodule")
    code = capture_code(repository.folder).value
    assert [one.commit for one in code.submodules] == [commit]
    assert (code.modified, code.submodules[0].repository) == (False, None)
