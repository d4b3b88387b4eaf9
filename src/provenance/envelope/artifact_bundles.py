"""Sigstore bundles of any producer: over the bytes of a file, or over a statement.

The training manifest is read by `parse_bundle`, which takes less. Beyond it, `messageSignature` is
read, and `null` for an absent field, which proto3 JSON allows. No I/O, no keys.

Source: `sigstore_bundle.proto` and `sigstore_common.proto` of sigstore/protobuf-specs;
`spec/envelope.md`, section "Bundle".
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from provenance import canonical
from provenance.canonical import MAX_BUNDLE_BYTES, MAX_SIGNATURE_BYTES
from provenance.envelope.bundle import check_hint, read_media_type
from provenance.envelope.dsse import Envelope, check_size, read_envelope
from provenance.envelope.fields import (
    decode_base64,
    refuse_unknown,
    require_object,
    take,
    under,
)
from provenance.envelope.material import Material, read_material
from provenance.errors import EnvelopeError, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provenance.canonical import JsonValue

__all__ = ["ArtifactBundle", "MessageSignature", "parse_artifact_bundle", "without_null"]

_CODE = "bundle-malformed"
#: The hashes of `messageDigest`, by name and by number, and what `hashlib` calls those that are
#: compared; a digest by another, or by none that is named, says nothing here.
_HASHES: Mapping[str | int, str | None] = MappingProxyType(
    {
        name: known
        for names, known in (
            (("HASH_ALGORITHM_UNSPECIFIED", 0), None),
            (("SHA2_256", 1), "sha256"),
            (("SHA2_384", 2), "sha384"),
            (("SHA2_512", 3), "sha512"),
            (("SHA3_256", 4), None),
            (("SHA3_384", 5), None),
        )
        for name in names
    }
)
_MAX_DIGEST_BYTES = 64


@dataclass(frozen=True, slots=True)
class MessageSignature:
    """A signature over the bytes of a file."""

    signature: bytes
    """The signature."""

    algorithm: str | None = None
    """The hash of the digest, as `hashlib` names it; `None` if the bundle states no digest that
    could be compared."""

    digest: bytes = b""
    """What the bundle says that the digest of the file is: a hint, and never a proof."""


@dataclass(frozen=True, slots=True)
class ArtifactBundle:
    """A bundle, decoded and not verified."""

    media_type: str
    """The media type that it was read with."""

    material: Material
    """What it says of the key, the log and the time."""

    content: Envelope | MessageSignature
    """What was signed."""


def parse_artifact_bundle(data: bytes) -> ArtifactBundle:
    """Return the bundle of any producer that a document holds.

    Raises:
        CanonicalError: The document is not strict JSON.
        EnvelopeError: It is larger than `MAX_BUNDLE_BYTES`, or breaks the format.
    """
    check_size(data)
    tree = require_object(
        without_null(canonical.parse(data, max_bytes=MAX_BUNDLE_BYTES, foreign=True)),
        "",
        code=_CODE,
    )
    media_type = read_media_type(tree)
    kinds = ("messageSignature", "dsseEnvelope")
    refuse_unknown(tree, ("mediaType", "verificationMaterial", *kinds), "", code=_CODE)
    found = [kind for kind in kinds if kind in tree]
    if len(found) != 1:
        problem = f"expected exactly one of {', '.join(kinds)}, found {len(found)}"
        raise EnvelopeError(problem=problem, code=_CODE)
    material = read_material(
        take(tree, "verificationMaterial", "", code=_CODE),
        "/verificationMaterial",
        media_type=media_type,
    )
    content: Envelope | MessageSignature
    if found[0] == "dsseEnvelope":
        content = read_envelope(tree["dsseEnvelope"], "/dsseEnvelope")
        check_hint(material.key_hint, content)
    else:
        content = _read_message(tree["messageSignature"], "/messageSignature")
    return ArtifactBundle(media_type, material, content)


def _read_message(value: JsonValue, path: str) -> MessageSignature:
    tree = require_object(value, path, code=_CODE)
    refuse_unknown(tree, ("messageDigest", "signature"), path, code=_CODE)
    where = under(path, "signature")
    signature = decode_base64(
        take(tree, "signature", path, code=_CODE), where, most=MAX_SIGNATURE_BYTES, code=_CODE
    )
    if not signature:
        raise EnvelopeError(path=where, problem="the signature is empty", code=_CODE)
    if "messageDigest" not in tree:
        return MessageSignature(signature)
    where = under(path, "messageDigest")
    stated = require_object(tree["messageDigest"], where, code=_CODE)
    refuse_unknown(stated, ("algorithm", "digest"), where, code=_CODE)
    name = stated.get("algorithm", 0)
    if isinstance(name, bool) or not isinstance(name, str | int) or name not in _HASHES:
        known = ", ".join(name for name in _HASHES if isinstance(name, str))
        problem = f"expected one of {known}, found {shown(name)}"
        raise EnvelopeError(path=under(where, "algorithm"), problem=problem, code=_CODE)
    digest = decode_base64(
        stated.get("digest", ""), under(where, "digest"), most=_MAX_DIGEST_BYTES, code=_CODE
    )
    return MessageSignature(signature, _HASHES[name], digest)


def without_null(value: JsonValue) -> JsonValue:
    """Return a document without the fields that are null: in proto3 JSON they are absent."""
    if isinstance(value, dict):
        return {name: without_null(item) for name, item in value.items() if item is not None}
    if isinstance(value, tuple):
        return tuple(without_null(item) for item in value)
    return value
