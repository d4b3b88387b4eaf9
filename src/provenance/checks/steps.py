"""The ordered list of checks: an explicit tuple, so that nothing is found by its name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, TypeAlias

from provenance.checks.accounting import check_every_file_found, check_every_file_listed
from provenance.checks.blocks import check_blocks, check_blocks_recomputed
from provenance.checks.checkpoints import check_checkpoint_parents, check_checkpoint_steps
from provenance.checks.companions import (
    check_companions_listed,
    check_companions_whole,
    check_inline_inventories,
)
from provenance.checks.datasets import (
    check_dataset_sizes,
    check_datasets_pinned,
    check_licences,
    check_sources,
)
from provenance.checks.digests import check_digests, check_recomputed, check_sizes
from provenance.checks.disclosures import check_disclosures, check_origins
from provenance.checks.document import check_extensions, check_newer_fields
from provenance.checks.environments import check_environment_classes, check_reproduction
from provenance.checks.evaluations import (
    check_evaluated_things,
    check_intervals,
    check_results_documents,
)
from provenance.checks.evidence import Evidence
from provenance.checks.listing import check_inventory, check_listing
from provenance.checks.names import check_dataset_names, check_release_names
from provenance.checks.policy import check_requirements
from provenance.checks.processing import check_processing_cycles, check_where_data_comes_from
from provenance.checks.references import check_identifiers, check_references
from provenance.checks.release import check_released_tensors, check_released_weights
from provenance.checks.requirements import check_required_rungs
from provenance.checks.roles import (
    check_beyond_release,
    check_policy_times,
    check_revoked_artifacts,
    check_roles,
)
from provenance.checks.segments import (
    check_code,
    check_gaps,
    check_segments,
    check_undeclared_inputs,
)
from provenance.checks.supplied import check_attestations, check_supplied
from provenance.checks.times import (
    check_name_and_age,
    check_order_of_times,
    check_times_within_manifest,
)
from provenance.findings import Finding, Severity
from provenance.trust import TrustPolicy

if TYPE_CHECKING:
    from provenance.manifest import Manifest

__all__ = ["CHECKS", "DRAFT_STEPS", "Check", "consistency_findings", "run_checks"]

Check: TypeAlias = Callable[[Evidence, TrustPolicy], Iterator[Finding]]
"""One check: reads the evidence, yields findings, changes nothing."""

#: Every check with the number of its step, in the order of `spec/verification.md`.
CHECKS: Final[tuple[tuple[int, Check], ...]] = (
    (5, check_newer_fields),
    (5, check_extensions),
    (6, check_name_and_age),
    (7, check_release_names),
    (7, check_dataset_names),
    (9, check_inventory),
    (9, check_listing),
    (10, check_every_file_found),
    (10, check_every_file_listed),
    (11, check_sizes),
    (12, check_digests),
    (12, check_recomputed),
    (12, check_blocks_recomputed),
    (13, check_companions_whole),
    (13, check_companions_listed),
    (13, check_inline_inventories),
    (13, check_blocks),
    (14, check_identifiers),
    (14, check_references),
    (15, check_disclosures),
    (15, check_origins),
    (16, check_datasets_pinned),
    (16, check_dataset_sizes),
    (16, check_sources),
    (16, check_licences),
    (17, check_processing_cycles),
    (17, check_where_data_comes_from),
    (18, check_segments),
    (18, check_code),
    (18, check_undeclared_inputs),
    (18, check_environment_classes),
    (18, check_reproduction),
    (18, check_gaps),
    (19, check_checkpoint_parents),
    (19, check_checkpoint_steps),
    (20, check_evaluated_things),
    (20, check_intervals),
    (20, check_results_documents),
    (21, check_released_weights),
    (21, check_released_tensors),
    (22, check_times_within_manifest),
    (22, check_order_of_times),
    (23, check_supplied),
    (24, check_attestations),
    (24, check_roles),
    (25, check_policy_times),
    (25, check_revoked_artifacts),
    (25, check_required_rungs),
    (25, check_beyond_release),
    (25, check_requirements),
)

#: The steps that a manifest alone is held to, before it is signed.
DRAFT_STEPS: Final = frozenset({5, 7, 9, *range(13, 23)})


def run_checks(evidence: Evidence, policy: TrustPolicy) -> tuple[Finding, ...]:
    """Return the findings of every check and of the gathering, in the order of the steps."""
    findings = [finding for _, check in CHECKS for finding in check(evidence, policy)]
    return tuple(sorted((*evidence.faults, *findings), key=lambda finding: finding.step))


def consistency_findings(manifest: Manifest) -> tuple[Finding, ...]:
    """Return what is wrong, unusual or worth knowing in a manifest, without any file.

    These are the steps that look at the document alone: 5, 7, 9 and 13 as far as they need no file,
    and 14 to 22. A manifest with an error among them would never verify.
    """
    evidence = Evidence.of_draft(manifest)
    policy = TrustPolicy()
    findings = (
        finding
        for step, check in CHECKS
        if step in DRAFT_STEPS
        for finding in check(evidence, policy)
    )
    return tuple(finding for finding in findings if finding.severity is not Severity.NOT_CHECKED)
