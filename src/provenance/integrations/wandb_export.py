"""W&B: the folder of a run, as it lies on disk or was exported, as a recorded run.

Only plain files are read (`wandb_files`); `wandb` is not needed. What they say is imported, marked
as such (`tracked_runs`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from provenance.digest import walk_tree
from provenance.errors import InputError, UsageError
from provenance.integrations.tracked_artifacts import choose_weights, place_inside, step_of
from provenance.integrations.tracked_runs import ImportedRun, SavedState
from provenance.integrations.tracked_writing import write_run
from provenance.integrations.wandb_facts import Said, describe_run, last_values
from provenance.integrations.wandb_files import read_history, read_json_object, read_settings

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from provenance.integrations.tracked_runs import Status

__all__ = ["ImportedRun", "import_wandb_export"]

#: Where an exported history is looked for, in this order.
HISTORIES: Final = (
    *("wandb-history.jsonl", "wandb-history.csv", "history.jsonl", "history.csv"),
    *("files/wandb-history.jsonl", "files/wandb-history.csv"),
)

#: Most files that are left out by name; more are counted together with them.
MAX_NAMED: Final = 20

_NOT_READ: Final = (
    "the binary file of the run (.wandb) is not read; what stands only in it is missing"
)
_NO_HISTORY: Final = (
    "there is no exported history of metrics: the last value of each is all that is known"
)


def import_wandb_export(
    folder: str | os.PathLike[str],
    *,
    output: str | os.PathLike[str],
    history: str | os.PathLike[str] | None = None,
    status: Status | None = None,
    artifacts: Sequence[str] | Mapping[str, int | None] | None = None,
) -> ImportedRun:
    """Write what the files of a W&B run say into a project, for `provenance.release`.

    Imported are settings, summary, exported history, commit and command, and the files of weights
    that the run saved. Users and hosts are left out.

    Args:
        folder: The folder of the run (`run-…`, `offline-run-…`), or its `files` folder.
        output: The project folder; a run folder is made in it.
        history: The exported history: JSON Lines or CSV with `_step` and `_timestamp`; otherwise
            it is looked for in the folder.
        status: How the run ended, which the files do not say; without it the run is called
            interrupted, and is released by `unfinished=True` only.
        artifacts: Names below `files` that hold weights, or these with the steps at which they were
            saved; otherwise those that look like it.

    Returns:
        Where the run folder is, and what is not known.

    Raises:
        InputError: There is no W&B run, or a file cannot be read or breaks its format.
        MissingExtraError: There are settings, and PyYAML is not installed.
        DigestError: The name of an artifact is no safe name.
        RecordingError: A named artifact is not there.
    """
    if isinstance(artifacts, str):
        raise UsageError(problem="artifacts are a list of names, not one text")
    root = Path(folder)
    files = root / "files" if (root / "files").is_dir() else root
    read = (
        read_json_object(files, "wandb-metadata.json"),
        read_json_object(files, "wandb-summary.json"),
        read_settings(files),
    )
    place = Path(history) if history is not None else _find_history(root)
    if read == (None, None, None):
        raise InputError(
            path=str(folder),
            problem="there is no file of a W&B run here",
            remedy="name the folder that holds files/config.yaml or files/wandb-summary.json",
        )
    said = Said(*(it or {} for it in read))
    points, dropped = ((), 0) if place is None else read_history(place)
    gaps = [("wandb", _NOT_READ)]
    if not points:
        points = last_values(said.summary)
        gaps.append(("log", _NO_HISTORY))
    if dropped:
        gaps.append(("log", f"{dropped} values of the history are no numbers and were left out"))
    if status is None:
        gaps.append(("run", "how the run ended does not stand in its files"))
    names = artifacts
    if names is None:
        names, left_out = _weights_in(files)
        gaps += left_out
    own = root.parent if root.name == "files" else root
    run = describe_run(own.resolve().name, said, points, status, gaps)
    return write_run(run, output, points, lambda _: _saved(files, names))


def _find_history(root: Path) -> Path | None:
    return next((it for name in HISTORIES if (it := place_inside(root, name)).is_file()), None)


def _weights_in(files: Path) -> tuple[tuple[str, ...], list[tuple[str, str]]]:
    """Return the names of what holds weights, and gaps for what cannot be looked at.

    `wandb.save` leaves links to files elsewhere; none is followed.
    """
    found = walk_tree(files)
    names = [it.path for it in found.files if PurePosixPath(it.path).parts[0] != "media"]
    left_out = [f"{it.path}: {it.message}" for it in found.faults]
    gaps = [("artifacts", text) for text in left_out[:MAX_NAMED]]
    if len(left_out) > MAX_NAMED:
        gaps.append(("artifacts", f"{len(left_out)} in all were left out"))
    return choose_weights(names), gaps


def _saved(files: Path, names: Sequence[str] | Mapping[str, int | None]) -> tuple[SavedState, ...]:
    found = []
    for name in names:
        step = names[name] if isinstance(names, Mapping) else None
        found.append(
            SavedState(name, place_inside(files, name), step_of(name) if step is None else step)
        )
    return tuple(found)
