"""Tests of required rungs: which places a pattern has, and on which rung each of them stands."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from provenance.checks import Evidence
from provenance.checks.requirements import check_required_rungs
from provenance.manifest import Manifest
from provenance.trust import AncestorRules, Requirement, TrustPolicy, to_pointer_pattern
from support.examples import least_manifest

LICENCES = "datasets[*].licenses"
ONE = {"id": "one", "name": "One", "licenses": ["CC0-1.0"]}
TWO = {"id": "two", "name": "Two"}


def withheld(path: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {"path": path, "status": "withheld", "reason": "contract", **more}


def not_applicable(path: str) -> dict[str, Any]:
    return {"path": path, "status": "notApplicable", "reason": "none"}


def unmet(pattern: str, rung: str, manifest: dict[str, Any], **policy: Any) -> list[str]:  # noqa: ANN401 - fields
    """Return the places at which a requirement is not met."""
    rules = TrustPolicy(requirements=(Requirement(pattern, rung),), **policy)
    made = Evidence.of_draft(Manifest(**least_manifest(**manifest)))
    found = check_required_rungs(replace(made, source="folder"), rules)
    return [finding.path for finding in found]


@pytest.mark.parametrize(
    ("pattern", "pointer"),
    [
        ("datasets", "/datasets/*"),
        ("datasets[*]", "/datasets/*"),
        ("datasets[*].licenses", "/datasets/*/licenses"),
        ("datasets[*].sources", "/datasets/*/sources/*"),
        ("model.licenses", "/model/licenses"),
        ("compute", "/compute"),
        ("training.log", "/training/log"),
    ],
)
def test_pointers(pattern: str, pointer: str) -> None:
    assert to_pointer_pattern(pattern) == pointer


@pytest.mark.parametrize(
    ("disclosures", "rung", "places"),
    [
        pytest.param([], "declared", ["/datasets/1/licenses"], id="not stated"),
        pytest.param([], "absent", [], id="absent is enough"),
        pytest.param(
            [withheld("/datasets/1/licenses")], "declared", ["/datasets/1/licenses"], id="withheld"
        ),
        pytest.param([withheld("/datasets/1/licenses")], "withheld", [], id="withheld is enough"),
        pytest.param(
            [withheld("/datasets/1/licenses")], "sealed", ["/datasets/1/licenses"], id="not sealed"
        ),
        pytest.param(
            [not_applicable("/datasets/1/licenses")],
            "declared",
            ["/datasets/1/licenses"],
            id="does not apply",
        ),
        pytest.param(
            [withheld("/datasets/10/licenses")],
            "withheld",
            ["/datasets/1/licenses"],
            id="withheld elsewhere",
        ),
    ],
)
def test_what_is_not_stated(
    disclosures: list[dict[str, Any]], rung: str, places: list[str]
) -> None:
    manifest = {"datasets": [ONE, TWO], "disclosures": disclosures}
    assert unmet(LICENCES, rung, manifest) == places


def test_what_does_not_apply_is_met_where_the_policy_says_so() -> None:
    manifest = {"datasets": [TWO], "disclosures": [not_applicable("/datasets/0/licenses")]}
    assert unmet(LICENCES, "bound", manifest, not_applicable_is_met=True) == []


@pytest.mark.parametrize("pattern", ["datasets", LICENCES, "datasets[*].sources[*].uri"])
def test_nothing_to_match(pattern: str) -> None:
    assert unmet(pattern, "declared", {}) == ["/datasets"]
    assert unmet(pattern, "absent", {}) == ["/datasets"]
    assert unmet(pattern, "declared", {}, empty_is_met=True) == []


def test_nothing_to_match_that_is_disclosed() -> None:
    manifest = {"disclosures": [withheld("/datasets")]}
    assert unmet(LICENCES, "declared", manifest, empty_is_met=True) == ["/datasets"]
    assert unmet(LICENCES, "withheld", manifest) == []


def test_a_list_inside_an_object_that_is_missing() -> None:
    assert unmet("training.segments[*].code", "declared", {}) == ["/training/segments"]
    assert unmet("training.log", "declared", {}) == ["/training/log"]
    assert unmet("training.log", "absent", {}) == []


def test_a_place_with_facts_in_it_is_as_low_as_the_lowest() -> None:
    digest = {"digest": {"sha256": "0" * 64}}
    bound = {"uri": "https://a.example", **digest}
    manifest = {"datasets": [{**ONE, "sources": [bound, {"uri": "https://b.example"}]}]}
    assert unmet("datasets[*].sources[*]", "bound", manifest) == ["/datasets/0/sources/1"]
    manifest = {"datasets": [{**ONE, "sources": [bound]}]}
    assert unmet("datasets[*].sources[*]", "bound", manifest) == []
    # The dataset itself is words; what is bound inside it does not bind its content.
    assert unmet("datasets[*]", "bound", manifest) == ["/datasets/0"]


def test_many_places_are_said_once() -> None:
    manifest = {"datasets": [{**TWO, "id": f"d{number}"} for number in range(2_000)]}
    rules = TrustPolicy(requirements=(Requirement(LICENCES, "declared"),))
    made = Evidence.of_draft(Manifest(**least_manifest(**manifest)))
    (finding,) = check_required_rungs(replace(made, source="folder"), rules)
    assert "and 1999 more places" in finding.message


@pytest.mark.parametrize(
    ("digests", "places"),
    [
        pytest.param({}, ["/model/baseModels/0"], id="words"),
        pytest.param({"manifest": {"sha1": "0" * 40}}, ["/model/baseModels/0"], id="SHA-1"),
        pytest.param({"manifest": {"sha256": "0" * 64}}, [], id="manifest"),
        pytest.param({"release": {"sha256": "0" * 64}}, [], id="release"),
    ],
)
def test_bound_ancestors(digests: dict[str, Any], places: list[str]) -> None:
    base = {"id": "base", "name": "Base", **digests}
    manifest = least_manifest(model={"name": "digits-mlp", "baseModels": [base]})
    made = replace(Evidence.of_draft(Manifest(**manifest)), source="folder")
    rules = TrustPolicy(ancestors=AncestorRules(bound=True))
    assert [finding.path for finding in check_required_rungs(made, rules)] == places
