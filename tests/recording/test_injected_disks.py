"""Full and vanishing disks, and SIGKILL: the script ends with the result that it has without us."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from provenance.recording import read_project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PLAIN = """
import hashlib, os, signal, sys
from pathlib import Path
run = None
#begin
weight, first = 0.0, 1
saved = Path("model.txt")
if saved.exists():
    first, weight = int(saved.read_text().split()[0]) + 1, float(saved.read_text().split()[1])
for step in range(first, 101):
    weight += 0.1 * (3.0 - weight)
    if run is not None:
        run.log({"weight": weight}, step=step)
    if step % 20 == 0:
        Path("new.txt").write_text(f"{step} {weight!r}")
        os.replace("new.txt", saved)
        if run is not None:
            run.checkpoint(saved, step=step)
    if step == 50:
        pass #middle
if run is not None:
    run.finish()
print(hashlib.sha256(saved.read_bytes()).hexdigest())
"""

BEGIN = 'import provenance; run = provenance.start("train", output="runs", resume="auto")'

#: What happens to the recorder, at its beginning and in the middle of the training.
FAULTS: dict[str, tuple[str, str]] = {
    "output below a file": ('Path("runs").write_text(""); ' + BEGIN, ""),
    "output that cannot be made": (BEGIN.replace('"runs"', '"/proc/nowhere/runs"'), ""),
    "full disk from the beginning": (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300)); " + BEGIN,
        "",
    ),
    "full disk in the middle": (
        BEGIN,
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))",
    ),
    "folder removed in the middle": (BEGIN, "import shutil; shutil.rmtree('runs')"),
    "folder that turns into a file": (
        BEGIN,
        "import shutil; shutil.rmtree('runs'); Path('runs').write_text('')",
    ),
    "every descriptor closed": (BEGIN, "os.closerange(3, 200)"),
}


def without_coverage() -> dict[str, str]:
    """Return the environment in which nothing but the script writes to the disk that is full."""
    return {name: it for name, it in os.environ.items() if not name.startswith("COVERAGE_")}


def execute(place: Path, begin: str, middle: str) -> subprocess.CompletedProcess[str]:
    script = place / "train.py"
    text = PLAIN.replace("#begin", begin).replace("pass #middle", middle or "pass")
    script.write_text(text, encoding="utf-8")
    return subprocess.run(
        [sys.executable, script],
        cwd=place,
        env=without_coverage(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> str:
    done = execute(tmp_path_factory.mktemp("plain"), "", "")
    assert done.returncode == 0
    return done.stdout


@pytest.mark.parametrize(("begin", "middle"), FAULTS.values(), ids=FAULTS.keys())
def test_script_ends_as_without_the_recorder(
    tmp_path: Path, expected: str, begin: str, middle: str
) -> None:
    done = execute(tmp_path, begin, middle)
    assert (done.returncode, done.stdout) == (0, expected)
    assert "not recorded" in done.stderr
    assert "Traceback" not in done.stderr


def test_full_disk_is_a_gap_once_there_is_room_again(tmp_path: Path, expected: str) -> None:
    full = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (300, -1))"
    room = "; run.note('lost'); resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))"
    done = execute(tmp_path, BEGIN, full + room)
    assert (done.returncode, done.stdout) == (0, expected)
    (found,) = read_project(tmp_path / "runs")
    assert found.record.status == "completed"
    assert any(
        it.kind == "failed" and "too large" in it.description.lower() for it in found.record.gaps
    )


@pytest.mark.parametrize("place", ["middle", "begin"])
def test_killed_and_restarted_script_ends_as_without_the_recorder(
    tmp_path: Path, expected: str, place: str
) -> None:
    kill = "os.kill(os.getpid(), signal.SIGKILL)"
    begin, middle = (BEGIN, kill) if place == "middle" else (f"{BEGIN}; {kill}", "")
    assert execute(tmp_path, begin, middle).returncode == -9
    done = execute(tmp_path, BEGIN, "")
    assert (done.returncode, done.stdout) == (0, expected)
    (found,) = read_project(tmp_path / "runs")
    assert found.record.status == "completed"
    assert any("was killed" in it.description for it in found.record.gaps)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a file system of 512 KiB."""
    folder = tmp_path / "runs"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "none", str(folder)]
    program = shutil.which("mount")
    if program is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a file system can be mounted by root alone")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_disk_that_fills_up_is_a_gap_when_there_is_room_again(
    small_disk: Path, expected: str
) -> None:
    fill = """
        try:
            with open("runs/filler", "wb", buffering=0) as filler:
                while filler.write(bytes(4096)):
                    pass
        except OSError:
            pass
        run.note("lost")"""
    empty = "\nos.remove('runs/filler')\nrun.note('kept')\n"
    text = PLAIN.replace("#begin", BEGIN).replace("pass #middle", fill.strip())
    head, _, end = text.rpartition("if run is not None:\n    run.finish()")
    script = small_disk.parent / "train.py"
    script.write_text(f"{head}{empty}run.finish(){end}", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, script],
        cwd=small_disk.parent,
        env=without_coverage(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, expected)
    assert "Traceback" not in done.stderr
    (found,) = read_project(small_disk)
    assert found.record.status == "completed"
    assert any("space" in it.description for it in found.record.gaps if it.kind == "failed")
    assert [it.step for it in found.record.checkpoints] == [20, 40, 60, 80, 100]
