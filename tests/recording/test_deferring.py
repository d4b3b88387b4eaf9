"""Checkpoints and datasets that are hashed beside the training."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import warnings
from threading import Event
from typing import TYPE_CHECKING

import pytest

from provenance.errors import ProvenanceError
from provenance.recording import (
    ProvenanceWarning,
    Run,
    checkpoints,
    deferring,
    read_project,
    record,
)
from provenance.recording.content import hash_content
from provenance.recording.deferring import NOT_HASHED, look
from provenance.training_log import iterate_entries
from support.releases import write_safetensors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from provenance.recording.content import Content


class Gate:
    """Holds hashing back until it is opened."""

    def __init__(self) -> None:
        """Begin closed."""
        self.open = Event()
        self.reached = Event()


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """Send every file to the background, and hold what hashes checkpoints back."""
    monkeypatch.setattr(deferring, "AT_ONCE_BYTES", 0)
    gate, real = Gate(), hash_content

    def held(path: str, **options: object) -> Content:
        gate.reached.set()
        gate.open.wait(30)
        return real(path, **options)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(checkpoints, "hash_content", held)
    yield gate
    gate.open.set()


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    path.write_bytes(write_safetensors({"w": [1.0, 2.0]}))
    return path


@pytest.fixture
def loose(project: Path, script: Path) -> Iterator[Run]:
    """A run that is not strict."""
    run = record("train", output=project, script=script)
    yield run
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run.finish()


def delete(path: Path) -> None:
    path.unlink()


def overwrite(path: Path) -> None:
    path.write_bytes(write_safetensors({"w": [3.0, 4.0]}))


def swap(path: Path) -> None:
    """Put another file of the same length and time in its place."""
    before = path.stat()
    other = path.with_name("other")
    other.write_bytes(write_safetensors({"w": [3.0, 4.0]}))
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)


CHANGES = {"deleted": delete, "overwritten": overwrite, "swapped": swap}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_checkpoint_that_changes_before_it_is_hashed_is_a_gap(
    loose: Run, weights: Path, gate: Gate, change: Callable[[Path], None]
) -> None:
    assert loose.checkpoint(weights, step=10) == "step-10"
    size = weights.stat().st_size
    assert gate.reached.wait(30)
    change(weights)
    gate.open.set()
    with pytest.warns(ProvenanceWarning, match="step-10"):
        loose.wait()
    (saved,) = loose.record.checkpoints
    assert (saved.files, saved.tensors, saved.inventory, saved.step) == (None, None, (), 10)
    gaps = [gap for gap in loose.record.gaps if gap.subject == "step-10"]
    assert [gap.kind for gap in gaps] == ["failed"]
    assert change is delete or f"it had {size} bytes in 1 file" in gaps[0].description


def test_strict_run_raises_where_it_waits(run: Run, weights: Path, gate: Gate) -> None:
    run.checkpoint(weights, step=1)
    weights.unlink()
    gate.open.set()
    with pytest.raises(ProvenanceError):
        run.wait()


def test_strict_run_is_closed_although_hashing_failed(run: Run, weights: Path, gate: Gate) -> None:
    run.checkpoint(weights, step=1)
    weights.unlink()
    gate.open.set()
    with pytest.raises(ProvenanceError):
        run.finish()
    assert run.record.status == "completed"


def test_kill_leaves_a_gap_for_what_was_not_hashed(
    loose: Run, weights: Path, gate: Gate, project: Path
) -> None:
    loose.checkpoint(weights, step=1)
    (found,) = read_project(project)
    assert [it.id for it in found.record.checkpoints] == ["step-1"]
    assert [gap.subject for gap in found.record.gaps if gap.description == NOT_HASHED] == ["step-1"]
    gate.open.set()


def test_file_that_is_not_there_fails_at_once(run: Run, gate: Gate, tmp_path: Path) -> None:
    gate.open.set()
    with pytest.raises(ProvenanceError):
        run.checkpoint(tmp_path / "none.bin", step=1)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ProvenanceError, match="empty"):
        run.checkpoint(tmp_path / "empty", step=1)
    assert run.record.checkpoints == ()


def test_checkpoint_is_bound_after_the_call(run: Run, weights: Path, gate: Gate) -> None:
    run.log({"loss": 1.0}, step=1)
    run.checkpoint(weights, step=1)
    assert run.record.checkpoints[0].files is None
    run.log({"loss": 0.5}, step=2)
    assert not run.wait(timeout=0)
    gate.open.set()
    assert run.wait()
    (saved,) = run.record.checkpoints
    assert saved.files is not None
    assert saved.tensors is not None
    assert set(saved.inventory[0].digest) == {"blake3", "sha256"}
    assert run.record.gaps == () or all(it.description != NOT_HASHED for it in run.record.gaps)


def test_digests_are_those_of_hashing_at_once(
    new_run: Callable[..., Run], weights: Path, gate: Gate
) -> None:
    gate.open.set()
    one, two = new_run("one"), new_run("two")
    one.checkpoint(weights, step=1)
    two.checkpoint(weights, step=1, wait=True)
    one.wait()
    (first,), (second,) = one.record.checkpoints, two.record.checkpoints
    assert (first.files, first.tensors) == (second.files, second.tensors)


def test_relative_path_means_what_it_meant(
    run: Run, weights: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(weights.parent)
    (weights.parent / "latest").symlink_to(weights.name)
    run.checkpoint("latest", step=1)
    monkeypatch.chdir("/")
    gate.open.set()
    assert run.wait()
    assert [entry.path for entry in run.record.checkpoints[0].inventory] == ["latest"]


def test_no_fact_is_lost_between_the_two_threads(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deferring, "AT_ONCE_BYTES", 0)
    for number in range(15):
        (tmp_path / f"{number}.bin").write_bytes(b"%d" % number)
        run.checkpoint(tmp_path / f"{number}.bin", step=number)
        run.gap("tokenizer", f"lost {number}")
        run.note(f"note {number}")
    run.finish()
    assert [saved.files is not None for saved in run.record.checkpoints] == [True] * 15
    assert len([gap for gap in run.record.gaps if gap.subject == "tokenizer"]) == 15
    assert len(run.record.journal) == 15
    assert all(gap.description != NOT_HASHED for gap in run.record.gaps)


def test_finish_waits_and_the_log_ends_with_it(run: Run, weights: Path, gate: Gate) -> None:
    run.checkpoint(weights, step=1)
    gate.open.set()
    run.finish()
    assert run.record.checkpoints[0].files is not None
    assert run.folder is not None
    entries = list(iterate_entries(run.folder / "training-log.jsonl"))
    assert [entry.kind for entry in entries][-2:] == ["checkpoint", "finish"]


def test_small_file_may_be_overwritten_at_once(run: Run, weights: Path) -> None:
    run.checkpoint(weights, step=1)
    overwrite(weights)
    run.checkpoint(weights, step=2)
    one, two = run.record.checkpoints
    assert None not in (one.files, two.files)
    assert one.files != two.files


def test_checkpoint_by_content_waits_for_its_digests(
    run: Run, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deferring, "AT_ONCE_BYTES", 0)
    run.checkpoint(weights, step=1)
    copy = weights.with_name("best.safetensors")
    copy.write_bytes(weights.read_bytes())
    run.evaluation(task="t", checkpoint=copy)
    assert run.record.evaluations[0].checkpoint == "step-1"
    run.segment(resumed_from=copy)
    assert run.record.segments[-1].resumed_from == "step-1"


class TestDatasets:
    """Files and folders that `run.dataset` hands over."""

    @pytest.fixture(autouse=True)
    def everything_later(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(deferring, "AT_ONCE_BYTES", 0)

    def test_dataset_that_is_gone_is_a_gap(
        self, loose: Run, data: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(loose._state.background, "_start", lambda: True)
        loose.dataset(data, id="d", role="train")
        data.unlink()
        with pytest.warns(ProvenanceWarning, match="deleted before it was hashed"):
            loose._state.background._work()
        (found,) = loose.record.datasets
        assert (found.files, found.roles, found.bytes_) == (None, ("train",), 8)
        assert [it.kind for it in loose.record.gaps if it.subject == "d"] == ["failed"]

    def test_dataset_is_bound_by_the_end(self, run: Run, data: Path) -> None:
        assert run.dataset(data) == "data"
        run.finish()
        (found,) = run.record.datasets
        assert found.files is not None
        assert found.bytes_ == data.stat().st_size
        assert all(gap.description != NOT_HASHED for gap in run.record.gaps)

    def test_folder_with_many_files_has_its_inventory(self, run: Run, tmp_path: Path) -> None:
        folder = tmp_path / "many"
        folder.mkdir()
        for number in range(60):
            (folder / f"{number}.txt").write_text(str(number), encoding="utf-8")
        run.dataset(folder, id="many")
        run.finish()
        assert run.record.datasets[0].inventory_file is not None

    def test_same_file_declared_again_is_the_same_dataset(self, run: Run, data: Path) -> None:
        first = run.dataset(data, role="raw")
        assert run.dataset(data, role="train") == first
        assert run.dataset(data, id="other") == "other"
        run.wait()
        data.write_text("9,9\n", encoding="utf-8")
        assert run.dataset(data) not in {first, "other"}

    def test_size_that_the_script_says_stays(self, run: Run, data: Path) -> None:
        run.dataset(data, id="d", bytes=8)
        run.finish()
        assert run.record.datasets[0].bytes_ == 8


def test_folder_with_very_many_files_is_large_and_not_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deferring, "MAX_SEEN_FILES", 2)
    for number in range(3):
        (tmp_path / f"{number}").write_bytes(b"")
    sight = look(tmp_path)
    assert sight is not None
    assert sight.is_large
    (tmp_path / "more").write_bytes(b"")
    sight.require_same()


@pytest.mark.parametrize("name", ["none", "a\0b"], ids=["absent", "no name"])
def test_what_cannot_be_seen_is_nothing(tmp_path: Path, name: str) -> None:
    assert look(f"{tmp_path}/{name}") is None


PROCESS = """
import os, signal, threading, time
import provenance
from provenance.recording import checkpoints, deferring, lifetime as runs
deferring.AT_ONCE_BYTES = 0
runs.INTERRUPTED_SECONDS = 0.2
real = checkpoints.hash_content
def slow(path, **options):
    time.sleep(SECONDS)
    return real(path, **options)
checkpoints.hash_content = slow
run = provenance.start("train", output="runs")
run.log({"loss": 1.0}, step=1)
with open("model.bin", "wb") as file:
    file.write(b"weights")
run.checkpoint("model.bin", step=1)
"""


@pytest.mark.parametrize(
    ("seconds", "end", "code", "status", "bound"),
    [
        (0.3, "run.finish()", 0, "completed", True),
        (0.3, "", 0, "completed", True),
        (0.3, "raise SystemExit(3)", 3, "completed", True),
        (0.0, "os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM, "interrupted", True),
        (9.0, "os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM, "interrupted", False),
        (
            9.0,
            "threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start(); run.finish()",
            -signal.SIGTERM,
            "interrupted",
            False,
        ),
    ],
    ids=["finished", "left open", "exit", "signal", "signal and slow", "signal while it waits"],
)
def test_process_ends_with_a_whole_record(
    tmp_path: Path, seconds: float, end: str, code: int, status: str, *, bound: bool
) -> None:
    script = tmp_path / "train.py"
    script.write_text(f"SECONDS = {seconds}\n{PROCESS}{end}\n", encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "train.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == code, ran.stderr
    (found,) = read_project(tmp_path / "runs")
    assert found.record.status == status, ran.stderr
    assert (found.record.checkpoints[0].files is not None) == bound
    unbound = [gap for gap in found.record.gaps if gap.description == NOT_HASHED]
    assert bool(unbound) != bound
    log = list(iterate_entries(found.folder / "training-log.jsonl"))
    assert log[-1].kind == "finish"
