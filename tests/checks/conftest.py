"""What the tests of the checks share: the findings of a changed manifest, without any file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from provenance.checks import consistency_findings
from provenance.findings import Severity
from provenance.manifest import parse_manifest
from support.crafted import CraftedRelease

if TYPE_CHECKING:
    from collections.abc import Callable

    Found = Callable[[Callable[[dict[str, Any]], object]], list[tuple[str, str]]]


@pytest.fixture
def found() -> Found:
    """Return code and path of what an edit of the whole manifest leads to, notes left out."""

    def findings_of(edit: Callable[[dict[str, Any]], object]) -> list[tuple[str, str]]:
        tree = CraftedRelease(edit_manifest=edit).manifest()
        findings = consistency_findings(parse_manifest(_frozen(tree)).document)
        return [
            (finding.code, finding.path)
            for finding in findings
            if finding.severity is not Severity.NOTE
        ]

    return findings_of


def _frozen(value: object) -> object:
    """Return a tree with tuples for lists, as the strict reader returns it."""
    if isinstance(value, dict):
        return {key: _frozen(item) for key, item in value.items()}
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
