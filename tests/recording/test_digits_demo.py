"""The demonstration does what it says, and notices if it does not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

DEMO = Path(__file__).resolve().parents[2] / "docs" / "examples" / "digits" / "demo.py"


def run_demo(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, DEMO, folder],
        env={**os.environ, "HOME": str(folder.parent)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "precious.txt").touch()
    done = run_demo(tmp_path / "demo")
    assert done.returncode == 1
    assert "was not made by this demonstration" in done.stdout
    assert (tmp_path / "demo" / "precious.txt").exists()


@pytest.mark.skipif(not DEMO.exists(), reason="the examples are not here")
def test_demonstration_passes_once_and_fails_four_times(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    run_demo(folder)
    done = run_demo(folder)  # a second time replaces the first
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("\n  PASS: ") == 1
    assert done.stdout.count("\n  FAIL: ") == 4
    assert "Warning" not in done.stderr
    assert (folder / "digits-mlp" / "training-provenance" / "manifest.sigstore.json").is_file()
