"""From what a tracker says of a finished run to a run folder that `provenance release` accepts.

It is written with the code that records a run. A gap says that all of it was imported after the
fact, users and hosts are left out, and secrets are taken out as everywhere.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from provenance import canonical
from provenance.capture import redact_mapping, resolve_configuration, to_scalar
from provenance.errors import (
    CanonicalError,
    ManifestError,
    ProvenanceError,
    RecordingError,
    UsageError,
)
from provenance.integrations.tracked_runs import ImportedRun, moment_text
from provenance.integrations.tracked_texts import public_line, public_text, public_tree
from provenance.manifest.datasets import Dataset
from provenance.manifest.frozen import thaw
from provenance.recording.about import generator
from provenance.recording.checkpoints import add_checkpoint, close_segment, open_segment
from provenance.recording.documents import add_document
from provenance.recording.imported import IMPORTED
from provenance.recording.lifecycle import set_configuration
from provenance.recording.metrics import MetricsLog
from provenance.recording.projects import read_project
from provenance.recording.recorder import MAX_NAME_CHARACTERS
from provenance.recording.records import Record
from provenance.recording.requeues import hold_folder
from provenance.recording.state import (
    RunState,
    describe_error,
    make_gap,
    new_run_folder,
    now,
    whole_second,
)

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from provenance.integrations.tracked_runs import Point, SavedState, TrackedDataset, TrackedRun

__all__ = ["write_run"]

#: Gaps for entries of a log that were left out, each by itself; more are counted by one gap.
MAX_ENTRY_GAPS: Final = 20


def write_run(
    run: TrackedRun,
    output: str | os.PathLike[str],
    points: Iterable[Point],
    saved: Callable[[Path], Sequence[SavedState]],
) -> ImportedRun:
    """Write a run folder; where that fails nothing of it stays.

    Args:
        run: What the tracker says.
        output: The project folder.
        points: The metrics, oldest first.
        saved: Called with a folder for what must be downloaded, it returns the saved weights,
            oldest first.

    Raises:
        InputError: The folder cannot be written, or saved weights cannot be read.
        RecordingError: Saved weights are no files.
        UsageError: The project has this run already.
    """
    _check_new(run, Path(output))
    folder = new_run_folder(Path(output), public_text(run.name)).resolve()
    state = RunState(_first_record(run, folder.name), folder, strict=False)
    try:
        hold_folder(state)
        return _Import(run, state).write(points, saved)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    finally:
        state.unlock()


def _check_new(run: TrackedRun, project: Path) -> None:
    try:
        found = read_project(project)
    except ProvenanceError:
        return  # nothing there, or a fault that the release reports
    for item in found:
        if run.id and any(segment.reason == _reason(run) for segment in item.record.segments):
            raise UsageError(
                path=str(item.folder),
                problem="this run was imported already",
                remedy="use what is there, or take its folder away first",
            )


def _reason(run: TrackedRun) -> str:
    text = f"imported from {run.tracker}"
    return f"{text}, run {public_line(run.id)}" if run.id else text


def _first_record(run: TrackedRun, identifier: str) -> Record:
    name = public_line(run.name, max_characters=MAX_NAME_CHARACTERS) or "run"
    started = moment_text(run.started_at) or moment_text(run.ended_at) or now()
    return Record(id=identifier, name=name, started_at=started, generator=generator(), trains=True)


class _Import:
    """The import of one run."""

    def __init__(self, run: TrackedRun, state: RunState) -> None:
        self._run = run
        self._state = state
        self._moment = run.started_at or run.ended_at or 0.0
        if moment_text(self._moment) is None:
            self._moment = datetime.now(UTC).timestamp()
        self._log = MetricsLog(state, clock=lambda: self._moment)
        self._entries = 0
        self._refused = 0

    def write(
        self, points: Iterable[Point], saved: Callable[[Path], Sequence[SavedState]]
    ) -> ImportedRun:
        run, state = self._run, self._state
        self._say_gaps()
        state.change(code=run.code, command=run.command)
        if run.settings:
            self._attempt("configuration", self._keep_settings)
        open_segment(state)
        latest = self._write_log(points)
        for dataset in run.datasets:
            self._write_dataset(dataset)
        place = _folder_of(state) / "artifacts"
        for item in saved(place):
            self._write_checkpoint(item, latest)
        self._attempt("tracker", self._keep_facts)
        self._finish()
        return ImportedRun(
            folder=_folder_of(state),
            status=state.record.status,
            checkpoints=tuple(it.id for it in state.record.checkpoints),
            entries=self._entries,
            gaps=state.record.gaps,
        )

    def _attempt(self, subject: str, act: Callable[[], None]) -> None:
        """Do one part; what is too much for a record is a gap, and the rest stays."""
        try:
            act()
        except (CanonicalError, ManifestError) as error:
            self._state.add_gaps([make_gap(subject, "failed", describe_error(error))])

    def _keep_settings(self) -> None:
        cleaned = redact_mapping(public_tree(self._run.settings))
        self._state.add_gaps(cleaned.gaps("configuration"))
        set_configuration(self._state, cleaned.value, {})

    def _say_gaps(self) -> None:
        run = self._run
        absent = [("recording", IMPORTED), *run.gaps]
        if moment_text(run.started_at) is None:
            absent.append(("clock", f"{run.tracker} does not say when the run began"))
        self._state.add_gaps(make_gap(subject, "absent", text) for subject, text in absent)
        self._state.add_gaps(make_gap(subject, "redacted", text) for subject, text in run.taken)

    def _write_log(self, points: Iterable[Point]) -> dict[int, dict[str, object]]:
        """Append all metrics; return those of the steps at which one was logged."""
        known: dict[int, dict[str, object]] = {}
        for point in points:
            if point.at is not None and moment_text(point.at) is not None:
                self._moment = point.at
            try:
                self._log.append(point.values, point.step, {})
            except ProvenanceError as error:
                self._refuse(error)
                continue
            self._entries += 1
            if point.step is not None:
                known.setdefault(point.step, {}).update(_numbers(point.values))
        if self._refused > MAX_ENTRY_GAPS:
            text = f"{self._refused} entries were left out; some are named"
            self._state.add_gaps([make_gap("log", "failed", text)])
        return known

    def _refuse(self, error: ProvenanceError) -> None:
        self._refused += 1
        if self._refused <= MAX_ENTRY_GAPS:
            self._state.add_gaps([make_gap("log", "failed", describe_error(error))])

    def _write_dataset(self, item: TrackedDataset) -> None:
        name = public_line(item.name, max_characters=MAX_NAME_CHARACTERS) or "dataset"
        identifier = self._state.new_id(name)
        source = redact_mapping(public_tree(item.source))
        self._state.add_gaps(source.gaps(identifier))
        captured = {"id": identifier, "name": name}
        authored = {"roles": item.roles, "sources": (source.value,)}
        self._state.add("datasets", self._state.made(Dataset, captured, authored))
        text = f"its content was not read; what {self._run.tracker} calls its digest binds nothing"
        self._state.add_gaps([make_gap(identifier, "absent", text)])

    def _write_checkpoint(
        self, item: SavedState, known: Mapping[int, Mapping[str, object]]
    ) -> None:
        if not item.path.exists():
            raise RecordingError(
                path=item.name,
                problem="there are no such files in the run",
                remedy="name artifacts of the run that hold its weights",
            )
        step = item.step if item.step is None or item.step >= 0 else None
        identifier = add_checkpoint(
            self._state,
            self._log,
            item.path,
            step=step,
            identifier=None,
            parents=(),
            metrics=None if step is None else known.get(step, {}),
            wait=True,
        )
        # When it was saved, and what it descends from, the tracker does not say.
        found = self._state.find("checkpoints", identifier)
        self._state.replace(
            "checkpoints", found.updated(saved_at=None, metrics=found.metrics or None)
        )

    def _keep_facts(self) -> None:
        run = self._run
        tree = {
            "tracker": run.tracker,
            "run": run.id,
            "status": run.status_word,
            "startedAt": moment_text(run.started_at),
            "endedAt": moment_text(run.ended_at),
            **run.facts,
        }
        stated = {name: value for name, value in tree.items() if value not in (None, "", {}, ())}
        found = resolve_configuration(public_tree(stated))
        self._state.add_gaps(gap.updated(subject="tracker", at=now()) for gap in found.gaps)
        data = canonical.write(thaw(found.value))
        title = f"What {run.tracker} says of the run"
        add_document(
            self._state,
            data,
            name="tracked-run.json",
            kind="other",
            suggested="tracked-run",
            title=title,
        )

    def _finish(self) -> None:
        run, state = self._run, self._state
        ended = moment_text(run.ended_at)
        if ended is not None:
            self._moment = run.ended_at or self._moment
        words = None if run.status == "completed" else f"{run.tracker} says {run.status_word}"
        if words is not None:
            state.add_gaps([make_gap("run", "crashed", f"the run was {run.status}: {words}")])
        close_segment(state, self._log, run.status)
        last = state.record.segments[-1]
        state.replace(
            "segments",
            last.updated(
                ended_at=None if ended is None else whole_second(ended),
                reason=_reason(run),
            ),
        )
        self._log.close(run.status)
        state.change(status=run.status, failure=words, ended_at=ended)
        state.closed = True


def _numbers(values: Mapping[str, object]) -> dict[str, object]:
    """Return those values that a log takes."""
    numbers: dict[str, object] = {}
    for name, value in values.items():
        with suppress(ProvenanceError):
            numbers[name] = to_scalar(value)
    return numbers


def _folder_of(state: RunState) -> Path:
    if state.folder is None:
        raise RecordingError(problem="an import has no run folder")
    return state.folder
