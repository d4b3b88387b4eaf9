"""The training log of a run: one canonical line an entry, appended while the run goes on.

`entries` says what a line holds, `writer` appends and recovers, `reader` reads strictly and gives
the typed root. Inclusion and consistency proofs build on the same leaves later.
"""

from __future__ import annotations

from provenance.lazy import lazy_names

TYPE_CHECKING = False  # type checkers know the name

if TYPE_CHECKING:
    from provenance.training_log.entries import (
        LogEntry,
        encode_entry,
        encode_metrics,
        parse_entry,
    )
    from provenance.training_log.reader import iterate_entries, iterate_lines, log_root
    from provenance.training_log.writer import LogWriter

__all__ = [
    "LogEntry",
    "LogWriter",
    "encode_entry",
    "encode_metrics",
    "iterate_entries",
    "iterate_lines",
    "log_root",
    "parse_entry",
]

if not TYPE_CHECKING:
    _HOMES = {
        "provenance.training_log.entries": (
            "LogEntry",
            "encode_entry",
            "encode_metrics",
            "parse_entry",
        ),
        "provenance.training_log.reader": (
            "iterate_entries",
            "iterate_lines",
            "log_root",
        ),
        "provenance.training_log.writer": ("LogWriter",),
    }
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
