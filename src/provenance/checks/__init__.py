"""The numbered checks of a manifest, one pure function each, and the facts with their rungs.

Everything is decided from one frozen `Evidence`; nothing here reads a file, a clock or a network.
`CHECKS` is the ordered list; `spec/verification.md` describes every step.
"""

from __future__ import annotations

from provenance.lazy import lazy_names

TYPE_CHECKING = False  # type checkers know the name

if TYPE_CHECKING:
    from provenance.checks.document_walk import file_references, file_trees, walk_documents
    from provenance.checks.evidence import (
        MANIFEST_FOLDER,
        OMS_FILE,
        Attestation,
        Evidence,
        ListedFile,
        Observed,
        SignatureOutcome,
        Supplied,
        SuppliedStatus,
    )
    from provenance.checks.facts import Fact, PartRung, facts_of, is_at_least, origin_of, parts_of
    from provenance.checks.listing import LISTING_FILE
    from provenance.checks.parts import PARTS, RUNGS, Kind, Part
    from provenance.checks.steps import CHECKS, DRAFT_STEPS, Check, consistency_findings, run_checks

__all__ = [
    "CHECKS",
    "DRAFT_STEPS",
    "LISTING_FILE",
    "MANIFEST_FOLDER",
    "OMS_FILE",
    "PARTS",
    "RUNGS",
    "Attestation",
    "Check",
    "Evidence",
    "Fact",
    "Kind",
    "ListedFile",
    "Observed",
    "Part",
    "PartRung",
    "SignatureOutcome",
    "Supplied",
    "SuppliedStatus",
    "consistency_findings",
    "facts_of",
    "file_references",
    "file_trees",
    "is_at_least",
    "origin_of",
    "parts_of",
    "run_checks",
    "walk_documents",
]

if not TYPE_CHECKING:
    _HOMES = {
        "provenance.checks.evidence": (
            "MANIFEST_FOLDER",
            "OMS_FILE",
            "Attestation",
            "Evidence",
            "ListedFile",
            "Observed",
            "SignatureOutcome",
            "Supplied",
            "SuppliedStatus",
        ),
        "provenance.checks.facts": (
            "Fact",
            "PartRung",
            "facts_of",
            "is_at_least",
            "origin_of",
            "parts_of",
        ),
        "provenance.checks.document_walk": (
            "file_references",
            "file_trees",
            "walk_documents",
        ),
        "provenance.checks.listing": ("LISTING_FILE",),
        "provenance.checks.parts": (
            "PARTS",
            "RUNGS",
            "Kind",
            "Part",
        ),
        "provenance.checks.steps": (
            "CHECKS",
            "DRAFT_STEPS",
            "Check",
            "consistency_findings",
            "run_checks",
        ),
    }
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
