"""Real Git repositories in temporary folders, and a home folder of our own."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

#: What makes the commits of tests independent of the machine.
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin:/usr/local/bin:/opt/homebrew/bin",
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_AUTHOR_DATE": "2026-11-01T12:00:00Z",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "GIT_COMMITTER_DATE": "2026-11-01T12:00:00Z",
}


@dataclass(frozen=True)
class Repository:
    """A real repository."""

    folder: Path

    def git(self, *arguments: str) -> str:
        """Run a Git command that must succeed and return what it prints."""
        options = ("-c", "protocol.file.allow=always", "-c", "core.fsmonitor=false")
        ran = subprocess.run(
            ("git", *options, *arguments),
            cwd=self.folder,
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.strip()

    def write(self, name: str, text: str) -> Path:
        """Write one file."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8"))
        return path

    def commit(self, **files: str) -> str:
        """Write files, whose names have `__` for a slash, commit everything, return the id."""
        for name, text in files.items():
            self.write(name.replace("__", "/") + ".py", text)
        self.git("add", "--all", "--force")
        self.git("commit", "--quiet", "--allow-empty", "--message", "Work")
        return self.git("rev-parse", "HEAD")


def make_repository(folder: Path, *options: str) -> Repository:
    folder.mkdir(parents=True, exist_ok=True)
    repository = Repository(folder)
    repository.git("init", "--quiet", "--initial-branch=main", *options)
    return repository


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Return a repository with a commit of `train.py` and `lib/model.py`."""
    made = make_repository(tmp_path / "project")
    made.commit(train="print(1)\n", lib__model="WIDTH = 4\n")
    return made


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a home folder of our own, `…/home/alice`."""
    folder = tmp_path / "home" / "alice"
    folder.mkdir(parents=True)
    monkeypatch.setenv("HOME", os.fspath(folder))
    return folder
