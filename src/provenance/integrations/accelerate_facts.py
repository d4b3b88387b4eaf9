"""What an `Accelerator` says of itself, prepares and saves. Imports no framework."""

from __future__ import annotations

import sys
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenance.integrations.models import (
    describe_loader,
    describe_model,
    describe_optimizer,
    describe_scheduler,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from provenance.recording.run import Run

__all__ = ["hear", "model_folder", "record_prepared", "record_state", "settings_of"]


def hear(
    accelerator: Any,  # noqa: ANN401 - an `accelerate.Accelerator`
    name: str,
    after: Callable[..., None],
    before: Callable[[], None] = lambda: None,
) -> Callable[..., Any]:
    """Put in the place of a method one that also tells when it is called, and with what result.

    Args:
        accelerator: Whose method it is; `delattr` of the name puts it back.
        name: The method's name.
        after: Is called with the result and the arguments, once the method has returned.
        before: Is called first.

    Returns:
        What is in its place now.
    """
    original = getattr(accelerator, name)

    @wraps(original)
    def call(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as the original
        before()
        result = original(*args, **kwargs)
        after(result, *args, **kwargs)
        return result

    setattr(accelerator, name, call)
    return call


def settings_of(accelerator: Any) -> dict[str, Any]:  # noqa: ANN401 - as above
    """Return the settings of an accelerator that decide what is trained."""
    return {
        "distributed_type": str(accelerator.distributed_type),
        "gradient_accumulation_steps": accelerator.gradient_accumulation_steps,
        "mixed_precision": str(accelerator.mixed_precision),
        "processes": accelerator.num_processes,
    }


def record_prepared(run: Run, result: object) -> None:
    """Record the models, optimizers, schedulers and loaders that `prepare` has returned."""
    torch: Any = sys.modules["torch"]  # whoever has an accelerator has loaded it
    for part in result if isinstance(result, tuple) else (result,):
        if isinstance(part, torch.nn.Module):
            run.model(**describe_model(part))
        elif hasattr(part, "param_groups"):
            run.config(optimizer=describe_optimizer(part))
        elif hasattr(part, "get_last_lr"):
            run.config(scheduler=describe_scheduler(part))
        elif hasattr(part, "dataset"):
            _declare(run, part)


def _declare(run: Run, loader: Any) -> None:  # noqa: ANN401 - a `DataLoader`
    said = describe_loader(loader)
    trains = said.get("shuffles") is True
    run.config({"loader" if trains else "other_loader": said})
    run.dataset(loader.dataset, role="train" if trains else None)


def record_state(run: Run, accelerator: Any, folder: str) -> None:  # noqa: ANN401 - as above
    """Record the folder of `save_state`: one rank alone as a whole, one of many its own files."""
    if accelerator.num_processes == 1:
        run.checkpoint(folder)
        return
    rank = accelerator.process_index
    found = (it for it in Path(folder).rglob("*") if it.is_file())
    own = (it for it in found if _is_of(it.name, rank))
    run.shard(folder, files=sorted(it.relative_to(folder).as_posix() for it in own))


def _is_of(name: str, rank: int) -> bool:
    """Return whether a rank other than 0 writes a file of this name, or rank 0 as one of many."""
    return name.startswith(f"__{rank}_") or name == f"random_states_{rank}.pkl"


def model_folder(args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a path
    """Return the folder among the arguments of `save_model`, or nothing."""
    return kwargs.get("save_directory", args[1] if len(args) > 1 else None)
