"""What rules take out of a manifest, what they cannot, and what a release then says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from provenance.errors import RecordingError
from provenance.recording import release, release_existing, sign_release
from provenance.recording.publication_rules import read_rules
from provenance.recording.withholding import apply_rules, decide, refuse_forbidden
from provenance.signing import generate_private_key
from provenance.verification import check_opening, inspect, open_fact
from support.releases import DESCRIPTION, record_project

if TYPE_CHECKING:
    from pathlib import Path

TREE: dict[str, Any] = {
    "manifestVersion": "1.0",
    "producer": {"name": "Lab", "contact": "open@lab.example"},
    "model": {"name": "toy"},
    "release": {"inventory": [{"path": "secret_plan.bin", "size": 1, "digest": {"blake3": "0"}}]},
    "datasets": [
        {"id": "raw", "name": "Raw", "sources": [{"uri": "https://git.corp.example/x"}]},
        {"id": "clean", "name": "Clean", "description": "cleaned on build7.corp.example"},
    ],
    "training": {
        "segments": [
            {
                "id": "s1",
                "command": ["python", "/home/alice/train.py"],
                "hyperparameters": {
                    "loggers": [{"host": "log.corp.example"}],
                    "corp_flag": True,
                    "seed": {"number": "12345678901234567890"},
                },
            }
        ]
    },
    "compute": {"cost": {"amount": 412.5, "currency": "EUR"}},
    "origins": {"": "authored"},
}


def rules(*items: dict[str, str]) -> Any:  # noqa: ANN401 - what the functions take
    return read_rules({"rule": [{"reason": "internal", **item} for item in items]})


def targets(*items: dict[str, str]) -> list[tuple[str, str]]:
    return [(it.pointer, it.target) for it in decide(TREE, rules(*items))]


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ({"value": "*secret_plan*"}, "what is released is public"),
        ({"pointer": "/release/inventory"}, "what is released is public"),
        ({"pointer": "/model/name"}, "a manifest must state it"),
        ({"pointer": "/producer"}, "a manifest must state it"),
        ({"pointer": "/datasets/raw/name"}, "it takes all datasets with it"),
        ({"pointer": "/datasets/*"}, "it takes all datasets with it"),
        ({"pointer": "/training/segments/s1/id"}, "it takes all segments with it"),
    ],
    ids=lambda value: str(value)[:40],
)
@pytest.mark.parametrize("action", ["withhold", "seal"])
def test_what_must_be_stated_cannot_be_withheld(
    rule: dict[str, str], problem: str, action: str
) -> None:
    with pytest.raises(RecordingError, match=problem):
        apply_rules(TREE, rules({"action": action, **rule}))


def test_what_is_forbidden_is_refused_without_its_value() -> None:
    found = rules({"action": "forbid", "value": "*corp*"})
    with pytest.raises(RecordingError) as caught:
        refuse_forbidden(decide(TREE, found), found)
    assert "rule 1 of rules forbids to publish this, and 3 more places" in str(caught.value)
    assert "corp.example" not in str(caught.value)


def test_a_value_is_found_wherever_it_stands() -> None:
    assert targets({"action": "withhold", "value": "*corp*"}) == [
        ("/datasets/0/sources/0/uri", "/datasets/0/sources/0/uri"),
        ("/datasets/1/description", "/datasets/1/description"),
        (
            "/training/segments/0/hyperparameters/loggers/0/host",
            "/training/segments/0/hyperparameters/loggers/0/host",
        ),
        (
            "/training/segments/0/hyperparameters/corp_flag",
            "/training/segments/0/hyperparameters/corp_flag",
        ),
    ]


def test_an_item_of_a_list_goes_with_its_list() -> None:
    assert targets({"action": "withhold", "value": "*alice*"}) == [
        ("/training/segments/0/command/1", "/training/segments/0/command")
    ]


def test_a_number_is_one_value() -> None:
    assert targets({"action": "withhold", "value": "number"}) == []
    assert targets({"action": "withhold", "pointer": "/**/seed"}) == [
        ("/training/segments/0/hyperparameters/seed", "/training/segments/0/hyperparameters/seed")
    ]


def test_the_first_rule_that_matches_counts() -> None:
    keep = {"action": "keep", "pointer": "/datasets/raw/**"}
    withhold = {"action": "withhold", "value": "*corp*"}
    assert targets(keep, withhold)[0][0] == "/datasets/1/description"
    assert targets(withhold, keep)[0][0] == "/datasets/0/sources/0/uri"


def test_what_lies_inside_of_what_goes_is_disclosed_once() -> None:
    applied = apply_rules(
        TREE,
        rules(
            {"action": "seal", "pointer": "/compute/cost/amount"},
            {"action": "withhold", "value": "EUR"},
            {"action": "withhold", "value": "*build7*"},
        ),
    )
    paths = [item["path"] for item in applied.tree["disclosures"]]
    assert paths == ["/datasets/1/description", "/compute/cost/amount", "/compute/cost/currency"]
    assert applied.tree["compute"] == {"cost": {}}
    assert [pointer for pointer, _, _ in applied.sealed] == ["/compute/cost/amount"]
    assert "commitment" in applied.tree["disclosures"][1]
    assert TREE["compute"]["cost"]["amount"] == 412.5


def test_without_rules_nothing_changes() -> None:
    applied = apply_rules(TREE, read_rules(None))
    assert applied.tree == TREE
    assert applied.decisions == ()


PUBLIC = """
[[rule]]
action = "seal"
pointer = "/training/segments/*/command"
reason = "it names internal machines"

[[rule]]
action = "withhold"
pointer = "/environments/*/packages"
reason = "private packages"

[[rule]]
action = "withhold"
pointer = "/documents/*/path"
reason = "internal documents"

[[private]]
dataset = "raw"
reason = "personal data"
"""


def test_a_release_says_what_it_withholds_and_passes(tmp_path: Path) -> None:
    project = record_project(tmp_path)
    (tmp_path / "rules.toml").write_text(PUBLIC, encoding="utf-8")
    public = tmp_path / "rules.toml"
    draft = release(project, tmp_path / "toy", description=DESCRIPTION, public=public)
    key = generate_private_key()
    sign_release(draft, key)
    report = inspect(tmp_path / "toy", keys=[key.public_key], model="digits-mlp")
    assert report.verdict == "PASS", report
    tree = draft.manifest.to_tree()
    assert "command" not in tree["training"]["segments"][0]
    assert not (tmp_path / "toy" / "training-provenance" / "documents").exists()
    withheld = {item["path"]: item for item in tree["disclosures"]}
    assert "commitment" in withheld["/training/segments/0/command"]
    assert "/environments/0/packages" in withheld
    opening = open_fact(draft.folder / "private.json", "/training/segments/0/command")
    checked = check_opening(opening, tmp_path / "toy", keys=[key.public_key])
    assert checked.verdict == "PASS"


def test_a_forbidden_text_refuses_a_release_and_leaves_nothing(tmp_path: Path) -> None:
    project = record_project(tmp_path)
    notes = tmp_path / "notes.md"
    notes.write_text("trained for ACME\n", encoding="utf-8")
    public = {"rule": [{"action": "forbid", "value": "*acme*"}]}
    with pytest.raises(RecordingError, match="rule 1 of rules forbids to publish this") as caught:
        release(project, tmp_path / "toy", files=[notes], description=DESCRIPTION, public=public)
    assert caught.value.path == "notes.md"
    assert not (tmp_path / "toy").exists()
    assert not (tmp_path / "toy.draft").exists()


def test_an_existing_model_is_held_to_the_rules_too(tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text('{"_name_or_path": "/home/alice/x"}', encoding="utf-8")
    forbid = {"rule": [{"action": "forbid", "value": "*/home/*"}]}
    with pytest.raises(RecordingError, match="forbids to publish"):
        release_existing(model, DESCRIPTION, public=forbid)
    assert not (model / "training-provenance").exists()
    withhold = {"rule": [{"action": "withhold", "pointer": "/producer/contact", "reason": "x"}]}
    draft = release_existing(model, DESCRIPTION, public=withhold)
    assert draft.manifest.producer.contact is None
    assert "contact" not in json.dumps(draft.manifest.to_tree()["producer"])
