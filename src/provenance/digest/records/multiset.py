"""The order-free digest of many records: MuHash, a product in a group modulo a prime.

Each record digest becomes a number below a 3072-bit safe prime, and the state is their product. A
product does not depend on the order, parts that were computed apart are multiplied together, and a
record that is there twice counts twice. Two different collections with one state would solve a
discrete logarithm (Clarke and others, "Incremental Multiset Hash Functions", 2003; about 128 bits
for this prime, NIST SP 800-57). Why this and not a sum: `docs/decisions`, "A digest without order".
Source: `spec/digests.md`, section "Record encodings". No I/O.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from blake3 import blake3

from provenance.errors import DigestError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self

__all__ = ["MultisetHash"]

#: The largest safe prime of 3072 bits (that of Bitcoin Core's MuHash3072).
PRIME: Final = 2**3072 - 1_103_717

_ELEMENT_PREAMBLE = b"training-provenance/v1/record-element\n"
_SET_PREAMBLE = b"training-provenance/v1/record-set\n"

_BITS = 3072
_STATE_BYTES = _BITS // 8
_LOW = (1 << _BITS) - 1
_DISTANCE = 2**_BITS - PRIME


class MultisetHash:
    """The state of an order-free digest: a number modulo a prime, and a count."""

    __slots__ = ("_count", "_state")

    def __init__(self) -> None:
        """Start with no record."""
        self._count = 0
        self._state = 1

    @property
    def count(self) -> int:
        """How many records were added, repeated ones each time."""
        return self._count

    def update(self, digests: Iterable[bytes]) -> None:
        """Add record digests of 32 bytes each."""
        state, low, distance = self._state, _LOW, _DISTANCE
        count = 0
        for digest in digests:
            element = blake3(_ELEMENT_PREAMBLE + digest).digest(_STATE_BYTES)
            product = state * (1 + int.from_bytes(element, "little") % (PRIME - 1))
            # 2^3072 = distance (mod prime): the upper half comes down, and what is left over again.
            product = (product >> _BITS) * distance + (product & low)
            state = (product >> _BITS) * distance + (product & low)
            count += 1
        self._state = state % PRIME
        self._count += count

    def merge(self, other: MultisetHash) -> Self:
        """Add all records of another state, computed elsewhere, and return this one."""
        self._state = self._state * other._state % PRIME
        self._count += other._count
        return self

    def to_bytes(self) -> bytes:
        """Return count and state, to be merged elsewhere: 8 bytes big-endian, 384 little-endian."""
        return self._count.to_bytes(8, "big") + self._state.to_bytes(_STATE_BYTES, "little")

    @classmethod
    def from_bytes(cls, data: bytes) -> MultisetHash:
        """Read a state that `to_bytes` wrote.

        Raises:
            DigestError: It has another length, or is no number of the group (`digest-format`).
        """
        made = cls()
        made._count = int.from_bytes(data[:8], "big")
        made._state = int.from_bytes(data[8:], "little")
        if len(data) != 8 + _STATE_BYTES or not 0 < made._state < PRIME:
            raise DigestError(problem="not the state of an order-free digest", code="digest-format")
        return made

    def hexdigest(self) -> str:
        """Return the digest: BLAKE3 over count and state, 64 hexadecimal characters."""
        return blake3(_SET_PREAMBLE + self.to_bytes()).hexdigest()
