"""Which files are released: those of the checkpoint, and those that the author adds."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from provenance.checks import MANIFEST_FOLDER, OMS_FILE
from provenance.digest import check_name, walk_tree
from provenance.errors import DigestError, RecordingError
from provenance.recording.layout import place_file, place_tree
from provenance.recording.weights import is_weights

if TYPE_CHECKING:
    from provenance.recording.merging import Merged

__all__ = ["Placed", "place_released"]

#: Name under which a checkpoint of a single file is released; its ending stays.
WEIGHTS_NAME = "model"


@dataclass(frozen=True, slots=True)
class Placed:
    """The files of the checkpoint in the release."""

    names: Mapping[str, str] = field(default_factory=dict)
    """Name in the checkpoint, by name in the release."""


def place_released(
    merged: Merged,
    files: Sequence[str | os.PathLike[str]] | Mapping[str, str | os.PathLike[str]],
    folder: Path,
    *,
    link: bool,
) -> Placed:
    """Copy or link what is released into a folder.

    Raises:
        RecordingError: The checkpoint's files are gone, or a name is refused or taken twice.
        InputError: A file cannot be read.
    """
    more = _named(files)
    placed: dict[str, str] = {}
    if not any(is_weights(name) for name in more):
        placed = _place_checkpoint(merged, folder, link=link)
    for name, source in more.items():
        _check(name)
        if (folder / name).exists():
            raise RecordingError(
                path=name,
                problem="two released files have this name",
                remedy="give one of them another name",
            )
        place_file(source, folder / name, link=link)
    return Placed(placed)


def _named(
    files: Sequence[str | os.PathLike[str]] | Mapping[str, str | os.PathLike[str]],
) -> dict[str, Path]:
    """Return every single file to release, by its name in the release."""
    pairs = files.items() if isinstance(files, Mapping) else [(Path(it).name, it) for it in files]
    found: dict[str, Path] = {}
    for name, item in pairs:
        path = Path(os.path.realpath(item))
        if path.is_dir():
            inside = _walk(path)
            found.update({f"{name}/{part}": path / part for part in inside})
        else:
            found[name] = path
    return found


def _place_checkpoint(merged: Merged, folder: Path, *, link: bool) -> dict[str, str]:
    place = merged.location
    if place is None or not place.exists():
        raise RecordingError(
            path=str(place or merged.checkpoint),
            problem="the files of the chosen checkpoint are not where they were recorded",
            remedy="bring them back, or name the weights to release as files",
        )
    if not place.is_dir():
        name = WEIGHTS_NAME + place.suffix if is_weights(place.name) else place.name
        _check(name)
        place_file(place, folder / name, link=link)
        return {name: _recorded_name(merged, place.name)}
    names = _walk(place)
    for name in names:
        _check(name)
    place_tree(place, names, folder, link=link)
    return {name: name for name in names}


def _recorded_name(merged: Merged, name: str) -> str:
    """Return the name of a single-file checkpoint in its inventory: the script's own."""
    for saved in merged.tree["training"]["checkpoints"]:
        if saved["id"] == merged.checkpoint and len(saved.get("inventory", ())) == 1:
            return str(saved["inventory"][0]["path"])
    return name


def _walk(folder: Path) -> tuple[str, ...]:
    found = walk_tree(folder)
    for fault in found.faults:
        raise RecordingError(path=str(folder / fault.path), problem=fault.message, code=fault.code)
    return tuple(file.path for file in found.files)


def _check(name: str) -> None:
    first = PurePosixPath(name).parts[0] if name else name
    if first in {MANIFEST_FOLDER, OMS_FILE}:
        raise RecordingError(path=name, problem="this name is not for released files")
    try:
        check_name(name)
    except DigestError as error:
        raise RecordingError(path=name, problem=error.problem, code=error.code) from error
