"""A killed run leaves a folder from which an honest, incomplete record is made."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from provenance.errors import InputError, RecordingError
from provenance.recording import read_record, record, release
from provenance.recording.recovery import recover
from provenance.training_log import iterate_entries

if TYPE_CHECKING:
    from pathlib import Path

    from provenance.recording.records import Record

#: Kills itself with SIGKILL at the place that its argument names.
TRAIN = """
import os, signal, sys
from pathlib import Path
import provenance
from provenance.digest import writing
from provenance.recording import recorder

place = sys.argv[1]

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

def die_if(here):
    if here == place:
        die()

if place == "capture":
    recorder.capture_command = die
run = provenance.start("train", output="runs")
die_if("begin")
run.config({"rate": 0.1})
for step in range(1, 201):
    run.log({"loss": 1 / step}, step=step)
    if step == 50:
        run._log.flush()
        die_if("log")
    if step == 100:
        Path("model.bin").write_text("weights")
        if place == "checkpoint":
            os.replace = os.rename = die
        run.checkpoint("model.bin", step=step)
run._log.flush()
die_if("end")
if place == "finish":
    os.replace = os.rename = die
run.finish()
"""

POINTS = ("capture", "begin", "log", "checkpoint", "end", "finish")


def kill_at(place: Path, point: str) -> Path:
    script = place / "train.py"
    script.write_text(TRAIN, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, script, point], cwd=place, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == -signal.SIGKILL
    (folder,) = (place / "runs").iterdir()
    return folder


def recovered(folder: Path) -> Record:
    (done,) = recover(folder)
    assert (done.outcome, done.problem) == ("recovered", "")
    found = read_record(folder).record
    assert found.status == "interrupted"
    assert all(gap in found.gaps for gap in done.gaps)
    assert done.gaps
    return found


def test_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        recover(tmp_path / "nowhere")


def test_folder_without_runs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="no recorded run"):
        recover(tmp_path)


def test_run_that_goes_on_is_left_alone(project: Path, script: Path) -> None:
    run = record("train", output=project, script=script)
    assert run.folder is not None
    before = (run.folder / "record.json").read_bytes()
    assert [it.outcome for it in recover(project)] == ["running"]
    assert (run.folder / "record.json").read_bytes() == before
    run.finish()


def test_run_that_ended_is_not_changed(project: Path, script: Path) -> None:
    run = record("train", output=project, script=script)
    run.finish("failed")
    assert run.folder is not None
    before = (run.folder / "record.json").read_bytes()
    assert [it.outcome for it in recover(run.folder)] == ["ended"]
    assert (run.folder / "record.json").read_bytes() == before


@pytest.mark.parametrize("point", POINTS)
def test_killed_run_is_recovered_wherever_it_was_killed(tmp_path: Path, point: str) -> None:
    folder = kill_at(tmp_path, point)
    found = recovered(folder)
    assert (found.id, found.name) == (folder.name, "train")
    assert any(gap.kind == "crashed" or gap.subject == "record" for gap in found.gaps)
    assert [it.outcome for it in recover(tmp_path / "runs")] == ["ended"]
    if point in {"end", "finish"}:
        assert found.segments[0].to_step == 200
        draft = release(
            tmp_path / "runs",
            tmp_path / "out",
            unfinished=True,
            description={"producer": {"name": "Lab"}, "model": {"name": "m"}},
        )
        assert any("killed" in gap.description for gap in draft.manifest.gaps)
        assert draft.manifest.training is not None
        assert draft.manifest.training.segments[0].status == "interrupted"


def test_torn_line_is_cut_off_and_said(tmp_path: Path) -> None:
    folder = kill_at(tmp_path, "end")
    with (folder / "training-log.jsonl").open("ab") as file:
        file.write(b'{"at":')
    found = recovered(folder)
    assert any("6 bytes" in gap.description for gap in found.gaps)
    assert [it.kind for it in iterate_entries(folder / "training-log.jsonl")][-2:] == [
        "recovered",
        "finish",
    ]


def test_damaged_line_is_set_aside_with_all_that_follows(tmp_path: Path) -> None:
    folder = kill_at(tmp_path, "end")
    log = folder / "training-log.jsonl"
    damaged = log.read_bytes().replace(b'"step":20,', b'"step":2x,', 1)
    log.write_bytes(damaged)
    found = recovered(folder)
    assert (folder / "training-log.jsonl.damaged").read_bytes() == damaged
    assert any("training-log.jsonl.damaged" in gap.description for gap in found.gaps)
    steps = [it.step for it in iterate_entries(log) if it.values]
    assert steps == list(range(1, 20))


def test_record_that_cannot_be_read_is_made_from_the_log(tmp_path: Path) -> None:
    folder = kill_at(tmp_path, "end")
    (folder / "record.json").write_bytes(b'{"recordVersion"')
    found = recovered(folder)
    assert (folder / "record.json.damaged").read_bytes() == b'{"recordVersion"'
    assert [it.step for it in found.checkpoints] == [100]
    assert found.checkpoints[0].files is not None
    assert found.segments[0].to_step == 200
    assert found.metric_names == ("loss",)
    assert any(gap.subject == "record" and gap.kind == "failed" for gap in found.gaps)


def test_checkpoint_that_is_gone_is_named(tmp_path: Path) -> None:
    folder = kill_at(tmp_path, "end")
    (tmp_path / "model.bin").unlink()
    found = recovered(folder)
    assert any(gap.subject == "checkpoints" and "step-100" in gap.description for gap in found.gaps)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_folder_that_must_not_be_written_is_said(tmp_path: Path) -> None:
    folder = kill_at(tmp_path, "end")
    folder.chmod(0o500)
    try:
        (done,) = recover(folder)
        assert done.outcome == "failed"
    finally:
        folder.chmod(0o700)
