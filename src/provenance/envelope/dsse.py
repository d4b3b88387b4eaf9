"""DSSE envelopes: payload bytes, their type, and one signature over both.

The payload is opaque here: nobody parses it before its signature was verified, and the verified
bytes are the ones that are parsed. No I/O, no keys.

Source: DSSE 1.0.2, `protocol.md` and `envelope.md`; `spec/envelope.md`, section "Envelope".
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provenance import canonical
from provenance.canonical import (
    MAX_BUNDLE_BYTES,
    MAX_DOCUMENT_BYTES,
    MAX_SIGNATURE_BYTES,
    MAX_SIGNATURES,
)
from provenance.envelope.fields import (
    decode_base64,
    encode_base64,
    refuse_unknown,
    require_array,
    require_object,
    require_text,
    take,
    under,
)
from provenance.errors import EnvelopeError, shown

if TYPE_CHECKING:
    from provenance.canonical import JsonValue

__all__ = [
    "MAX_KEY_ID_CHARACTERS",
    "PAYLOAD_TYPE",
    "Envelope",
    "Signature",
    "check_size",
    "envelope_tree",
    "pae",
    "parse_envelope",
    "read_envelope",
    "write_compact",
    "write_envelope",
]

#: The one payload type: an in-toto Statement as JSON (in-toto attestation, `spec/v1/envelope.md`).
PAYLOAD_TYPE = "application/vnd.in-toto+json"
#: Longest key id or key hint; ours have 44 characters.
MAX_KEY_ID_CHARACTERS = 1_024
#: Longest payload type that is looked at, so that a message can name it.
MAX_PAYLOAD_TYPE_CHARACTERS = 1_024


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature of an envelope."""

    sig: bytes
    """The signature: DER for ECDSA, 64 bytes for Ed25519."""

    keyid: str = ""
    """An unauthenticated hint at the key; empty if there is none. Never decides trust."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A DSSE envelope: bytes, their type and the signatures over both."""

    payload: bytes
    """The signed bytes, exactly as they were signed."""

    payload_type: str
    """Their type, signed with them."""

    signatures: tuple[Signature, ...]
    """Exactly one, in every envelope that we read or write."""


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return the bytes that are signed: the pre-authentication encoding of type and payload.

    Both lengths count bytes, of the type in UTF-8; two libraries counted characters.

    Raises:
        EnvelopeError: The type holds a lone surrogate, which has no UTF-8.
    """
    # PAE(type, body) = "DSSEv1" SP LEN(type) SP type SP LEN(body) SP body    (DSSE, `protocol.md`)
    try:
        kind = payload_type.encode("utf-8")
    except UnicodeEncodeError as error:
        raise EnvelopeError(
            problem=f"payload type {shown(payload_type)} is not valid Unicode",
            code="bundle-payload-type",
        ) from error
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def parse_envelope(data: bytes) -> Envelope:
    """Return the envelope that a bare DSSE document holds (`*.intoto.jsonl`, one line).

    Raises:
        CanonicalError: The document is not strict JSON.
        EnvelopeError: It is larger than `MAX_BUNDLE_BYTES`, or breaks the format.
    """
    check_size(data)
    return read_envelope(canonical.parse(data, max_bytes=MAX_BUNDLE_BYTES, foreign=True), "")


def write_envelope(envelope: Envelope) -> bytes:
    """Return the bare DSSE document of an envelope: one line of JSON without its end.

    Raises:
        EnvelopeError: The envelope breaks a rule that `parse_envelope` would refuse.
    """
    tree = envelope_tree(envelope)
    read_envelope(tree, "")
    return write_compact(tree)


def check_size(data: bytes) -> None:
    """Refuse a document that is larger than any bundle, before anything else looks at it.

    Raises:
        EnvelopeError: It is.
    """
    if len(data) > MAX_BUNDLE_BYTES:
        problem = f"{len(data)} bytes, expected at most {MAX_BUNDLE_BYTES}"
        raise EnvelopeError(problem=problem, code="bundle-size")


def read_envelope(value: JsonValue, path: str) -> Envelope:
    """Return the envelope that a parsed JSON object holds.

    Args:
        value: The parsed object, arrays as tuples.
        path: Its JSON Pointer, for messages.

    Raises:
        EnvelopeError: It breaks the format.
    """
    code = "bundle-malformed"
    tree = require_object(value, path, code=code)
    refuse_unknown(tree, ("payload", "payloadType", "signatures"), path, code=code)
    payload_type = _read_payload_type(tree, path)
    signatures = _read_signatures(take(tree, "signatures", path, code=code), path)
    payload = decode_base64(
        take(tree, "payload", path, code=code),
        under(path, "payload"),
        most=MAX_DOCUMENT_BYTES,
        code=code,
    )
    return Envelope(payload=payload, payload_type=payload_type, signatures=signatures)


def envelope_tree(envelope: Envelope) -> dict[str, JsonValue]:
    """Return the JSON tree of an envelope, in the order in which it is written."""
    return {
        "payload": encode_base64(envelope.payload),
        "payloadType": envelope.payload_type,
        "signatures": tuple(_signature_tree(signature) for signature in envelope.signatures),
    }


def write_compact(tree: JsonValue) -> bytes:
    """Return a JSON tree as one line, in the order of its fields, without blanks.

    Raises:
        EnvelopeError: A string holds a lone surrogate, or a number is not finite.
    """
    try:
        text = json.dumps(tree, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode("utf-8")
    except ValueError as error:
        raise EnvelopeError(
            problem="a string is not valid Unicode, or a number is not finite",
            code="bundle-malformed",
        ) from error


def _signature_tree(signature: Signature) -> dict[str, JsonValue]:
    tree: dict[str, JsonValue] = {"sig": encode_base64(signature.sig)}
    if signature.keyid:
        tree["keyid"] = signature.keyid
    return tree


def _read_payload_type(tree: dict[str, JsonValue], path: str) -> str:
    code = "bundle-payload-type"
    where = under(path, "payloadType")
    found = take(tree, "payloadType", path, code=code)
    payload_type = require_text(found, where, most=MAX_PAYLOAD_TYPE_CHARACTERS, code=code)
    if payload_type != PAYLOAD_TYPE:
        problem = f"expected {PAYLOAD_TYPE!r}, found {shown(payload_type)}"
        raise EnvelopeError(path=where, problem=problem, code=code)
    return payload_type


def _read_signatures(value: JsonValue, path: str) -> tuple[Signature, ...]:
    where = under(path, "signatures")
    code = "bundle-signature-count"
    found = require_array(value, where, most=MAX_SIGNATURES, code=code)
    if len(found) != 1:
        # Readers disagree on which of several counts; co-signers add bundles over equal payloads.
        problem = f"{len(found)} signatures, expected exactly one"
        raise EnvelopeError(path=where, problem=problem, code=code)
    return (_read_signature(found[0], under(where, 0)),)


def _read_signature(value: JsonValue, path: str) -> Signature:
    code = "bundle-malformed"
    tree = require_object(value, path, code=code)
    refuse_unknown(tree, ("sig", "keyid"), path, code=code)
    where = under(path, "sig")
    sig = decode_base64(
        take(tree, "sig", path, code=code), where, most=MAX_SIGNATURE_BYTES, code=code
    )
    if not sig:
        raise EnvelopeError(path=where, problem="the signature is empty", code=code)
    keyid = require_text(
        tree.get("keyid", ""), under(path, "keyid"), most=MAX_KEY_ID_CHARACTERS, code=code
    )
    return Signature(sig=sig, keyid=keyid)
