"""The callback for the Trainer of transformers, in real trainings of a tiny GPT-2."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import datasets
import pytest
import torch
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

import provenance
from provenance.digest import hash_tensors
from provenance.integrations import trainer_facts
from provenance.integrations.models import tensor_digest_of
from provenance.integrations.transformers import ProvenanceCallback
from provenance.recording import ProvenanceWarning
from provenance.recording.run import Run

CONFIG = GPT2Config(
    vocab_size=16, n_positions=8, n_embd=8, n_layer=1, n_head=2, bos_token_id=0, eos_token_id=0
)

CANARY = "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"


def make_data(rows: int = 8, seed: int = 0) -> Any:  # noqa: ANN401 - a trainer's
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(0, 16, (rows, 6), generator=generator).tolist()
    return datasets.Dataset.from_dict({"input_ids": ids, "labels": ids})


def make_trainer(folder: Path, *callbacks: Any, **settings: Any) -> Any:  # noqa: ANN401 - a trainer's
    torch.manual_seed(0)
    wanted = {
        "max_steps": 6,
        "save_steps": 2,
        "logging_steps": 1,
        "per_device_train_batch_size": 2,
        "learning_rate": 0.05,
        "report_to": [],
        "disable_tqdm": True,
        **settings,
    }
    return Trainer(
        model=GPT2LMHeadModel(CONFIG),
        args=TrainingArguments(output_dir=str(folder / "out"), **wanted),
        train_dataset=make_data(),
        eval_dataset=make_data(4, seed=1),
        callbacks=list(callbacks),
    )


def weights_of(trainer: Any) -> str:  # noqa: ANN401 - a trainer's
    return tensor_digest_of(trainer.model.state_dict()).root


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the weights of a training that nobody records."""
    trainer = make_trainer(tmp_path_factory.mktemp("plain"))
    trainer.train()
    return weights_of(trainer)


def record_of(project: Path) -> Any:  # noqa: ANN401 - a trainer's
    (found,) = project.glob("*/record.json")
    return json.loads(found.read_bytes())


class Breaks(TrainerCallback):
    """Raises in the middle of a training."""

    def on_step_end(self, _args: object, state: Any, *_: object, **__: object) -> None:  # noqa: ANN401 - a trainer's
        if state.global_step == 3:
            raise ValueError("the loss exploded")


# --- what must not happen ------------------------------------------------------------------------


def test_an_exception_in_training_goes_on_unchanged_and_ends_an_own_run(tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path, Breaks())
    ProvenanceCallback(output=tmp_path / "runs").attach(trainer)
    with pytest.raises(ValueError, match="the loss exploded"):
        trainer.train()
    record = record_of(tmp_path / "runs")
    assert record["status"] == "failed"
    assert "the loss exploded" in record["failure"]
    assert [it["id"] for it in record["checkpoints"]] == ["step-2"]


def test_a_failed_script_without_attach_is_recorded_as_failed(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(
        "import sys\n"
        f"sys.path.insert(0, {str(Path(__file__).parents[1])!r})\n"
        "from pathlib import Path\n"
        "from frameworks.test_transformers import Breaks, ProvenanceCallback, make_trainer\n"
        f"folder = Path({str(tmp_path)!r})\n"
        "make_trainer(folder, ProvenanceCallback(output=folder / 'runs'), Breaks()).train()\n"
    )
    done = subprocess.run(
        (sys.executable, script), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 1
    assert "the loss exploded" in done.stderr
    record = record_of(tmp_path / "runs")
    assert record["status"] == "failed"
    assert "the loss exploded" in record["failure"]


@pytest.mark.parametrize(
    "method", ["config", "seed", "model", "dataset", "log", "checkpoint", "segment", "note", "wait"]
)
def test_a_recorder_that_raises_changes_nothing(
    tmp_path: Path, expected: str, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("broken recorder")

    trainer = make_trainer(tmp_path)
    with provenance.record("train", output=tmp_path / "runs") as run:
        monkeypatch.setattr(Run, method, broken)
        ProvenanceCallback().attach(trainer)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ProvenanceWarning)
            trainer.train()
            trainer.save_model(str(tmp_path / "model"))
        monkeypatch.undo()
    assert weights_of(trainer) == expected
    assert (tmp_path / "model" / "model.safetensors").is_file()
    if method != "segment":  # which a first training does not call
        assert "broken recorder" in str(run.record.gaps)


@pytest.mark.parametrize(
    "function", ["begin_training", "describe_training", "record_checkpoint", "note_final_weights"]
)
def test_an_adapter_that_breaks_changes_nothing(
    tmp_path: Path, expected: str, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("broken adapter")

    monkeypatch.setattr(trainer_facts, function, broken)
    trainer = make_trainer(tmp_path, ProvenanceCallback())
    with (
        provenance.record("train", output=tmp_path / "runs") as run,
        pytest.warns(ProvenanceWarning, match="broken adapter"),
    ):
        trainer.train()
    assert weights_of(trainer) == expected
    assert "broken adapter" in str(run.record.gaps)


def test_without_a_run_it_warns_and_trains(tmp_path: Path, expected: str) -> None:
    trainer = make_trainer(tmp_path, ProvenanceCallback())
    with pytest.warns(ProvenanceWarning, match="nothing is recorded"):
        trainer.train()
    assert weights_of(trainer) == expected


def test_added_twice_records_once(tmp_path: Path) -> None:
    once, again = ProvenanceCallback(), ProvenanceCallback()
    trainer = make_trainer(tmp_path, once, again, once)
    once.attach(trainer).attach(trainer)
    again.attach(trainer)
    with provenance.record("train", output=tmp_path / "runs") as run:
        with pytest.warns(ProvenanceWarning, match="added twice"):
            trainer.train()
        trainer.save_model(str(tmp_path / "model"))
        trainer.evaluate()
    assert [it.id for it in run.record.checkpoints] == ["step-2", "step-4", "step-6", "final"]
    assert len(run.record.evaluations) == 1
    assert run.folder is not None
    log = [json.loads(it) for it in (run.folder / "training-log.jsonl").read_text().splitlines()]
    steps = [it["step"] for it in log if "loss" in it.get("values", {})]
    assert steps == [1, 2, 3, 4, 5, 6]


def test_a_trial_of_a_search_that_is_given_up_does_not_end_the_run(tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path, Breaks())
    trainer.hp_search_backend, trainer._hp_search_setup = None, lambda _: None
    with provenance.record("search", output=tmp_path / "runs") as run:
        ProvenanceCallback().attach(trainer)
        for number in range(2):
            with pytest.raises(ValueError, match="exploded"):
                trainer.train(trial={"number": number})
    assert run.record.checkpoints == ()
    assert "step 2 is not in the output folder" in str(run.record.gaps)
    assert [it.stage for it in run.record.segments] == [None, "training-2"]


def test_no_token_is_written(tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path, hub_token=CANARY)
    with provenance.record("train", output=tmp_path / "runs"):
        ProvenanceCallback().attach(trainer)
        trainer.train()
    for file in (tmp_path / "runs").rglob("*"):
        assert not file.is_file() or CANARY.encode() not in file.read_bytes(), file


def test_a_checkpoint_that_is_elsewhere_is_a_gap(tmp_path: Path) -> None:
    class Moves(TrainerCallback):
        def on_save(self, args: Any, state: Any, *_: object, **__: object) -> None:  # noqa: ANN401 - a trainer's
            saved = Path(args.output_dir, f"checkpoint-{state.global_step}")
            saved.rename(tmp_path / saved.name)

    trainer = make_trainer(tmp_path, Moves(), ProvenanceCallback())
    with provenance.record("train", output=tmp_path / "runs") as run:
        trainer.train()
    assert run.record.checkpoints == ()
    assert "step 2 is not in the output folder" in str(run.record.gaps)


# --- what is recorded ----------------------------------------------------------------------------


def test_everything_that_a_trainer_knows(tmp_path: Path, expected: str) -> None:
    trainer = make_trainer(tmp_path, seed=42, data_seed=42)
    callback = ProvenanceCallback(output=tmp_path / "runs").attach(trainer)
    trainer.train()
    assert weights_of(trainer) == expected
    trainer.save_model(str(tmp_path / "model"))
    metrics = trainer.evaluate()
    callback.finish()

    record = record_of(tmp_path / "runs")
    assert record["status"] == "completed"
    settings = record["hyperparameters"]
    assert "hub_token" not in settings["arguments"]  # there is none to take out
    assert settings["arguments"]["max_steps"] == 6
    assert settings["optimizer"]["name"] == "AdamW"
    assert settings["lr_scheduler"]["name"] == "LambdaLR"
    assert settings["train_dataloader"]["batch_size"] == 2
    assert settings["model"]["n_embd"] == 8
    assert record["seeds"] == {"data_seed": 42, "seed": 42}
    assert record["model"]["architecture"]["name"] == "GPT2LMHeadModel"
    assert record["model"]["architecture"]["parameterCount"] == sum(
        it.numel() for it in trainer.model.parameters()
    )
    train, test = record["datasets"]
    assert (train["id"], train["roles"]) == ("train", ["train"])
    assert (test["id"], test["roles"]) == ("test", ["test"])
    assert train["recordSet"]["count"] == 8
    saved = record["checkpoints"]
    assert [(it["id"], it["step"]) for it in saved] == [
        ("step-2", 2),
        ("step-4", 4),
        ("step-6", 6),
        ("final", 6),
    ]
    assert [it.get("parents", []) for it in saved] == [[], ["step-2"], ["step-4"], ["step-4"]]
    assert saved[2]["tensors"] == saved[3]["tensors"]
    assert {"loss", "learning_rate"} <= set(record["metricNames"])
    (evaluation,) = record["evaluations"]
    assert (evaluation["dataset"], evaluation["checkpoint"]) == ("test", "final")
    (measured,) = evaluation["metrics"]
    assert (measured["name"], measured["value"]) == ("eval_loss", metrics["eval_loss"])
    assert "equal those of step-6, step 6." in record["journal"][0]["text"]


def test_tied_weights_have_one_digest_in_memory_and_on_disk(tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path)
    trainer.save_model(str(tmp_path / "model"))
    root, _ = hash_tensors([tmp_path / "model" / "model.safetensors"])
    with provenance.record("train", output=tmp_path / "runs") as run:
        run.checkpoint(tmp_path / "model", step=0)
        found = trainer_facts.same_weights(run, trainer.args, trainer.model)
    assert found is not None
    assert found.tensors == root


def test_the_best_weights_are_named(tmp_path: Path) -> None:
    settings = {
        "load_best_model_at_end": True,
        "eval_strategy": "steps",
        "eval_steps": 2,
        "save_total_limit": 1,
    }
    trainer = make_trainer(tmp_path, **settings)
    with provenance.record("train", output=tmp_path / "runs") as run:
        ProvenanceCallback().attach(trainer)
        trainer.train()
        trainer.save_model(str(tmp_path / "model"))
        trainer.evaluate()
    best = trainer.state.best_global_step
    assert best < 6
    saved = {it.id: it for it in run.record.checkpoints}
    assert list(saved) == ["step-2", "step-4", "step-6", "final"]
    assert saved["final"].tensors == saved[f"step-{best}"].tensors
    assert saved["final"].parents == (f"step-{best}",)
    assert saved["final"].metrics == saved[f"step-{best}"].metrics
    assert "loaded as the best one" in run.record.journal[0].text
    assert run.record.evaluations[0].checkpoint == "final"
    # The others were deleted by the trainer; their digests stay.
    gone = [it for it in saved.values() if it.availability == "deleted"]
    assert [it.id for it in gone] == [
        it for it in ("step-2", "step-4", "step-6") if it != f"step-{best}"
    ]
    assert all(it.inventory and it.tensors for it in gone)
    assert not [it for it in run.record.gaps if it.kind == "failed"]
    assert [it.id for it in run.record.datasets] == ["train", "validation"]


def test_training_again_is_another_stage(tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path, max_steps=2)
    with provenance.record("train", output=tmp_path / "runs") as run:
        ProvenanceCallback().attach(trainer)
        trainer.train()
        trainer.train()
    first, second = run.record.segments
    assert (first.stage, first.from_step, first.to_step) == (None, 0, 2)
    assert (second.stage, second.from_step, second.to_step) == ("training-2", 0, 2)
    assert second.rollback_to is None
    assert [it.step for it in run.record.checkpoints] == [2, 2]
    assert run.record.checkpoints[1].parents == (run.record.checkpoints[0].id,)


def test_two_trainers_share_an_own_run(tmp_path: Path) -> None:
    one, two = (make_trainer(tmp_path / name, max_steps=2) for name in "ab")
    callback = ProvenanceCallback(output=tmp_path / "runs").attach(one)
    one.train()
    ProvenanceCallback(output=tmp_path / "runs").attach(two)
    two.train()
    callback.finish()
    record = record_of(tmp_path / "runs")
    assert record["status"] == "completed"
    assert [it.get("stage") for it in record["segments"]] == [None, "training-2"]


@pytest.mark.parametrize("attached", [True, False], ids=["attached", "callback only"])
def test_resuming_is_a_segment(tmp_path: Path, expected: str, attached: bool) -> None:  # noqa: FBT001 - a parameter
    with provenance.record("train", output=tmp_path / "runs") as first:
        trainer = make_trainer(tmp_path, ProvenanceCallback(), Breaks(), save_steps=1)
        with pytest.raises(ValueError, match="exploded"):
            trainer.train()
    assert first.record.status == "completed"  # the script caught it
    with provenance.record("train", output=tmp_path / "runs") as second:
        callback = ProvenanceCallback()
        trainer = make_trainer(tmp_path, callback)
        if attached:
            callback.attach(trainer)
        place = tmp_path / "out" / "checkpoint-2"
        trainer.train(resume_from_checkpoint=str(place) if attached else True)
    (segment,) = second.record.segments
    assert (segment.event, segment.from_step, segment.to_step) == ("resume", 2, 6)
    assert segment.resumed_from == second.record.used_checkpoints[0].id
    assert second.record.checkpoints[0].parents == (segment.resumed_from,)
    assert second.record.used_checkpoints[0].tensors == first.record.checkpoints[1].tensors
    assert weights_of(trainer) == expected


def test_resuming_inside_one_run_rolls_back(tmp_path: Path) -> None:
    with provenance.record("train", output=tmp_path / "runs") as run:
        trainer = make_trainer(tmp_path, max_steps=4)
        ProvenanceCallback().attach(trainer)
        run.segment(stage="finetuning")
        trainer.train()
        trainer.train(resume_from_checkpoint=str(tmp_path / "out" / "checkpoint-2"))
    first, second = run.record.segments
    assert (first.to_step, second.from_step, second.rollback_to) == (4, 2, 2)
    assert second.resumed_from == "step-2"
    assert first.stage == second.stage == "finetuning"


def test_save_model_is_called_once_and_returns_what_it_returns(tmp_path: Path) -> None:
    class Counting(Trainer):
        calls: list[Any]

        def save_model(self, output_dir: str | None = None, *args: Any) -> Any:  # noqa: ANN401 - a trainer's
            self.calls.append(output_dir)
            super().save_model(output_dir, *args)
            return "saved"

    trainer = make_trainer(tmp_path, max_steps=2, save_strategy="no")
    trainer.__class__, trainer.calls = Counting, []
    with provenance.record("train", output=tmp_path / "runs") as run:
        ProvenanceCallback().attach(trainer)
        trainer.train()
        assert trainer.save_model(output_dir=str(tmp_path / "model")) == "saved"
        assert trainer.save_model() == "saved"
    assert trainer.calls == [str(tmp_path / "model"), None]
    assert [it.id for it in run.record.checkpoints] == ["final", "step-2"]
    assert [it.path for it in run.record.checkpoints[1].inventory] == ["model.safetensors"]
