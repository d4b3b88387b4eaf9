"""Step 14: every id stands for one thing, and every reference for something of the right kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.checks.pointers import expand
from provenance.errors import shown
from provenance.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provenance.checks.evidence import Evidence
    from provenance.trust import TrustPolicy

__all__ = ["IDENTIFIED", "REFERENCES", "check_identifiers", "check_references"]

#: Where things with an id stand, by kind. Ids are unique over all kinds.
IDENTIFIED = (
    ("/datasets/*", "dataset"),
    ("/processing/*", "processing step"),
    ("/training/segments/*", "segment"),
    ("/training/checkpoints/*", "checkpoint"),
    ("/evaluations/*", "evaluation"),
    ("/environments/*", "environment"),
    ("/documents/*", "document"),
    ("/model/baseModels/*", "base model"),
)

_CODE = ("/processing/*/code", "/training/segments/*/code", "/evaluations/*/code")

#: Where ids are referred to, and what they may stand for.
REFERENCES = (
    *((f"{code}/document", ("document",)) for code in _CODE),
    ("/model/architecture/configuration", ("document",)),
    ("/model/modelCard", ("document",)),
    ("/model/tokenizer/datasets/*", ("dataset",)),
    ("/release/checkpoint", ("checkpoint",)),
    ("/datasets/*/collection/document", ("document",)),
    ("/datasets/*/cleaning/*/step", ("processing step",)),
    ("/datasets/*/cleaning/*/document", ("document",)),
    ("/datasets/*/deduplication/step", ("processing step",)),
    ("/datasets/*/labelling/guidelines", ("document",)),
    ("/datasets/*/labelling/step", ("processing step",)),
    ("/datasets/*/splits/*/dataset", ("dataset",)),
    ("/datasets/*/dataCard", ("document",)),
    ("/processing/*/inputs/*", ("dataset",)),
    ("/processing/*/outputs/*", ("dataset",)),
    ("/processing/*/environment", ("environment",)),
    ("/processing/*/configuration", ("document",)),
    ("/processing/*/document", ("document",)),
    ("/training/segments/*/configuration", ("document",)),
    ("/training/segments/*/environment", ("environment",)),
    ("/training/segments/*/datasets/*", ("dataset",)),
    ("/training/segments/*/validationDatasets/*", ("dataset",)),
    ("/training/segments/*/resumedFrom", ("checkpoint", "base model")),
    ("/training/reproduction/document", ("document",)),
    ("/training/checkpoints/*/segment", ("segment",)),
    ("/training/checkpoints/*/parents/*", ("checkpoint", "base model")),
    ("/evaluations/*/dataset", ("dataset",)),
    ("/evaluations/*/checkpoint", ("checkpoint", "base model")),
    ("/evaluations/*/environment", ("environment",)),
    ("/evaluations/*/configuration", ("document",)),
    ("/evaluations/*/results", ("document",)),
    ("/environments/*/document", ("document",)),
    ("/compute/cost/invoices/*/document", ("document",)),
    ("/compute/cost/calculation", ("document",)),
    ("/journal/*/segment", ("segment",)),
    ("/journal/*/documents/*", ("document",)),
)


def check_identifiers(evidence: Evidence, policy: TrustPolicy) -> Iterator[Finding]:
    """Step 14: an id stands for one thing in the whole manifest.

    Codes: `id-duplicate`.
    """
    first: dict[str, str] = {}
    for pattern, _ in IDENTIFIED:
        for path, item in expand(evidence.tree, pattern):
            other = first.setdefault(item["id"], path)
            if other != path:
                message = f"{shown(item['id'])} is the id of {other} too"
                yield Finding("id-duplicate", f"{path}/id", message)


def check_references(evidence: Evidence, policy: TrustPolicy) -> Iterator[Finding]:
    """Step 14: what is referred to is there, and is of the kind that belongs there.

    Codes: `reference-dangling`, `reference-kind`.
    """
    kinds = {
        item["id"]: kind
        for pattern, kind in IDENTIFIED
        for _, item in expand(evidence.tree, pattern)
    }
    for pattern, wanted in REFERENCES:
        for path, name in expand(evidence.tree, pattern):
            found = kinds.get(name)
            if found is None:
                message = f"no {' or '.join(wanted)} has the id {shown(name)}"
                yield Finding("reference-dangling", path, message)
            elif found not in wanted:
                message = f"{shown(name)} is a {found}, expected a {' or '.join(wanted)}"
                yield Finding("reference-kind", path, message)
