"""Datasets of a run: files and folders, and objects of the script, bound by their content."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from provenance.capture import redact_mapping
from provenance.errors import ProvenanceError, UsageError
from provenance.manifest.datasets import Dataset
from provenance.recording.content import (
    BYTES_NOT_READ,
    DIGESTS_GIVEN,
    Content,
    given_content,
    hash_content,
    tree_fields,
)
from provenance.recording.data_objects import DataObject, data_object
from provenance.recording.deferring import Sight, bind_later, look_at_large
from provenance.recording.facts import dataset_fields, listed, merged_dataset, without_nothing
from provenance.recording.private_files import (
    keep_private,
    reason_inside,
    refuse_unless_files,
    unchanged,
    unnamed,
)
from provenance.recording.projects import content_keys, dataset_keys
from provenance.recording.random_states import unchanged_random_states
from provenance.recording.state import make_gap, now

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from provenance.digest import Inventory
    from provenance.recording.state import RunState

__all__ = ["URI", "declare_dataset", "tried"]

#: What is declared without being read.
URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")

# Fields that bind a dataset without its files, by either name.
_DIGESTS: Final = frozenset({"record_tree", "recordTree", "record_set", "recordSet", "tensors"})


def declare_dataset(
    state: RunState,
    path: object,
    *,
    identifier: str | None,
    digests: Sequence[str],
    inventory: Inventory | str | os.PathLike[str] | None = None,
    wait: bool = False,
    private: bool | str = False,
    **authored: Any,  # noqa: ANN401 - fields of a dataset
) -> str:
    """Hash a dataset and record it, or add to one of the same content; see `Run.dataset`."""
    if private:
        refuse_unless_files(path, inventory)
    if path is None or isinstance(path, str | os.PathLike):
        return _declare_path(
            state,
            path,
            identifier=identifier,
            digests=tuple(digests),
            inventory=inventory,
            wait=wait,
            private=private,
            **authored,
        )
    if inventory is not None:
        raise UsageError(problem="an inventory lists files, and an object has none")
    return _declare_object(state, path, identifier=identifier, wait=wait, **authored)


def tried(state: RunState, subject: str, act: Any, item: Any, otherwise: Any) -> Any:  # noqa: ANN401 - any act
    """Do one part of a fact; if it fails, keep the rest of the fact and record a gap."""
    try:
        return act(state, item)
    except ProvenanceError as error:
        state.add_failure(subject, error)
        return otherwise


def _declare_path(
    state: RunState,
    path: str | os.PathLike[str] | None,
    *,
    identifier: str | None,
    digests: tuple[str, ...],
    inventory: Inventory | str | os.PathLike[str] | None,
    wait: bool,
    private: bool | str,
    **authored: Any,  # noqa: ANN401 - fields of a dataset
) -> str:
    content, sight = None, None
    private = private or reason_inside(state, path) or False
    suggested = "dataset" if private else _suggested_name(path)
    if path is not None and URI.match(os.fspath(path)):
        authored["source"] = (*listed(authored.get("source")), os.fspath(path))
        path = None
    if inventory is not None:
        hand_over = unnamed(_handed_over(path), state) if private else _handed_over(path)
        content = tried(state, "dataset", hand_over, inventory, None)
    elif path is not None:
        sight = None if wait else look_at_large(path)
        content = None if sight else _hash(state, path, digests, private=bool(private))
    fields = dataset_fields(**authored)
    with state.lock:
        known = _known_dataset(state, content) or _seen_dataset(state, sight, digests)
        if known is not None and identifier in {None, known.id}:
            keep_private(state, known.id, private)
            state.replace("datasets", merged_dataset(known, fields))
            return known.id
        dataset_id = state.new_id(identifier or suggested, chosen=identifier is not None)
        found: dict[str, Any] = {}
        if content is not None:
            found = tree_fields(content.inventory, dataset_id, state.folder)
            fields.setdefault("bytes", content.inventory.total_bytes)
        elif sight is not None:
            fields.setdefault("bytes", sight.bytes_)
            state.seen[sight, digests] = dataset_id
        unread = _unread(fields, content or sight, handed_over=inventory is not None)
        state.add_gaps([make_gap(dataset_id, "absent", unread)] if unread else [])
        if path is not None and (content or sight or private):
            state.locate(dataset_id, Path(os.path.realpath(path)))
        keep_private(state, dataset_id, private)
        _add(state, dataset_id, found, fields)
    if path is not None and sight is not None:
        read = _reader(state, sight.path, Path(path).name, digests, dataset_id)
        if private:
            read, sight = unnamed(unchanged(read, sight), state), None
        bind_later(state, "datasets", dataset_id, read, sight=sight)
    return dataset_id


def _declare_object(
    state: RunState,
    value: object,
    *,
    identifier: str | None,
    wait: bool,
    **authored: Any,  # noqa: ANN401 - fields of a dataset
) -> str:
    """Hash an object of the script as a dataset and record it.

    What the script could change is hashed before this returns; the rest may be hashed later.
    """
    fields = dataset_fields(**authored)
    found: DataObject | None = tried(
        state, "dataset", lambda _, item: data_object(item), value, None
    )
    later = found is not None and found.later and not wait
    content: dict[str, Any] = {}
    if found is not None and not later:
        with unchanged_random_states():  # the script's code makes the items
            content = tried(state, "dataset", lambda _, item: item.read(), found, {})
    with state.lock:
        known = _known_object(state, content)
        if known is not None and identifier in {None, known.id}:
            state.replace("datasets", merged_dataset(known, fields))
            return known.id
        wanted = identifier or (found.name if found is not None else "") or "dataset"
        dataset_id = state.new_id(wanted, chosen=identifier is not None)
        # What was counted stands in the place of what is said.
        counted = {name.rstrip("_") for name in content}
        said = {name: value for name, value in fields.items() if name not in counted}
        _add(state, dataset_id, content, said)
    if found is not None and later:
        bind_later(state, "datasets", dataset_id, found.read)
    return dataset_id


def _unread(fields: Mapping[str, Any], files: object, *, handed_over: bool) -> str:
    """Return what is to be said of digests that somebody else has worked out, if there are any."""
    if files is not None:
        return BYTES_NOT_READ if handed_over else ""
    return DIGESTS_GIVEN if _DIGESTS & fields.keys() else ""


def _add(
    state: RunState, dataset_id: str, found: Mapping[str, Any], fields: dict[str, Any]
) -> None:
    name = _author_name(state, dataset_id, fields.pop("name", dataset_id))
    captured = {"id": dataset_id, "name": name, **found}
    state.add("datasets", state.made(Dataset, captured, without_nothing(fields)))


def _author_name(state: RunState, dataset_id: str, name: object) -> object:
    """Return the name that the author gives a dataset, without secrets."""
    redacted = redact_mapping({"name": name})
    state.add_gaps(gap.updated(at=now()) for gap in redacted.gaps(dataset_id))
    return redacted.value["name"]


def _hash(
    state: RunState, path: str | os.PathLike[str], digests: Sequence[str], *, private: bool
) -> Content | None:
    """Hash a dataset; one that cannot be read is declared without being bound."""

    def act(_: RunState, place: str | os.PathLike[str]) -> Content:
        return hash_content(place, algorithms=digests)

    act = unnamed(act, state) if private else act
    content: Content | None = tried(state, "dataset", act, path, None)
    return content


def _handed_over(
    path: str | os.PathLike[str] | None,
) -> Callable[[RunState, Inventory | str | os.PathLike[str]], Content]:
    return lambda _, inventory: given_content(path, inventory)


def _reader(
    state: RunState, place: Path, name: str, digests: Sequence[str], identifier: str
) -> Callable[[], Mapping[str, Any]]:
    """Return what hashes a file or folder later and returns the fields of its dataset."""

    def read() -> Mapping[str, Any]:
        content = hash_content(place, algorithms=digests, name=name)
        return tree_fields(content.inventory, identifier, state.folder)

    return read


def _seen_dataset(state: RunState, sight: Sight | None, digests: tuple[str, ...]) -> Dataset | None:
    """Return the dataset that was declared by the same files, which look the same."""
    if sight is None or sight.files is None:
        return None
    known: Dataset | None = state.find("datasets", state.seen.get((sight, digests), ""))
    return known


def _known_object(state: RunState, content: Mapping[str, Any]) -> Dataset | None:
    if not content:
        return None
    keys = content_keys(None, (), content.get("tensors"), content.get("record_tree"))
    return next((it for it in state.record.datasets if keys & dataset_keys(it)), None)


def _known_dataset(state: RunState, content: Content | None) -> Dataset | None:
    if content is None:
        return None
    fields = tree_fields(content.inventory, "", None)
    keys = content_keys(content.inventory.root, fields.get("inventory", ()))
    return next((it for it in state.record.datasets if keys & dataset_keys(it)), None)


def _suggested_name(path: str | os.PathLike[str] | None) -> str:
    if path is None:
        return "dataset"
    return Path(os.fspath(path)).name.partition(".")[0] or "dataset"
