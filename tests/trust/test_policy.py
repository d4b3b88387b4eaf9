"""Tests of the trust policy."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from datetime import datetime
from typing import Any

import pytest

from provenance.errors import UsageError
from provenance.signing import generate_private_key
from provenance.trust import (
    Requirement,
    RevokedArtifact,
    RevokedKey,
    Role,
    TrustedSigner,
    TrustPolicy,
)

KEY = generate_private_key().public_key

TRAINER = Role(name="trainer", signers=("alice",), predicate_types=("x",))


def test_the_default_trusts_nobody() -> None:
    policy = TrustPolicy()
    assert policy.keys == ()
    assert policy.fingerprints == ()
    assert (policy.model_name, policy.all_digests, policy.presets) == (None, False, ())
    assert policy.clock_skew_seconds == 300


def test_one_key_named_twice_counts_once() -> None:
    other = generate_private_key("ed25519").public_key
    policy = TrustPolicy(keys=(KEY, other, KEY))
    assert policy.fingerprints == (KEY.fingerprint, other.fingerprint)


def test_a_policy_is_frozen_and_derived_ones_leave_it_equal() -> None:
    policy = TrustPolicy(keys=(KEY,), model_name="digits-mlp", presets=("hub",))
    with pytest.raises(FrozenInstanceError):
        policy.keys = ()  # type: ignore[misc]  # what the test is about
    assert replace(policy, model_name="other") != policy
    assert policy == TrustPolicy(keys=(KEY,), model_name="digits-mlp", presets=("hub",))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("keys", [KEY]),
        ("keys", KEY),
        ("keys", (b"key",)),
        ("keys", (KEY.fingerprint,)),
        ("keys", (KEY,) * 1025),
        ("model_name", ""),
        ("model_name", "x" * 1001),
        ("model_name", 7),
        ("all_digests", "false"),
        ("all_digests", 1),
        ("clock_skew_seconds", -1),
        ("clock_skew_seconds", 86_401),
        ("clock_skew_seconds", 1.5),
        ("clock_skew_seconds", True),
        ("clock_skew_seconds", "300"),
        ("presets", "hub"),
        ("presets", ["hub"]),
        ("presets", ("all",)),
        ("presets", (["hub"],)),
    ],
)
def test_nonsense_is_a_usage_error_that_names_the_field(field: str, value: object) -> None:
    arguments: dict[str, Any] = {field: value}
    with pytest.raises(UsageError) as caught:
        TrustPolicy(**arguments)
    assert caught.value.path == field


@pytest.mark.parametrize("skew", [0, 86_400])
def test_the_limits_of_the_clock_are_allowed(skew: int) -> None:
    assert TrustPolicy(clock_skew_seconds=skew).clock_skew_seconds == skew


ALICE = TrustedSigner(name="alice", verifier=KEY)


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        pytest.param({"signers": (ALICE,)}, "roles", id="signers without a role"),
        pytest.param(
            {"signers": (ALICE, ALICE), "roles": (TRAINER,)},
            "signers",
            id="a name twice",
        ),
        pytest.param(
            {"roles": (TRAINER,)},
            "roles/trainer",
            id="a name of nobody",
        ),
        pytest.param(
            {"signers": (ALICE,), "roles": (Role(name="trainer", signers=()),)},
            "roles/trainer",
            id="nobody",
        ),
        pytest.param(
            {
                "signers": (ALICE,),
                "roles": (Role(name="trainer", signers=("alice", "alice"), threshold=2),),
            },
            "roles/trainer",
            id="a threshold by a name twice",
        ),
        pytest.param(
            {
                "signers": (ALICE,),
                "roles": (Role(name="trainer", signers=("alice",), threshold=0),),
            },
            "roles/trainer",
            id="a threshold of zero",
        ),
        pytest.param(
            {
                "signers": (ALICE,),
                "roles": (TRAINER,),
                "policy_signers": Role(name="policySigners", signers=("bob",)),
            },
            "roles/policySigners",
            id="an unknown signer of the policy",
        ),
        pytest.param({"expires": datetime(2027, 1, 1)}, "expires", id="a time without a zone"),  # noqa: DTZ001 - what is refused
        pytest.param({"expires": "2027"}, "expires", id="a time that is a text"),
        pytest.param({"max_age_days": "9"}, "max_age_days", id="an age that is a text"),
        pytest.param({"max_age_days": 0}, "max_age_days", id="an age of nothing"),
        pytest.param({"max_age_days": float("nan")}, "max_age_days", id="an age that is no number"),
        pytest.param({"max_age_days": 36_501}, "max_age_days", id="an age of centuries"),
        pytest.param({"algorithms": ("x",)}, "algorithms", id="a scheme of nobody"),
        pytest.param({"requirements": "model.name"}, "requirements", id="a text as requirements"),
        pytest.param(
            {"requirements": (Requirement("nope", "bound"),)}, "requirements", id="no field"
        ),
        pytest.param(
            {"requirements": (Requirement("model.name", "x"),)}, "requirements", id="no rung"
        ),
        pytest.param(
            {"part_requirements": (Requirement("nope", "bound"),)},
            "part_requirements",
            id="no part",
        ),
        pytest.param(
            {"revoked_artifacts": (RevokedArtifact("AB" * 32),)},
            "revoked_artifacts",
            id="a digest in capitals",
        ),
        pytest.param(
            {"revoked_keys": (RevokedKey(KEY.fingerprint, datetime(2026, 1, 1)),)},  # noqa: DTZ001 - what is refused
            "revoked_keys",
            id="a revocation without a zone",
        ),
        pytest.param(
            {"revoked_keys": (RevokedKey(KEY.fingerprint + "="),)},
            "revoked_keys",
            id="a fingerprint as nobody writes it",
        ),
        pytest.param({"timestamps": "tsa"}, "timestamps", id="a text as an authority"),
        pytest.param({"recompute_sha256": 1}, "recompute_sha256", id="a number as a flag"),
        pytest.param(
            {"signers": (ALICE,), "roles": (Role(name="trainer", signers=("alice",)),)},
            "roles/trainer",
            id="a role that signs nothing",
        ),
    ],
)
def test_rules_that_make_no_sense(fields: dict[str, Any], path: str) -> None:
    with pytest.raises(UsageError) as caught:
        TrustPolicy(**fields)
    assert caught.value.path == path


def test_every_signer_is_looked_for() -> None:
    role = Role(name="trainer", signers=("alice",), predicate_types=("x",))
    policy = TrustPolicy(signers=(ALICE,), roles=(role,))
    assert policy.verifiers == (KEY,)
    assert policy.fingerprints == (KEY.fingerprint,)
    assert policy.roles_for("x") == (role,)
    assert policy.roles_for("y") == ()
