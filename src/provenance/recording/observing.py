"""Which data files a recorded script opens: from the beginning of a run to its end.

One audit hook for the process, set when the first run begins; without a run it does nothing. Only
Python's own opening is seen, in this process and in those forked from it.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final

from provenance.errors import UsageError, shown
from provenance.recording.state import make_gap
from provenance.recording.undeclared import Opened, find_undeclared
from provenance.recording.wrapped_child import MODULE_NAME, Watcher, log_identity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provenance.recording.state import RunState

__all__ = ["begin_observing", "end_observing", "keep_undeclared", "parse_events", "read_events"]

#: Most bytes of the log that forked processes write which are read.
MAX_LOG_BYTES: Final = 64 * 1024 * 1024

#: How far the clock of a file system may be behind ours, in seconds: it ticks with the kernel.
CLOCK_SECONDS: Final = 0.01

Event = tuple[str, str]


class _Observation:
    """What one run has to remember: where its events begin, and where its paths do."""

    def __init__(self, first: int, log: int, *, hashing: bool) -> None:
        self.first = first
        self.hashing = hashing
        self.began = time.time() - CLOCK_SECONDS
        self.folder = Path.cwd()
        self.log = log
        self.identity = log_identity(log)


_lock = Lock()
_observations: dict[int, _Observation] = {}
_watchers: list[Watcher] = []


def begin_observing(state: RunState, undeclared: str = "hash") -> None:
    """Listen from now on to what this process opens; a wrapper learns that the script records.

    Args:
        state: The run.
        undeclared: What becomes of undeclared inputs: `hash`, `list` or `ignore`.

    Raises:
        UsageError: It is another word.
    """
    kind = {"hash": "j", "list": "l", "ignore": "i"}.get(undeclared)
    wrapper = sys.modules.get(MODULE_NAME)
    if wrapper is not None and state.folder is not None:
        wrapper.joined(str(state.folder), kind or "j")
    if kind is None:
        raise UsageError(
            problem=f"undeclared inputs cannot be treated as {shown(undeclared)}",
            remedy="write hash, list or ignore",
        )
    if kind == "i":
        return
    with _lock:
        if not _watchers:
            _watchers.append(Watcher())
            _watchers[0].install()
        watcher = _watchers[0]
        if not _observations:
            watcher.events.clear()
        watcher.forget()
        log = _open_log()
        observation = _Observation(len(watcher.events), log, hashing=kind == "j")
        _observations[id(state)] = observation
        watcher.began = observation.began
        watcher.use_log(log)
        watcher.active = True


def end_observing(state: RunState, *, hashing: bool = True) -> None:
    """Keep what was opened and not declared in the record; a second call does nothing.

    Args:
        state: The run.
        hashing: Whether to read the files for their digests; nobody waits for that after a signal.
    """
    with _lock:
        observation = _observations.pop(id(state), None)
        if observation is None:
            return
        watcher = _watchers[0]
        events = watcher.events[observation.first :]
        if observation.log >= 0 and log_identity(observation.log) == observation.identity:
            events += parse_events(_take_log(observation.log))
        if not _observations:
            watcher.active = False
            watcher.use_log(-1)
            watcher.events.clear()
            watcher.forget()
    keep_undeclared(
        state,
        events,
        began=observation.began,
        project=observation.folder,
        hashing=hashing and observation.hashing,
    )


def keep_undeclared(
    state: RunState,
    events: Iterable[Event],
    *,
    began: float,
    project: Path,
    hashing: bool,
    outside: Iterable[str] = (),
) -> None:
    """Write the undeclared inputs among what was opened into a record.

    Args:
        state: The run.
        events: What a `Watcher` saw.
        began: See `find_undeclared`, as for the next two.
        project: The same.
        hashing: The same.
        outside: Folders whose files do not count.
    """
    events = tuple(events)
    own = [str(state.folder)] if state.folder is not None else []
    found, more = find_undeclared(
        read_events(events),
        state.record,
        began=began,
        project=project,
        runs=None if state.folder is None else state.folder.parent,
        outside=(*own, *outside),
        hashing=hashing,
    )
    if more:
        text = f"{more} more data files were opened and not declared, and are not listed"
        state.add_gaps([make_gap("inputs", "absent", text)])
    if any(kind == "f" for kind, _ in events):
        text = "the script opened more files than are kept, so that some are not listed"
        state.add_gaps([make_gap("inputs", "absent", text)])
    if found or more:
        state.change(undeclared_inputs=found)


def parse_events(data: bytes) -> list[Event]:
    """Return the events of a log; a last one that a kill cut off is left out."""
    return [
        (line[:1].decode("ascii", "replace"), os.fsdecode(line[1:]))
        for line in data.split(b"\0")[:-1]
        if line
    ]


def read_events(events: Iterable[Event]) -> list[Opened]:
    """Return the files that were read before they were written, each once."""
    opened: dict[str, Opened] = {}
    written: set[str] = set()
    for kind, text in events:
        if kind == "w":
            written.add(text)
        elif kind == "r" and text not in written:
            opened.setdefault(text, Opened(text))
        elif kind == "o":
            size, _, path = text.partition(":")
            if size.isdecimal() and path not in written:
                opened[path] = Opened(path, int(size))
    return list(opened.values())


def _open_log() -> int:
    """Return a descriptor of a file without a name, for what forked processes open; or -1."""
    try:
        # A bare descriptor: a run that is never finished warns of no file that was left open.
        with tempfile.TemporaryFile(buffering=0) as log:
            descriptor = os.dup(log.fileno())
        if os.name == "posix":
            import fcntl  # noqa: PLC0415 - POSIX only

            fcntl.fcntl(descriptor, fcntl.F_SETFL, os.O_APPEND)
    except OSError:  # no place for temporary files: only this process is seen
        return -1
    return descriptor


def _take_log(descriptor: int) -> bytes:
    """Return what a log holds, and close it."""
    try:
        with open(descriptor, "rb", buffering=0) as log:
            log.seek(0)
            return log.read(MAX_LOG_BYTES) or b""
    except OSError:  # the script closed every descriptor
        return b""
