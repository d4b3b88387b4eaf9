"""A checkout is hostile input: whatever programs it names, capturing its state runs none of them.

Each trap is first shown to be live: an ordinary Git command sets it off.
"""

from __future__ import annotations

import os
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from capture.conftest import ENVIRONMENT, Repository, make_repository
from provenance.capture import capture_code
from provenance.capture.git_commands import GIT_ENVIRONMENT, Git, find_git, is_object_id

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """Return the file that appears once a trap is set off."""
    return tmp_path / "canary"


@pytest.fixture
def trap(tmp_path: Path, canary: Path) -> Path:
    """Return a program that leaves the canary behind, whatever it is asked."""
    program = tmp_path / "trap"
    program.write_text(f"#!/bin/sh\ntouch '{canary}'\n", encoding="utf-8")
    program.chmod(0o755)
    return program


def provoke(repository: Repository, *arguments: str) -> None:
    """Run a Git command as a careless tool would."""
    subprocess.run(
        ("git", *arguments),
        cwd=repository.folder,
        env={**ENVIRONMENT, "GIT_PAGER": "cat"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=20,
        check=False,
    )


def touch_later(path: Path) -> None:
    """Give a file a later time and the same size, so that Git must look at its content."""
    later = time.time() + 10
    os.utime(path, (later, later))


def set_fsmonitor(repository: Repository, trap: Path) -> tuple[str, ...]:
    repository.git("config", "core.fsmonitor", str(trap))
    return ("status",)


def set_hook(repository: Repository, trap: Path) -> tuple[str, ...]:
    hook = repository.folder / ".git" / "hooks" / "post-index-change"
    hook.parent.mkdir(exist_ok=True)
    hook.symlink_to(trap)
    touch_later(repository.folder / "train.py")
    return ("status",)


def set_hooks_path(repository: Repository, trap: Path) -> tuple[str, ...]:
    folder = repository.folder / ".hooks"
    folder.mkdir()
    (folder / "post-index-change").symlink_to(trap)
    repository.git("config", "core.hooksPath", str(folder))
    touch_later(repository.folder / "train.py")
    return ("status",)


def set_external_diff(repository: Repository, trap: Path) -> tuple[str, ...]:
    repository.git("config", "diff.external", str(trap))
    repository.write("train.py", "print(2)\n")
    return ("diff",)


def set_clean_filter(repository: Repository, trap: Path) -> tuple[str, ...]:
    repository.write(".gitattributes", "*.py filter=evil\n")
    repository.commit()
    repository.git("config", "filter.evil.clean", str(trap))
    touch_later(repository.folder / "train.py")
    return ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "status")


def set_process_filter(repository: Repository, trap: Path) -> tuple[str, ...]:
    repository.write(".gitattributes", "*.py filter=evil\n")
    repository.commit()
    repository.git("config", "filter.evil.process", str(trap))
    touch_later(repository.folder / "train.py")
    return ("status",)


def set_textconv(repository: Repository, trap: Path) -> tuple[str, ...]:
    repository.write(".gitattributes", "*.py diff=evil\n")
    repository.commit(train="print(3)\n")
    repository.git("config", "diff.evil.textconv", str(trap))
    return ("log", "-p")


def set_signature_program(repository: Repository, trap: Path) -> tuple[str, ...]:
    """Make a commit that carries a forged signature, and name a program to check it."""
    commit = subprocess.run(
        ("git", "cat-file", "commit", "HEAD"),
        cwd=repository.folder,
        env=ENVIRONMENT,
        capture_output=True,
        check=True,
    ).stdout
    head, blank, message = commit.partition(b"\n\n")
    signature = b"gpgsig -----BEGIN PGP SIGNATURE-----\n \n aaaa\n -----END PGP SIGNATURE-----"
    made = subprocess.run(
        ("git", "hash-object", "-t", "commit", "-w", "--stdin"),
        cwd=repository.folder,
        env=ENVIRONMENT,
        input=head + b"\n" + signature + blank + message,
        capture_output=True,
        check=True,
    )
    repository.git("update-ref", "HEAD", made.stdout.decode("ascii").strip())
    repository.git("config", "gpg.program", str(trap))
    repository.git("config", "log.showSignature", "true")
    return ("log", "-1")


def set_partial_clone(repository: Repository, trap: Path) -> tuple[str, ...]:
    """Say that missing objects can be had from a program, and take the tree away."""
    repository.git("config", "core.repositoryFormatVersion", "1")
    repository.git("config", "extensions.partialClone", "origin")
    repository.git("config", "remote.origin.promisor", "true")
    repository.git("config", "remote.origin.url", f"ext::{trap}")
    repository.git("config", "protocol.ext.allow", "always")
    repository.git("config", "protocol.allow", "always")
    tree = repository.git("rev-parse", "HEAD^{tree}")
    (repository.folder / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    return ("ls-tree", "-r", "HEAD")


def set_partial_clone_over_ssh(repository: Repository, trap: Path) -> tuple[str, ...]:
    arguments = set_partial_clone(repository, trap)
    repository.git("config", "remote.origin.url", "ssh://git.example/x")
    repository.git("config", "core.sshCommand", str(trap))
    repository.git("config", "protocol.ssh.allow", "always")
    return arguments


def set_missing_commit(repository: Repository, trap: Path) -> tuple[str, ...]:
    arguments = set_partial_clone(repository, trap)
    commit = repository.git("rev-parse", "HEAD")
    (repository.folder / ".git" / "objects" / commit[:2] / commit[2:]).unlink()
    return arguments


def set_pager(repository: Repository, trap: Path) -> tuple[str, ...]:
    repository.git("config", "core.pager", str(trap))
    repository.git("config", "pager.rev-parse", str(trap))
    repository.git("config", "alias.show-everything", f"!{trap}")
    return ("show-everything",)


@pytest.mark.parametrize(
    "set_trap",
    [
        set_fsmonitor,
        set_hook,
        set_hooks_path,
        set_external_diff,
        set_clean_filter,
        set_process_filter,
        set_textconv,
        set_signature_program,
        set_partial_clone,
        set_partial_clone_over_ssh,
        set_missing_commit,
        set_pager,
    ],
)
def test_no_program_of_the_repository_runs(
    repository: Repository,
    trap: Path,
    canary: Path,
    set_trap: Callable[[Repository, Path], tuple[str, ...]],
) -> None:
    careless = set_trap(repository, trap)

    captured = capture_code(repository.folder, script=repository.folder / "train.py")
    assert not canary.exists()
    assert captured.value.script is not None
    assert captured.value.commit is not None or captured.gaps

    provoke(repository, *careless)
    assert canary.exists(), "the trap was never live, so the test proves nothing"


def test_program_of_a_submodule_does_not_run(
    repository: Repository, trap: Path, canary: Path, tmp_path: Path
) -> None:
    parts = make_repository(tmp_path / "parts")
    parts.commit(part="1")
    repository.git("submodule", "--quiet", "add", str(parts.folder), "parts")
    repository.commit()
    inner = Repository(repository.folder / "parts")
    inner.git("config", "core.fsmonitor", str(trap))
    assert capture_code(repository.folder).value.submodules
    assert not canary.exists()
    provoke(repository, "submodule", "status")
    provoke(inner, "status")
    assert canary.exists()


def test_submodule_that_leads_out_of_the_repository_is_not_followed(
    repository: Repository, tmp_path: Path
) -> None:
    parts = make_repository(tmp_path / "parts")
    commit = parts.commit(part="1")
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{commit},parts")
    repository.git("commit", "--quiet", "--message", "Submodule")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "HEAD").write_text("f" * 40, encoding="ascii")
    for link in (f"gitdir: {outside}\n", "gitdir: a\0b\n", "nothing\n"):
        repository.write("parts/.git", link)
        captured = capture_code(repository.folder)
        assert captured.value.modified_files == ()
        assert captured.value.modified is None
    (repository.folder / "parts" / ".git").unlink()
    os.mkfifo(repository.folder / "parts" / ".git")
    assert capture_code(repository.folder).value.modified is None


def test_work_tree_elsewhere_is_not_looked_at(repository: Repository, tmp_path: Path) -> None:
    repository.git("config", "core.worktree", str(tmp_path))
    captured = capture_code(repository.folder)
    assert captured.value.modified is None
    assert "a work tree that is not around this folder" in captured.gaps[0].description


@pytest.mark.parametrize(
    "remote",
    [
        "--upload-pack=touch canary",
        "-oProxyCommand=touch canary",
        "ext::sh -c touch% canary",
        "file:///home/alice/secret-project.git",
        "/home/alice/secret-project.git",
        "../secret-project",
        "C:/Users/alice/secret-project",
        "https://",
        "https://ex ample/x",
        "https://git.example/\nnew-line",
        "ftp://git.example/x",
        "git.example:--upload-pack",
        "x" * 5_000,
    ],
)
def test_remote_that_is_no_public_url_is_left_out(repository: Repository, remote: str) -> None:
    repository.git("config", "remote.origin.url", remote)
    captured = capture_code(repository.folder)
    assert captured.value.repository in {None, "ssh://git.example/--upload-pack"}
    assert "secret-project" not in repr(captured)


def test_names_that_begin_with_a_hyphen_are_names(repository: Repository) -> None:
    repository.write("--output=canary", "x")
    repository.commit()
    commit = repository.git("rev-parse", "HEAD")
    for reference in ("refs/heads/--evil", "refs/tags/--upload-pack=x"):
        place = repository.folder / ".git" / reference
        place.write_text(commit + "\n", encoding="ascii")
    (repository.folder / ".git" / "HEAD").write_text("ref: refs/heads/--evil\n", encoding="ascii")
    code = capture_code(repository.folder).value
    assert (code.commit, code.branch, code.modified) == (commit, "--evil", False)
    assert code.tag == "--upload-pack=x"
    assert not (repository.folder / "canary").exists()


@pytest.mark.parametrize(
    "text", [b"", b"-" * 40, b"F" * 40, b"f" * 39, b"f" * 41, b"f" * 40 + b"\n"]
)
def test_only_a_full_lower_case_id_is_an_id(text: bytes) -> None:
    assert not is_object_id(text)


def test_revision_that_begins_with_a_hyphen_is_no_option(repository: Repository) -> None:
    program = find_git()
    assert program is not None
    git = Git(program, repository.folder, time.monotonic() + 10)
    assert git.object_id("--all") is None
    assert git.object_id("--output=canary") is None
    assert not (repository.folder / "canary").exists()


def test_nothing_of_the_callers_environment_reaches_git(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = make_repository(tmp_path / "other")
    other.commit(other="1")
    monkeypatch.setenv("GIT_DIR", str(other.folder / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other.folder))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    commit = capture_code(repository.folder).value.commit
    assert commit == repository.git("rev-parse", "HEAD")
    assert not any(name in GIT_ENVIRONMENT for name in ("GIT_DIR", "SSH_AUTH_SOCK", "PYTHONPATH"))


def test_repository_that_makes_git_wait_is_given_up(repository: Repository) -> None:
    (repository.folder / ".git" / "config").unlink()
    os.mkfifo(repository.folder / ".git" / "config")
    began = time.monotonic()
    captured = capture_code(repository.folder, timeout_seconds=0.5)
    assert time.monotonic() - began < 5
    assert "took too long and was stopped" in captured.gaps[0].description


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root for chown")
def test_repository_of_another_owner_is_a_failure_not_an_exception(repository: Repository) -> None:
    os.chown(repository.folder, 12345, 12345)
    os.chown(repository.folder / ".git", 12345, 12345)
    captured = capture_code(repository.folder, script=repository.folder / "train.py")
    assert captured.value.commit is None
    assert captured.value.script is not None
    assert "belongs to another user" in captured.gaps[0].description


def test_deep_folders_end_the_walk_not_the_process(repository: Repository) -> None:
    deep = "/".join(["d"] * 200)
    repository.write(f"{deep}/file.txt", "x")
    assert capture_code(repository.folder).value.untracked_files == 0
    repository.commit()
    captured = capture_code(repository.folder)
    assert captured.value.modified is None


def make_tree(repository: Repository, *entries: tuple[bytes, bytes, str]) -> str:
    """Write a tree that Git itself would refuse to make, and return its id."""
    data = b"".join(
        mode + b" " + name + b"\0" + bytes.fromhex(blob) for mode, name, blob in entries
    )
    made = subprocess.run(
        ("git", "hash-object", "-t", "tree", "-w", "--stdin", "--literally"),
        cwd=repository.folder,
        env=ENVIRONMENT,
        input=data,
        capture_output=True,
        check=True,
    )
    return made.stdout.decode("ascii").strip()


@pytest.mark.parametrize(
    "name",
    [b"..", b".", b".git", b"/etc", b"a/../../b", b"x" * 5_000, b"-x", b"a\tb\n", b"\xff" * 2_000],
)
def test_tree_with_names_that_git_never_makes_is_answered(
    repository: Repository, name: bytes
) -> None:
    blob = repository.git("rev-parse", "HEAD:train.py")
    inner = make_tree(repository, (b"100644", b"passwd", blob), (b"160000", b"sub", blob))
    tree = make_tree(repository, (b"40000", name, inner), (b"100644", b"train.py", blob))
    commit = repository.git("commit-tree", "-m", "Odd", tree)
    repository.git("update-ref", "HEAD", commit)
    captured = capture_code(repository.folder, script=repository.folder / "train.py")
    assert captured.value.commit == commit
    assert captured.value.modified is not False
    assert captured.value.to_bytes()
