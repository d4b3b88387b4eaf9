"""The file `model.sig`: a Sigstore bundle with the liberties that OMS and its history take.

Source: OpenSSF Model Signing 1.0, sections 4 and 11; `sigstore_bundle.proto`. No I/O, no keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec import Struct

from provenance import canonical
from provenance.canonical import MAX_BUNDLE_BYTES
from provenance.envelope.bundle import MEDIA_TYPE, MEDIA_TYPES, Bundle
from provenance.envelope.dsse import check_size, envelope_tree, read_envelope, write_compact
from provenance.envelope.fields import (
    decode_base64,
    encode_base64,
    refuse_unknown,
    require_object,
    require_text,
    take,
    under,
)
from provenance.envelope.material import MAX_CERTIFICATE_BYTES, Material, read_material
from provenance.errors import EnvelopeError, shown

if TYPE_CHECKING:
    from provenance.canonical import JsonValue

__all__ = ["OmsBundle", "OmsMethod", "parse_oms_bundle", "write_oms_bundle"]

OmsMethod: TypeAlias = Literal["key", "certificate", "sigstore"]
"""How a bundle was signed, as its field says: the verifier has to be of that kind."""

_CODE = "bundle-malformed"
_METHODS: dict[str, OmsMethod] = {
    "publicKey": "key",
    "x509CertificateChain": "certificate",
    "certificate": "sigstore",
}
_MAX_TEXT = 1_024


class OmsBundle(Struct, frozen=True):
    """An OMS bundle, decoded but not verified: everything in it is still the sender's word."""

    bundle: Bundle
    """The same as signature verifiers take it. Its hint is OMS's: hex, not base64."""

    method: OmsMethod
    """How it was signed."""


def parse_oms_bundle(data: bytes) -> OmsBundle:
    """Return the bundle that a `model.sig` holds.

    Read beside what `parse_bundle` takes: a `null` key id, the raw public key of older versions (it
    is not looked at), lists that are absent or `null`, and a chain of certificates.

    Raises:
        CanonicalError: The document is not strict JSON.
        EnvelopeError: It is larger than `MAX_BUNDLE_BYTES`, breaks the format, or its fields fit no
            method of signing (code `oms-method`).
    """
    check_size(data)
    value = canonical.parse(data, max_bytes=MAX_BUNDLE_BYTES, foreign=True)
    tree = require_object(value, "", code=_CODE)
    media_type = _read_media_type(tree)
    refuse_unknown(tree, ("mediaType", "verificationMaterial", "dsseEnvelope"), "", code=_CODE)
    envelope = _without_null_keyid(take(tree, "dsseEnvelope", "", code=_CODE))
    parsed = read_envelope(envelope, "/dsseEnvelope")
    where = "/verificationMaterial"
    found = require_object(take(tree, "verificationMaterial", "", code=_CODE), where, code=_CODE)
    material = read_material(_usual_material(found, where), where)
    return OmsBundle(
        Bundle(
            envelope=parsed,
            media_type=media_type,
            key_hint=material.key_hint,
            certificate=material.certificate,
            chain=material.chain,
            tlog_entries=material.tlog_entries,
            timestamps=material.timestamps,
        ),
        _method_of(found, material, where),
    )


def write_oms_bundle(bundle: Bundle) -> bytes:
    """Return the document of a bundle that a key signed: v0.3, one line, no field too many.

    Args:
        bundle: The bundle; its hint is the hex SHA-256 of the key's PEM, its signature has no
            key id.

    Raises:
        EnvelopeError: It is signed otherwise, or breaks the format.
    """
    if bundle.key_hint is None or bundle.certificate is not None:
        raise EnvelopeError(problem="expected a bundle that a bare key signed", code="oms-method")
    envelope = envelope_tree(bundle.envelope)
    signature: dict[str, JsonValue] = {
        "sig": encode_base64(bundle.envelope.signatures[0].sig),
        "keyid": "",
    }
    material: dict[str, JsonValue] = {
        "publicKey": {"hint": bundle.key_hint},
        "tlogEntries": (),
    }
    tree: dict[str, JsonValue] = {
        "mediaType": MEDIA_TYPE,
        "verificationMaterial": material,
        "dsseEnvelope": {**envelope, "signatures": (signature,)},
    }
    data = write_compact(tree)
    parse_oms_bundle(data)
    return data


def _read_media_type(tree: dict[str, JsonValue]) -> str:
    code = "bundle-media-type"
    found = take(tree, "mediaType", "", code=code)
    media_type = require_text(found, "/mediaType", most=_MAX_TEXT, code=code)
    if media_type not in MEDIA_TYPES:
        problem = f"expected {MEDIA_TYPE!r} or an older version, found {shown(media_type)}"
        raise EnvelopeError(path="/mediaType", problem=problem, code=code)
    return media_type


def _without_null_keyid(value: JsonValue) -> JsonValue:
    """Return an envelope without the `"keyid": null` of older versions."""
    if not isinstance(value, dict) or not isinstance(signatures := value.get("signatures"), tuple):
        return value
    cleaned = tuple(
        {name: item for name, item in signature.items() if name != "keyid" or item is not None}
        if isinstance(signature, dict)
        else signature
        for signature in signatures
    )
    return {**value, "signatures": cleaned}


def _usual_material(tree: dict[str, JsonValue], path: str) -> dict[str, JsonValue]:
    """Return the material as the reader of usual bundles takes it."""
    lists = ("tlogEntries", "timestampVerificationData")
    usual = {name: value for name, value in tree.items() if name not in lists or value is not None}
    if "publicKey" not in tree:
        return usual
    where = under(path, "publicKey")
    key = require_object(tree["publicKey"], where, code=_CODE)
    refuse_unknown(key, ("hint", "rawBytes", "keyDetails", "validFor"), where, code=_CODE)
    if key.get("rawBytes") is not None:
        # Decoded only to refuse nonsense. A key in a bundle vouches for nothing.
        decode_base64(
            key["rawBytes"], under(where, "rawBytes"), most=MAX_CERTIFICATE_BYTES, code=_CODE
        )
    hint = key.get("hint")
    return {**usual, "publicKey": {} if hint is None else {"hint": hint}}


def _method_of(tree: dict[str, JsonValue], material: Material, path: str) -> OmsMethod:
    method = next(method for field, method in _METHODS.items() if field in tree)
    if method == "sigstore" and not material.tlog_entries:
        raise EnvelopeError(
            path=path,
            problem="one certificate and no log entry: neither a chain nor signed by Sigstore",
            remedy="ask the signer for `x509CertificateChain`, or for the log entry",
            code="oms-method",
        )
    return method
