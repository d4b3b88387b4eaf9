"""A line that Lightning fits, under both of its names, and what a recorded training left behind."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any, TypeAlias

import lightning.pytorch
import pytest
import pytorch_lightning  # both names are loaded: one class then serves both
import torch
from torch.utils.data import DataLoader, TensorDataset

if TYPE_CHECKING:
    from pathlib import Path

#: An object of Lightning, of whichever package.
Thing: TypeAlias = Any

#: Loggers that are not installed, few workers, deprecations of torch it still uses.
QUIET_MARKS = [
    pytest.mark.filterwarnings(f"ignore:::{name}") for name in ("lightning", "pytorch_lightning")
] + [
    pytest.mark.filterwarnings(f"ignore:{text}")
    for text in (
        "Starting from v1.9.0",
        "Your `test_dataloader`'s sampler has shuffling enabled",
        "You defined a `validation_step`",
        "The '.*_dataloader' does not have many workers",
        "The number of training batches",
        "`isinstance.treespec",
        ".*Checkpoint directory",
        "You called `self.log",
    )
]

PACKAGES = {"lightning": lightning.pytorch, "pytorch_lightning": pytorch_lightning}


class Noisy(TensorDataset):
    """A dataset whose items draw random numbers without using them."""

    def __getitem__(self, index: int) -> tuple[torch.Tensor, ...]:
        """Return an item."""
        random.random()  # noqa: S311 - no secret
        torch.rand(1)
        found: tuple[torch.Tensor, ...] = super().__getitem__(index)
        return found


def make_module(pl: Thing = lightning.pytorch, **options: Thing) -> Thing:
    class Line(pl.LightningModule):
        def __init__(self, error: Thing = None, **_: Thing) -> None:
            super().__init__()
            self.save_hyperparameters(ignore=["error"])
            self.error = error
            self.network = torch.nn.Sequential(torch.nn.Dropout(0.1), torch.nn.Linear(4, 1))

        def training_step(self, batch: Thing) -> torch.Tensor:
            if self.global_step == self.hparams.breaks_at:
                raise self.error
            loss = torch.nn.functional.mse_loss(self.network(batch[0]), batch[1])
            self.log("loss", loss)
            return loss

        def on_train_epoch_end(self) -> None:
            self.log("late", float(self.current_epoch))

        def validation_step(self, batch: Thing) -> None:
            self.log("val_loss", self.network(batch[0]).mean())

        def test_step(self, batch: Thing) -> None:
            self.log("test_loss", self.network(batch[0]).mean())

        def configure_optimizers(self) -> Thing:
            optimizer = torch.optim.SGD(self.parameters(), lr=self.hparams.lr)
            return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 1)]

    torch.manual_seed(5)
    return Line(**{"lr": 0.1, "breaks_at": -1, **options})


def make_loader(seed: int = 1) -> DataLoader[Any]:
    drawn = torch.Generator().manual_seed(seed)
    inputs = torch.rand(16, 4, generator=drawn)
    return DataLoader(Noisy(inputs, inputs.sum(1, keepdim=True)), batch_size=4, shuffle=True)


def make_trainer(
    folder: Path, *callbacks: Thing, pl: Thing = lightning.pytorch, **options: Thing
) -> Thing:
    settings = {"max_epochs": 2, "log_every_n_steps": 1, "logger": False, **options}
    return pl.Trainer(
        default_root_dir=folder,
        accelerator="cpu",
        callbacks=list(callbacks),
        enable_progress_bar=False,
        enable_model_summary=False,
        **settings,
    )


def fit(folder: Path, *callbacks: Thing, pl: Thing = lightning.pytorch, **options: Thing) -> Thing:
    module = make_module(pl)
    make_trainer(folder, *callbacks, pl=pl, **options).fit(module, make_loader())
    return module.network.state_dict()


def same(one: Thing, other: Thing) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def records_of(project: Path) -> list[Any]:
    found = sorted(project.glob("*/record.json"), key=lambda it: it.stat().st_mtime_ns)
    return [json.loads(it.read_bytes()) for it in found]


def logged(project: Path, name: str) -> list[tuple[int, float]]:
    entries = []
    for log in project.glob("*/training-log.jsonl"):
        entries += [json.loads(line) for line in log.read_text().splitlines()]
    return [(it["step"], it["values"][name]) for it in entries if name in it.get("values", {})]
