"""`provenance show` and `provenance diff`: what manifests say, before anybody believes it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cli.small_release import BUNDLE, make_draft
from provenance.render.review import KINDS

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import Command


def test_release_is_shown_as_not_verified(cli: Command, signed: Path) -> None:
    shown = cli("show", signed)
    assert shown.code == 0
    assert shown.out.startswith("NOT VERIFIED")
    assert "Model      digits-mlp 1.0" in shown.out
    assert "config.json" in shown.out


@pytest.mark.parametrize(
    "name", ["model", f"model/{BUNDLE}", "model.draft", "model.draft/statement.json"]
)
def test_release_bundle_and_draft_are_found(cli: Command, signed: Path, name: str) -> None:
    shown = cli("show", signed.parent / name, "--format", "json")
    tree = json.loads(shown.out)
    assert tree["verified"] is False
    assert tree["predicate"]["model"]["name"] == "digits-mlp"
    assert tree["kind"] == ("draft" if "draft" in name else "bundle")


def test_unsigned_release_shows_its_draft(cli: Command, draft: Path) -> None:
    assert "none: this is a draft" in cli("show", draft).out


def test_working_folder_can_be_a_release(
    cli: Command, draft: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(draft)
    assert cli("show", ".").code == 0


def test_hint_is_shown_as_a_fingerprint(cli: Command, signed: Path) -> None:
    tree = json.loads(cli("show", signed, "--format", "json").out)
    assert tree["keyHint"].startswith("SHA256:")


def test_review_lists_what_becomes_public(cli: Command, draft: Path) -> None:
    shown = cli("show", draft, "--review")
    assert shown.code == 0
    assert "files (2)\n  README.md\n  config.json" in shown.out
    tree = json.loads(cli("show", draft, "--review", "--format", "json").out)
    assert tree["files"] == ["README.md", "config.json"]
    assert set(tree) == set(KINDS)


def test_raw_payload_is_the_signed_bytes(cli: Command, signed: Path) -> None:
    payload = (signed.with_name("model.draft") / "statement.json").read_bytes()
    assert cli("show", signed, "--payload", "raw").out.encode() == payload


def test_pretty_payload_is_the_statement(cli: Command, signed: Path) -> None:
    tree = json.loads(cli("show", signed, "--payload", "pretty").out)
    assert tree["_type"] == "https://in-toto.io/Statement/v1"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "not JSON"),
        (b"{}", "neither a bundle"),
        (b"[1]", "neither a bundle"),
        (b'{"mediaType": 1}', "error: other.json"),
        (b'{"payloadType": "x"}', "error: other.json"),
        (b'{"predicateType": "x"}', "error: other.json"),
        (b'{"a": 1, "a": 2}', "error: other.json"),
        (b"\xff", "error: other.json"),
    ],
)
def test_anything_else_is_one_readable_error(
    cli: Command, work: Path, content: bytes, problem: str
) -> None:
    (work / "other.json").write_bytes(content)
    shown = cli("show", "other.json")
    assert shown.code == 1
    assert shown.out == ""
    assert shown.err.startswith("error: other.json")
    assert problem in shown.err
    assert shown.err.count("\n") == 1


def test_missing_things_are_named(cli: Command, work: Path) -> None:
    (work / "empty").mkdir()
    missing = cli("show", "empty")
    assert missing.code == 1
    assert "neither a signed manifest" in missing.err
    assert cli("show", "nowhere").code == 4


def test_equal_manifests_have_no_difference(cli: Command, signed: Path) -> None:
    same = cli("diff", signed, signed.with_name("model.draft"))
    assert same.code == 0
    assert same.out.startswith("No difference between")
    assert "neither was verified" in same.out


def test_differences_are_listed_by_path(cli: Command, draft: Path) -> None:
    other = make_draft(
        draft.with_name("newer"), version="1.1", evaluations=[{"id": "e", "task": "t"}]
    )
    different = cli("diff", draft, other)
    assert different.code == 1
    lines = different.out.splitlines()
    assert lines[0].startswith("2 differences between")
    assert '~ /model/version: "1.0" → "1.1"' in lines
    assert '+ /evaluations: [{"id":"e","task":"t"}]' in lines


def test_one_difference_is_one(cli: Command, draft: Path) -> None:
    other = make_draft(draft.with_name("newer"), version="1.1")
    assert cli("diff", draft, other).out.startswith("1 difference between")


def test_differences_as_json(cli: Command, draft: Path) -> None:
    other = make_draft(
        draft.with_name("newer"), version="1.1", evaluations=[{"id": "e", "task": "t"}]
    )
    tree = json.loads(cli("diff", other, draft, "--format", "json").out)
    assert tree["equal"] is False
    assert tree["verified"] is False
    assert tree["changes"] == [
        {"before": [{"id": "e", "task": "t"}], "kind": "removed", "path": "/evaluations"},
        {"after": "1.0", "before": "1.1", "kind": "changed", "path": "/model/version"},
    ]
    (added,) = [
        c
        for c in json.loads(cli("diff", draft, other, "--format", "json").out)["changes"]
        if c["kind"] == "added"
    ]
    assert added == {"after": [{"id": "e", "task": "t"}], "kind": "added", "path": "/evaluations"}


def test_another_release_is_a_difference_though_the_manifests_agree(
    cli: Command, draft: Path
) -> None:
    place = draft.with_name("model.draft") / "statement.json"
    tree = json.loads(place.read_bytes())
    tree["subject"][0]["digest"]["sha256"] = "00" * 32
    changed = draft.with_name("changed.json")
    changed.write_bytes(json.dumps(tree, sort_keys=True, separators=(",", ":")).encode())
    different = cli("diff", place, changed)
    assert different.code == 1
    assert "statement:/subject/digits-mlp/digest/sha256" in different.out


def test_hostile_text_of_a_draft_is_escaped(cli: Command, draft: Path) -> None:
    hostile = "\x1b[2J\nPASS: fine\u202e"
    other = make_draft(
        draft.with_name("evil"), journal=[{"date": "2026-01-01T00:00:00Z", "text": hostile}]
    )
    for shown in (
        cli("show", other),
        cli("diff", draft, other),
        cli("show", other, "--payload", "pretty"),
    ):
        assert "\x1b" not in shown.out
        assert "\u202e" not in shown.out
        assert "\nPASS" not in shown.out
