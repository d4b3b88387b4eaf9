"""The command line is kept as a list, without secrets and private folders."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from provenance.capture import capture_command, command, find_script

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = """
import json
from provenance.capture import capture_command, find_script
captured = capture_command()
script = find_script()
print(json.dumps([captured.value, [gap.kind for gap in captured.gaps], script and script.name]))
"""


def run(
    folder: Path, *arguments: str, text: str | None = None
) -> tuple[list[str], list[str], str | None]:
    ran = subprocess.run(
        (sys.executable, *arguments),
        cwd=folder,
        input=text,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "HOME": "/nonexistent"},
    )
    words, gaps, script = json.loads(ran.stdout)
    return words, gaps, script


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "train.py").write_text(SCRIPT, encoding="utf-8")
    return tmp_path


def test_script_with_options_and_a_secret(folder: Path) -> None:
    arguments = ("-X", "utf8", str(folder / "train.py"), f"--data={folder}/d", "--token", "abc")
    assert run(folder, *arguments) == (
        [
            os.path.basename(sys.executable),  # noqa: PTH119 - text
            *("-X", "utf8", "train.py", "--data=d", "--token", "[redacted]"),
        ],
        ["redacted"],
        "train.py",
    )


def test_module(folder: Path) -> None:
    words, gaps, script = run(folder, "-m", "train", "--lr", "0.1")
    assert (words[1:], gaps, script) == (["-m", "train", "--lr", "0.1"], [], "train.py")


def test_text_of_a_program_has_no_script(folder: Path) -> None:
    words, gaps, script = run(folder, "-c", f"token = 'abc'\n{SCRIPT}")
    assert words[1] == "-c"
    assert "abc" not in words[2]
    assert (gaps, script) == (["redacted"], None)


def test_interactive_session_is_an_absence(folder: Path) -> None:
    words, gaps, script = run(folder, text=SCRIPT)
    assert len(words) == 1
    assert (gaps, script) == (["absent"], None)


def test_program_from_standard_input_is_kept_as_it_is(folder: Path) -> None:
    words, _, script = run(folder, "-", "--lr", "1", text=SCRIPT)
    assert (words[1:], script) == (["-", "--lr", "1"], None)


@pytest.mark.parametrize(
    "arguments",
    [
        ["python", "-m", "ipykernel_launcher", "-f", "/home/alice/kernel-1.json"],
        ["/usr/bin/python3", "/usr/lib/colab_kernel_launcher.py", "-f", "x"],
    ],
)
def test_notebook_has_no_command_line(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    captured = capture_command(arguments)
    assert captured.value == ()
    assert "runs in a notebook" in captured.gaps[0].description
    monkeypatch.setattr(sys, "orig_argv", arguments)
    assert find_script() is None


def test_a_worker_of_ray_has_no_command_line_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = "/opt/lib/ray/_private/workers/default_worker.py"
    monkeypatch.setattr(sys, "orig_argv", ["python3", worker, "--gcs-address=192.0.2.2:43035"])
    captured = capture_command()
    assert captured.value == ()
    assert "worker of Ray" in captured.gaps[0].description
    assert find_script() is None


def test_a_script_that_is_called_like_a_worker_of_ray_is_a_script() -> None:
    words = ["python3", "default_worker.py", "ray/_private/workers/default_worker.py"]
    assert capture_command(words).value == tuple(words)


def test_paths_and_bytes_that_are_not_utf8_are_made_public(home: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    arguments = [
        "python",
        str(project / "train.py"),
        f"--cache={home}/cache",
        f"read:{home}/x",
        "--url=file:///a=/b",
        os.fsdecode(b"\xff"),
        "",
    ]
    assert capture_command(arguments, project=project).value == (
        "python",
        "train.py",
        "--cache=~/cache",
        "read:~/x",
        "--url=file:///a=/b",
        "\\xff",
        " ",
    )


def test_endless_command_line_is_cut_and_told() -> None:
    captured = capture_command(["python", "train.py", "x" * 10_000, *["y"] * 5_000])
    assert len(captured.value) == command.MAX_ARGUMENTS
    assert len(captured.value[2]) == command.MAX_ARGUMENT_CHARACTERS
    assert [gap.kind for gap in captured.gaps] == ["failed"]


def test_script_that_is_gone_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "orig_argv", ["python", "train.py"])
    monkeypatch.setattr(
        sys.modules["__main__"], "__file__", str(tmp_path / "gone.py"), raising=False
    )
    assert find_script() is None
