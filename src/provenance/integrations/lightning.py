"""Lightning: a callback that records what a `Trainer` trains, logs, saves and measures.

It is no logger: one more of them would change what `trainer.logger` and `trainer.log_dir` are where
there was none. A callback that comes after those which save sees every file before it is removed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provenance.integrations import lightning_facts, lightning_records
from provenance.integrations.lightning_facts import Trainer, saved_by
from provenance.integrations.observer import TrainingObserver, observed
from provenance.integrations.saved_files import SavedFiles

if TYPE_CHECKING:
    from collections.abc import Callable

    from provenance.recording.run import Run

__all__ = ["ProvenanceCallback"]

_Callback: Any = lightning_facts.callback_class()


class ProvenanceCallback(_Callback):
    """Records the trainings and tests of a trainer: `Trainer(callbacks=[ProvenanceCallback()])`.

    Args:
        datasets: Whether the datasets of the loaders are hashed, which reads all of them once.
        **where: `run`, the run to record into; otherwise the one that is open; otherwise, with
            `output`, `name` and `resume`, one of its own, which ends with each `fit` or `test`.
    """

    def __init__(self, *, datasets: bool = True, **where: Any) -> None:  # noqa: ANN401 - see TrainingObserver
        """Record nothing yet."""
        super().__init__()
        self.observer = TrainingObserver("lightning", **where)
        self._hashes = datasets
        self._forget()

    def _forget(self) -> None:
        self._data = lightning_records.SeenData(hashed=self._hashes)
        self._files = SavedFiles()
        self._metrics = lightning_facts.FreshMetrics()
        self._is_stale = False

    @observed
    def setup(self, trainer: Trainer, _module: object, stage: str) -> None:
        """Begin, and come after all that save, so that a file is seen in the hook that wrote it."""
        if stage != "predict" and trainer.is_global_zero:
            self._forget()
            trainer.callbacks = [*(it for it in trainer.callbacks if it is not self), self]
            self.observer.begin()

    @observed
    def on_train_start(self, trainer: Trainer, module: Trainer) -> None:
        """Record what is trained, with which settings and on what."""
        run = self.observer.run
        if run is None:
            return
        self._files.written(saved_by(trainer, everything=True))  # what lay there before
        lightning_records.begin_segment(run, trainer)
        self._describe_model(run, module)
        for name, read in lightning_facts.settings_of(trainer, module).items():
            self._describe(run, name, read)
        self._declare(run, trainer.train_dataloader, "train")
        self._declare(run, trainer.val_dataloaders, "validation")

    @observed
    def _describe_model(self, run: Run, module: Trainer) -> None:
        lightning_records.record_model(run, module)

    @observed
    def _describe(self, run: Run, name: str, read: Callable[[], Any]) -> None:
        if settings := read():
            run.config({name: settings})

    @observed
    def _declare(self, run: Run, loaders: Trainer, role: str) -> str | None:
        return self._data.declare(run, loaders, role)

    @observed
    def on_train_batch_start(self, trainer: Trainer, *_: object) -> None:
        """Look once more: after its hooks, Lightning makes new objects of the same metrics."""
        if self._is_stale and self.observer.run is not None:
            self._metrics.look(trainer)
        self._is_stale = False

    @observed
    def on_train_batch_end(self, trainer: Trainer, *_: object) -> None:
        """Record metrics, as often as the trainer logs, and what was saved."""
        every = trainer.log_every_n_steps
        self._record(trainer, logs=every and trainer.global_step % every == 0)

    @observed
    def on_train_epoch_end(self, trainer: Trainer, _module: object) -> None:
        """Record the metrics of an epoch and what was saved; again later: others log and save."""
        self._is_stale = True
        self._record(trainer)

    on_train_epoch_start = on_train_end = on_train_epoch_end

    @observed
    def on_validation_end(self, trainer: Trainer, _module: object) -> None:
        """Record a validation of a training, or one by itself."""
        if trainer.state.fn == "validate":
            self._evaluate(trainer, "validation", trainer.val_dataloaders)
        elif not trainer.sanity_checking:
            self._is_stale = True
            self._record(trainer)

    @observed
    def on_test_end(self, trainer: Trainer, _module: object) -> None:
        """Record a test."""
        self._evaluate(trainer, "test", trainer.test_dataloaders)

    @observed
    def on_save_checkpoint(self, trainer: Trainer, *_: object) -> None:
        """Have what was saved before hashed: it may be removed or written over now."""
        if self.observer.run is not None:
            self._record(trainer, logs=False)
            self.observer.run.wait()

    @observed
    def on_exception(self, trainer: Trainer, _module: object, exception: BaseException) -> None:
        """Record what was saved because of it, and end; the exception goes on."""
        self._record(trainer, everything=True)
        self.observer.end(failure=exception)

    @observed
    def teardown(self, trainer: Trainer, *_: object, **__: object) -> None:
        """End."""
        self._record(trainer, logs=False)
        self.observer.end()

    @observed
    def _record(self, trainer: Trainer, *, logs: bool = True, everything: bool = False) -> None:
        run = self.observer.run
        if run is not None:
            if logs:
                self.observer.numbers(self._metrics.take(trainer), step=trainer.global_step)
            for path in self._files.written(saved_by(trainer, everything=everything)):
                run.checkpoint(path, step=trainer.global_step)

    def _evaluate(self, trainer: Trainer, task: str, loaders: Trainer) -> None:
        run = self.observer.run
        if run is not None:
            lightning_records.record_evaluation(run, trainer, task, loaders, self._declare)
