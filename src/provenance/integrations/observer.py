"""What every adapter has in common: which run it records into, and that it never stops a training.

An adapter records into the run that it was given, else into the one that is open in this process,
else into one of its own, which it begins with the training and finishes with it.
"""

from __future__ import annotations

import atexit
import sys
import warnings
from functools import wraps
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast
from weakref import WeakKeyDictionary

from provenance.recording.active import current_run
from provenance.recording.faults import ProvenanceWarning
from provenance.recording.recorder import start

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping

    from provenance.recording.requeues import Resume
    from provenance.recording.run import Run

__all__ = ["TrainingObserver", "observed"]

# Which observer speaks for a framework in a run: the same callback added twice records once.
_speakers: WeakKeyDictionary[Run, dict[str, TrainingObserver]] = WeakKeyDictionary()


class TrainingObserver:
    """Hears of one training and records it.

    Args:
        framework: The framework's name, e.g. `transformers`; also the name of a run of its own.
        run: The run to record into. The caller finishes it.
        output: The project folder of a run of its own; used where no run is open.
        name: The name of a run of its own.
        resume: What a run of its own does with one that has not completed; see `provenance.start`.
        script: The script that a run of its own is about, where Python was not started with it.
    """

    def __init__(
        self,
        framework: str,
        *,
        run: Run | None = None,
        output: str | os.PathLike[str] | None = None,
        name: str = "train",
        resume: Resume = "never",
        script: str | os.PathLike[str] | None = None,
    ) -> None:
        """Belong to one adapter; nothing is begun yet."""
        self.framework = framework
        self._given = run
        self._output = output
        self._name = name
        self._resume: Resume = resume
        self._script = script
        self._run: Run | None = None
        self._owns = False
        self._rests = False

    def __getstate__(  # type: ignore[explicit-override]  # typing.override came with Python 3.12
        self,
    ) -> dict[str, Any]:
        """Leave the runs behind: another process, or a copy, has none of them."""
        return {**vars(self), "_given": None, "_run": None, "_owns": False, "_rests": False}

    @property
    def run(self) -> Run | None:
        """The run that is recorded into while a training goes on, or rests; otherwise nothing."""
        return self._run

    @property
    def rests(self) -> bool:
        """Whether the training has ended, and the run has not."""
        return self._rests

    @property
    def owns(self) -> bool:
        """Whether the run is this observer's own, so that it ends with the training."""
        return self._owns

    def begin(self) -> Run | None:
        """Find or begin the run; return it, or nothing where another observer speaks already."""
        if self._run is not None and not self._rests:
            return self._run
        run = self._given if self._given is not None else current_run()
        if self._rests and run is not self._run:
            self.end()
        if run is None and self._output is None:
            _warn(f"{self.framework}: no run is open and no output is named; nothing is recorded")
            return None
        if run is None and self._output is not None:
            run = start(self._name, output=self._output, resume=self._resume, script=self._script)
            self._owns = True
            atexit.register(self._abandon)  # before the run's own, which knows of no training
        if run is None or not self._speaks(run):
            return None
        self._run = run
        self._rests = False
        return run

    def _speaks(self, run: Run) -> bool:
        speaker = _speakers.setdefault(run, {}).setdefault(self.framework, self)
        if speaker is not self:
            _warn(f"{self.framework}: its adapter was added twice; the second one records nothing")
        return speaker is self

    def end(self, status: str | None = None, *, failure: BaseException | None = None) -> None:
        """End the training; finish the run if it is this observer's own."""
        run, self._run = self._run, None
        rested, self._rests = self._rests, False
        if run is None:
            return
        if not rested:
            _speakers.get(run, {}).pop(self.framework, None)
        if self._owns:
            self._owns = False
            atexit.unregister(self._abandon)
            run.finish(status, failure=failure)

    def _abandon(self) -> None:
        """Close a run whose training never ended: not every framework tells of an exception."""
        ended = self._rests or getattr(sys, "last_value", None) is not None
        if self._owns and not ended and current_run() is not None:  # none in a forked process
            self.end("interrupted")

    def rest(self) -> None:
        """End the training, and not the run: what follows belongs to it too, until `end` is called.

        Another adapter, or this one again, may record a training into the run meanwhile.
        """
        if self._run is not None:
            _speakers.get(self._run, {}).pop(self.framework, None)
            self._rests = True

    def numbers(self, values: Mapping[str, object], *, step: int | None) -> None:
        """Log those values that are numbers; frameworks mix texts and tables among them."""
        if self._run is None:
            return
        scalars = {str(name): value for name, value in values.items() if _is_scalar(value)}
        if scalars:
            self._run.log(scalars, step=step)

    def failed(self, action: str, error: Exception) -> None:
        """Say in the record that the adapter itself broke; raise it if the run is strict."""
        if self._run is None:
            _warn(
                f"{self.framework}: {action} failed ({type(error).__name__}); nothing is recorded"
            )
            return
        self._run.failed(f"{self.framework}: {action}", error)


class _HasObserver(Protocol):
    """An adapter."""

    observer: TrainingObserver


Hook = TypeVar("Hook", bound="Callable[..., Any]")


def observed(hook: Hook) -> Hook:
    """Make a hook of an adapter harmless: whatever breaks in it becomes a gap and a warning.

    The hook returns nothing then; one that must return something does so outside. Of a strict run,
    errors of the library pass.
    """

    @wraps(hook)
    def call(self: _HasObserver, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - any hook
        try:
            return hook(self, *args, **kwargs)
        except Exception as error:  # noqa: BLE001 - training goes on, whatever a framework's object does
            self.observer.failed(hook.__name__, error)
            return None

    return cast("Hook", call)


def _is_scalar(value: object) -> bool:
    """Return whether a value is one number, also of numpy or torch."""
    if isinstance(value, bool | str | bytes) or value is None:
        return False
    if isinstance(value, int | float):
        return True
    size = getattr(value, "numel", None) or getattr(value, "size", None)
    return hasattr(value, "item") and (size() if callable(size) else size) == 1


def _warn(text: str) -> None:
    warnings.warn(f"provenance: {text}", ProvenanceWarning, stacklevel=4)
