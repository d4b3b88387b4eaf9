"""What the caller holds: digests, typed roots, and what came out of comparing them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from msgspec import Struct, field

from provenance.checks import Supplied
from provenance.digest import COUNTED, FileDigest, TypedRoot, hash_file, open_folder
from provenance.errors import InputError, ProvenanceError
from provenance.findings import Finding
from provenance.manifest import RecordSet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provenance.checks import SuppliedStatus
    from provenance.verification.options import Options, PathLike

__all__ = ["Held", "hash_held", "hash_held_below"]


class Held(Struct):
    """What the caller holds; filled once by one verification, then only read."""

    supplied: list[Supplied] = field(default_factory=list)
    """What came out of each comparison."""

    digests: set[str] = field(default_factory=set)
    """Digests of bytes that the caller holds."""

    roots: set[TypedRoot] = field(default_factory=set)
    """Typed roots of trees that the caller holds."""

    record_sets: set[RecordSet] = field(default_factory=set)
    """Digests of records in whatever order that the caller holds."""

    faults: list[Finding] = field(default_factory=list)
    """What could not be read."""

    def say(self, label: str, path: str, status: SuppliedStatus, message: str) -> None:
        """Add what came out of one comparison."""
        self.supplied.append(Supplied(label, path, status, message))

    def note(self, label: str, path: str, error: ProvenanceError) -> None:
        """Add why one comparison could not be made."""
        place = f"{error.path} " if error.path else ""
        message = f"{label}: {place}{error.problem}"
        if error.code in {"deadline", "cancelled"}:
            self.faults.append(Finding(error.code, path, message))
        elif isinstance(error, InputError) and error.code != "link-found":
            self.faults.append(Finding("input-unreadable", path, message))
        else:
            # A link, a special file, an unsafe name: no such tree can have been signed.
            self.say(label, path, "mismatch", message)

    def add(self, digests: Mapping[str, str]) -> None:
        """Remember digests of bytes that the caller holds."""
        self.digests.update(digests[name] for name in COUNTED if name in digests)


def hash_held(held: Held, options: Options, path: PathLike) -> FileDigest:
    """Return the digests of one file of the caller, and remember them.

    Raises:
        InputError: It cannot be read.
    """
    made = hash_file(path, progress=options.progress, deadline=options.deadline)
    held.add(made.digest)
    return made


def hash_held_below(
    held: Held, options: Options, root: PathLike, name: str, *, size: int | None = None
) -> FileDigest | None:
    """Return the digests of a file below a folder of the caller; `None` if there is none.

    Args:
        held: Takes the digests.
        options: What the caller asks for.
        root: The folder.
        name: The file, below it.
        size: If given, the signed size; a file of another size is not read.

    Raises:
        InputError: It is there and cannot be read.
        DigestError: The name is unsafe: the manifest would reach out of the folder; or the size is
            not the signed one (`size-mismatch`).
    """
    with open_folder(root) as folder:
        if not os.path.lexists(os.path.join(root, name)):  # noqa: PTH118 - text or path object
            return None
        made = hash_file(
            name,
            root=folder,
            expected_size=size,
            progress=options.progress,
            deadline=options.deadline,
        )
    held.add(made.digest)
    return made
