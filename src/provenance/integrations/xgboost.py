"""XGBoost: `callbacks=[ProvenanceCallback()]` of `train`, `cv` and the scikit-learn classes."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenance.errors import MissingExtraError
from provenance.integrations.observer import TrainingObserver, observed
from provenance.integrations.xgboost_facts import latest_metrics, rounds_of, saved_in

try:
    import xgboost
    from xgboost import collective
    from xgboost.callback import TrainingCallback
except ModuleNotFoundError as _error:
    raise MissingExtraError(
        problem="XGBoost is not installed", remedy="install it: pip install xgboost"
    ) from _error

if TYPE_CHECKING:
    import os

    from provenance.recording.requeues import Resume
    from provenance.recording.run import Run

__all__ = ["ProvenanceCallback"]


class ProvenanceCallback(TrainingCallback):
    """Records a training of XGBoost.

    Args:
        run: The run to record into, which the caller finishes; otherwise the one that is open.
        output: The project folder of a run of its own, where none is open.
        name: The name of a run of its own.
        resume: What a run of its own does with an unfinished one; see `provenance.start`.
        checkpoints: The folder of a `TrainingCheckPoint`: what it saves is recorded at once.
    """

    def __init__(
        self,
        *,
        run: Run | None = None,
        output: str | os.PathLike[str] | None = None,
        name: str = "train",
        resume: Resume = "never",
        checkpoints: str | os.PathLike[str] | None = None,
    ) -> None:
        """Take the run; nothing is begun yet."""
        super().__init__()
        self.observer = TrainingObserver(
            "xgboost", run=run, output=output, name=name, resume=resume
        )
        self._folder = None if checkpoints is None else Path(checkpoints)
        self._seen: dict[Path, int] = {}
        self._configured = False
        self._before = 0

    def before_training(self, model: Any) -> Any:  # noqa: ANN401 - a booster, or those of `cv`
        """Begin; return the model as it is."""
        self._begin(model)
        return model

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:  # noqa: ANN401 - as above
        """Log the metrics of a round; return that training goes on."""
        self._iteration(model, epoch, evals_log)
        return False

    def after_training(self, model: Any) -> Any:  # noqa: ANN401 - as above
        """Record the trained model and end; return it as it is."""
        self._trained(model)
        self._end()
        return model

    @observed
    def _begin(self, model: Any) -> None:  # noqa: ANN401 - as above
        self._configured = False
        run = self.observer.begin() if collective.get_rank() == 0 else None
        if run is None:
            return
        self._seen = dict(saved_in(self._folder))
        self._before = rounds_of(model)
        if self._before:  # `xgb_model=`: training goes on from another model
            with tempfile.TemporaryDirectory() as folder:
                place = Path(folder) / "resumed.ubj"  # found by its content if it was recorded
                model.save_model(place)
                run.segment(from_step=self._before, resumed_from=place)
        elif run.record.segments:
            run.segment(from_step=0, reason="another training with XGBoost")

    @observed
    def _iteration(self, model: Any, epoch: int, evals_log: Any) -> None:  # noqa: ANN401 - as above
        # Only a round resolves everything, e.g. `base_score`, which is estimated from the data.
        self._configure(model)
        done = self._before + epoch + 1
        self._record_saved(done - 1)  # by a callback that came after this one
        self.observer.numbers(latest_metrics(evals_log), step=done)
        self._record_saved(done)

    @observed
    def _trained(self, model: Any) -> None:  # noqa: ANN401 - as above
        self._configure(model)
        self._record_saved(rounds_of(model))
        run = self.observer.run
        if run is None or not hasattr(model, "save_model"):
            return
        best = {name: model.attr(name) for name in ("best_iteration", "best_score")}
        if found := {name: json.loads(value) for name, value in best.items() if value is not None}:
            run.config(early_stopping=found)
        if run.folder is not None:
            place = run.folder / "checkpoints" / f"model-{len(run.record.checkpoints) + 1}.ubj"
            place.parent.mkdir(exist_ok=True)
            model.save_model(place)
            run.checkpoint(place, step=rounds_of(model), wait=True)

    @observed
    def _end(self) -> None:
        self.observer.end()

    def _configure(self, model: Any) -> None:  # noqa: ANN401 - as above
        """Record once the settings as XGBoost has resolved them, defaults included."""
        run = self.observer.run
        if run is None or self._configured:
            return
        self._configured = True
        booster = model if hasattr(model, "save_config") else model.cvfolds[0].bst
        learner = json.loads(booster.save_config())["learner"]
        run.config({**learner, "xgboost": xgboost.__version__})
        run.seed(xgboost=int(learner["generic_param"]["seed"]))
        run.model(architecture={"family": f"xgboost {learner['gradient_booster']['name']}"})

    def _record_saved(self, until: int) -> None:
        """Record what was saved since, up to a number of rounds."""
        run = self.observer.run
        for path, written in saved_in(self._folder):
            step = int(path.stem.rpartition("_")[2]) + 1
            if run is not None and step <= until and self._seen.get(path) != written:
                self._seen[path] = written
                run.checkpoint(path, step=step, wait=True)
