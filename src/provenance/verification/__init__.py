"""Verifying a release: `inspect` returns the report, `verify` the verified manifest or raises.

What is read is gathered first, in one pass, into a frozen `provenance.checks.Evidence`; then the
numbered checks run on it without any I/O. `spec/verification.md` is the contract.
"""

from __future__ import annotations

from provenance.lazy import lazy_names

TYPE_CHECKING = False  # type checkers know the name

if TYPE_CHECKING:
    from provenance.verification.attesting import (
        SLSA_SUMMARY,
        SVR,
        PolicyUsed,
        policy_used,
        result_statement,
        summary_statement,
    )
    from provenance.verification.gathering import MANIFEST_FILE
    from provenance.verification.listings import read_listing
    from provenance.verification.oms_verifying import inspect_oms, verify_oms
    from provenance.verification.openings import OpeningReport, check_opening, open_fact
    from provenance.verification.proof_making import prove_file
    from provenance.verification.proofs import ProofReport, check_proof
    from provenance.verification.report import (
        EXIT_CODES,
        REPORT_VERSION,
        FileCounts,
        GeneratorNamed,
        ModelNamed,
        PartReport,
        ProducerSaid,
        Report,
        ReportedFact,
        ReportedFinding,
        SignerReport,
        StepReport,
        SubjectReport,
        Verdict,
        report_schema,
    )
    from provenance.verification.streaming import SignedFile, find_signed_file
    from provenance.verification.summaries import SummaryReport, check_summary
    from provenance.verification.verified_files import verified_open
    from provenance.verification.verifying import VerifiedManifest, inspect, verify

__all__ = [
    "EXIT_CODES",
    "MANIFEST_FILE",
    "REPORT_VERSION",
    "SLSA_SUMMARY",
    "SVR",
    "FileCounts",
    "GeneratorNamed",
    "ModelNamed",
    "OpeningReport",
    "PartReport",
    "PolicyUsed",
    "ProducerSaid",
    "ProofReport",
    "Report",
    "ReportedFact",
    "ReportedFinding",
    "SignedFile",
    "SignerReport",
    "StepReport",
    "SubjectReport",
    "SummaryReport",
    "Verdict",
    "VerifiedManifest",
    "check_opening",
    "check_proof",
    "check_summary",
    "find_signed_file",
    "inspect",
    "inspect_oms",
    "open_fact",
    "policy_used",
    "prove_file",
    "read_listing",
    "report_schema",
    "result_statement",
    "summary_statement",
    "verified_open",
    "verify",
    "verify_oms",
]

if not TYPE_CHECKING:
    _HOMES = {
        "provenance.verification.attesting": (
            "SLSA_SUMMARY",
            "SVR",
            "PolicyUsed",
            "policy_used",
            "result_statement",
            "summary_statement",
        ),
        "provenance.verification.gathering": ("MANIFEST_FILE",),
        "provenance.verification.listings": ("read_listing",),
        "provenance.verification.oms_verifying": (
            "inspect_oms",
            "verify_oms",
        ),
        "provenance.verification.openings": (
            "OpeningReport",
            "check_opening",
            "open_fact",
        ),
        "provenance.verification.proof_making": ("prove_file",),
        "provenance.verification.proofs": (
            "ProofReport",
            "check_proof",
        ),
        "provenance.verification.report": (
            "EXIT_CODES",
            "REPORT_VERSION",
            "FileCounts",
            "GeneratorNamed",
            "ModelNamed",
            "PartReport",
            "ProducerSaid",
            "Report",
            "ReportedFact",
            "ReportedFinding",
            "SignerReport",
            "StepReport",
            "SubjectReport",
            "Verdict",
            "report_schema",
        ),
        "provenance.verification.streaming": (
            "SignedFile",
            "find_signed_file",
        ),
        "provenance.verification.summaries": ("SummaryReport", "check_summary"),
        "provenance.verification.verified_files": ("verified_open",),
        "provenance.verification.verifying": (
            "VerifiedManifest",
            "inspect",
            "verify",
        ),
    }
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
