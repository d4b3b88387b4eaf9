"""A plugin of MLflow: the runs that it begins while we record say in a tag which record is theirs.

MLflow finds it by the entry point `mlflow.run_context_provider`, in every environment that has
both; so it imports nothing, and does nothing where no run of ours is open.
"""

from __future__ import annotations

import sys

__all__ = ["RUN_TAG", "RunContext"]

#: The tag that names the run folder.
RUN_TAG = "provenance.run"

_ACTIVE = "provenance.recording.active"


class RunContext:
    """What MLflow asks when it begins a run (`mlflow.tracking.context`)."""

    def in_context(self) -> bool:
        """Return whether a run is recorded in this process."""
        return bool(self.tags())

    def tags(self) -> dict[str, str]:
        """Return the tag, or nothing where no run is open; never raises."""
        active = sys.modules.get(_ACTIVE)  # who records has loaded it
        try:
            run = None if active is None else active.current_run()
            return {} if run is None else {RUN_TAG: str(run.record.id)}
        except Exception:  # noqa: BLE001 - a training must not end because of a tag
            return {}
