"""Step 24: other people's bundles beside the manifest, and who signed them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from provenance.canonical import MAX_BUNDLE_BYTES
from provenance.checks import MANIFEST_FOLDER, Attestation
from provenance.envelope import manifest_digest, parse_bundle, parse_statement
from provenance.errors import EnvelopeError, MissingExtraError, ProvenanceError, shown
from provenance.findings import Finding
from provenance.manifest import (
    DOCUMENT_KINDS,
    EvaluationAttestation,
    ReproductionAttestation,
    parse_predicate,
)
from provenance.verification.signatures import verify_signature

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provenance.envelope import Statement
    from provenance.verification.reading import Reader

__all__ = ["ATTESTATIONS_FOLDER", "is_attestation", "read_attestations"]

#: Where attestations lie, inside the manifest folder.
ATTESTATIONS_FOLDER = "attestations"
#: What the name of every bundle ends with.
BUNDLE_SUFFIX = ".sigstore.json"
#: Most attestations that are read; whoever has more has another problem.
MAX_ATTESTATIONS = 1_000
#: Largest attestation, in bytes.
MAX_ATTESTATION_BYTES = 16 * 1024 * 1024
#: Most bytes of all attestations together; anybody may put one there.
MAX_ALL_ATTESTATIONS_BYTES = 256 * 1024 * 1024

_Said: TypeAlias = "tuple[str, EvaluationAttestation | ReproductionAttestation | None]"


def read_attestations(
    reader: Reader,
    statement: Statement,
    sizes: Mapping[str, int | None],
) -> tuple[tuple[Attestation, ...], tuple[Finding, ...]]:
    """Return the attestations, and what is not one.

    Args:
        reader: Reads, remembers what it could not read, and knows the policy of the caller:
            attestations are held to the same ones.
        statement: The statement of the manifest.
        sizes: Every file of the manifest folder, by its name inside it, with its size.
    """
    attestations = []
    faults = []
    candidates = [name for name in sizes if is_attestation(name)]
    total = sum(sizes[name] or 0 for name in candidates)
    if total > MAX_ALL_ATTESTATIONS_BYTES:
        message = f"{total} bytes of attestations, at most {MAX_ALL_ATTESTATIONS_BYTES} are read"
        return (), (_at_folder(message),)
    for name in candidates[:MAX_ATTESTATIONS]:
        where = f"{MANIFEST_FOLDER}/{name}"
        data = reader.read(where, max_bytes=min(MAX_ATTESTATION_BYTES, MAX_BUNDLE_BYTES))
        if data is None:
            continue
        try:
            attestations.append(_read_one(data, where, statement, reader))
        except MissingExtraError:  # nothing is wrong with it: it could not be looked at
            raise
        except ProvenanceError as error:
            place = f" at {error.path}" if error.path else ""
            faults.append(Finding("attestation-malformed", where, f"{error.problem}{place}"))
    if len(candidates) > MAX_ATTESTATIONS:
        message = f"{len(candidates)} attestations, at most {MAX_ATTESTATIONS} are read"
        faults.append(_at_folder(message))
    return tuple(attestations), tuple(faults)


def is_attestation(name: str) -> bool:
    """Return whether a file of the manifest folder must be an attestation, by its name."""
    return name.startswith(f"{ATTESTATIONS_FOLDER}/") and name.endswith(BUNDLE_SUFFIX)


def _at_folder(message: str) -> Finding:
    return Finding("attestation-malformed", f"{MANIFEST_FOLDER}/{ATTESTATIONS_FOLDER}", message)


def _read_one(data: bytes, where: str, statement: Statement, reader: Reader) -> Attestation:
    bundle = parse_bundle(data)
    kind, document = _said(bundle.envelope.payload, statement)
    outcome, _ = verify_signature(bundle, reader.policy, reader.now)
    return Attestation(where, kind, outcome, document)


def _said(payload: bytes, statement: Statement) -> _Said:
    """Return what an attestation is and says; refuse one that is not about this manifest.

    Raises:
        ProvenanceError: It is malformed, or about something else.
    """
    if payload == statement.payload:
        return "co-signature", None
    other = parse_statement(payload)
    if other.predicate_type not in DOCUMENT_KINDS:
        raise EnvelopeError(problem=f"the predicate type is {shown(other.predicate_type)}")
    document = parse_predicate(DOCUMENT_KINDS[other.predicate_type], other.predicate).document
    if not isinstance(document, EvaluationAttestation | ReproductionAttestation):
        raise EnvelopeError(problem=f"a {shown(other.predicate_type)} is not about a manifest")
    named = document.manifest.digest.get("sha256")
    ours = manifest_digest(statement.payload)
    if named != ours:
        raise EnvelopeError(problem=f"it is about the manifest {shown(named)}, this one is {ours}")
    if other.subjects[0].digest["sha256"] != statement.subjects[0].digest["sha256"]:
        raise EnvelopeError(problem="its first subject is another release")
    return other.predicate_type, document
