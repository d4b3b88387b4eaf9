"""Settings, notes, facts about the model, and how a run ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provenance import canonical
from provenance.capture import capture_again, describe_compute, redact_text, resolve_configuration
from provenance.digest import write_atomic
from provenance.errors import ProvenanceError, RecordingError, UsageError, shown
from provenance.manifest.compute import JournalEntry
from provenance.manifest.files import SupportingDocument
from provenance.manifest.frozen import plain
from provenance.manifest.model import Model
from provenance.recording.computing import finished_compute, sum_compute
from provenance.recording.content import reference_to
from provenance.recording.deletions import mark_deleted
from provenance.recording.documents import DOCUMENTS
from provenance.recording.facts import joined, without_nothing
from provenance.recording.observing import end_observing
from provenance.recording.state import make_gap, now

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from provenance.manifest.compute import Compute
    from provenance.manifest.processing import Environment
    from provenance.manifest.training import UndeclaredInput
    from provenance.recording.metrics import MetricsLog
    from provenance.recording.state import RunState

__all__ = [
    "add_compute",
    "add_note",
    "check_status",
    "finish_record",
    "project_of",
    "set_configuration",
    "set_model",
    "set_seeds",
    "status_after",
]

_STATUSES = ("completed", "failed", "interrupted")

# Stands in the record while undeclared inputs are looked for: a process killed meanwhile leaves it.
_UNFINISHED_INPUTS = "what the script opened and did not declare was not looked through to the end"


def set_configuration(
    state: RunState,
    settings: object,
    more: Mapping[str, object],
    *,
    log: MetricsLog | None = None,
) -> None:
    """Add resolved settings to those that hold, and keep them as a document.

    Steps that are done keep the settings that they were done under: what changes one of those
    holds from the next segment on, which the script begins, or else the next entry of the log.
    """
    found: dict[str, Any] = {}
    for part in (settings, more):
        if part is not None and part != {}:
            captured = resolve_configuration(part)
            if captured.gaps and not captured.value:
                raise UsageError(problem=captured.gaps[0].description)
            found.update(captured.value)
            state.add_gaps(captured.gaps)
    with state.lock:
        held = state.record.hyperparameters
        values = joined(held, found)
        _note_change(state, log, held, values)
        identifier = _keep_configuration(state, values)
        state.change(hyperparameters=values, configuration=identifier)
        _update_segment(state, hyperparameters=values, configuration=identifier)


def set_seeds(state: RunState, seeds: Mapping[str, object], *, log: MetricsLog) -> None:
    """Add seeds to those that hold; a change holds from the next segment on, as of settings."""
    with state.lock:
        values = joined(state.record.seeds, seeds)
        _note_change(state, log, state.record.seeds, values)
        state.change(seeds=values)
        _update_segment(state, seeds=values)


def add_note(state: RunState, text: str, *, step: int | None, author: str | None) -> None:
    """Add an entry to the journal."""
    with state.lock:
        segment = state.record.segments[-1].id if state.record.segments else None
        clean = redact_text(text)
        state.add_gaps(clean.gaps("note"))
        fields = {
            "date": now(),
            "text": clean.value,
            "step": step,
            "author": author,
            "segment": segment,
        }
        state.add("journal", JournalEntry(**without_nothing(fields)))


def set_model(state: RunState, authored: Mapping[str, Any]) -> None:
    """Add facts about the model, checked like the manifest's own."""
    fields = dict(authored)
    count = fields.pop("parameter_count", None)
    if isinstance(fields.get("architecture"), str):
        fields["architecture"] = {"family": fields["architecture"]}
    if count is not None:
        fields["architecture"] = {**(fields.get("architecture") or {}), "parameter_count": count}
    if isinstance(fields.get("licenses"), str):
        fields["licenses"] = (fields["licenses"],)
    with state.lock:
        known = plain(state.record.model) if state.record.model else {}
        checked = Model(**{"name": "unnamed", **known, **fields}).to_tree()
        if "name" not in known and "name" not in fields:
            del checked["name"]
        state.change(model=checked)


def check_status(status: str) -> None:
    """Refuse a word that is no end of a run.

    Raises:
        UsageError: It is none.
    """
    if status not in _STATUSES:
        raise UsageError(problem=f"a run ends as {', '.join(_STATUSES)}, not {shown(status)}")


def status_after(error: BaseException) -> str:
    """Return how a run has ended that an exception has ended."""
    return "failed" if isinstance(error, Exception) else "interrupted"


def finish_record(state: RunState, *, status: str, failure: str | None) -> None:
    """Close the last segment and write the record for the last time."""
    with state.lock:
        if state.settings_changed:
            text = "settings were changed after the last step, and no step was done under them"
            state.add_gaps([make_gap("settings", "absent", text)])
        if status != "completed":
            what = failure or state.signal or "the process was asked to end"
            state.add_gaps([make_gap("run", "crashed", f"the run was {status}: {what}")])
        ended = now()
        environment = _settle_environment(state)
        hardware = environment.hardware if environment is not None else None
        compute = describe_compute(state.stopwatch.read(), hardware)
        state.stopwatch.close()
        state.add_gaps(compute.gaps)
        if jump := state.clock_jump():
            text = f"the clock was set by {jump:+.0f} seconds while the run went on"
            state.add_gaps([make_gap("clock", "failed", text)])
        earlier = state.record.undeclared_inputs
        mark_deleted(state)
        looking = make_gap("inputs", "absent", _UNFINISHED_INPUTS)
        state.add_gaps([looking])
        state.change(
            status=status,
            failure=failure or (state.signal if status == "interrupted" else None),
            ended_at=ended,
            compute=add_compute(state.earlier_compute, finished_compute(state, compute.value)),
        )
        try:
            end_observing(state, hashing=status != "interrupted")
        except (ProvenanceError, OSError) as error:
            state.add_failure("inputs", error)
        _keep_inputs(state, earlier)
        state.change(gaps=tuple(it for it in state.record.gaps if it != looking))


def _settle_environment(state: RunState) -> Environment | None:
    """Add to the environment what became known while the process worked, and return it."""
    environment = state.record.environment
    if environment is None:
        return None
    later = capture_again(environment)
    state.add_gaps(later.gaps)
    state.change(environment=later.value)
    return later.value


def add_compute(one: Compute | None, other: Compute) -> Compute:
    """Return what two processes of one run used together, one after the other."""
    return other if one is None else sum_compute([one, other])


def _keep_inputs(state: RunState, earlier: Sequence[UndeclaredInput]) -> None:
    """Keep what earlier processes of the run opened beside what this one did."""
    here = {it.path for it in state.record.undeclared_inputs}
    more = tuple(it for it in earlier if it.path not in here)
    if more:
        state.change(undeclared_inputs=(*more, *state.record.undeclared_inputs))


def project_of(state: RunState) -> Path:
    """Return the project folder of a run.

    Raises:
        RecordingError: The run has no folder.
    """
    if not state.rank.writes:
        raise RecordingError(
            problem=f"this is rank {state.rank.number}, and rank 0 keeps the record",
            remedy="release where run.rank is 0",
        )
    if state.folder is None:
        raise RecordingError(
            problem="the run folder could not be made, so there is nothing to release",
            remedy="name an output that you may write to, and run again",
        )
    return state.folder.parent


def _note_change(
    state: RunState,
    log: MetricsLog | None,
    held: Mapping[str, Any] | None,
    values: Mapping[str, Any],
) -> None:
    """Remember that a value which steps were done under is another from here on."""
    segment = state.record.segments[-1] if state.record.segments else None
    worked = segment is not None and (
        (log is not None and log.first_step is not None) or segment.to_step > segment.from_step
    )
    before, after = plain(held or {}), plain(values)
    if worked and any(after[name] != value for name, value in before.items()):
        state.settings_changed = True


def _update_segment(state: RunState, **changes: object) -> None:
    if state.record.segments and not state.settings_changed:
        state.replace("segments", state.record.segments[-1].updated(**changes))


def _keep_configuration(state: RunState, values: Mapping[str, Any]) -> str | None:
    """Write the settings as a document; a segment of its own has a document of its own."""
    if state.folder is None:
        return None
    number = max(1, len(state.record.segments) + state.settings_changed)
    identifier = f"configuration-{state.record.name}-{number}"
    known = state.find("documents", state.record.configuration or "")
    if known is None or _is_used_before(state, known.id):
        identifier = state.new_id(identifier)
    else:
        identifier = known.id
    data = canonical.write(values)
    path = f"{DOCUMENTS}/{identifier}.json"
    (state.folder / DOCUMENTS).mkdir(exist_ok=True)
    write_atomic(state.folder / path, data)
    reference = reference_to(
        data, path=path, media_type="application/json", name=f"{identifier}.json"
    )
    document = SupportingDocument(**dict(reference), id=identifier, kind="configuration")
    if known is not None and known.id == identifier:
        state.replace("documents", document)
    else:
        state.add("documents", document)
    return identifier


def _is_used_before(state: RunState, identifier: str) -> bool:
    segments = state.record.segments
    earlier = segments if state.settings_changed else segments[:-1]
    return any(it.configuration == identifier for it in earlier)
