"""What the training log of an earlier process tells: how far it came, when it wrote last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from provenance.training_log import iterate_entries

if TYPE_CHECKING:
    from pathlib import Path

    from provenance.recording.records import Record

__all__ = ["LogState", "read_log_state"]


@dataclass(frozen=True, slots=True)
class LogState:
    """The end of a log, as of its last segment."""

    first: int | None = None
    """The first step that the last segment logged."""

    last: int | None = None
    """The last one."""

    written_at: str | None = None
    """The time of the last entry."""

    entries: int = 0
    """How many complete entries there are."""

    def steps_done(self, from_step: int) -> int:
        """Return the number of steps done when the last segment began at `from_step`."""
        if self.first is None or self.last is None:
            return from_step
        return max(from_step, self.last + 1 if self.first == from_step else self.last)


def read_log_state(folder: Path, record: Record) -> LogState:
    """Read the log of a run, every complete line strictly; a torn last line is left out.

    Raises:
        InputError: It cannot be read, or changed while it was read.
        ManifestError: A complete line is no entry (code `log-malformed`).
    """
    if record.log is None or record.log.path is None:
        return LogState()
    first, last, written_at, entries = None, None, None, 0
    for entry in iterate_entries(folder / record.log.path, allow_torn=True):
        entries += 1
        written_at = entry.at
        if entry.kind == "segment":
            first, last = None, None
        elif entry.kind == "metrics" and entry.step is not None:
            first = entry.step if first is None else min(first, entry.step)
            last = entry.step if last is None else max(last, entry.step)
    return LogState(first, last, written_at, entries)
