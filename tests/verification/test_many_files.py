"""Group P and R of the threats sheet: very many listed files are answered in bounded time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from provenance.digest import (
    Inventory,
    InventoryDigest,
    InventoryEntry,
    format_listing,
    hash_bytes,
)
from support.crafted import CraftedRelease, write_tree
from support.reports import expect

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from provenance.verification import Report

    Look = Callable[..., Report]


def write_release(folder: Path, count: int) -> Path:
    """Write a release that lists so many files, of which none is here."""
    entries = tuple(
        InventoryEntry(
            digest=InventoryDigest(f"{number:064x}", f"{number:064x}"),
            path=f"data/{number // 1000:04}/{number:07}.bin",
            size=7,
        )
        for number in range(count)
    )
    inventory = Inventory(entries)
    listing = format_listing((entry.path, entry.digest.sha256 or "") for entry in entries)
    release = CraftedRelease()
    release.companions["inventories/release.jsonl"] = inventory.to_bytes()

    def edit(tree: dict[str, Any]) -> None:
        reference = release.refer("inventories/release.jsonl")
        tree["release"] = {"files": inventory.root.to_tree(), "inventoryFile": reference}

    release.edit_manifest = edit
    release.edit_statement = lambda tree: tree["subject"][0].update(
        digest={"sha256": hash_bytes(listing, "sha256")}
    )
    files = {name: data for name, data in release.layout().items() if name not in release.files}
    return write_tree(folder, {**files, "training-provenance/SHA256SUMS": listing})


@pytest.mark.parametrize("count", [20_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_many_missing_files_are_answered_in_bounded_time(
    tmp_path: Path, look: Look, count: int
) -> None:
    folder = write_release(tmp_path, count)
    start = time.monotonic()
    report = look(folder)
    elapsed = time.monotonic() - start
    expect(report, "FAIL", "file-missing")
    assert report.files is not None
    assert report.files.missing == count
    assert len(report.findings) < 10_100, "the rest is counted"
    assert elapsed < 10 + count / 10_000
