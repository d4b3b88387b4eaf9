"""The manifest: the predicate of `manifest/v1`, and what all our predicates share. No I/O."""

from __future__ import annotations

from provenance.manifest.base import (
    Digests,
    Document,
    Extensions,
    Many,
    Name,
    Origins,
    Pointer,
    ShortText,
    Timestamp,
    Uri,
    Version,
)
from provenance.manifest.compute import Compute, Gap, JournalEntry
from provenance.manifest.datasets import Dataset
from provenance.manifest.disclosures import Disclosure
from provenance.manifest.evaluations import Evaluation
from provenance.manifest.files import SupportingDocument
from provenance.manifest.model import Model, Release
from provenance.manifest.processing import Environment, ProcessingStep
from provenance.manifest.training import Training

__all__ = ["MANIFEST_VERSION", "Generator", "Manifest", "Predicate", "Producer"]

#: The version of the format that this library writes (major.minor).
MANIFEST_VERSION = "1.0"


class Producer(Document):
    """Who made the model and says what the manifest says."""

    name: Name
    """A person or an organisation."""

    contact: ShortText | None = None
    """Where questions go, e.g. an e-mail address."""

    uri: Uri | None = None
    """The producer's site."""


class Generator(Document):
    """The program that wrote the document."""

    name: Name
    """E.g. `training-provenance`."""

    version: ShortText
    """Its version."""


class Predicate(Document):
    """What every predicate of ours has in common (`spec/manifest.md`, section "Common fields")."""

    manifest_version: Version
    """Version of the format, major.minor."""

    created_at: Timestamp
    """When it was made: signed, and a claim."""

    expires_at: Timestamp | None = None
    """When it should no longer be relied on."""

    replaces: Digests | None = None
    """Manifest digest of the earlier document that this one replaces."""

    producer: Producer
    """Who says all this."""

    generator: Generator | None = None
    """The program that wrote it."""

    environments: Many[Environment] = ()
    """The environments that other parts refer to."""

    documents: Many[SupportingDocument] = ()
    """The documents that other parts refer to."""

    disclosures: Many[Disclosure] = ()
    """What is withheld or does not apply."""

    origins: Origins | None = None
    """Who said it: JSON Pointer prefix to `captured` or `authored`; the longest prefix wins."""

    critical: Many[Pointer] = ()
    """What a verifier must understand, or refuse the document."""

    extensions: Extensions | None = None
    """Objects of other vocabularies, by the URI of their schema."""

    gaps: Many[Gap] = ()
    """What the recorder could not see."""


class Manifest(Predicate):
    """The whole training of one model (`spec/manifest.md`)."""

    model: Model
    """The model."""

    release: Release
    """The files that are published."""

    datasets: Many[Dataset] = ()
    """Every dataset, raw, intermediate and final."""

    processing: Many[ProcessingStep] = ()
    """The steps from raw to training-ready."""

    training: Training | None = None
    """The run or runs."""

    evaluations: Many[Evaluation] = ()
    """What was measured."""

    compute: Compute | None = None
    """What it took."""

    journal: Many[JournalEntry] = ()
    """The dated prose that people wrote."""
