"""accelerate: `ProvenanceTracker(output=…).attach(accelerator)`, also as `log_with=[tracker]`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provenance.errors import MissingExtraError
from provenance.integrations.accelerate_facts import (
    hear,
    model_folder,
    record_prepared,
    record_state,
    settings_of,
)
from provenance.integrations.observer import TrainingObserver, observed

try:
    import torch
    from accelerate.tracking import GeneralTracker
except ModuleNotFoundError as _error:
    raise MissingExtraError(
        problem="accelerate is not installed", remedy="install it: pip install accelerate"
    ) from _error

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from typing import Self

    from provenance.recording.requeues import Resume
    from provenance.recording.run import Run

__all__ = ["ProvenanceTracker"]


class ProvenanceTracker(GeneralTracker):
    """Records what an `Accelerator` trains.

    As a tracker (`log_with`) it hears of settings and metrics alone; `attach` lets it see what is
    prepared, saved and loaded too. `accelerator.end_training()` ends it.

    Args:
        run: The run to record into, which the caller finishes; otherwise the one that is open.
        output: The project folder of a run of its own, where none is open.
        run_name: The name of a run of its own.
        resume: What a run of its own does with an unfinished one; see `provenance.start`.
    """

    name = "provenance"
    requires_logging_directory = False
    main_process_only = False
    """Every rank hashes what it saved itself; of anything else, the run records that of rank 0."""

    def __init__(
        self,
        *,
        run: Run | None = None,
        output: str | os.PathLike[str] | None = None,
        run_name: str = "train",
        resume: Resume = "never",
    ) -> None:
        """Take the run; nothing is begun yet."""
        super().__init__()
        self.observer = TrainingObserver(
            "accelerate", run=run, output=output, name=run_name, resume=resume
        )
        self._accelerator: Any = None
        self._wrapped: dict[str, Any] = {}
        self._loading: Any = None

    @property
    def tracker(self) -> Run | None:
        """The run."""
        return self.observer.run

    @observed
    def start(self) -> None:
        """Begin."""
        self.observer.begin()

    @observed
    def store_init_configuration(self, values: Mapping[str, Any]) -> None:
        """Record the settings that `init_trackers` is given."""
        if self.observer.run is not None:
            self.observer.run.config(values)

    @observed
    def log(self, values: Mapping[str, Any], step: int | None = None, **_: object) -> None:
        """Record metrics."""
        self.observer.numbers(values, step=step)

    @observed
    def finish(self) -> None:
        """End the recording; the accelerator is as it was."""
        for name, wrapped in self._wrapped.items():
            if vars(self._accelerator).get(name) is wrapped:
                delattr(self._accelerator, name)
        self._wrapped = {}
        if self._loading is not None:
            self._loading.remove()
        self.observer.end()

    def attach(self, accelerator: Any) -> Self:  # noqa: ANN401 - an `accelerate.Accelerator`
        """Record what the accelerator prepares, logs, saves and loads; return itself."""
        self._attach(accelerator)
        return self

    @observed
    def _attach(self, accelerator: Any) -> None:  # noqa: ANN401 - as above
        run = self.observer.begin()
        if run is None or self._wrapped:
            return
        self._accelerator = accelerator
        if self not in accelerator.log_with and self not in accelerator.trackers:
            accelerator.trackers.append(self)
        run.config(accelerate=settings_of(accelerator))
        run.seed(torch=torch.initial_seed())
        self._wrapped["prepare"] = hear(accelerator, "prepare", self._prepared)
        for name, after in (("save_state", self._state_saved), ("save_model", self._model_saved)):
            self._wrapped[name] = hear(accelerator, name, after, before=self._settle)
        self._loading = accelerator.register_load_state_pre_hook(self._loads)

    @observed
    def _prepared(self, result: object, *_: object, **__: object) -> None:
        if self.observer.run is not None:
            record_prepared(self.observer.run, result)

    @observed
    def _settle(self) -> None:
        """Have what was saved before hashed: it may be overwritten now, or rotated away."""
        if self.observer.run is not None:
            self.observer.run.wait()

    @observed
    def _state_saved(self, folder: str, *_: object, **__: object) -> None:
        if self.observer.run is not None:
            record_state(self.observer.run, self._accelerator, folder)

    @observed
    def _model_saved(self, _: object, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - of `save_model`
        place = model_folder(args, kwargs)
        if self.observer.run is not None and place is not None:
            self.observer.run.checkpoint(place)

    @observed
    def _loads(self, _: object, folder: str) -> None:
        if self.observer.run is not None:
            self.observer.run.segment(resumed_from=folder)
