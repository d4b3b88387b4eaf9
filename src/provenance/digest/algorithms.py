"""Digest algorithms, and sets of digests of the same bytes.

Two algorithms count as evidence, BLAKE3 and SHA-256; any other may stand beside them and proves
nothing. A digest has one spelling: lower-case hexadecimal of exactly the algorithm's length.
Source: `spec/digests.md`, section "Digests". No I/O.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Protocol

from blake3 import blake3

from provenance.canonical import MAX_DIGESTS
from provenance.errors import DigestError, shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

    from typing_extensions import Buffer, override
else:
    # `typing.override` came with Python 3.12.
    def override(method: object) -> object:
        """Return the method; only type checkers read the mark."""
        return method


__all__ = [
    "COUNTED",
    "HEX_LENGTHS",
    "MAX_DIGESTS",
    "Digest",
    "DigestSet",
    "Hasher",
    "check_digest",
    "digest_bytes",
    "hash_bytes",
    "new_hasher",
]

#: Algorithms that count as evidence, in the order in which they are recorded.
COUNTED: Final = ("blake3", "sha256")

#: Lengths in hexadecimal characters of the digests whose algorithm we know.
HEX_LENGTHS: Final[Mapping[str, tuple[int, ...]]] = MappingProxyType(
    {
        "blake2b": (128,),
        "blake2s": (64,),
        "blake3": (64,),
        "gitBlob": (40, 64),
        "gitCommit": (40, 64),
        "gitTag": (40, 64),
        "gitTree": (40, 64),
        "md5": (32,),
        "sha1": (40,),
        "sha224": (56,),
        "sha256": (64,),
        "sha384": (96,),
        "sha3_224": (56,),
        "sha3_256": (64,),
        "sha3_384": (96,),
        "sha3_512": (128,),
        "sha512": (128,),
    }
)

# Names of algorithms are compared exactly: "SHA256" is not "sha256".
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}+")
_HEX = re.compile(r"[0-9a-f]++")

# What an unknown algorithm may say: visible ASCII, bounded. It never counts.
_UNKNOWN_VALUE = re.compile(r"[!-~]{1,512}+")


class Hasher(Protocol):
    """What `hashlib` and `blake3` have in common."""

    def update(self, data: Buffer, /) -> object:
        """Add bytes."""

    def hexdigest(self) -> str:
        """Return the digest of all bytes so far, in lower-case hexadecimal."""
        ...


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """One digest with the name of its algorithm, written `blake3:<hex>`.

    >>> Digest.parse(f"sha256:{'0' * 64}").algorithm
    'sha256'

    Raises:
        DigestError: The value breaks its algorithm's format (`digest-format`), or the name cannot
            be one (`digest-algorithm`).
    """

    algorithm: str
    """The name of the algorithm, compared exactly."""

    value: str
    """Lower-case hexadecimal; of an unknown algorithm, visible ASCII."""

    def __post_init__(self) -> None:
        """Check the name and the value."""
        check_digest(self.algorithm, self.value)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str` writes.

        Raises:
            DigestError: It is not an algorithm, a colon and a value.
        """
        algorithm, colon, value = text.partition(":")
        if not colon:
            raise DigestError(
                problem=f"expected algorithm:value, found {shown(text)}", code="digest-format"
            )
        return cls(algorithm, value)

    @override
    def __str__(self) -> str:
        """Return algorithm, colon and value."""
        return f"{self.algorithm}:{self.value}"


class DigestSet(Mapping[str, str]):
    """Digests of the same bytes, by algorithm: immutable, hashable, checked.

    Names of unknown algorithms are kept, so that a newer document can be read; only `counted` ones
    are evidence. Equal to any mapping with the same items, whatever their order.

    Args:
        digests: Algorithm and value of each.

    Raises:
        DigestError: A value breaks its algorithm's format (`digest-format`), a name cannot be one,
            or there are more than `MAX_DIGESTS` (`digest-algorithm`).
    """

    __slots__ = ("_items",)

    def __init__(self, digests: Mapping[str, str] | Iterable[tuple[str, str]] = ()) -> None:
        """Check every digest and keep them by name."""
        items = dict(digests)
        if len(items) > MAX_DIGESTS:
            raise DigestError(
                problem=f"{len(items)} digests, more than {MAX_DIGESTS}", code="digest-algorithm"
            )
        for algorithm, value in items.items():
            check_digest(algorithm, value)
        self._items = MappingProxyType(dict(sorted(items.items())))

    @classmethod
    def computed(cls, digests: Mapping[str, str]) -> Self:
        """Make a set of digests that this library has just computed; nothing is checked.

        Args:
            digests: Sorted by algorithm; not changed afterwards.
        """
        made = object.__new__(cls)
        made._items = MappingProxyType(digests)
        return made

    @override
    def __getitem__(self, algorithm: str) -> str:
        """Return the digest by this algorithm."""
        return self._items[algorithm]

    @override
    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of the algorithms, sorted."""
        return iter(self._items)

    @override
    def __len__(self) -> int:
        """Return the number of digests."""
        return len(self._items)

    @override
    def __hash__(self) -> int:
        """Return a hash of all items."""
        return hash(tuple(self._items.items()))

    @override
    def __repr__(self) -> str:
        """Return the expression that makes this set."""
        return f"DigestSet({dict(self._items)!r})"

    @override
    def __reduce__(self) -> tuple[type[DigestSet], tuple[dict[str, str]]]:
        """Copy and pickle by the constructor, which checks again."""
        return DigestSet, (dict(self._items),)

    @property
    def counted(self) -> dict[str, str]:
        """The digests that count as evidence, in the order of `COUNTED`."""
        return {name: self._items[name] for name in COUNTED if name in self._items}


def check_digest(algorithm: object, value: object) -> None:
    """Check the name of an algorithm and the spelling of a digest by it.

    Raises:
        DigestError: `digest-algorithm` for the name, `digest-format` for the value.
    """
    if not isinstance(algorithm, str) or not _NAME.fullmatch(algorithm):
        raise DigestError(
            problem=f"{shown(algorithm)} cannot name a digest algorithm", code="digest-algorithm"
        )
    lengths = HEX_LENGTHS.get(algorithm)
    if not isinstance(value, str) or not (
        _UNKNOWN_VALUE.fullmatch(value)
        if lengths is None
        else len(value) in lengths and _HEX.fullmatch(value)
    ):
        expected = "visible ASCII" if lengths is None else _expectation(lengths)
        raise DigestError(
            problem=f"{algorithm} digest: expected {expected}, found {shown(value)}",
            code="digest-format",
        )


def new_hasher(algorithm: str) -> Hasher:
    """Return a fresh hasher; weak algorithms too, because recorded ones may be recomputed.

    Raises:
        DigestError: The algorithm is unknown or hashes no plain bytes (code `digest-algorithm`).
    """
    if algorithm == "blake3":
        return blake3()
    if algorithm not in HEX_LENGTHS or algorithm.startswith("git"):
        raise DigestError(
            problem=f"cannot compute digests by {shown(algorithm)}",
            remedy=f"use {' or '.join(COUNTED)}",
            code="digest-algorithm",
        )
    return hashlib.new(algorithm, usedforsecurity=False)


def hash_bytes(data: Buffer, algorithm: str) -> str:
    """Return the digest of some bytes in lower-case hexadecimal.

    >>> hash_bytes(b"", "sha256")
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

    Raises:
        DigestError: The algorithm is unknown (code `digest-algorithm`).
    """
    hasher = new_hasher(algorithm)
    hasher.update(data)
    return hasher.hexdigest()


def digest_bytes(data: Buffer, algorithms: Iterable[str] = COUNTED) -> DigestSet:
    """Return the digests of some bytes by several algorithms.

    Raises:
        DigestError: An algorithm is unknown (code `digest-algorithm`).
    """
    return DigestSet({algorithm: hash_bytes(data, algorithm) for algorithm in algorithms})


def _expectation(lengths: tuple[int, ...]) -> str:
    return f"{' or '.join(map(str, lengths))} lower-case hexadecimal characters"
