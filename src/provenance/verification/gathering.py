"""Steps 8 to 13, 21, 23 and 24 in motion: read what the checks will look at.

Names first, then sizes; only what agrees is hashed. Whatever goes wrong becomes a finding among the
evidence, so that nothing is reported twice and nothing stops the rest.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec import Struct

from provenance.canonical import MAX_BUNDLE_BYTES
from provenance.checks import MANIFEST_FOLDER, Attestation, Evidence, ListedFile, Observed
from provenance.digest import DigestCache, open_cache, printable_name
from provenance.envelope import parse_bundle
from provenance.errors import ProvenanceError
from provenance.findings import Finding
from provenance.trust import is_ignored
from provenance.verification.attestations import is_attestation, read_attestations
from provenance.verification.companions import Companions, read_companions
from provenance.verification.damage import compare_blocks
from provenance.verification.held import Held
from provenance.verification.reading import Reader
from provenance.verification.sources import DigestsSource

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from provenance.digest import TypedRoot
    from provenance.envelope import Statement
    from provenance.manifest import Manifest, ParsedPredicate
    from provenance.verification.loading import Loaded
    from provenance.verification.options import Options
    from provenance.verification.part_hashers import PartHashers
    from provenance.verification.sources import Source, Tree

__all__ = ["MANIFEST_FILE", "gather"]

#: The bundle of the manifest, inside the manifest folder.
MANIFEST_FILE = "manifest.sigstore.json"

# Files whose tensors can be hashed while they are read; the header of others may stand anywhere.
_STREAMED_SUFFIX = ".safetensors"

_INSIDE = f"{MANIFEST_FOLDER}/"
# A link leads to what no rule about names has seen: `.git` as a link could be a folder of code.
_NEVER_IGNORED = frozenset({"link-found", "special-file"})


class _ManifestFolder(Struct, frozen=True):
    """What was read in the manifest folder."""

    companions: Companions
    attestations: tuple[Attestation, ...]
    accounted: frozenset[str]


def gather(
    source: Source,
    loaded: Loaded,
    parsed: ParsedPredicate[Manifest],
    statement: Statement,
    options: Options,
) -> tuple[Evidence, tuple[str, ...]]:
    """Return the evidence for a manifest that was read, and the algorithms that were recomputed.

    Args:
        source: Where the files are.
        loaded: The bundle, as it was read.
        parsed: The document of it.
        statement: The statement of it.
        options: What the caller asks for.

    Raises:
        InputError: The root of the source cannot be read.
    """
    manifest = parsed.document
    inline = tuple(ListedFile.of(entry) for entry in manifest.release.inventory)
    tree = source.find(inline)
    opened = _open_cache(options)
    reader = Reader(source, options, opened)
    inside, outside = _split(tree)
    folder = _read_folder(source, reader, manifest, statement, inside)
    companions = folder.companions
    listed = inline if companions.listed is None else companions.listed
    signed = frozenset(entry.path for entry in listed)
    faults, ignored = _apply_presets(tree, outside, signed, options)
    selected = _selected(signed, source, outside, options)
    wanted = {entry.path: entry for entry in listed if selected is None or entry.path in selected}
    if reader.all_digests:
        reader.parts = _hash_parts(manifest, listed, wanted)
    found = _observe(source, reader, wanted, outside)
    tensors = _read_tensors(reader, manifest, listed, found)
    blocks = compare_blocks(reader, manifest, companions.blocks, listed, found)
    held = _compare_supplied(manifest, options)
    cache_path, cache_faults = _close_cache(options, opened)
    evidence = Evidence(
        manifest=manifest,
        tree=parsed.tree,
        now=options.now,
        source=source.kind,
        unknown_fields=parsed.unknown,
        statement=statement,
        signature=loaded.signature,
        listed=listed,
        listing=companions.listing,
        has_manifest_folder=_has_folder(tree),
        found=MappingProxyType({name: found[name] for name in found if name not in ignored}),
        companions=MappingProxyType(companions.observed),
        accounted=folder.accounted,
        folders=_folders(tree),
        empty_folders=_empty_folders(tree, options),
        faulty=frozenset(reader.faulty) | {fault.path for fault in faults},
        ignored=MappingProxyType(ignored),
        selected=selected,
        unmatched=_unmatched(signed, source, options),
        roots=frozenset(
            companions.roots | held.roots | blocks.roots | ({tensors} if tensors else set())
        ),
        record_sets=frozenset(held.record_sets),
        release_tensors=tensors,
        document_bytes=_document_bytes(manifest, companions),
        supplied=tuple(held.supplied),
        supplied_digests=frozenset(held.digests),
        attestations=folder.attestations,
        cache=cache_path,
        faults=(
            *faults,
            *cache_faults,
            *companions.faults,
            *blocks.faults,
            *reader.faults,
            *held.faults,
        ),
    )
    return evidence, tuple(sorted(reader.algorithms))


def _split(tree: Tree) -> tuple[dict[str, int | None], dict[str, int | None]]:
    """Return the files inside the manifest folder, by their names there, and those outside."""
    inside = {}
    outside = {}
    for name, size in tree.sizes.items():
        if name.startswith(_INSIDE):
            inside[name.removeprefix(_INSIDE)] = size
        else:
            outside[name] = size
    return inside, outside


def _has_folder(tree: Tree) -> bool:
    names = (*tree.sizes, *tree.empty_folders, *(fault.path for fault in tree.faults))
    return any(name == MANIFEST_FOLDER or name.startswith(_INSIDE) for name in names)


def _read_folder(
    source: Source,
    reader: Reader,
    manifest: Manifest,
    statement: Statement,
    inside: Mapping[str, int | None],
) -> _ManifestFolder:
    """Read the manifest folder, or take what the caller says of it."""
    bundles = frozenset(filter(is_attestation, inside))
    if isinstance(source, DigestsSource):
        supplied = {
            name: Observed(size, source.digests[f"{_INSIDE}{name}"][1])
            for name, size in inside.items()
        }
        return _ManifestFolder(Companions(observed=supplied), (), bundles | {MANIFEST_FILE})
    companions = read_companions(reader, manifest, inside)
    attestations, refused = read_attestations(reader, statement, inside)
    companions.faults.extend(refused)
    is_ours = MANIFEST_FILE in inside and _holds_payload(reader, statement)
    return _ManifestFolder(
        companions, attestations, bundles | ({MANIFEST_FILE} if is_ours else frozenset())
    )


def _holds_payload(reader: Reader, statement: Statement) -> bool:
    """Return whether the bundle in the manifest folder signs the very payload that is verified.

    It need not be the bundle that was verified: that one may have been named from elsewhere.
    """
    data = reader.read(f"{_INSIDE}{MANIFEST_FILE}", max_bytes=MAX_BUNDLE_BYTES)
    if data is None:
        return True  # it could not be read: a fault says so, and nobody calls it foreign
    try:
        return parse_bundle(data).envelope.payload == statement.payload
    except ProvenanceError:
        return False


def _apply_presets(
    tree: Tree, outside: Mapping[str, int | None], signed: frozenset[str], options: Options
) -> tuple[list[Finding], dict[str, str]]:
    """Return the faults that count, and the names that a preset excuses, signed ones never."""
    presets = options.policy.presets
    counted = []
    ignored = {}
    for fault in tree.faults:
        preset = is_ignored(fault.path, presets)
        if preset is None or fault.path in signed or fault.code in _NEVER_IGNORED:
            counted.append(Finding(fault.code, fault.path, fault.message))
        else:
            ignored[fault.path] = preset
    for name in outside:
        preset = is_ignored(name, presets)
        if preset is not None and name not in signed:
            ignored[name] = preset
    return counted, ignored


def _empty_folders(tree: Tree, options: Options) -> tuple[str, ...]:
    return tuple(
        name
        for name in tree.empty_folders
        if not name.startswith(_INSIDE) and is_ignored(name, options.policy.presets) is None
    )


def _selected(
    signed: frozenset[str], source: Source, outside: Mapping[str, int | None], options: Options
) -> frozenset[str] | None:
    """Return the signed names that were asked for; `None` for all."""
    if source.kind == "file":
        return signed.intersection(outside)
    if not options.only:
        return None
    return frozenset(
        name for name in signed if any(fnmatchcase(name, pattern) for pattern in options.only)
    )


def _unmatched(signed: frozenset[str], source: Source, options: Options) -> tuple[str, ...]:
    """Return the patterns that stand for nothing: often a name that was misspelt."""
    if source.kind == "file" or not signed:
        return ()
    return tuple(
        pattern
        for pattern in dict.fromkeys(options.only)
        if not any(fnmatchcase(name, pattern) for name in signed)
    )


def _observe(
    source: Source,
    reader: Reader,
    wanted: Mapping[str, ListedFile],
    outside: Mapping[str, int | None],
) -> dict[str, Observed]:
    """Return what is known of each file; only files of a signed name and size are hashed."""
    if isinstance(source, DigestsSource):
        return {name: Observed(size, source.digests[name][1]) for name, size in outside.items()}
    agreeing = [
        reader.job(name, entry.size, entry.digest)
        for name, entry in wanted.items()
        if name in outside and outside[name] == entry.size
    ]
    found = {name: Observed(size) for name, size in outside.items()}
    return found | reader.hash_many(agreeing)


def _open_cache(options: Options) -> DigestCache | None:
    if options.cache is None or isinstance(options.cache, DigestCache):
        return options.cache
    return open_cache(options.cache)


def _close_cache(options: Options, cache: DigestCache | None) -> tuple[str, tuple[Finding, ...]]:
    """Return where the cache is and what is wrong with it; close it, unless it is the caller's."""
    if cache is None:
        return "", ()
    if cache is not options.cache:
        cache.close()
    path = printable_name(cache.path)
    return path, tuple(Finding("cache-unusable", path, text) for text in cache.warnings)


def _read_tensors(
    reader: Reader, manifest: Manifest, listed: Iterable[ListedFile], found: Mapping[str, Observed]
) -> TypedRoot | None:
    """Return the tensor digest of the release, recomputed, if that is asked for.

    The signed root is over all files of the weights, so nothing less can be compared with it.
    """
    names = _tensor_files(manifest, listed) if reader.all_digests else []
    if not names:
        return None
    are_read = all(name in found and (found[name].read or found[name].cached) for name in names)
    return reader.tensors(names) if are_read else None


def _tensor_files(manifest: Manifest, listed: Iterable[ListedFile]) -> list[str]:
    if manifest.release.tensors is None:
        return []
    from provenance.digest.weights.choosing import (  # noqa: PLC0415 - the weights, if wanted
        tensor_files,
    )

    return list(tensor_files(entry.path for entry in listed))


def _compare_supplied(manifest: Manifest, options: Options) -> Held:
    """Compare what the caller supplied with what the manifest binds; most supply nothing."""
    if not options.datasets and options.code is None and options.documents is None:
        return Held()
    from provenance.verification.supplied import (  # noqa: PLC0415 - the records, if wanted
        compare_supplied,
    )

    return compare_supplied(manifest, options)


def _hash_parts(
    manifest: Manifest, listed: Sequence[ListedFile], wanted: Mapping[str, ListedFile]
) -> PartHashers:
    """Return what hashes tensors and blocks while the files are read."""
    from provenance.verification.part_hashers import (  # noqa: PLC0415 - the weights, if wanted
        PartHashers,
    )

    tensors = _tensor_files(manifest, listed)
    if not all(name.endswith(_STREAMED_SUFFIX) for name in tensors):
        tensors = []
    blocks: dict[str, int] = {}
    for item in manifest.release.blocks:
        blocks.setdefault(item.path, item.block_size)
    # All of them or none: one that is not read leaves nothing to compare.
    return PartHashers(tensors if wanted.keys() >= set(tensors) else (), blocks)


def _folders(tree: Tree) -> frozenset[str]:
    folders = set(tree.empty_folders)
    for name in tree.sizes:
        folder = name.rpartition("/")[0]
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    return frozenset(folders)


def _document_bytes(manifest: Manifest, companions: Companions) -> Mapping[str, bytes]:
    return MappingProxyType(
        {
            document.id: companions.contents[document.path]
            for document in manifest.documents
            if document.path is not None and document.path in companions.contents
        }
    )
