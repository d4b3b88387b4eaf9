"""A project folder: the run folders in it, and what one run may know of the others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from provenance import canonical
from provenance.digest import read_file
from provenance.errors import InputError, ProvenanceError, RecordingError
from provenance.manifest.base import parse_document
from provenance.recording.records import RECORD_NAME, Record

if TYPE_CHECKING:
    import os

    from provenance.digest import TypedRoot
    from provenance.manifest.datasets import Dataset

__all__ = [
    "FoundRecord",
    "content_keys",
    "dataset_keys",
    "find_checkpoint",
    "read_project",
    "read_record",
]

#: Largest record that is read, in bytes.
MAX_RECORD_BYTES: Final = 256 * 1024 * 1024

#: Most run folders of one project.
MAX_RUNS: Final = 10_000


class FoundRecord:
    """A record and the run folder that it lies in."""

    __slots__ = ("folder", "record")

    def __init__(self, folder: Path, record: Record) -> None:
        """Keep both."""
        self.folder = folder
        self.record = record


def read_record(folder: str | os.PathLike[str]) -> FoundRecord:
    """Read the record of one run folder.

    Raises:
        InputError: It cannot be read.
        CanonicalError: It is not strict JSON.
        ManifestError: It is no record of a version that we know.
    """
    path = Path(folder) / RECORD_NAME
    data = read_file(path, max_bytes=MAX_RECORD_BYTES)
    tree = canonical.parse(data, source=str(path), max_bytes=MAX_RECORD_BYTES)
    return FoundRecord(Path(folder), parse_document(Record, tree, path=f"{path}#"))


def read_project(project: str | os.PathLike[str]) -> tuple[FoundRecord, ...]:
    """Read every record of a project folder, by time of start and name.

    Raises:
        RecordingError: The folder is none, holds no run, or more than `MAX_RUNS`.
        ProvenanceError: A record cannot be read.
    """
    root = Path(project)
    try:
        folders = sorted(path for path in root.iterdir() if (path / RECORD_NAME).is_file())
    except OSError as error:
        raise InputError(
            path=str(root),
            problem=f"the project folder cannot be read: {error.strerror}",
            remedy="name the folder that was given to the recorder as output",
        ) from error
    if not folders or len(folders) > MAX_RUNS:
        raise RecordingError(
            path=str(root),
            problem=f"there are {len(folders)} recorded runs here, expected 1 to {MAX_RUNS}",
            remedy="name the folder that was given to the recorder as output",
        )
    found = [read_record(folder) for folder in folders]
    return tuple(sorted(found, key=lambda item: (item.record.started_at, item.record.id)))


def content_keys(
    files: TypedRoot | None,
    entries: tuple[Any, ...],
    tensors: TypedRoot | None = None,
    records: TypedRoot | None = None,
) -> frozenset[str]:
    """Return what identifies a content; two contents with a key in common are the same.

    The typed root of the files, the typed root of the tensors, and for a single file its digest, so
    that a file that was renamed is still recognised. Records count for what has no files.
    """
    keys = set()
    if files is not None:
        keys.add(f"files:{files.size}:{files.root}")
    if tensors is not None:
        keys.add(f"tensors:{tensors.size}:{tensors.root}")
    if records is not None and files is None:
        keys.add(f"records:{records.size}:{records.root}")
    if len(entries) == 1 and "blake3" in entries[0].digest:
        keys.add(f"file:{entries[0].size}:{entries[0].digest['blake3']}")
    return frozenset(keys)


def dataset_keys(dataset: Dataset) -> frozenset[str]:
    """Return what identifies the content of a dataset."""
    return content_keys(dataset.files, dataset.inventory, dataset.tensors, dataset.record_tree)


def find_checkpoint(project: Path, keys: frozenset[str], *, besides: str) -> tuple[str, int] | None:
    """Return id and step of the checkpoint of another run that has this content, newest first."""
    try:
        found = read_project(project)
    except ProvenanceError:
        return None  # nothing to join with yet
    for item in reversed(found):
        for saved in reversed(item.record.checkpoints):
            mine = content_keys(saved.files, saved.inventory, saved.tensors)
            if item.record.id != besides and keys & mine:
                return saved.id, saved.step
    return None
