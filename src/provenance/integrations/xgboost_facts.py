"""What a training of XGBoost says of its rounds and has saved. Imports no framework."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["latest_metrics", "rounds_of", "saved_in"]

#: How `TrainingCheckPoint` names its files: the number of the round, from 0.
CHECKPOINT_NAME: Final = re.compile(r".*_([0-9]{1,9})\.(?:ubj|json|pkl)", re.ASCII)


def latest_metrics(evals_log: Mapping[str, Mapping[str, Any]]) -> dict[str, object]:
    """Return the metrics of the last round, by names of data and metric.

    Args:
        evals_log: By data and metric, a value for each round so far.
    """
    values: dict[str, object] = {}
    for data, metrics in evals_log.items():
        for metric, history in metrics.items():
            last = history[-1]
            if isinstance(last, tuple):  # mean and standard deviation, of `cv`
                values[f"{data}-{metric}"], values[f"{data}-{metric}-std"] = last
            else:
                values[f"{data}-{metric}"] = last
    return values


def rounds_of(model: Any) -> int:  # noqa: ANN401 - a booster, or those of `cv`
    """Return the number of rounds that a booster was trained for; 0 of those of `cv`."""
    return int(model.num_boosted_rounds()) if hasattr(model, "num_boosted_rounds") else 0


def saved_in(folder: Path | None) -> list[tuple[Path, int]]:
    """Return the files that a `TrainingCheckPoint` wrote into a folder, the oldest first.

    Returns:
        Each with the time when it was written, in nanoseconds.
    """
    if folder is None or not folder.is_dir():
        return []
    files = (it for it in folder.iterdir() if CHECKPOINT_NAME.fullmatch(it.name))
    found = [(path, path.stat().st_mtime_ns) for path in files]
    return sorted(found, key=lambda item: (item[1], item[0].name))
