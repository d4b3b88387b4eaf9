"""Whatever fails in the recorder, the script ends with the result that it has without one."""

from __future__ import annotations

import hashlib
import importlib
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import provenance
from provenance.capture import capture_environment
from provenance.recording import ProvenanceWarning, Run, read_project
from provenance.recording.recovery import recover

if TYPE_CHECKING:
    from collections.abc import Callable

#: Where an exception is injected: a function or method inside the recorder, by module.
PLACES = (
    "beginnings.lock_folder",
    "beginnings.new_run_folder",
    "beginnings.find_rank",
    "beginnings.take_up",
    "checkpoints.add_checkpoint",
    "checkpoints.begin_segment",
    "checkpoints.close_segment",
    "declarations.add_evaluation",
    "declarations.add_processing",
    "datasets.declare_dataset",
    "documents.keep_document",
    "lifecycle.add_note",
    "lifecycle.describe_compute",
    "lifecycle.end_observing",
    "lifecycle.finish_record",
    "lifecycle.set_configuration",
    "lifecycle.set_model",
    "lifecycle.set_seeds",
    "metrics.MetricsLog.append",
    "metrics.MetricsLog.close",
    "metrics.MetricsLog.event",
    "recorder.add_document",
    "recorder.begin",
    "recorder.begin_observing",
    "recorder.capture_code",
    "recorder.capture_command",
    "recorder.capture_environment",
    "recorder._script",
    "resumption.amend_segment",
    "resumption.settle_segment",
    "shards.add_sharded",
    "state.RunState.add",
    "state.RunState.change",
    "state.RunState.write",
    "state.write_atomic",
)

#: Captured once: how it is done is tested elsewhere, and takes its time.
WORLD = capture_environment("environment", code_folder=Path(__file__).parent)


def train(place: Path, begin: Callable[[], Run] | None) -> str:
    """Train a little, call every method, and return the digest of what was trained."""
    run = begin() if begin is not None else None
    data = place / "data.csv"
    data.write_text("1\n2\n", encoding="utf-8")
    values = [int(it) for it in data.read_text(encoding="utf-8").split()]
    if run is not None:
        run.dataset(data, id="data", role="train")
        run.processing(["data"], [], id="read")
        run.config(rate=0.1)
        run.seed(python=1)
        run.model(name="m")
    weight = 0.0
    for step in range(1, 21):
        weight += 0.1 * (sum(values) - weight)
        if run is not None:
            run.log({"weight": weight}, step=step)
    saved = place / "saved"
    saved.mkdir(exist_ok=True)
    (saved / "model.txt").write_text(repr(weight), encoding="utf-8")
    if run is not None:
        run.checkpoint(saved / "model.txt", step=20)
        run.shard(saved, step=20, seconds=0.0)
        run.segment(reason="another rate")
        run.evaluation(task="test", metrics={"loss": 1.0}, dataset="data")
        run.document(data, kind="other")
        run.note("done")
        run.gap("nothing", "missing on purpose")
        run.wait()
        run.finish()
    return hashlib.sha256((saved / "model.txt").read_bytes()).hexdigest()


@pytest.mark.parametrize("place", PLACES)
def test_exception_inside_the_recorder_changes_nothing(
    place: str, tmp_path: Path, script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = train(tmp_path, None)
    monkeypatch.setattr("provenance.recording.recorder.capture_environment", lambda *_, **__: WORLD)
    module, _, name = place.partition(".")
    target: Any = importlib.import_module(f"provenance.recording.{module}")
    owner, _, attribute = name.rpartition(".")
    target = getattr(target, owner) if owner else target

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("injected")

    monkeypatch.setattr(target, attribute, fail)
    project = tmp_path / "runs"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = train(
            tmp_path,
            lambda: provenance.start("train", output=project, script=script, resume="auto"),
        )
    assert found == expected
    assert any("injected" in str(it.message) for it in caught)
    assert all(issubclass(it.category, ProvenanceWarning) for it in caught)
    monkeypatch.undo()
    if project.exists():
        recover(project)
        gaps = [gap for it in read_project(project) for gap in it.record.gaps]
        assert any("injected" in it.description or it.kind == "crashed" for it in gaps) or any(
            it.subject == "record" for it in gaps
        )
