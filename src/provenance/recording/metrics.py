"""The metrics of a run: opens its training log at the first entry, counts its steps."""

from __future__ import annotations

import time
from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, SupportsIndex

from provenance.capture import to_scalar
from provenance.errors import UsageError, shown
from provenance.manifest.files import FileReference
from provenance.recording.state import describe_error
from provenance.training_log import LogWriter, encode_entry, encode_metrics

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from provenance.recording.state import RunState

__all__ = ["LOG_NAME", "MetricsLog"]

#: Name of the training log in a run folder.
LOG_NAME: Final = "training-log.jsonl"

#: Most names of metrics that a record lists; the log has them all.
MAX_NAMES: Final = 1_000

#: Longest name of a metric that a record lists, in characters.
MAX_NAME_CHARACTERS: Final = 200

_MILLISECONDS = 1_000


class MetricsLog:
    """The training log of one run, opened when it is first needed.

    Args:
        state: The run's state.
        clock: What tells the time of an entry, in seconds since 1970; an import tells that of the
            tracker.
    """

    def __init__(self, state: RunState, clock: Callable[[], float] = time.time) -> None:
        """Belong to a run; nothing is opened yet."""
        self._state = state
        self._time = clock
        self._writer: LogWriter | None = None
        self._clock = (-1, "")  # a whole second and its text; replaced at once, for threads
        self.first_step: int | None = None  # of the open segment
        self.latest: dict[str, int | float | Decimal] = {}  # by name, as of now

    def append(
        self,
        values: Mapping[str, object] | SupportsIndex | None,
        step: SupportsIndex | None,
        more: dict[str, object],
    ) -> None:
        """Append metrics; the step may stand in the place of the values.

        Raises:
            UsageError: The step is no step, or there is nothing to log.
            ProvenanceError: A value is no number and the run is strict, or the log cannot be
                written.
        """
        found: Mapping[str, object] = more
        if isinstance(values, Mapping):
            found = {**values, **more} if more else values
        elif values is not None:
            step = values if step is None else step
        if step is not None:
            step = _checked_step(step)
        if not found:
            raise UsageError(problem="there is nothing to log", remedy="name a metric")
        numbers = self._numbers(found)
        if not numbers:
            return
        if self._state.settings_changed:
            self._begin_segment()
        self._open().append(encode_metrics(self._now(), step, numbers))
        self._count(step, numbers)
        self.latest.update(numbers)

    def _numbers(self, values: Mapping[str, object]) -> dict[str, int | float | Decimal]:
        """Return the values that are numbers; each of the others is a gap."""
        try:
            return {name: _number(value) for name, value in values.items()}
        except Exception:  # again, one by one: the fast way is that of every step
            if self._state.strict:
                raise
            numbers = {}
        for name, value in values.items():
            try:
                numbers[name] = _number(value)
            except Exception as error:  # noqa: BLE001 - foreign objects may raise anything
                problem = f"{shown(name)}: {describe_error(error)}"
                self._state.add_failure("log", UsageError(problem=problem))
        return numbers

    def event(self, kind: str, *, step: int | None = None, **fields: Any) -> None:  # noqa: ANN401 - JSON
        """Append an entry about the run's life and write all that waits; raises as `append`."""
        writer = self._open()
        writer.append(encode_entry(kind, self._now(), step=step, **fields))
        writer.flush()

    def flush(self) -> None:
        """Write every line that waits; raises as `append`."""
        if self._writer is not None:
            self._writer.flush()

    def close(self, status: str) -> None:
        """Write the last entry and close the log, if there is one; raises as `append`."""
        if self._writer is None:
            return
        try:
            self.event("finish", status=status)
        finally:
            self._writer.close()

    def steps_done(self, from_step: int) -> int:
        """Return the number of steps done: by the log, counted from 0 or from 1 as the script does.

        A script that logs the segment's first step under its own number counts from 0, and the last
        number logged is one less than the steps done; otherwise it is the steps done.
        """
        last = self._state.last_step
        if last is None or self.first_step is None:
            return from_step
        return max(from_step, last + 1 if self.first_step == from_step else last)

    def _open(self) -> LogWriter:
        if self._writer is None:
            with self._state.lock:
                if self._writer is None:
                    self._writer = self._begin()
        return self._writer

    def _begin(self) -> LogWriter:
        if self._state.folder is None:
            raise UsageError(
                problem="there is no run folder, so metrics are not kept",
                remedy="name an output that you may write to",
            )
        from provenance.recording.checkpoints import open_segment  # noqa: PLC0415 - it imports this module

        writer = LogWriter(self._state.folder / LOG_NAME)
        writer.append(encode_entry("start", self._now(), run=self._state.record.id))
        open_segment(self._state)
        self._state.change(log=FileReference(path=LOG_NAME, media_type="application/jsonl"))
        return writer

    def _begin_segment(self) -> None:
        """Begin the segment of settings that changed while the script trained on."""
        from provenance.recording.checkpoints import begin_segment  # noqa: PLC0415 - as above

        begin_segment(
            self._state,
            self,
            from_step=None,
            resumed_from=None,
            event="configuration",
            reason="the settings changed",
        )

    def _count(self, step: int | None, numbers: Mapping[str, object]) -> None:
        if step is not None:
            if self.first_step is None or step < self.first_step:
                self.first_step = step
            if self._state.last_step is None or step > self._state.last_step:
                self._state.last_step = step
        if not self._state.metric_names.keys() >= numbers.keys():
            with self._state.lock:
                known = self._state.metric_names
                fitting = (
                    name
                    for name in numbers
                    if 0 < len(name) <= MAX_NAME_CHARACTERS and name.isprintable()
                )
                known.update(dict.fromkeys(islice(fitting, MAX_NAMES - len(known))))

    def _now(self) -> str:
        moment = self._time()
        second = int(moment)
        known, text = self._clock
        if second != known:
            text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
            self._clock = (second, text)
        return f"{text}.{int((moment - second) * _MILLISECONDS):03d}Z"


def _number(value: object) -> int | float | Decimal:
    if type(value) is float or type(value) is int:
        return value
    scalar = to_scalar(value)
    if isinstance(scalar, str):
        raise UsageError(problem=f"a metric is a number, not the text {shown(scalar)}")
    return int(scalar) if isinstance(scalar, bool) else scalar


def _checked_step(step: object) -> int:
    if type(step) is int and step >= 0:
        return step
    number = to_scalar(step)
    if isinstance(number, bool | str) or int(number) != number or number < 0:
        raise UsageError(problem=f"a step is a whole number from 0, not {shown(step)}")
    return int(number)
