"""A training loop in plain PyTorch: its model, optimizer and data, and what `torch.save` saves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provenance.errors import MissingExtraError
from provenance.integrations.models import (
    describe_loader,
    describe_model,
    describe_optimizer,
    describe_scheduler,
)
from provenance.integrations.observer import TrainingObserver, observed
from provenance.integrations.torch_saves import recorded_saves
from provenance.recording.recorder import start_nowhere

try:
    import torch
except ModuleNotFoundError as _error:
    raise MissingExtraError(
        problem="PyTorch is not installed", remedy="install it: pip install torch"
    ) from _error

if TYPE_CHECKING:
    import os

    from provenance.recording.requeues import Resume
    from provenance.recording.run import Run

__all__ = ["recorded_saves", "watch"]


def watch(
    model: Any,  # noqa: ANN401 - a `torch.nn.Module`
    *,
    optimizer: Any = None,  # noqa: ANN401 - of torch, as the others
    scheduler: Any = None,  # noqa: ANN401
    loader: Any = None,  # noqa: ANN401
    run: Run | None = None,
    output: str | os.PathLike[str] | None = None,
    name: str = "train",
    resume: Resume = "never",
) -> Run:
    """Record what a loop trains, with which settings and on what. Call it before the first step.

    Recorded are the model's class and number of parameters, class and settings of optimizer and
    scheduler, the seed, how the loader orders its records, and its dataset with the digest of all
    its content. Metrics and checkpoints are the loop's to tell (`run.log`, `run.checkpoint`).

    Args:
        model: The model, wrapped or not.
        optimizer: Its optimizer, or a list of several.
        scheduler: The scheduler of its learning rate, or a list of several.
        loader: The loader of the training data, or a list of several.
        run: The run to record into; otherwise the one that is open, otherwise a new one.
        output: The project folder of a new run, which the loop finishes.
        name: The name of a new run.
        resume: What a new run does with one that has not completed; see `provenance.start`.

    Returns:
        The run; where none is open and no `output` is named, one that keeps nothing, so that the
        loop goes on.
    """
    observer = TrainingObserver("pytorch", run=run, output=output, name=name, resume=resume)
    begun = observer.begin()
    if begun is None:
        return start_nowhere(name)
    watcher = _Watcher(observer)
    watcher.describe_model(begun, model)
    watcher.describe_settings(begun, optimizer, scheduler, loader)
    for each in _listed(loader):
        watcher.declare_data(begun, each)
    observer.rest()  # all is said; another model may be watched in the same run
    return begun


class _Watcher:
    """What `watch` records, each part by itself."""

    def __init__(self, observer: TrainingObserver) -> None:
        self.observer = observer

    @observed
    def describe_model(self, run: Run, model: object) -> None:
        facts = describe_model(model)
        if "architecture" in (run.record.model or {}):  # a second one, as of a discriminator
            run.config({f"model {facts['architecture']['name']}": facts["architecture"]})
        else:
            run.model(**facts)
        run.seed(torch=torch.initial_seed())

    @observed
    def describe_settings(self, run: Run, *parts: object) -> None:
        ways = (describe_optimizer, describe_scheduler, describe_loader)
        for name, describe, part in zip(
            ("optimizer", "scheduler", "loader"), ways, parts, strict=True
        ):
            said = [describe(it) for it in _listed(part)]
            if said:
                run.config({name: said[0] if len(said) == 1 else said})

    @observed
    def declare_data(self, run: Run, loader: object) -> None:
        run.dataset(getattr(loader, "dataset", loader), role="train")


def _listed(part: Any) -> list[Any]:  # noqa: ANN401 - one, several or none
    if part is None:
        return []
    return list(part) if isinstance(part, list | tuple) else [part]
