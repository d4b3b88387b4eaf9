"""How a key is named: its fingerprint for people, its hint for bundles. No I/O, no keys.

Both are the SHA-256 of the key's SubjectPublicKeyInfo (DER), computed here and never read from a
bundle: what a bundle says of its key is a hint.

Source: `spec/envelope.md`, section "Keys".
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from hashlib import sha256

from provenance.errors import UsageError, shown

__all__ = [
    "FINGERPRINT_PREFIX",
    "fingerprint_of",
    "hint_of",
    "parse_fingerprint",
    "ssh_fingerprint_of",
]

#: What every fingerprint begins with: the hash that it was made with, as OpenSSH writes it.
FINGERPRINT_PREFIX = "SHA256:"

_DIGEST_SIZE = 32
_HEX = re.compile(r"[0-9a-f]{64}")
# 32 bytes in base64 have 43 characters and one of padding, which people leave out.
_BASE64 = re.compile(r"(?:SHA256:)?([A-Za-z0-9+/]{43})=?")


def fingerprint_of(spki: bytes) -> str:
    """Return the fingerprint of a public key: `SHA256:` and 43 characters of unpadded base64.

    Args:
        spki: The key's SubjectPublicKeyInfo, DER.
    """
    # fingerprint = "SHA256:" || unpadded base64(SHA-256(SPKI DER))
    return FINGERPRINT_PREFIX + _encode(sha256(spki).digest()).rstrip("=")


def ssh_fingerprint_of(blob: bytes) -> str:
    """Return the fingerprint that OpenSSH shows of a key: the same letters, another digest.

    Args:
        blob: The key as it goes over the wire of SSH: what stands in base64 in a `.pub` file.
            Source: RFC 4253, section 6.6.
    """
    # ssh_fingerprint = "SHA256:" || unpadded base64(SHA-256(SSH public key blob))
    return FINGERPRINT_PREFIX + _encode(sha256(blob).digest()).rstrip("=")


def hint_of(fingerprint: str) -> str:
    """Return what bundles carry as key hint and key id: 44 characters of padded base64."""
    # hint = base64(SHA-256(SPKI DER)), what sigstore-go and cosign write
    return fingerprint.removeprefix(FINGERPRINT_PREFIX) + "="


def parse_fingerprint(text: str) -> str:
    """Return a fingerprint that a person wrote, in its one spelling.

    Accepts `SHA256:` with base64 (padding optional), a bundle's key hint, or 64 hex characters,
    which is what `openssl pkey -pubin -outform DER | sha256sum` prints.

    Raises:
        UsageError: The text is none of these.
    """
    if _HEX.fullmatch(text):
        return FINGERPRINT_PREFIX + _encode(bytes.fromhex(text)).rstrip("=")
    match = _BASE64.fullmatch(text)
    if match:
        padded = match[1] + "="
        digest = b64decode(padded, validate=True)
        # Other trailing bits would be a second spelling of the same digest.
        if len(digest) == _DIGEST_SIZE and _encode(digest) == padded:
            return FINGERPRINT_PREFIX + match[1]
    raise UsageError(
        problem=f"expected a fingerprint such as SHA256:… (43 characters), found {shown(text)}",
        remedy="copy it from `provenance trust list` or from the publisher",
    )


def _encode(digest: bytes) -> str:
    return b64encode(digest).decode("ascii")
