"""Recording never breaks training: whatever fails inside becomes a gap and one warning."""

from __future__ import annotations

import errno
import os
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from provenance.errors import ProvenanceError, RecordingError
from provenance.recording import ProvenanceWarning, Run, read_record, record, start
from provenance.recording import state as state_module

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

#: One wrong call of every method of a run that takes something.
WRONG_CALLS: dict[str, Callable[[Run], Any]] = {
    "dataset that is not there": lambda run: run.dataset("/nowhere/data.csv"),
    "dataset with an unknown field": lambda run: run.dataset(id="d", colour="blue"),
    "dataset with an unknown role": lambda run: run.dataset(id="d", role="dev"),
    "dataset with a source that is a number": lambda run: run.dataset(id="d", source=3),
    "dataset with files given": lambda run: run.dataset(id="d", files="x"),
    "processing of something unknown": lambda run: run.processing(["no such id!"], []),
    "processing with an unknown field": lambda run: run.processing([], [], colour="blue"),
    "config of a number": lambda run: run.config(3),
    "seed of a list": lambda run: run.seed(numpy=[1, 2]),  # type: ignore[arg-type]
    "log of text": lambda run: run.log({"loss": "low"}, step=1),
    "log of nothing": lambda run: run.log(step=1),
    "log of a list": lambda run: run.log({"loss": [1, 2]}, step=1),
    "log at half a step": lambda run: run.log({"loss": 1.0}, step=0.5),  # type: ignore[arg-type]
    "log at a negative step": lambda run: run.log({"loss": 1.0}, step=-1),
    "log under a number": lambda run: run.log({3: 1.0}, step=1),  # type: ignore[dict-item]
    "log under a lone surrogate": lambda run: run.log({"\ud800": 1.0}, step=1),
    "checkpoint that is not there": lambda run: run.checkpoint("/nowhere/x.bin", step=1),
    "segment at a negative step": lambda run: run.segment(from_step=-3),
    "segment resumed from nothing": lambda run: run.segment(resumed_from="/nowhere/x.bin"),
    "segment with an unknown field": lambda run: run.segment(colour="blue"),
    "evaluation with a metric of text": lambda run: run.evaluation(task="t", metrics=["a"]),
    "evaluation of a missing checkpoint": lambda run: run.evaluation(
        task="t", checkpoint="/nowhere/x.bin"
    ),
    "evaluation without a task": lambda run: run.evaluation(metrics={}),  # type: ignore[call-arg]
    "document that is not there": lambda run: run.document("/nowhere/x.pdf", kind="invoice"),
    "note that is a number": lambda run: run.note(3),  # type: ignore[arg-type]
    "note with a lone surrogate": lambda run: run.note("\ud800"),
    "model with an unknown field": lambda run: run.model(colour="blue"),
    "end of an unknown kind": lambda run: run.finish("exploded"),
}


@pytest.mark.parametrize("call", WRONG_CALLS.values(), ids=WRONG_CALLS.keys())
def test_wrong_call_is_a_gap_and_a_warning(
    call: Callable[[Run], Any], new_run: Callable[..., Run]
) -> None:
    run = new_run(strict=False)
    before = len(run.record.gaps)
    with pytest.warns(ProvenanceWarning, match="not recorded"):
        call(run)
    assert len(run.record.gaps) > before
    assert run.record.gaps[-1].kind == "failed"
    run.finish()
    assert run.folder is not None
    assert read_record(run.folder).record == run.record
    assert run.record.status == "completed"


@pytest.mark.parametrize("call", WRONG_CALLS.values(), ids=WRONG_CALLS.keys())
def test_wrong_call_of_a_strict_run_is_raised(call: Callable[[Run], Any], run: Run) -> None:
    with pytest.raises(ProvenanceError):
        call(run)


def test_same_failure_in_a_loop_warns_once(new_run: Callable[..., Run]) -> None:
    run = new_run(strict=False)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for step in range(50):
            run.log({"loss": "low"}, step=step)
    assert len(caught) == 1
    assert sum(gap.subject == "log" for gap in run.record.gaps) == 1


def test_texts_of_failures_do_not_name_the_home_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    error = OSError(f"{tmp_path}/data.csv is not there")
    assert state_module.describe_error(error) == "OSError: ~/data.csv is not there"
    gap = state_module.make_gap("dataset", "failed", str(error))
    assert gap.description == "~/data.csv is not there"


def test_gaps_are_bounded(new_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_module, "MAX_GAPS", 10)
    run = new_run(strict=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number in range(20):
            run.dataset(f"/nowhere/{number}.csv")
    assert len(run.record.gaps) == 10


def test_warning_points_at_the_line_of_the_script(new_run: Callable[..., Run]) -> None:
    run = new_run(strict=False)
    with pytest.warns(ProvenanceWarning) as caught:
        run.note(3)  # type: ignore[arg-type]
    assert caught[0].filename == __file__


def test_dataset_with_wrong_words_is_still_bound(new_run: Callable[..., Run], data: Path) -> None:
    run = new_run(strict=False)
    with pytest.warns(ProvenanceWarning):
        assert run.dataset(data, id="d", role="dev") == "d"
    assert run.record.datasets[0].files is not None
    assert run.record.datasets[0].roles == ()


def test_what_is_returned_after_a_failure_can_be_used(new_run: Callable[..., Run]) -> None:
    run = new_run(strict=False)
    with pytest.warns(ProvenanceWarning):
        saved = run.checkpoint("/nowhere/model 1.bin", step=1)
    with pytest.warns(ProvenanceWarning):
        raw = run.dataset("/nowhere/raw.csv", colour="blue")
    assert (saved, raw) == ("model-1", "raw")
    run.processing([raw], [], id="step")
    assert run.record.processing[0].inputs == ("raw",)


def test_output_that_cannot_be_written_leaves_the_script_alone(
    tmp_path: Path, script: Path, data: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.warns(ProvenanceWarning, match="run folder cannot be made"):
        run = start("train", output=tmp_path / "file" / "runs", script=script)
    assert run.folder is None
    run.dataset(data, id="d")
    run.config({"rate": 0.1})
    run.document(data)
    with pytest.warns(ProvenanceWarning, match="no run folder"):
        run.log({"loss": 1.0}, step=1)
    run.finish()
    assert run.record.status == "completed"
    with pytest.raises(RecordingError, match="nothing to release"):
        run.release(tmp_path / "model")


def test_output_that_cannot_be_written_stops_a_strict_run(tmp_path: Path, script: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ProvenanceError, match="run folder cannot be made"):
        start("train", output=tmp_path / "file" / "runs", script=script, strict=True)


def test_full_disk_loses_facts_and_keeps_the_script(
    new_run: Callable[..., Run], data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_run(strict=False)
    real = os.write

    def write(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", write)
    with pytest.warns(ProvenanceWarning, match="No space left on device"):
        run.dataset(data, id="lost")
    with pytest.warns(ProvenanceWarning, match="No space left on device"):
        run.log({"loss": 1.0}, step=1)
    monkeypatch.setattr(os, "write", real)
    run.finish()
    assert run.folder is not None
    found = read_record(run.folder).record
    assert found == run.record
    assert any("No space left" in gap.description for gap in found.gaps)


def test_secret_in_a_failure_is_redacted(new_run: Callable[..., Run]) -> None:
    run = new_run(strict=False)
    secret = "hf_" + "a1B2c3D4" * 4
    with pytest.warns(ProvenanceWarning) as caught:
        run.dataset(f"/nowhere/token={secret}.csv")
    assert secret not in str(caught[0].message)
    assert run.folder is not None
    assert secret not in (run.folder / "record.json").read_text(encoding="utf-8")


def test_calls_after_the_end_warn_and_do_nothing(new_run: Callable[..., Run]) -> None:
    run = new_run(strict=False)
    run.finish()
    before = run.record
    with pytest.warns(ProvenanceWarning, match="note was called after the run was finished"):
        run.note("late")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run.note("later still")  # the same call warns once
    with pytest.warns(ProvenanceWarning, match="finish was called"):
        run.finish()
    assert run.record == before


def test_exception_of_the_script_goes_on_unchanged(project: Path, script: Path) -> None:
    problem = ValueError("password=hunter2 went wrong")
    with (
        pytest.raises(ValueError, match="went wrong") as caught,
        record("train", output=project, script=script) as run,
    ):
        raise problem
    assert caught.value is problem
    assert run.record.status == "failed"
    assert run.record.failure is not None
    assert run.record.failure.startswith("ValueError")
    assert "hunter2" not in run.record.failure
    assert run.record.gaps[-1].kind == "crashed"


def test_exception_of_the_script_is_not_hidden_by_a_strict_run(
    project: Path, script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(*_: object, **__: object) -> None:
        raise RecordingError(problem="the disk is gone")

    with (  # noqa: PT012 - the disk goes in the middle of the block
        pytest.raises(ValueError, match="the script's own"),
        record("train", output=project, script=script, strict=True),
    ):
        monkeypatch.setattr(state_module, "write_atomic", write)
        raise ValueError("the script's own")


def test_interruption_is_recorded_as_one(project: Path, script: Path) -> None:
    with suppress(KeyboardInterrupt), record("train", output=project, script=script) as run:
        raise KeyboardInterrupt
    assert run.record.status == "interrupted"


def test_run_that_is_finished_inside_the_block_stays_as_it_is(project: Path, script: Path) -> None:
    with record("train", output=project, script=script) as run:
        run.finish("failed")
    assert run.record.status == "failed"


def test_foreign_exception_inside_the_recorder_is_caught(
    new_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        def __float__(self) -> float:
            raise RuntimeError("a library broke")

        def item(self) -> float:
            raise RuntimeError("a library broke")

    run = new_run(strict=False)
    with pytest.warns(ProvenanceWarning, match="not recorded: log"):
        run.log({"loss": Broken()}, step=1)
    monkeypatch.setattr("provenance.recording.lifecycle.resolve_configuration", lambda _: 1 / 0)
    with pytest.warns(ProvenanceWarning, match="ZeroDivisionError"):
        run.config({"a": 1})


def test_foreign_exception_of_a_strict_run_is_wrapped(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provenance.recording.lifecycle.resolve_configuration", lambda _: 1 / 0)
    with pytest.raises(RecordingError, match="config was not recorded") as caught:
        run.config({"a": 1})
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ValueError("diverged"), "failed"),
        (KeyboardInterrupt(), "interrupted"),
        (SystemExit(3), "interrupted"),
    ],
    ids=["error", "interrupt", "exit"],
)
def test_a_run_that_an_exception_ended_is_not_completed(
    error: BaseException, status: str, new_run: Callable[..., Run]
) -> None:
    run = new_run()
    run.finish(failure=error)
    assert run.record.status == status


def test_the_script_may_call_its_end_otherwise(new_run: Callable[..., Run]) -> None:
    run = new_run()
    run.finish("completed", failure=StopIteration())
    assert run.record.status == "completed"
