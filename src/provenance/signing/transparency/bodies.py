"""Whether the body of a log entry is about the very signature that a bundle carries. No I/O.

A log entry that verifies and belongs to another signature proves nothing (CVE-2022-36056 and its
kin): every field that names something of the bundle is compared with it.

Source: `rekor` types `hashedrekord`, `dsse`, `intoto`; client-spec of sigstore/architecture-docs,
section 4; `spec/envelope.md`, section "Log entries".
"""

from __future__ import annotations

import hashlib
import warnings
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, load_der_public_key

from provenance import canonical
from provenance.errors import ProvenanceError, SignatureError, shown
from provenance.signing.public_keys import PublicKey
from provenance.signing.schemes import SCHEMES
from provenance.signing.transparency.entries import MAX_BODY_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from provenance.signing.transparency.entries import LogEntry

__all__ = ["LoggedContent", "check_body"]

#: The names of keys in entries, with the schemes that each stands for, and the size of the key in
#: bits where its kind has several. Those without a hash of their own (pure Ed25519, ML-DSA) cannot
#: stand in such entries.
_KEY_DETAILS: dict[str, tuple[str, int | None]] = {
    "PKIX_ECDSA_P256_SHA_256": ("ecdsa-p256-sha256", None),
    "PKIX_ECDSA_P384_SHA_256": ("ecdsa-p384-sha256", None),
    "PKIX_ECDSA_P384_SHA_384": ("ecdsa-p384-sha384", None),
    "PKIX_ECDSA_P521_SHA_256": ("ecdsa-p521-sha256", None),
    "PKIX_ECDSA_P521_SHA_512": ("ecdsa-p521-sha512", None),
    "PKIX_RSA_PKCS1V15_2048_SHA256": ("rsa-pkcs1v15-sha256", 2048),
    "PKIX_RSA_PKCS1V15_3072_SHA256": ("rsa-pkcs1v15-sha256", 3072),
    "PKIX_RSA_PKCS1V15_4096_SHA256": ("rsa-pkcs1v15-sha256", 4096),
    "PKIX_RSA_PSS_2048_SHA256": ("rsa-pss-sha256", 2048),
    "PKIX_RSA_PSS_3072_SHA256": ("rsa-pss-sha256", 3072),
    "PKIX_RSA_PSS_4096_SHA256": ("rsa-pss-sha256", 4096),
}
#: What a field of another type, or a certificate that is none, comes out as.
_MALFORMED = (
    *(AttributeError, IndexError, KeyError, TypeError, ValueError),
    *(UnsupportedAlgorithm, x509.InvalidVersion),
)
_HASH_NAMES = {"SHA2_256": "sha256", "SHA2_384": "sha384", "SHA2_512": "sha512"}


@dataclass(frozen=True, slots=True)
class LoggedContent:
    """What a bundle signs, as far as log entries speak of it."""

    signature: bytes
    """The signature."""

    verifier: bytes
    """The leaf certificate, or the SPKI of the key that the caller trusts: DER."""

    is_certificate: bool
    """Which of the two it is."""

    scheme: str
    """The scheme by which the signature verified."""

    digests: Mapping[str, bytes]
    """Digests of what was signed, by algorithm: of the PAE of the envelope, or of the file."""

    payload: bytes | None = None
    """The payload of the envelope; `None` if the bundle signs a file."""


def check_body(entry: LogEntry, content: LoggedContent) -> None:
    """Return if the body of an entry is about this signature.

    Raises:
        SignatureError: It is about another one, or of a kind that we do not know (code
            `log-entry-invalid`).
    """
    try:
        body: Any = canonical.parse(entry.body, max_bytes=MAX_BODY_BYTES, foreign=True)
        if body["kind"] != entry.kind or body["apiVersion"] != entry.version:
            raise _refused("its body is of another kind than it says")
        check = _CHECKS.get((entry.kind, entry.version))
        if check is None:
            kind = shown(f"{entry.kind} {entry.version}")
            raise _refused(f"entries of kind {kind} are not known")
        with warnings.catch_warnings():
            # Whatever is odd and harmless in a certificate is nothing for a person to read.
            warnings.simplefilter("ignore")
            check(body["spec"], content)
    except SignatureError:
        raise
    except (ProvenanceError, *_MALFORMED) as error:
        raise _refused("its body is malformed") from error


def _check_record_2(spec: Any, content: LoggedContent) -> None:  # noqa: ANN401 - foreign JSON
    inner = spec["hashedRekordV002"]
    algorithm = _HASH_NAMES.get(inner["data"]["algorithm"], "")
    _same("digest", _decoded(inner["data"]["digest"]), content.digests.get(algorithm))
    _same_signature_2(inner["signature"], content, algorithm)


def _check_dsse_2(spec: Any, content: LoggedContent) -> None:  # noqa: ANN401
    inner = spec["dsseV002"]  # logs wrote it for some months of 2025
    stated = inner["payloadHash"]
    algorithm, digest = _HASH_NAMES[stated["algorithm"]], _decoded(stated["digest"])
    _same_payload({"algorithm": algorithm, "value": digest.hex()}, content)
    (signature,) = inner["signatures"]
    _same_signature_2(signature, content, None)


def _same_signature_2(signed: Any, content: LoggedContent, algorithm: str | None) -> None:  # noqa: ANN401
    _same("signature", _decoded(signed["content"]), content.signature)
    verifier = signed["verifier"]
    if ("x509Certificate" in verifier) == ("publicKey" in verifier):
        raise _refused("its body names not exactly one of certificate and key")
    if content.is_certificate:
        der = _decoded(verifier["x509Certificate"]["rawBytes"])
        _same("key", der, content.verifier)
        key = PublicKey.from_handle(x509.load_der_x509_certificate(der).public_key())
    else:
        key = PublicKey.from_der(_decoded(verifier["publicKey"]["rawBytes"]))
        _same("key", key.spki, content.verifier)
    scheme, bits = _KEY_DETAILS[verifier["keyDetails"]]
    handle = load_der_public_key(key.spki)
    of_size = bits is None or (isinstance(handle, RSAPublicKey) and handle.key_size == bits)
    if scheme != content.scheme or not of_size:
        raise _refused("its body names another kind of key than signed this")
    if algorithm not in {None, SCHEMES[scheme].hash}:
        raise _refused("its body names another hash than was signed")


def _check_record_1(spec: Any, content: LoggedContent) -> None:  # noqa: ANN401
    if content.payload is not None:  # envelopes had kinds of their own then
        raise _refused("its body is about a file, and the bundle holds an envelope")
    algorithm = spec["data"]["hash"]["algorithm"]
    if algorithm not in _HASH_NAMES.values():
        raise _refused("its body names a hash that is not known")
    _same("digest", bytes.fromhex(spec["data"]["hash"]["value"]), content.digests.get(algorithm))
    _same("signature", _decoded(spec["signature"]["content"]), content.signature)
    _same_pem(_decoded(spec["signature"]["publicKey"]["content"]), content)


def _check_dsse(spec: Any, content: LoggedContent) -> None:  # noqa: ANN401
    _same_payload(spec["payloadHash"], content)
    (signature,) = spec["signatures"]
    _same("signature", _decoded(signature["signature"]), content.signature)
    _same_pem(_decoded(signature["verifier"]), content)


def _check_intoto(spec: Any, content: LoggedContent) -> None:  # noqa: ANN401
    _same_payload(spec["content"]["payloadHash"], content)
    (signature,) = spec["content"]["envelope"]["signatures"]
    # This kind alone encodes twice.
    _same("signature", _decoded(_decoded(signature["sig"]).decode("ascii")), content.signature)
    _same_pem(_decoded(signature["publicKey"]), content)


_CHECKS: dict[tuple[str, str], Callable[[Any, LoggedContent], None]] = {
    ("hashedrekord", "0.0.2"): _check_record_2,
    ("hashedrekord", "0.0.1"): _check_record_1,
    ("dsse", "0.0.2"): _check_dsse_2,
    ("dsse", "0.0.1"): _check_dsse,
    ("intoto", "0.0.2"): _check_intoto,
}


def _same_payload(stated: Any, content: LoggedContent) -> None:  # noqa: ANN401
    if stated["algorithm"] != "sha256" or content.payload is None:
        raise _refused("its body is about an envelope, or names a hash that is not known")
    _same("digest", bytes.fromhex(stated["value"]), hashlib.sha256(content.payload).digest())


def _same_pem(pem: bytes, content: LoggedContent) -> None:
    if content.is_certificate:
        der = x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
    else:
        der = PublicKey.from_pem(pem).spki
    _same("key", der, content.verifier)


def _same(what: str, found: bytes, expected: bytes | None) -> None:
    if expected is None or found != expected:
        raise _refused(f"its body is about another {what} than the bundle's")


def _decoded(text: str) -> bytes:
    data = b64decode(text, validate=True)
    if b64encode(data).decode("ascii") != text:
        raise ValueError
    return data


def _refused(reason: str) -> SignatureError:
    return SignatureError(problem=f"a log entry does not hold: {reason}", code="log-entry-invalid")
