"""The runs that are open in this process, so that an adapter finds the one that it belongs to."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, cast
from weakref import ref

if TYPE_CHECKING:
    from provenance.recording.lifetime import Lifetime
    from provenance.recording.run import Run

__all__ = ["activate", "current_run", "deactivate"]

# The process too: a forked one inherits the list, and is not recorded.
_open: Final[list[tuple[int, ref[Lifetime]]]] = []


def activate(run: Lifetime) -> None:
    """Make a run the current one of this process."""
    _open.append((os.getpid(), ref(run)))


def deactivate(run: Lifetime) -> None:
    """Take a run out; the one that was begun before it is current again."""
    _open[:] = [(process, it) for process, it in _open if it() not in (run, None)]


def current_run() -> Run | None:
    """Return the run that was begun last in this process and is not finished; otherwise nothing.

    Libraries between a script and the recorder use it: `if run := provenance.current_run(): …`.
    """
    for process, it in reversed(_open):
        run = it()
        if run is not None and process == os.getpid():
            return cast("Run", run)  # nothing else is made
    return None
