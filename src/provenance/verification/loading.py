"""Steps 2 to 5: from the bytes of a bundle to a document, with a signature on the way.

A payload is parsed only after its signature verified under a named key, or if no key was named at
all; then everything that follows stands under "signer unknown". No I/O.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from provenance.checks import SignatureOutcome
from provenance.envelope import Statement, parse_bundle, parse_statement
from provenance.errors import ProvenanceError, UsageError, shown
from provenance.findings import CODES, Finding
from provenance.manifest import MANIFEST_V1, Manifest, ParsedPredicate, parse_manifest
from provenance.signing import parse_fingerprint, verify_bundle

if TYPE_CHECKING:
    from provenance.envelope import Bundle
    from provenance.signing import SignatureVerifier

__all__ = ["Loaded", "finding_of", "load_manifest", "verify_signature"]


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


def load_manifest(data: bytes, keys: tuple[SignatureVerifier, ...]) -> Loaded:
    """Read a bundle, its signature, its statement and its document, as far as that goes."""
    try:
        bundle = parse_bundle(data)
    except ProvenanceError as error:
        return Loaded((finding_of(error, "bundle-malformed"),), stopped_at=2)
    signature, finding = verify_signature(bundle, keys)
    if signature.status == "invalid":
        # What follows would be read from bytes that nobody vouches for.
        return Loaded((finding,), stopped_at=3, signature=signature)
    try:
        statement = parse_statement(bundle.envelope.payload)
        if statement.predicate_type != MANIFEST_V1:
            raise ProvenanceError(
                path="/predicateType",
                problem=f"expected {MANIFEST_V1}, found {shown(statement.predicate_type)}",
                code="predicate-type",
            )
    except ProvenanceError as error:
        fault = finding_of(error, "statement-malformed")
        return Loaded((finding, fault), stopped_at=4, signature=signature)
    try:
        parsed = parse_manifest(statement.predicate)
    except ProvenanceError as error:
        fault = finding_of(error, "manifest-invalid")
        return Loaded((finding, fault), stopped_at=5, signature=signature, statement=statement)
    return Loaded((finding,), signature=signature, statement=statement, parsed=parsed)


def verify_signature(
    bundle: Bundle, keys: tuple[SignatureVerifier, ...]
) -> tuple[SignatureOutcome, Finding]:
    """Verify a bundle under the named keys and say what came out."""
    hint = _hinted(bundle)
    if not keys:
        said = f"the bundle says key {hint}, which proves nothing" if hint else "it names no key"
        message = f"no key was named, so nobody is known to have signed this; {said}"
        return SignatureOutcome("unknown", hint), Finding("signer-unknown", "", message)
    try:
        verified = verify_bundle(bundle, keys)
    except ProvenanceError as error:
        return SignatureOutcome("invalid", hint), finding_of(error, "signature-invalid")
    outcome = SignatureOutcome("verified", verified.fingerprint, verified.verifier.scheme)
    message = f"signed by key {verified.fingerprint} ({verified.verifier.scheme})"
    return outcome, Finding("signature-verified", "", message)


def finding_of(error: ProvenanceError, default: str, *, path: str | None = None) -> Finding:
    """Return the finding that an error of a lower room is.

    Args:
        error: The error.
        default: The code, if the error names none.
        path: Where, if it is known better than the error knows.
    """
    code = error.code if error.code in CODES else default
    return Finding(code, error.path if path is None else path, error.problem or str(error))


def _hinted(bundle: Bundle) -> str:
    hint = bundle.key_hint or bundle.envelope.signatures[0].keyid
    try:
        return parse_fingerprint(f"SHA256:{hint.rstrip('=')}")
    except UsageError:
        return ""
