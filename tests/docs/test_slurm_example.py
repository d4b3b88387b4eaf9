"""The example for Slurm, with a scheduler that is played by two small scripts."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from provenance.recording import read_project, release
from support.source import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

    from provenance.recording.records import Record

EXAMPLE = REPOSITORY / "docs" / "examples" / "slurm"

#: Starts two tasks as `srun` does, and hands signals on to them.
SRUN = """#!/bin/bash
shift
for task in 0 1; do
    SLURM_NTASKS=2 SLURM_PROCID=$task SLURM_STEP_ID=0 {python} "$@" &
    tasks="$tasks $!"
done
trap 'kill -USR1 $tasks' USR1
code=0
for task in $tasks; do
    while kill -0 $task 2>/dev/null; do wait $task; code=$?; done
done
exit $code
"""

SCONTROL = """#!/bin/bash
echo "$@" >> scontrol.log
"""

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, text in (("srun", SRUN.format(python=sys.executable)), ("scontrol", SCONTROL)):
        (folder / name).write_text(text, encoding="utf-8")
        (folder / name).chmod(0o755)
    for name in ("train.py", "train.sbatch"):
        shutil.copy(EXAMPLE / name, tmp_path / name)
    return tmp_path


def submit(place: Path, **variables: str) -> subprocess.Popen[str]:
    known = {key: value for key, value in os.environ.items() if not key.startswith("SLURM_")}
    return subprocess.Popen(
        ["bash", "train.sbatch"],
        cwd=place,
        env={
            **known,
            "PATH": f"{place / 'bin'}:{os.environ['PATH']}",
            "SLURM_JOB_ID": "17",
            "SLURM_SUBMIT_DIR": str(place),
            **variables,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def only_record(place: Path) -> Record:
    (found,) = read_project(place / "runs")
    return found.record


def test_script_refuses_to_run_without_slurm(place: Path) -> None:
    with submit(place, SLURM_SUBMIT_DIR="") as job:
        assert "this script is for sbatch" in job.communicate(timeout=60)[1]
    assert job.returncode != 0
    assert not (place / "runs").exists()


def test_requeued_job_goes_on_with_its_record(place: Path) -> None:
    with submit(place, STEPS="100000") as job:
        ends = time.monotonic() + 60
        while not list(place.glob("checkpoints/step-000020.json")) and time.monotonic() < ends:
            time.sleep(0.05)
        job.send_signal(signal.SIGUSR1)
        job.communicate(timeout=60)
    assert job.returncode == 0
    assert (place / "scontrol.log").read_text(encoding="utf-8") == "requeue 17\n"
    first = only_record(place)
    assert (first.status, first.failure) == ("interrupted", "SIGUSR1")
    saved = first.checkpoints[-1]

    steps = str(saved.step + 20)
    with submit(place, STEPS=steps, SLURM_RESTART_COUNT="1") as job:
        assert job.communicate(timeout=60)[1] == ""
    assert job.returncode == 0
    found = only_record(place)
    assert (found.id, found.status) == (first.id, "completed")
    one, two = found.segments
    assert (two.from_step, two.to_step) == (saved.step, saved.step + 20)
    assert two.resumed_from == saved.id
    assert two.rollback_to == (saved.step if one.to_step > saved.step else None)
    authored = {"producer": {"name": "Lab"}, "model": {"name": "m"}}
    draft = release(place / "runs", place / "out", description=authored)
    assert draft.manifest.training is not None
    assert len(draft.manifest.training.segments) == 2
