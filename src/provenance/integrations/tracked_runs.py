"""What a tracker says of a finished run, as every reader of a tracker puts it. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from provenance.manifest.compute import Gap
    from provenance.manifest.files import CodeReference

__all__ = [
    "ImportedRun",
    "Point",
    "SavedState",
    "Status",
    "TrackedDataset",
    "TrackedRun",
    "moment_text",
]

Status = Literal["completed", "failed", "interrupted"]


@dataclass(frozen=True, slots=True)
class Point:
    """Metrics that were logged together."""

    at: float | None
    """When, in seconds since 1970, as the tracker says."""

    step: int | None
    """The step, as the tracker says."""

    values: Mapping[str, object]
    """Numbers by name, NaN included."""


@dataclass(frozen=True, slots=True)
class SavedState:
    """Weights that the run saved."""

    name: str
    """Its name in the tracker."""

    path: Path
    """Where its files lie on this machine."""

    step: int | None = None
    """The number of steps done, where the tracker or the name says it."""


@dataclass(frozen=True, slots=True)
class TrackedDataset:
    """A dataset that the tracker names. Nothing binds it: a tracker's digest is no integrity."""

    name: str
    """Its name in the tracker."""

    roles: tuple[str, ...]
    """What it was used for."""

    source: Mapping[str, Any]
    """The fields of its source."""


@dataclass(frozen=True, slots=True)
class TrackedRun:
    """What a tracker says of one finished run."""

    tracker: str
    """The tracker's name."""

    id: str
    """The run's id there; empty if it is not known."""

    name: str
    """The run's name."""

    status: Status
    """How it ended."""

    status_word: str
    """The tracker's own word for it."""

    started_at: float | None = None
    """When it began, in seconds since 1970."""

    ended_at: float | None = None
    """When it ended, in seconds since 1970."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    """Settings by name."""

    code: CodeReference | None = None
    """The code that ran."""

    command: tuple[str, ...] = ()
    """The command line, without secrets."""

    datasets: tuple[TrackedDataset, ...] = ()
    """The datasets that it names."""

    facts: Mapping[str, Any] = field(default_factory=dict)
    """What else it says: kept as a document."""

    gaps: tuple[tuple[str, str], ...] = ()
    """Subjects and descriptions of what was not imported."""

    taken: tuple[tuple[str, str], ...] = ()
    """The same of what was left out on purpose."""


@dataclass(frozen=True, slots=True)
class ImportedRun:
    """A run folder that an import wrote."""

    folder: Path
    """The run folder; its parent is the project that `provenance release` takes."""

    status: str
    """How the run ended."""

    checkpoints: tuple[str, ...]
    """Ids of the states that it saved."""

    entries: int
    """Entries with metrics in its training log."""

    gaps: tuple[Gap, ...]
    """What is not known."""


def moment_text(seconds: float | None) -> str | None:
    """Return a time as a record holds it, or nothing where there is no such time.

    Args:
        seconds: Seconds since 1970.
    """
    try:
        moment = datetime.fromtimestamp(seconds or -1.0, UTC)
    except (OverflowError, ValueError, OSError):
        return None
    usable = seconds is not None and seconds > 0
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if usable else None
