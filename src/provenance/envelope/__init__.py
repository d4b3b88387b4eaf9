"""DSSE envelopes, Sigstore bundles and in-toto Statements: bytes in, bytes out.

Nothing here knows a key or trusts anything; `provenance.signing` verifies a bundle and hands out
its payload, and `parse_statement` reads that. `spec/envelope.md` is the contract.
"""

from __future__ import annotations

from provenance.lazy import lazy_names

TYPE_CHECKING = False  # type checkers know the name

if TYPE_CHECKING:
    from provenance.envelope.bundle import (
        MEDIA_TYPE,
        MEDIA_TYPES,
        Bundle,
        parse_bundle,
        write_bundle,
    )
    from provenance.envelope.dsse import (
        PAYLOAD_TYPE,
        Envelope,
        Signature,
        pae,
        parse_envelope,
        write_envelope,
    )
    from provenance.envelope.statement import (
        STATEMENT_TYPE,
        SUBJECT_ALGORITHMS,
        Statement,
        Subject,
        manifest_digest,
        parse_statement,
        write_statement,
    )

__all__ = [
    "MEDIA_TYPE",
    "MEDIA_TYPES",
    "PAYLOAD_TYPE",
    "STATEMENT_TYPE",
    "SUBJECT_ALGORITHMS",
    "Bundle",
    "Envelope",
    "Signature",
    "Statement",
    "Subject",
    "manifest_digest",
    "pae",
    "parse_bundle",
    "parse_envelope",
    "parse_statement",
    "write_bundle",
    "write_envelope",
    "write_statement",
]

if not TYPE_CHECKING:
    _HOMES = {
        "provenance.envelope.bundle": (
            "MEDIA_TYPE",
            "MEDIA_TYPES",
            "Bundle",
            "parse_bundle",
            "write_bundle",
        ),
        "provenance.envelope.dsse": (
            "PAYLOAD_TYPE",
            "Envelope",
            "Signature",
            "pae",
            "parse_envelope",
            "write_envelope",
        ),
        "provenance.envelope.statement": (
            "STATEMENT_TYPE",
            "SUBJECT_ALGORITHMS",
            "Statement",
            "Subject",
            "manifest_digest",
            "parse_statement",
            "write_statement",
        ),
    }
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
