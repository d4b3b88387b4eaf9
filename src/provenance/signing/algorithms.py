"""What each scheme does with a key of `cryptography`: sign, verify, and the usual form of a key.

The only place where a primitive is called. No I/O.

Source: FIPS 186-5 (ECDSA, RSA), RFC 8032 (Ed25519), RFC 8017 (RSA), FIPS 204 (ML-DSA);
`spec/envelope.md`, section "Keys".
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

from provenance.errors import SigningError, UsageError, shown
from provenance.signing.edwards import check_edwards_key
from provenance.signing.schemes import DEFAULT_SCHEMES, SCHEMES, KeyKind, Scheme

try:
    from cryptography.hazmat.primitives.asymmetric import mldsa
except ImportError:  # cryptography before 47
    mldsa = None  # type: ignore[assignment]  # what is asked wherever it is used

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "MAX_RSA_BITS",
    "MIN_RSA_BITS",
    "PrivateHandle",
    "PublicHandle",
    "make_handle",
    "refused_kind",
    "scheme_for",
    "sign_message",
    "usual_form",
    "verify_prehashed",
    "verify_signature",
]

PublicHandle: TypeAlias = (
    "ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey"
    " | mldsa.MLDSA65PublicKey"
)
"""A public key of `cryptography` of one of our kinds."""

PrivateHandle: TypeAlias = (
    "ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey"
    " | mldsa.MLDSA65PrivateKey"
)
"""A private key of `cryptography` of one of our kinds."""

#: Shortest RSA modulus, in bits (NIST SP 800-131A).
MIN_RSA_BITS = 2_048
#: Longest RSA modulus, in bits: verifying takes time that grows with its square.
MAX_RSA_BITS = 16_384
# What `openssl genpkey` and hardware tokens make.
_RSA_BITS_MADE = 3_072
_RSA_EXPONENT_MADE = 65_537

#: The hash functions of the schemes that name one.
_HASHES: Mapping[str, hashes.HashAlgorithm] = MappingProxyType(
    {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}
)
_CURVES: Mapping[str, KeyKind] = MappingProxyType(
    {"secp256r1": "ecdsa-p256", "secp384r1": "ecdsa-p384", "secp521r1": "ecdsa-p521"}
)
_EXPECTED = "ECDSA P-256, P-384 or P-521, Ed25519, RSA or ML-DSA-65"


def scheme_for(kind: KeyKind, name: str | None) -> Scheme:
    """Return the scheme of a key: the one that was named, or the one of its kind.

    Raises:
        UsageError: Nothing is called so, or keys of this kind do not sign so.
    """
    if name is None:
        return DEFAULT_SCHEMES[kind]
    row = SCHEMES.get(name)
    if row is None or row.key != kind:
        known = ", ".join(row.scheme for row in SCHEMES.values() if row.key == kind)
        problem = f"a key of kind {kind} signs by {known}, not by {shown(name)}"
        raise UsageError(path="scheme", problem=problem)
    return row


def usual_form(handle: object) -> tuple[PublicHandle, KeyKind]:
    """Return a public key in the form that its fingerprint is computed from, and its kind.

    Raises:
        SigningError: It is weak or of a kind that we do not use (code `key-refused`).
    """
    if isinstance(handle, ed25519.Ed25519PublicKey):
        check_edwards_key(handle.public_bytes_raw())
        return handle, "ed25519"
    if isinstance(handle, ec.EllipticCurvePublicKey) and handle.curve.name in _CURVES:
        # Built again from its numbers, so that a compressed point or explicit curve parameters are
        # not a second fingerprint of the same key.
        return handle.public_numbers().public_key(), _CURVES[handle.curve.name]
    if isinstance(handle, rsa.RSAPublicKey):
        _check_modulus(handle.key_size)
        return handle, "rsa"
    if mldsa is not None and isinstance(handle, mldsa.MLDSA65PublicKey):  # type: ignore[redundant-expr]  # see its import
        return handle, "ml-dsa-65"
    raise refused_kind(handle)


def sign_message(
    handle: PrivateHandle, scheme: Scheme, message: bytes, *, deterministic: bool
) -> bytes:
    """Return a signature over `message`.

    Args:
        handle: A private key of the scheme's kind.
        scheme: Its scheme.
        message: The bytes, not hashed yet.
        deterministic: ECDSA by RFC 6979; the other schemes are not affected.

    Raises:
        SigningError: The installed OpenSSL has no deterministic ECDSA, and it was asked for.
    """
    if isinstance(handle, ed25519.Ed25519PrivateKey):
        return handle.sign(message)
    if isinstance(handle, ec.EllipticCurvePrivateKey):
        try:
            algorithm = ec.ECDSA(_HASHES[scheme.hash], deterministic_signing=deterministic)
        except UnsupportedAlgorithm as error:
            problem = "the installed OpenSSL has no deterministic ECDSA (RFC 6979)"
            raise SigningError(problem=problem, remedy="install a newer cryptography") from error
        return handle.sign(message, algorithm)
    if isinstance(handle, rsa.RSAPrivateKey):
        return handle.sign(message, _padding(scheme), _HASHES[scheme.hash])
    return handle.sign(message)


def verify_signature(
    handle: PublicHandle, scheme: Scheme, signature: bytes, message: bytes
) -> bool:
    """Return whether `signature` is the key's over `message`.

    Args:
        handle: A public key of the scheme's kind.
        scheme: Its scheme.
        signature: Strict DER for ECDSA; for the others of the scheme's exact length.
        message: The bytes, not hashed yet.
    """
    try:
        if isinstance(handle, ed25519.Ed25519PublicKey):
            handle.verify(signature, message)
        elif isinstance(handle, ec.EllipticCurvePublicKey):
            handle.verify(signature, message, ec.ECDSA(_HASHES[scheme.hash]))
        elif isinstance(handle, rsa.RSAPublicKey):
            handle.verify(signature, message, _padding(scheme), _HASHES[scheme.hash])
        else:
            handle.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def verify_prehashed(
    handle: PublicHandle, scheme: Scheme, signature: bytes, digest: bytes
) -> bool | None:
    """Return whether `signature` is the key's over the message with this digest.

    Args:
        handle: A public key of the scheme's kind.
        scheme: Its scheme.
        signature: As for `verify_signature`.
        digest: The digest of the message, by the hash of the scheme.

    Returns:
        `None` if the scheme signs the message itself, so that a digest says nothing.
    """
    try:
        if isinstance(handle, ec.EllipticCurvePublicKey):
            handle.verify(signature, digest, ec.ECDSA(utils.Prehashed(_HASHES[scheme.hash])))
        elif isinstance(handle, rsa.RSAPublicKey):
            hashed = utils.Prehashed(_HASHES[scheme.hash])
            handle.verify(signature, digest, _padding(scheme), hashed)
        else:
            return None
    except InvalidSignature:
        return False
    return True


def make_handle(kind: KeyKind) -> PrivateHandle:
    """Return a new private key.

    Raises:
        SigningError: The installed `cryptography` has no ML-DSA.
        UsageError: The kind is none of ours.
    """
    make: dict[KeyKind, Callable[[], PrivateHandle]] = {
        "ecdsa-p256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "ecdsa-p384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "ecdsa-p521": lambda: ec.generate_private_key(ec.SECP521R1()),
        "ed25519": ed25519.Ed25519PrivateKey.generate,
        "rsa": lambda: rsa.generate_private_key(_RSA_EXPONENT_MADE, _RSA_BITS_MADE),
        "ml-dsa-65": _make_lattice_key,
    }
    if kind in make:
        return make[kind]()
    raise UsageError(problem=f"expected a kind of key of {', '.join(make)}, found {shown(kind)}")


def refused_kind(handle: object) -> SigningError:
    """Return the refusal of a key of a kind that we do not use."""
    name = type(handle).__name__.removesuffix("PublicKey").removesuffix("PrivateKey")
    if isinstance(handle, ec.EllipticCurvePublicKey | ec.EllipticCurvePrivateKey):
        name = f"ECDSA {handle.curve.name}"
    return SigningError(
        problem=f"a key of kind {name}, expected {_EXPECTED}",
        remedy="this version uses no other kind; make a key with `provenance keygen`",
        code="key-refused",
    )


def _check_modulus(bits: int) -> None:
    if not MIN_RSA_BITS <= bits <= MAX_RSA_BITS:
        raise SigningError(
            problem=f"an RSA key of {bits} bits, expected {MIN_RSA_BITS} to {MAX_RSA_BITS}",
            remedy="make a key with `provenance keygen`",
            code="key-refused",
        )


def _make_lattice_key() -> PrivateHandle:
    try:
        if mldsa is not None:
            return mldsa.MLDSA65PrivateKey.generate()
    except UnsupportedAlgorithm as error:  # cryptography 47, or another library beneath it
        raise _without_lattice() from error
    raise _without_lattice()


def _without_lattice() -> SigningError:
    problem = "the installed cryptography has no ML-DSA"
    return SigningError(problem=problem, remedy="install cryptography 48 or newer")


def _padding(scheme: Scheme) -> padding.AsymmetricPadding:
    if scheme.scheme == "rsa-pkcs1v15-sha256":
        return padding.PKCS1v15()
    # Salt as long as the digest, and no other length when verifying (RFC 8017, section 9.1).
    digest = _HASHES[scheme.hash]
    return padding.PSS(mgf=padding.MGF1(digest), salt_length=digest.digest_size)
