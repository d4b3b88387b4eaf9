"""Which checkpoint is released: the last, the best by a metric, or a named one. No I/O."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from provenance.errors import RecordingError, UsageError, shown
from provenance.manifest.frozen import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provenance.recording.projects import FoundRecord

__all__ = ["Candidate", "Choice", "choose_checkpoint"]

#: Words in the names of metrics of which less is better.
LESS_IS_BETTER: Final = frozenset(
    {"loss", "error", "err", "perplexity", "ppl", "mae", "mse", "rmse", "wer", "cer", "nll", "bpb"}
)

#: Most names that a message lists.
MAX_SHOWN_NAMES: Final = 20


@dataclass(frozen=True, slots=True)
class Candidate:
    """A checkpoint that may be released."""

    run: FoundRecord
    """The run that saved it."""

    id: str
    """Its id in that run."""

    metrics: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """Its metrics by name: those of its evaluations, and those when it was saved, which win."""

    higher_is_better: Mapping[str, bool] = field(default_factory=lambda: MappingProxyType({}))
    """What an evaluation says of a metric, by name."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The checkpoint that was chosen, and how."""

    candidate: Candidate
    """The checkpoint."""

    reason: str
    """How it was chosen, for `training.selection`."""


def choose_checkpoint(
    candidates: Sequence[Candidate],
    *,
    wanted: str,
    metric: str | None = None,
    higher_is_better: bool | None = None,
) -> Choice:
    """Return the checkpoint to release.

    Args:
        candidates: The checkpoints, oldest first.
        wanted: `last`, `best`, an id, or an id after the name of its run folder and a slash.
        metric: The name of the metric for `best`.
        higher_is_better: Which way is better; otherwise what an evaluation says, else by the
            metric's name (`loss`, `error` and the like: less). Of equal ones the latest is chosen.

    Raises:
        RecordingError: There is no such checkpoint, or none has the metric.
        UsageError: `best` needs a metric.
    """
    if not candidates:
        raise RecordingError(
            problem="no run recorded a checkpoint",
            remedy="call run.checkpoint(path, step=…) where the weights are saved",
        )
    if wanted == "last":
        return Choice(candidates[-1], "The last checkpoint.")
    if wanted == "best":
        return _best(candidates, metric, higher_is_better)
    for candidate in reversed(candidates):
        if wanted in {candidate.id, f"{candidate.run.record.id}/{candidate.id}"}:
            return Choice(candidate, "Chosen by its name.")
    names = ", ".join(dict.fromkeys(it.id for it in candidates[-MAX_SHOWN_NAMES:]))
    raise RecordingError(
        problem=f"there is no checkpoint {shown(wanted)}",
        remedy=f"choose last, best or one of: {names}",
    )


def _best(
    candidates: Sequence[Candidate],
    metric: str | None,
    higher_is_better: bool | None,  # noqa: FBT001 - private, passed on
) -> Choice:
    if metric is None:
        raise UsageError(
            problem="the best checkpoint is the best by a metric, and none was named",
            remedy="name the metric",
        )
    measured = [(it, value) for it in candidates if not math.isnan(value := _value(it, metric))]
    if not measured:
        raise RecordingError(
            problem=f"no checkpoint has the metric {shown(metric)}",
            remedy="log it before run.checkpoint(…), or evaluate the checkpoints",
        )
    higher = _direction(candidates, metric) if higher_is_better is None else higher_is_better
    sign = 1 if higher else -1
    best, value = measured[0]
    for candidate, other in measured[1:]:
        if sign * other >= sign * value:
            best, value = candidate, other
    word = "highest" if higher else "lowest"
    count = f"{len(measured)} of {len(candidates)}"
    return Choice(best, f"The {word} {metric} ({value:g}); {count} checkpoints have that metric.")


def _value(candidate: Candidate, metric: str) -> float:
    """Return the metric of a checkpoint, NaN if it has none."""
    found = candidate.metrics.get(metric)
    number = plain(found) if isinstance(found, Mapping) else found
    return math.nan if number is None or isinstance(number, str | bool) else float(number)


def _direction(candidates: Sequence[Candidate], metric: str) -> bool:
    for candidate in candidates:
        if metric in candidate.higher_is_better:
            return candidate.higher_is_better[metric]
    words = metric.lower()
    for separator in "/-.: ":
        words = words.replace(separator, "_")
    return LESS_IS_BETTER.isdisjoint(words.split("_"))
