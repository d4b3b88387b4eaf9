"""What all adapters share: which run they record into, and that they never stop a training."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from typing import TYPE_CHECKING

import pytest

import provenance
from provenance.errors import RecordingError
from provenance.integrations.observer import TrainingObserver, observed
from provenance.recording import read_project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Adapter:
    """The smallest one."""

    def __init__(self, observer: TrainingObserver) -> None:
        """Hold it."""
        self.observer = observer

    @observed
    def on_step(self, values: dict[str, object]) -> str:
        self.observer.numbers(values, step=1)
        return str(values["loss"])


class Value:
    """A number as array libraries have them."""

    def __init__(self, size: int) -> None:
        """Hold so many."""
        self.size = size

    def item(self) -> float:
        return 0.5


@pytest.fixture
def run(tmp_path: Path) -> Iterator[provenance.Run]:
    run = provenance.start("train", output=tmp_path / "runs")
    yield run
    if run.record.status == "running":
        run.finish()


def test_without_a_run_and_an_output_it_warns_and_records_nothing() -> None:
    observer = TrainingObserver("framework")
    with pytest.warns(provenance.ProvenanceWarning, match="no run is open"):
        assert observer.begin() is None
    observer.numbers({"loss": 1.0}, step=1)
    observer.end()
    assert observer.run is None


def test_what_breaks_in_a_hook_without_a_run_is_a_warning() -> None:
    with pytest.warns(provenance.ProvenanceWarning, match=r"on_step failed \(KeyError\)"):
        assert Adapter(TrainingObserver("framework")).on_step({}) is None


def test_what_breaks_in_a_hook_is_a_gap_and_one_warning(run: provenance.Run) -> None:
    adapter = Adapter(TrainingObserver("framework"))
    adapter.observer.begin()
    with pytest.warns(provenance.ProvenanceWarning, match="on_step") as caught:
        assert [adapter.on_step({}), adapter.on_step({})] == [None, None]
    assert len(caught) == 1
    gaps = [gap for gap in run.record.gaps if gap.subject.startswith("framework")]
    assert [gap.subject for gap in gaps] == ["framework: on_step"]


def test_what_breaks_in_a_hook_of_a_strict_run_is_raised(tmp_path: Path) -> None:
    run = provenance.start("train", output=tmp_path / "runs", strict=True)
    adapter = Adapter(TrainingObserver("framework", run=run))
    adapter.observer.begin()
    with pytest.raises(RecordingError, match="on_step"):
        adapter.on_step({})
    run.finish()


def test_exceptions_that_end_a_process_pass(run: provenance.Run) -> None:
    class Interrupted(Adapter):
        @observed
        def on_end(self) -> None:
            raise KeyboardInterrupt

    adapter = Interrupted(TrainingObserver("framework", run=run))
    with pytest.raises(KeyboardInterrupt):
        adapter.on_end()


def test_a_second_adapter_of_one_framework_records_nothing(run: provenance.Run) -> None:
    first, second = TrainingObserver("framework"), TrainingObserver("framework")
    assert first.begin() is run
    with pytest.warns(provenance.ProvenanceWarning, match="added twice"):
        assert second.begin() is None
    first.end()
    assert second.begin() is run


def test_adapters_of_two_frameworks_share_a_run(run: provenance.Run) -> None:
    assert TrainingObserver("one").begin() is TrainingObserver("other").begin() is run


def test_the_run_that_is_given_comes_first(run: provenance.Run, tmp_path: Path) -> None:
    given = provenance.start("other", output=tmp_path / "others")
    assert provenance.current_run() is given
    observer = TrainingObserver("framework", run=run, output=tmp_path / "own")
    assert observer.begin() is run
    assert not observer.owns
    observer.end()
    assert run.record.status == "running"
    assert not (tmp_path / "own").exists()
    given.finish()


def test_an_open_run_comes_before_one_of_its_own(run: provenance.Run, tmp_path: Path) -> None:
    observer = TrainingObserver("framework", output=tmp_path / "own")
    assert observer.begin() is run
    observer.end()
    assert not (tmp_path / "own").exists()


def test_a_run_of_its_own_ends_with_the_training(tmp_path: Path) -> None:
    observer = TrainingObserver("framework", output=tmp_path / "own", name="fit")
    run = observer.begin()
    assert run is not None
    assert observer.owns
    observer.end("failed", failure=ValueError("diverged"))
    assert (run.record.name, run.record.status) == ("fit", "failed")
    assert provenance.current_run() is None
    again = observer.begin()  # the framework trains once more
    assert again is not None
    assert again is not run
    observer.end()
    assert again.record.status == "completed"


ABANDONED = """
from provenance.integrations.observer import TrainingObserver
observer = TrainingObserver("framework", output="runs")
observer.begin()
observer.numbers({"loss": 1.0}, step=0)
LAST
"""


@pytest.mark.parametrize(
    ("last", "status"),
    [
        ("pass", "interrupted"),
        ("observer.rest()", "completed"),
        ("observer.end()", "completed"),
        ("raise ValueError('diverged')", "failed"),
    ],
)
def test_a_training_that_never_ended_is_not_called_completed(
    tmp_path: Path, last: str, status: str
) -> None:
    script = tmp_path / "train.py"
    script.write_text(ABANDONED.replace("LAST", last), encoding="utf-8")
    subprocess.run((sys.executable, script), cwd=tmp_path, capture_output=True, check=False)
    (found,) = read_project(tmp_path / "runs")
    assert found.record.status == status


def test_only_numbers_are_logged(run: provenance.Run) -> None:
    observer = TrainingObserver("framework")
    observer.begin()
    values = {"loss": 1, "nan": float("nan"), "one": Value(1), "many": Value(2), "text": "x"}
    observer.numbers({**values, "flag": True, "nothing": None}, step=1)
    observer.numbers({"text": "x"}, step=2)
    run.finish()
    assert run.record.metric_names == ("loss", "nan", "one")


def test_the_run_begun_before_is_current_again(tmp_path: Path) -> None:
    outer = provenance.start("outer", output=tmp_path / "runs")
    inner = provenance.start("inner", output=tmp_path / "runs")
    assert provenance.current_run() is inner
    inner.finish()
    assert provenance.current_run() is outer
    outer.finish()
    assert provenance.current_run() is None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_has_no_run(run: provenance.Run) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # forking beside threads
        process = os.fork()
    if process == 0:
        os._exit(0 if provenance.current_run() is None else 1)
    _, status = os.waitpid(process, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert provenance.current_run() is run
