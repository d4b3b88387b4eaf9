"""The predicates beside the manifest: dataset, evaluation, reproduction. No I/O."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from provenance.manifest.base import (
    Commit,
    Document,
    Id,
    LogRoot,
    Many,
    Number,
    RequiredDigests,
    Root,
    ShortText,
    Step,
    Text,
    Timestamp,
)
from provenance.manifest.datasets import Dataset
from provenance.manifest.evaluations import Evaluation
from provenance.manifest.files import CodeReference
from provenance.manifest.manifest import Predicate
from provenance.manifest.processing import ProcessingStep

__all__ = [
    "AboutManifest",
    "DatasetAttestation",
    "EvaluationAttestation",
    "Reproduced",
    "ReproductionAttestation",
]


class AboutManifest(Document):
    """The manifest that an attestation is about."""

    digest: RequiredDigests
    """Its manifest digest: the SHA-256 of the signed payload."""

    model: ShortText | None = None
    """The model's name there, for people."""


class DatasetAttestation(Predicate):
    """The predicate of `dataset/v1`: one dataset, by whoever made it."""

    dataset: Dataset
    """The dataset."""

    inputs: Many[Dataset] = ()
    """The datasets that it was made from."""

    processing: Many[ProcessingStep] = ()
    """The steps that made it."""


class EvaluationAttestation(Predicate):
    """The predicate of `evaluation/v1`: measurements of a released model, by anybody."""

    manifest: AboutManifest
    """The manifest of the model that was measured."""

    datasets: Many[Dataset] = ()
    """The datasets that it was measured on."""

    evaluations: Annotated[Many[Evaluation], Field(min_length=1)]
    """The measurements; `checkpoint` is an id of the manifest."""


class Reproduced(Document):
    """One thing that was done again, and what came out."""

    kind: Literal["processing", "segment", "checkpoint", "evaluation"]
    """What was done again."""

    id: Id
    """Its id in the manifest."""

    from_step: Step | None = None
    """The first step done again, where only a part was."""

    to_step: Step | None = None
    """The step after the last one done again."""

    comparison: Literal["bitwise", "numeric", "statistical"]
    """How the results were compared."""

    outcome: Literal["equal", "within", "different", "failed"]
    """Equal bits; within the tolerance; neither; it did not run."""

    tolerance: Number | None = None
    """The largest difference allowed."""

    difference: Number | None = None
    """The largest difference found."""

    produced: Root | None = None
    """Typed root of what came out, to be compared with the manifest's."""

    log: LogRoot | None = None
    """Typed root over the training log of the repeated run."""

    description: Text | None = None
    """What else there is to say."""


class ReproductionAttestation(Predicate):
    """The predicate of `reproduction/v1`: somebody ran parts of the training again."""

    manifest: AboutManifest
    """The manifest that was put to the test."""

    relation: (
        Literal["independent", "customer", "contractor", "affiliate", "producer", "other"] | None
    ) = None
    """What ties whoever did it to the producer of the model."""

    reproduced: Annotated[Many[Reproduced], Field(min_length=1)]
    """What was done again, one by one."""

    code: CodeReference | None = None
    """The code that ran."""

    commit: Commit | None = None
    """The commit of the tool that compared."""

    environment: Id | None = None
    """The environment that it ran in."""

    started_at: Timestamp | None = None
    """When it began."""

    ended_at: Timestamp | None = None
    """When it ended."""
