"""Making a proof file about one file of a release, of a dataset, or of an inventory alone.

What is read here is not verified, and need not be: a proof proves only what `check_proof` finds.
Source: `spec/digests.md`, section "Proof files".
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from provenance.canonical import MAX_BUNDLE_BYTES, MAX_DOCUMENT_BYTES, MAX_INVENTORY_BYTES
from provenance.checks import MANIFEST_FOLDER
from provenance.digest import (
    Inventory,
    InventoryDigest,
    InventoryEntry,
    ProofFile,
    ShardIndex,
    hash_tensors,
    open_folder,
    prove_in_trees,
    prove_salted,
    prove_tensor,
    read_file,
)
from provenance.digest.weights.choosing import tensor_files
from provenance.envelope import manifest_digest
from provenance.errors import DigestError, ManifestError, UsageError, shown
from provenance.manifest import PrivateFile
from provenance.trust import TrustPolicy
from provenance.verification.gathering import MANIFEST_FILE
from provenance.verification.loading import load_manifest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provenance.digest import TypedRoot
    from provenance.manifest import FileReference, Manifest
    from provenance.verification.options import PathLike

__all__ = ["prove_file", "read_tree_file"]


def prove_file(
    source: PathLike,
    name: str | None = None,
    *,
    dataset: str | None = None,
    tensor: str | None = None,
    parts: Sequence[PathLike] = (),
    salts: PathLike | None = None,
) -> ProofFile:
    """Return the proof that a file stands in a signed tree.

    Args:
        source: A release folder; or an inventory file or index of shards alone, and then the proof
            names no manifest.
        name: The file: of the release, or of what `dataset` or `source` is. In an index without
            `parts`, a shard.
        dataset: Id of the dataset of the manifest whose file it is.
        tensor: A tensor of the released weights, instead of a file.
        parts: The trees that lead to the file and are not in the release: indexes of shards from
            the topmost to the lowest, then the inventory.
        salts: The private file of the release, for a `dataset` whose inventory is private; its
            inventory is then the one of `parts`.

    Raises:
        DigestError: There is no such file or tensor, or a tree is not the one of the manifest
            (`inventory-mismatch`).
        InputError: Something cannot be read.
        ManifestError: The release has no manifest that can be read, or its manifest no such tree.
        UsageError: The request makes no sense.
    """
    if (name is None) == (tensor is None) or (tensor is not None and (dataset or parts)):
        raise UsageError(problem="expected the name of one file, or of one tensor of a release")
    trees = [read_tree_file(part) for part in parts]
    if salts is not None:
        return _prove_private(source, str(name), dataset, trees, salts)
    if not os.path.isdir(source):  # noqa: PTH112 - text or path object
        if dataset is not None or tensor is not None:
            raise UsageError(
                path=shown(os.fspath(source))[1:-1],
                problem="datasets and tensors are of a release, and this is no folder",
            )
        return prove_in_trees([read_tree_file(source), *trees], str(name))
    manifest, digest = _read_manifest(source)
    if tensor is not None:
        proof, pointer = _prove_tensor(source, manifest, tensor), "/release/tensors"
        signed = manifest.release.tensors
    else:
        pointer, signed, tree = _tree(manifest, dataset)
        proof = prove_in_trees(trees or [_inventory(source, tree)], str(name))
        if dataset is not None and proof.root.tree == "shard":
            pointer = pointer.replace("/files", "/shards")
            signed = tree.shards
    _check_root(proof.root, signed, pointer)
    return replace(proof, pointer=pointer, manifest=digest)


def _prove_private(
    source: PathLike,
    name: str,
    dataset: str | None,
    trees: Sequence[Inventory | ShardIndex],
    salts: PathLike,
) -> ProofFile:
    """Return the proof of a file of a private dataset, with the salt of this file alone."""
    inventory = trees[0] if len(trees) == 1 else None
    if dataset is None or not isinstance(inventory, Inventory):
        raise UsageError(
            path="--salts",
            problem="salts are of one private dataset, whose inventory nobody else has",
            remedy="name the dataset, and its inventory as the one part",
        )
    data = read_file(os.path.realpath(salts), max_bytes=MAX_DOCUMENT_BYTES)
    secret = PrivateFile.from_bytes(data, source=os.fspath(salts)).tree_secrets.get(dataset)
    manifest, digest = _read_manifest(source)
    found = [number for number, it in enumerate(manifest.datasets) if it.id == dataset]
    if secret is None or not found:
        raise UsageError(
            path="--salts",
            problem=f"they are of no private dataset {shown(dataset)} of this release",
        )
    proof = prove_salted(inventory, name, secret)
    pointer = f"/datasets/{found[0]}/files"
    _check_root(proof.root, manifest.datasets[found[0]].files, pointer)
    return replace(proof, pointer=pointer, manifest=digest)


def read_tree_file(path: PathLike) -> Inventory | ShardIndex:
    """Return what an inventory file, or an index of shards, holds; its first line tells which.

    Raises:
        DigestError: It breaks its format.
        InputError: It cannot be read.
    """
    # The caller named this file, so a link to it is followed.
    data = read_file(os.path.realpath(path), max_bytes=MAX_INVENTORY_BYTES)
    name = os.path.basename(os.fspath(path))  # noqa: PTH119 - text or path object
    if data.startswith(b'{"name"'):
        return ShardIndex.from_bytes(data, source=name)
    return Inventory.from_bytes(data, source=name)


def _read_manifest(folder: PathLike) -> tuple[Manifest, str]:
    """Return the unverified manifest of a release, and its digest."""
    with open_folder(folder) as root:
        data = read_file(
            f"{MANIFEST_FOLDER}/{MANIFEST_FILE}", root=root, max_bytes=MAX_BUNDLE_BYTES
        )
    loaded = load_manifest(data, TrustPolicy(), datetime.now(UTC))
    if loaded.parsed is None or loaded.statement is None:
        found = loaded.findings[-1]
        raise ManifestError(path=found.path, problem=found.message, code=found.code)
    return loaded.parsed.document, manifest_digest(loaded.statement.payload)


def _tree(manifest: Manifest, dataset: str | None) -> tuple[str, TypedRoot | None, Any]:
    """Return the pointer of a root, the root, and what holds it."""
    if dataset is None:
        return "/release/files", manifest.release.files, manifest.release
    for index, item in enumerate(manifest.datasets):
        if item.id == dataset:
            if item.salted:
                raise ManifestError(
                    path=f"/datasets/{index}/salted",
                    problem="the leaves hold salts that the producer keeps, so no file is proved",
                    remedy="the producer proves one with --salts and --part",
                )
            return f"/datasets/{index}/files", item.files, item
    known = ", ".join(item.id for item in manifest.datasets) or "none"
    raise UsageError(
        path="--dataset", problem=f"no dataset {shown(dataset)}", remedy=f"the ids are: {known}"
    )


def _inventory(folder: PathLike, tree: Any) -> Inventory:  # noqa: ANN401 - a release or dataset
    """Return the inventory of a tree: inline, or in the manifest folder."""
    if tree.inventory:
        return Inventory(
            tuple(
                InventoryEntry(
                    digest=InventoryDigest(entry.digest["blake3"], entry.digest.get("sha256")),
                    path=entry.path,
                    size=entry.size,
                )
                for entry in tree.inventory
            )
        )
    reference: FileReference | None = tree.inventory_file
    if reference is None or reference.path is None:
        raise ManifestError(
            problem="the manifest has no inventory of this tree",
            remedy="name the inventory, or the index of shards and the inventory, with --part",
        )
    with open_folder(folder) as root:
        data = read_file(
            f"{MANIFEST_FOLDER}/{reference.path}", root=root, max_bytes=MAX_INVENTORY_BYTES
        )
    return Inventory.from_bytes(data, source=reference.path)


def _prove_tensor(folder: PathLike, manifest: Manifest, tensor: str) -> ProofFile:
    """Return the proof of one tensor, from the released weights as they are here."""
    names = tensor_files(entry.path for entry in _inventory(folder, manifest.release))
    paths = [
        os.path.join(folder, *name.split("/"))  # noqa: PTH118 - text or path object
        for name in names
    ]
    if not paths or manifest.release.tensors is None:
        raise ManifestError(
            path="/release/tensors", problem="the manifest binds no tensors of this release"
        )
    _, tensors = hash_tensors(paths)
    return prove_tensor(tensors, tensor)


def _check_root(made: TypedRoot, signed: TypedRoot | None, pointer: str) -> None:
    if made != signed:
        stated = "nothing" if signed is None else f"{signed.root} over {signed.size}"
        raise DigestError(
            path=pointer,
            problem=f"the tree here has the root {made.root} over {made.size}, stated is {stated}",
            remedy="name the trees that the manifest was made from",
            code="inventory-mismatch",
        )
