"""The last part of a release: hash what is released, write the manifest folder and the draft."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from provenance.checks import LISTING_FILE
from provenance.digest import DigestSet, find_collisions, format_listing, hash_file
from provenance.digest.tree_parts import hash_tree_and_parts
from provenance.digest.weights.choosing import describe_uncovered
from provenance.envelope import Subject
from provenance.errors import RecordingError
from provenance.manifest.model import Release
from provenance.recording.about import generator
from provenance.recording.assembly import (
    add_disclosures,
    add_documents,
    captured_origins,
    make_manifest,
)
from provenance.recording.block_lists import write_block_lists
from provenance.recording.builder import MAX_LISTED_FILES, release_of
from provenance.recording.content import INVENTORIES, reference_to
from provenance.recording.drafts import PRIVATE_NAME, STATEMENT_NAME, draft_statement, write_private
from provenance.recording.layout import place_file, write_into
from provenance.recording.oms_signing import OMS_SUBJECT, oms_root
from provenance.recording.placement import Placed
from provenance.recording.publication import (
    NO_RULES,
    publish_only,
    refuse_texts,
    still_there,
)
from provenance.recording.weights import Weights, bind_weights, has_tensors, role_of
from provenance.training_log import iterate_lines, log_root, parse_entry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from provenance.digest import BlockDigests, Inventory
    from provenance.digest.tree_parts import TreeParts
    from provenance.manifest.manifest import Manifest
    from provenance.recording.description import Description
    from provenance.recording.merging import LogSource, Merged
    from provenance.recording.publication_rules import Rules
    from provenance.recording.renaming import Companion

__all__ = ["Completed", "Content", "complete"]


@dataclass(frozen=True, slots=True)
class Content:
    """What a release is made of, besides its files."""

    tree: Mapping[str, Any]
    """Recorded and described parts, joined."""

    recorded: Mapping[str, Any]
    """The recorded parts alone."""

    description: Description
    """The description, for the documents that it names."""

    merged: Merged | None = None
    """The files that the recorded parts refer to."""

    placed: Placed = field(default_factory=Placed)
    """Which released files are the checkpoint's."""

    weights: Weights = field(default_factory=Weights)
    """What the released weights say of themselves."""


@dataclass(frozen=True, slots=True)
class Completed:
    """A release that is written."""

    manifest: Manifest
    """The manifest."""

    payload: bytes
    """The statement."""

    warnings: tuple[str, ...]
    """What its maker should know."""


def complete(
    content: Content,
    *,
    released: Path,
    manifest_folder: Path,
    draft: Path,
    created_at: str,
    skip: Sequence[str] = (),
    block_size: int | None = None,
    oms: bool = False,
    rules: Rules = NO_RULES,
) -> Completed:
    """Hash the released files, and write the manifest folder and the draft.

    Args:
        content: What the manifest says besides.
        released: The folder of the released files.
        manifest_folder: The manifest folder, empty or not there yet.
        draft: The draft's folder, empty.
        created_at: The time that the manifest claims.
        skip: Names directly in `released` that are not released.
        block_size: Record the digests of blocks of this size, in bytes, of every larger file.
        oms: Name the root of an OMS signature as a subject.
        rules: What is withheld, sealed or forbidden.

    Raises:
        RecordingError: No file is released, two names collide, the checkpoint's files changed, or
            a rule forbids what would be published.
        ManifestError: A part breaks a rule of the format.
        InputError: Something cannot be read or written.
    """
    parts = _hash_released(released, skip, block_size, content.weights)
    inventory = parts.inventory
    names = [entry.path for entry in inventory.entries]
    weights = bind_weights(content.weights, names, parts.tensors, released)
    warnings = [f"the tensors could not be read: {weights.fault}"] if weights.fault else []
    if weights.root is not None and (uncovered := describe_uncovered(names)):
        warnings.append(uncovered)
    tree, documents = add_documents(content.tree, content.description)
    if content.merged is not None:
        _check_unchanged(content.merged, content.placed, inventory)
        for companion in content.merged.companions:
            _place_companion(companion, manifest_folder)
        tree = _add_log(tree, content.merged.logs, manifest_folder)
        checkpoint = _same_checkpoint(content.merged, content.placed, weights)
        if checkpoint is None:
            warnings.append("the released weights are no recorded checkpoint")
        tree = _mark_released(tree, checkpoint)
    else:
        checkpoint = None
    for name, data in documents.items():
        write_into(manifest_folder, name, data)
    listing = format_listing((it.path, it.digest.digest_set["sha256"]) for it in inventory.entries)
    write_into(manifest_folder, LISTING_FILE, listing)
    tree["release"] = _release(
        tree, inventory, weights, checkpoint, manifest_folder, blocks=parts.blocks
    )
    tree["generator"] = generator().to_tree()
    tree["createdAt"] = created_at
    tree, sealed = add_disclosures(tree)
    published = publish_only(tree, rules, manifest_folder)
    tree, sealed = published.tree, (*sealed, *published.sealed)
    warnings += refuse_texts(rules, released, manifest_folder, skip)
    origins = captured_origins(tree, content.recorded)
    authored = still_there(tree, content.tree.get("origins") or {})
    tree["origins"] = {**origins, **authored}
    manifest = make_manifest(tree)
    others = _oms_subjects(inventory) if oms else ()
    payload = draft_statement(manifest, listing, others)
    write_into(draft, STATEMENT_NAME, payload)
    if sealed or published.secrets:
        private = write_private(sealed, payload, published.secrets)
        write_into(draft, PRIVATE_NAME, private, mode=0o600)
    return Completed(manifest, payload, (*warnings, *published.warnings))


def _oms_subjects(inventory: Inventory) -> tuple[Subject, ...]:
    root = oms_root({it.path: it.digest.digest_set["sha256"] for it in inventory.entries})
    return () if root is None else (Subject(OMS_SUBJECT, DigestSet({"sha256": root})),)


def _hash_released(
    released: Path, skip: Sequence[str], block_size: int | None, weights: Weights
) -> TreeParts:
    """Read each released file once, for its digests, its blocks and its tensors."""
    parts = hash_tree_and_parts(
        released,
        block_size=block_size,
        with_tensors=None if weights.fault else has_tensors,
        skip=skip,
    )
    inventory = parts.inventory
    if not inventory.entries:
        raise RecordingError(
            path=str(released), problem="no file would be released", code="release-empty"
        )
    for one, other in find_collisions(entry.path for entry in inventory.entries):
        raise RecordingError(
            path=other,
            problem=f"is one file with {one!r} on some systems",
            remedy="rename one of them",
            code="name-collision",
        )
    return parts


def _check_unchanged(merged: Merged, placed: Placed, inventory: Inventory) -> None:
    """Refuse a checkpoint whose files are not those that were hashed when it was saved."""
    saved = _chosen(merged)
    recorded = {item["path"]: dict(item["digest"]) for item in saved.get("inventory", ())}
    for entry in inventory.entries:
        name = placed.names.get(entry.path)
        if name in recorded and recorded[name]["blake3"] != entry.digest.blake3:
            raise RecordingError(
                path=entry.path,
                problem=f"the file changed after it was recorded as checkpoint {saved['id']!r}",
                remedy="release the recorded file, or record it again",
            )


def _place_companion(companion: Companion, folder: Path) -> None:
    target = folder / companion.path
    place_file(companion.source, target)
    if hash_file(target, algorithms=("blake3",)).digest["blake3"] != companion.blake3:
        raise RecordingError(
            path=str(companion.source),
            problem="the file changed after it was recorded",
            remedy="bring the recorded one back, or record the run again",
        )


def _chosen(merged: Merged) -> Mapping[str, Any]:
    found: Mapping[str, Any] = next(
        it for it in merged.tree["training"]["checkpoints"] if it["id"] == merged.checkpoint
    )
    return found


def _same_checkpoint(merged: Merged, placed: Placed, weights: Weights) -> str | None:
    """Return the recorded checkpoint that the released weights are: by tensors, else by files."""
    saved = _chosen(merged)
    if weights.root is None:
        return merged.checkpoint if placed.names and "inventory" in saved else None
    root = weights.root.to_tree()
    ordered = [saved, *(it for it in merged.tree["training"]["checkpoints"] if it is not saved)]
    return next((str(it["id"]) for it in ordered if it.get("tensors") == root), None)


def _mark_released(tree: Mapping[str, Any], checkpoint: str | None) -> dict[str, Any]:
    training = dict(tree["training"])
    # What was deleted where it was saved is there again, as a file that the release was given.
    training["checkpoints"] = [
        {**it, "availability": "released"}
        if it["id"] == checkpoint and it.get("availability", "deleted") == "deleted"
        else it
        for it in training["checkpoints"]
    ]
    return {**tree, "training": training}


def _add_log(tree: Mapping[str, Any], logs: Sequence[LogSource], folder: Path) -> dict[str, Any]:
    """Copy the complete lines of the training logs, and bind them."""
    if not logs:
        return dict(tree)
    references = []
    for log in logs:
        target = folder / log.path
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            for number, line in enumerate(iterate_lines(log.source, allow_torn=True), start=1):
                # A crash tears the last line at most; any other fault is somebody's edit.
                parse_entry(line, source=f"{log.source}:{number}")
                file.write(line + b"\n")
        found = hash_file(target)
        references.append(
            {
                "path": log.path,
                "size": found.size,
                "digest": dict(found.digest),
                "mediaType": "application/jsonl",
            }
        )
    root = log_root(folder / log.path for log in logs)
    return {**tree, "training": {**tree["training"], "log": root.to_tree(), "logFiles": references}}


def _release(
    tree: Mapping[str, Any],
    inventory: Inventory,
    weights: Weights,
    checkpoint: str | None,
    folder: Path,
    *,
    blocks: Mapping[str, BlockDigests],
) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "tensors": weights.root,
        "checkpoint": checkpoint,
        "blocks": write_block_lists(blocks, folder) or None,
    }
    fields = {name: value for name, value in fields.items() if value is not None}
    described = tree.get("release") or {}
    roles = {entry.path: role_of(entry.path) for entry in inventory.entries}
    if len(inventory.entries) > MAX_LISTED_FILES:
        data = inventory.to_bytes()
        path = f"{INVENTORIES}/release.jsonl"
        write_into(folder, path, data)
        reference = reference_to(data, path=path, media_type="application/jsonl")
        return {
            "inventoryFile": reference.to_tree(),
            **Release(files=inventory.root, **fields).to_tree(),
            **described,
        }
    return {**release_of(inventory, roles=roles, **fields).to_tree(), **described}
