"""An exception at every place of the recorder: the model is the one that trains without it."""

from __future__ import annotations

import importlib
import shutil
from pathlib import Path
from typing import Any

import pytest

from provenance.capture import capture_environment
from provenance.recording import ProvenanceWarning, read_project
from provenance.recording.recovery import recover
from support.language_model import (
    SMALL,
    add_data,
    gaps_in_draft,
    run_script,
    train_here,
    train_plainly,
    weights_of,
    with_fault,
)

#: Functions and methods inside the recorder through which the calls of `train.py` go, by module.
PLACES = (
    "beginnings.new_run_folder",
    "beginnings.take_up",
    "checkpoints.add_checkpoint",
    "checkpoints.close_segment",
    "checkpoints.hash_content",
    "datasets.declare_dataset",
    "documents.keep_document",
    "lifecycle.describe_compute",
    "lifecycle.end_observing",
    "lifecycle.finish_record",
    "lifecycle.set_configuration",
    "lifecycle.set_model",
    "lifecycle.set_seeds",
    "metrics.MetricsLog.append",
    "metrics.MetricsLog.close",
    "recorder.begin",
    "recorder.begin_observing",
    "recorder.capture_code",
    "recorder.capture_environment",
    "state.RunState.add",
    "state.RunState.change",
    "state.RunState.write",
    "state.write_atomic",
)

#: The same, for those of a training that goes on where another process was killed.
RESUMING = (
    "beginnings.read_log_state",
    "checkpoints.settle",
    "lifecycle.add_compute",
    "resumption.amend_segment",
    "resumption.begin_again",
    "resumption.is_whole",
    "resumption.resolve_checkpoint",
)

#: Captured once: how it is done is tested elsewhere, and takes its time.
WORLD = capture_environment("environment", code_folder=Path(__file__).parent)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return train_plainly(tmp_path_factory.mktemp("plain"))


def raise_at(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, _, name = place.partition(".")
    target: Any = importlib.import_module(f"provenance.recording.{module}")
    owner, _, attribute = name.rpartition(".")
    target = getattr(target, owner) if owner else target

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("injected")

    monkeypatch.setattr(target, attribute, fail)


@pytest.mark.parametrize("where", PLACES)
def test_exception_inside_the_recorder(
    where: str, tmp_path: Path, expected: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("provenance.recording.recorder.capture_environment", lambda *_, **__: WORLD)
        raise_at(where, patched)
        caught = train_here(add_data(tmp_path), patched)
    assert weights_of(tmp_path / "checkpoints") == expected
    assert any("injected" in str(it.message) for it in caught)
    assert all(issubclass(it.category, ProvenanceWarning) for it in caught)
    if not (tmp_path / "runs").exists():
        return  # the run had no folder, so that nothing but the warning can say it
    recover(tmp_path / "runs")
    (found,) = read_project(tmp_path / "runs")
    if found.record.checkpoints:
        listed = gaps_in_draft(tmp_path)
        assert "failed RuntimeError: injected" in listed or "crashed" in listed


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = add_data(tmp_path_factory.mktemp("killed"))
    fault = "happen = lambda step: step == 6 and kill()"
    run_script(with_fault(place, fault), *SMALL, folder=place, expected=(-9,))
    return place


@pytest.mark.parametrize("where", RESUMING)
def test_exception_while_a_training_is_resumed(
    where: str,
    killed: Path,
    tmp_path: Path,
    expected: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = tmp_path / "resumed"
    shutil.copytree(killed, place)
    with monkeypatch.context() as patched:
        patched.setattr("provenance.recording.recorder.capture_environment", lambda *_, **__: WORLD)
        raise_at(where, patched)
        caught = train_here(place, patched)
    assert weights_of(place / "checkpoints") == expected
    assert any("injected" in str(it.message) for it in caught)
    recover(place / "runs")
    gaps = [gap for it in read_project(place / "runs") for gap in it.record.gaps]
    assert any("injected" in it.description for it in gaps)
    assert any("was killed" in it.description for it in gaps)


def test_exceptions_everywhere(
    tmp_path: Path, expected: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        for where in PLACES:
            raise_at(where, patched)
        train_here(add_data(tmp_path), patched)
    assert weights_of(tmp_path / "checkpoints") == expected
