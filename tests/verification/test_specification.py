"""`spec/verification.md` says what the verifier does."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator

from provenance.canonical import MAX_BUNDLE_BYTES, MAX_INVENTORY_BYTES, MAX_LISTING_BYTES
from provenance.checks import PARTS, RUNGS
from provenance.checks.datasets import UNFETCHABLE_SCHEMES
from provenance.checks.listing import MAX_FOREIGN_LISTING_BYTES
from provenance.checks.references import IDENTIFIED, REFERENCES
from provenance.findings import CODES, STEPS
from provenance.trust import PRESETS
from provenance.verification import EXIT_CODES, report_schema
from provenance.verification.attestations import (
    MAX_ALL_ATTESTATIONS_BYTES,
    MAX_ATTESTATION_BYTES,
    MAX_ATTESTATIONS,
)
from provenance.verification.building import MAX_FINDINGS_PER_CODE
from provenance.verification.companions import (
    MAX_ALL_RESULTS_BYTES,
    MAX_LOG_BYTES,
    MAX_RESULTS_BYTES,
)
from provenance.verification.options import MAX_PATTERNS
from provenance.verification.supplied import MAX_DOCUMENT_FILES
from support.source import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterable

PAGE = (REPOSITORY / "spec" / "verification.md").read_text(encoding="utf-8")
EXAMPLE = (REPOSITORY / "spec" / "examples" / "report-v1.json").read_text(encoding="utf-8")

#: Codes that steps before or after their own report as well, as the page says.
ELSEWHERE = {
    "digest-algorithm",
    "file-ignored",
    "inventory-malformed",
    "link-found",
    "name-unsafe",
    "input-unreadable",
    "tensors-malformed",
}


def section(number: int) -> str:
    start = PAGE.index(f"### {number}. {STEPS[number]}")
    end = PAGE.find("\n### ", start + 1)
    return PAGE[start : end if number < max(STEPS) else PAGE.index("\n## Verdict")]


def codes_in(text: str) -> set[str]:
    return set(re.findall(r"`([a-z0-9-]+)`", text)) & set(CODES)


def row(*cells: object) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"


def ticked(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def test_rules_are_numbered_without_a_hole() -> None:
    numbers = [int(number) for number in re.findall(r"\[R-VER-(\d+)\]", PAGE)]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("number", STEPS)
def test_every_step_names_its_own_codes_and_no_others(number: int) -> None:
    own = {code for code, info in CODES.items() if info.step == number}
    named = codes_in(section(number))
    assert own <= named
    assert named - own <= ELSEWHERE


def test_example_is_a_report_and_stands_on_the_page() -> None:
    Draft202012Validator(report_schema()).validate(json.loads(EXAMPLE))
    assert f"<!-- example: report-v1 -->\n\n```json\n{EXAMPLE}```\n\n<!-- end -->" in PAGE


def test_tables_of_ids_and_references_are_those_of_the_checks() -> None:
    for pattern, kind in IDENTIFIED:
        assert row(f"`{pattern}`", kind) in PAGE
    for kinds in {kinds for _, kinds in REFERENCES}:
        patterns = ticked(pattern for pattern, others in REFERENCES if others == kinds)
        assert row(patterns, " or ".join(kinds)) in PAGE


def test_table_of_parts_is_that_of_the_facts() -> None:
    for part in PARTS:
        for kind in part.kinds:
            start = f"| {part.title} (`{part.id}`) | {kind.name} | {ticked(kind.patterns)} |"
            (found,) = (line for line in PAGE.splitlines() if line.startswith(start))
            names = [*kind.roots, *kind.sets, *kind.digests, *kind.files, *kind.documents]
            names += [*kind.steps, *kind.code, *kind.environments, *sum(kind.lists, ())]
            assert all(f"`{name}`" in found for name in names), found
            assert ("not required" in found) is not kind.required


def test_rungs_stand_in_their_order() -> None:
    ladder = PAGE[PAGE.index("## Evidence ladder") :]
    places = [ladder.index(f"\n| `{rung}` |") for rung in RUNGS]
    assert places == sorted(places)


@pytest.mark.parametrize(
    "text",
    [
        ticked(sorted(UNFETCHABLE_SCHEMES)),
        row("bundle in the manifest folder, or named", f"{MAX_BUNDLE_BYTES:,} bytes"),
        row("attestations; bytes of one", f"{MAX_ATTESTATIONS:,}; {MAX_ATTESTATION_BYTES:,}"),
        f"| {MAX_ALL_ATTESTATIONS_BYTES:,} bytes; of more, none is read |",
        row("`SHA256SUMS`", f"{MAX_LISTING_BYTES:,} bytes"),
        f"although it is not the signed one | {MAX_FOREIGN_LISTING_BYTES:,} bytes |",
        f"| {MAX_INVENTORY_BYTES:,} bytes; what goes beyond that is only hashed |",
        f"| {MAX_ALL_RESULTS_BYTES:,} bytes; what goes beyond that is only hashed |",
        row("inventory file", f"{MAX_INVENTORY_BYTES:,} bytes"),
        f"| {MAX_LOG_BYTES:,} bytes; a larger one is only hashed |",
        f"| {MAX_RESULTS_BYTES:,} bytes; a larger one is only hashed |",
        row("documents that the caller holds", f"{MAX_DOCUMENT_FILES:,} files"),
        f"| {MAX_FINDINGS_PER_CODE:,}, and one that counts the rest |",
        row("patterns", f"{MAX_PATTERNS:,}"),
        ", ".join(
            f"{code} {verdict}"
            for code, verdict in sorted(
                [*((code, verdict) for verdict, code in EXIT_CODES.items()), (2, "usage error")]
            )
        ),
    ],
)
def test_page_states_the_value_of_the_code(text: str) -> None:
    assert text in PAGE


def test_presets_are_those_of_the_code() -> None:
    for preset in PRESETS.values():
        line = row(
            f"`{preset.name}`",
            ticked(sorted(preset.paths)),
            ticked(preset.folders),
            ticked(sorted(preset.names)),
        )
        assert line in PAGE
