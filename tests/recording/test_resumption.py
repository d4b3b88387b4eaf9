"""What a job records that was killed and is started again, in processes of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from provenance.recording import read_project, release
from provenance.training_log import iterate_entries

if TYPE_CHECKING:
    from pathlib import Path

    from provenance.recording.records import Record

#: Trains 300 steps, saves every 100, goes on from `run.resumed_from`; dies as it is told.
TRAIN = """
import os, signal, sys
from pathlib import Path
import provenance

die_at, number = int(sys.argv[1]), sys.argv[2]
resume = sys.argv[3] if len(sys.argv) > 3 else "auto"
run = provenance.start("train", output="runs", resume=resume)
begin = 0
if run.resumed_from is not None:
    begin = int(Path(run.resumed_from).read_text())
run.config({"rate": 0.1})
for step in range(begin + 1, 301):
    run.log({"loss": 1 / step}, step=step)
    if step % 100 == 0:
        Path(f"model-{step}.bin").write_text(str(step))
        run.checkpoint(f"model-{step}.bin", step=step)
    if step == die_at:
        run.log({"last": 1.0}, step=step)
        run._log.flush()
        os.kill(os.getpid(), getattr(signal, number))
run.finish()
"""


def execute(
    place: Path, *arguments: str, text: str = TRAIN, **variables: str
) -> subprocess.CompletedProcess[str]:
    script = place / "train.py"
    script.write_text(text, encoding="utf-8")
    return subprocess.run(
        [sys.executable, script, *arguments],
        cwd=place,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def records(place: Path) -> list[Record]:
    return [it.record for it in read_project(place / "runs")]


def only_record(place: Path) -> Record:
    (found,) = records(place)
    return found


@pytest.mark.parametrize("number", ["SIGKILL", "SIGTERM", "SIGUSR1"])
def test_requeued_job_is_a_new_segment_from_its_checkpoint(tmp_path: Path, number: str) -> None:
    assert execute(tmp_path, "150", number).returncode == -getattr(signal, number)
    done = execute(tmp_path, "0", "-", "must")
    assert (done.returncode, done.stderr) == (0, "")
    found = only_record(tmp_path)
    assert found.status == "completed"
    first, second = found.segments
    assert (first.from_step, first.to_step, first.status) == (0, 150, "interrupted")
    assert (second.from_step, second.to_step, second.rollback_to) == (100, 300, 100)
    assert (second.event, second.resumed_from) == ("resume", "step-100")
    assert [it.step for it in found.checkpoints] == [100, 200, 300]
    assert found.checkpoints[1].parents == ("step-100",)
    log = tmp_path / "runs" / found.id / "training-log.jsonl"
    kinds = [it.kind for it in iterate_entries(log) if it.kind != "metrics"]
    assert kinds.count("start") == 2
    assert kinds[-1] == "finish"
    assert [it.step for it in iterate_entries(log) if it.kind == "segment"] == [100]
    draft = release(
        tmp_path / "runs",
        tmp_path / "out",
        description={"producer": {"name": "Lab"}, "model": {"name": "m"}},
    )
    assert draft.manifest.training is not None
    assert [it.rollback_to for it in draft.manifest.training.segments] == [None, 100]
    assert {it.environment for it in draft.manifest.training.segments} == {"env-1"}


def test_nothing_is_thrown_away_where_the_checkpoint_was_the_last_step(tmp_path: Path) -> None:
    execute(tmp_path, "200", "SIGKILL")
    execute(tmp_path, "0", "-")
    second = only_record(tmp_path).segments[1]
    assert (second.from_step, second.rollback_to, second.resumed_from) == (200, None, "step-200")


def test_checkpoint_that_is_no_longer_whole_is_passed_over(tmp_path: Path) -> None:
    execute(tmp_path, "250", "SIGKILL")
    (tmp_path / "model-200.bin").write_text("", encoding="utf-8")
    execute(tmp_path, "0", "-")
    found = only_record(tmp_path)
    assert (found.segments[1].resumed_from, found.segments[1].rollback_to) == ("step-100", 100)
    assert any("step-200" in it.description for it in found.gaps if it.subject == "resume")
    assert [it.id for it in found.checkpoints] == ["step-100", "step-200", "step-200-2", "step-300"]


def test_job_that_was_killed_before_its_first_checkpoint_begins_again(tmp_path: Path) -> None:
    execute(tmp_path, "50", "SIGKILL")
    execute(tmp_path, "0", "-")
    first, second = only_record(tmp_path).segments
    assert (first.to_step, second.from_step, second.rollback_to) == (50, 0, 0)
    assert (second.event, second.resumed_from) == ("other", None)


def test_script_that_does_not_load_the_checkpoint_is_believed(tmp_path: Path) -> None:
    text = TRAIN.replace("if run.resumed_from is not None:", "if False:")
    execute(tmp_path, "150", "SIGKILL")
    execute(tmp_path, "0", "-", text=text)
    found = only_record(tmp_path)
    second = found.segments[1]
    assert (second.from_step, second.to_step, second.rollback_to) == (0, 300, 0)
    assert second.resumed_from is None
    assert any("what it loaded is not known" in it.description for it in found.gaps)


def test_script_says_itself_what_it_resumes_from(tmp_path: Path) -> None:
    execute(tmp_path, "250", "SIGKILL")
    text = TRAIN.replace(
        "begin = int(Path(run.resumed_from).read_text())",
        'run.segment(resumed_from="model-100.bin", reason="diverged", event="crash"); begin = 100',
    )
    execute(tmp_path, "0", "-", text=text)
    found = only_record(tmp_path)
    assert len(found.segments) == 2
    second = found.segments[1]
    assert (second.from_step, second.rollback_to, second.resumed_from) == (100, 100, "step-100")
    assert (second.reason, second.event) == ("diverged", "crash")


def test_words_of_the_script_are_kept_without_secrets(tmp_path: Path) -> None:
    execute(tmp_path, "150", "SIGKILL")
    said = (
        "run.segment(resumed_from='model-100.bin', id='second', reason='token=hf_' + 'a' * 34);"
        " begin = 100"
    )
    text = TRAIN.replace("begin = int(Path(run.resumed_from).read_text())", said)
    assert execute(tmp_path, "0", "-", text=text).stderr == ""
    second = only_record(tmp_path).segments[1]
    assert (second.id, second.to_step, second.rollback_to) == ("second", 300, 100)
    assert second.reason is not None
    assert "hf_a" not in second.reason


def test_next_segment_does_not_hide_what_was_not_loaded(tmp_path: Path) -> None:
    execute(tmp_path, "150", "SIGKILL")
    text = TRAIN.replace("if run.resumed_from is not None:", "if False:").replace(
        "    if step % 100 == 0:",
        "    if step == 40: run.segment(event='code')\n    if step % 100 == 0:",
    )
    execute(tmp_path, "0", "-", text=text)
    segments = only_record(tmp_path).segments
    assert [(it.from_step, it.to_step, it.rollback_to) for it in segments] == [
        (0, 150, None),
        (0, 40, 0),
        (40, 300, None),
    ]


def test_log_that_a_worker_of_the_killed_process_holds_is_not_shared(tmp_path: Path) -> None:
    worker = (
        "    if step == 140:\n"
        "        child = os.fork()\n"
        "        if child == 0:\n"
        "            os.closerange(0, 3); import time; time.sleep(60); os._exit(0)\n"
        "        Path('child').write_text(str(child))\n"
    )
    text = TRAIN.replace("    if step == die_at:", f"{worker}    if step == die_at:")
    execute(tmp_path, "150", "SIGKILL", text=text)
    try:
        done = execute(tmp_path, "0", "-")
    finally:
        os.kill(int((tmp_path / "child").read_text(encoding="utf-8")), signal.SIGKILL)
    assert done.returncode == 0
    assert "another process is writing" in done.stderr
    assert sorted(it.status for it in records(tmp_path)) == ["completed", "running"]


def test_torn_last_line_is_cut_off_and_said(tmp_path: Path) -> None:
    execute(tmp_path, "150", "SIGKILL")
    (folder,) = (tmp_path / "runs").iterdir()
    with (folder / "training-log.jsonl").open("ab") as file:
        file.write(b'{"at":"2026')
    assert execute(tmp_path, "0", "-").stderr == ""
    entries = list(iterate_entries(folder / "training-log.jsonl"))
    assert [it.fields["lostBytes"] for it in entries if it.kind == "recovered"] == [11]


def test_job_that_is_requeued_twice_keeps_all_its_segments(tmp_path: Path) -> None:
    for step in ("150", "250"):
        execute(tmp_path, step, "SIGTERM")
    assert execute(tmp_path, "0", "-").stderr == ""
    found = only_record(tmp_path)
    assert [(it.from_step, it.to_step) for it in found.segments] == [
        (0, 150),
        (100, 250),
        (200, 300),
    ]
    assert found.compute is not None
    assert found.compute.wall_time_seconds is not None
    assert len({it.code.script for it in found.segments if it.code is not None}) <= 1
    assert [it.id for it in found.earlier_environments] == ["environment-1", "environment-2"]


def test_changed_code_stands_with_the_segment_that_it_ran_in(tmp_path: Path) -> None:
    execute(tmp_path, "150", "SIGKILL")
    execute(tmp_path, "0", "-", text=TRAIN + "# another\n")
    first, second = only_record(tmp_path).segments
    assert first.code is not None
    assert first.command[-2:] == ("150", "SIGKILL")
    assert second.code is None
    assert only_record(tmp_path).command[-2:] == ("0", "-")


def test_clock_that_went_back_is_a_gap(tmp_path: Path) -> None:
    execute(tmp_path, "150", "SIGKILL")
    (folder,) = (tmp_path / "runs").iterdir()
    log = folder / "training-log.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    entry = json.loads(lines[-1]) | {"at": "2999-01-01T00:00:00Z"}
    ending = json.dumps(entry, separators=(",", ":"), sort_keys=True).encode() + b"\n"
    log.write_bytes(b"".join(lines[:-1]) + ending)
    execute(tmp_path, "0", "-")
    assert [it.subject for it in only_record(tmp_path).gaps].count("clock") == 1


def test_two_processes_that_resume_at_once_do_not_share_a_folder(tmp_path: Path) -> None:
    execute(tmp_path, "150", "SIGKILL")
    text = TRAIN.replace("run.finish()", "run.finish(); print(run.folder)")
    script = tmp_path / "train.py"
    script.write_text(text, encoding="utf-8")
    processes = [
        subprocess.Popen(
            [sys.executable, script, "0", "-"],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for _ in range(2)
    ]
    folders = [it.communicate(timeout=60)[0] for it in processes]
    assert [it.returncode for it in processes] == [0, 0]
    assert len(set(folders)) == 2
    assert [it.status for it in records(tmp_path)] == ["completed"] * 2
