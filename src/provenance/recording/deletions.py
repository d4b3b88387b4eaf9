"""Checkpoints that were deleted since they were saved: their digests stay, marked as such."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.recording.projects import FoundRecord
from provenance.recording.requeues import checkpoint_place

if TYPE_CHECKING:
    from pathlib import Path

    from provenance.recording.state import RunState

__all__ = ["mark_deleted"]


def mark_deleted(state: RunState) -> None:
    """Say of each checkpoint of which nothing lies where it was saved that it was deleted.

    What the script has said of its availability stays.

    Raises:
        ProvenanceError: The record cannot be written.
    """
    if state.folder is None:
        return
    found = FoundRecord(state.folder, state.record)
    items = tuple(
        saved.updated(availability="deleted")
        if saved.availability is None and _is_gone(checkpoint_place(found, saved.id))
        else saved
        for saved in state.record.checkpoints
    )
    if items != state.record.checkpoints:
        state.change(checkpoints=items)


def _is_gone(place: Path | None) -> bool:
    """Return whether nothing lies in a place; what cannot be looked at may well be there."""
    try:
        if place is not None:
            place.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        pass
    return False
