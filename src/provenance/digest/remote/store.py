"""What this package asks of a store, whichever library speaks to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from provenance.digest.names import printable_name
from provenance.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "BrokenReadError",
    "ObjectStore",
    "StoredObject",
    "changed_object",
    "unreadable_object",
]


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object as the store lists it."""

    name: str
    """Its name below the URL that was opened; not yet checked."""

    size: int
    """Its length in bytes."""

    version: str
    """What changes when its content does: ETag, version or time; empty if the store has nothing.
    It is compared, and never taken for a digest."""


class BrokenReadError(Exception):
    """A read broke off in a way that may heal: retried, and never seen outside this package.

    Args:
        reason: Why, in words of ours. The store library's own message may hold a signed URL.
    """

    def __init__(self, reason: str) -> None:
        """Keep the reason."""
        super().__init__(reason)
        self.reason = reason


class ObjectStore(Protocol):
    """A folder of a store. All methods may be called by several threads at once."""

    def objects(self) -> Iterator[StoredObject]:
        """Yield all objects below the folder, without the markers that stand for folders.

        Raises:
            BrokenReadError: The connection broke; worth another try.
            InputError: The store refuses.
            DigestError: It holds a name that no tree may hold (`name-unsafe`).
        """

    def find(self, name: str) -> StoredObject | None:
        """Return one object, or `None` if there is none of that name."""

    def read(self, found: StoredObject, start: int, end: int) -> Iterator[memoryview]:
        """Yield the bytes from `start` up to `end`, as they arrive, if the object is unchanged.

        Raises:
            BrokenReadError: The connection broke; the rest can be asked for again.
            InputError: The object changed (`file-changed`) or the store refuses.
        """

    def sha256(self, found: StoredObject) -> str | None:
        """Return the SHA-256 of the whole object that the store claims, in hexadecimal, or `None`.

        Nothing but SHA-256 over all bytes counts: no ETag, no MD5, no CRC, no digest of digests.
        """


def changed_object(
    name: str, problem: str = "changed in the store while it was read"
) -> InputError:
    """Return the error for an object that is not what it was when it was listed."""
    return InputError(
        path=printable_name(name),
        problem=problem,
        remedy="let nothing write to it, then try again",
        code="file-changed",
    )


def unreadable_object(name: str, problem: str, remedy: str = "") -> InputError:
    """Return the error for what the store does not give."""
    return InputError(
        path=printable_name(name), problem=problem, remedy=remedy, code="file-unreadable"
    )
