"""SIGKILL, and two processes: the model is the one that trains undisturbed without the recorder."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from provenance.recording import read_project
from provenance.recording.recovery import recover
from support.language_model import (
    SMALL,
    add_data,
    environment,
    gaps_in_draft,
    run_script,
    train_here,
    train_plainly,
    weights_of,
    with_fault,
)

if TYPE_CHECKING:
    from pathlib import Path

#: Where the process is killed, by a line of the driver.
KILLS = {
    "while it begins": "from provenance.recording import recorder; recorder.begin_observing = kill",
    "between two checkpoints": "happen = lambda step: step == 6 and kill()",
    "while a checkpoint is saved": (
        "save = torch.save; saved = []\n"
        "def torch_save(*a, **k): saved.append(1); kill() if len(saved) == 2 else save(*a, **k)\n"
        "torch.save = torch_save"
    ),
    "while a checkpoint is recorded": (
        "from provenance.recording import checkpoints; read = checkpoints.hash_content; seen = []\n"
        "def look(*a, **k): seen.append(1); return kill() if len(seen) == 2 else read(*a, **k)\n"
        "checkpoints.hash_content = look"
    ),
    "while the record is closed": (
        "from provenance.recording import lifecycle; lifecycle.describe_compute = kill"
    ),
}


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return train_plainly(tmp_path_factory.mktemp("plain"))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return add_data(tmp_path)


@pytest.mark.parametrize("moment", KILLS)
def test_process_that_is_killed(
    place: Path, expected: dict[str, str], moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_script(with_fault(place, KILLS[moment]), *SMALL, folder=place, expected=(-9,))
    recover(place / "runs")
    if moment != "while it begins":
        assert "crashed the process was killed" in gaps_in_draft(place)
    train_here(place, monkeypatch)  # as the process that the scheduler starts again
    assert weights_of(place / "checkpoints") == expected
    (found,) = read_project(place / "runs")
    assert found.record.status == "completed"
    assert any("was killed" in it.description for it in found.record.gaps)


def test_two_processes_on_one_project(place: Path, expected: dict[str, str]) -> None:
    fault = "while_waiting = lambda: os.path.exists('go') or time.sleep(0.02) or while_waiting()"
    script = with_fault(place, f"{fault}\nhappen = lambda step: step == 6 and while_waiting()")
    with subprocess.Popen(
        [sys.executable, script, *SMALL], cwd=place, env=environment(), stderr=subprocess.PIPE
    ) as first:
        until = time.monotonic() + 60
        while not (place / "checkpoints" / "step-000004").exists() and time.monotonic() < until:
            time.sleep(0.02)
        run_script("train.py", *SMALL, "--checkpoints=other", folder=place)
        (place / "go").touch()
        _, errors = first.communicate(timeout=60)
    assert (first.returncode, errors) == (0, b"")
    assert weights_of(place / "checkpoints") == weights_of(place / "other") == expected
    records = [it.record for it in read_project(place / "runs")]
    assert [it.status for it in records] == ["completed", "completed"]
    assert "was not resumed" in gaps_in_draft(place)
