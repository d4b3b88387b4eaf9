"""The memory of releases that passed: its file, and what it says of an older or weaker release."""

from __future__ import annotations

import json
import multiprocessing
import os
import stat
from typing import TYPE_CHECKING, Any

import pytest

from provenance import canonical
from provenance.errors import InputError, ManifestError, TrustError, UsageError
from provenance.manifest import FrozenMapping
from provenance.trust import Seen, compare_seen, read_state, remember
from provenance.trust.state import merge_seen

if TYPE_CHECKING:
    from pathlib import Path

A, B = "a" * 64, "b" * 64
KEY, OTHER = "SHA256:key", "SHA256:other"


def seen(**changes: Any) -> Seen:  # noqa: ANN401 - fields
    """Return an entry with fields changed."""
    rungs = changes.pop("rungs", {"datasets": "bound"})
    fields: dict[str, Any] = {
        "model": "digits",
        "signer": KEY,
        "created_at": "2026-11-22T12:00:00Z",
        "manifest_digest": A,
        "signers": (KEY,),
        "rungs": FrozenMapping(rungs) if rungs else None,
        **changes,
    }
    return Seen(**fields)


def codes(known: tuple[Seen, ...], *new: Seen) -> list[str]:
    return [code for code, _, _ in compare_seen(known, new)]


def passes(_: tuple[Seen, ...]) -> bool:
    return True


def state(*entries: dict[str, Any]) -> bytes:
    """Return a file with some entries, whatever they are."""
    return canonical.write({"stateVersion": "1.0", "seen": entries})


def entry(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return an entry as a tree, with members changed."""
    return {**seen().to_tree(), **changes}


OLDER = seen(created_at="2026-11-21T12:00:00Z", manifest_digest=B)


# What is compared


@pytest.mark.parametrize(
    "earlier",
    ["2026-11-22T11:59:59Z", "2026-11-22T11:59:59.999999Z", "2025-11-22T12:00:00Z"],
)
def test_older_manifest_is_a_rollback(earlier: str) -> None:
    assert codes((seen(),), seen(created_at=earlier, manifest_digest=B)) == ["rollback"]


@pytest.mark.parametrize("later", ["2026-11-22T12:00:00.000001Z", "2026-11-22T12:00:01Z"])
def test_newer_manifest_is_none(later: str) -> None:
    assert codes((seen(),), seen(created_at=later, manifest_digest=B)) == []


def test_same_manifest_is_none() -> None:
    assert codes((seen(),), seen()) == []


def test_another_manifest_of_the_same_moment_is_a_conflict() -> None:
    assert codes((seen(),), seen(manifest_digest=B)) == ["manifest-conflict"]


def test_rollback_is_seen_for_any_of_several_signers() -> None:
    old = seen(created_at="2026-11-21T12:00:00Z", manifest_digest=B)
    known = (old, seen(signer=OTHER, signers=(OTHER,)))
    new = {"created_at": "2026-11-22T11:00:00Z", "manifest_digest": "c" * 64}
    both = {**new, "signers": (KEY, OTHER)}
    assert codes(known, seen(**both), seen(**both, signer=OTHER)) == ["rollback"]
    # By the first signer alone it is newer than what he signed before.
    assert codes(known, seen(**new)) == ["signer-changed"]


def test_another_model_is_another_memory() -> None:
    assert codes((seen(),), seen(model="Digits", created_at="2020-01-01T00:00:00Z")) == []


def test_another_signer_is_a_warning() -> None:
    new = seen(signer=OTHER, signers=(OTHER,), created_at="2026-11-23T12:00:00Z")
    assert codes((seen(),), new) == ["signer-changed"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"signers": (KEY, OTHER)}, {}),
        ({"timestamp": True}, {}),
        ({"log": True}, {"timestamp": True}),
        ({}, {"rungs": {"datasets": "declared"}}),
        ({"rungs": {"datasets": "linked"}}, {"rungs": {"datasets": "matched"}}),
        ({}, {"rungs": {"datasets": "absent"}}),
        ({"rungs": {"datasets": "bound", "compute": "absent"}}, {}),
        ({}, {"rungs": {}}),
    ],
    ids=["signers", "timestamp", "log", "rung", "linked", "absent", "a part gone", "all gone"],
)
def test_weaker_provenance_is_a_warning(before: dict[str, Any], after: dict[str, Any]) -> None:
    new = seen(created_at="2026-11-23T12:00:00Z", manifest_digest=B, **after)
    assert codes((seen(**before),), new) == ["provenance-weaker"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"signers": (KEY, OTHER), "timestamp": True, "log": True}),
        ({}, {"rungs": {"datasets": "reproduced", "compute": "absent"}}),
        # What is matched depends on what the verifier held that day.
        ({"rungs": {"datasets": "matched"}}, {}),
    ],
    ids=["more", "higher", "matched"],
)
def test_as_much_or_more_is_none(before: dict[str, Any], after: dict[str, Any]) -> None:
    new = seen(created_at="2026-11-23T12:00:00Z", manifest_digest=B, **after)
    assert codes((seen(**before),), new) == []


def test_the_newest_release_is_what_counts() -> None:
    known = (seen(), seen(signer=OTHER, signers=(OTHER,), created_at="2026-11-20T12:00:00Z"))
    assert codes(known, seen(created_at="2026-11-23T12:00:00Z", manifest_digest=B)) == []


def test_nothing_is_compared_without_a_signer() -> None:
    assert codes((seen(),)) == []


def test_the_newest_stays() -> None:
    assert merge_seen((OLDER,), (seen(),)) == (seen(),)
    assert merge_seen((seen(),), (OLDER,)) == (seen(),)


# The file


def test_no_file_remembers_nothing(tmp_path: Path) -> None:
    assert read_state(tmp_path / "state.json") == ()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"nonsense",
        b"\xff",
        b"\x00" * 100,
        b'{"seen":[],"stateVersion":"2.0"}',
        b'{"pins":[],"version":1}',
        b'{"seen":[],"stateVersion":"1.0","more":1}',
        b'{"seen": [],"stateVersion":"1.0"}',
        state(entry(), entry()),
        canonical.write(
            {
                "stateVersion": "1.0",
                "seen": (seen(signer="b").to_tree(), seen(signer="a").to_tree()),
            }
        ),
        canonical.write(
            {"stateVersion": "1.0", "seen": ({**seen().to_tree(), "createdAt": "yesterday"},)}
        ),
        canonical.write(
            {"stateVersion": "1.0", "seen": ({**seen().to_tree(), "manifestDigest": "A" * 64},)}
        ),
        canonical.write(
            {"stateVersion": "1.0", "seen": ({**seen().to_tree(), "createdAt": None},)}
        ),
    ],
    ids=[
        "empty",
        "no version",
        "list",
        "no JSON",
        "no UTF-8",
        "zeros",
        "newer",
        "pins",
        "unknown",
        "blank",
        "twice",
        "order",
        "time",
        "digest",
        "null",
    ],
)
def test_foreign_file_is_refused_and_stays(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(data)
    with pytest.raises(UsageError, match="is no memory of releases"):
        read_state(path)
    with pytest.raises(TrustError):
        remember(path, (seen(),), passes)
    assert path.read_bytes() == data


def test_folder_and_special_file_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(UsageError):
            read_state(path)
    with pytest.raises(UsageError):
        read_state("a\x00b")


def test_file_is_written_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "state.json"
    remember(path, (seen(),), passes)
    assert read_state(path) == (seen(),)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes() == canonical.write(json.loads(path.read_bytes()))


def test_full_memory_is_said_and_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state.json"
    remember(path, (seen(),), passes)
    before = path.read_bytes()
    monkeypatch.setattr("provenance.trust.state.MAX_STATE_ENTRIES", 1)
    with pytest.raises(TrustError, match="at most 1 are remembered"):
        remember(path, (seen(model="another"),), passes)
    assert path.read_bytes() == before
    monkeypatch.setattr("provenance.trust.state.MAX_STATE_ENTRIES", 2)
    monkeypatch.setattr("provenance.trust.state.MAX_STATE_BYTES", len(before))
    with pytest.raises(TrustError, match="bytes"):
        remember(path, (seen(model="another"),), passes)
    assert path.read_bytes() == before


def test_what_did_not_pass_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    remember(path, (seen(),), lambda _: False)
    assert not path.exists()
    remember(path, (OLDER,), passes)
    before = path.read_bytes()
    remember(path, (seen(),), lambda known: known != (OLDER,))
    assert path.read_bytes() == before


def test_nothing_is_written_if_nothing_changes(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    remember(path, (seen(),), passes)
    inode = path.stat().st_ino
    remember(path, (seen(),), passes)
    assert path.stat().st_ino == inode


def test_folder_that_cannot_be_written_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InputError, match="cannot be remembered"):
        remember(tmp_path / "file" / "state.json", (seen(),), passes)


def _remember_one(path: str, number: int) -> None:
    remember(path, (seen(model=f"model-{number}"),), passes)


def test_runs_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    context = multiprocessing.get_context("spawn")
    with context.Pool(4) as pool:
        pool.starmap(_remember_one, [(str(path), number) for number in range(24)])
    assert {one.model for one in read_state(path)} == {f"model-{number}" for number in range(24)}


@pytest.mark.parametrize("field", ["created_at", "manifest_digest"])
def test_entry_breaks_no_rule(field: str) -> None:
    with pytest.raises(ManifestError):
        seen(**{field: "x"})


def test_older_manifest_of_another_signer_is_a_rollback_if_both_are_trusted() -> None:
    older = {"created_at": "2026-11-22T11:59:59Z", "manifest_digest": B}
    new = seen(signer="SHA256:other", signers=("SHA256:other",), **older)
    assert codes((seen(),), new) == ["signer-changed"]
    found = compare_seen((seen(),), (new,), lambda signer: signer == KEY)
    assert [code for code, _, _ in found] == ["rollback", "signer-changed"]
    newer = seen(
        signer="SHA256:other", signers=("SHA256:other",), created_at="2026-11-23T12:00:00Z"
    )
    found = compare_seen((seen(),), (newer,), lambda signer: signer == KEY)
    assert [code for code, _, _ in found] == ["signer-changed"]
