"""The report: its schema, its limits, and what it says of a verification that went nowhere."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator

from provenance import canonical
from provenance.findings import STEPS, Finding
from provenance.manifest import parse_document
from provenance.verification import EXIT_CODES, REPORT_VERSION, Report, report_schema
from provenance.verification.summary import judge, summarise
from support.crafted import CraftedRelease, public_key
from support.reports import expect

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Look = Callable[..., Report]


@pytest.fixture
def reports(folder: Path, look: Look, tmp_path: Path) -> list[Report]:
    bundle = CraftedRelease().bundle()
    return [
        look(folder),
        look(folder, keys=()),
        look(folder, all_digests=True, only=["*.json"]),
        look(tmp_path / "nowhere"),
        look(folder, manifest=b"x"),
        look({}, manifest=bundle),
        look(folder, keys=b"".join([public_key("never-trust-stranger").to_pem()])),
    ]


def test_reports_satisfy_the_published_schema(reports: list[Report]) -> None:
    schema = report_schema()
    Draft202012Validator.check_schema(schema)
    for report in reports:
        Draft202012Validator(schema).validate(json.loads(report.to_bytes()))


def test_report_is_read_again_as_it_was(reports: list[Report]) -> None:
    for report in reports:
        tree = canonical.parse_canonical(report.to_bytes())
        assert parse_document(Report, tree) == report
        assert report.report_version == REPORT_VERSION


def test_every_step_stands_in_every_report(reports: list[Report]) -> None:
    for report in reports:
        assert [(step.number, step.title) for step in report.steps] == list(STEPS.items())
        counted = sum(step.findings for step in report.steps)
        assert counted == len(report.findings)
        assert report.exit_code == EXIT_CODES[report.verdict]
        assert report.summary.startswith(f"{report.verdict}: ")


def test_findings_stand_in_the_order_of_their_steps(reports: list[Report]) -> None:
    for report in reports:
        numbers = [finding.step for finding in report.findings]
        assert numbers == sorted(numbers)


def test_findings_of_one_code_are_limited_and_counted(
    tmp_path: Path, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provenance.verification.building.MAX_FINDINGS_PER_CODE", 5)
    release = CraftedRelease()
    release.files |= {f"file-{number}": b"x" for number in range(9)}
    folder = release.write(tmp_path)
    for number in range(9):
        (folder / f"file-{number}").unlink()
    report = look(folder)
    expect(report, "FAIL", "file-missing")
    missing = [finding for finding in report.findings if finding.code == "file-missing"]
    assert len(missing) == 6
    assert missing[-1].message == "4 more findings of this kind are not listed"
    assert report.files is not None
    assert report.files.missing == 9


def test_verdicts_take_precedence() -> None:
    error = Finding("file-extra", "x", "is extra")
    fault = Finding("file-unreadable", "y", "cannot be read")
    required = Finding("required-not-checked", "", "something is required")
    warning = Finding("dataset-unpinned", "", "w")
    assert judge([warning]) == "PASS"
    assert judge([warning, required]) == "INCOMPLETE"
    assert judge([required, fault]) == "ERROR"
    assert judge([required, fault, error]) == "FAIL"
    said = summarise("INCOMPLETE", [required], None, None, (), name=None)
    assert said == "INCOMPLETE: something is required."
    assert summarise("PASS", [], None, None, (), name=None) == "PASS: nothing was verified."


def test_hostile_model_name_stays_on_one_line(tmp_path: Path, look: Look) -> None:
    name = 'x"\n\x1b[2J\u202e'
    release = CraftedRelease(edit_manifest=lambda tree: tree["model"].update(name=name))
    report = look(release.write(tmp_path))
    assert report.summary.isprintable()
    assert report.summary.isascii()


def test_producer_and_facts_are_reported(folder: Path, look: Look) -> None:
    report = look(folder)
    assert report.producer is not None
    assert report.producer.contact == "open@digits.example"
    assert {fact.origin for fact in report.facts} == {"authored"}
    assert report.subject is not None
    assert report.subject.name == "digits-mlp"
    assert any(
        "SHA-256 of 3 of 3 files read is the signer's word" in line for line in report.not_checked
    )
