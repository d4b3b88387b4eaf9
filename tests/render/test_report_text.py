"""A report as text: the verdict in words, one line a finding, last what it does not prove."""

from __future__ import annotations

from typing import Any

import pytest

from provenance.render import render_report
from provenance.verification.report import Report

FINGERPRINT = "SHA256:" + "a" * 43
SUMMARY = "PASS: the files are exactly what was signed."


def report(**changes: object) -> Report:
    tree: dict[str, Any] = {
        "verdict": "PASS",
        "exit_code": 0,
        "summary": SUMMARY,
        "target": "folder",
        "signer": {
            "status": "verified",
            "fingerprint": FINGERPRINT,
            "name": "digits-lab",
            "scheme": "ed25519",
        },
        "model": {"name": "digits-mlp", "version": "1.0", "name_checked": True},
        "producer": {"name": "Digits Lab", "contact": "open@digits.example"},
        "created_at": "2026-11-22T12:00:00Z",
        "manifest_digest": "ab" * 32,
        "files": {
            "listed": 4,
            "matched": 4,
            "bytes_listed": 36520,
            "bytes_matched": 36520,
            "bytes_read": True,
        },
        "steps": (),
        "generator": {"name": "training-provenance", "version": "0.1.0"},
        "verified_at": "2026-11-23T12:00:00Z",
    }
    return Report.model_validate({**tree, **changes})


def finding(code: str, severity: str, **changes: object) -> dict[str, Any]:
    tree = {"code": code, "severity": severity, "step": 1, "message": f"about {code}"}
    return {**tree, **changes}


def test_first_line_is_the_summary_and_last_line_the_limit() -> None:
    lines = render_report(report()).splitlines()
    assert lines[0] == SUMMARY
    assert "does not prove that what the signer says" in lines[-1]


def test_facts_are_marked_as_checked_claimed_or_said() -> None:
    lines = render_report(report(expires_at="2027-01-01T00:00:00Z")).splitlines()
    assert f'Signer    {FINGERPRINT} (ed25519), pinned as "digits-lab"' in lines
    assert "Model     digits-mlp 1.0 (name checked)" in lines
    assert "Producer  Digits Lab, open@digits.example (said by the signer)" in lines
    made = "Made      2026-11-22T12:00:00Z, until 2027-01-01T00:00:00Z (claimed by the signer)"
    assert made in lines
    assert f"Manifest  sha256 {'ab' * 32}" in lines
    assert "Files     4 of 4 match, 35.7 KiB" in lines


@pytest.mark.parametrize(
    ("signer", "expected"),
    [
        (
            {"status": "unknown", "fingerprint": FINGERPRINT},
            f"unknown; the bundle names {FINGERPRINT}, which proves nothing",
        ),
        ({"status": "unknown"}, "unknown; the bundle names no key"),
        (
            {"status": "invalid", "fingerprint": FINGERPRINT},
            f"none that you named; the bundle names {FINGERPRINT}, which proves nothing",
        ),
    ],
)
def test_a_hint_is_never_shown_as_the_signer(signer: dict[str, Any], expected: str) -> None:
    assert f"Signer    {expected}" in render_report(report(signer=signer)).splitlines()


def test_unchecked_name_is_said_to_be_unchecked() -> None:
    text = render_report(report(model={"name": "m", "name_checked": False}))
    assert "Model     m (name not checked)" in text


def test_counts_name_every_kind_of_file() -> None:
    files = {
        "listed": 2000,
        "matched": 1,
        "different": 2,
        "missing": 3,
        "extra": 4,
        "ignored": 5,
        "not_examined": 6,
    }
    text = render_report(report(files=files))
    expected = (
        "Files     1 of 2,000 match, 0 bytes, 2 different, 3 missing, 4 not signed, 5 ignored, "
        "6 not examined (by digests that you supplied; no byte was read)"
    )
    assert expected in text


def test_findings_stand_in_groups_errors_first() -> None:
    findings = (
        finding("licence-missing", "warning"),
        finding("hard-link", "note"),
        finding("digest-mismatch", "error", path="model.safetensors", remedy="fetch it again"),
        finding("file-missing", "error"),
        finding("signer-unknown", "notChecked", remedy="name a key"),
    )
    lines = render_report(
        report(verdict="FAIL", exit_code=1, summary="FAIL: no.", findings=findings)
    ).splitlines()
    start = lines.index("Errors (2)")
    assert lines[start + 1] == (
        "  digest-mismatch  model.safetensors: about digest-mismatch → fetch it again"
    )
    assert lines[start + 2] == "  file-missing  about file-missing"
    assert start < lines.index("Warnings (1)") < lines.index("Notes (1)")
    assert lines.index("Notes (1)") < lines.index("Not checked (1)")
    assert "  signer-unknown  about signer-unknown → name a key" in lines
    assert lines[-1].startswith("Nothing is proved")


def test_what_is_found_in_many_places_is_one_line_with_the_first_of_them() -> None:
    findings = (
        *(finding("dataset-unpinned", "warning", path=f"/datasets/{it}") for it in range(1_200)),
        *(finding("licence-missing", "warning", path=f"/datasets/{it}") for it in range(3)),
        *(finding("signer-unknown", "notChecked", remedy="name a key") for _ in range(2)),
    )
    lines = render_report(report(findings=findings)).splitlines()
    start = lines.index("Warnings (1,203)")
    assert lines[start + 1] == (
        "  dataset-unpinned  1,200 times: /datasets/0: about dataset-unpinned; "
        "also /datasets/1, /datasets/2 and 1,197 more"
    )
    assert lines[start + 2 : start + 6] == [
        *(f"  licence-missing  /datasets/{it}: about licence-missing" for it in range(3)),
        "",
    ]
    assert lines[lines.index("Not checked (2)") + 1] == (
        "  signer-unknown  2 times: about signer-unknown; also about signer-unknown → name a key"
    )


@pytest.mark.parametrize(
    ("code", "severity"),
    [("file-missing", "error"), ("gap-recorded", "warning"), ("fact-withheld", "warning")],
)
def test_errors_and_the_words_of_others_have_a_line_each(code: str, severity: str) -> None:
    findings = tuple(finding(code, severity, path=f"part-{it}") for it in range(9))
    text = render_report(report(findings=findings))
    assert text.count(f"  {code}  part-") == 9


def test_sentences_that_are_no_findings_are_listed_as_not_checked_too() -> None:
    text = render_report(
        report(
            findings=(finding("time-not-trusted", "notChecked"),),
            not_checked=("about time-not-trusted", "the weather"),
        )
    )
    assert "Not checked (2)" in text
    assert text.count("about time-not-trusted") == 1
    assert "  the weather" in text


def test_parts_stand_on_their_rungs() -> None:
    parts = (
        {
            "id": "datasets",
            "title": "Training datasets",
            "rung": "declared",
            "facts": 3,
            "rungs": {"declared": 1, "bound": 2},
        },
        {"id": "log", "title": "Log", "rung": "bound", "facts": 1, "rungs": {"bound": 1}},
        {"id": "cost", "title": "Cost"},
    )
    lines = render_report(report(parts=parts)).splitlines()
    assert "  Training datasets  declared    (1 declared, 2 bound)" in lines
    assert "  Log                bound" in lines
    assert "  Cost               does not apply" in lines


def test_report_without_a_manifest_is_short() -> None:
    bare = dict.fromkeys(("signer", "model", "producer", "created_at", "manifest_digest", "files"))
    text = render_report(
        report(**bare, verdict="INCOMPLETE", exit_code=3, summary="INCOMPLETE: x.")
    )
    assert text.startswith("INCOMPLETE: x.\n\nNothing is proved")


@pytest.mark.parametrize(
    ("matched", "words"), [(1, "the one file that was compared is"), (2, "the 2 files that were")]
)
def test_a_part_that_matched_is_no_nothing(matched: int, words: str) -> None:
    files = {"listed": 30, "matched": matched, "not_examined": 30 - matched}
    text = render_report(
        report(verdict="INCOMPLETE", exit_code=3, summary="INCOMPLETE: x.", files=files)
    )
    assert f"It proves that {words}" in text.splitlines()[-1]
    assert "Nothing is proved" not in text
    unsigned = {"status": "unknown"}
    text = render_report(
        report(
            verdict="INCOMPLETE",
            exit_code=3,
            summary="INCOMPLETE: x.",
            files=files,
            signer=unsigned,
        )
    )
    assert text.splitlines()[-1].startswith("Nothing is proved")


def test_a_flood_of_findings_is_cut_and_counted() -> None:
    findings = tuple(finding("file-extra", "error", path=f"f{n}") for n in range(250))
    text = render_report(report(findings=findings))
    assert "Errors (250)" in text
    assert "f199:" in text
    assert "f200:" not in text
    assert "  … and 50 more; --format json lists them" in text


def test_hostile_text_is_one_visible_line() -> None:
    hostile = "x\x1b[2J\nPASS: all is well\u202e\u2028"
    text = render_report(
        report(
            summary=f"FAIL: {hostile}",
            verdict="FAIL",
            exit_code=1,
            model={"name": hostile, "version": hostile, "name_checked": False},
            producer={"name": hostile},
            created_at=hostile,
            signer={"status": "unknown", "fingerprint": hostile},
            findings=(
                finding("file-extra", "error", path=hostile, message=hostile, remedy=hostile),
            ),
            parts=({"id": "x", "title": hostile, "rung": "bound", "facts": 1},),
            not_checked=(hostile,),
        )
    )
    for character in "\x1b\u202e\u2028":
        assert character not in text
    assert not any(line.lstrip().startswith("PASS") for line in text.split("\n"))


def test_colour_only_when_asked() -> None:
    failing = report(
        verdict="FAIL",
        exit_code=1,
        summary="FAIL: no.",
        findings=(finding("file-extra", "error"), finding("hard-link", "note")),
    )
    assert "\x1b" not in render_report(failing)
    painted = render_report(failing, colour=True)
    assert painted.startswith("\x1b[1;31mFAIL\x1b[0m: no.")
    assert "\x1b[31mErrors (1)\x1b[0m" in painted
    assert "\nNotes (1)" in painted
