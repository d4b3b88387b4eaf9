"""Checks that need more than the document: extensions, results documents, evidence."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from provenance.checks import CHECKS, Evidence, ListedFile, Observed, run_checks
from provenance.checks.document import check_extensions
from provenance.checks.evaluations import check_results_documents
from provenance.checks.pointers import covers, expand
from provenance.checks.processing import find_on_cycles
from provenance.digest import InventoryDigest, InventoryEntry
from provenance.findings import STEPS
from provenance.manifest import parse_manifest
from provenance.trust import TrustPolicy
from support.crafted import CraftedRelease

if TYPE_CHECKING:
    from collections.abc import Callable

Tree = dict[str, Any]
POLICY = TrustPolicy()


def frozen(value: Any) -> Any:  # noqa: ANN401 - a JSON tree
    if isinstance(value, dict):
        return {key: frozen(item) for key, item in value.items()}
    return tuple(map(frozen, value)) if isinstance(value, list) else value


def draft(edit: Callable[[Tree], object] | None = None) -> Evidence:
    tree = CraftedRelease(edit_manifest=edit).manifest()
    return Evidence.of_draft(parse_manifest(frozen(tree)).document)


def test_checks_stand_in_the_order_of_their_steps() -> None:
    numbers = [step for step, _ in CHECKS]
    assert numbers == sorted(numbers)
    assert set(numbers) <= set(STEPS)
    assert len({check for _, check in CHECKS}) == len(CHECKS)


@pytest.mark.parametrize("check", [check for _, check in CHECKS], ids=lambda check: check.__name__)
def test_every_check_names_its_step_and_its_codes(check: Callable[..., Any]) -> None:
    text = check.__doc__ or ""
    step = {function: number for number, function in CHECKS}[check]
    assert text.startswith(f"Step {step}")
    assert "Codes: `" in text


def test_checks_yield_the_same_twice_and_change_nothing() -> None:
    evidence = draft()
    before = repr(evidence)
    assert run_checks(evidence, POLICY) == run_checks(evidence, POLICY)
    assert repr(evidence) == before


URI = "https://vocabulary.example/v1"


def test_extensions_are_validated_by_the_schema_of_their_uri() -> None:
    evidence = draft(lambda tree: tree.update(extensions={URI: {"a": {"b": 1}}}))
    unknown = list(check_extensions(evidence, POLICY))
    assert [finding.code for finding in unknown] == ["extension-unknown"]
    schema = {"properties": {"a": {"properties": {"b": {"type": "integer"}}}}}
    assert list(check_extensions(evidence, POLICY, schemas={URI: schema})) == []
    other = {"properties": {"a": {"properties": {"b": {"type": "string"}}}}}
    (finding,) = check_extensions(evidence, POLICY, schemas={URI: other})
    assert finding.code == "extension-invalid"
    assert finding.path == "/extensions/https:~1~1vocabulary.example~1v1/a/b"


def results(data: bytes, value: Any = 0.9722) -> list[str]:  # noqa: ANN401 - a number
    evidence = draft(lambda tree: tree["evaluations"][0]["metrics"][0].update(value=value))
    evidence = replace(evidence, document_bytes={"doc-results": data})
    return [finding.path for finding in check_results_documents(evidence, POLICY)]


@pytest.mark.parametrize(
    "data",
    [
        b'{"accuracy":0.9722}',
        b'{"accuracy":1,"metrics":{"accuracy":0.9722}}',
        b'{"metrics":{"accuracy":{"value":0.9722}}}',
        b'{"metrics":[{"accuracy":1}]}',
        b'{"metrics":{"accuracy":"high"}}',
        b'{"metrics":{"accuracy":true}}',
        b'{"metrics":{"accuracy":{"number":"x"}}}',
        b'{"metrics":{"accuracy":{"mean":1}}}',
        b'{"other":1}',
        b"[0.5]",
        b"accuracy,0.5",
    ],
)
def test_results_that_agree_or_cannot_be_compared_are_fine(data: bytes) -> None:
    assert results(data) == []


@pytest.mark.parametrize(
    "data",
    [
        b'{"accuracy":0.97}',
        b'{"metrics":{"accuracy":0.97220001}}',
        b'{"metrics":{"accuracy":{"value":1}}}',
        b'{"metrics":{"accuracy":{"number":"NaN"}}}',
    ],
)
def test_results_that_differ_are_a_contradiction(data: bytes) -> None:
    assert results(data) == ["/evaluations/0/metrics/0/value"]


def test_results_compare_exact_numbers_and_nan() -> None:
    assert results(b'{"accuracy":{"number":"NaN"}}', {"number": "NaN"}) == []
    big = {"number": "18446744073709551615"}
    assert results(b'{"accuracy":{"number":"18446744073709551615"}}', big) == []
    assert results(b'{"accuracy":1}', big) != []


def test_entries_of_both_inventories_become_listed_files() -> None:
    entry = InventoryEntry(digest=InventoryDigest("ab" * 32, "cd" * 32), path="a", size=1)
    assert ListedFile.of(entry).counted == {"blake3": "ab" * 32, "sha256": "cd" * 32}
    (first, *_) = draft().listed
    assert first.path == "README.md"


def test_names_below_a_fault_are_unseen() -> None:
    evidence = replace(draft(), faulty=frozenset({"sub", "b\\u200bc"}))
    assert evidence.is_unseen("sub/deep/file")
    assert evidence.is_unseen("b\u200bc")
    assert not evidence.is_unseen("submarine")
    assert not replace(evidence, faulty=frozenset()).is_unseen("sub")


def test_only_computed_digests_count_as_bytes_in_hand() -> None:
    digest = {"blake3": "ab" * 32, "md5": "cd" * 16}
    evidence = replace(draft(), found={"a": Observed(1, digest, read=True)})
    assert evidence.holds({"blake3": "ab" * 32}, ())
    assert not evidence.holds({"md5": "cd" * 16}, ())
    assert not evidence.holds(None, (None,))


def test_patterns_of_pointers() -> None:
    tree = {"a": [{"b": 1}, {"c": 2}], "d": 3}
    assert list(expand(tree, "/a/*/b")) == [("/a/0/b", 1)]
    assert list(expand(tree, "/d/*")) == []
    assert list(expand(tree, "/d/e")) == []
    assert list(expand(tree, "")) == [("", tree)]
    assert covers("/a/*", "/a")
    assert not covers("/a/*/b", "/a/0/c")


def test_nodes_on_cycles() -> None:
    edges = {"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"d"}, "e": {"a"}, "f": set[str]()}
    assert find_on_cycles(edges) == {"b", "c", "d"}
    assert find_on_cycles({}) == set()
