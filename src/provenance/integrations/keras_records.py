"""What a run is told of a `fit` of Keras: segments, model, saved files. Imports no framework."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet

from provenance.integrations.keras_facts import describe, fitting_settings, saved_by

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from provenance.integrations.saved_files import SavedFiles
    from provenance.recording.run import Run

__all__ = ["begin_segment", "note_restored", "record_fit", "record_saved"]

_trained: Final[WeakSet[Run]] = WeakSet()  # runs into which a `fit` was recorded


def begin_segment(run: Run, done: int) -> None:
    """Record that a `fit` is not the first of its run, or not that of its optimizer.

    Args:
        run: The run.
        done: The steps that the optimizer has done.
    """
    if run in _trained:
        run.segment(reason="`fit` was called again", from_step=done)
    elif done and not run.record.segments:
        reason = "the optimizer has done steps before; `run.segment` says from which checkpoint"
        run.segment(event="resume", from_step=done, reason=reason)
    _trained.add(run)


def record_fit(run: Run, model: Any, fit: dict[str, Any] | None, backend: str) -> None:  # noqa: ANN401 - any model
    """Record the model, the seed of its backend, and the arguments of `fit` and `compile`."""
    run.model(**describe(model))
    if backend == "torch":
        run.seed(torch=sys.modules["torch"].initial_seed())
    run.config(fitting_settings(model, fit))


def note_restored(run: Run, epoch: int, ends: Mapping[int, int], done: int) -> None:
    """Say so if weights that were put back when training ended are not those of the last step.

    Args:
        run: The run.
        epoch: The epoch, from 0, whose weights they are.
        ends: The steps at which epochs ended.
        done: The last step.
    """
    step = ends.get(epoch)
    if step != done:
        text = f"a callback put the weights of epoch {epoch + 1} back when training ended"
        run.note(text, step=step)


def record_saved(run: Run, savers: Iterable[Any], files: SavedFiles, done: int) -> None:
    """Record what was saved since the last look.

    Args:
        run: The run.
        savers: Callbacks `ModelCheckpoint`.
        files: What was seen before.
        done: The last step.
    """
    for it in savers:
        for path in files.written(saved_by(it)):
            # A name without fields is soon written over: it is hashed at once.
            run.checkpoint(path, step=done, wait="{" not in it.filepath)
