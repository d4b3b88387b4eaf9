"""The predicate types of our signed statements: one prefix, in this one place."""

from __future__ import annotations

__all__ = [
    "DATASET_V1",
    "EVALUATION_V1",
    "MANIFEST_V1",
    "PREDICATE_PREFIX",
    "PREDICATE_TYPES",
    "REPRODUCTION_V1",
]

#: Prefix of every predicate type and schema identifier of this project.
PREDICATE_PREFIX = "https://training-provenance.github.io/"

MANIFEST_V1 = PREDICATE_PREFIX + "manifest/v1"
DATASET_V1 = PREDICATE_PREFIX + "dataset/v1"
EVALUATION_V1 = PREDICATE_PREFIX + "evaluation/v1"
REPRODUCTION_V1 = PREDICATE_PREFIX + "reproduction/v1"

#: Every predicate type of ours, in the order of `spec/registry/predicate-types.json`.
PREDICATE_TYPES = (MANIFEST_V1, DATASET_V1, EVALUATION_V1, REPRODUCTION_V1)
