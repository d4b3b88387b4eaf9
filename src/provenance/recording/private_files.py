"""Datasets that a script declares as private: their files are bound, and nowhere named.

The run folder, which nobody publishes, keeps the inventory, for a release to salt it. What else a
record says is published, so messages of failures must not name a file either.
"""

from __future__ import annotations

import functools
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

from provenance.canonical import MAX_INVENTORY_BYTES
from provenance.capture import redact_text
from provenance.digest import Inventory, read_file
from provenance.errors import ProvenanceError, RecordingError, UsageError
from provenance.recording.records import PrivateFiles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from provenance.manifest.datasets import Dataset
    from provenance.recording.deferring import Sight
    from provenance.recording.projects import FoundRecord
    from provenance.recording.state import RunState

__all__ = [
    "REASON",
    "keep_private",
    "refuse_unless_files",
    "unchanged",
    "unnamed",
    "without_private",
]

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


def without_private(
    inputs: Sequence[Mapping[str, Any]], runs: Sequence[FoundRecord]
) -> list[Mapping[str, Any]]:
    """Return undeclared inputs without files of datasets that any run calls private.

    Args:
        inputs: Trees of undeclared inputs; a file is known by its digest or by its own name.
        runs: The runs of a release.

    Raises:
        InputError: The inventory of a private dataset cannot be read.
        DigestError: It breaks its format.
    """
    digests: set[str] = set()
    names: set[str] = set()
    for run in runs:
        private = {item.id for item in run.record.private}
        for dataset in run.record.datasets:
            if dataset.id in private:
                found = tuple(_files_of(dataset, run.folder))
                digests |= {digest for _, digest in found}
                names |= {PurePosixPath(name).name for name, _ in found}
    return [
        item
        for item in inputs
        if PurePosixPath(item["path"]).name not in names
        and (item.get("digest") or {}).get("blake3") not in digests
    ]


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
