"""scikit-learn: a watched `fit` is the same `fit`; its record says what went in and came out."""

from __future__ import annotations

import copy
import json
import pickle
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file
from scipy import sparse  # type: ignore[import-untyped]  # it ships no types
from sklearn.base import BaseEstimator, clone
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import provenance
from provenance.integrations import estimator_fits
from provenance.integrations.sklearn import FitRecorder, watch
from provenance.recording.faults import ProvenanceWarning
from provenance.recording.run import Run

if TYPE_CHECKING:
    from pathlib import Path

X, Y = load_iris(return_X_y=True)

#: Estimators of each kind: linear, of trees, a pipeline, a search, a network.
KINDS = {
    "logistic": lambda: LogisticRegression(tol=0.1),
    "forest": lambda: RandomForestClassifier(3, random_state=0),
    "pipeline": lambda: make_pipeline(StandardScaler(), Ridge()),
    "search": lambda: GridSearchCV(
        LogisticRegression(tol=0.1), {"C": [0.1, 1.0]}, cv=StratifiedKFold(3)
    ),
    "network": lambda: MLPClassifier((4,), max_iter=150, tol=1e-2, random_state=1),
}


class Failing(BaseEstimator):
    """An estimator whose training breaks."""

    def __init__(self, error: BaseException | None = None) -> None:
        """Take what `fit` is to raise."""
        self.error = error

    def fit(self, X: object, y: object = None) -> Failing:  # noqa: ARG002, N803 - scikit-learn's
        if self.error is not None:
            raise self.error
        return self


@pytest.mark.parametrize(
    ("error", "status"),
    [(ValueError("no convergence"), "failed"), (KeyboardInterrupt(), "interrupted")],
    ids=["error", "interrupt"],
)
def test_what_fit_raises_passes_and_ends_the_run(
    tmp_path: Path, error: BaseException, status: str
) -> None:
    model = watch(Failing(error), output=tmp_path)
    with pytest.raises(type(error)) as caught:
        model.fit(X)
    assert caught.value is error
    assert _record(tmp_path)["status"] == status
    assert "fit" not in vars(model)
    assert provenance.current_run() is None


@pytest.mark.parametrize("kind", ["forest", "search"])
@pytest.mark.parametrize(
    "method", ["config", "seed", "model", "dataset", "log", "checkpoint", "evaluation", "gap"]
)
def test_a_recorder_that_breaks_changes_no_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, method: str
) -> None:
    def broken(*_: object, **__: object) -> None:
        message = "broken"
        raise RuntimeError(message)

    monkeypatch.setattr(Run, method, broken)
    model = KINDS[kind]()
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        assert watch(model, output=tmp_path).fit(X, Y) is model
    assert _weights(model) == _weights(KINDS[kind]().fit(X, Y))
    assert provenance.current_run() is None


@pytest.mark.parametrize("hook", ["before", "after", "ended"])
def test_an_adapter_that_breaks_changes_no_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hook: str
) -> None:
    def broken(*_: object, **__: object) -> None:
        message = "broken"
        raise RuntimeError(message)

    places = {"before": "settings_of", "after": "fitted_state"}
    if hook in places:
        monkeypatch.setattr(estimator_fits, places[hook], broken)
    else:
        monkeypatch.setattr("provenance.integrations.observer.TrainingObserver.end", broken)
    model = LogisticRegression(tol=0.1)
    with pytest.warns(ProvenanceWarning, match="broken"):
        watch(model, output=tmp_path).fit(X, Y)
    assert _weights(model) == _weights(LogisticRegression(tol=0.1).fit(X, Y))


@pytest.mark.parametrize("value", [None, 3, LogisticRegression], ids=str)
def test_what_cannot_be_watched_is_warned_of_and_given_back(value: object) -> None:
    with pytest.warns(ProvenanceWarning, match="sklearn"):
        assert watch(value) is value


def test_without_any_run_it_warns_and_trains() -> None:
    model = watch(LogisticRegression(tol=0.1))
    with pytest.warns(ProvenanceWarning, match="no run is open"):
        model.fit(X, Y)
    assert model.score(X, Y) > 0.9


def test_watching_twice_records_once(tmp_path: Path) -> None:
    model = watch(watch(LogisticRegression(tol=0.1), output=tmp_path), output=tmp_path)
    model.fit(X, Y)
    assert len(_record(tmp_path)["checkpoints"]) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_copies_and_pickles_do_not_know_of_it(tmp_path: Path, kind: str) -> None:
    model = KINDS[kind]()
    unwatched = pickle.dumps(model)
    watch(model, output=tmp_path)
    assert pickle.dumps(model) == unwatched
    loaded = pickle.loads(pickle.dumps(model))  # noqa: S301 - made here
    for other in (copy.deepcopy(model), copy.copy(model), clone(model), loaded):
        assert not {"fit", "__getstate__"} & set(vars(other))
        other.fit(X, Y)
    assert list(tmp_path.iterdir()) == []
    model.fit(X, Y)
    assert not {"fit", "__getstate__"} & set(vars(model))


@pytest.mark.parametrize("kind", KINDS)
def test_a_watched_fit_is_called_once_and_gives_the_same(tmp_path: Path, kind: str) -> None:
    np.random.seed(3)  # noqa: NPY002 - the state that estimators without a seed draw from
    before = _random_state()
    model = watch(KINDS[kind](), output=tmp_path)
    assert _random_state() == before
    assert model.fit(X, Y) is model
    assert _weights(model) == _weights(KINDS[kind]().fit(X, Y))

    record = _record(tmp_path)
    assert record["status"] == "completed"
    parameters = record["hyperparameters"]["parameters"]
    assert set(parameters) == set(model.get_params(deep=True))
    assert [it["roles"] for it in record["datasets"]] == [["train"]]
    assert record["datasets"][0]["tensors"]["size"] == 2
    assert {gap["subject"] for gap in record["gaps"] if gap["kind"] == "failed"} <= {"git"}
    assert record["checkpoints"][0]["tensors"]["size"] > 0
    assert len(record["segments"]) == 1


def test_the_loss_curve_is_logged_step_by_step(tmp_path: Path) -> None:
    model = watch(KINDS["network"](), output=tmp_path).fit(X, Y)
    losses = [it["values"]["loss"] for it in _log(tmp_path) if "loss" in it.get("values", {})]
    assert losses[: len(model.loss_curve_)] == [
        pytest.approx(it, abs=0) for it in model.loss_curve_
    ]
    record = _record(tmp_path)
    assert record["checkpoints"][0]["step"] == len(model.loss_curve_)
    assert record["seeds"] == {"random_state": 1}
    assert any("_optimizer" in gap["description"] for gap in record["gaps"])


def test_a_search_keeps_everything_that_it_tried(tmp_path: Path) -> None:
    model = watch(KINDS["search"](), output=tmp_path).fit(X, Y)
    record = _record(tmp_path)
    (evaluation,) = record["evaluations"]
    assert evaluation["metrics"][0]["value"] == model.best_score_
    assert evaluation["parameters"] == model.best_params_
    assert evaluation["checkpoint"] == record["checkpoints"][0]["id"]
    (table,) = tmp_path.glob("*/documents/cv_results.json")
    assert json.loads(table.read_text())["param_C"] == [0.1, 1.0]
    assert record["hyperparameters"]["parameters"]["cv"]["n_splits"] == 3


def test_fitted_arrays_are_a_safetensors_file_that_others_read(tmp_path: Path) -> None:
    model = watch(KINDS["pipeline"](), output=tmp_path).fit(X, Y)
    (place,) = tmp_path.glob("*/checkpoints/*.safetensors")
    found = load_file(place)
    assert np.array_equal(found["steps.ridge.coef_"], model[-1].coef_)
    assert np.array_equal(found["steps.standardscaler.mean_"], model[0].mean_)


def test_the_same_data_in_another_layout_is_the_same_dataset(tmp_path: Path) -> None:
    watch(GaussianNB(), output=tmp_path / "one").fit(X, Y)
    watch(GaussianNB(), output=tmp_path / "two").fit(np.asfortranarray(X), y=Y)
    watch(GaussianNB(), output=tmp_path / "three").fit(X + 1e-9, Y)
    one, two, three = (
        _record(tmp_path / name)["datasets"][0]["tensors"]["root"]
        for name in ("one", "two", "three")
    )
    assert one == two != three


def test_frames_texts_and_sparse_matrices_are_bound_whole(tmp_path: Path) -> None:
    names = np.array(["setosa", "versicolor", "virginica"])[Y]
    frame = pd.DataFrame(X, columns=list("abcd"))
    watch(LogisticRegression(tol=0.1), output=tmp_path / "frame").fit(frame, names)
    texts = ["one two", "two three", "three four", "four one"]
    watch(make_pipeline(CountVectorizer(), MultinomialNB()), output=tmp_path / "text").fit(
        texts, ["x", "y", "x", "y"]
    )
    matrix = sparse.csr_matrix(np.abs(X).round())
    watch(MultinomialNB(), output=tmp_path / "sparse").fit(matrix, Y)
    watch(MultinomialNB(), output=tmp_path / "other").fit(matrix.tocsc(), Y)

    framed = {it["id"]: it for it in _record(tmp_path / "frame")["datasets"]}
    assert framed["X"]["records"] == framed["training-records"]["records"] == 150
    config = _record(tmp_path / "frame")["hyperparameters"]["fitted"]
    assert config == {"classes_": sorted(set(names)), "feature_names_in_": list("abcd")}
    assert _record(tmp_path / "text")["datasets"][0]["records"] == 4
    one, other = (
        _record(tmp_path / name)["datasets"][0]["tensors"] for name in ("sparse", "other")
    )
    assert one == other


def test_two_fits_in_a_run_of_the_script_are_two_segments(tmp_path: Path) -> None:
    with provenance.record("both", output=tmp_path) as run:
        watch(LogisticRegression(tol=0.1)).fit(X, Y)
        assert run.record.status != "completed"
        watch(GaussianNB(), run=run).fit(X, Y)
    record = _record(tmp_path)
    assert [it["segment"] for it in record["checkpoints"]] == ["both-1", "both-2"]
    assert len(record["datasets"]) == 1
    assert all("parents" not in it for it in record["checkpoints"])


def test_only_the_next_fit_is_recorded(tmp_path: Path) -> None:
    model = watch(LogisticRegression(tol=0.1), output=tmp_path).fit(X, Y)
    model.fit(X, Y)
    assert len(_record(tmp_path)["checkpoints"]) == 1
    assert FitRecorder.__doc__


def _record(folder: Path) -> Any:  # noqa: ANN401 - a tree of JSON
    (place,) = folder.glob("*/record.json")
    return json.loads(place.read_bytes())


def _log(folder: Path) -> list[Any]:
    (place,) = folder.glob("*/training-log.jsonl")
    return [json.loads(line) for line in place.read_text().splitlines()]


def _weights(model: Any) -> bytes:  # noqa: ANN401 - any estimator
    from provenance.integrations.estimator_state import (  # noqa: PLC0415 - only to compare
        fitted_state,
        safetensors_bytes,
    )

    return safetensors_bytes(fitted_state(model).arrays)


def _random_state() -> list[int]:
    state: Any = np.random.get_state()  # noqa: NPY002 - the state that scripts use
    return list(state[1])


def test_data_that_is_not_to_be_declared_leaves_no_name_and_no_digest(tmp_path: Path) -> None:
    frame = pd.DataFrame({"income_acme": [0.0, 1.0, 2.0, 3.0]})
    secret = tmp_path / "secret.csv"
    frame.to_csv(secret)
    with provenance.record("train", output=tmp_path / "runs") as run:
        run.dataset(secret, id="customers", role="train", private=True)
        watch(Ridge(), datasets=False).fit(frame, [1.0, 2.0, 3.0, 4.0])
    assert [it.id for it in run.record.datasets] == ["customers"]
    assert run.record.checkpoints
    assert "income_acme" not in run.record.to_bytes().decode()
