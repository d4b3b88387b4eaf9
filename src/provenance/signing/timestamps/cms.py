"""The CMS signature of a timestamp, verified under the certificate of its maker alone.

The library of the extra verifies it together with a chain, which it wants to end in a certificate
that signed itself. Who trusts an authority further down has a chain all the same, and it has been
validated by then; this says the rest: that the maker's key signed this content.

Source: RFC 5652, sections 5.3 to 5.6 and 11; RFC 3161, section 2.4.2; RFC 5035, section 4 (ESS
certificate ids). No I/O.
"""

from __future__ import annotations

import hashlib
from types import MappingProxyType
from typing import TYPE_CHECKING, NoReturn, TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from provenance.signing.certificates.der import (
    OBJECT_IDENTIFIER,
    SEQUENCE,
    children,
    dotted,
    elements,
)
from provenance.signing.certificates.issuing import strong_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography import x509

__all__ = ["check_maker"]

_Element: TypeAlias = tuple[int, bytes]

_OCTETS, _SET, _CONTEXT_0 = 0x04, 0x31, 0xA0
_SIGNED_DATA, _TST_INFO = "1.2.840.113549.1.7.2", "1.2.840.113549.1.9.16.1.4"
_CONTENT_TYPE, _MESSAGE_DIGEST = "1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4"
_CERTIFICATE_ID, _CERTIFICATE_ID_2 = "1.2.840.113549.1.9.16.2.12", "1.2.840.113549.1.9.16.2.47"
_HASHES: Mapping[str, hashes.HashAlgorithm] = MappingProxyType(
    {
        "2.16.840.1.101.3.4.2.1": hashes.SHA256(),
        "2.16.840.1.101.3.4.2.2": hashes.SHA384(),
        "2.16.840.1.101.3.4.2.3": hashes.SHA512(),
    }
)
#: Algorithms of signatures that take their hash from the signer's digest algorithm, and those that
#: name it.
_RSA: Mapping[str, str | None] = MappingProxyType(
    {
        "1.2.840.113549.1.1.1": None,
        "1.2.840.113549.1.1.11": "sha256",
        "1.2.840.113549.1.1.12": "sha384",
        "1.2.840.113549.1.1.13": "sha512",
    }
)
_ECDSA: Mapping[str, str | None] = MappingProxyType(
    {
        "1.2.840.10045.2.1": None,
        "1.2.840.10045.4.3.2": "sha256",
        "1.2.840.10045.4.3.3": "sha384",
        "1.2.840.10045.4.3.4": "sha512",
    }
)
_ED25519: Mapping[str, str | None] = MappingProxyType({"1.3.101.112": None})
# version, sid, digestAlgorithm, [0] signedAttrs, signatureAlgorithm, signature
_SIGNER_FIELDS = 6


def check_maker(token: bytes, maker: x509.Certificate) -> None:
    """Return if the key of `maker` signed a timestamp token with exactly one SignerInfo.

    Args:
        token: The ContentInfo, DER.
        maker: The certificate that the SignerInfo names.

    Raises:
        SignatureError: Its key is weak.
        ValueError: It did not sign it, or the token is malformed or of an algorithm not in use.
    """
    content, signer = _parts(token)
    digest = _hash_of(signer[2])
    attributes = _attributes(signer[3])
    kind = attributes.get(_CONTENT_TYPE, (0, b""))
    if kind[0] != OBJECT_IDENTIFIER or dotted(kind[1]) != _TST_INFO:
        _refuse("its signed attributes state another content type")
    computed = hashlib.new(digest.name, content).digest()
    _equal(attributes.get(_MESSAGE_DIGEST), (_OCTETS, computed), "message digest")
    _check_certificate_id(attributes, maker)
    signed = signer[3][1]
    # Signed is the SET itself, under its own tag instead of that of the field.
    size = len(signed)
    length = bytes([size]) if size < 0x80 else _long(size)  # noqa: PLR2004 - X.690, section 8.1.3
    _verify(maker, signer, digest, bytes([_SET]) + length + signed)


def _long(size: int) -> bytes:
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(octets)]) + octets


def _parts(token: bytes) -> tuple[bytes, list[_Element]]:
    """Return the signed content, and the fields of the one SignerInfo."""
    outer = children(token)
    if [tag for tag, _ in outer] != [OBJECT_IDENTIFIER, _CONTEXT_0]:
        _refuse("no ContentInfo")
    if dotted(outer[0][1]) != _SIGNED_DATA:
        _refuse("another content than SignedData")
    fields = children(outer[1][1])
    # version, digestAlgorithms, encapContentInfo, [0] certificates, [1] crls, signerInfos
    encapsulated = list(elements(fields[2][1]))
    if dotted(encapsulated[0][1]) != _TST_INFO:
        _refuse("another content than a timestamp")
    ((kind, content),) = elements(encapsulated[1][1])
    (signer,) = elements(fields[-1][1])
    if kind != _OCTETS or fields[-1][0] != _SET or signer[0] != SEQUENCE:
        _refuse("no SignedData of a timestamp")
    found = list(elements(signer[1]))
    if len(found) < _SIGNER_FIELDS or found[3][0] != _CONTEXT_0:
        _refuse("no signed attributes")
    return content, found


def _attributes(field: _Element) -> dict[str, _Element]:
    """Return the signed attributes by their type, each of which has one value."""
    found: dict[str, _Element] = {}
    for tag, contents in elements(field[1]):
        (name, values) = elements(contents)
        kind = dotted(name[1])
        if tag != SEQUENCE or values[0] != _SET or kind in found:
            _refuse("a signed attribute stands there twice, or is none")
        (found[kind],) = elements(values[1])
    return found


def _check_certificate_id(attributes: Mapping[str, _Element], maker: x509.Certificate) -> None:
    """Refuse a token that does not name the certificate of its maker under its signature."""
    named = attributes.get(_CERTIFICATE_ID_2, attributes.get(_CERTIFICATE_ID))
    if named is None:
        _refuse("it does not name the certificate of its maker")
    identifier = list(elements(next(elements(next(elements(named[1]))[1]))[1]))
    name = "sha1"  # which the first version of the attribute has, and the other never uses
    if _CERTIFICATE_ID_2 in attributes:
        name = "sha256"
        if identifier[0][0] == SEQUENCE:
            name = _hash_of(identifier.pop(0)).name
    der = maker.public_bytes(Encoding.DER)
    computed = hashlib.new(name, der, usedforsecurity=False).digest()
    _equal(identifier[0], (_OCTETS, computed), "certificate of its maker")


def _verify(
    maker: x509.Certificate,
    signer: list[_Element],
    digest: hashes.HashAlgorithm,
    message: bytes,
) -> None:
    key, signature = strong_key(maker), signer[5][1]
    algorithm = dotted(next(elements(signer[4][1]))[1])
    kinds = _RSA
    if isinstance(key, ec.EllipticCurvePublicKey):
        kinds = _ECDSA
    elif isinstance(key, ed25519.Ed25519PublicKey):
        kinds = _ED25519
    if algorithm not in kinds or kinds[algorithm] not in {None, digest.name}:
        _refuse(f"its signature algorithm {algorithm} is not in use, or is of another key")
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, message, padding.PKCS1v15(), digest)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, message, ec.ECDSA(digest))
        elif isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, message)
        else:
            _refuse("its maker has a key of a kind that signs no timestamps here")
    except InvalidSignature:
        _refuse("its signature does not verify under the certificate of its maker")


def _hash_of(algorithm: _Element) -> hashes.HashAlgorithm:
    name = dotted(next(elements(algorithm[1]))[1])
    if name not in _HASHES:
        _refuse(f"its hash {name} is not in use")
    return _HASHES[name]


def _equal(found: _Element | None, expected: _Element, what: str) -> None:
    if found != expected:
        _refuse(f"its signed attributes state another {what}")


def _refuse(problem: str) -> NoReturn:
    raise ValueError(problem)
