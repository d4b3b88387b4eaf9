"""Everything that the checks look at, gathered before the first one runs.

The checks are pure: they read this and nothing else. `provenance.verification` fills it from files,
`Evidence.of_draft` from a manifest alone. Values are frozen; no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Self

from msgspec import Struct

from provenance.digest import COUNTED, InventoryDigest, printable_name
from provenance.findings import Finding
from provenance.manifest import (
    EvaluationAttestation,
    ReproductionAttestation,
    parse_timestamp,
)
from provenance.signing import VerifiedSigner

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from provenance.digest import InventoryEntry, TypedRoot
    from provenance.envelope import Statement
    from provenance.manifest import FileEntry, Manifest, RecordSet

__all__ = [
    "MANIFEST_FOLDER",
    "OMS_FILE",
    "Attestation",
    "Evidence",
    "ListedFile",
    "Observed",
    "SignatureOutcome",
    "Supplied",
    "SuppliedStatus",
]

#: The folder of a release that holds the manifest and what belongs to it.
MANIFEST_FOLDER = "training-provenance"
#: An OMS signature beside the model: named in the report, and neither listed nor verified.
OMS_FILE = "model.sig"


def _nothing() -> Mapping[str, Any]:
    """Return an empty mapping that stays empty."""
    return MappingProxyType({})


class SignatureOutcome(Struct, frozen=True):
    """What became of the one signature of the bundle."""

    status: Literal["verified", "unknown", "invalid"]
    """By a key that was named; by a key that nobody named; not by any key that was named."""

    fingerprint: str = ""
    """The key that verified. If none did, what the bundle's hint says, which proves nothing."""

    scheme: str = ""
    """The scheme of the key that verified."""

    signer: VerifiedSigner | None = None
    """Who signed, as far as the verifier knows it; `None` unless it verified."""

    counted: Mapping[str, VerifiedSigner] = MappingProxyType({})
    """The signers of a policy for whom the signature counts, by their names in it."""

    faults: tuple[Finding, ...] = ()
    """Why it counts for nobody, although it verified."""


class ListedFile(Struct, frozen=True):
    """One file of the signed inventory of the release."""

    path: str
    """Relative to the release."""

    size: int
    """Length in bytes."""

    digest: Mapping[str, str]
    """Every recorded digest, by algorithm."""

    @classmethod
    def of(cls, entry: FileEntry | InventoryEntry) -> Self:
        """Return the entry of an inline inventory or of an inventory file."""
        digest: Mapping[str, str] | InventoryDigest = entry.digest
        if isinstance(digest, InventoryDigest):  # checked when its line was read
            both = {"blake3": digest.blake3}
            digest = both if digest.sha256 is None else {**both, "sha256": digest.sha256}
        return cls(entry.path, entry.size, digest)

    @property
    def counted(self) -> dict[str, str]:
        """The digests that count as evidence."""
        return {name: self.digest[name] for name in COUNTED if name in self.digest}


class Observed(Struct, frozen=True):
    """One file as the verifier found it, or as the caller says it is."""

    size: int | None
    """Length in bytes; `None` if the caller supplied digests and no size."""

    digest: Mapping[str, str] = MappingProxyType({})
    """The digests that were computed or supplied; empty if the file was not hashed."""

    links: int = 1
    """Names of the file on its file system."""

    read: bool = False
    """Whether every byte was read here; otherwise the digests are the caller's word."""

    cached: bool = False
    """Whether the digests are those that a cache of the caller remembers; nothing was read."""


class Attestation(Struct, frozen=True):
    """A bundle beside the manifest that is about this manifest."""

    path: str
    """Where it lies, relative to the release."""

    kind: str
    """Its predicate type, or `co-signature`."""

    signature: SignatureOutcome
    """What became of its signature."""

    document: EvaluationAttestation | ReproductionAttestation | None = None
    """What it says; `None` for a co-signature."""


SuppliedStatus = Literal[
    "matched",
    "mismatch",
    "unknown",
    "unbound",
    "records-matched",
    "records-resharded",
    "records-reordered",
    "records-differ",
    "records-not-compared",
    "records-files-unread",
]
"""What can come out of a comparison with what the caller holds."""


class Supplied(Struct, frozen=True):
    """One thing that the caller holds, compared with what the manifest binds."""

    label: str
    """What the caller named: `dataset raw`, `documents`, …"""

    path: str
    """JSON Pointer of the fact that it was compared with; empty if there is none."""

    status: SuppliedStatus
    """What came out."""

    message: str
    """One sentence."""

    @property
    def code(self) -> str:
        """The finding code of what came out."""
        if self.status.startswith("records-"):
            return self.status
        return f"evidence-{self.status}"


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What one verification has in its hands (`spec/verification.md`, section "Evidence")."""

    manifest: Manifest
    """The document."""

    tree: Mapping[str, Any]
    """The same as the JSON tree that was signed, unknown fields of a newer version included."""

    now: datetime
    """The verifier's own clock, read once."""

    source: Literal["draft", "folder", "file", "digests", "bundle"]
    """Where the files come from: `digests` are supplied by the caller, `bundle` has no files."""

    unknown_fields: tuple[str, ...] = ()
    """JSON Pointers of fields that a newer minor version brought."""

    statement: Statement | None = None
    """The signed statement; `None` for a draft."""

    signature: SignatureOutcome | None = None
    """What became of its signature; `None` for a draft."""

    listed: tuple[ListedFile, ...] = ()
    """The signed inventory of the release, in its own order."""

    listing: bytes | None = None
    """The bytes of `SHA256SUMS`, if they are there."""

    has_manifest_folder: bool = False
    """Whether the manifest folder is part of what is verified, so that it must be whole."""

    found: Mapping[str, Observed] = field(default_factory=_nothing)
    """Every file outside the manifest folder, by name; with digests where name and size agreed."""

    companions: Mapping[str, Observed] = field(default_factory=_nothing)
    """Every file inside the manifest folder, by its name relative to that folder."""

    accounted: frozenset[str] = frozenset()
    """Files of the manifest folder that need no reference: the bundle itself, and attestations."""

    folders: frozenset[str] = frozenset()
    """Every folder outside the manifest folder."""

    empty_folders: tuple[str, ...] = ()
    """Folders with nothing in them."""

    faulty: frozenset[str] = frozenset()
    """Printable names that could not be looked at: links, special files, what cannot be read."""

    ignored: Mapping[str, str] = field(default_factory=_nothing)
    """Names that the caller asked to ignore, with the preset that covers them."""

    selected: frozenset[str] | None = None
    """The names that were asked for; `None` means all."""

    roots: frozenset[TypedRoot] = frozenset()
    """Typed roots that were recomputed from bytes."""

    record_sets: frozenset[RecordSet] = frozenset()
    """Digests of records in whatever order that were recomputed from bytes."""

    release_tensors: TypedRoot | None = None
    """The typed root over the tensors of the released weights, if it was recomputed."""

    document_bytes: Mapping[str, bytes] = field(default_factory=_nothing)
    """The bytes of small documents whose digests matched, by id."""

    supplied: tuple[Supplied, ...] = ()
    """What the caller holds, compared."""

    supplied_digests: frozenset[str] = frozenset()
    """Digests of bytes that the caller holds, recomputed here."""

    attestations: tuple[Attestation, ...] = ()
    """Bundles beside the manifest that are about it."""

    unmatched: tuple[str, ...] = ()
    """Patterns of the caller that no signed name matches."""

    cache: str = ""
    """The digest cache that the caller named; empty if none."""

    faults: tuple[Finding, ...] = ()
    """What went wrong while this was gathered; each belongs to the step of its code."""

    @classmethod
    def of_draft(cls, manifest: Manifest) -> Self:
        """Return the evidence that a manifest alone is: no signature, no files."""
        listed = tuple(ListedFile.of(entry) for entry in manifest.release.inventory)
        tree = manifest.to_tree()
        now = parse_timestamp(manifest.created_at)  # no check of a draft asks for the time
        return cls(manifest=manifest, tree=tree, now=now, source="draft", listed=listed)

    @cached_property
    def listed_names(self) -> frozenset[str]:
        """The names of the signed inventory."""
        return frozenset(entry.path for entry in self.listed)

    @cached_property
    def listed_by_name(self) -> Mapping[str, ListedFile]:
        """The signed inventory by name; of two equal names (an error of step 7) the last."""
        return {entry.path: entry for entry in self.listed}

    @cached_property
    def computed(self) -> frozenset[str]:
        """Every digest that was computed here from bytes, whatever file they came from.

        Digests of different algorithms stand in one set: BLAKE3 and SHA-256 outputs do not meet.
        """
        observed = (*self.found.values(), *self.companions.values())
        return self.supplied_digests.union(
            digest
            for item in observed
            if item.read
            for algorithm, digest in item.digest.items()
            if algorithm in COUNTED
        )

    def holds(self, digests: Mapping[str, str] | None, roots: Iterable[TypedRoot | None]) -> bool:
        """Return whether bytes are in hand that hash to one of these digests or typed roots."""
        if digests and any(digests.get(name) in self.computed for name in COUNTED):
            return True
        return any(root in self.roots for root in roots)

    def is_selected(self, name: str) -> bool:
        """Return whether a name was asked for."""
        return self.selected is None or name in self.selected

    def is_unseen(self, name: str) -> bool:
        """Return whether nothing is known of a name, because it or a folder above was at fault.

        Args:
            name: Relative to the release; inside the manifest folder, with that folder in front.
        """
        return bool(self.faulty) and not self.faulty.isdisjoint(_with_folders(printable_name(name)))


def _with_folders(name: str) -> list[str]:
    parts = name.split("/")
    return ["/".join(parts[:length]) for length in range(len(parts) + 1)]
