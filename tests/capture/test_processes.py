"""A program that is run cannot wait, flood, or leave others behind."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from provenance.capture.processes import MAX_ERROR_BYTES, Output, run_program

if TYPE_CHECKING:
    from pathlib import Path


def run(folder: Path, text: str, *, seconds: float = 10.0, max_bytes: int = 1_000) -> Output:
    return run_program(
        (sys.executable, "-I", "-S", "-c", text),
        folder=folder,
        environment={"ONLY": "this"},
        deadline=time.monotonic() + seconds,
        max_bytes=max_bytes,
    )


def test_output_code_and_environment_are_its_own(tmp_path: Path) -> None:
    text = (
        "import os,sys; print(os.getcwd(), os.environ['ONLY'], 'HOME' in os.environ,"
        " sys.stdin.read()); print('no', file=sys.stderr); sys.exit(3)"
    )
    output = run(tmp_path, text)
    assert (output.code, output.stderr, output.problem) == (3, b"no\n", "")
    assert output.stdout.decode() == f"{tmp_path} this False \n"


def test_program_that_waits_is_stopped(tmp_path: Path) -> None:
    began = time.monotonic()
    output = run(tmp_path, "import time; time.sleep(60)", seconds=0.3)
    assert (output.code, output.problem) == (None, "took too long and was stopped")
    assert time.monotonic() - began < 5


def test_program_that_closes_its_output_and_waits_is_stopped(tmp_path: Path) -> None:
    text = "import os,time; os.close(1); os.close(2); time.sleep(60)"
    assert run(tmp_path, text, seconds=0.5).problem == "took too long and was stopped"


def test_child_that_keeps_the_pipe_open_is_stopped_too(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    child = f"import time; time.sleep(1.5); open({str(mark)!r}, 'w')"
    text = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {child!r}])"
    assert run(tmp_path, text, seconds=0.5).problem == "took too long and was stopped"
    time.sleep(1.5)
    assert not mark.exists()


def test_program_that_floods_is_stopped(tmp_path: Path) -> None:
    output = run(tmp_path, "while True: print('x' * 1000)")
    assert (output.code, output.problem) == (None, "wrote more than 1000 bytes and was stopped")


def test_messages_are_cut(tmp_path: Path) -> None:
    output = run(tmp_path, "import sys; sys.stderr.write('x' * 1_000_000)")
    assert output.code == 0
    assert len(output.stderr) <= 2 * MAX_ERROR_BYTES


def test_program_that_does_not_exist_is_no_exception(tmp_path: Path) -> None:
    output = run_program(
        (str(tmp_path / "none"),), folder=tmp_path, environment={}, deadline=0.0, max_bytes=1
    )
    assert output.problem == "could not be started (FileNotFoundError)"
