"""The callback for Lightning where things go wrong: it never changes a training, nor stops one."""

from __future__ import annotations

import pickle
from importlib import import_module
from types import SimpleNamespace
from typing import TYPE_CHECKING

import lightning.pytorch
import pytest
import torch

import provenance
from frameworks.lightning_lines import (
    QUIET_MARKS,
    Thing,
    fit,
    logged,
    make_loader,
    make_module,
    make_trainer,
    records_of,
    same,
)
from provenance.errors import MissingExtraError, UsageError
from provenance.integrations.lightning import ProvenanceCallback
from provenance.recording.faults import ProvenanceWarning
from provenance.recording.run import Run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = QUIET_MARKS

#: Methods of a run that an adapter may call.
METHODS = (*("config", "model", "seed", "dataset", "log", "checkpoint", "segment", "evaluation"),)


@pytest.mark.parametrize(
    ("error", "status", "seen"),
    [
        (ValueError("a fault of the script"), "failed", ValueError),
        (KeyboardInterrupt(), "interrupted", SystemExit),  # Lightning makes this of it
        (SystemExit(3), "interrupted", SystemExit),
    ],
    ids=["exception", "keyboard", "exit"],
)
def test_what_breaks_a_training_passes_and_ends_its_run(
    tmp_path: Path, error: BaseException, status: str, seen: type[BaseException]
) -> None:
    callback = ProvenanceCallback(output=tmp_path / "runs")
    with pytest.raises(seen):
        make_trainer(tmp_path, callback).fit(make_module(breaks_at=5, error=error), make_loader())
    (record,) = records_of(tmp_path / "runs")
    assert record["status"] == status
    assert [step for step, _ in logged(tmp_path / "runs", "loss")] == [1, 2, 3, 4, 5]


def test_what_is_saved_because_of_an_exception_is_recorded(tmp_path: Path) -> None:
    saver = lightning.pytorch.callbacks.ModelCheckpoint(tmp_path / "saved", save_on_exception=True)
    callback = ProvenanceCallback(output=tmp_path / "runs")
    module = make_module(breaks_at=6, error=ValueError("a fault"))
    with pytest.raises(ValueError, match="a fault"):
        make_trainer(tmp_path, callback, saver).fit(module, make_loader())
    (record,) = records_of(tmp_path / "runs")
    assert sorted(it.name for it in (tmp_path / "saved").iterdir()) == [
        "epoch=0-step=4.ckpt",
        "epoch=1-step=6.ckpt",
    ]
    assert [it["step"] for it in record["checkpoints"]] == [4, 6]


@pytest.mark.parametrize("broken", [("log",), METHODS], ids=["log", "every-method"])
def test_a_recorder_that_breaks_changes_no_weight(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: tuple[str, ...]
) -> None:
    def train(*callbacks: Thing) -> Thing:
        trainer, module = make_trainer(tmp_path, *callbacks), make_module()
        trainer.fit(module, make_loader())
        trainer.fit_loop.max_epochs = 3
        trainer.fit(module, make_loader())
        trainer.test(module, make_loader(2), verbose=False)
        return module.network.state_dict()

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the recorder is broken")

    plain = train()
    for name in broken:
        monkeypatch.setattr(Run, name, fail)
    with (
        provenance.record("train", output=tmp_path / "runs"),
        pytest.warns(ProvenanceWarning, match="the recorder is broken"),
    ):
        assert same(plain, train(ProvenanceCallback()))
    (record,) = records_of(tmp_path / "runs")
    assert record["status"] == "completed"
    assert [gap for gap in record["gaps"] if gap["kind"] == "failed"]


def test_an_error_of_the_recorder_passes_in_a_strict_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise UsageError(problem="nothing can be declared")

    monkeypatch.setattr(Run, "dataset", fail)
    run = provenance.start("train", output=tmp_path / "runs", strict=True)
    with pytest.raises(UsageError, match="nothing can be declared"):
        fit(tmp_path, ProvenanceCallback(run=run))


def test_a_callback_that_is_added_twice_records_once(tmp_path: Path) -> None:
    with (
        provenance.record("train", output=tmp_path / "runs"),
        pytest.warns(ProvenanceWarning, match="added twice"),
    ):
        fit(tmp_path, ProvenanceCallback(), ProvenanceCallback())
    assert len(logged(tmp_path / "runs", "loss")) == 8
    (record,) = records_of(tmp_path / "runs")
    assert [it["step"] for it in record["checkpoints"]] == [4, 8]


def test_without_any_run_it_warns_and_changes_nothing(tmp_path: Path) -> None:
    plain = fit(tmp_path / "plain")
    with pytest.warns(ProvenanceWarning, match="no run is open"):
        assert same(plain, fit(tmp_path, ProvenanceCallback()))
    assert records_of(tmp_path) == []


def test_another_rank_records_nothing(tmp_path: Path) -> None:
    callback = ProvenanceCallback(output=tmp_path / "runs")
    callback.setup(SimpleNamespace(is_global_zero=False, callbacks=[callback]), None, "fit")
    assert callback.observer.run is None
    assert not (tmp_path / "runs").exists()


def test_what_is_sent_to_another_process_leaves_its_run_behind(tmp_path: Path) -> None:
    with provenance.record("train", output=tmp_path / "runs") as run:
        sent = pickle.loads(pickle.dumps(ProvenanceCallback(run=run)))  # noqa: S301 - our own
        with provenance.record("other", output=tmp_path / "other"):
            assert sent.observer.begin() is not run
            sent.observer.end()


def test_a_model_whose_parameters_have_no_shape_yet_keeps_the_rest(tmp_path: Path) -> None:
    module = make_module()
    module.spare = torch.nn.LazyLinear(2)
    with pytest.warns(ProvenanceWarning, match="uninitialized"):
        make_trainer(tmp_path, ProvenanceCallback(output=tmp_path / "runs")).fit(
            module, make_loader()
        )
    (record,) = records_of(tmp_path / "runs")
    assert record["hyperparameters"]["hparams"]["lr"] == 0.1


def test_without_lightning_an_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = import_module("provenance.integrations.lightning_facts")
    monkeypatch.setattr(facts, "PACKAGES", ("no_such_lightning",))
    with pytest.raises(MissingExtraError, match="lightning"):
        facts.callback_class()
