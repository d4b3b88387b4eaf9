"""Datasets that a script declares as private: their files are bound, and nowhere named.

The run folder, which nobody publishes, keeps the inventory, for a release to salt it. What else a
record says is published, so messages of failures must not name a file either.
"""

from __future__ import annotations

import functools
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

from provenance.canonical import MAX_INVENTORY_BYTES
from provenance.capture import redact_text
from provenance.digest import Inventory, read_file
from provenance.errors import ProvenanceError, RecordingError, UsageError
from provenance.recording.projects import dataset_keys
from provenance.recording.records import PrivateFiles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from provenance.manifest.datasets import Dataset
    from provenance.recording.deferring import Sight
    from provenance.recording.projects import FoundRecord
    from provenance.recording.state import RunState

__all__ = [
    "REASON",
    "PrivateData",
    "find_private",
    "keep_private",
    "public_code",
    "reason_inside",
    "refuse_unless_files",
    "unchanged",
    "unnamed",
    "without_private",
]

#: What stands in a command where a path of private data was.
HIDDEN: Final = "[private]"

# What stands between the names of files in a text.
_BETWEEN_NAMES: Final = re.compile(r"[\s'\"`/\\:,;()=]+")

_P = ParamSpec("_P")
_R = TypeVar("_R")

#: What a manifest says where the script gives no reason.
REASON: Final = "the files of this dataset are private"


def refuse_unless_files(path: object, inventory: object) -> None:
    """Refuse what has no files that could be bound without being named.

    Raises:
        UsageError: It is an object, a URI, or nothing.
    """
    if inventory is None and (not hasattr(path, "__fspath__") and not _is_local(path)):
        raise UsageError(
            problem="a private dataset is a file or a folder: other data has no inventory to salt",
            remedy="name its files, or withhold its digests with rules when it is released",
        )


def keep_private(state: RunState, identifier: str, private: bool | str) -> None:  # noqa: FBT001 - or a reason
    """Record that a dataset is private; whoever said so once is right."""
    if not private or state.find("private", identifier) is not None:
        return
    said = private.strip() if isinstance(private, str) else ""
    reason = redact_text(said).value or REASON
    try:
        item = PrivateFiles(id=identifier, reason=reason)
    except ProvenanceError:  # a bad reason makes nothing public
        item = PrivateFiles(id=identifier, reason=REASON)
    state.add("private", item)


def unnamed(act: Callable[_P, _R], state: RunState) -> Callable[_P, _R]:
    """Return the same act, whose failure names no file, because a gap would publish it.

    In strict mode the script ends with the failure, which is then told as it is.
    """

    @functools.wraps(act)
    def quiet(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        try:
            return act(*args, **kwargs)
        except (ProvenanceError, OSError) as error:
            if state.strict:
                raise
            raise RecordingError(
                problem=f"a private dataset could not be bound ({type(error).__name__})",
                remedy="`strict=True` ends the script and names the file",
            ) from None

    return quiet


def unchanged(read: Callable[[], _R], sight: Sight) -> Callable[[], _R]:
    """Return a reader that insists that the files looked the same before and after."""

    def checked() -> _R:
        sight.require_same()
        found = read()
        sight.require_same()
        return found

    return checked


@dataclass(frozen=True, slots=True)
class PrivateData:
    """What any run of a project calls private; a run that is left out of a release counts too."""

    reasons: Mapping[str, str]
    """Why, by what identifies the content of a dataset."""

    digests: frozenset[str]
    """The BLAKE3 digests of the files."""

    names: frozenset[str]
    """The base names of the files."""

    places: Mapping[str, str]
    """Why, by the absolute path of a dataset on this machine."""

    def is_named_in(self, text: str) -> bool:
        """Return whether a text holds the path of a private dataset, or the name of its file."""
        if any(it in text or f"{PurePosixPath(it).name}/" in text for it in self.places):
            return True
        words = set(_BETWEEN_NAMES.split(text)) & self.names
        return any(not it.isalpha() for it in words)  # a plain word is no sign of a file

    def public_word(self, word: str) -> str:
        """Return a word of a command, or `[private]` where it is a path of private data."""
        option, equals, value = word.rpartition("=")
        name = PurePosixPath(value).name
        is_base = name in self.names or any(PurePosixPath(it).name == name for it in self.places)
        if not is_base and not self.is_named_in(value):
            return word
        return f"{option}{equals}{HIDDEN}"

    def has_file(self, path: str, digest: str | None = None) -> bool:
        """Return whether a file is, or is named like, a private one."""
        return PurePosixPath(path).name in self.names or digest in self.digests

    def reason_for(self, dataset: Dataset, run: FoundRecord) -> str | None:
        """Return why a dataset of a run is private, by content or place; nothing if it is not."""
        place = _place_of(dataset.id, run)
        above = () if place is None else (place, *map(str, PurePosixPath(place).parents))
        told = {**self.places, **self.reasons}
        return next((told[it] for it in (*dataset_keys(dataset), *above) if it in told), None)


def find_private(runs: Iterable[FoundRecord]) -> PrivateData:
    """Return what these runs call private.

    Raises:
        InputError: The inventory of a private dataset cannot be read.
        DigestError: It breaks its format.
    """
    reasons: dict[str, str] = {}
    places: dict[str, str] = {}
    found: set[tuple[str, str]] = set()
    for run in runs:
        private = {item.id: item.reason for item in run.record.private}
        for dataset in run.record.datasets:
            if dataset.id in private:
                for key in dataset_keys(dataset):
                    reasons.setdefault(key, private[dataset.id])
                place = _place_of(dataset.id, run)
                if place is not None:
                    places.setdefault(place, private[dataset.id])
                found |= set(_files_of(dataset, run.folder))
    return PrivateData(
        reasons,
        frozenset(digest for _, digest in found),
        frozenset(PurePosixPath(name).name for name, _ in found),
        places,
    )


def _place_of(identifier: str, run: FoundRecord) -> str | None:
    places: Mapping[str, object] = run.record.locations or {}
    known = places.get(identifier)
    return os.path.realpath(run.folder.parent / known) if isinstance(known, str) else None


def without_private(
    inputs: Sequence[Mapping[str, Any]], private: PrivateData
) -> list[Mapping[str, Any]]:
    """Return undeclared inputs without private files.

    Args:
        inputs: Trees of undeclared inputs; a file is known by its digest or by its own name.
        private: What is private.
    """
    return [
        item
        for item in inputs
        if not private.has_file(item["path"], (item.get("digest") or {}).get("blake3"))
    ]


def public_code(code: Mapping[str, Any], private: PrivateData) -> dict[str, Any]:
    """Return a code reference that names no private file, nor binds what one holds.

    Args:
        code: The tree of a `CodeReference`.
        private: What is private.
    """
    named = tuple(code.get("modifiedFiles") or ())
    kept = [path for path in named if not private.has_file(path)]
    if len(kept) == len(named):
        return dict(code)
    rest = {key: it for key, it in code.items() if key not in {"modifiedFiles", "patch"}}
    return {**rest, "modifiedFiles": kept} if kept else rest


def reason_inside(state: RunState, path: str | os.PathLike[str] | None) -> str | None:
    """Return why what lies at or below the place of a private dataset is private, else nothing."""
    places: Mapping[str, object] = state.record.locations or {}
    if path is None or state.folder is None:
        return None
    for item in state.record.private:
        known = places.get(item.id)
        if isinstance(known, str):
            base = os.path.realpath(state.folder.parent / known)
            with suppress(ValueError):  # no path at all, which is told where it is read
                if Path(os.path.realpath(path)).is_relative_to(base):
                    return item.reason
    return None


def _files_of(dataset: Dataset, folder: Path) -> Iterator[tuple[str, str]]:
    """Yield name and BLAKE3 digest of the files of a dataset."""
    for entry in dataset.inventory:
        yield entry.path, entry.digest["blake3"]
    if dataset.inventory_file is not None and dataset.inventory_file.path is not None:
        place = folder / dataset.inventory_file.path
        data = read_file(place, max_bytes=MAX_INVENTORY_BYTES)
        for item in Inventory.from_bytes(data, source=str(place)).entries:
            yield item.path, item.digest.blake3


def _is_local(path: object) -> bool:
    return isinstance(path, str) and "://" not in path
