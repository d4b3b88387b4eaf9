"""An RSA key and its signatures, by the formulas of RFC 8017: the salt is fixed, so each is the same.

The two primes are the next ones after numbers that everybody can compute.
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import rsa

from vectors.signers import Signer

if TYPE_CHECKING:
    from typing import Any

__all__ = ["SIGNER", "sign_pkcs1", "sign_pss"]

_EXPONENT = 65_537
_HALF_BITS = 1_024
#: DER of DigestInfo up to the digest (RFC 8017, section 9.2, note 1).
_SHA256_PREFIX = bytes.fromhex("3031300d060960864801650304020105000420")


class _RsaSigner(Signer):
    """The key; it signs by PSS."""

    def __init__(self) -> None:
        """Take the place of the frozen fields: the handle is made when it is asked for."""

    @cached_property
    def numbers(self) -> tuple[int, int]:
        """The modulus and the private exponent."""
        p, q = (_prime_after(name) for name in ("p", "q"))
        return p * q, pow(_EXPONENT, -1, (p - 1) * (q - 1))

    @property
    def public(  # type: ignore[explicit-override]  # typing.override came with Python 3.12
        self,
    ) -> Any:  # noqa: ANN401 - as in the base class
        """The public key."""
        return rsa.RSAPublicNumbers(_EXPONENT, self.numbers[0]).public_key()

    def sign(  # type: ignore[explicit-override]  # as above
        self, message: bytes
    ) -> bytes:
        """Sign by PSS."""
        return sign_pss(message)


SIGNER = _RsaSigner()


def sign_pss(message: bytes, *, salt: bytes = bytes(range(32)), algorithm: str = "sha256") -> bytes:
    """Return an RSASSA-PSS signature (RFC 8017, sections 8.1.1 and 9.1.1)."""

    def digest(data: bytes) -> bytes:
        return hashlib.new(algorithm, data).digest()

    size = len(digest(b""))
    # H = Hash(8 zero bytes || Hash(M) || salt);  DB = zeros || 0x01 || salt
    inner = digest(bytes(8) + digest(message) + salt)
    length = 2 * _HALF_BITS // 8
    block = bytes(length - len(salt) - size - 2) + b"\x01" + salt
    masked = bytearray(
        left ^ right for left, right in zip(block, _mask(inner, len(block), algorithm), strict=True)
    )
    masked[0] &= 0x7F
    return _power(bytes(masked) + inner + b"\xbc")


def sign_pkcs1(message: bytes) -> bytes:
    """Return an RSASSA-PKCS1-v1_5 signature with SHA-256 (RFC 8017, section 8.2.1)."""
    info = _SHA256_PREFIX + hashlib.sha256(message).digest()
    length = 2 * _HALF_BITS // 8
    return _power(b"\x00\x01" + b"\xff" * (length - len(info) - 3) + b"\x00" + info)


def _power(block: bytes) -> bytes:
    modulus, exponent = SIGNER.numbers
    return pow(int.from_bytes(block, "big"), exponent, modulus).to_bytes(len(block), "big")


def _mask(seed: bytes, size: int, algorithm: str) -> bytes:
    # MGF1 (RFC 8017, appendix B.2.1)
    parts = (
        hashlib.new(algorithm, seed + counter.to_bytes(4, "big")).digest()
        for counter in range(-(-size // hashlib.new(algorithm).digest_size))
    )
    return b"".join(parts)[:size]


def _prime_after(name: str) -> int:
    seed = f"training-provenance vector RSA prime {name}".encode("ascii")
    digest = hashlib.shake_256(seed).digest(_HALF_BITS // 8)
    # The two highest bits are set, so that the product has all of its bits.
    number = int.from_bytes(digest, "big") | 3 << _HALF_BITS - 2 | 1
    while not _is_prime(number) or number % _EXPONENT == 1:
        number += 2
    return number


def _is_prime(number: int) -> bool:
    """Miller and Rabin, by the first forty primes as bases: certain enough for a key for nothing."""
    small = [it for it in range(2, 180) if all(it % divisor for divisor in range(2, it))]
    if any(number % it == 0 for it in small):
        return False
    power = (number - 1 & 1 - number).bit_length() - 1
    odd = number - 1 >> power
    for base in small[:40]:
        value = pow(base, odd, number)
        if value in {1, number - 1}:
            continue
        for _ in range(power - 1):
            value = value * value % number
            if value == number - 1:
                break
        else:
            return False
    return True
