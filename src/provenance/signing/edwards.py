"""Ed25519 public keys that must not be used: no point, small order, not in their one spelling.

With a key of small order one constant signature verifies for every message, and `cryptography`
loads such keys, as it loads those that encode no point of the curve. A key that merely contains a
component of small order cannot be told by its bytes; nobody but its owner could gain by one, and he
may sign what he likes anyway.

Source: RFC 8032, section 5.1.3; C2SP/CCTV `ed25519`. No I/O.
"""

from __future__ import annotations

from provenance.errors import SigningError

__all__ = ["check_edwards_key"]

# p = 2^255 - 19, the prime of the field (RFC 8032, section 5.1)
_PRIME = 2**255 - 19
# d of the curve -x^2 + y^2 = 1 + d x^2 y^2 (the same section)
_D = -121665 * pow(121666, -1, _PRIME) % _PRIME
# The two y of the four points of order 8; 0 has order 4, 1 is the identity, p - 1 has order 2.
_ORDER_EIGHT = tuple(
    int.from_bytes(bytes.fromhex(text), "little")
    for text in (
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    )
)
_SMALL_ORDER = frozenset({0, 1, _PRIME - 1, *_ORDER_EIGHT})
_SIGN_BIT = 2**255


def check_edwards_key(raw: bytes) -> None:
    """Refuse an Ed25519 public key of small order, without a point, or not canonical.

    Args:
        raw: The 32 bytes of the key: y little-endian, the sign of x in the top bit.

    Raises:
        SigningError: The key is one of these.
    """
    y = int.from_bytes(raw, "little") % _SIGN_BIT
    if y >= _PRIME:
        raise _refusal("its encoding is not canonical (RFC 8032, section 5.1.3)")
    if y in _SMALL_ORDER:
        raise _refusal("it has small order, so that one signature fits every message")
    if not _is_on_curve(y):
        raise _refusal("it is no point of the curve (RFC 8032, section 5.1.3)")


def _is_on_curve(y: int) -> bool:
    """Return whether x^2 = (y^2 - 1) / (d y^2 + 1) has a solution, by Euler's criterion.

    The product of both sides of the fraction is a square where the quotient is one. The denominator
    is never 0, since -1/d is no square; the numerator is 0 for the small orders 1 and -1 alone.
    """
    square = y * y
    return pow((square - 1) * (_D * square + 1), (_PRIME - 1) // 2, _PRIME) == 1


def _refusal(reason: str) -> SigningError:
    return SigningError(
        problem=f"this Ed25519 public key is refused: {reason}",
        remedy="nobody makes such a key by accident: do not trust its source",
        code="key-refused",
    )
