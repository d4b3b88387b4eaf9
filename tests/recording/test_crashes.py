"""What is left when a process ends in a way that nobody planned."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from provenance.recording import read_project
from provenance.training_log import iterate_entries

if TYPE_CHECKING:
    from pathlib import Path

    from provenance.recording.records import Record

BEGIN = """
import os, signal, sys, time
import provenance
"""

LOOP = """
run = provenance.start("train", output="runs")
run.dataset("data.csv", id="d", role="train")
run.config({"rate": 0.1})
for step in range(1, 1001):
    run.log({"loss": 1 / step}, step=step)
    if step == 100:
        with open("model.bin", "wb") as file:
            file.write(b"weights")
        run.checkpoint("model.bin", step=step)
    if step == 200:
        print("ready", flush=True)
        time.sleep(60)
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "data.csv").write_text("1,2\n", encoding="utf-8")
    return tmp_path


def begin(place: Path, text: str) -> subprocess.Popen[str]:
    script = place / "train.py"
    whole = BEGIN + text
    if not script.exists() or script.read_text(encoding="utf-8") != whole:
        script.write_text(whole, encoding="utf-8")  # a process that began before may be reading it
    return subprocess.Popen(
        [sys.executable, script],
        cwd=place,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_to_the_end(place: Path, text: str) -> tuple[int, str]:
    with begin(place, text) as process:
        _, errors = process.communicate(timeout=60)
    return process.returncode, errors


def kill_when_ready(place: Path, text: str, number: signal.Signals) -> int:
    with begin(place, text) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        process.communicate(timeout=60)
    return process.returncode


def only_record(place: Path) -> Record:
    (found,) = read_project(place / "runs")
    return found.record


def test_killed_process_loses_nothing_that_it_declared(place: Path) -> None:
    assert kill_when_ready(place, LOOP, signal.SIGKILL) == -signal.SIGKILL
    found = only_record(place)
    assert found.status == "running"
    assert [item.id for item in found.datasets] == ["d"]
    assert [item.step for item in found.checkpoints] == [100]
    assert found.segments[0].hyperparameters == {"rate": 0.1}
    log = place / "runs" / found.id / "training-log.jsonl"
    steps = [entry.step for entry in iterate_entries(log, allow_torn=True) if entry.values]
    assert steps[:100] == list(range(1, 101))


def test_terminated_process_closes_its_record_and_dies_of_the_signal(place: Path) -> None:
    assert kill_when_ready(place, LOOP, signal.SIGTERM) == -signal.SIGTERM
    found = only_record(place)
    assert found.status == "interrupted"
    assert found.segments[0].to_step == 200
    assert found.gaps[-1].kind == "crashed"
    log = place / "runs" / found.id / "training-log.jsonl"
    assert [entry.kind for entry in iterate_entries(log)][-1] == "finish"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1], ids=lambda it: it.name)
def test_record_says_which_signal_ended_it(place: Path, number: signal.Signals) -> None:
    assert kill_when_ready(place, LOOP, number) == -number
    found = only_record(place)
    assert (found.status, found.failure) == ("interrupted", number.name)
    assert found.gaps[-1].description == f"the run was interrupted: {number.name}"
    assert not (place / "runs" / found.id / "lock").exists()


def test_handler_that_only_asks_the_loop_to_end_may_still_save(place: Path) -> None:
    text = """
asked = []
signal.signal(signal.SIGUSR1, lambda *_: asked.append(True))
run = provenance.start("train", output="runs")
for step in range(1, 100):
    run.log({"loss": 1.0}, step=step)
    if step == 50:
        os.kill(os.getpid(), signal.SIGUSR1)
    if asked:
        with open("model.bin", "wb") as file:
            file.write(b"weights")
        run.checkpoint("model.bin", step=step)
        run.finish()
        sys.exit(3)
"""
    assert run_to_the_end(place, text) == (3, "")
    found = only_record(place)
    assert (found.status, found.failure) == ("interrupted", "SIGUSR1")
    assert [it.step for it in found.checkpoints] == [50]


def test_handler_that_leaves_at_once_leaves_an_interrupted_record(place: Path) -> None:
    text = """
signal.signal(signal.SIGTERM, lambda *_: os._exit(9))
run = provenance.start("train", output="runs")
run.log({"loss": 1.0}, step=1)
os.kill(os.getpid(), signal.SIGTERM)
"""
    assert run_to_the_end(place, text) == (9, "")
    found = only_record(place)
    assert (found.status, found.failure) == ("interrupted", "SIGTERM")


def test_script_that_says_that_it_completed_is_believed_after_a_signal(place: Path) -> None:
    text = """
signal.signal(signal.SIGUSR1, lambda *_: None)
run = provenance.start("train", output="runs")
os.kill(os.getpid(), signal.SIGUSR1)
run.finish("completed")
"""
    assert run_to_the_end(place, text) == (0, "")
    assert (only_record(place).status, only_record(place).failure) == ("completed", None)


def test_interrupted_process_says_so(place: Path) -> None:
    text = LOOP.replace('run = provenance.start("train", output="runs")', "if True:").replace(
        "if True:", 'with provenance.record("train", output="runs") as run:'
    )
    head, _, body = text.partition("as run:\n")
    indented = "".join(f"    {line}\n" for line in body.splitlines())
    assert kill_when_ready(place, f"{head}as run:\n{indented}", signal.SIGINT) != 0
    assert only_record(place).status == "interrupted"


def test_signal_during_a_call_waits_for_its_end(place: Path) -> None:
    text = """
run = provenance.start("train", output="runs")
class Slow:
    def item(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.01)
        return 0.5
run.log({"loss": Slow()}, step=1)
print("never reached", flush=True)
"""
    code, errors = run_to_the_end(place, text)
    assert (code, errors) == (-signal.SIGTERM, "")
    found = only_record(place)
    assert found.status == "interrupted"
    log = place / "runs" / found.id / "training-log.jsonl"
    assert [entry.kind for entry in iterate_entries(log)] == ["start", "metrics", "finish"]


def test_handler_of_the_script_is_called_after_the_record_is_closed(place: Path) -> None:
    text = """
def handler(number, frame):
    print("handled", number, flush=True)
    sys.exit(7)
signal.signal(signal.SIGTERM, handler)
run = provenance.start("train", output="runs")
os.kill(os.getpid(), signal.SIGTERM)
"""
    with begin(place, text) as process:
        output, _ = process.communicate(timeout=60)
    assert (process.returncode, output) == (7, f"handled {int(signal.SIGTERM)}\n")
    assert only_record(place).status == "interrupted"


def test_ignored_signal_stays_ignored(place: Path) -> None:
    text = """
signal.signal(signal.SIGTERM, signal.SIG_IGN)
run = provenance.start("train", output="runs")
os.kill(os.getpid(), signal.SIGTERM)
run.finish()
"""
    assert run_to_the_end(place, text) == (0, "")
    assert only_record(place).status == "completed"


def test_handler_is_put_back_when_the_run_ends(place: Path) -> None:
    text = """
run = provenance.start("train", output="runs")
run.finish()
assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
"""
    assert run_to_the_end(place, text) == (0, "")


def test_two_runs_in_one_process_are_both_closed(place: Path) -> None:
    text = """
one = provenance.start("one", output="runs")
two = provenance.start("two", output="runs")
os.kill(os.getpid(), signal.SIGTERM)
"""
    assert run_to_the_end(place, text)[0] == -signal.SIGTERM
    found = {item.record.name: item.record.status for item in read_project(place / "runs")}
    assert found == {"one": "interrupted", "two": "interrupted"}


def test_run_in_another_thread_sets_no_handler(place: Path) -> None:
    text = """
from threading import Thread
def work():
    with provenance.record("train", output="runs") as run:
        run.log({"loss": 1.0}, step=1)
thread = Thread(target=work)
thread.start()
thread.join()
assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
"""
    assert run_to_the_end(place, text) == (0, "")
    assert only_record(place).status == "completed"


def test_run_that_is_never_finished_is_closed_with_a_gap(place: Path) -> None:
    assert run_to_the_end(place, 'run = provenance.start("train", output="runs")\n') == (0, "")
    found = only_record(place)
    assert found.status == "completed"
    assert found.gaps[-1].subject == "finish"


def test_script_that_crashes_outside_a_block_is_recorded_as_failed(place: Path) -> None:
    text = 'run = provenance.start("train", output="runs")\nraise ValueError("no")\n'
    code, errors = run_to_the_end(place, text)
    assert code == 1
    assert "ValueError: no" in errors
    assert only_record(place).failure == "ValueError: no"


def test_script_that_is_interrupted_outside_a_block_is_recorded_so(place: Path) -> None:
    text = 'run = provenance.start("train", output="runs")\nraise KeyboardInterrupt\n'
    run_to_the_end(place, text)
    assert only_record(place).status == "interrupted"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_forked_child_records_nothing_and_closes_nothing(place: Path) -> None:
    text = """
import warnings
run = provenance.start("train", output="runs")
run.log({"loss": 1.0}, step=1)
child = os.fork()
if child == 0:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run.log({"loss": 2.0}, step=2)
        run.note("from the child")
    assert ["forked process" in str(it.message) for it in caught] == [True, True]
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
assert run.record.status == "running"
run.finish()
"""
    assert run_to_the_end(place, text) == (0, "")
    found = only_record(place)
    assert (found.status, found.last_step, found.journal) == ("completed", 1, ())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_signal_to_a_forked_child_does_not_close_the_record(place: Path) -> None:
    text = """
run = provenance.start("train", output="runs")
reading, writing = os.pipe()
child = os.fork()
if child == 0:
    os.write(writing, b"ready")  # a signal that comes during the fork itself is lost
    time.sleep(60)
assert os.read(reading, 5) == b"ready"
os.kill(child, signal.SIGTERM)
assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGTERM
run.finish()
"""
    assert run_to_the_end(place, text) == (0, "")
    assert only_record(place).status == "completed"


def test_two_processes_record_into_one_project_at_once(place: Path) -> None:
    text = """
with provenance.record("train", output="runs") as run:
    for step in range(200):
        run.log({"loss": 1.0}, step=step)
"""
    began = time.monotonic()
    processes = [begin(place, text) for _ in range(3)]
    for process in processes:
        with process:
            assert process.communicate(timeout=60)[1] == ""
    assert time.monotonic() - began < 60
    found = read_project(place / "runs")
    assert [item.record.status for item in found] == ["completed"] * 3
    for item in found:
        entries = list(iterate_entries(item.folder / "training-log.jsonl"))
        assert len(entries) == 202


def test_process_killed_while_it_looks_for_undeclared_inputs_says_so(place: Path) -> None:
    kill = """
from provenance.recording import lifecycle
lifecycle.end_observing = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
with provenance.record("train", output="runs") as run:
    run.log({"loss": 1.0}, step=1)
"""
    assert run_to_the_end(place, kill)[0] == -signal.SIGKILL
    record = only_record(place)
    assert record.status == "completed"
    assert "was not looked through to the end" in record.gaps[-1].description


def test_gap_of_unfinished_looking_is_gone_when_it_is_finished(place: Path) -> None:
    text = 'with provenance.record("train", output="runs") as run:\n    open("data.csv").close()\n'
    assert run_to_the_end(place, text)[0] == 0
    record = only_record(place)
    assert [it.path for it in record.undeclared_inputs] == ["data.csv"]
    assert not [it for it in record.gaps if it.subject == "inputs"]
