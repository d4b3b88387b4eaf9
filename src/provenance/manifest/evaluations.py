"""Evaluations and their metrics. No I/O."""

from __future__ import annotations

from typing import Literal

from provenance.manifest.base import (
    Count,
    Document,
    FreeObject,
    Id,
    Licenses,
    Many,
    Name,
    Number,
    RecordRoot,
    ShortText,
    TensorRoot,
    Text,
    Timestamp,
)
from provenance.manifest.files import CodeReference, FileReference
from provenance.manifest.processing import Framework

__all__ = ["Evaluation", "Interval", "MetricResult"]


class Interval(Document):
    """An interval around a value."""

    low: Number
    """Its lower end, in the metric's own scale."""

    high: Number
    """Its upper end."""

    level: Number | None = None
    """Confidence level, e.g. 0.95."""

    method: ShortText | None = None
    """How it was computed, e.g. `bootstrap`."""


class MetricResult(Document):
    """One metric of one evaluation."""

    name: Name
    """The metric's name as the harness prints it, e.g. `acc_norm`."""

    value: Number
    """The measured value, in the metric's own scale."""

    unit: ShortText | None = None
    """Its unit, e.g. `1`, `%`, `ms`."""

    higher_is_better: bool | None = None
    """Which way is better."""

    interval: Interval | None = None
    """An interval around the value."""

    standard_error: Number | None = None
    """Its standard error."""

    samples: Count | None = None
    """How many samples it was computed on."""


class Evaluation(Document):
    """One evaluation of one checkpoint on one dataset (`spec/manifest.md`, "Evaluations")."""

    id: Id
    """Its name inside the manifest."""

    task: Name
    """What was measured."""

    description: Text | None = None
    """How, in words: prompts, shots, normalisation."""

    dataset: Id | None = None
    """The dataset that it was measured on."""

    split: ShortText | None = None
    """Which part of it."""

    checkpoint: Id | None = None
    """The checkpoint that was measured."""

    tensors: TensorRoot | None = None
    """Typed root over the tensors that were measured."""

    code: CodeReference | None = None
    """The code that ran."""

    harness: Framework | None = None
    """The evaluation harness."""

    command: Many[Text] = ()
    """The command line as a list of arguments, without secrets."""

    parameters: FreeObject | None = None
    """Its settings, after defaults were applied."""

    configuration: Id | None = None
    """The document that holds its settings, where they are long."""

    seeds: FreeObject | None = None
    """Random seeds, by library."""

    environment: Id | None = None
    """The environment that it ran in."""

    attempts: Count | None = None
    """How often it was run in all, with the runs that failed or are not shown."""

    metrics: Many[MetricResult] = ()
    """The results."""

    results: Id | None = None
    """The document that the evaluation wrote."""

    samples: RecordRoot | None = None
    """Typed root (kind `record`) over the scored samples, in order."""

    samples_file: FileReference | None = None
    """The file of scored samples."""

    licenses: Licenses = ()
    """SPDX expressions of the licences of its results."""

    run: ShortText | None = None
    """The recorded run that it was."""

    evaluator: ShortText | None = None
    """Who measured, if it was not the producer."""

    started_at: Timestamp | None = None
    """When it began."""

    ended_at: Timestamp | None = None
    """When it ended."""

    status: Literal["completed", "failed", "interrupted"] | None = None
    """How it ended."""
