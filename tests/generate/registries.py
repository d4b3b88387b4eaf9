"""`spec/registry/*.json`: the lists of the format, from the tables in the code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, get_args

from msgspec import to_builtins

from provenance.checks import PARTS, RUNGS
from provenance.digest.algorithms import COUNTED, HEX_LENGTHS
from provenance.digest.merkle import TreeKind
from provenance.findings import CODES, STEPS
from provenance.manifest.predicates import PREDICATE_PREFIX, PREDICATE_TYPES
from provenance.signing.schemes import SCHEMES
from provenance.trust.policy_signing import POLICY_V1

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["registry_files"]

#: What each tree holds: the bytes of an entry, and the order of the entries (`spec/digests.md`).
TREES = {
    "file": ("canonical JSON of blake3, path and size", "by the bytes of path"),
    "tensor": ("canonical JSON of blake3, dtype, name and shape", "by the bytes of name"),
    "block": ("32 bytes: BLAKE3 of one block of a fixed size", "by position"),
    "record": ("32 bytes: BLAKE3 of the record's canonical encoding", "as in the dataset"),
    "shard": ("canonical JSON of a typed root with its shard's name", "by the bytes of name"),
    "log": ("the canonical bytes of one entry of the training log", "as appended"),
}


def registry_files() -> dict[str, str]:
    """Return the text of every registry by its path in the repository."""
    registries: dict[str, dict[str, object]] = {
        "finding-codes": {"steps": _steps(), "codes": _codes()},
        "predicate-types": {"prefix": PREDICATE_PREFIX, "types": _predicate_types()},
        "tree-kinds": {"kinds": _tree_kinds()},
        "digest-algorithms": {"algorithms": _algorithms()},
        "signature-schemes": {"schemes": _schemes()},
        "parts": {"rungs": RUNGS, "parts": _parts()},
    }
    return {
        f"spec/registry/{name}.json": json.dumps(
            {"registry": name, **content}, indent=2, ensure_ascii=False
        )
        + "\n"
        for name, content in registries.items()
    }


def _steps() -> Sequence[Mapping[str, object]]:
    return [{"number": number, "title": title} for number, title in STEPS.items()]


def _codes() -> Sequence[Mapping[str, object]]:
    return [to_builtins(row) for row in CODES.values()]


def _predicate_types() -> Sequence[Mapping[str, object]]:
    rows = []
    for predicate_type in PREDICATE_TYPES:
        document, _, version = predicate_type.removeprefix(PREDICATE_PREFIX).partition("/")
        schema = f"spec/schema/{document}-{version}.schema.json"
        rows.append({"type": predicate_type, "document": document, "schema": schema})
    # Its predicate is two texts, one of them the document: the specification says all of it.
    policy = {"type": POLICY_V1, "document": "policy", "specification": "spec/trust-policy.md"}
    return [*rows, policy]


def _tree_kinds() -> Sequence[Mapping[str, object]]:
    return [
        {
            "kind": kind,
            "preamble": f"training-provenance/v1/{kind}\n",
            "entry": TREES[kind][0],
            "order": TREES[kind][1],
        }
        for kind in get_args(TreeKind)
    ]


def _algorithms() -> Sequence[Mapping[str, object]]:
    return [
        {"name": name, "hexLengths": list(lengths), "counts": name in COUNTED}
        for name, lengths in HEX_LENGTHS.items()
    ]


def _parts() -> Sequence[Mapping[str, object]]:
    return [to_builtins(part) for part in PARTS]


def _schemes() -> Sequence[Mapping[str, object]]:
    return [to_builtins(row) for row in SCHEMES.values()]
