"""`check_summary`: what a gate lets in, and everything that it does not."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from provenance import canonical
from provenance.canonical import MAX_SUMMARY_BYTES
from provenance.envelope import parse_statement, write_bundle, write_statement
from provenance.errors import UsageError
from provenance.signing import sign_payload
from provenance.trust import TrustPolicy
from provenance.verification import (
    PolicyUsed,
    SummaryReport,
    check_summary,
    result_statement,
    summary_statement,
)
from provenance.verification.attesting import VERDICT_FIELD
from support.crafted import NOW, STRANGER, private_key, public_key

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from provenance.verification import Report
    from verification.conftest import Look

POLICY = PolicyUsed("https://policies.example/production", "c" * 64)


@pytest.fixture
def report(folder: Path, look: Look) -> Report:
    return look(folder, policy=TrustPolicy(recompute_sha256=True))


@pytest.fixture
def summary(report: Report) -> bytes:
    return signed(summary_statement(report, policy=POLICY))


@pytest.fixture
def sha256(report: Report) -> str:
    assert report.subject is not None
    return report.subject.sha256


def signed(payload: bytes, name: str | None = None) -> bytes:
    key = private_key() if name is None else private_key(name)
    return write_bundle(sign_payload(payload, key))


def check(bundle: bytes, sha256: str, **options: Any) -> SummaryReport:  # noqa: ANN401 - as the function
    keys = options.pop("keys", (public_key(),))
    return check_summary(bundle, keys, **{"sha256": sha256, "now": NOW, **options})


def test_summary_of_a_pass_passes(summary: bytes, sha256: str) -> None:
    found = check(
        summary,
        sha256,
        policy_uri=POLICY.uri,
        policy_sha256=POLICY.sha256,
        max_age=timedelta(days=1),
    )
    assert (found.verdict, found.exit_code, found.problems) == ("PASS", 0, ())
    assert found.signer == public_key().fingerprint
    assert found.verified_at == "2026-11-22T12:00:00Z"
    assert "TRAINING_PROVENANCE_PASS" in found.levels


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"sha256": "0" * 64}, "is about the release"),
        ({"verifier_id": "https://other.example"}, "/verifier/id is"),
        ({"policy_uri": "https://other.example"}, "/policy/uri is"),
        ({"policy_sha256": "0" * 64}, "/policy/digest/sha256 is"),
        ({"resource": "pkg:generic/other"}, "/resourceUri is"),
        ({"keys": (public_key(STRANGER),)}, "does not verify"),
        ({"now": NOW + timedelta(days=1, seconds=1), "max_age": timedelta(days=1)}, "longer ago"),
        ({"now": NOW - timedelta(seconds=301)}, "in the future"),
    ],
    ids=["release", "verifier", "policy", "document", "resource", "key", "old", "future"],
)
def test_other_summary_fails(
    summary: bytes, sha256: str, options: dict[str, Any], problem: str
) -> None:
    found = check(summary, options.pop("sha256", sha256), **options)
    assert (found.verdict, found.exit_code) == ("FAIL", 1)
    assert len(found.problems) == 1
    assert problem in found.problems[0]


@pytest.mark.parametrize(
    "now", [NOW + timedelta(days=1), NOW - timedelta(seconds=300)], ids=["age", "skew"]
)
def test_boundary_is_inside(summary: bytes, sha256: str, now: Any) -> None:  # noqa: ANN401 - a time
    assert check(summary, sha256, now=now, max_age=timedelta(days=1)).verdict == "PASS"


def test_without_a_key_it_is_incomplete(summary: bytes, sha256: str) -> None:
    found = check(summary, sha256, keys=())
    assert (found.verdict, found.exit_code) == ("INCOMPLETE", 3)


def test_summary_of_a_failure_fails(folder: Path, look: Look, sha256: str) -> None:
    (folder / "README.md").write_bytes(b"x")
    found = check(signed(summary_statement(look(folder))), sha256)
    assert (found.verdict, found.problems) == ("FAIL", ("the summary says 'FAILED' and 'FAIL'",))


def test_summary_of_an_incomplete_one_is_incomplete(folder: Path, look: Look, sha256: str) -> None:
    bundle = signed(summary_statement(look(folder, only="README.md")))
    found = check(bundle, sha256)
    assert (found.verdict, found.exit_code) == ("INCOMPLETE", 3)
    # What is about another release fails, whatever it says.
    assert check(bundle, "0" * 64).verdict == "FAIL"


@pytest.mark.parametrize(
    "change",
    [
        {"verificationResult": "FAILED"},
        {"verificationResult": "passed"},
        {"verificationResult": None},
        {"verificationResult": True},
        {"verifiedLevels": ["FAILED"]},
        {"verifiedLevels": ["TRAINING_PROVENANCE_PASS", "FAILED"]},
        {"verifiedLevels": None},
        {"verifiedLevels": "PASSED"},
        {VERDICT_FIELD: "INCOMPLETE"},
        {VERDICT_FIELD: 1},
        {"timeVerified": None},
        {"timeVerified": "yesterday"},
        {"timeVerified": 1},
        {"verifier": "https://training-provenance.github.io/verifier/v1"},
        {"verifier": None},
    ],
    ids=lambda change: "-".join(f"{name}={value}" for name, value in change.items())[:60],
)
def test_contradiction_fails(report: Report, sha256: str, change: dict[str, Any]) -> None:
    assert check(_changed(report, change), sha256).verdict == "FAIL"


@pytest.mark.parametrize(
    "change",
    [{VERDICT_FIELD: None}, {"https://other.example/field": 1}, {"unknown": 1}, {"policy": None}],
    ids=["no verdict of ours", "extension", "unknown", "no policy"],
)
def test_what_is_not_asked_for_is_ignored(
    report: Report, sha256: str, change: dict[str, Any]
) -> None:
    assert check(_changed(report, change), sha256).verdict == "PASS"


def _changed(report: Report, change: dict[str, Any]) -> bytes:
    """Return the signed summary with members changed; `None` takes one away."""
    statement = parse_statement(summary_statement(report))
    predicate = {**statement.predicate, **change}
    predicate = {name: value for name, value in predicate.items() if value is not None}
    plain = canonical.parse(canonical.write(predicate))
    assert isinstance(plain, dict)
    return signed(write_statement(statement.subjects, statement.predicate_type, plain))


def test_other_predicate_fails(report: Report, sha256: str) -> None:
    found = check(signed(result_statement(report)), sha256)
    assert found.verdict == "FAIL"
    assert "expected a statement of https://slsa.dev" in found.problems[0]


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda _: b"{}",
        lambda data: data[:-1],
        lambda data: data.replace(b'"payload":"', b'"payload":"AAAA'),
        lambda _: b" " * (MAX_SUMMARY_BYTES + 1),
    ],
    ids=["empty", "object", "cut", "payload", "large"],
)
def test_damage_fails(summary: bytes, sha256: str, damage: Callable[[bytes], bytes]) -> None:
    assert check(damage(summary), sha256).verdict == "FAIL"


@pytest.mark.parametrize("text", ["", "0" * 63, "G" * 64, "A" * 64, "0" * 65])
def test_what_is_no_digest_is_refused(summary: bytes, text: str) -> None:
    with pytest.raises(UsageError, match="64 lower-case hexadecimal"):
        check(summary, text)


def test_time_without_a_zone_is_refused(summary: bytes, sha256: str) -> None:
    with pytest.raises(UsageError, match="no time zone"):
        check(summary, sha256, now=NOW.replace(tzinfo=None))
