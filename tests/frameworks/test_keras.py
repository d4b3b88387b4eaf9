"""Real trainings with Keras 3 on torch: recorded, and never changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias

import keras
import numpy as np
import pytest

import provenance
from provenance.errors import UsageError
from provenance.integrations.keras import ProvenanceCallback
from provenance.recording.faults import ProvenanceWarning
from provenance.recording.run import Run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy"  # of arrays that Keras makes of torch's
)

#: An object of Keras.
Thing: TypeAlias = Any

#: Methods of a run that an adapter may call.
METHODS = ("config", "model", "seed", "log", "checkpoint", "segment", "evaluation", "note")

INPUTS = np.linspace(0, 1, 64, dtype="float32").reshape(16, 4)
TARGETS = INPUTS.sum(axis=1)


class BreaksError(Exception):
    """A fault of the script."""


class Breaks(keras.callbacks.Callback):
    """Breaks a training after some batches."""

    def __init__(self, at: int, error: BaseException | None = None) -> None:
        """Break at this batch of an epoch."""
        super().__init__()
        self.at = at
        self.error = BreaksError() if error is None else error

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:  # noqa: ARG002 - Keras names it
        """Break."""
        if batch == self.at:
            raise self.error


def _model() -> Thing:
    keras.utils.set_random_seed(5)
    layers = [keras.layers.Input((4,)), keras.layers.Dropout(0.1), keras.layers.Dense(1)]
    model = keras.Sequential(layers)
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss="mse", metrics=["mae"])
    return model


def _fit(*callbacks: Thing, model: Thing = None, **options: Thing) -> Thing:
    model = _model() if model is None else model
    settings = {"epochs": 2, "batch_size": 4, "verbose": 0, **options}
    model.fit(INPUTS, TARGETS, callbacks=list(callbacks), **settings)
    return model


def _same(one: Thing, other: Thing) -> bool:
    pairs = zip(one.get_weights(), other.get_weights(), strict=True)
    return all(np.array_equal(first, second) for first, second in pairs)


def _records(project: Path) -> list[Any]:
    found = sorted(project.glob("*/record.json"), key=lambda it: it.stat().st_mtime_ns)
    return [json.loads(it.read_bytes()) for it in found]


def _logged(project: Path, name: str) -> list[int]:
    entries = []
    for log in project.glob("*/training-log.jsonl"):
        entries += [json.loads(line) for line in log.read_text().splitlines()]
    return [it["step"] for it in entries if name in it.get("values", {})]


def test_an_exception_passes_and_the_next_training_ends_the_run(tmp_path: Path) -> None:
    callback = ProvenanceCallback(output=tmp_path / "runs")
    with pytest.raises(BreaksError):
        _fit(callback, Breaks(2))
    _fit(callback)
    first, second = _records(tmp_path / "runs")
    assert (first["status"], second["status"]) == ("interrupted", "completed")
    assert (first["segments"][0]["toStep"], second["segments"][0]["toStep"]) == (3, 8)


@pytest.mark.parametrize("other", [False, True], ids=["same-callback", "another-callback"])
def test_after_an_exception_an_open_run_goes_on_in_a_new_segment(
    tmp_path: Path, *, other: bool
) -> None:
    with provenance.record("train", output=tmp_path / "runs"):
        callback = ProvenanceCallback()
        with pytest.raises(BreaksError):
            _fit(callback, Breaks(2))
        _fit(ProvenanceCallback() if other else callback)
    (record,) = _records(tmp_path / "runs")
    assert [(it["fromStep"], it["toStep"]) for it in record["segments"]] == [(0, 3), (0, 8)]
    assert record["segments"][1]["rollbackTo"] == 0


@pytest.mark.parametrize("broken", [("log",), METHODS], ids=["log", "every-method"])
def test_a_recorder_that_breaks_changes_no_weight(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: tuple[str, ...]
) -> None:
    def train(*callbacks: Thing) -> Thing:
        saver = keras.callbacks.ModelCheckpoint(tmp_path / "saved" / "{epoch}.keras")
        model = _fit(saver, *callbacks, validation_split=0.25)
        _fit(saver, *callbacks, model=model)
        model.evaluate(INPUTS, TARGETS, verbose=0, callbacks=list(callbacks))
        return model

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the recorder is broken")

    plain = train()
    for name in broken:
        monkeypatch.setattr(Run, name, fail)
    with (
        provenance.record("train", output=tmp_path / "runs"),
        pytest.warns(ProvenanceWarning, match="the recorder is broken"),
    ):
        assert _same(plain, train(ProvenanceCallback()))
    (record,) = _records(tmp_path / "runs")
    assert record["status"] == "completed"
    assert [gap for gap in record["gaps"] if gap["kind"] == "failed"]


def test_an_error_of_the_recorder_passes_in_a_strict_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise UsageError(problem="nothing can be said")

    monkeypatch.setattr(Run, "config", fail)
    run = provenance.start("train", output=tmp_path / "runs", strict=True)
    with pytest.raises(UsageError, match="nothing can be said"):
        _fit(ProvenanceCallback(run=run))


def test_a_callback_that_is_added_twice_records_once(tmp_path: Path) -> None:
    with (
        provenance.record("train", output=tmp_path / "runs"),
        pytest.warns(ProvenanceWarning, match="added twice"),
    ):
        _fit(ProvenanceCallback(), ProvenanceCallback())
    assert _logged(tmp_path / "runs", "loss") == [4, 8]


def test_without_any_run_it_warns_and_changes_nothing(tmp_path: Path) -> None:
    with pytest.warns(ProvenanceWarning, match="no run is open"):
        assert _same(_fit(), _fit(ProvenanceCallback()))
    assert _records(tmp_path) == []


def test_a_model_that_keras_cannot_describe_is_recorded_all_the_same(tmp_path: Path) -> None:
    class Own(keras.Model):
        def __init__(self, made: object) -> None:
            super().__init__()
            self.made = made
            self.dense = keras.layers.Dense(1)

        def call(self, inputs: Thing) -> Thing:
            return self.dense(inputs)

    model = Own(object())
    model.compile(optimizer="sgd", loss="mse")
    _fit(ProvenanceCallback(output=tmp_path / "runs"), model=model)
    (record,) = _records(tmp_path / "runs")
    assert record["model"]["architecture"] == {"name": "Own", "parameterCount": 5}
    assert record["hyperparameters"]["compile"]["loss"] == "mse"
    assert [gap for gap in record["gaps"] if gap["kind"] == "failed"] == []


def test_settings_model_seed_and_metrics_are_recorded(tmp_path: Path) -> None:
    _fit(ProvenanceCallback(output=tmp_path / "runs"), validation_split=0.25)
    (record,) = _records(tmp_path / "runs")
    assert record["status"] == "completed"
    assert record["model"]["architecture"] == {"name": "Sequential", "parameterCount": 5}
    settings = record["hyperparameters"]
    assert settings["fit"] == {"epochs": 2, "steps": 3, "verbose": 0}
    assert settings["compile"]["optimizer"]["class_name"] == "SGD"
    assert len(settings["model"]["layers"]) == 3
    assert record["seeds"] == {"torch": 5}
    assert _logged(tmp_path / "runs", "batch_loss") == [1, 2, 3, 4, 5, 6]
    assert _logged(tmp_path / "runs", "val_mae") == [3, 6]
    assert "evaluations" not in record  # validation is part of the training


@pytest.mark.parametrize("last", [False, True], ids=["before-the-saver", "after-the-saver"])
@pytest.mark.parametrize("save_freq", ["epoch", 2])
def test_what_a_model_checkpoint_writes_is_recorded_in_either_order(
    tmp_path: Path, save_freq: Thing, *, last: bool
) -> None:
    path = tmp_path / "saved" / ("{epoch}-{batch}.keras" if save_freq == 2 else "{epoch}.keras")
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "0-0.keras").write_text("it was there before")
    callbacks = [keras.callbacks.ModelCheckpoint(path, save_freq=save_freq)]
    callbacks.insert(last, ProvenanceCallback(output=tmp_path / "runs"))
    _fit(*callbacks)
    (record,) = _records(tmp_path / "runs")
    assert [it["step"] for it in record["checkpoints"]] == (
        [4, 8] if save_freq == "epoch" else [2, 4, 6, 8]
    )
    assert len({it["files"]["root"] for it in record["checkpoints"]}) == len(record["checkpoints"])


@pytest.mark.parametrize("last", [False, True], ids=["before-the-saver", "after-the-saver"])
def test_a_file_that_is_written_again_is_recorded_each_time(tmp_path: Path, *, last: bool) -> None:
    path = tmp_path / "best.weights.h5"
    callbacks = [
        keras.callbacks.ModelCheckpoint(
            path, monitor="loss", save_best_only=True, save_weights_only=True
        )
    ]
    callbacks.insert(last, ProvenanceCallback(output=tmp_path / "runs"))
    _fit(*callbacks)
    (record,) = _records(tmp_path / "runs")
    assert [it["step"] for it in record["checkpoints"]] == [4, 8]
    assert len({it["files"]["root"] for it in record["checkpoints"]}) == 2


def test_it_says_which_weights_early_stopping_put_back(tmp_path: Path) -> None:
    stopping = keras.callbacks.EarlyStopping(
        monitor="loss", mode="max", patience=2, restore_best_weights=True
    )
    _fit(ProvenanceCallback(output=tmp_path / "runs"), stopping, epochs=6)
    (record,) = _records(tmp_path / "runs")
    (entry,) = record["journal"]
    assert entry["text"] == "a callback put the weights of epoch 1 back when training ended"
    assert entry["step"] == 4


def test_fit_twice_is_two_segments_of_an_open_run_and_two_runs_otherwise(tmp_path: Path) -> None:
    with provenance.record("train", output=tmp_path / "open"):
        callback = ProvenanceCallback()
        _fit(callback, model=_fit(callback))
    (record,) = _records(tmp_path / "open")
    assert [(it["fromStep"], it["toStep"]) for it in record["segments"]] == [(0, 8), (8, 16)]

    callback = ProvenanceCallback(output=tmp_path / "own")
    _fit(callback, model=_fit(callback))
    first, second = _records(tmp_path / "own")
    assert (first["segments"][0]["event"], second["segments"][0]["event"]) == ("start", "resume")
    assert (second["segments"][0]["fromStep"], second["segments"][0]["toStep"]) == (8, 16)


def test_a_loaded_model_goes_on_from_the_checkpoint_that_the_script_names(tmp_path: Path) -> None:
    saver = keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras")
    _fit(ProvenanceCallback(output=tmp_path / "runs", name="first"), saver)
    with provenance.record("second", output=tmp_path / "runs") as run:
        run.segment(resumed_from=tmp_path / "1.keras")
        _fit(ProvenanceCallback(), model=keras.models.load_model(tmp_path / "1.keras"))
    record = _records(tmp_path / "runs")[-1]
    (segment,) = record["segments"]
    assert (segment["event"], segment["resumedFrom"]) == ("resume", "step-4")
    assert (segment["fromStep"], segment["toStep"]) == (4, 12)


def test_an_evaluation_by_itself_is_recorded(tmp_path: Path) -> None:
    with provenance.record("train", output=tmp_path / "runs"):
        callback = ProvenanceCallback()
        model = _fit(callback)
        model.evaluate(INPUTS, TARGETS, verbose=0, callbacks=[callback])
    (record,) = _records(tmp_path / "runs")
    (evaluation,) = record["evaluations"]
    assert sorted(it["name"] for it in evaluation["metrics"]) == ["loss", "mae"]
    assert "checkpoint" not in evaluation  # the weights in memory could be any
