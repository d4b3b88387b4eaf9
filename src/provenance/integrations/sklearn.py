"""scikit-learn: one line before `fit`, for every estimator that keeps to its conventions.

`sklearn.callback` reaches few classes only, so the estimator's own `fit` is watched: once, for the
next call; then the estimator is as it would be without.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, TypeVar

from provenance.errors import MissingExtraError
from provenance.integrations.estimator_fits import FitRecorder
from provenance.integrations.observer import TrainingObserver

try:
    import_module("sklearn")
except ModuleNotFoundError as _error:
    raise MissingExtraError(
        problem="scikit-learn is not installed", remedy="install it: pip install scikit-learn"
    ) from _error

if TYPE_CHECKING:
    import os

    from provenance.recording.requeues import Resume
    from provenance.recording.run import Run

__all__ = ["FitRecorder", "watch"]

Estimator = TypeVar("Estimator")


def watch(
    estimator: Estimator,
    *,
    run: Run | None = None,
    output: str | os.PathLike[str] | None = None,
    name: str = "train",
    resume: Resume = "never",
    datasets: bool = True,
) -> Estimator:
    """Record the next `fit` of an estimator: `watch(model, output="runs")`, then `model.fit(X, y)`.

    What `fit` does, returns and raises stays as it is; clones, copies and pickles of the estimator
    do not know of it.

    Args:
        estimator: Whatever has `fit` and `get_params`: also a pipeline or a search.
        run: The run to record into, which the caller finishes; otherwise the one that is open.
        output: The project folder of a run of its own, where none is open.
        name: The name of a run of its own.
        resume: What a run of its own does with an unfinished one; see `provenance.start`.
        datasets: Declare what `fit` is given, with its digests, and the names of its columns and
            classes; not where the script declares the data itself, e.g. as private.

    Returns:
        The estimator itself.
    """
    observer = TrainingObserver("sklearn", run=run, output=output, name=name, resume=resume)
    FitRecorder(observer, datasets=datasets).attach(estimator)
    return estimator
