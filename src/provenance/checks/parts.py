"""The eleven parts of open training, and where their facts stand in a manifest.

`spec/registry/parts.json` is generated from `PARTS`, and `spec/verification.md` shows them. No I/O.
"""

from __future__ import annotations

from msgspec import Struct

__all__ = ["PARTS", "RUNGS", "Kind", "Part"]

#: The evidence ladder, lowest rung first (`spec/verification.md`, section "Evidence ladder").
RUNGS = (
    "absent",
    "withheld",
    "sealed",
    "declared",
    "bound",
    "matched",
    "linked",
    "reproduced",
)


class Kind(Struct, frozen=True, kw_only=True):
    """One kind of fact, and what can lift it above words.

    Names of fields are those of the wire, relative to the object that the pattern names.
    """

    name: str
    """Its name within the part."""

    patterns: tuple[str, ...]
    """Where such facts stand: patterns of JSON Pointers, `*` for every position of an array."""

    field: str = ""
    """If given, every object that a pattern names must have this field, or its fact is absent."""

    alternatives: tuple[str, ...] = ()
    """Fields that state the same fact as `field`."""

    required: bool = True
    """Whether the part is absent without a fact of this kind that is stated or disclosed."""

    roots: tuple[str, ...] = ()
    """Fields with a typed root over the fact's own content."""

    sets: tuple[str, ...] = ()
    """Fields with a digest of the fact's own records in whatever order."""

    digests: tuple[str, ...] = ()
    """Fields with digests of the fact's own content."""

    files: tuple[str, ...] = ()
    """Fields with a file reference."""

    documents: tuple[str, ...] = ()
    """Fields with the id of a document."""

    steps: tuple[str, ...] = ()
    """Fields with the id of a processing step, which stands as high as its code."""

    code: tuple[str, ...] = ()
    """Fields with a code reference."""

    environments: tuple[str, ...] = ()
    """Fields with the id of an environment."""

    lists: tuple[tuple[str, str], ...] = ()
    """Arrays whose elements name documents: the array's field and the field of the id."""

    inventory: bool = False
    """Whether the object is a tree of files that may carry its inventory."""


class Part(Struct, frozen=True):
    """One part of open training."""

    id: str
    """Its name in reports and policies."""

    title: str
    """Its name for people."""

    kinds: tuple[Kind, ...]
    """The kinds of facts that it consists of."""


PARTS = (
    Part(
        "datasets",
        "Datasets",
        (
            Kind(
                name="content",
                patterns=("/datasets/*",),
                roots=("files", "recordTree", "tensors", "shards"),
                sets=("recordSet",),
                inventory=True,
            ),
        ),
    ),
    Part(
        "data-criteria",
        "Data criteria: sources, cleaning, labelling",
        (
            Kind(
                name="sources",
                patterns=("/datasets/*/sources/*",),
                digests=("digest", "datasetManifest"),
            ),
            Kind(
                name="cleaning",
                patterns=("/datasets/*/cleaning/*", "/datasets/*/deduplication"),
                documents=("document",),
                steps=("step",),
            ),
            Kind(
                name="labelling",
                patterns=("/datasets/*/labelling",),
                documents=("guidelines",),
                steps=("step",),
            ),
        ),
    ),
    Part(
        "processing",
        "Processing",
        (Kind(name="step", patterns=("/processing/*",), code=("code",), documents=("document",)),),
    ),
    Part(
        "architecture",
        "Architecture",
        (
            Kind(
                name="architecture", patterns=("/model/architecture",), documents=("configuration",)
            ),
        ),
    ),
    Part(
        "hyperparameters",
        "Hyperparameters",
        (
            Kind(
                name="hyperparameters",
                patterns=("/training/segments/*",),
                field="hyperparameters",
                alternatives=("configuration",),
                documents=("configuration",),
            ),
        ),
    ),
    Part(
        "training-code",
        "Training code",
        (Kind(name="code", patterns=("/training/segments/*",), field="code", code=("code",)),),
    ),
    Part(
        "environment",
        "Environment",
        (
            Kind(
                name="environment",
                patterns=("/training/segments/*",),
                field="environment",
                environments=("environment",),
            ),
        ),
    ),
    Part(
        "training-log",
        "Training log",
        (
            Kind(
                name="log",
                patterns=("/training",),
                field="log",
                alternatives=("logFiles",),
                roots=("log",),
                files=("logFiles",),
            ),
        ),
    ),
    Part(
        "checkpoints",
        "Checkpoints",
        (
            Kind(
                name="checkpoint",
                patterns=("/training/checkpoints/*",),
                roots=("files", "tensors"),
                inventory=True,
            ),
        ),
    ),
    Part(
        "evaluations",
        "Evaluations",
        (
            Kind(
                name="evaluation",
                patterns=("/evaluations/*",),
                roots=("samples",),
                files=("samplesFile",),
                documents=("results",),
            ),
        ),
    ),
    Part(
        "compute",
        "Compute and cost",
        (
            Kind(name="resources", patterns=("/compute",)),
            Kind(
                name="cost",
                patterns=("/compute/cost",),
                required=False,
                documents=("calculation",),
                lists=(("invoices", "document"),),
            ),
        ),
    ),
)
"""The parts, in the order in which reports show them."""
