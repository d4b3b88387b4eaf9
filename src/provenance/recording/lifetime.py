"""How a run begins, waits and ends: by `finish`, an exception, a signal, with its interpreter."""

from __future__ import annotations

import atexit
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Self

from provenance.errors import ProvenanceError
from provenance.recording import checkpoints, lifecycle, metrics, resumption
from provenance.recording.active import activate, deactivate
from provenance.recording.faults import Guard, guarded, nothing
from provenance.recording.signals import Termination
from provenance.recording.state import describe_error, make_gap

if TYPE_CHECKING:
    import os
    from pathlib import Path
    from types import TracebackType

    from provenance.recording.drafts import Draft
    from provenance.recording.log_states import LogState
    from provenance.recording.records import Record
    from provenance.recording.state import RunState

__all__ = ["Lifetime"]

#: Seconds that a process which was asked to end still hashes; schedulers kill after 10 or more.
INTERRUPTED_SECONDS: Final = 5.0


class Lifetime:
    """The part of a run that is about itself; `Run` adds what a script declares."""

    def __init__(self, state: RunState) -> None:
        """Take over the state that `provenance.start` has prepared."""
        self._state = state
        self._log = metrics.MetricsLog(state)
        self._termination = Termination(self._interrupt)
        self._guard = Guard(state, self._termination)
        self._termination.install()
        activate(self)
        atexit.register(self._close_at_exit)

    @property
    def record(self) -> Record:
        """The record as it stands now; immutable."""
        return self._state.record

    @property
    def folder(self) -> Path | None:
        """The run folder; nothing if it could not be made."""
        return self._state.folder

    @property
    def rank(self) -> int:
        """Which of the processes that train together this is; rank 0 keeps the record."""
        return self._state.rank.number

    @property
    def resumed_from(self) -> Path | None:
        """The newest whole checkpoint of the run that is gone on with; nothing in a new run."""
        return resumption.resumed_place(self._state)

    @guarded(nothing)
    def gap(self, subject: str, description: str) -> None:
        """Say that something is missing from the record."""
        self._state.add_gaps([make_gap(subject, "absent", description)])
        self._state.write()

    def failed(self, action: str, error: Exception) -> None:
        """Say that something which records for this run broke: a gap and one warning.

        Adapters call it, and callbacks that record. A strict run raises instead.

        Args:
            action: What was to be recorded.
            error: What broke.

        Raises:
            ProvenanceError: The run is strict.
        """
        self._guard.failed(action, error)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until everything that was handed over is hashed; return whether it is.

        Args:
            timeout: Seconds to wait at most; nothing for as long as it takes.
        """
        # Not guarded: a signal must not have to wait for this.
        try:
            return self._state.background.wait(timeout)
        except Exception as error:  # noqa: BLE001 - as in every guarded method
            self._guard.failed("hashing", error)
            return not self._state.background.busy

    def finish(self, status: str | None = None, *, failure: BaseException | None = None) -> None:
        """Wait for hashing and close the record; later calls warn and do nothing.

        Args:
            status: `completed`, `failed` or `interrupted`; otherwise what follows from `failure`,
                or `interrupted` if a signal had asked the process to end, or `completed`.
            failure: The exception that ended it.
        """
        default = "completed" if self._state.signal is None else "interrupted"
        if failure is not None:
            default = lifecycle.status_after(failure)
        final = default if status is None else status
        try:
            self._settle(final)
        finally:
            self._finish(final, failure)
            deactivate(self)
            self._state.unlock()
            self._termination.remove()
            atexit.unregister(self._close_at_exit)

    def _settle(self, status: str) -> None:
        """Wait for hashing; not for long if the process is to end, so that the record is closed."""
        try:
            self.wait(INTERRUPTED_SECONDS if status == "interrupted" else None)
        finally:
            self._state.background.drop()

    @guarded(nothing)
    def _finish(self, status: str, failure: BaseException | None) -> None:
        lifecycle.check_status(status)
        text = None if failure is None else describe_error(failure)
        try:
            resumption.settle_segment(self._state, self._log.first_step)
            if self._state.record.segments:
                checkpoints.close_segment(self._state, self._log, status)
            self._log.close(status)
        finally:
            self._state.closed = True
            lifecycle.finish_record(self._state, status=status, failure=text)

    def release(self, output: str | os.PathLike[str], **options: Any) -> Draft:  # noqa: ANN401 - see there
        """Finish the run and release its project; takes the options of `provenance.release`.

        Raises:
            RecordingError: The run has no folder, or a release cannot be made.
        """
        from provenance.recording.publishing import release  # noqa: PLC0415 - only the last call needs it

        if not self._state.closed:
            self.finish()
        return release(lifecycle.project_of(self._state), output, **options)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Finish; an exception is recorded and goes on unchanged."""
        if self._state.closed:
            return
        if error is None:
            self.finish()
            return
        with suppress(ProvenanceError):  # even a strict run must not hide the script's exception
            self.finish(failure=error)

    @guarded(nothing)
    def begin_again(self, former: LogState) -> None:
        """Begin the segment of a resumed run; `provenance.start` calls it."""
        resumption.begin_again(self._state, self._log, former)

    @guarded(nothing)
    def _pause(self) -> None:
        """Write what is known to disk: the script's own handler may end the process or go on."""
        self._log.flush()
        self._state.change(status="interrupted", failure=self._state.signal)

    def _interrupt(self, signal: str, goes_on: bool) -> None:  # noqa: FBT001 - called by Termination
        if self._state.closed or not self._state.is_own_process():
            return
        self._state.signal = signal
        if goes_on:
            with suppress(ProvenanceError):  # also of a strict run: this is no call of the script
                self._pause()
            return
        with suppress(ProvenanceError):
            self._settle("interrupted")
        with suppress(ProvenanceError):
            self._finish("interrupted", None)
        self._state.unlock()

    def _close_at_exit(self) -> None:
        """Close a run that the script left open, when the interpreter ends."""
        if self._state.closed or not self._state.is_own_process():
            return
        error = getattr(sys, "last_value", None)
        if isinstance(error, BaseException):
            self.finish(failure=error)
        else:
            if self._state.signal is None:
                self.gap("finish", "the script ended without calling finish()")
            self.finish()
