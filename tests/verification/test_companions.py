"""Step 13 in motion: the files of the manifest folder."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest
from typing_extensions import override

from provenance.digest import Inventory, InventoryDigest, InventoryEntry, hash_bytes
from provenance.verification.companions import LINES_PER_LOOK
from support.crafted import TRAINING_LOG, CraftedRelease, digests, file_root
from support.reports import errors_of, expect, rungs_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from provenance.verification import Report

    Look = Callable[..., Report]

INSIDE = "training-provenance"


def inventory_file(files: Mapping[str, bytes], *, sha256: bool = False) -> bytes:
    entries = (
        InventoryEntry(
            digest=InventoryDigest(
                hash_bytes(data, "blake3"), hash_bytes(data, "sha256") if sha256 else None
            ),
            path=name,
            size=len(data),
        )
        for name, data in files.items()
    )
    return Inventory(tuple(entries)).to_bytes()


@pytest.mark.parametrize("name", sorted(CraftedRelease().companions))
def test_missing_companion_is_found(folder: Path, look: Look, name: str) -> None:
    (folder / INSIDE / name).unlink()
    assert errors_of(look(folder)) == [("companion-missing", f"{INSIDE}/{name}")]


@pytest.mark.parametrize("name", sorted(CraftedRelease().companions))
def test_edited_companion_is_found(folder: Path, look: Look, name: str) -> None:
    path = folder / INSIDE / name
    data = bytearray(path.read_bytes())
    data[0] ^= 1
    path.write_bytes(data)
    assert errors_of(look(folder)) == [("companion-mismatch", f"{INSIDE}/{name}")]
    path.write_bytes(data + b"x")
    report = look(folder)
    assert errors_of(report) == [("companion-mismatch", f"{INSIDE}/{name}")]
    assert "bytes" in report.summary


@pytest.mark.parametrize(
    "name", ["notes.txt", "documents/more.md", "attestations/x.txt", "evil.py"]
)
def test_companion_that_nothing_refers_to_is_found(folder: Path, look: Look, name: str) -> None:
    (folder / INSIDE / name).parent.mkdir(exist_ok=True)
    (folder / INSIDE / name).write_bytes(b"x")
    assert errors_of(look(folder)) == [("companion-extra", f"{INSIDE}/{name}")]


def test_companion_without_a_digest_that_counts_is_not_bound(tmp_path: Path, look: Look) -> None:
    def edit(tree: dict[str, Any]) -> None:
        tree["documents"][0]["digest"] = {"md5": "0" * 32}

    report = look(CraftedRelease(edit_manifest=edit).write(tmp_path))
    expect(report, "FAIL", "digest-algorithm", "companion-extra")


def test_missing_listing_is_found(folder: Path, look: Look) -> None:
    (folder / INSIDE / "SHA256SUMS").unlink()
    assert errors_of(look(folder)) == [("listing-missing", f"{INSIDE}/SHA256SUMS")]


def test_edited_listing_is_found(folder: Path, look: Look) -> None:
    path = folder / INSIDE / "SHA256SUMS"
    path.write_bytes(path.read_bytes() + b"0" * 64 + b"  z\n")
    expect(look(folder), "FAIL", "listing-mismatch")
    path.write_bytes(b"\n".join(reversed(path.read_bytes().split(b"\n"))))
    expect(look(folder), "FAIL", "listing-mismatch", "listing-malformed")


def test_signed_listing_with_other_files_than_the_inventory_is_found(
    tmp_path: Path, look: Look
) -> None:
    release = CraftedRelease()
    small = CraftedRelease()
    del small.files["README.md"]
    release.edit_statement = lambda tree: tree["subject"][0]["digest"].update(
        sha256=hash_bytes(small.listing(), "sha256")
    )
    folder = release.write(tmp_path)
    (folder / INSIDE / "SHA256SUMS").write_bytes(small.listing())
    report = look(folder)
    expect(report, "FAIL", "listing-inventory-mismatch")
    assert len(errors_of(report)) == 2


def test_huge_listing_is_refused_by_its_size(folder: Path, look: Look) -> None:
    with (folder / INSIDE / "SHA256SUMS").open("r+b") as file:
        file.truncate(2**31)
    expect(look(folder), "FAIL", "json-size")


def test_manifest_folder_that_is_only_a_bundle_elsewhere_needs_no_companions(
    tmp_path: Path, look: Look
) -> None:
    release = CraftedRelease()
    for name, data in release.files.items():
        (tmp_path / name).write_bytes(data)
    expect(look(tmp_path, manifest=release.bundle()), "PASS")
    (tmp_path / INSIDE).mkdir()
    expect(
        look(tmp_path, manifest=release.bundle()), "FAIL", "listing-missing", "companion-missing"
    )


class InventoryRelease(CraftedRelease):
    """A release whose own inventory, and that of a dataset, stand in files."""

    def prepare(self) -> InventoryRelease:
        """Move the inventories into companions."""
        self.companions["inventories/release.jsonl"] = inventory_file(self.files, sha256=True)
        self.companions["inventories/raw.jsonl"] = inventory_file(self.datasets["raw"])
        return self

    @override
    def manifest(self) -> dict[str, Any]:
        """Return the manifest with the references."""
        tree = super().manifest()
        del tree["release"]["inventory"], tree["datasets"][0]["inventory"]
        tree["release"]["inventoryFile"] = self.refer("inventories/release.jsonl")
        tree["datasets"][0]["inventoryFile"] = self.refer("inventories/raw.jsonl")
        return tree


def test_inventories_in_files_are_read(tmp_path: Path, look: Look) -> None:
    folder = InventoryRelease().prepare().write(tmp_path)
    report = look(folder)
    expect(report, "PASS")
    assert report.files is not None
    assert report.files.matched == 3
    assert rungs_of(report)["datasets"] == "bound", "the list is here, the data is not"
    (folder / "extra").write_bytes(b"x")
    expect(look(folder), "FAIL", "file-extra")


def test_missing_inventory_file_is_the_one_thing_that_is_said(tmp_path: Path, look: Look) -> None:
    folder = InventoryRelease().prepare().write(tmp_path)
    (folder / INSIDE / "inventories/release.jsonl").unlink()
    expect(look(folder), "FAIL", "companion-missing", "required-not-checked")


def test_inventory_file_with_another_root_is_found(tmp_path: Path, look: Look) -> None:
    release = InventoryRelease().prepare()
    release.companions["inventories/raw.jsonl"] = inventory_file({"other": b"x"})
    assert errors_of(look(release.write(tmp_path / "a"))) == [
        ("inventory-mismatch", "/datasets/0/inventoryFile")
    ]
    release = InventoryRelease().prepare()
    release.companions["inventories/release.jsonl"] = inventory_file(
        {**release.files, "other": b"x"}, sha256=True
    )
    report = look(release.write(tmp_path / "b"))
    expect(report, "FAIL", "release-root-mismatch", "listing-inventory-mismatch", "file-missing")


def test_malformed_inventory_file_is_found(tmp_path: Path, look: Look) -> None:
    release = InventoryRelease().prepare()
    release.companions["inventories/raw.jsonl"] = b"{}\n"
    assert errors_of(look(release.write(tmp_path / "a"))) == [
        ("inventory-malformed", "/datasets/0/inventoryFile")
    ]
    release = InventoryRelease().prepare()
    release.companions["inventories/release.jsonl"] = b"{}\n"
    expect(look(release.write(tmp_path / "b")), "FAIL", "inventory-malformed")


def test_dataset_inventory_without_a_root_binds_by_itself(tmp_path: Path, look: Look) -> None:
    release = InventoryRelease().prepare()
    release.edit_manifest = lambda tree: tree["datasets"][0].pop("files")
    expect(look(release.write(tmp_path)), "PASS")


def test_inline_inventory_is_held_to_its_root(tmp_path: Path, look: Look) -> None:
    def edit(tree: dict[str, Any]) -> None:
        tree["datasets"][0]["files"] = file_root({"a": b"1"})
        tree["datasets"][1]["inventory"] = [
            {"path": "b", "size": 1, "digest": digests(b"b")},
            {"path": "a", "size": 1, "digest": digests(b"a")},
        ]
        tree["datasets"][1]["files"] = None
        del tree["datasets"][1]["files"]
        tree["datasets"][2]["inventory"][0]["digest"] = {"sha256": "0" * 64}

    report = look(CraftedRelease(edit_manifest=edit).write(tmp_path))
    assert errors_of(report) == [
        ("digest-algorithm", "/datasets/2/inventory"),
        ("inventory-mismatch", "/datasets/0/files"),
        ("inventory-malformed", "/datasets/1/inventory"),
    ]


def edit_log(change: Callable[[dict[str, Any]], object]) -> CraftedRelease:
    return CraftedRelease(edit_manifest=lambda tree: change(tree["training"]))


def test_log_with_another_root_is_found(tmp_path: Path, look: Look) -> None:
    release = edit_log(lambda training: training["log"].update(size=3))
    assert errors_of(look(release.write(tmp_path))) == [("log-mismatch", "/training/log")]


def test_log_with_a_torn_last_line_is_found(tmp_path: Path, look: Look) -> None:
    release = CraftedRelease()
    release.companions["training-log/metrics.jsonl"] = TRAINING_LOG[:-5]
    assert errors_of(look(release.write(tmp_path))) == [
        ("log-mismatch", f"{INSIDE}/training-log/metrics.jsonl")
    ]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"loss 0.5",
        b"[]",
        b'{"loss":0.5}',
        b'{"kind":"metrics","at":"2026-11-01T09:00:00Z"}',
        b'{"at":"2026-11-01T09:00:00Z", "kind":"metrics"}',
        b'{"at":"yesterday","kind":"metrics"}',
        b'{"at":"2026-11-01T09:00:00Z","kind":"metrics","values":{"loss":"low"}}',
    ],
)
def test_log_signed_with_a_line_that_is_no_entry_is_found(
    tmp_path: Path, look: Look, line: bytes
) -> None:
    release = CraftedRelease()
    release.companions["training-log/metrics.jsonl"] = TRAINING_LOG + line + b"\n" + line + b"\n"
    report = look(release.write(tmp_path))
    assert errors_of(report) == [("log-malformed", f"{INSIDE}/training-log/metrics.jsonl")]
    assert "line 3" in report.summary


def test_clock_is_looked_at_while_a_long_log_is_read(
    tmp_path: Path, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    def looks(release: CraftedRelease, folder: Path) -> int:
        """Return the least deadline that is met, with a clock that ticks at every look."""
        release.write(folder)
        for deadline in range(100):
            ticks = iter(range(1_000))
            monkeypatch.setattr("time.monotonic", lambda ticks=ticks: next(ticks))
            report = look(folder, deadline=deadline)
            if report.verdict == "PASS":
                return deadline
            expect(report, "ERROR", "deadline")
        return -1

    long = CraftedRelease()
    long.companions["training-log/metrics.jsonl"] = TRAINING_LOG * (3 * LINES_PER_LOOK // 2)
    assert looks(long, tmp_path / "a") == looks(CraftedRelease(), tmp_path / "b") + 2


@pytest.mark.parametrize("field", ["log", "logFiles"])
def test_log_may_be_bound_by_its_root_or_its_files_alone(
    tmp_path: Path, look: Look, field: str
) -> None:
    release = edit_log(lambda training: training.pop(field))
    if field == "logFiles":
        del release.companions["training-log/metrics.jsonl"]
        release.edit_manifest = lambda tree: tree["training"].update(
            log={"tree": "log", "size": 2, "root": "0" * 64}
        )
    report = look(release.write(tmp_path))
    expect(report, "PASS")
    assert rungs_of(report)["training-log"] == ("matched" if field == "log" else "bound")


def test_log_files_that_are_kept_elsewhere_are_bound(tmp_path: Path, look: Look) -> None:
    def edit(tree: dict[str, Any]) -> None:
        tree["training"]["logFiles"][0].pop("path")

    release = CraftedRelease(edit_manifest=edit)
    log = release.companions["training-log/metrics.jsonl"]
    folder = release.write(tmp_path)
    (folder / INSIDE / "training-log/metrics.jsonl").unlink()
    (folder / INSIDE / "training-log").rmdir()
    report = look(folder)
    expect(report, "PASS")
    assert log
    assert rungs_of(report)["training-log"] == "bound"


def test_deadline_within_the_manifest_folder_is_a_fault(
    folder: Path, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = iter(range(1_000))
    monkeypatch.setattr("time.monotonic", lambda: next(ticks))
    for deadline in range(12):
        assert look(folder, deadline=deadline).verdict in {"ERROR", "PASS"}


def test_second_reference_to_a_file_with_a_wrong_digest_is_found(
    tmp_path: Path, look: Look
) -> None:
    # Each reference is compared, whatever the first one records.
    def edit(manifest: dict[str, Any]) -> None:
        first = manifest["documents"][0]
        first["digest"].pop("sha256")
        manifest["documents"].append({**first, "id": "again", "digest": {"sha256": "0" * 64}})

    folder = CraftedRelease(edit_manifest=edit).write(tmp_path / "model")
    expect(look(folder), "FAIL", "companion-mismatch")


def test_log_of_line_feeds_alone_takes_neither_time_nor_memory(tmp_path: Path, look: Look) -> None:
    # A list of its lines takes 8 bytes for each byte, and the root a hash for each.
    log = b"\n" * 16 * 1024 * 1024

    def edit(manifest: dict[str, Any]) -> None:
        reference = {"path": "training-log/metrics.jsonl", "size": len(log), "digest": digests(log)}
        manifest["training"]["logFiles"] = [reference]

    release = CraftedRelease(edit_manifest=edit)
    folder = release.write(tmp_path / "model")
    (folder / INSIDE / "training-log/metrics.jsonl").write_bytes(log)
    tracemalloc.start()
    try:
        report = look(folder)
        assert tracemalloc.get_traced_memory()[1] < 4 * len(log)
    finally:
        tracemalloc.stop()
    expect(report, "FAIL", "log-malformed")


def test_log_that_is_too_large_together_is_only_hashed(
    tmp_path: Path, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = CraftedRelease()
    release.companions["training-log/second.jsonl"] = b"no entry\n"
    folder = release.write(tmp_path / "model")
    expect(look(folder), "FAIL", "log-malformed")
    monkeypatch.setattr("provenance.verification.companions.MAX_LOG_BYTES", len(TRAINING_LOG))
    expect(look(folder), "PASS")


def test_large_listing_that_is_not_the_signed_one_is_not_parsed(
    tmp_path: Path, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = CraftedRelease().write(tmp_path / "model")
    (folder / INSIDE / "SHA256SUMS").write_bytes(b"no line\n")
    expect(look(folder), "FAIL", "listing-mismatch", "listing-malformed")
    monkeypatch.setattr("provenance.checks.listing.MAX_FOREIGN_LISTING_BYTES", 7)
    report = look(folder)
    assert errors_of(report) == [("listing-mismatch", f"{INSIDE}/SHA256SUMS")]
