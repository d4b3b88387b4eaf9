"""A `fit` of one estimator, watched: what it is given, what it leaves and what a search has tried.

Imports no framework: whoever has an estimator has loaded it.
"""

from __future__ import annotations

import json
import sys
import tempfile
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from provenance.errors import UsageError
from provenance.integrations.estimator_data import seeds_of, settings_of, training_data
from provenance.integrations.estimator_state import (
    curves_of,
    fitted_state,
    safetensors_bytes,
    scores_of,
    tables_of,
)
from provenance.integrations.observer import observed

if TYPE_CHECKING:
    from provenance.integrations.observer import TrainingObserver

__all__ = ["FitRecorder"]

#: Most names that a gap lists.
MAX_NAMED: Final = 10


class FitRecorder:
    """Stands in the place of `fit` of one estimator for one call."""

    def __init__(self, observer: TrainingObserver, *, datasets: bool = True) -> None:
        """Belong to an observer."""
        self.observer = observer
        self._datasets = datasets
        self._data: list[str] = []

    @observed
    def attach(self, estimator: Any) -> None:  # noqa: ANN401 - any estimator
        """Let the next `fit` of an estimator pass through here."""
        kind = type(estimator)
        if not (hasattr(kind, "fit") and hasattr(kind, "get_params")):
            raise UsageError(problem=f"a {kind.__name__} has no fit and get_params")
        if "fit" in vars(estimator):
            return  # it is watched already
        original, state = estimator.fit, estimator.__getstate__

        @wraps(original)
        def fit(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as the estimator has it
            for attribute in ("fit", "__getstate__"):
                vars(estimator).pop(attribute, None)
            return self._fit(estimator, original, args, kwargs)

        def getstate() -> Any:  # noqa: ANN401 - as the estimator has it
            held = state()
            return {key: value for key, value in held.items() if value not in (fit, getstate)}

        vars(estimator).update({"fit": fit, "__getstate__": getstate})

    def _fit(self, estimator: Any, original: Any, args: Any, kwargs: Any) -> Any:  # noqa: ANN401 - as above
        self.before(estimator, args, kwargs)
        try:
            result = original(*args, **kwargs)
        except BaseException as error:
            self.ended(error)
            raise
        self.after(estimator)
        self.ended(None)
        return result

    @observed
    def before(self, estimator: Any, args: Any, kwargs: Any) -> None:  # noqa: ANN401 - as above
        """Record settings, seeds and the data, before `fit` could change them."""
        run = self.observer.begin()
        if run is None:
            return
        run.config({**settings_of(estimator), "scikit-learn": sys.modules["sklearn"].__version__})
        if seeds := seeds_of(estimator):
            run.seed(**seeds)
        run.model(architecture={"family": settings_of(estimator)["estimator"]})
        if run.record.segments:  # another model before this one
            run.segment(from_step=0, reason=f"fit of a {type(estimator).__name__}")
        if not self._datasets:
            return
        names = dict(zip(("X", "y"), args, strict=False)) | kwargs
        given = {key: value for key, value in names.items() if hasattr(value, "__len__")}
        self._data = [
            run.dataset(value, id=key, role="train")
            for key, value in training_data(**given).items()
        ]

    @observed
    def after(self, estimator: Any) -> None:  # noqa: ANN401 - as above
        """Record the metrics that `fit` left, the fitted state and what a search has tried."""
        run = self.observer.run
        if run is None:
            return
        curves = curves_of(estimator)
        for number, values in enumerate(curves, 1):
            self.observer.numbers(values, step=number)
        steps = len(curves) or 1
        self.observer.numbers(scores_of(estimator), step=steps)
        fitted = fitted_state(estimator)
        if fitted.texts and self._datasets:  # names of classes and columns
            run.config(fitted=fitted.texts)
        if fitted.left:
            names = ", ".join(fitted.left[:MAX_NAMED])
            run.gap("model", f"fitted attributes that are no arrays are not bound: {names}")
        saved = None
        if fitted.arrays and run.folder is not None:
            place = (
                run.folder / "checkpoints" / f"fitted-{len(run.record.checkpoints) + 1}.safetensors"
            )
            place.parent.mkdir(exist_ok=True)
            place.write_bytes(safetensors_bytes(fitted.arrays))
            saved = run.checkpoint(place, step=steps, parents=(), wait=True)
        self._record_search(estimator, saved)

    def _record_search(self, estimator: Any, saved: str | None) -> None:  # noqa: ANN401 - as above
        run, best = self.observer.run, getattr(estimator, "best_score_", None)
        for name, table in tables_of(estimator):
            if run is None:
                return
            with tempfile.TemporaryDirectory() as folder:
                place = Path(folder) / f"{name.strip('_')}.json"
                place.write_text(json.dumps(table, default=str, sort_keys=True))
                run.evaluation(
                    task="cross-validation",
                    metrics={"mean_test_score": best} if best is not None else None,
                    dataset=next(iter(self._data), None),
                    checkpoint=saved,
                    results=place,
                    parameters=getattr(estimator, "best_params_", None),
                )

    @observed
    def ended(self, failure: BaseException | None) -> None:
        """End the run if it is the adapter's own."""
        self.observer.end(failure=failure)
