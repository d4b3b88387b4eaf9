"""Datasets whose inventory is private: their files are bound by a salted root, and not named."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from provenance.canonical import MAX_INVENTORY_BYTES
from provenance.digest import Inventory, InventoryDigest, InventoryEntry, read_file
from provenance.digest.salted import TREE_SECRET_BYTES, salted_root
from provenance.errors import RecordingError, shown

if TYPE_CHECKING:
    from pathlib import Path

    from provenance.recording.publication_rules import PrivateDataset, Rules

__all__ = ["TELLING", "PrivateTrees", "make_private"]

#: Whatever would tell a right guess about the data from a wrong one: names, digests, examples.
TELLING: Final = (
    *("inventory", "inventoryFile", "recordTree", "recordSet", "tensors", "samples", "shards"),
)


@dataclass(frozen=True, slots=True)
class PrivateTrees:
    """A manifest's tree in which some datasets are private."""

    tree: dict[str, Any]
    """The tree."""

    secrets: Mapping[str, bytes]
    """What the salts are derived from, by the dataset's id."""


def make_private(tree: Mapping[str, Any], rules: Rules, manifest_folder: Path) -> PrivateTrees:
    """Replace the inventories of private datasets by salted roots, and disclose that.

    Args:
        tree: The manifest's tree.
        rules: They name the datasets.
        manifest_folder: Where inventories in files of their own lie.

    Raises:
        RecordingError: There is no such dataset, or it has no inventory to salt.
        DigestError: An inventory breaks its format.
        InputError: An inventory cannot be read.
    """
    datasets = [dict(item) for item in tree.get("datasets") or ()]
    positions = {item.get("id"): index for index, item in enumerate(datasets)}
    disclosures = list(tree.get("disclosures") or ())
    kept: dict[str, bytes] = {}
    for number, private in enumerate(rules.private):
        where = f"{rules.source}#/private/{number}/dataset"
        if private.dataset not in positions or private.dataset in kept:
            raise RecordingError(
                path=where,
                problem=f"{shown(private.dataset)} is no dataset of this release, or named twice",
                remedy=f"the ids are: {', '.join(str(name) for name in positions) or 'none'}",
            )
        index = positions[private.dataset]
        inventory = _inventory(datasets[index], manifest_folder, where)
        secret = secrets.token_bytes(TREE_SECRET_BYTES)
        kept[private.dataset] = secret
        found = _strip(datasets[index], f"/datasets/{index}", private)
        disclosures += found
        datasets[index]["files"] = salted_root(inventory, secret).to_tree()
        datasets[index]["salted"] = True
    if not kept:
        return PrivateTrees(dict(tree), {})
    return PrivateTrees({**tree, "datasets": datasets, "disclosures": disclosures}, kept)


def _strip(dataset: dict[str, Any], where: str, private: PrivateDataset) -> list[dict[str, Any]]:
    """Take out what would tell, and return the disclosures of it."""
    paths = [f"{where}/{name}" for name in TELLING if dataset.pop(name, None)]
    splits = []
    for index, split in enumerate(dataset.get("splits") or ()):
        if "files" in split:
            paths.append(f"{where}/splits/{index}/files")
        splits.append({name: item for name, item in split.items() if name != "files"})
    if splits:
        dataset["splits"] = splits
    return [{"path": path, "status": "withheld", "reason": private.reason} for path in paths]


def _inventory(dataset: Mapping[str, Any], folder: Path, where: str) -> Inventory:
    entries = dataset.get("inventory")
    if entries:
        return Inventory(tuple(_entry(item) for item in entries))
    reference = dataset.get("inventoryFile")
    path = reference.get("path") if isinstance(reference, Mapping) else None
    if not isinstance(path, str):
        raise RecordingError(
            path=where,
            problem=f"{shown(dataset.get('id'))} has no inventory that could be salted",
            remedy="record it with its path, or withhold it",
        )
    data = read_file(folder / path, max_bytes=MAX_INVENTORY_BYTES)
    return Inventory.from_bytes(data, source=path)


def _entry(item: Mapping[str, Any]) -> InventoryEntry:
    digest = item["digest"]
    return InventoryEntry(
        digest=InventoryDigest(digest["blake3"], digest.get("sha256")),
        path=item["path"],
        size=item["size"],
    )
