"""The digests of an environment follow what becomes of it on its way into a manifest."""

from __future__ import annotations

from typing import Any

import pytest

from provenance import canonical
from provenance.manifest import Environment, fingerprinted, parse_document, plain
from provenance.recording.assembly import join_description
from provenance.recording.description import read_description
from provenance.recording.publication_rules import read_rules
from provenance.recording.withholding import apply_rules

DIGESTS = {"environmentClass", "fullCapture"}


def recorded() -> dict[str, Any]:
    tree = {"id": "env-1", "language": "CPython 3.11.7", "threads": {"torch": 1}}
    found = fingerprinted(parse_document(Environment, tree))
    return {"environments": [dict(plain(found.to_tree()))]}


def rules(pointer: str, action: str) -> Any:  # noqa: ANN401 - what the function takes
    rule = {"pointer": pointer, "action": action, "reason": "private"}
    return read_rules({"rule": [rule]})


@pytest.mark.parametrize("action", ["withhold", "seal"])
def test_environment_that_something_is_taken_out_of_loses_its_digests(action: str) -> None:
    tree = recorded()
    (found,) = apply_rules(tree, rules("/environments/*/threads", action)).tree["environments"]
    assert set(found) == {"id", "language"}
    assert set(tree["environments"][0]) >= DIGESTS


def test_other_rules_leave_the_digests() -> None:
    tree = {**recorded(), "journal": [{"date": "2026-11-22T09:00:00Z", "text": "x"}]}
    applied = apply_rules(tree, rules("/journal", "withhold")).tree
    assert applied["environments"] == tree["environments"]


def test_environments_that_are_withheld_as_a_whole_are_gone() -> None:
    assert "environments" not in apply_rules(recorded(), rules("/environments", "withhold")).tree


@pytest.mark.parametrize("more", [{"hardware": {"nodes": 2}}, {"description": "two nodes"}])
def test_digests_are_those_of_what_the_author_added(more: dict[str, Any]) -> None:
    tree = recorded()
    described = read_description({"environments": [{"id": "env-1", **more}]})
    (found,) = join_description(tree, described)["environments"]
    document = parse_document(Environment, canonical.parse(canonical.write(found)))
    assert fingerprinted(document) == document
    same = found["environmentClass"] == tree["environments"][0]["environmentClass"]
    assert same is ("description" in more)
