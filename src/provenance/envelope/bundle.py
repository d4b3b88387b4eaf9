"""Sigstore bundles: one file that holds an envelope and what a verifier needs to check it.

Bundles of v0.1 to v0.3 are read, v0.3 is written. Reading says nothing about trust: that is the
work of a signature verifier (`provenance.signing`). No I/O, no keys.

Source: `sigstore_bundle.proto` of sigstore/protobuf-specs; `spec/envelope.md`, section "Bundle".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from provenance import canonical
from provenance.canonical import MAX_BUNDLE_BYTES
from provenance.envelope.dsse import (
    Envelope,
    check_size,
    envelope_tree,
    read_envelope,
    write_compact,
)
from provenance.envelope.fields import (
    refuse_unknown,
    require_object,
    require_text,
    take,
)
from provenance.envelope.material import Material, material_tree, read_material
from provenance.errors import EnvelopeError, shown

if TYPE_CHECKING:
    from provenance.canonical import JsonValue

__all__ = [
    "MEDIA_TYPE",
    "MEDIA_TYPES",
    "Bundle",
    "check_hint",
    "parse_bundle",
    "read_media_type",
    "write_bundle",
]

#: The media type of every bundle that we write.
MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
#: Every media type that we read.
MEDIA_TYPES = (
    MEDIA_TYPE,
    "application/vnd.dev.sigstore.bundle+json;version=0.1",
    "application/vnd.dev.sigstore.bundle+json;version=0.2",
    "application/vnd.dev.sigstore.bundle+json;version=0.3",
)
#: Longest media type that is looked at, so that a message can name it.
MAX_MEDIA_TYPE_CHARACTERS = 1_024

_CODE = "bundle-malformed"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A Sigstore bundle, decoded but not verified: everything in it is still the sender's word."""

    envelope: Envelope
    """The envelope with its one signature."""

    media_type: str = MEDIA_TYPE
    """The media type that the bundle was read with."""

    key_hint: str | None = None
    """The hint at the bare key that signed (may be empty); `None` if a certificate signed."""

    certificate: bytes | None = None
    """The leaf certificate, DER; `None` if a bare key signed."""

    chain: tuple[bytes, ...] = ()
    """Certificates after the leaf, DER: material for building a path, never a reason to trust."""

    tlog_entries: tuple[JsonValue, ...] = ()
    """Entries of a transparency log, as parsed JSON objects."""

    timestamps: tuple[bytes, ...] = ()
    """RFC 3161 timestamp responses, DER."""


def parse_bundle(data: bytes) -> Bundle:
    """Return the bundle that a `*.sigstore.json` document holds.

    Raises:
        CanonicalError: The document is not strict JSON.
        EnvelopeError: It is larger than `MAX_BUNDLE_BYTES`, or breaks the format.
    """
    check_size(data)
    return _read_bundle(canonical.parse(data, max_bytes=MAX_BUNDLE_BYTES, foreign=True))


def write_bundle(bundle: Bundle) -> bytes:
    """Return the v0.3 document of a bundle: one line of JSON without its end, always the same.

    Raises:
        EnvelopeError: The bundle breaks a rule that `parse_bundle` would refuse, or cannot be
            written as v0.3.
    """
    material = Material(
        key_hint=bundle.key_hint,
        certificate=bundle.certificate,
        chain=bundle.chain,
        tlog_entries=bundle.tlog_entries,
        timestamps=bundle.timestamps,
    )
    tree: dict[str, JsonValue] = {
        "mediaType": MEDIA_TYPE,
        "verificationMaterial": material_tree(material),
        "dsseEnvelope": envelope_tree(bundle.envelope),
    }
    _read_bundle(tree)
    data = write_compact(tree)
    check_size(data)
    return data


def _read_bundle(value: JsonValue) -> Bundle:
    tree = require_object(value, "", code=_CODE)
    media_type = read_media_type(tree)
    if "messageSignature" in tree:
        raise EnvelopeError(
            path="/messageSignature",
            problem="this bundle signs the bytes of a file, not a statement about a model",
            remedy="name the bundle of a training manifest",
            code="bundle-payload-type",
        )
    known = ("mediaType", "verificationMaterial", "dsseEnvelope")
    refuse_unknown(tree, known, "", code=_CODE)
    envelope = read_envelope(take(tree, "dsseEnvelope", "", code=_CODE), "/dsseEnvelope")
    material = read_material(
        take(tree, "verificationMaterial", "", code=_CODE),
        "/verificationMaterial",
        media_type=media_type,
    )
    check_hint(material.key_hint, envelope)
    return Bundle(
        envelope=envelope,
        media_type=media_type,
        key_hint=material.key_hint,
        certificate=material.certificate,
        chain=material.chain,
        tlog_entries=material.tlog_entries,
        timestamps=material.timestamps,
    )


def read_media_type(tree: dict[str, JsonValue]) -> str:
    """Return the media type of a bundle.

    Raises:
        EnvelopeError: It is missing, or none that we read (code `bundle-media-type`).
    """
    code = "bundle-media-type"
    where = "/mediaType"
    found = take(tree, "mediaType", "", code=code)
    media_type = require_text(found, where, most=MAX_MEDIA_TYPE_CHARACTERS, code=code)
    if media_type not in MEDIA_TYPES:
        problem = f"expected {MEDIA_TYPE!r} or an older version, found {shown(media_type)}"
        raise EnvelopeError(path=where, problem=problem, code=code)
    return media_type


def check_hint(hint: str | None, envelope: Envelope) -> None:
    """Refuse a key hint that contradicts the key id of the envelope's signature.

    Raises:
        EnvelopeError: It does (code `bundle-hint-mismatch`).
    """
    # "MUST be exactly the same" (sigstore_bundle.proto): else two readers may look for two keys.
    keyid = envelope.signatures[0].keyid
    if hint and keyid and hint != keyid:
        raise EnvelopeError(
            path="/verificationMaterial/publicKey/hint",
            problem=f"the hint is {shown(hint)}, the key id of the signature is {shown(keyid)}",
            code="bundle-hint-mismatch",
        )
