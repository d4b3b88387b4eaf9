"""Keras 3: a callback that records what `fit` trains, logs and saves, and what `evaluate` measures.

Keras tells a callback nothing of the files that a `ModelCheckpoint` writes, nor which others are
there; this one looks for both, and only reads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet

from provenance.errors import MissingExtraError
from provenance.integrations import keras_records
from provenance.integrations.keras_facts import callbacks_around, restored_epoch, saved_by
from provenance.integrations.observer import TrainingObserver, observed
from provenance.integrations.saved_files import SavedFiles

try:
    import keras
except ModuleNotFoundError as _error:
    raise MissingExtraError(
        problem="Keras is not installed", remedy="install it: pip install keras"
    ) from _error

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from provenance.recording.run import Run

__all__ = ["ProvenanceCallback"]

_speaking: Final[WeakSet[ProvenanceCallback]] = WeakSet()  # callbacks that have begun a `fit`


class ProvenanceCallback(keras.callbacks.Callback):
    """Records the trainings of a model: `model.fit(…, callbacks=[…, ProvenanceCallback()])`.

    Args:
        **where: `run`, the run to record into; otherwise the one that is open; otherwise, with
            `output`, `name` and `resume`, one of its own, which ends with each `fit`.
    """

    def __init__(self, **where: Any) -> None:  # noqa: ANN401 - see TrainingObserver
        """Record nothing yet."""
        super().__init__()
        self.observer = TrainingObserver("keras", **where)
        self._beside: list[Any] = []
        self._forget()

    def _forget(self) -> None:
        self._files = SavedFiles()
        self._trains = self._is_described = False
        self._done = self._before = 0  # steps: done now, and before this epoch
        self._ends: dict[int, int] = {}  # of epochs, in steps

    def set_model(self, model: Any) -> None:  # noqa: ANN401 - any model
        """Take the model: a `fit` or `evaluate` begins, and one that has not ended was cut off."""
        super().set_model(model)
        self._cut()
        self._beside = callbacks_around(keras.callbacks.CallbackList)

    @observed
    def _cut(self) -> None:
        if self._trains:  # an exception left `fit`, which no hook says
            self.observer.end("interrupted")
        self._forget()

    @observed
    def on_train_begin(self, *_: object, **__: object) -> None:
        """Begin."""
        self._cut()
        for other in list(_speaking):
            if other not in self._beside:  # another list's, whose `fit` was cut off
                other._cut()  # noqa: SLF001 - of the same class
        self._trains = True
        if self.observer.begin() is not None:
            _speaking.add(self)
            self._files.written(path for it in self._savers() for path in saved_by(it))

    @observed
    def on_epoch_begin(self, *_: object, **__: object) -> None:
        """Record what is trained, once every callback has begun: one may have loaded weights."""
        run = self.observer.run
        if run is not None and not self._is_described:
            self._is_described = True
            self._done = int(self.model.optimizer.iterations)
            keras_records.begin_segment(run, self._done)
            self._describe(run)
        self._save()
        self._before = self._done

    @observed
    def _describe(self, run: Run) -> None:
        keras_records.record_fit(run, self.model, self.params, keras.backend.backend())

    @observed
    def on_train_batch_begin(self, *_: object, **__: object) -> None:
        """Record what a later callback saved after the batch before."""
        self._save(at_batches=True)

    @observed
    def on_train_batch_end(self, batch: int, logs: Mapping[str, object] | None = None) -> None:
        """Log a batch: Keras gives the means of the epoch so far."""
        self._done = self._before + batch + 1
        values = {f"batch_{name}": value for name, value in (logs or {}).items()}
        self.observer.numbers(values, step=self._done)
        self._save(at_batches=True)

    @observed
    def on_epoch_end(self, epoch: int, logs: Mapping[str, object] | None = None) -> None:
        """Log an epoch, with its validation."""
        self._ends[epoch] = self._done
        self.observer.numbers(logs or {}, step=self._done)
        self._save()

    @observed
    def on_train_end(self, *_: object, **__: object) -> None:
        """End; say so if the weights are no longer those of the last step."""
        self._save()
        for it in self._beside:
            self._note_restored(restored_epoch(it))
        self._trains = False
        self.observer.end()

    @observed
    def _note_restored(self, epoch: int | None) -> None:
        if self.observer.run is not None and epoch is not None:
            keras_records.note_restored(self.observer.run, epoch, self._ends, self._done)

    @observed
    def on_test_begin(self, *_: object, **__: object) -> None:
        """Begin an evaluation that is not part of a training."""
        if not self._trains:
            self.observer.begin()

    @observed
    def on_test_end(self, logs: Mapping[str, object] | None = None) -> None:
        """Record it. Which checkpoint the weights are from, the author says."""
        if not self._trains and self.observer.run is not None:
            self.observer.run.evaluation(task="evaluation", metrics=dict(logs or {}))
            self.observer.end()

    def _savers(self) -> Iterator[Any]:
        return (it for it in self._beside if isinstance(it, keras.callbacks.ModelCheckpoint))

    def _save(self, *, at_batches: bool = False) -> None:
        """Record what was saved since the last look."""
        if (run := self.observer.run) is not None:
            savers = (it for it in self._savers() if not at_batches or it.save_freq != "epoch")
            keras_records.record_saved(run, savers, self._files, self._done)
