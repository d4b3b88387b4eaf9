"""The table of signature schemes: which key signs how. The only list of its kind in the code.

A scheme belongs to a key and is never read from a bundle: who could choose the algorithm could
choose a weak one. No I/O, no keys; `spec/registry/signature-schemes.json` says the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DEFAULT_KEY_KIND", "DEFAULT_SCHEMES", "SCHEMES", "KeyKind", "Scheme"]

KeyKind = Literal["ecdsa-p256", "ecdsa-p384", "ecdsa-p521", "ed25519", "rsa", "ml-dsa-65"]
"""A kind of key that we make and read."""

#: The kind of key that every tool and log accepts (`spec/envelope.md`, section "Keys").
DEFAULT_KEY_KIND: KeyKind = "ecdsa-p256"


@dataclass(frozen=True, slots=True)
class Scheme:
    """One row of the table."""

    scheme: str
    """Name of the scheme, as reports and the registry write it."""

    key: KeyKind
    """The one kind of key that signs with it."""

    hash: str
    """The hash that is signed; Ed25519 and ML-DSA hash by themselves (RFC 8032, FIPS 204)."""

    signature: str
    """The form of the signature bytes."""

    default: bool
    """Whether keys of this kind use it unless whoever trusts them names another."""

    others: tuple[str, ...]
    """Who else verifies bundles or envelopes of this scheme without further options."""


#: Every scheme, by its name.
SCHEMES: Mapping[str, Scheme] = MappingProxyType(
    {
        row.scheme: row
        for row in (
            Scheme(
                scheme="ecdsa-p256-sha256",
                key="ecdsa-p256",
                hash="sha256",
                signature="DER",
                default=True,
                others=("cosign", "rekor-v2", "securesystemslib", "sigstore-go", "sigstore-js"),
            ),
            Scheme(
                scheme="ecdsa-p384-sha384",
                key="ecdsa-p384",
                hash="sha384",
                signature="DER",
                default=True,
                others=("securesystemslib",),
            ),
            Scheme(
                scheme="ecdsa-p384-sha256",
                key="ecdsa-p384",
                hash="sha256",
                signature="DER",
                default=False,
                others=("cosign", "sigstore-js"),
            ),
            Scheme(
                scheme="ecdsa-p521-sha512",
                key="ecdsa-p521",
                hash="sha512",
                signature="DER",
                default=True,
                others=("securesystemslib",),
            ),
            Scheme(
                scheme="ecdsa-p521-sha256",
                key="ecdsa-p521",
                hash="sha256",
                signature="DER",
                default=False,
                others=("cosign", "sigstore-js"),
            ),
            Scheme(
                scheme="ed25519",
                key="ed25519",
                hash="sha512",
                signature="64 bytes",
                default=True,
                others=("cosign", "securesystemslib", "sigstore-go", "sigstore-js"),
            ),
            Scheme(
                scheme="rsa-pss-sha256",
                key="rsa",
                hash="sha256",
                signature="as long as the modulus",
                default=True,
                others=("securesystemslib",),
            ),
            Scheme(
                scheme="rsa-pkcs1v15-sha256",
                key="rsa",
                hash="sha256",
                signature="as long as the modulus",
                default=False,
                others=("cosign", "sigstore-go", "sigstore-js"),
            ),
            Scheme(
                scheme="ml-dsa-65",
                key="ml-dsa-65",
                hash="shake256",
                signature="3309 bytes",
                default=True,
                others=(),
            ),
        )
    }
)

#: The scheme that a key of each kind uses by itself.
DEFAULT_SCHEMES: Mapping[KeyKind, Scheme] = MappingProxyType(
    {row.key: row for row in SCHEMES.values() if row.default}
)
