"""XGBoost: the same trees with the callback, and a record of every round."""

from __future__ import annotations

import json
import pickle
import warnings
from typing import TYPE_CHECKING, Any

import pytest
import xgboost
from sklearn.datasets import load_iris
from xgboost.callback import EarlyStopping, TrainingCallback, TrainingCheckPoint

import provenance
from provenance.integrations.xgboost import ProvenanceCallback
from provenance.recording.faults import ProvenanceWarning
from provenance.recording.run import Run

if TYPE_CHECKING:
    from pathlib import Path

X, Y = load_iris(return_X_y=True)

SETTINGS = {
    "objective": "multi:softprob",
    "num_class": 3,
    "seed": 4,
    "nthread": 1,
    "subsample": 0.7,
}


class Broken(TrainingCallback):
    """A callback of the user that raises."""

    def after_iteration(self, model: object, epoch: int, evals_log: object) -> bool:  # noqa: ARG002
        """Raise in the third round."""
        if epoch == 2:
            message = "a bug of the script"
            raise ValueError(message)
        return False


def _train(*callbacks: TrainingCallback, rounds: int = 5, **options: Any) -> Any:  # noqa: ANN401 - xgboost's
    data = xgboost.DMatrix(X, Y)
    return xgboost.train(
        SETTINGS,
        data,
        rounds,
        evals=[(data, "train")],
        verbose_eval=False,
        callbacks=list(callbacks),
        **options,
    )


def test_what_training_raises_passes_and_the_run_says_so(tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match="a bug of the script"),
        provenance.record("train", output=tmp_path),
    ):
        _train(Broken(), ProvenanceCallback())
    record = _record(tmp_path)
    assert record["status"] == "failed"
    assert record["hyperparameters"]["generic_param"]["seed"] == "4"
    assert len(_metrics(tmp_path)) == 2


@pytest.mark.parametrize(
    "method", ["config", "seed", "model", "segment", "log", "checkpoint", "finish"]
)
def test_a_recorder_that_breaks_changes_no_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    def broken(*_: object, **__: object) -> None:
        message = "broken"
        raise RuntimeError(message)

    with monkeypatch.context() as patch, warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        patch.setattr(Run, method, broken)
        model = _train(ProvenanceCallback(output=tmp_path))
    assert model.save_raw() == _train().save_raw()


@pytest.mark.parametrize("name", ["TrainingObserver.begin", "TrainingObserver.numbers"])
def test_an_observer_that_breaks_changes_no_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def broken(*_: object, **__: object) -> None:
        message = "broken"
        raise RuntimeError(message)

    monkeypatch.setattr(f"provenance.integrations.observer.{name}", broken)
    with pytest.warns(ProvenanceWarning, match=r"broken|RuntimeError"):
        model = _train(ProvenanceCallback(output=tmp_path))
    assert model.save_raw() == _train().save_raw()


def test_without_any_run_it_warns_and_trains() -> None:
    with pytest.warns(ProvenanceWarning, match="no run is open"):
        model = _train(ProvenanceCallback())
    assert model.save_raw() == _train().save_raw()


def test_added_twice_it_records_once(tmp_path: Path) -> None:
    with pytest.warns(ProvenanceWarning, match="twice"):
        _train(ProvenanceCallback(output=tmp_path), ProvenanceCallback(output=tmp_path))
    assert [it["step"] for it in _metrics(tmp_path)] == [1, 2, 3, 4, 5]
    assert len(_record(tmp_path)["checkpoints"]) == 1


@pytest.mark.parametrize("order", ["before", "after"])
def test_checkpoints_are_recorded_with_their_own_metrics(tmp_path: Path, order: str) -> None:
    saved = tmp_path / "saved"
    saved.mkdir()
    (saved / "other_1.ubj").write_bytes(b"of another training")
    callbacks = [
        TrainingCheckPoint(saved, interval=2),
        ProvenanceCallback(output=tmp_path / "runs", checkpoints=saved),
    ]
    model = _train(*(callbacks if order == "after" else reversed(callbacks)))
    assert model.save_raw() == _train().save_raw()
    record = _record(tmp_path / "runs")
    assert [it["step"] for it in record["checkpoints"]] == [3, 5, 5]
    logged = {it["step"]: it["values"]["train-mlogloss"] for it in _metrics(tmp_path / "runs")}
    for item in record["checkpoints"]:
        assert item["metrics"]["train-mlogloss"] == logged[item["step"]]
    # What was saved last is the trained model, bit for bit.
    last, final = (it["inventory"][0]["digest"] for it in record["checkpoints"][1:])
    assert last == final


def test_early_stopping_and_the_scikit_learn_class(tmp_path: Path) -> None:
    def fit(*callbacks: TrainingCallback) -> Any:  # noqa: ANN401 - xgboost's
        model = xgboost.XGBClassifier(
            n_estimators=40, n_jobs=1, early_stopping_rounds=2, callbacks=list(callbacks) or None
        )
        return model.fit(X[::2], Y[::2], eval_set=[(X[1::2], Y[1::2])], verbose=False)

    model = fit(ProvenanceCallback(output=tmp_path))
    assert model.get_booster().save_raw() == fit().get_booster().save_raw()
    record = _record(tmp_path)
    found = record["hyperparameters"]["early_stopping"]
    assert found == {"best_iteration": model.best_iteration, "best_score": model.best_score}
    assert record["checkpoints"][0]["step"] == model.best_iteration + 3 == len(_metrics(tmp_path))
    assert record["status"] == "completed"


def test_a_booster_cut_to_its_best_round_is_recorded_as_it_is(tmp_path: Path) -> None:
    data, other = xgboost.DMatrix(X[::2], Y[::2]), xgboost.DMatrix(X[1::2], Y[1::2])
    model = xgboost.train(
        SETTINGS,
        data,
        60,
        evals=[(other, "test")],
        verbose_eval=False,
        callbacks=[EarlyStopping(2, save_best=True), ProvenanceCallback(output=tmp_path)],
    )
    (checkpoint,) = _record(tmp_path)["checkpoints"]
    assert checkpoint["step"] == model.num_boosted_rounds() < len(_metrics(tmp_path))


def test_training_that_goes_on_names_the_model_that_it_goes_on_from(tmp_path: Path) -> None:
    first = _train(ProvenanceCallback(output=tmp_path, name="first"), rounds=3)
    with provenance.record("second", output=tmp_path):
        second = _train(ProvenanceCallback(), rounds=2, xgb_model=first)
    assert second.num_boosted_rounds() == 5
    record = _record(tmp_path, "second")
    assert record["segments"][0]["fromStep"] == 3
    assert (
        record["segments"][0]["resumedFrom"] == _record(tmp_path, "first")["checkpoints"][0]["id"]
    )
    assert [it["step"] for it in _metrics(tmp_path, "second")] == [4, 5]


def test_cross_validation_logs_means_and_deviations(tmp_path: Path) -> None:
    data = xgboost.DMatrix(X, Y)
    table = xgboost.cv(SETTINGS, data, 3, nfold=3, callbacks=[ProvenanceCallback(output=tmp_path)])
    values = [it["values"] for it in _metrics(tmp_path)]
    assert [it["test-mlogloss"] for it in values] == list(table["test-mlogloss-mean"])
    assert [it["test-mlogloss-std"] for it in values] == list(table["test-mlogloss-std"])
    assert "checkpoints" not in _record(tmp_path)


def test_settings_are_those_that_xgboost_has_resolved(tmp_path: Path) -> None:
    _train(ProvenanceCallback(output=tmp_path))
    record = _record(tmp_path)
    trees = record["hyperparameters"]["gradient_booster"]["tree_train_param"]
    assert (trees["subsample"], trees["max_depth"]) == ("0.699999988", "6")
    assert record["seeds"] == {"xgboost": 4}
    assert record["model"]["architecture"]["family"] == "xgboost gbtree"
    assert {gap["subject"] for gap in record["gaps"] if gap["kind"] == "failed"} <= {"git"}


def test_the_callback_can_be_sent_to_another_process(tmp_path: Path) -> None:
    sent = pickle.dumps(ProvenanceCallback(output=tmp_path))
    callback = pickle.loads(sent)  # noqa: S301 - made here
    _train(callback)
    assert _record(tmp_path)["status"] == "completed"


def _record(folder: Path, name: str = "train") -> Any:  # noqa: ANN401 - a tree of JSON
    (place,) = folder.glob(f"{name}-*/record.json")
    return json.loads(place.read_bytes())


def _metrics(folder: Path, name: str = "train") -> list[Any]:
    (place,) = folder.glob(f"{name}-*/training-log.jsonl")
    lines = map(json.loads, place.read_text().splitlines())
    return [line for line in lines if line["kind"] == "metrics"]
