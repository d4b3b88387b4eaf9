"""What a file is that was given to the wrong command, and which command reads it. No I/O.

Nothing here decides anything: the file is refused already, and the reader is told where it belongs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from provenance import canonical
from provenance.canonical import MAX_BUNDLE_BYTES, MAX_DOCUMENT_BYTES
from provenance.envelope.oms.statement import LEGACY_PREDICATE_TYPE
from provenance.errors import ProvenanceError
from provenance.manifest import MANIFEST_V1, PREDICATE_TYPES
from provenance.verification.attesting import SLSA_SUMMARY, SVR

__all__ = ["advice_for_bytes", "advice_for_payload", "advice_for_type"]

_CHECK_SUMMARY: Final = (
    "This is the signed outcome of a verification; `provenance check-summary` reads what it says."
)
_BY_TYPE: Final = MappingProxyType(
    {
        MANIFEST_V1: "This is a training manifest; `provenance verify` checks what it says.",
        SLSA_SUMMARY: _CHECK_SUMMARY,
        SVR: "This is the signed outcome of a verification; a gate reads the verification summary "
        "beside it, with `provenance check-summary`.",
    }
)
_OMS: Final = re.compile(r"https://model_signing/signature/v\d+\.\d+")
_RAW: Final = (
    "Only Sigstore bundles are read: neither bare signatures, as `openssl` makes them, nor those "
    "of `ssh-keygen -Y` or GnuPG."
)


def advice_for_type(predicate_type: str) -> str:
    """Return which command reads statements of a predicate type; empty if none is known.

    Args:
        predicate_type: The type that a statement has.
    """
    if predicate_type in _BY_TYPE:
        return _BY_TYPE[predicate_type]
    if predicate_type == LEGACY_PREDICATE_TYPE or _OMS.fullmatch(predicate_type):
        return (
            "This is an OpenSSF Model Signing signature; `provenance verify-oms MODEL --signature "
            "FILE` compares it with the files."
        )
    if predicate_type in PREDICATE_TYPES:
        return (
            "This is an attestation about a manifest or a dataset; it lies in the folder "
            "`attestations` of the release, and `provenance verify` reads it there."
        )
    return ""


def advice_for_payload(payload: bytes, *, expected: str) -> str:
    """Return which command reads a statement that was refused; empty if none is known.

    Args:
        payload: The bytes of the statement.
        expected: The predicate type that was looked for: of this one nothing is said.
    """
    try:
        tree = canonical.parse(payload, max_bytes=MAX_DOCUMENT_BYTES, foreign=True)
    except ProvenanceError:
        return ""
    named = tree.get("predicateType") if isinstance(tree, Mapping) else None
    advice = advice_for_type(named) if isinstance(named, str) else ""
    return "" if advice == advice_for_type(expected) else advice


def advice_for_bytes(data: bytes) -> str:
    """Return what a file is that cannot be read as a bundle with a statement; empty if unknown.

    Args:
        data: The bytes of the file.
    """
    if data.lstrip()[:1] not in {b"{", b"["}:
        return _RAW
    try:
        tree = canonical.parse(data, max_bytes=MAX_BUNDLE_BYTES, foreign=True)
    except ProvenanceError:
        return ""
    if isinstance(tree, Mapping) and "messageSignature" in tree:
        return (
            "This bundle signs the bytes of one file; `provenance verify-bundle --bundle FILE "
            "ARTIFACT` says who signed it."
        )
    return ""
