"""Ray: a function that runs as a task or in an actor records itself, in the process where it runs.

The task's run has the environment of its own node. The driver records what it does itself into the
same project folder; what the two share is joined by its content when the project is released.
"""

from __future__ import annotations

import inspect
import os
import warnings
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from provenance.errors import MissingExtraError
from provenance.integrations.observer import TrainingObserver, observed
from provenance.recording.faults import ProvenanceWarning

try:
    import ray
except ModuleNotFoundError as _error:
    raise MissingExtraError(
        problem="Ray is not installed",
        remedy="install it: pip install 'training-provenance[ray]'",
    ) from _error

if TYPE_CHECKING:
    from collections.abc import Callable

    from provenance.recording.requeues import Resume

__all__ = ["recorded_task"]

P = ParamSpec("P")
R = TypeVar("R")


def recorded_task(
    *, output: str | os.PathLike[str], name: str | None = None, resume: Resume = "never"
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Record every call of a task: `@ray.remote`, and below it `@recorded_task(output="runs")`.

    In the function, `provenance.current_run()` is the run. What the function does, returns and
    raises stays as it is; a failure fails the run too, and each retry of Ray is a run.

    Args:
        output: The project folder, on a file system that every node sees; taken from where the
            driver runs.
        name: The name of the runs; otherwise that of the function.
        resume: What becomes of an unfinished run of this name; see `provenance.start`.

    Returns:
        A decorator of functions and of methods of an actor that does one thing at a time.
    """
    place = Path(os.path.abspath(output))  # noqa: PTH100 - a link stays what it is on other nodes

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
            text = f"provenance: ray: {function.__qualname__} runs in pieces and is not recorded"
            warnings.warn(text, ProvenanceWarning, stacklevel=3)
            return cast("Callable[P, R]", function)
        script = inspect.getsourcefile(function)
        wanted = name or function.__name__

        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            task = _Task(
                TrainingObserver("ray", output=place, name=wanted, resume=resume, script=script)
            )
            task.begin()
            try:
                result = function(*args, **kwargs)
            except BaseException as error:
                task.end(error)
                raise
            task.end(None)
            return result

        return call

    return decorate


class _Task:
    """One call of a recorded function."""

    def __init__(self, observer: TrainingObserver) -> None:
        self.observer = observer

    @observed
    def begin(self) -> None:
        run = self.observer.begin()
        # The driver has a context too, of no task.
        if run is not None and ray.is_initialized() and ray.get_runtime_context().get_task_id():
            run.note(_where())

    @observed
    def end(self, failure: BaseException | None) -> None:
        self.observer.end(failure=failure)


def _where() -> str:
    """Return which task of Ray this is, and what it was given."""
    context: Any = ray.get_runtime_context()
    parts = {
        "job": context.get_job_id(),
        "task": context.get_task_id(),
        "actor": context.get_actor_id(),
        "node": context.get_node_id(),
        "resources": context.get_assigned_resources(),
    }
    told = ", ".join(f"{name} {value}" for name, value in parts.items() if value)
    return f"a task of Ray {ray.__version__}: {told}"
