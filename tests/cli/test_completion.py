"""Completion: the script that a shell reads, and what it asks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from cli.conftest import Command

PROGRAM = Path(sys.executable).parent / "provenance"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_script_names_both_commands(cli: Command, shell: str) -> None:
    shown = cli("completion", shell)
    assert shown.code == 0
    assert "_PROVENANCE_COMPLETE" in shown.out
    assert "training-provenance" in shown.out


def test_script_is_valid_bash(cli: Command) -> None:
    script = cli("completion", "bash").out
    checked = subprocess.run(
        ["/bin/bash", "-n"], input=script, text=True, capture_output=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, "")


def test_shell_is_told_the_commands(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "_PROVENANCE_COMPLETE": "bash_complete",
        "COMP_WORDS": "provenance ver",
        "COMP_CWORD": "1",
    }
    answer = subprocess.run(
        [PROGRAM], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert answer.stdout.startswith("plain,verify\n")


def test_unknown_shell_is_refused(cli: Command) -> None:
    assert cli("completion", "dos").code == 2
