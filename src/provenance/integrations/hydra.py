"""Hydra: a run for each job, switched on by one line of the configuration or the command line.

`+hydra.callbacks.provenance._target_=provenance.integrations.hydra.ProvenanceCallback`
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenance.errors import MissingExtraError
from provenance.integrations.observer import TrainingObserver, observed

try:
    import hydra
    from hydra.core.utils import JobStatus
    from hydra.experimental.callback import Callback
    from omegaconf import DictConfig, OmegaConf, open_dict, read_write
except ModuleNotFoundError as _error:
    raise MissingExtraError(
        problem="Hydra is not installed", remedy="install it: pip install hydra-core"
    ) from _error

if TYPE_CHECKING:
    from provenance.recording.requeues import Resume

__all__ = ["ProvenanceCallback"]

#: The project folder where none is named, in the folder of the job.
DEFAULT_OUTPUT = "provenance"


class ProvenanceCallback(Callback):
    """Begins a run with each job of Hydra and finishes it with the job, as the job ended.

    Inside the job, `provenance.current_run()` is the run.

    Args:
        output: The project folder, from where Hydra was started; otherwise `provenance` in the
            job's own output folder.
        name: The name of the runs; otherwise the name of the job.
        resume: What becomes of an unfinished run of this name; see `provenance.start`.
    """

    def __init__(
        self, output: str | None = None, name: str | None = None, resume: Resume = "never"
    ) -> None:
        """Take what stands in the configuration; nothing is begun yet."""
        self._output = output
        self._name = name
        self._resume: Resume = resume
        self.observer = TrainingObserver("hydra")

    @observed
    def on_job_start(self, config: DictConfig, **_: Any) -> None:  # noqa: ANN401 - Hydra's
        """Begin a run and record the job's configuration, resolved."""
        job = config.hydra.job
        folder = Path(config.hydra.runtime.cwd)
        output = (
            folder / self._output
            if self._output is not None
            else Path(config.hydra.runtime.output_dir) / DEFAULT_OUTPUT
        )
        self.observer = TrainingObserver(
            "hydra", output=output, name=self._name or str(job.name), resume=self._resume
        )
        run = self.observer.begin()
        if run is None:
            return
        run.config(_without_hydra(config))
        run.note(f"a job of Hydra {hydra.__version__}: {_words(config)}")

    @observed
    def on_job_end(self, config: DictConfig, job_return: Any, **_: Any) -> None:  # noqa: ARG002, ANN401 - Hydra's
        """Finish the run as the job ended."""
        if job_return.status is JobStatus.COMPLETED:
            self.observer.end()
            return
        error = job_return._return_value  # noqa: SLF001 - its public name raises it
        failure = error if isinstance(error, BaseException) else None
        self.observer.end("failed", failure=failure)


def _without_hydra(config: DictConfig) -> DictConfig:
    """Return a copy of a job's configuration without Hydra's own part."""
    settings = config.copy()
    with read_write(settings), open_dict(settings):
        del settings["hydra"]
    return settings


def _words(config: DictConfig) -> str:
    """Return which job it is: its overrides as they were given, and its number of several."""
    overrides = " ".join(OmegaConf.to_container(config.hydra.overrides.task)) or "no overrides"
    number = OmegaConf.to_container(config.hydra.job).get("num")  # `???` of a single job
    return f"number {number}, {overrides}" if isinstance(number, int) else overrides
