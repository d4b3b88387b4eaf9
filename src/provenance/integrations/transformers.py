"""The `Trainer` of transformers: its settings, data, metrics and checkpoints."""

from __future__ import annotations

import atexit
from typing import TYPE_CHECKING, Self

from provenance.errors import MissingExtraError
from provenance.integrations import trainer_facts
from provenance.integrations.observer import TrainingObserver, observed
from provenance.integrations.trainer_events import Heard, listen, script_failed

try:
    from transformers import TrainerCallback
except ModuleNotFoundError as _error:
    raise MissingExtraError(
        problem="transformers is not installed",
        remedy="install it: pip install 'transformers[torch]'",
    ) from _error

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from transformers import Trainer, TrainerControl
    from transformers import TrainerState as State
    from transformers import TrainingArguments as Arguments

    from provenance.recording.requeues import Resume
    from provenance.recording.run import Run

__all__ = ["ProvenanceCallback"]


class ProvenanceCallback(TrainerCallback):
    """Records what a trainer does: `ProvenanceCallback(output="runs").attach(trainer)`.

    A run of its own stays open after training, for `evaluate` and `save_model`; it is finished when
    the interpreter ends, or by `finish()`.

    Args:
        run: The run to record into; otherwise the one that is open, otherwise one of its own.
        output: The project folder of a run of its own.
        name: The name of a run of its own.
        resume: What a run of its own does with one that has not completed; see `provenance.start`.
        datasets: Whether datasets are hashed, which reads all of them once.
    """

    def __init__(
        self,
        *,
        run: Run | None = None,
        output: str | os.PathLike[str] | None = None,
        name: str = "train",
        resume: Resume = "never",
        datasets: bool = True,
    ) -> None:
        """Record nothing yet."""
        self.observer = TrainingObserver(
            "transformers", run=run, output=output, name=name, resume=resume
        )
        self._data = trainer_facts.SeenData(hashed=datasets)
        self._resumed: object = None  # what `train` was told to go on from
        self._is_new = Heard().is_new

    def attach(self, trainer: Trainer) -> Self:
        """Listen to a trainer, also to what no callback hears of: `save_model`, and exceptions."""
        if self not in trainer.callback_handler.callbacks:
            trainer.add_callback(self)
        if self._is_new("attach", trainer):
            listen(trainer, self._trains, self._broke, self._saved)
        return self

    def finish(self) -> None:
        """Finish a run of its own, after whatever was done with the trained model."""
        atexit.unregister(self._finish_at_exit)
        self.observer.end()

    @observed
    def on_train_begin(self, args: Arguments, state: State, *_: object, **parts: object) -> None:
        """Record data, settings, seeds and the model."""
        if self._is_new("training", state) and (run := self.observer.begin()) is not None:
            trainer_facts.begin_training(run, args, state, self._resumed)
            self._data.declare(run, parts.get("train_dataloader"), "train")
            trainer_facts.describe_training(run, args, parts)

    @observed
    def on_step_end(self, _args: object, _: object, control: TrainerControl, **__: object) -> None:
        """Have everything hashed before a save takes older checkpoints away, or their names."""
        # Whether the best state so far is saved is decided later, by what is measured.
        if (run := self._run(rests=False)) and (control.should_save or control.should_evaluate):
            run.wait()

    on_epoch_end = on_step_end

    @observed
    def on_log(
        self, _: object, state: State, *__: object, logs: Mapping[str, object], **___: object
    ) -> None:
        """Record every number, and have everything hashed before all but the best is deleted."""
        if (run := self._run(rests=False)) is not None and self._is_new("log", logs):
            self.observer.numbers(logs, step=state.global_step)
            if "train_runtime" in logs:
                run.wait()

    @observed
    def on_save(self, args: Arguments, state: State, *_: object, **__: object) -> None:
        """Record the checkpoint that was just saved."""
        if (run := self._run(rests=False)) and self._is_new("save", state, state.global_step):
            trainer_facts.record_checkpoint(run, args, state)

    @observed
    def on_evaluate(self, args: Arguments, *_: object, **parts: object) -> None:
        """Record what a training is watched on, and, after it, an evaluation."""
        rests = self.observer.rests
        if (run := self._run(rests=rests)) and self._is_new("evaluation", parts.get("metrics")):
            role = "test" if rests else "validation"
            data = self._data.declare(run, parts.get("eval_dataloader"), role)
            if rests:
                trainer_facts.record_evaluation(run, args, data, parts)

    @observed
    def on_train_end(self, args: Arguments, state: State, *_: object, **parts: object) -> None:
        """Record which checkpoint the weights in memory are those of; the run stays open."""
        if (run := self._run(rests=False)) is not None:
            self.observer.rest()
            if self.observer.owns:
                atexit.register(self._finish_at_exit)
            trainer_facts.note_final_weights(run, args, state, parts.get("model"))

    def _trains(self, resumed_from: object) -> None:
        self._resumed = resumed_from

    @observed
    def _saved(self, trainer: Trainer, place: str | None) -> None:
        if (run := self._run(rests=self.observer.rests)) is not None:
            trainer_facts.record_saved(run, trainer, place)

    @observed
    def _broke(self, error: BaseException) -> None:
        self.observer.end(failure=error)

    def _finish_at_exit(self) -> None:
        if not script_failed():  # of a script that failed, the run itself says so
            self.finish()

    def _run(self, *, rests: bool) -> Run | None:
        """Return the run that is recorded into, in a training or after it, until it is finished."""
        run = self.observer.run if self.observer.rests is rests else None
        return run if run is not None and run.record.ended_at is None else None
