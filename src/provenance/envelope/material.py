"""The verification material of a bundle: what it says of the key, the log and the time.

All of it is unauthenticated until a signature verifier has checked it; here it is only read and
written. No I/O, no keys.

Source: `sigstore_bundle.proto` of sigstore/protobuf-specs; `spec/envelope.md`, section
"Verification material".
"""

from __future__ import annotations

from msgspec import Struct

from provenance.canonical import JsonValue
from provenance.envelope.dsse import MAX_KEY_ID_CHARACTERS
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
from provenance.errors import EnvelopeError

__all__ = [
    "MAX_CERTIFICATES",
    "MAX_CERTIFICATE_BYTES",
    "MAX_LOG_ENTRIES",
    "MAX_TIMESTAMPS",
    "MAX_TIMESTAMP_BYTES",
    "Material",
    "material_tree",
    "read_material",
]

#: Most certificates of a chain, the leaf included.
MAX_CERTIFICATES = 16
#: Largest certificate, in bytes of DER.
MAX_CERTIFICATE_BYTES = 65_536
#: Most entries of a transparency log; the clients of Sigstore stop at 32 as well.
MAX_LOG_ENTRIES = 32
#: Most RFC 3161 timestamps; the clients of Sigstore stop at 32 as well.
MAX_TIMESTAMPS = 32
#: Largest timestamp response, in bytes of DER, its certificates included.
MAX_TIMESTAMP_BYTES = 131_072

_CODE = "bundle-malformed"
#: The versions whose certificate stands first in a list (sigstore_bundle.proto); later it is alone.
_WITH_CHAIN = tuple(
    f"application/vnd.dev.sigstore.bundle+json;version={version}" for version in ("0.1", "0.2")
)
_KINDS = ("publicKey", "certificate", "x509CertificateChain")


class Material(Struct, frozen=True):
    """The parts of a bundle's `verificationMaterial`, decoded but not verified."""

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


def read_material(value: JsonValue, path: str, *, media_type: str | None = None) -> Material:
    """Return the material that a parsed `verificationMaterial` holds.

    Args:
        value: The parsed object, arrays as tuples.
        path: Its JSON Pointer, for messages.
        media_type: The bundle's, which decides the field of the certificate; `None` where a format
            takes either.

    Raises:
        EnvelopeError: It breaks the format, does not name exactly one kind of key, or has its
            certificate in the field of another version.
    """
    tree = require_object(value, path, code=_CODE)
    known = (*_KINDS, "tlogEntries", "timestampVerificationData")
    refuse_unknown(tree, known, path, code=_CODE)
    kinds = [kind for kind in _KINDS if kind in tree]
    if len(kinds) != 1:
        problem = f"expected exactly one of {', '.join(_KINDS)}, found {len(kinds)}"
        raise EnvelopeError(path=path, problem=problem, code=_CODE)
    older = media_type in _WITH_CHAIN
    if media_type is not None and kinds[0] == ("certificate" if older else "x509CertificateChain"):
        expected = "x509CertificateChain" if older else "certificate, the leaf alone"
        problem = f"bundles of this version carry {expected}, found {kinds[0]}"
        raise EnvelopeError(path=under(path, kinds[0]), problem=problem, code=_CODE)
    certificates = _read_certificates(tree, kinds[0], path)
    return Material(
        key_hint=_read_hint(tree, path) if kinds[0] == "publicKey" else None,
        certificate=certificates[0] if certificates else None,
        chain=certificates[1:],
        tlog_entries=_read_entries(tree, path),
        timestamps=_read_timestamps(tree, path),
    )


def material_tree(material: Material) -> dict[str, JsonValue]:
    """Return the JSON tree of the material, in the order in which it is written.

    Raises:
        EnvelopeError: There is a chain: under v0.3 only a single leaf is understood by every
        client.
    """
    tree: dict[str, JsonValue] = {}
    if material.chain:
        raise EnvelopeError(
            path="/verificationMaterial",
            problem="a v0.3 bundle carries the leaf certificate alone, not a chain",
            remedy="keep the other certificates in the verifier's trusted root",
            code=_CODE,
        )
    if material.key_hint is not None:
        tree["publicKey"] = {"hint": material.key_hint}
    if material.certificate is not None:
        tree["certificate"] = {"rawBytes": encode_base64(material.certificate)}
    # Written even if empty: proto3 JSON may leave defaults out, and one client refuses that.
    tree["tlogEntries"] = material.tlog_entries
    if material.timestamps:
        tree["timestampVerificationData"] = {
            "rfc3161Timestamps": tuple(
                {"signedTimestamp": encode_base64(stamp)} for stamp in material.timestamps
            )
        }
    return tree


def _read_hint(tree: dict[str, JsonValue], path: str) -> str:
    where = under(path, "publicKey")
    key = require_object(tree["publicKey"], where, code=_CODE)
    # A raw key in the bundle is refused with the unknown fields: a key never vouches for itself.
    refuse_unknown(key, ("hint",), where, code=_CODE)
    hint = key.get("hint", "")
    return require_text(hint, under(where, "hint"), most=MAX_KEY_ID_CHARACTERS, code=_CODE)


def _read_certificates(tree: dict[str, JsonValue], kind: str, path: str) -> tuple[bytes, ...]:
    where = under(path, kind)
    if kind == "publicKey":
        return ()
    if kind == "certificate":
        return (_read_certificate(tree[kind], where),)
    chain = require_object(tree[kind], where, code=_CODE)
    refuse_unknown(chain, ("certificates",), where, code=_CODE)
    listed = take(chain, "certificates", where, code=_CODE)
    where = under(where, "certificates")
    found = require_array(listed, where, most=MAX_CERTIFICATES, code=_CODE)
    if not found:
        raise EnvelopeError(path=where, problem="the chain holds no certificate", code=_CODE)
    return tuple(_read_certificate(item, under(where, index)) for index, item in enumerate(found))


def _read_certificate(value: JsonValue, path: str) -> bytes:
    return _read_der_field(value, "rawBytes", path, most=MAX_CERTIFICATE_BYTES)


def _read_der_field(value: JsonValue, name: str, path: str, *, most: int) -> bytes:
    tree = require_object(value, path, code=_CODE)
    refuse_unknown(tree, (name,), path, code=_CODE)
    where = under(path, name)
    der = decode_base64(take(tree, name, path, code=_CODE), where, most=most, code=_CODE)
    if not der:
        raise EnvelopeError(path=where, problem="no bytes, expected DER", code=_CODE)
    return der


def _read_entries(tree: dict[str, JsonValue], path: str) -> tuple[JsonValue, ...]:
    where = under(path, "tlogEntries")
    found = require_array(tree.get("tlogEntries", ()), where, most=MAX_LOG_ENTRIES, code=_CODE)
    return tuple(
        require_object(item, under(where, index), code=_CODE) for index, item in enumerate(found)
    )


def _read_timestamps(tree: dict[str, JsonValue], path: str) -> tuple[bytes, ...]:
    where = under(path, "timestampVerificationData")
    data = require_object(tree.get("timestampVerificationData", {}), where, code=_CODE)
    refuse_unknown(data, ("rfc3161Timestamps",), where, code=_CODE)
    where = under(where, "rfc3161Timestamps")
    found = require_array(data.get("rfc3161Timestamps", ()), where, most=MAX_TIMESTAMPS, code=_CODE)
    return tuple(
        _read_der_field(item, "signedTimestamp", under(where, index), most=MAX_TIMESTAMP_BYTES)
        for index, item in enumerate(found)
    )
