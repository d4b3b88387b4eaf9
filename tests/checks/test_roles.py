"""Laws of roles and thresholds, over evidence that is made up."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.checks import Attestation, Evidence, ListedFile, SignatureOutcome
from provenance.checks.roles import (
    check_beyond_release,
    check_policy_times,
    check_revoked_artifacts,
    check_roles,
)
from provenance.findings import Finding, Severity
from provenance.manifest import DATASET_V1, EVALUATION_V1, MANIFEST_V1, Manifest
from provenance.signing import VerifiedSigner, generate_private_key
from provenance.trust import RevokedArtifact, Role, TrustedSigner, TrustPolicy
from support.examples import least_manifest

if TYPE_CHECKING:
    from collections.abc import Sequence

KEYS = {name: generate_private_key("ed25519").public_key for name in "abcd"}
SIGNERS = tuple(TrustedSigner(name=name, verifier=key) for name, key in KEYS.items())
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def outcome(name: str, *, faulty: bool = False) -> SignatureOutcome:
    """Return a signature by a signer of the policy, or by a stranger."""
    if name not in KEYS:
        return SignatureOutcome("invalid", "SHA256:stranger")
    key = KEYS[name]
    signer = VerifiedSigner("key", key.fingerprint, key.scheme)
    faults = (Finding("policy-revoked", "", "revoked"),) if faulty else ()
    return SignatureOutcome(
        "verified",
        key.fingerprint,
        key.scheme,
        signer=signer,
        counted={} if faulty else {name: signer},
        faults=faults,
    )


def evidence(main: str, *others: str, kind: str = "co-signature", **changes: Any) -> Evidence:  # noqa: ANN401 - fields
    manifest = Manifest(**{**least_manifest(), **changes})
    attestations = tuple(
        Attestation(path=f"attestations/{number}", kind=kind, signature=outcome(name))
        for number, name in enumerate(others)
    )
    made = Evidence.of_draft(manifest)
    return replace(
        made, source="folder", signature=outcome(main), attestations=attestations, now=NOW
    )


def role(name: str = "trainer", signers: str = "ab", threshold: int = 1, **more: Any) -> Role:  # noqa: ANN401 - fields
    options = {"predicate_types": (MANIFEST_V1,), **more}
    return Role(name=name, signers=tuple(signers), threshold=threshold, **options)


def policy(*roles: Role, **more: Any) -> TrustPolicy:  # noqa: ANN401 - fields
    return TrustPolicy(signers=SIGNERS, roles=roles, **more)


def codes(made: Evidence, rules: TrustPolicy) -> list[str]:
    return [finding.code for finding in check_roles(made, rules)]


def errors(made: Evidence, rules: TrustPolicy) -> list[str]:
    found = check_roles(made, rules)
    return [finding.code for finding in found if finding.severity is Severity.ERROR]


@pytest.mark.parametrize(
    ("main", "others", "threshold", "expected"),
    [
        pytest.param("a", "", 1, [], id="one of one"),
        pytest.param("a", "", 2, ["policy-threshold"], id="one of two"),
        pytest.param("a", "a", 2, ["policy-threshold"], id="one twice"),
        pytest.param("a", "c", 2, ["policy-threshold"], id="a signer of no role"),
        pytest.param("a", "x", 2, ["policy-threshold"], id="a stranger"),
        pytest.param("a", "b", 2, [], id="two of two"),
        pytest.param("a", "xbx", 2, [], id="strangers around"),
        pytest.param("c", "ab", 2, ["policy-role"], id="the manifest's own by no role"),
    ],
)
def test_thresholds(main: str, others: str, threshold: int, expected: list[str]) -> None:
    assert errors(evidence(main, *others), policy(role(threshold=threshold))) == expected


def test_a_faulty_signature_neither_counts_nor_harms_beside_the_manifest() -> None:
    made = evidence("a", "b")
    faulty = Attestation("attestations/0", "co-signature", outcome("b", faulty=True))
    made = replace(made, attestations=(faulty,))
    assert codes(made, policy(role())) == ["signature-not-counted"]
    assert errors(made, policy(role(threshold=2))) == ["policy-threshold"]


def test_a_role_that_is_not_required_needs_nobody() -> None:
    auditor = role("auditor", "d", required=False)
    assert codes(evidence("a"), policy(role(), auditor)) == []
    assert codes(evidence("a", "d"), policy(role(), auditor)) == []


@pytest.mark.parametrize(
    ("models", "expected"),
    [
        pytest.param(("digits-mlp",), [], id="exact"),
        pytest.param(("digits-*",), [], id="beginning"),
        pytest.param(("digits",), ["policy-model-name", "policy-threshold"], id="shorter"),
        pytest.param(("digits-mlp-2",), ["policy-model-name", "policy-threshold"], id="longer"),
        pytest.param(("Digits-*",), ["policy-model-name", "policy-threshold"], id="case"),
        pytest.param(("digits\u2010mlp",), ["policy-model-name", "policy-threshold"], id="hyphen"),
    ],
)
def test_model_names(models: tuple[str, ...], expected: list[str]) -> None:
    named = evidence("a", model={"name": "digits-mlp"})
    assert codes(named, policy(role(models=models))) == expected


def test_evaluators_are_counted_over_their_own_statements() -> None:
    evaluator = role("evaluator", "cd", 2, predicate_types=(EVALUATION_V1,))
    assert codes(evidence("a", "c", "d", kind=EVALUATION_V1), policy(role(), evaluator)) == []
    once = evidence("a", "c", "c", kind=EVALUATION_V1)
    assert codes(once, policy(role(), evaluator)) == ["policy-threshold"]
    # A co-signature is no evaluation, and the evaluator may not sign one.
    other = evidence("a", "c", "d")
    assert errors(other, policy(role(), evaluator)) == ["policy-threshold"]
    assert codes(other, policy(role(), evaluator)).count("signature-not-counted") == 2


NAMES = st.lists(st.sampled_from("abcdx"), max_size=5)


@pytest.mark.property
@given(NAMES, NAMES, st.integers(1, 3))
def test_one_more_signature_never_makes_an_error(
    others: Sequence[str], more: Sequence[str], threshold: int
) -> None:
    rules = policy(role(signers="abc", threshold=threshold), role("auditor", "d"))
    before = errors(evidence("a", *others), rules)
    after = errors(evidence("a", *others, *more), rules)
    assert len(after) <= len(before)
    if not before:
        assert after == []


@pytest.mark.property
@given(NAMES, st.integers(1, 3))
def test_strangers_change_no_error(others: Sequence[str], threshold: int) -> None:
    rules = policy(role(signers="abc", threshold=threshold), role("auditor", "d"))
    strangers = evidence("a", *others, "x", "x")
    assert errors(strangers, rules) == errors(evidence("a", *others), rules)


@pytest.mark.parametrize(
    ("expires", "found"),
    [(NOW + timedelta(seconds=1), []), (NOW, ["policy-expired"])],
    ids=["in a second", "now"],
)
def test_policy_that_expires(expires: datetime, found: list[str]) -> None:
    made = check_policy_times(evidence("a"), policy(role(), expires=expires))
    assert [finding.code for finding in made] == found


@pytest.mark.parametrize(
    ("created", "found"),
    [
        pytest.param("2026-11-23T12:00:00Z", [], id="a day"),
        pytest.param("2026-11-23T11:59:59Z", ["policy-age"], id="a day and a second"),
        pytest.param("0001-01-01T00:00:00Z", ["policy-age"], id="year 1"),
        pytest.param("9999-12-31T23:59:59Z", [], id="year 9999"),
    ],
)
def test_age(created: str, found: list[str]) -> None:
    made = check_policy_times(evidence("a", createdAt=created), policy(role(), max_age_days=1))
    assert [finding.code for finding in made] == found


def test_revoked_file() -> None:
    made = evidence("a")
    rules = policy(role(), revoked_artifacts=(RevokedArtifact("0" * 64, "\x1b[31mbad"),))
    assert list(check_revoked_artifacts(made, rules)) == []
    digest = "1" * 64
    made = replace(made, listed=(ListedFile("a", 1, {"sha256": digest}),))
    rules = policy(role(), revoked_artifacts=(RevokedArtifact(digest, "\x1b[31mbad"),))
    found = list(check_revoked_artifacts(made, rules))
    assert [finding.code for finding in found] == ["policy-artifact-revoked"]
    assert all("\x1b" not in finding.message for finding in found)


def test_statements_about_datasets_cannot_be_seen() -> None:
    data = role("data", "d", predicate_types=(DATASET_V1,))
    found = check_beyond_release(evidence("a"), policy(role(), data))
    assert [finding.code for finding in found] == ["required-not-checked"]
    assert errors(evidence("a"), policy(role(), data)) == []
