"""Training: segments, checkpoints, data order and the log. No I/O."""

from __future__ import annotations

from typing import Literal

from provenance.manifest.base import (
    Count,
    Digests,
    Document,
    FileRoot,
    FreeObject,
    Id,
    Licenses,
    LogRoot,
    Many,
    Name,
    Number,
    Path,
    RecordRoot,
    ShortText,
    Step,
    TensorRoot,
    Text,
    Timestamp,
    Uri,
)
from provenance.manifest.files import CodeReference, FileReference, FileTree
from provenance.manifest.processing import Framework, Hardware

__all__ = [
    "Checkpoint",
    "DataOrder",
    "ReproductionClaim",
    "Segment",
    "Training",
    "UndeclaredInput",
]


class DataOrder(Document):
    """In which order the examples were seen: committed, not only a seed."""

    description: Text | None = None
    """How the order comes about: sampler, shuffling, packing."""

    shuffled: bool | None = None
    """Whether it was shuffled."""

    seed: Number | None = None
    """The seed of the order."""

    sampler: ShortText | None = None
    """The sampler's class."""

    index: FileReference | None = None
    """The file that lists the order."""

    records: RecordRoot | None = None
    """Typed root (kind `record`) over the records in the order they were seen."""


class Segment(Document):
    """A stretch of a run under one code, one configuration and one world.

    Steps are half-open: `fromStep` is the first one done, `toStep` the first one not done.
    """

    id: Id
    """Its name inside the manifest."""

    stage: ShortText | None = None
    """E.g. `pretraining`, `finetuning`. Steps are counted apart in each stage."""

    run: ShortText | None = None
    """The recorded run that it belongs to."""

    from_step: Step
    """The first step done."""

    to_step: Step
    """The step after the last one done."""

    started_at: Timestamp | None = None
    """When it began."""

    ended_at: Timestamp | None = None
    """When it ended."""

    status: Literal["completed", "failed", "interrupted"] | None = None
    """How it ended."""

    event: (
        Literal[
            "start",
            "resume",
            "crash",
            "configuration",
            "code",
            "nodes",
            "surgery",
            "average",
            "other",
        ]
        | None
    ) = None
    """Why it began, in one word."""

    reason: Text | None = None
    """Why it began."""

    code: CodeReference | None = None
    """The code that ran."""

    command: Many[Text] = ()
    """The command line as a list of arguments, without secrets."""

    configuration: Id | None = None
    """The document with the resolved configuration: every value after defaults were applied."""

    hyperparameters: FreeObject | None = None
    """The settings, after defaults were applied."""

    seeds: FreeObject | None = None
    """Random seeds, by library."""

    environment: Id | None = None
    """The environment that it ran in."""

    hardware: Hardware | None = None
    """The machines, where they differ from the environment's."""

    datasets: Many[Id] = ()
    """Ids of the datasets that it trained on."""

    validation_datasets: Many[Id] = ()
    """Ids of the datasets that it was watched on."""

    data_order: DataOrder | None = None
    """In which order the examples were seen."""

    resumed_from: Id | None = None
    """The checkpoint or base model that it started from."""

    rollback_to: Step | None = None
    """The step to which a crash or a decision threw the run back: `fromStep` of this segment."""


class Checkpoint(FileTree):
    """A saved state of the model."""

    id: Id
    """Its name inside the manifest."""

    step: Step
    """The number of steps done when it was saved."""

    stage: ShortText | None = None
    """The stage that its step is counted in."""

    segment: Id | None = None
    """The segment that saved it."""

    parents: Many[Id] = ()
    """Ids of the checkpoints that it descends from; a merge has several, the first one none."""

    saved_at: Timestamp | None = None
    """When it was saved."""

    tokens_seen: Count | None = None
    """Tokens trained on so far."""

    tensors: TensorRoot | None = None
    """Typed root (kind `tensor`) over its tensors."""

    optimizer_state: FileRoot | None = None
    """Typed root over the files of the optimizer's state."""

    metrics: FreeObject | None = None
    """Metrics when it was saved, by name."""

    availability: Literal["released", "public", "request", "kept", "deleted"] | None = None
    """Whether somebody else can get it."""

    uri: Uri | None = None
    """Where it can be had."""

    licenses: Licenses = ()
    """SPDX expressions, where it is under other licences than the model."""


class UndeclaredInput(Document):
    """A data file that a script opened for reading and nobody declared as a dataset."""

    path: Path
    """Where it lay: relative to the folder that the script ran in, below `~`, or absolute."""

    size: Count | None = None
    """Its length in bytes."""

    digest: Digests | None = None
    """Digests of its bytes; absent where it was too large, or had changed since it was opened."""


class ReproductionClaim(Document):
    """What whoever repeats the training is promised (`spec/manifest.md`, "Reproduction")."""

    reproduction_class: Literal["bitwise", "numeric", "statistical", "not-claimed"]
    """Equal bits; within tolerances; within a distribution over seeds; nothing."""

    tolerances: FreeObject | None = None
    """Largest differences that a numeric claim allows, by metric."""

    description: Text | None = None
    """What a repetition comes to, e.g. the distribution of a statistical claim."""

    document: Id | None = None
    """A document that says more."""


class Training(Document):
    """The training run or runs (`spec/manifest.md`, section "Training")."""

    description: Text | None = None
    """What was done, in words."""

    objective: Text | None = None
    """The loss that was minimised."""

    frameworks: Many[Framework] = ()
    """The frameworks that did the work."""

    segments: Many[Segment] = ()
    """The stretches of the run, in order."""

    checkpoints: Many[Checkpoint] = ()
    """The saved states, in order."""

    log: LogRoot | None = None
    """Typed root (kind `log`) over the entries of the training log."""

    log_files: Many[FileReference] = ()
    """The files of the training log; their lines, in order, are its entries."""

    undeclared_inputs: Many[UndeclaredInput] = ()
    """Data files that the scripts opened and nobody declared, as far as the recorder saw."""

    selection: Text | None = None
    """How the released checkpoint was chosen."""

    metric_names: Many[Name] = ()
    """Names of the metrics in the log."""

    reproduction: ReproductionClaim | None = None
    """What whoever repeats the training is promised."""

    licenses: Licenses = ()
    """SPDX expressions of the licences of the log and of these facts."""
