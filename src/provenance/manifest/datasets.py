"""Datasets: where they come from, how they were cleaned and labelled, what binds them. No I/O."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from provenance.manifest.base import (
    Count,
    Digests,
    Document,
    FileRoot,
    FreeObject,
    Hash,
    Id,
    Licenses,
    Many,
    Name,
    Number,
    RecordRoot,
    ShardRoot,
    ShortText,
    TensorRoot,
    Text,
    Timestamp,
    Uri,
)
from provenance.manifest.files import FileReference, FileTree

__all__ = [
    "CleaningStep",
    "Collection",
    "Dataset",
    "Deduplication",
    "Labelling",
    "RecordSet",
    "SensitiveData",
    "Source",
    "Split",
]


class Source(Document):
    """One place that data came from."""

    uri: Uri | None = None
    """Where the data was had."""

    name: Name | None = None
    """The source's own name for it."""

    kind: Literal["public", "licensed", "crawled", "users", "synthetic", "own", "other"] | None = (
        None
    )
    """Published data, licensed data, a crawl, data of users, generated data, or one's own."""

    description: Text | None = None
    """What was taken from it, and how, where a URI does not say it."""

    retrieved_at: Timestamp | None = None
    """When it was retrieved."""

    revision: ShortText | None = None
    """An immutable revision at the source: a commit id, a version; never a branch name."""

    digest: Digests | None = None
    """Digests of the bytes as retrieved."""

    size: Count | None = None
    """Length in bytes of what was retrieved."""

    licenses: Licenses = ()
    """SPDX expressions of the source's licences."""

    dataset_manifest: Digests | None = None
    """Manifest digest of the source's own `dataset/v1` attestation."""


class Collection(Document):
    """How the data was collected."""

    description: Text | None = None
    """The process, in words."""

    types: Many[ShortText] = ()
    """Kinds of collection, e.g. `web crawl`, `survey`, `sensors`, `synthetic`."""

    started_at: Timestamp | None = None
    """The earliest collection."""

    ended_at: Timestamp | None = None
    """The latest collection."""

    collectors: Text | None = None
    """Who collected it, and how they were paid."""

    consent: Text | None = None
    """What the people in the data consented to, and how they can withdraw."""

    rights: Text | None = None
    """How reservations of rights and opt-outs were honoured."""

    regions: Many[ShortText] = ()
    """Where in the world it comes from."""

    generator: Text | None = None
    """For synthetic data: the model or program that made it."""

    document: Id | None = None
    """A document that says more."""


class CleaningStep(Document):
    """One thing that was done to the data, and why."""

    description: Text
    """The criterion: what was removed or changed, and why."""

    step: Id | None = None
    """The processing step that did it."""

    document: Id | None = None
    """A document that says more."""

    removed_records: Count | None = None
    """How many records it removed."""

    changed_records: Count | None = None
    """How many records it changed."""


class Deduplication(Document):
    """How duplicates were found and removed."""

    description: Text
    """The method: exact or near, on which field, in what order."""

    threshold: Number | None = None
    """The similarity from which two records counted as one."""

    step: Id | None = None
    """The processing step that did it."""

    removed_records: Count | None = None
    """How many records it removed."""


class Labelling(Document):
    """By which criteria, and by whom, the data was labelled."""

    criteria: Text
    """What each label means and when it is given."""

    annotators: Text | None = None
    """Who labelled: how many, how chosen and paid, their background."""

    annotations_per_item: Number | None = None
    """How many labels an item got."""

    agreement: Text | None = None
    """How well annotators agreed, and by which measure."""

    platform: ShortText | None = None
    """Where it was done."""

    machine_tools: Text | None = None
    """Programs or models that labelled, or helped to."""

    guidelines: Id | None = None
    """The document that the annotators were given."""

    step: Id | None = None
    """The processing step that labelled, if a program did."""


class SensitiveData(Document):
    """Personal or otherwise sensitive data in it."""

    present: bool | None = None
    """Whether there is any; absent if nobody looked."""

    description: Text | None = None
    """What kind, and how that was found out."""

    anonymization: Text | None = None
    """What was done to protect people."""


class Split(Document):
    """A part of the dataset with a use of its own."""

    name: Name
    """E.g. `train`."""

    dataset: Id | None = None
    """The dataset of this manifest that holds it, if it is listed by itself."""

    records: Count | None = None
    """Its number of records."""

    tokens: Count | None = None
    """Its number of tokens, by the model's tokenizer."""

    bytes_: Count | None = Field(default=None, alias="bytes")
    """Its size in bytes."""

    files: FileRoot | None = None
    """Typed root over its files."""


class RecordSet(Document):
    """The records of a dataset, in whatever order (`spec/digests.md`, "Record encodings")."""

    count: Count
    """Number of records, repeated ones each time."""

    digest: Hash
    """The order-free digest."""

    encoding: Name
    """The name of the encoding of a record, records-v1; it holds for `recordTree` too."""


class Dataset(FileTree):
    """One dataset, raw or processed (`spec/manifest.md`, section "Datasets")."""

    id: Id
    """Its name inside the manifest."""

    name: Name
    """Its name for people."""

    version: ShortText | None = None
    """Its version."""

    uri: Uri | None = None
    """Where it is published."""

    creators: Many[ShortText] = ()
    """Who made it."""

    published_at: Timestamp | None = None
    """When this version was published."""

    description: Text | None = None
    """What is in it."""

    roles: Many[
        Literal["raw", "intermediate", "train", "validation", "test", "calibration", "other"]
    ] = ()
    """What it was used for."""

    data_types: Many[ShortText] = ()
    """Kinds of data as SPDX names them, e.g. `text`, `image`, `structured`."""

    languages: Many[ShortText] = ()
    """BCP 47 tags of its languages."""

    sources: Many[Source] = ()
    """Where it came from."""

    licenses: Licenses = ()
    """SPDX expressions; all of them apply."""

    collection: Collection | None = None
    """How it was collected."""

    cleaning: Many[CleaningStep] = ()
    """How it was cleaned, in order."""

    deduplication: Deduplication | None = None
    """How it was deduplicated."""

    labelling: Labelling | None = None
    """By which criteria it was labelled."""

    sensitive_data: SensitiveData | None = None
    """Personal or otherwise sensitive data in it."""

    biases: Text | None = None
    """Known biases."""

    limitations: Text | None = None
    """What it should not be used for, or does not cover."""

    intended_use: Text | None = None
    """What it was made for."""

    maintenance: Text | None = None
    """Who maintains it, and how errors are mended."""

    availability: (
        Literal["public", "registration", "thirdParty", "thirdPartyFee", "unshareable", "withdrawn"]
        | None
    ) = None
    """Whether somebody else can get it."""

    splits: Many[Split] = ()
    """Its parts."""

    records: Count | None = None
    """Its number of records."""

    tokens: Count | None = None
    """Its number of tokens, by the model's tokenizer."""

    bytes_: Count | None = Field(default=None, alias="bytes")
    """Its size in bytes."""

    record_tree: RecordRoot | None = None
    """Typed root (kind `record`) over its records, in order."""

    record_set: RecordSet | None = None
    """The digest of the same records that does not depend on their order."""

    tensors: TensorRoot | None = None
    """Typed root (kind `tensor`) over its arrays, if it is a set of arrays in memory."""

    shards: ShardRoot | None = None
    """Typed root (kind `shard`) over the typed roots of its shards."""

    data_card: Id | None = None
    """The document that describes it."""

    samples: FileReference | None = None
    """A file of example records."""

    attributes: FreeObject | None = None
    """What else there is to say, by names of the producer's own."""
