"""Ids across the runs of a project: one content, one id; two things, two ids. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from provenance.errors import RecordingError, shown
from provenance.recording.kept_runs import saved_elsewhere
from provenance.recording.projects import dataset_keys

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from provenance.recording.private_files import PrivateData
    from provenance.recording.projects import FoundRecord

__all__ = ["Identities", "assign_identities"]

# Lists of a record whose items get an id of their own, in the order in which ids are given out.
_KINDS: Final = ("datasets", "processing", "segments", "checkpoints", "evaluations", "documents")


@dataclass(frozen=True, slots=True)
class Identities:
    """What each run's ids are called in the manifest."""

    by_run: tuple[dict[str, str], ...]
    """For each run: its own id → the id in the manifest. Read-only."""

    unknown: tuple[frozenset[str], ...]
    """For each run: ids of checkpoints that it read and no run saved."""

    owners: dict[str, tuple[int, str]]
    """For each id of the manifest, run and id of the first item that bears it. Read-only."""

    def resolve(self, run: int, identifier: str) -> str | None:
        """Return the id in the manifest of what a run calls by this id, or nothing.

        An id that the run itself does not know is one that another process gave: `run.evaluation`
        may name a dataset that only the preparing process declared.
        """
        own = self.by_run[run].get(identifier)
        if own is not None or identifier in self.unknown[run]:
            return own
        elsewhere = {names[identifier] for names in self.by_run if identifier in names}
        return elsewhere.pop() if len(elsewhere) == 1 else None


def assign_identities(runs: Sequence[FoundRecord], private: PrivateData) -> Identities:
    """Give every item of these runs its id in the manifest.

    Ids that a script chose stay. Datasets and documents of equal content are one. A checkpoint that
    a run only read is the one that another run saved. Private data is not named after its folder.

    Raises:
        RecordingError: Two runs chose the same id for different things.
    """
    by_run: tuple[dict[str, str], ...] = tuple({} for _ in runs)
    owners: dict[str, tuple[int, str]] = {}
    groups = _groups(runs)
    # Chosen ids first, so that no made-up one takes theirs.
    for members in sorted(groups, key=lambda group: _chosen(runs, group) is None):
        chosen = _chosen(runs, members)
        if chosen is not None and chosen in owners:
            raise _conflict(runs, chosen, owners[chosen][0], members[0][0])
        is_private = any(_is_private(runs[run], local, private) for run, local in members)
        identifier = chosen or _unused("dataset" if is_private else members[0][1], owners)
        owners[identifier] = members[0]
        for run, local in members:
            by_run[run][local] = identifier
    for index, found in enumerate(runs):
        for used in found.record.used_checkpoints:
            for owner, saved in saved_elsewhere(used.id, found, runs)[:1]:
                by_run[index].setdefault(used.id, by_run[_position(runs, owner)][saved])
    unknown = tuple(
        frozenset(it.id for it in found.record.used_checkpoints if it.id not in by_run[index])
        for index, found in enumerate(runs)
    )
    return Identities(by_run, unknown, owners)


def _is_private(found: FoundRecord, local: str, private: PrivateData) -> bool:
    if any(item.id == local for item in found.record.private):
        return True
    dataset = next((it for it in found.record.datasets if it.id == local), None)
    return dataset is not None and private.reason_for(dataset, found) is not None


def _groups(runs: Sequence[FoundRecord]) -> list[list[tuple[int, str]]]:
    """Return lists of (run, id) that are one thing, in the order of their first members."""
    groups: list[list[tuple[int, str]]] = []
    known: dict[str, list[tuple[int, str]]] = {}
    for kind in _KINDS:
        for index, item in _items(runs, kind):
            keys = [f"{kind}/{key}" for key in _joining_keys(kind, item)]
            found = next((known[key] for key in keys if key in known), None)
            if found is None:
                found = []
                groups.append(found)
            found.append((index, item.id))
            known.update(dict.fromkeys(keys, found))
    return groups


def _items(runs: Sequence[FoundRecord], kind: str) -> Iterator[tuple[int, Any]]:
    for index, run in enumerate(runs):
        for item in getattr(run.record, kind):
            yield index, item


def _joining_keys(kind: str, item: Any) -> frozenset[str]:  # noqa: ANN401 - one of several documents
    if kind == "datasets":
        return dataset_keys(item) or frozenset({f"id:{item.id}"})
    if kind == "documents" and item.digest:
        return frozenset({f"{item.kind}:{item.size}:{dict(item.digest)}"})
    return frozenset()


def _chosen(runs: Sequence[FoundRecord], members: Sequence[tuple[int, str]]) -> str | None:
    return next((local for run, local in members if local in runs[run].record.chosen_ids), None)


def _unused(wanted: str, taken: dict[str, tuple[int, str]]) -> str:
    numbered = (wanted if n == 1 else f"{wanted}-{n}" for n in range(1, len(taken) + 2))
    return next(identifier for identifier in numbered if identifier not in taken)


def _position(runs: Sequence[FoundRecord], run: FoundRecord) -> int:
    return next(index for index, other in enumerate(runs) if other is run)


def _conflict(runs: Sequence[FoundRecord], identifier: str, one: int, other: int) -> RecordingError:
    return RecordingError(
        problem=f"{runs[one].record.id} and {runs[other].record.id} both use the id "
        f"{shown(identifier)}, for different things",
        remedy="name the runs to release (runs=…, --run), or remove the folder of the wrong one",
    )
