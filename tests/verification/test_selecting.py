"""`only`: what a part of a download can say, and what it leaves open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.crafted import CraftedRelease
from support.reports import expect

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from provenance.verification import Report

    Look = Callable[..., Report]

SHARDS = {f"model-{number:05}-of-00030.bin": b"shard %d" % number for number in range(1, 31)}
HERE = ("model-00001-of-00030.bin", "model-00002-of-00030.bin")
PATTERN = "model-0000[12]*"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a release of thirty shards of which two are here."""
    folder = CraftedRelease(files=SHARDS).write(tmp_path / "model")
    for name in SHARDS:
        if name not in HERE:
            (folder / name).unlink()
    return folder


def test_two_of_thirty_shards_are_counted(folder: Path, look: Look) -> None:
    report = look(folder, only=PATTERN)
    expect(report, "INCOMPLETE", "file-not-selected", "required-not-checked")
    assert report.summary.startswith("INCOMPLETE: 2 of 30 files match, 28 not present. ")
    assert report.files is not None
    assert (report.files.matched, report.files.not_examined, report.files.not_present) == (
        2,
        28,
        28,
    )


def test_what_is_here_and_not_looked_at_is_counted_apart(folder: Path, look: Look) -> None:
    (folder / "model-00003-of-00030.bin").write_bytes(b"whatever it is")
    report = look(folder, only=PATTERN)
    assert "2 of 30 files match, 27 not present, 1 not looked at. " in report.summary


def test_shard_that_was_asked_for_and_is_not_here_is_missing(folder: Path, look: Look) -> None:
    (folder / HERE[1]).unlink()
    expect(look(folder, only=PATTERN), "FAIL", "file-missing")


def test_shard_with_other_bytes_is_a_mismatch(folder: Path, look: Look) -> None:
    (folder / HERE[1]).write_bytes(b"shard 3")
    expect(look(folder, only=PATTERN), "FAIL", "digest-mismatch")


def test_without_patterns_the_absent_shards_are_missing(folder: Path, look: Look) -> None:
    report = look(folder)
    expect(report, "FAIL", "file-missing")
    assert report.files is not None
    assert (report.files.missing, report.files.not_present) == (28, 0)


def test_one_file_of_thirty_matches_in_good_grammar(folder: Path, look: Look) -> None:
    report = look(folder, only=HERE[:1])
    assert "1 of 30 files matches, 28 not present, 1 not looked at. " in report.summary


@pytest.mark.parametrize("pattern", ["model-0002*.bin", "MODEL-*", "/model-*", "./*", "shard"])
def test_pattern_that_no_file_matches_is_said_first(folder: Path, look: Look, pattern: str) -> None:
    report = look(folder, only=pattern)
    if pattern == "model-0002*.bin":
        expect(report, "FAIL", "file-missing")
        return
    expect(report, "INCOMPLETE", "pattern-unmatched", "required-not-checked")
    said = f"no file matches the pattern '{pattern}'"
    assert report.summary.startswith(
        f"INCOMPLETE: 0 of 30 files match, 28 not present, 2 not looked at. {said}. "
    )
    assert said in report.not_checked


def test_each_pattern_without_a_file_is_named_once(folder: Path, look: Look) -> None:
    report = look(folder, only=[PATTERN, "absent", "absent", "other\x1b"])
    expect(report, "INCOMPLETE", "pattern-unmatched", "required-not-checked")
    messages = [it.message for it in report.findings if it.code == "pattern-unmatched"]
    assert [message.rpartition(" ")[2] for message in messages] == ["'absent'", "'other\\x1b'"]
    assert report.files is not None
    assert report.files.matched == 2
    assert "pattern-unmatched" not in look(folder, only=PATTERN).codes()
