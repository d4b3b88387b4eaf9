"""Verification with a digest cache: only on request, never silently, never an obstacle."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from provenance.digest import MIN_CACHED_BYTES, open_cache
from provenance.errors import UsageError
from support.crafted import CraftedRelease
from support.reports import expect, rungs_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from provenance.verification import Report

    Look = Callable[..., Report]

LARGE = bytes(MIN_CACHED_BYTES)


@pytest.fixture(autouse=True)
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the cache look at files that were written a minute ago."""
    now = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now() + 60 * 10**9)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a release with two large files."""
    files = {**CraftedRelease().files, "part-1.bin": LARGE, "part-2.bin": LARGE + b"2"}
    return CraftedRelease(files=files).write(tmp_path / "model")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "caches" / "digests.db"


def test_digests_from_a_cache_are_never_called_read(folder: Path, look: Look, store: Path) -> None:
    first = look(folder, cache=store)
    expect(first, "PASS")
    assert "digest-from-cache" not in first.codes()
    assert first.files is not None
    assert first.files.cached == 0
    second = look(folder, cache=str(store))
    expect(second, "PASS", "digest-from-cache")
    assert second.files is not None
    assert (second.files.cached, second.files.matched) == (2, first.files.matched)
    said = f"(2 of {second.files.listed} files by digests cached earlier, not read)."
    assert said in second.summary
    message = f"2 files were not read: their digests come from the cache {store}"
    assert message in second.not_checked


@pytest.mark.parametrize("place", ["c.db", "training-provenance/c.db", "new/c.db", "part-1.bin"])
def test_cache_in_the_release_is_refused_before_it_is_made(
    folder: Path, look: Look, place: str
) -> None:
    before = sorted(folder.rglob("*"))
    with pytest.raises(UsageError, match="name a file in another folder"):
        look(folder, cache=folder / place)
    assert sorted(folder.rglob("*")) == before
    expect(look(folder), "PASS")


def test_open_cache_in_the_release_is_refused_too(folder: Path, look: Look) -> None:
    with (
        open_cache(folder / "digests.db") as inside,
        pytest.raises(UsageError, match="name a file in another folder"),
    ):
        look(folder, cache=inside)


@pytest.mark.parametrize("name", ["code", "documents", "datasets"])
def test_cache_in_what_the_caller_holds_is_refused(
    folder: Path, look: Look, tmp_path: Path, name: str
) -> None:
    held = tmp_path / "held"
    held.mkdir()
    given = {"raw": held} if name == "datasets" else held
    with pytest.raises(UsageError, match="cannot lie in what is hashed"):
        look(folder, cache=held / "digests.db", **{name: given})
    assert not list(held.iterdir())


def test_single_file_is_not_its_own_cache(folder: Path, look: Look) -> None:
    with pytest.raises(UsageError, match="cannot lie in what is hashed"):
        look(folder / "part-1.bin", cache=folder / "part-1.bin")


def test_empty_path_names_no_cache(folder: Path, look: Look) -> None:
    with pytest.raises(UsageError, match="cache"):
        look(folder, cache="")


def test_no_cache_is_used_unless_it_is_named(folder: Path, look: Look, store: Path) -> None:
    look(folder, cache=store)
    report = look(folder)
    expect(report, "PASS")
    assert "digest-from-cache" not in report.codes()


def test_false_entry_is_a_mismatch_like_any_other(folder: Path, look: Look, store: Path) -> None:
    with open_cache(store) as made:
        made.store((folder / "part-1.bin").stat(), {"blake3": "0" * 64, "sha256": "0" * 64})
    expect(look(folder, cache=store), "FAIL", "digest-mismatch", "digest-from-cache")


def test_file_that_changed_is_read(folder: Path, look: Look, store: Path) -> None:
    look(folder, cache=store)
    info = (folder / "part-1.bin").stat()
    (folder / "part-1.bin").write_bytes(b"x" + LARGE[1:])
    os.utime(folder / "part-1.bin", ns=(info.st_atime_ns, info.st_mtime_ns))
    expect(look(folder, cache=store), "FAIL", "digest-mismatch", "digest-from-cache")


def test_all_digests_are_not_taken_from_half_an_entry(
    folder: Path, look: Look, store: Path
) -> None:
    look(folder, cache=store)
    report = look(folder, cache=store, all_digests=True)
    assert "digest-from-cache" not in report.codes()
    report = look(folder, cache=store, all_digests=True)
    expect(report, "PASS", "digest-from-cache")
    assert "sha256-not-recomputed" not in report.codes()


def test_no_fact_is_matched_by_a_cache(tmp_path: Path, look: Look, store: Path) -> None:
    folder = CraftedRelease(files={"model.bin": LARGE}).write(tmp_path / "only")
    before = look(folder, cache=store)
    after = look(folder, cache=store)
    matched = [sum(fact.rung == "matched" for fact in report.facts) for report in (before, after)]
    assert matched[1] <= matched[0]
    assert "matched" not in {
        fact.rung for fact in after.facts if fact.path.startswith("/release/inventory")
    }
    assert rungs_of(after).keys() == rungs_of(before).keys()


def test_unusable_cache_is_one_warning_and_every_file_is_read(
    folder: Path, look: Look, store: Path
) -> None:
    store.parent.mkdir()
    store.write_bytes(b"no database")
    report = look(folder, cache=store)
    expect(report, "PASS", "cache-unusable")
    assert [finding.code for finding in report.findings].count("cache-unusable") == 1
    assert "digest-from-cache" not in report.codes()
    assert store.read_bytes() == b"no database"


def test_open_cache_stays_open_and_is_the_callers(folder: Path, look: Look, store: Path) -> None:
    with open_cache(store) as mine:
        look(folder, cache=mine)
        expect(look(folder, cache=mine), "PASS", "digest-from-cache")
        info = (folder / "part-1.bin").stat()
        assert mine.lookup(info, ("blake3",)) is not None


def test_single_file_is_looked_up_too(folder: Path, look: Look, store: Path) -> None:
    bundle = folder / "training-provenance" / "manifest.sigstore.json"
    look(folder / "part-1.bin", manifest=bundle, cache=store)
    report = look(folder / "part-1.bin", manifest=bundle, cache=store)
    expect(report, "INCOMPLETE", "digest-from-cache")
    assert "1 file was not read" in " ".join(report.not_checked)


def test_progress_counts_what_the_cache_knew(folder: Path, look: Look, store: Path) -> None:
    counts: list[list[int]] = [[], []]
    look(folder, cache=store, progress=counts[0].append)
    look(folder, cache=store, progress=counts[1].append)
    assert sum(counts[0]) == sum(counts[1])


def test_cancelled_verification_is_a_fault_and_reads_nothing(folder: Path, look: Look) -> None:
    report = look(folder, cancelled=lambda: True)
    expect(report, "ERROR", "cancelled")
    assert [finding.code for finding in report.findings].count("cancelled") == 1
    assert report.files is not None
    assert report.files.matched == 0
    expect(look(folder, cancelled=lambda: False, workers=1), "PASS")
