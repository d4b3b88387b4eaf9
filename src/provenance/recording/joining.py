"""A wrapped script that records itself has one record: its own, with what only the wrapper saw."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from provenance.errors import ProvenanceError
from provenance.recording.observing import keep_undeclared
from provenance.recording.projects import read_record
from provenance.recording.records import RECORD_NAME
from provenance.recording.state import RunState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from provenance.recording.observing import Event

__all__ = ["JOINS", "join_records", "new_records"]

#: Kinds of events by which a script says that it records itself (`wrapped_child.joined`).
JOINS: Final = frozenset("jli")


def new_records(project: Path, known: set[Path]) -> set[Path]:
    """Return the run folders of a project that are not known."""
    try:
        return {
            path.resolve() for path in project.iterdir() if (path / RECORD_NAME).is_file()
        } - known
    except OSError:
        return set()  # it is not there yet


def join_records(
    folders: Sequence[Path], events: Sequence[Event], *, began: float, project: Path
) -> None:
    """Add to the record of a script what the wrapper saw and the script itself did not.

    That is what was opened before the script began to record. With several records nobody knows
    whose a file was, and one that is still open belongs to a process that may live: these stay as
    they are.
    """
    kinds = [kind for kind, _ in events if kind in JOINS]
    if len(folders) != 1 or kinds == ["i"]:
        return
    with suppress(ProvenanceError):  # the script's record is whole without it
        found = read_record(folders[0])
        if found.record.status == "running":
            return
        state = RunState(found.record, found.folder, strict=False)
        state.last_step = found.record.last_step
        state.metric_names = dict.fromkeys(found.record.metric_names)
        keep_undeclared(state, events, began=began, project=project, hashing=kinds == ["j"])
