"""What a run is told of a trainer of Lightning: its segments, model, datasets and evaluations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from weakref import WeakSet

from provenance.integrations.lightning_facts import Trainer, flat_loaders, seeds
from provenance.integrations.models import describe_model

if TYPE_CHECKING:
    from collections.abc import Callable

    from provenance.recording.run import Run

__all__ = ["SeenData", "begin_segment", "record_evaluation", "record_model"]

_trained: Final[WeakSet[Run]] = WeakSet()  # runs into which a `fit` was recorded


class SeenData:
    """The datasets that were declared.

    Args:
        hashed: Whether any is declared, which reads all of it once.
    """

    def __init__(self, *, hashed: bool) -> None:
        """Have declared none."""
        self._hashed = hashed
        self._datasets: dict[tuple[int, str], tuple[object, str]] = {}

    def declare(self, run: Run, loaders: Trainer, role: str) -> str | None:
        """Declare the datasets of loaders, each once in a role; return the id of the only one."""
        ids = []
        for loader in flat_loaders(loaders) if self._hashed else ():
            dataset = getattr(loader, "dataset", loader)
            key = (id(dataset), role)
            if key not in self._datasets:  # the object is kept, so that no other has its number
                self._datasets[key] = (dataset, run.dataset(dataset, role=role))
            ids.append(self._datasets[key][1])
        return ids[0] if len(ids) == 1 else None


def begin_segment(run: Run, trainer: Trainer) -> None:
    """Record where a training goes on from, and that it is not the first of its run."""
    if trainer.ckpt_path:
        run.segment(resumed_from=trainer.ckpt_path, from_step=trainer.global_step)
    elif run in _trained:
        run.segment(reason="`fit` was called again", from_step=trainer.global_step)
    _trained.add(run)


def record_model(run: Run, module: Trainer) -> None:
    """Record the seeds and the model."""
    run.seed(**seeds())
    run.model(**describe_model(module))


def record_evaluation(
    run: Run,
    trainer: Trainer,
    task: str,
    loaders: Trainer,
    declare: Callable[[Run, Trainer, str], str | None],
) -> None:
    """Record what was measured.

    Args:
        run: The run.
        trainer: The trainer, with its metrics.
        task: What was done.
        loaders: What it was done on.
        declare: Declares the datasets of loaders in a role; returns the id of the only one.
    """
    run.evaluation(
        task=task,
        metrics={name: it.item() for name, it in trainer.callback_metrics.items()},
        dataset=declare(run, loaders, task),
        # Weights that were loaded from nowhere could be any: the author names them.
        checkpoint=trainer.ckpt_path or None,
    )
