"""Which of a run's artifacts hold weights, by their names, and where they lie on this machine.

Names come from a tracker, so each is checked before it becomes a path, and no link is followed.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit
from urllib.request import url2pathname

from provenance.digest import walk_tree
from provenance.digest.names import check_name
from provenance.errors import InputError, RecordingError
from provenance.recording.weights import is_weights

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "check_count",
    "choose_weights",
    "list_files",
    "local_place",
    "place_inside",
    "step_of",
]

#: Most files of a run that are looked at.
MAX_ARTIFACTS: Final = 100_000

#: The file by which MLflow marks the folder of a model.
MODEL_FILE: Final = "MLmodel"

_STEP = re.compile(r"(?:^|[^A-Za-z])(?:global[-_]?step|step|checkpoint|ckpt)[-_=]?(\d{1,15})(?!\d)")


def choose_weights(names: Iterable[str]) -> tuple[str, ...]:
    """Return the files and folders that hold weights, by the names of all files.

    A folder with an `MLmodel` file is one; else a file with a step in its name stands alone, and
    any other is taken with the folder that it lies in.

    >>> choose_weights(["model/MLmodel", "model/data/model.pth", "log.txt"])
    ('model',)
    """
    files = sorted(names)
    models = {str(PurePosixPath(it).parent) for it in files if PurePosixPath(it).name == MODEL_FILE}
    chosen: dict[str, None] = dict.fromkeys(sorted(models - {"."}))
    for name in files:
        path = PurePosixPath(name)
        above = [str(it) for it in path.parents if str(it) != "."]
        if not is_weights(path.name) or any(it in chosen for it in above):
            continue
        alone = not above or step_of(path.name) is not None
        chosen[name if alone else above[0]] = None
    # A folder that was chosen for one of its files holds those that were chosen before it.
    whole = [it for it in chosen if not any(str(up) in chosen for up in PurePosixPath(it).parents)]
    return tuple(sorted(whole, key=lambda it: (_order(it), it)))


def step_of(name: str) -> int | None:
    """Return the step that a name tells: `checkpoint-500`, `step_10.safetensors`; else nothing."""
    found = _STEP.findall(name)
    return int(found[-1]) if found else None


def _order(name: str) -> float:
    step = step_of(name)
    return float("inf") if step is None else float(step)


def list_files(root: Path) -> tuple[str, ...]:
    """Return the names of all regular files below a folder; there may be none.

    Raises:
        InputError: A link or a special file is among them, or the folder cannot be read.
        RecordingError: There are more than `MAX_ARTIFACTS`.
    """
    if not root.is_dir():
        return ()
    found = walk_tree(root)
    if found.faults:
        fault = found.faults[0]
        raise InputError(
            path=fault.path,
            problem=f"among the artifacts of the run: {fault.message}",
            remedy="take it out of the run, or copy the artifacts without links",
            code=fault.code,
        )
    check_count(len(found.files))
    return tuple(it.path for it in found.files)


def check_count(number: int) -> None:
    """Refuse a run with too many artifacts.

    Raises:
        RecordingError: There are more than `MAX_ARTIFACTS`.
    """
    if number > MAX_ARTIFACTS:
        raise RecordingError(
            problem=f"the run has more than {MAX_ARTIFACTS} artifacts",
            remedy="name those that hold its weights",
        )


def place_inside(root: Path, name: str) -> Path:
    """Return where an artifact lies below a folder.

    Raises:
        DigestError: The name leaves the folder, or is no name (code `name-unsafe`).
        InputError: A part of it is a link (code `link-found`).
    """
    check_name(name)
    place = root
    for part in name.split("/"):
        place = place / part
        if place.is_symlink():
            raise InputError(
                path=name,
                problem="an artifact of the run is a link, and links are not followed",
                remedy="copy the artifacts without links",
                code="link-found",
            )
    return place


def local_place(uri: str) -> Path | None:
    """Return the folder that a URI names on this machine, or nothing if it names another place.

    >>> local_place("file:///srv/mlruns/0"), local_place("s3://bucket/0")
    (PosixPath('/srv/mlruns/0'), None)
    """
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    if parts.scheme == "file" and parts.netloc in {"", "localhost"}:
        return Path(url2pathname(parts.path))
    return Path(uri) if uri and not parts.scheme else None
