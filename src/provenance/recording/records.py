"""The record of one process: what `record.json` in a run folder holds. No I/O.

A record is made of the manifest's own parts, so that a release has little to do; it adds what only
the producer needs (where files lie), which is never published. Ids are those of this process; a
release makes them unique across the project.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import StringConstraints

from provenance.manifest.base import (
    Count,
    Digests,
    Document,
    FreeObject,
    Id,
    Name,
    Path,
    Root,
    ShortText,
    Step,
    Text,
    Timestamp,
)
from provenance.manifest.compute import Compute, Gap, JournalEntry
from provenance.manifest.datasets import Dataset
from provenance.manifest.evaluations import Evaluation
from provenance.manifest.files import CodeReference, FileReference, FileTree, SupportingDocument
from provenance.manifest.manifest import Generator
from provenance.manifest.processing import Environment, ProcessingStep
from provenance.manifest.training import Checkpoint, Segment, UndeclaredInput

__all__ = [
    "RECORD_NAME",
    "RECORD_VERSION",
    "PrivateFiles",
    "Record",
    "RunStatus",
    "UsedCheckpoint",
    "WrittenFile",
]

#: Version of the record's format (major.minor); it is no part of the manifest.
RECORD_VERSION = "1.0"

#: Name of a record's file in its run folder.
RECORD_NAME = "record.json"

RunStatus = Literal["running", "completed", "failed", "interrupted"]


class UsedCheckpoint(FileTree):
    """A checkpoint that this process read and another one may have saved; they join by content."""

    id: Id
    """Its name inside this record."""

    tensors: Root | None = None
    """The typed root over its tensors."""


class PrivateFiles(Document):
    """A dataset whose files this record names and a release does not."""

    id: Id
    """The dataset's name inside this record."""

    reason: Text
    """Why, as it becomes public."""


class WrittenFile(Document):
    """A file that a wrapped command made or changed."""

    path: Path
    """Where it lies, as paths of undeclared inputs are given."""

    size: Count
    """Its length in bytes when the command had ended."""

    digest: Digests | None = None
    """Digests of its bytes; absent where there was too much to hash."""


class Record(Document):
    """What one process recorded."""

    record_version: Annotated[str, StringConstraints(pattern=r"^1\.\d{1,3}$")] = RECORD_VERSION
    """Version of this format."""

    id: Id
    """The name of the run folder."""

    name: Name
    """What the script called this process, e.g. `train`."""

    status: RunStatus = "running"
    """How it ended; `running` also after a kill."""

    started_at: Timestamp
    """When it began."""

    ended_at: Timestamp | None = None
    """When it ended."""

    failure: Text | None = None
    """Type and redacted message of what ended it."""

    generator: Generator | None = None
    """The version of the recorder."""

    code: CodeReference | None = None
    """The script that ran."""

    command: tuple[Text, ...] = ()
    """The command line, without secrets."""

    environment: Environment | None = None
    """The world around it."""

    earlier_environments: tuple[Environment, ...] = ()
    """The worlds around the processes that this one went on from; segments name theirs."""

    array_task: ShortText | None = None
    """The number of this task in an array of jobs. Never published."""

    compute: Compute | None = None
    """What it used."""

    model: FreeObject | None = None
    """What the script said of the model, by the names of the manifest's `model`."""

    hyperparameters: FreeObject | None = None
    """The settings that hold now."""

    seeds: FreeObject | None = None
    """The seeds that hold now."""

    configuration: Id | None = None
    """The document with the settings that hold now."""

    datasets: tuple[Dataset, ...] = ()
    """What it read and made."""

    private: tuple[PrivateFiles, ...] = ()
    """Which of them are released with a private inventory."""

    processing: tuple[ProcessingStep, ...] = ()
    """How it made datasets from datasets."""

    segments: tuple[Segment, ...] = ()
    """Its stretches of training; the last one is open while it runs."""

    checkpoints: tuple[Checkpoint, ...] = ()
    """The states that it saved."""

    used_checkpoints: tuple[UsedCheckpoint, ...] = ()
    """The states that it read."""

    evaluations: tuple[Evaluation, ...] = ()
    """What it measured."""

    documents: tuple[SupportingDocument, ...] = ()
    """What it wrote or kept; their paths are relative to the run folder."""

    journal: tuple[JournalEntry, ...] = ()
    """Notes."""

    undeclared_inputs: tuple[UndeclaredInput, ...] = ()
    """Data files that it opened and that no dataset, checkpoint or document is."""

    exit_code: Count | None = None
    """How a command of `provenance run` ended; after a signal 128 and its number."""

    written_files: tuple[WrittenFile, ...] = ()
    """Files that a wrapped command made or changed. Never published."""

    gaps: tuple[Gap, ...] = ()
    """What the recorder could not see."""

    last_step: Step | None = None
    """The largest step in the log when this was written."""

    metric_names: tuple[Name, ...] = ()
    """Names of the metrics in the log."""

    log: FileReference | None = None
    """The training log; its digests are taken at release."""

    chosen_ids: tuple[ShortText, ...] = ()
    """Ids that the script chose itself; a release never renames these."""

    locations: FreeObject | None = None
    """Where datasets and checkpoints lie on this machine, by id. Never published."""

    trains: bool = False
    """Whether the script said by itself that it trains (`run.segment`)."""
