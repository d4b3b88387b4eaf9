"""What the callback for Lightning records of real trainings."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import lightning.pytorch
import pytest

import provenance
from frameworks.lightning_lines import (
    PACKAGES,
    QUIET_MARKS,
    fit,
    logged,
    make_loader,
    make_module,
    make_trainer,
    records_of,
)
from provenance.integrations.lightning import ProvenanceCallback

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = QUIET_MARKS


def test_the_validation_before_a_training_is_not_recorded(tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path, ProvenanceCallback(output=tmp_path / "runs"))
    trainer.fit(make_module(), make_loader(), make_loader(2))
    assert [step for step, _ in logged(tmp_path / "runs", "val_loss")] == [4, 8]


def test_a_metric_is_logged_where_it_was_set_and_nowhere_else(tmp_path: Path) -> None:
    callback = ProvenanceCallback(output=tmp_path / "runs")
    trainer = make_trainer(tmp_path, callback, val_check_interval=2, max_epochs=2)
    trainer.fit(make_module(), make_loader(), make_loader(2))
    assert [step for step, _ in logged(tmp_path / "runs", "val_loss")] == [2, 4, 6, 8]
    assert [step for step, _ in logged(tmp_path / "runs", "loss")] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert logged(tmp_path / "runs", "late") == [(4, 0), (8, 1)]


def test_it_logs_as_often_as_the_trainer(tmp_path: Path) -> None:
    callback = ProvenanceCallback(output=tmp_path / "runs")
    fit(tmp_path, callback, log_every_n_steps=3)
    # The last step of an epoch is known when it ends.
    assert [step for step, _ in logged(tmp_path / "runs", "loss")] == [3, 4, 6, 8]


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize("logger", [False, True], ids=["no-logger", "default-logger"])
def test_loggers_and_folders_stay_as_they_are(
    tmp_path: Path, package: str, *, logger: bool
) -> None:
    pl = PACKAGES[package]
    found = []
    for name, callbacks in (("plain", ()), ("with", (ProvenanceCallback(output=tmp_path / "r"),))):
        trainer = make_trainer(tmp_path / name, *callbacks, pl=pl, logger=logger)
        trainer.fit(make_module(pl), make_loader())
        saved = trainer.checkpoint_callback.best_model_path.removeprefix(str(tmp_path / name))
        found.append((saved, [type(it) for it in trainer.loggers]))
    assert found[0] == found[1]
    assert found[0][1] == ([pl.loggers.CSVLogger] if logger else [])
    assert len(records_of(tmp_path / "r")) == 1


@pytest.mark.parametrize("package", PACKAGES)
def test_settings_model_data_and_seeds_are_recorded(tmp_path: Path, package: str) -> None:
    pl = PACKAGES[package]
    fit(tmp_path, ProvenanceCallback(output=tmp_path / "runs"), pl=pl, gradient_clip_val=0.5)
    (record,) = records_of(tmp_path / "runs")
    assert record["status"] == "completed"
    assert record["model"]["architecture"] == {
        "dataType": "F32",
        "name": "Line",
        "parameterCount": 5,
    }
    settings = record["hyperparameters"]
    assert settings["hparams"]["lr"] == 0.1
    assert settings["trainer"]["gradient_clip_val"] == 0.5
    assert settings["trainer"]["limit_train_batches"] == "1.0"
    assert [it["name"] for it in settings["optimizers"]] == ["SGD"]
    assert [(it["name"], it["interval"]) for it in settings["schedulers"]] == [("StepLR", "epoch")]
    assert settings["loaders"][0]["batch_size"] == 4
    assert record["seeds"]["torch"] == 5
    (dataset,) = record["datasets"]
    assert dataset["roles"] == ["train"]
    assert dataset["recordTree"]["size"] == 16


def test_datasets_are_left_alone_where_that_is_said(tmp_path: Path) -> None:
    fit(tmp_path, ProvenanceCallback(output=tmp_path / "runs", datasets=False))
    assert "datasets" not in records_of(tmp_path / "runs")[0]


def test_checkpoints_that_were_removed_stay_recorded(tmp_path: Path) -> None:
    saver = lightning.pytorch.callbacks.ModelCheckpoint(
        tmp_path / "saved", every_n_train_steps=2, save_top_k=1, save_last="link"
    )
    fit(tmp_path, ProvenanceCallback(output=tmp_path / "runs"), saver)
    (record,) = records_of(tmp_path / "runs")
    assert [it["step"] for it in record["checkpoints"]] == [2, 4, 6, 8]
    assert all("files" in it for it in record["checkpoints"])
    assert len([it for it in (tmp_path / "saved").iterdir() if not it.is_symlink()]) == 1
    assert [gap for gap in record["gaps"] if gap["kind"] == "failed"] == []


@pytest.mark.parametrize("weights_only", [False, True])
def test_a_file_that_is_written_again_is_recorded_each_time(
    tmp_path: Path, *, weights_only: bool
) -> None:
    saver = lightning.pytorch.callbacks.ModelCheckpoint(
        tmp_path / "saved",
        filename="weights",
        enable_version_counter=False,
        every_n_train_steps=4,
        save_weights_only=weights_only,
    )
    fit(tmp_path, ProvenanceCallback(output=tmp_path / "runs"), saver)
    (record,) = records_of(tmp_path / "runs")
    assert [it["step"] for it in record["checkpoints"]] == [4, 8]
    assert len({it["files"]["root"] for it in record["checkpoints"]}) == 2


def test_a_resumed_training_is_a_new_segment_of_the_same_run(tmp_path: Path) -> None:
    for module, epochs, saved in (
        (make_module(breaks_at=6, error=RuntimeError("the node is gone")), 2, None),
        (make_module(), 3, tmp_path / "checkpoints" / "epoch=0-step=4.ckpt"),
    ):
        callback = ProvenanceCallback(output=tmp_path / "runs", resume="auto")
        trainer = make_trainer(tmp_path, callback, max_epochs=epochs)
        try:
            trainer.fit(module, make_loader(), ckpt_path=saved, weights_only=False)
        except RuntimeError as error:
            assert str(error) == "the node is gone"  # noqa: PT017 - the second one does not raise
    (record,) = records_of(tmp_path / "runs")
    first, second = record["segments"]
    assert (first["fromStep"], first["toStep"], first["status"]) == (0, 6, "failed")
    assert (second["event"], second["resumedFrom"]) == ("resume", "step-4")
    assert (second["fromStep"], second["toStep"], second["rollbackTo"]) == (4, 12, 4)
    # What lay there when the second process began is not recorded again.
    assert [it["step"] for it in record["checkpoints"]] == [4, 8, 12]


def test_fit_twice_is_two_segments_of_an_open_run_and_two_runs_otherwise(tmp_path: Path) -> None:
    with provenance.record("train", output=tmp_path / "open"):
        trainer, module = make_trainer(tmp_path, ProvenanceCallback()), make_module()
        trainer.fit(module, make_loader())
        trainer.fit_loop.max_epochs = 3
        trainer.fit(module, make_loader())
    (record,) = records_of(tmp_path / "open")
    assert [(it["fromStep"], it["toStep"]) for it in record["segments"]] == [(0, 8), (8, 12)]

    callback = ProvenanceCallback(output=tmp_path / "own")
    for _ in range(2):
        fit(tmp_path, callback)
    assert [it["status"] for it in records_of(tmp_path / "own")] == ["completed"] * 2


def test_tests_and_validations_by_themselves_are_evaluations(tmp_path: Path) -> None:
    with provenance.record("train", output=tmp_path / "runs"):
        trainer, module = make_trainer(tmp_path, ProvenanceCallback()), make_module()
        trainer.fit(module, make_loader())
        trainer.test(module, make_loader(3), ckpt_path="best", weights_only=False, verbose=False)
        trainer.validate(module, make_loader(4), verbose=False)
    (record,) = records_of(tmp_path / "runs")
    test, validation = record["evaluations"]
    assert test["checkpoint"] == "step-8"
    assert [it["name"] for it in test["metrics"]] == ["test_loss"]
    assert "checkpoint" not in validation  # the weights in memory could be any
    roles = {it["id"]: it["roles"] for it in record["datasets"]}
    assert (roles[test["dataset"]], roles[validation["dataset"]]) == (["test"], ["validation"])


def test_a_trial_run_is_recorded_as_one(tmp_path: Path) -> None:
    fit(tmp_path, ProvenanceCallback(output=tmp_path / "runs"), fast_dev_run=True)
    (record,) = records_of(tmp_path / "runs")
    assert record["hyperparameters"]["trainer"]["fast_dev_run"] == 1
    assert "checkpoints" not in record
    assert record["segments"][0]["toStep"] == 1


def test_the_adapter_may_be_imported_before_the_framework_of_the_other_name(
    tmp_path: Path,
) -> None:
    """As sorted imports have it: the adapter before `pytorch_lightning`."""
    script = """
from provenance.integrations.lightning import ProvenanceCallback
import pytorch_lightning as pl
from pytorch_lightning.demos.boring_classes import BoringModel
trainer = pl.Trainer(
    callbacks=[ProvenanceCallback(output="runs")], max_epochs=1, logger=False,
    enable_progress_bar=False, enable_model_summary=False, accelerator="cpu",
)
trainer.fit(BoringModel())
"""
    (tmp_path / "script.py").write_text(script)
    done = subprocess.run(
        (sys.executable, "script.py"), cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    (record,) = records_of(tmp_path / "runs")
    assert record["checkpoints"][0]["step"] == 64
