"""Digests that others computed: read as claims, and compared with what we read ourselves.

A claim is somebody's word. It becomes more only by comparison with bytes, and only by an algorithm
that counts: a claim by MD5 or SHA-1 is said to be not comparable, never to match. Source:
`spec/digests.md`, section "Claimed digests".
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, TypeAlias

from provenance.canonical import MAX_TREE_ENTRIES, NUMBER_BOUND
from provenance.digest.algorithms import COUNTED, DigestSet
from provenance.digest.claim_formats import READERS, recognise
from provenance.digest.inventory import Inventory, InventoryEntry
from provenance.digest.names import check_name, printable_name
from provenance.digest.raw_claims import RawClaim, malformed
from provenance.digest.tree import hash_tree
from provenance.errors import DigestError, UsageError, shown

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from provenance.digest.files import FileDigest

__all__ = ["Claim", "ClaimOutcome", "ClaimResult", "ClaimedDigests", "read_claims"]

#: How a claim fares: `extra` is a file that nobody made a claim about.
ClaimOutcome: TypeAlias = Literal["matched", "mismatch", "missing", "extra", "notComparable"]


@dataclass(frozen=True, slots=True)
class Claim:
    """What somebody says of one file."""

    path: str
    """Its checked name."""

    size: int | None
    """Its length in bytes, if it is said."""

    digests: DigestSet
    """Its digests, also those that do not count."""

    source: str
    """Where that is said."""

    is_folder: bool = False
    """Whether it is about all files below `path`, by a digest that only the tool understands."""


@dataclass(frozen=True, slots=True)
class ClaimResult:
    """How the claim about one file fares."""

    path: str
    """The file."""

    outcome: ClaimOutcome
    """The result in a word."""

    message: str
    """One sentence."""


@dataclass(frozen=True)
class ClaimedDigests:
    """All claims of one text, sorted by path, one a path."""

    claims: tuple[Claim, ...]
    """The claims."""

    format: str
    """`sha256sum`, `b3sum`, `dvc`, `lfs`, `hub` or `inventory`."""

    source: str
    """What the text is called."""

    def __len__(self) -> int:
        """Return the number of claims."""
        return len(self.claims)

    def __iter__(self) -> Iterator[Claim]:
        """Iterate over the claims in the order of their paths."""
        return iter(self.claims)

    def compare(self, target: Inventory | str | os.PathLike[str]) -> tuple[ClaimResult, ...]:
        """Return how each claim, and each file without one, fares; sorted by path.

        Args:
            target: An inventory, or a folder, which is then read.

        Raises:
            DigestError: The folder holds something that no tree may hold.
            InputError: Something could not be read.
        """
        if isinstance(target, Inventory):
            inventory = target
        else:
            wanted = {name for claim in self.claims for name in claim.digests.counted}
            inventory = hash_tree(
                target, algorithms=[name for name in COUNTED if name in wanted | {"blake3"}]
            )
        results = [_compare(claim, inventory.find(claim.path)) for claim in self.claims]
        if not self._is_about_all(inventory):
            results += [
                ClaimResult(entry.path, "extra", "nobody made a claim about it")
                for entry in inventory
                if not self._is_covered(entry.path)
            ]
        return tuple(sorted(results, key=lambda result: result.path))

    def compare_file(self, name: str, found: FileDigest) -> ClaimResult:
        """Return how the claim about one file fares.

        A text with a single claim, such as a `.dvc` file or a Git LFS pointer, is about whatever
        it is held against. Of several claims that count is the one by this name, and otherwise the
        only one whose last segment is that of the name.

        Args:
            name: What the file is called: from where the text lies, with segments `..` if it must.
            found: What `hash_file` returned.
        """
        claim = self._find(name)
        if claim is None:
            last = printable_name(name.rpartition("/")[2])
            return ClaimResult(last, "notComparable", "no claim is about it, or more than one")
        if claim.is_folder:
            return ClaimResult(claim.path, "mismatch", "is claimed to be a folder")
        outcome, message = _judge_bytes(claim, found.size, found.digest)
        return ClaimResult(claim.path, outcome, message)

    def check(self, target: Inventory | str | os.PathLike[str]) -> tuple[ClaimResult, ...]:
        """Return the results of `compare` that are not `matched`; takes and raises the same."""
        return tuple(result for result in self.compare(target) if result.outcome != "matched")

    def _find(self, name: str) -> Claim | None:
        if len(self.claims) == 1:
            return self.claims[0]
        last = name.rpartition("/")[2]
        for wanted in (
            [claim for claim in self.claims if claim.path == name],
            [claim for claim in self.claims if claim.path.rpartition("/")[2] == last],
        ):
            if len(wanted) == 1:
                return wanted[0]
        return None

    @cached_property
    def _paths(self) -> frozenset[str]:
        return frozenset(claim.path for claim in self.claims)

    @cached_property
    def _folders(self) -> tuple[str, ...]:
        return tuple(claim.path + "/" for claim in self.claims if claim.is_folder)

    def _is_about_all(self, inventory: Inventory) -> bool:
        """Return whether the one claim is about the folder itself, which holds no such folder."""
        return len(self.claims) == len(self._folders) == 1 and not any(
            entry.path.startswith(self._folders) for entry in inventory
        )

    def _is_covered(self, path: str) -> bool:
        return path in self._paths or (bool(self._folders) and path.startswith(self._folders))


def read_claims(data: bytes, format: str | None = None, source: str = "") -> ClaimedDigests:  # noqa: A002 - as the command spells it
    """Read what another tool says about files.

    Args:
        data: The text: output of `sha256sum` or `b3sum`, a `.dvc` file or `dvc.lock`, a Git LFS
            pointer, the JSON listing of a Hugging Face repository, or an inventory of this library.
        format: `sha256sum`, `b3sum`, `dvc`, `lfs`, `hub` or `inventory`; otherwise it is told from
            the content, and between the first two from the name.
        source: The name of the text. An LFS pointer holds no name, and takes this one.

    Raises:
        DigestError: It breaks its format (`listing-malformed`), a name is refused (`name-unsafe`)
            or stands twice (`name-duplicate`), a digest is malformed (`digest-format`).
        CanonicalError: The JSON of a hub is malformed.
        UsageError: There is no such format.
    """
    if format is not None and format not in READERS:
        raise UsageError(
            problem=f"there is no format {shown(format)}", remedy=f"use {', '.join(READERS)}"
        )
    chosen = format or recognise(data, source)
    claims: dict[str, Claim] = {}
    for raw in READERS[chosen](data, source):
        claim = _checked(raw, source)
        if claim.path in claims:
            raise DigestError(
                path=printable_name(claim.path), problem="is claimed twice", code="name-duplicate"
            )
        claims[claim.path] = claim
        if len(claims) > MAX_TREE_ENTRIES:
            raise malformed(source, f"more than {MAX_TREE_ENTRIES} files")
    if not claims:
        raise malformed(source, "it makes no claim about any file")
    return ClaimedDigests(tuple(claims[path] for path in sorted(claims)), chosen, source)


def _checked(raw: RawClaim, source: str) -> Claim:
    check_name(raw.path)
    if raw.size is not None and raw.size >= NUMBER_BOUND:
        raise malformed(source, f"no file has {raw.size} bytes")
    return Claim(raw.path, raw.size, DigestSet(raw.digests), source, raw.is_folder)


def _compare(claim: Claim, entry: InventoryEntry | None) -> ClaimResult:
    outcome, message = _judge(claim, entry)
    return ClaimResult(claim.path, outcome, message)


def _judge(claim: Claim, entry: InventoryEntry | None) -> tuple[ClaimOutcome, str]:
    if claim.is_folder:
        return "notComparable", "the digest of a folder, in a form of the tool's own"
    if entry is None:
        return "missing", "is claimed, and not here"
    return _judge_bytes(claim, entry.size, entry.digest.digest_set)


def _judge_bytes(claim: Claim, size: int, found: DigestSet) -> tuple[ClaimOutcome, str]:
    if claim.size is not None and claim.size != size:
        return "mismatch", f"has {size} bytes, claimed are {claim.size}"
    return _judge_digests(claim.digests, found)


def _judge_digests(claimed: DigestSet, found: DigestSet) -> tuple[ClaimOutcome, str]:
    shared = [name for name in claimed.counted if name in found]
    for name in shared:
        if claimed[name] != found[name]:
            return "mismatch", f"{name} is {found[name]}, claimed is {claimed[name]}"
    if shared:
        return "matched", f"{' and '.join(shared)} as claimed"
    if claimed.counted:
        return "notComparable", f"{', '.join(claimed.counted)} was not computed here"
    if claimed:
        return "notComparable", f"claimed by {', '.join(claimed)} only, which does not count"
    return "notComparable", "no digest is claimed"
