"""The examples of the specification, and the smallest documents, as parsed trees."""

from __future__ import annotations

from typing import Any

from provenance import canonical
from support.source import REPOSITORY

__all__ = ["example", "least_manifest"]


def example(name: str) -> dict[str, Any]:
    """Return the tree of `spec/examples/NAME.json`; each call gives a new one."""
    tree = canonical.parse((REPOSITORY / "spec" / "examples" / f"{name}.json").read_bytes())
    assert isinstance(tree, dict)
    return tree


def least_manifest(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """Return the tree of the smallest manifest that the format allows, with changed members."""
    return {
        "manifestVersion": "1.0",
        "createdAt": "2026-11-22T12:00:00Z",
        "producer": {"name": "Digits Lab"},
        "model": {"name": "digits-mlp"},
        "release": {"files": {"tree": "file", "size": 1, "root": "ab" * 32}},
        **changes,
    }
