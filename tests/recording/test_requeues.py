"""Which run a job that is started again goes on with: the folder's state decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from provenance.errors import ProvenanceError, RecordingError, UsageError
from provenance.recording import ProvenanceWarning, Run, record, start

if TYPE_CHECKING:
    from pathlib import Path


def begin(project: Path, script: Path, resume: str, *, strict: bool = True) -> Run:
    return start("train", output=project, script=script, resume=resume, strict=strict)  # type: ignore[arg-type]  # wrong words are tested


def left_open(project: Path, script: Path, name: str = "train") -> Run:
    run = record(name, output=project, script=script)
    run.log({"loss": 1.0}, step=1)
    run.finish("interrupted")
    return run


def test_word_that_is_no_mode_is_refused(project: Path, script: Path) -> None:
    with pytest.raises(UsageError, match="auto, never, must"):
        begin(project, script, "always")


def test_nothing_to_resume_is_refused_where_it_must_be_there(project: Path, script: Path) -> None:
    with pytest.raises(RecordingError, match="no unfinished run 'train'"):
        begin(project, script, "must")
    assert not project.exists()


def test_nothing_to_resume_is_a_gap_where_training_has_to_go_on(
    project: Path, script: Path
) -> None:
    with pytest.warns(ProvenanceWarning, match="no unfinished run"):
        run = begin(project, script, "must", strict=False)
    assert any(it.subject == "resume" for it in run.record.gaps)
    run.finish()


@pytest.mark.parametrize("mode", ["auto", "must"])
def test_several_unfinished_runs_are_refused(project: Path, script: Path, mode: str) -> None:
    names = [left_open(project, script).record.id for _ in range(2)]
    with pytest.raises(RecordingError, match="2 unfinished runs") as caught:
        begin(project, script, mode)
    assert all(name in str(caught.value) for name in names)


def test_log_with_a_line_that_does_not_check_is_refused(project: Path, script: Path) -> None:
    run = left_open(project, script)
    assert run.folder is not None
    log = run.folder / "training-log.jsonl"
    log.write_bytes(log.read_bytes().replace(b'"loss"', b'"loss ', 1))
    before = log.read_bytes()
    with pytest.raises(ProvenanceError, match="jsonl"):
        begin(project, script, "auto")
    with pytest.warns(ProvenanceWarning, match="resume"):
        other = begin(project, script, "auto", strict=False)
    other.finish()
    assert log.read_bytes() == before
    assert other.folder != run.folder


def test_what_breaks_while_a_run_is_taken_up_is_a_gap_and_frees_its_folder(
    project: Path, script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    former = left_open(project, script)

    def fail(*_: object) -> None:
        message = "injected"
        raise RuntimeError(message)

    with monkeypatch.context() as patched:
        patched.setattr("provenance.recording.beginnings.read_log_state", fail)
        with pytest.warns(ProvenanceWarning, match="injected"):
            other = begin(project, script, "auto", strict=False)
    assert other.folder not in {None, former.folder}
    other.finish()
    assert any(it.subject == "resume" for it in other.record.gaps)
    again = begin(project, script, "auto")  # the folder is free
    assert again.folder == former.folder
    again.finish()


def test_run_that_somebody_records_into_is_left_alone(project: Path, script: Path) -> None:
    first = record("train", output=project, script=script)
    with pytest.raises(RecordingError, match="another process records"):
        begin(project, script, "must")
    with pytest.warns(ProvenanceWarning, match="another process records"):
        second = begin(project, script, "auto", strict=False)
    assert second.folder != first.folder
    second.finish()
    first.finish()


def test_record_that_cannot_be_read_is_a_gap(project: Path, script: Path) -> None:
    run = left_open(project, script)
    assert run.folder is not None
    (run.folder / "record.json").write_text("{", encoding="utf-8")
    with pytest.warns(ProvenanceWarning, match="cannot be read"):
        other = begin(project, script, "auto", strict=False)
    assert other.folder != run.folder
    other.finish()


def test_completed_run_and_run_of_another_name_are_not_resumed(project: Path, script: Path) -> None:
    record("train", output=project, script=script).finish()
    left_open(project, script, "train-more")
    run = begin(project, script, "auto")
    assert len(list(project.iterdir())) == 3
    assert run.resumed_from is None
    run.finish()


def test_task_of_an_array_resumes_its_own_run_alone(
    project: Path, script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "1")
    first = left_open(project, script)
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "2")
    second = begin(project, script, "auto")
    assert second.folder != first.folder
    second.finish()
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "1")
    again = begin(project, script, "must")
    assert again.folder == first.folder
    again.finish()


def test_run_is_let_go_when_something_unforeseen_breaks(
    project: Path, script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_open(project, script)

    def fail(*_: object) -> None:
        raise RuntimeError("injected")

    with monkeypatch.context() as patched:
        patched.setattr("provenance.recording.requeues._choose", fail)
        with pytest.warns(ProvenanceWarning, match="injected"):
            begin(project, script, "auto", strict=False).finish()
    run = begin(project, script, "must")
    assert len(run.record.segments) == 2
    run.finish()
