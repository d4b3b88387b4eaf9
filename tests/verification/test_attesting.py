"""A report as SVR and VSA: the published shapes, and nothing that says more than the report."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.json_format import Parse, ParseDict
from in_toto_attestation.predicates.vsa.v1.vsa_pb2 import VerificationSummary
from in_toto_attestation.v1.statement import Statement as InTotoStatement
from in_toto_attestation.v1.statement_pb2 import Statement as InTotoMessage
from jsonschema import Draft202012Validator, ValidationError

from provenance.errors import UsageError
from provenance.trust import TrustPolicy
from provenance.verification import PolicyUsed, result_statement, summary_statement
from provenance.verification.attesting import (
    DEFAULT_POLICY_URI,
    DEFAULT_VERIFIER_ID,
    PROPERTY_PREFIX,
    VERDICT_FIELD,
)
from support.attestations import SVR_SCHEMA, VSA_SCHEMA
from support.crafted import CraftedRelease

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from provenance.verification import Report
    from verification.conftest import Look

    Make = Callable[..., bytes]

BOTH = pytest.mark.parametrize(
    ("make", "schema"),
    [(result_statement, SVR_SCHEMA), (summary_statement, VSA_SCHEMA)],
    ids=["svr", "vsa"],
)
SHA256 = TrustPolicy(recompute_sha256=True)
POLICY = PolicyUsed("https://policies.example/production", "c" * 64)


@pytest.fixture
def passed(folder: Path, look: Look) -> Report:
    return look(folder, model="digits-mlp", policy=SHA256)


@pytest.fixture
def failed(tmp_path: Path, look: Look) -> Report:
    folder = CraftedRelease().write(tmp_path / "damaged")
    (folder / "README.md").write_bytes(b"x")
    return look(folder)


@pytest.fixture
def incomplete(folder: Path, look: Look) -> Report:
    return look(folder, only="README.md")


def tree_of(payload: bytes) -> dict[str, Any]:
    tree: dict[str, Any] = json.loads(payload)
    return tree


def predicate_of(payload: bytes) -> dict[str, Any]:
    predicate: dict[str, Any] = tree_of(payload)["predicate"]
    return predicate


# What is refused


@BOTH
def test_without_a_signature_there_is_nothing_to_attest(
    folder: Path, look: Look, make: Make, schema: object
) -> None:
    assert schema
    with pytest.raises(UsageError, match="no key that was named"):
        make(look(folder, keys=()))
    (folder / "training-provenance" / "manifest.sigstore.json").write_bytes(b"{}")
    with pytest.raises(UsageError, match="no key that was named"):
        make(look(folder))
    with pytest.raises(UsageError):
        make(look(folder / "nothing"))


@BOTH
def test_error_is_no_outcome(folder: Path, look: Look, make: Make, schema: object) -> None:
    assert schema
    report = look(folder, deadline=0.0)
    assert report.verdict == "ERROR"
    with pytest.raises(UsageError, match="no outcome to attest"):
        make(report)


@BOTH
@pytest.mark.parametrize(
    "text",
    ["", "verifier", "a b:c", "https://exämple.org", "x:" + "y" * 3000],
    ids=["empty", "name", "blank", "not ASCII", "long"],
)
def test_what_is_no_uri_is_refused(passed: Report, make: Make, schema: object, text: str) -> None:
    assert schema
    with pytest.raises(UsageError, match="expected a URI"):
        make(passed, verifier_id=text)
    with pytest.raises(UsageError, match="expected a URI"):
        make(passed, policy=PolicyUsed(text))


@pytest.mark.parametrize("text", ["model", "a b:c"])
def test_resource_that_is_no_uri_is_refused(passed: Report, text: str) -> None:
    with pytest.raises(UsageError, match="expected a URI"):
        summary_statement(passed, resource=text)


# What only PASS may say


def test_failure_has_no_property(failed: Report, incomplete: Report) -> None:
    for report, verdict in ((failed, "FAIL"), (incomplete, "INCOMPLETE")):
        assert report.verdict == verdict
        predicate = predicate_of(result_statement(report))
        assert predicate["properties"] == []
        assert predicate[VERDICT_FIELD] == verdict


def test_failure_is_failed(failed: Report, incomplete: Report) -> None:
    for report, verdict in ((failed, "FAIL"), (incomplete, "INCOMPLETE")):
        predicate = predicate_of(summary_statement(report))
        assert predicate["verificationResult"] == "FAILED"
        assert predicate["verifiedLevels"] == ["FAILED"]
        assert predicate[VERDICT_FIELD] == verdict


def test_pass_says_what_passed(passed: Report, folder: Path, look: Look) -> None:
    properties = set(predicate_of(result_statement(passed))["properties"])
    assert {
        f"{PROPERTY_PREFIX}{name}"
        for name in ("PASS", "SIGNATURE_VERIFIED", "FILES_MATCHED", "MODEL_NAME_CHECKED")
    } < properties
    assert f"{PROPERTY_PREFIX}DATASETS_BOUND" in properties
    assert f"{PROPERTY_PREFIX}COMPUTE_DECLARED" not in properties
    assert not any(name.startswith("SLSA_") for name in properties)
    unnamed = set(predicate_of(result_statement(look(folder, policy=SHA256)))["properties"])
    assert properties - unnamed == {f"{PROPERTY_PREFIX}MODEL_NAME_CHECKED"}


def test_summary_says_who_what_and_when(passed: Report) -> None:
    tree = tree_of(summary_statement(passed, policy=POLICY, verifier_id="https://gate.example/v2"))
    assert passed.subject is not None
    assert tree["subject"] == [
        {"name": passed.subject.name, "digest": {"sha256": passed.subject.sha256}}
    ]
    predicate = tree["predicate"]
    assert predicate["verifier"] == {"id": "https://gate.example/v2"}
    assert predicate["timeVerified"] == passed.verified_at
    assert predicate["policy"] == {"uri": POLICY.uri, "digest": {"sha256": POLICY.sha256}}
    assert predicate["inputAttestations"] == [{"digest": {"sha256": passed.manifest_digest}}]
    resource = predicate["resourceUri"]
    assert resource.startswith("pkg:generic/digits-mlp")
    assert resource.endswith(f"?checksum=sha256:{passed.subject.sha256}")


def test_name_in_the_package_url_is_escaped(passed: Report) -> None:
    assert passed.model is not None
    model = passed.model.updated(name="lab/ä b@1?#", version="1 0/é")
    predicate = predicate_of(summary_statement(passed.updated(model=model)))
    assert predicate["resourceUri"].startswith(
        "pkg:generic/lab%2F%C3%A4%20b%401%3F%23@1%200%2F%C3%A9?checksum="
    )


def test_default_policy_and_verifier_are_named(passed: Report) -> None:
    predicate = predicate_of(result_statement(passed))
    assert predicate["verifier"] == {
        "id": DEFAULT_VERIFIER_ID,
        "policy": {"uri": DEFAULT_POLICY_URI},
    }


# The published shapes


@BOTH
@pytest.mark.parametrize("which", ["passed", "failed", "incomplete"])
def test_shape_is_the_published_one(
    request: pytest.FixtureRequest, make: Make, schema: dict[str, Any], which: str
) -> None:
    for policy in (None, POLICY):
        payload = make(request.getfixturevalue(which), policy=policy)
        Draft202012Validator(schema).validate(tree_of(payload))


@pytest.mark.parametrize(
    "change",
    [
        {"verifiedLevels": ["SLSA_TRAINING_LEVEL_9"]},
        {"verificationResult": "PASS"},
        {"verificationResult": "FAILED"},
        {"verifiedLevels": ["FAILED"]},
        {"policy": {"digest": {"sha256": "0" * 64}}},
        {"inputAttestations": [{"uri": "https://x.example"}]},
        {"verdict": "PASS"},
        {"timeVerified": "2026-11-22 12:00"},
        {"resourceUri": "model"},
    ],
    ids="-".join,
)
def test_schema_refuses_what_the_text_refuses(passed: Report, change: dict[str, Any]) -> None:
    tree = tree_of(summary_statement(passed))
    tree["predicate"].update(change)
    with pytest.raises(ValidationError):
        Draft202012Validator(VSA_SCHEMA).validate(tree)


@BOTH
def test_in_toto_reads_the_statement(passed: Report, make: Make, schema: object) -> None:
    assert schema
    message = Parse(make(passed), InTotoMessage())
    statement = InTotoStatement.copy_from_pb(message)
    statement.validate()
    assert message.subject[0].digest["sha256"]


@pytest.mark.parametrize("which", ["passed", "failed", "incomplete"])
def test_in_toto_reads_the_summary(request: pytest.FixtureRequest, which: str) -> None:
    predicate = predicate_of(summary_statement(request.getfixturevalue(which), policy=POLICY))
    # The package declares one text where the published text and its example have an array.
    levels = predicate.pop("verifiedLevels")
    for level in levels:
        ParseDict({"verifiedLevels": level}, VerificationSummary())
    summary = ParseDict(predicate, VerificationSummary(), ignore_unknown_fields=True)
    assert summary.verifier.id == DEFAULT_VERIFIER_ID
    assert summary.verification_result == ("PASSED" if which == "passed" else "FAILED")
    assert summary.policy.uri == POLICY.uri
    # The extension is the one member that the published message does not know.
    del predicate[VERDICT_FIELD]
    ParseDict(predicate, VerificationSummary())
