"""What a trainer of Lightning says of itself, and the class that its callbacks extend."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from importlib import import_module
from typing import Any, Final, TypeAlias

from provenance.errors import MissingExtraError
from provenance.integrations import models

__all__ = [
    "FreshMetrics",
    "Trainer",
    "callback_class",
    "flat_loaders",
    "saved_by",
    "seeds",
    "settings_of",
]

#: The same code under two names, whose classes are strangers to each other.
PACKAGES: Final = ("lightning.pytorch", "pytorch_lightning")

#: A trainer of either package, of whatever version.
Trainer: TypeAlias = Any

#: Attributes of a trainer that decide what is trained.
SETTINGS: Final = (
    *("max_epochs", "min_epochs", "max_steps", "min_steps", "accumulate_grad_batches"),
    *("gradient_clip_val", "gradient_clip_algorithm", "precision", "num_devices", "num_nodes"),
    *("check_val_every_n_epoch", "log_every_n_steps", "fast_dev_run", "num_training_batches"),
)

#: Those of which 1 is one batch, and 1.0 all of them: they are kept as text.
LIMITS: Final = (
    *("limit_train_batches", "limit_val_batches", "overfit_batches", "val_check_interval"),
)


def callback_class() -> Any:  # noqa: ANN401 - a class
    """Return what a callback extends: that of each Lightning that the script has loaded.

    Raises:
        MissingExtraError: There is none.
    """
    loaded = [name for name in PACKAGES if name in sys.modules]
    found: list[Any] = []
    for name in loaded or PACKAGES:
        if loaded or not found:
            with suppress(ModuleNotFoundError):
                found.append(import_module(f"{name}.callbacks").Callback)
    if not found:
        raise MissingExtraError(
            problem="Lightning is not installed", remedy="install it: pip install lightning"
        )
    return type("Callback", tuple(found), {})


class FreshMetrics:
    """The metrics that were set since the last look: a trainer keeps the old ones beside them."""

    def __init__(self) -> None:
        """Have seen none."""
        self._seen: dict[str, Any] = {}
        self._given: dict[str, tuple[int, str]] = {}

    def look(self, trainer: Trainer) -> dict[str, Any]:
        """Return the metrics that are other objects than at the last look."""
        before, self._seen = self._seen, dict(trainer.callback_metrics)
        return {name: it for name, it in self._seen.items() if it is not before.get(name)}

    def take(self, trainer: Trainer) -> dict[str, float]:
        """Return the values of those, without what was returned for the same step before."""
        fresh = {}
        for name, value in self.look(trainer).items():
            number = value.item()
            given = (trainer.global_step, repr(number))
            if self._given.get(name) != given:
                self._given[name] = given
                fresh[name] = number
        return fresh


def settings_of(trainer: Trainer, module: Trainer) -> dict[str, Any]:
    """Return what reads each group of settings, by the name of the group."""
    loaders = flat_loaders(trainer.train_dataloader)
    return {
        "trainer": lambda: {
            **{it: getattr(trainer, it, None) for it in SETTINGS},
            **{it: repr(getattr(trainer, it, None)) for it in LIMITS},
        },
        "hparams": lambda: dict(module.hparams),
        "datamodule": lambda: dict(getattr(trainer.datamodule, "hparams", {})),
        "optimizers": lambda: [models.describe_optimizer(it) for it in trainer.optimizers],
        "schedulers": lambda: [_scheduler(it) for it in trainer.lr_scheduler_configs],
        "loaders": lambda: [models.describe_loader(it) for it in loaders],
    }


def _scheduler(config: Trainer) -> dict[str, Any]:
    said = {it: getattr(config, it, None) for it in ("interval", "frequency", "monitor")}
    return {**models.describe_scheduler(config.scheduler), **said}


def seeds() -> dict[str, int]:
    """Return the seeds of this process, by library: `seed_everything` leaves one behind."""
    found = {"torch": int(sys.modules["torch"].initial_seed())}
    if (seed := os.environ.get("PL_GLOBAL_SEED", "")).isdecimal():
        found["lightning"] = int(seed)
    return found


def saved_by(trainer: Trainer, *, everything: bool = False) -> list[str]:
    """Return the files that the trainer's callbacks have saved, as they name them now.

    Args:
        trainer: The trainer.
        everything: Whether to list their folders too: not every file is named by whom saved it.
    """
    paths: list[str] = []
    for saver in trainer.checkpoint_callbacks:
        paths += getattr(saver, "best_k_models", {})
        paths += [getattr(saver, it, "") for it in ("best_model_path", "last_model_path")]
        folder = getattr(saver, "dirpath", None)
        if everything and folder is not None and os.path.isdir(folder):  # noqa: PTH112 - its own spelling
            paths += [os.path.join(folder, name) for name in sorted(os.listdir(folder))]  # noqa: PTH118, PTH208 - as above
    return [path for path in paths if path]


def flat_loaders(loaders: Trainer) -> list[Any]:
    """Return the loaders in whatever holds them: a mapping, a sequence, these in one another."""
    if isinstance(loaders, dict):
        loaders = list(loaders.values())
    loaders = getattr(loaders, "flattened", loaders)
    if isinstance(loaders, list | tuple):
        return [each for part in loaders for each in flat_loaders(part)]
    return [] if loaders is None else [loaders]
