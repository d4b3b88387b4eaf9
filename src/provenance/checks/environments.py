"""Step 18: the digests of environments, and whether the facts bear the claim of reproduction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from provenance.checks.document_walk import walk_documents
from provenance.errors import shown
from provenance.findings import Finding
from provenance.manifest import Environment, environment_class, full_capture, lacks_for_bitwise

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provenance.checks.evidence import Evidence
    from provenance.manifest import Manifest, ReproductionClaim
    from provenance.trust import TrustPolicy

__all__ = ["check_environment_classes", "check_reproduction"]

_CLAIM: Final = "/training/reproduction"

#: Reasons that one finding gives; the rest is counted.
MAX_REASONS: Final = 5


def check_environment_classes(evidence: Evidence, policy: TrustPolicy) -> Iterator[Finding]:
    """Step 18: the two digests of an environment are those of what stands in it.

    Codes: `environment-class-mismatch`.
    """
    for path, found in walk_documents(evidence.manifest):
        if not isinstance(found, Environment):
            continue
        digests = (
            ("environmentClass", found.environment_class, environment_class),
            ("fullCapture", found.full_capture, full_capture),
        )
        for name, stated, compute in digests:
            if stated is None or "sha256" not in stated:
                continue
            made = compute(found)
            if stated["sha256"] != made:
                message = f"SHA-256 is {made}, stated is {stated['sha256']}"
                yield Finding("environment-class-mismatch", f"{path}/{name}", message)


def check_reproduction(evidence: Evidence, policy: TrustPolicy) -> Iterator[Finding]:
    """Step 18: a claim of reproduction goes no further than the recorded facts.

    Codes: `reproduction-unsupported`.
    """
    training = evidence.manifest.training
    claim = training.reproduction if training is not None else None
    if claim is None:
        return
    reasons = list(dict.fromkeys(_lacks(evidence.manifest, claim)))
    if reasons:
        more = len(reasons) - MAX_REASONS
        rest = f" and {more} more" if more > 0 else ""
        message = f"{claim.reproduction_class} is claimed: {'; '.join(reasons[:MAX_REASONS])}{rest}"
        yield Finding("reproduction-unsupported", _CLAIM, message)


def _lacks(manifest: Manifest, claim: ReproductionClaim) -> Iterator[str]:
    if claim.reproduction_class == "bitwise":
        yield from _lacks_of_bits(manifest)
    elif claim.reproduction_class == "numeric" and not (claim.tolerances or claim.document):
        yield "no tolerances"
    elif claim.reproduction_class == "statistical" and not (claim.description or claim.document):
        yield "no distribution is described"


def _lacks_of_bits(manifest: Manifest) -> Iterator[str]:
    segments = manifest.training.segments if manifest.training is not None else ()
    worlds = {it.id: it for it in manifest.environments}
    if not segments:
        yield "no segments"
    for segment in segments:
        name = shown(segment.id)
        if not segment.seeds:
            yield f"segment {name} has no seeds"
        code = segment.code
        if code is None:
            yield f"segment {name} has no code"
        elif code.modified and code.patch is None and not code.document:
            yield f"segment {name} ran code whose differences from its commit are not bound"
        world = worlds.get(segment.environment or "")
        if world is None:
            yield f"segment {name} has no environment"
            continue
        for reason in lacks_for_bitwise(world):
            yield f"environment {shown(world.id)}: {reason}"
