"""Checkpoints that the ranks of `torch.distributed` save together: each rank hashes its own files.

Where a script calls `torch.distributed.checkpoint` itself, `run.shard(path, step=step)` after it
does the same.
"""

from __future__ import annotations

import warnings
from functools import cache
from typing import TYPE_CHECKING, Any

from provenance.errors import MissingExtraError
from provenance.recording.active import current_run
from provenance.recording.faults import ProvenanceWarning

try:
    import torch.distributed as dist
    import torch.distributed.checkpoint as dcp
except ModuleNotFoundError as _error:
    raise MissingExtraError(
        problem="PyTorch is not installed", remedy="install it: pip install torch"
    ) from _error

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence

    from provenance.recording.run import Run

    Gather = Callable[[Any], Sequence[Any]]

__all__ = ["all_gather", "async_save_checkpoint", "save_checkpoint"]


def all_gather(item: object) -> list[Any]:
    """Return what every rank gives, in their order; a collective call, on processors.

    It is for `run.shard(…, gather=all_gather)` where ranks share no project folder. Every rank
    calls it. It has a process group of its own, so that no accelerator is waited for.
    """
    items: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(items, item, group=_group(id(dist.group.WORLD)))
    return items


@cache
def _group(_: int) -> Any:  # noqa: ANN401 - a process group
    """Return a group of all ranks that talks by gloo; one for each default group."""
    return None if dist.get_backend() == "gloo" else dist.new_group(backend="gloo")


def save_checkpoint(
    state: Mapping[str, Any],
    path: str | os.PathLike[str],
    *,
    step: int | None = None,
    run: Run | None = None,
    gather: Gather | None = None,
    **options: Any,  # noqa: ANN401 - of `torch.distributed.checkpoint.save`
) -> Any:  # noqa: ANN401 - its metadata
    """Save by `torch.distributed.checkpoint.save` and record it. Every rank calls this.

    Args:
        state: The state dictionary.
        path: The folder, the same on every rank.
        step: The number of steps done; otherwise taken from the log of rank 0.
        run: The run of this rank; otherwise the one that is open.
        gather: How ranks tell each other their digests, e.g. `all_gather`; otherwise through the
            project folder, in the background, so that none waits for another.
        **options: Other arguments of `torch.distributed.checkpoint.save`.

    Returns:
        What that returns. What it raises passes, and is not recorded.
    """
    result = dcp.save(state, checkpoint_id=path, **options)
    _record(run, path, step=step, gather=gather)
    return result


def async_save_checkpoint(
    state: Mapping[str, Any],
    path: str | os.PathLike[str],
    *,
    step: int | None = None,
    run: Run | None = None,
    **options: Any,  # noqa: ANN401 - of `torch.distributed.checkpoint.async_save`
) -> Any:  # noqa: ANN401 - its future
    """Save by `torch.distributed.checkpoint.async_save`, and record it once it is on disk.

    Until then the checkpoint stands in the record with a gap; `run.finish` waits for it. A save
    that fails stays a gap. Takes what `save_checkpoint` takes; give it a `process_group` of its
    own, as torch advises, because its thread talks to other ranks while the training does.

    Returns:
        The future, or the response, that `async_save` returns.
    """
    result = dcp.async_save(state, checkpoint_id=path, **options)
    _record(run, path, step=step, pending=getattr(result, "upload_completion", result))
    return result


def _record(run: Run | None, path: str | os.PathLike[str], **fields: Any) -> None:  # noqa: ANN401 - of `Run.shard`
    found = current_run() if run is None else run
    if found is None:
        text = "torch.distributed: no run is open on this rank; its files are not recorded"
        warnings.warn(f"provenance: {text}", ProvenanceWarning, stacklevel=3)
        return
    try:
        found.shard(path, **fields)
    except Exception as error:  # noqa: BLE001 - training goes on
        found.failed("shard", error)
