"""Steps 2 to 5: from the bytes of a bundle to a document, with a signature on the way.

A payload is parsed only after its signature verified under a named key, or if no key was named at
all; then everything that follows stands under "signer unknown". No I/O.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from provenance.checks import SignatureOutcome
from provenance.envelope import Statement, parse_bundle, parse_statement
from provenance.errors import ProvenanceError, shown
from provenance.findings import Finding
from provenance.manifest import MANIFEST_V1, Manifest, ParsedPredicate, parse_manifest
from provenance.verification.signatures import finding_of, verify_signature

if TYPE_CHECKING:
    from datetime import datetime

    from provenance.trust import TrustPolicy

__all__ = ["Loaded", "finding_of", "load_manifest"]


class Loaded(Struct, frozen=True):
    """How far the reading of a bundle got."""

    findings: tuple[Finding, ...]
    """What was found on the way."""

    stopped_at: int | None = None
    """The step that could not go on; `None` if the document was read."""

    signature: SignatureOutcome | None = None
    """What became of the signature."""

    statement: Statement | None = None
    """The statement, if it was read."""

    parsed: ParsedPredicate[Manifest] | None = None
    """The document, if it was read."""


def load_manifest(data: bytes, policy: TrustPolicy, now: datetime) -> Loaded:
    """Read a bundle, its signature, its statement and its document, as far as that goes.

    Args:
        data: The bundle.
        policy: Whom to trust.
        now: The verifier's clock.
    """
    try:
        bundle = parse_bundle(data)
    except ProvenanceError as error:
        from provenance.verification.other_bundles import (  # noqa: PLC0415 - seldom needed
            advice_for_bytes,
        )

        fault = finding_of(error, "bundle-malformed", advice=advice_for_bytes(data))
        return Loaded((fault,), stopped_at=2)
    signature, findings = verify_signature(bundle, policy, now)
    if signature.status == "invalid":
        # What follows would be read from bytes that nobody vouches for.
        return Loaded(findings, stopped_at=3, signature=signature)
    try:
        statement = parse_statement(bundle.envelope.payload)
        if statement.predicate_type != MANIFEST_V1:
            raise ProvenanceError(
                path="/predicateType",
                problem=f"expected {MANIFEST_V1}, found {shown(statement.predicate_type)}",
                code="predicate-type",
            )
    except ProvenanceError as error:
        from provenance.verification.other_bundles import (  # noqa: PLC0415 - seldom needed
            advice_for_payload,
        )

        advice = advice_for_payload(bundle.envelope.payload, expected=MANIFEST_V1)
        fault = finding_of(error, "statement-malformed", advice=advice)
        return Loaded((*findings, fault), stopped_at=4, signature=signature)
    try:
        parsed = parse_manifest(statement.predicate)
    except ProvenanceError as error:
        fault = finding_of(error, "manifest-invalid")
        return Loaded((*findings, fault), stopped_at=5, signature=signature, statement=statement)
    return Loaded(findings, signature=signature, statement=statement, parsed=parsed)
