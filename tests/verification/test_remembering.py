"""`verify(..., state=FILE)`: what passed is remembered, and held against what comes later."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from typing_extensions import override

from provenance.errors import UsageError, VerificationError
from provenance.trust import read_state
from provenance.verification import verify
from support.crafted import NOW, STRANGER, CraftedRelease, fixed_clock, public_key

if TYPE_CHECKING:
    from pathlib import Path

    from provenance.verification import Report
    from verification.conftest import Look


class Dated(CraftedRelease):
    """A release with another `createdAt`."""

    created_at = "2026-11-22T11:00:00Z"
    producer = "Digits Lab"

    @override
    def manifest(self) -> dict[str, Any]:
        """Return the manifest with the time."""
        tree = super().manifest()
        tree["createdAt"] = self.created_at
        tree["producer"]["name"] = self.producer
        return tree


def dated(folder: Path, created_at: str, producer: str = "Digits Lab") -> Path:
    release = Dated()
    release.created_at, release.producer = created_at, producer
    return release.write(folder)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Return where the memory is."""
    return tmp_path / "memory" / "state.json"


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    return dated(tmp_path / "newer", "2026-11-22T11:00:00Z")


@pytest.fixture
def older(tmp_path: Path) -> Path:
    return dated(tmp_path / "older", "2026-11-22T10:59:59Z")


def of_memory(report: Report) -> list[str]:
    wanted = {"rollback", "manifest-conflict", "signer-changed", "provenance-weaker"}
    return [one.code for one in report.findings if one.code in wanted | {"state-not-written"}]


def test_older_release_fails_and_stays_forgotten(
    newer: Path, older: Path, state: Path, look: Look
) -> None:
    assert look(newer, state=state).verdict == "PASS"
    before = state.read_bytes()
    report = look(older, state=state)
    assert (report.verdict, of_memory(report)) == ("FAIL", ["rollback"])
    assert state.read_bytes() == before
    assert look(older).verdict == "PASS"
    with pytest.raises(VerificationError):
        verify(older, keys=public_key(), clock=fixed_clock, state=state)


def test_newer_release_is_remembered(newer: Path, older: Path, state: Path, look: Look) -> None:
    for release in (older, older, newer, newer):
        report = look(release, state=state)
        assert (report.verdict, of_memory(report)) == ("PASS", [])
    (entry,) = read_state(state)
    assert entry.created_at == "2026-11-22T11:00:00Z"
    assert entry.manifest_digest == look(newer).manifest_digest
    assert entry.signer == public_key().fingerprint


def test_two_manifests_of_one_moment_conflict(
    newer: Path, tmp_path: Path, state: Path, look: Look
) -> None:
    look(newer, state=state)
    other = dated(tmp_path / "other", "2026-11-22T11:00:00Z", "Another Lab")
    report = look(other, state=state)
    assert (report.verdict, of_memory(report)) == ("FAIL", ["manifest-conflict"])


@pytest.mark.parametrize("created_at", ["9999-12-31T23:59:59Z", "2026-11-22T12:05:01Z"])
def test_future_never_reaches_the_memory(
    tmp_path: Path, newer: Path, state: Path, look: Look, created_at: str
) -> None:
    look(newer, state=state)
    before = state.read_bytes()
    assert look(dated(tmp_path / "future", created_at), state=state).verdict == "FAIL"
    assert state.read_bytes() == before


def test_future_within_the_allowance_is_remembered(tmp_path: Path, state: Path, look: Look) -> None:
    assert look(dated(tmp_path / "ahead", "2026-11-22T12:05:00Z"), state=state).verdict == "PASS"
    assert read_state(state)[0].created_at == "2026-11-22T12:05:00Z"


def test_what_does_not_pass_is_not_remembered(newer: Path, state: Path, look: Look) -> None:
    assert look(newer, state=state, keys=()).verdict == "INCOMPLETE"
    assert look(newer, state=state, only="README.md").verdict == "INCOMPLETE"
    assert look(newer, state=state, keys=public_key(STRANGER)).verdict == "FAIL"
    (newer / "README.md").write_bytes(b"x")
    assert look(newer, state=state).verdict == "FAIL"
    assert not state.exists()


def test_rollback_is_said_beside_other_faults(
    newer: Path, older: Path, state: Path, look: Look
) -> None:
    look(newer, state=state)
    report = look(older, state=state, only="README.md")
    assert (report.verdict, of_memory(report)) == ("FAIL", ["rollback"])


def test_foreign_file_is_refused_before_anything_is_verified(
    newer: Path, state: Path, look: Look
) -> None:
    state.parent.mkdir()
    state.write_bytes(b"precious")
    with pytest.raises(UsageError, match="is no memory of releases"):
        look(newer, state=state)
    assert state.read_bytes() == b"precious"


@pytest.mark.parametrize("name", ["state.json", "training-provenance/state.json", "new/state.json"])
def test_memory_in_the_release_is_refused(newer: Path, look: Look, name: str) -> None:
    (newer / "new").mkdir()
    with pytest.raises(UsageError, match="a memory of releases cannot lie in"):
        look(newer, state=newer / name)


def test_link_into_the_release_is_refused(newer: Path, tmp_path: Path, look: Look) -> None:
    (tmp_path / "link.json").symlink_to(newer / "state.json")
    with pytest.raises(UsageError, match="a memory of releases cannot lie in"):
        look(newer, state=tmp_path / "link.json")


@pytest.mark.parametrize("value", [b"state.json", 1, True], ids=["bytes", "number", "bool"])
def test_what_is_no_path_is_refused(newer: Path, look: Look, value: object) -> None:
    with pytest.raises(UsageError, match="expected a path"):
        look(newer, state=value)


def test_memory_that_cannot_be_written_is_an_error(newer: Path, tmp_path: Path, look: Look) -> None:
    (tmp_path / "file").write_bytes(b"")
    report = look(newer, state=tmp_path / "missing" / "\x7f" / ("n" * 300))
    assert report.verdict == "ERROR"
    assert of_memory(report) == ["state-not-written"]


def test_weaker_release_is_said_and_passes(tmp_path: Path, state: Path, look: Look) -> None:
    assert look(dated(tmp_path / "first", "2026-11-22T10:59:00Z"), state=state).verdict == "PASS"

    class Weaker(Dated):
        @override
        def manifest(self) -> dict[str, Any]:
            tree = super().manifest()
            for dataset in tree["datasets"]:
                for field in ("inventory", "inventoryFile", "tree", "digest", "records"):
                    dataset.pop(field, None)
            tree.pop("evaluations", None)
            return tree

    report = look(Weaker().write(tmp_path / "second"), state=state)
    assert report.verdict == "PASS", report.summary
    assert "provenance-weaker" in of_memory(report)


def test_clock_is_the_callers(newer: Path, state: Path, look: Look) -> None:
    report = look(newer, state=state, clock=lambda: NOW - timedelta(days=1))
    assert report.verdict == "FAIL"
    assert not state.exists()
