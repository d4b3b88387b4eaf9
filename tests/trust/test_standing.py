"""Tests of whether a signature that verifies counts: algorithm, window, revocation, proven time."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest
from msgspec.structs import replace

from provenance.manifest import MANIFEST_V1
from provenance.signing import VerifiedSigner, VerifiedTime, generate_private_key
from provenance.trust import RevokedKey, Role, TrustedSigner, TrustPolicy, find_faults

KEY = generate_private_key().public_key
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
ALICE = TrustedSigner(name="alice", verifier=KEY)


def stamped(
    *times: datetime,
    source: Literal["timestamp-authority", "transparency-log"] = "timestamp-authority",
) -> VerifiedSigner:
    stamps = tuple(VerifiedTime(time, source, "SHA256:tsa") for time in times)
    return VerifiedSigner("key", KEY.fingerprint, KEY.scheme, times=stamps)


def codes(
    signer: VerifiedSigner,
    trusted: TrustedSigner = ALICE,
    **policy: Any,  # noqa: ANN401 - fields of a policy
) -> list[str]:
    role = Role(name="trainer", signers=("alice",), predicate_types=(MANIFEST_V1,))
    made = TrustPolicy(signers=(trusted,), roles=(role,), **policy)
    return [code for code, _ in find_faults(made, trusted, signer, NOW)]


def test_nothing_is_wrong_by_default() -> None:
    assert codes(stamped()) == []
    assert codes(stamped(NOW - timedelta(days=9_000))) == []


@pytest.mark.parametrize(
    ("signers", "policy", "fault"),
    [
        pytest.param((), (), False, id="default"),
        pytest.param((), ("ecdsa-p256-sha256",), False, id="of the policy"),
        pytest.param(("ecdsa-p256-sha256",), (), False, id="of the signer"),
        pytest.param((), ("ed25519",), True, id="not of the policy"),
        pytest.param(("ed25519",), ("ecdsa-p256-sha256",), True, id="not of the signer"),
    ],
)
def test_algorithms(signers: tuple[str, ...], policy: tuple[str, ...], *, fault: bool) -> None:
    trusted = replace(ALICE, algorithms=signers)
    assert codes(stamped(), trusted, algorithms=policy) == ["policy-algorithm"] * fault


def test_a_scheme_that_is_no_default_counts_only_where_it_is_named() -> None:
    signer = dataclasses.replace(stamped(), scheme="rsa-pkcs1v15-sha256")
    assert codes(signer) == ["policy-algorithm"]
    assert codes(signer, algorithms=("rsa-pkcs1v15-sha256",)) == []


@pytest.mark.parametrize(
    ("begin", "end", "fault"),
    [
        pytest.param(NOW, None, False, id="begins now"),
        pytest.param(NOW + SECOND, None, True, id="begins in a second"),
        pytest.param(None, NOW, False, id="ends now"),
        pytest.param(None, NOW - SECOND, True, id="ended a second ago"),
        pytest.param(NOW, NOW, False, id="now alone"),
    ],
)
def test_window_without_a_proven_time(
    begin: datetime | None, end: datetime | None, *, fault: bool
) -> None:
    trusted = replace(ALICE, not_before=begin, not_after=end)
    assert codes(stamped(), trusted) == ["policy-validity"] * fault


def test_a_proven_time_inside_an_ended_window_is_good() -> None:
    trusted = replace(ALICE, not_after=NOW - timedelta(days=30))
    assert codes(stamped(NOW - timedelta(days=31)), trusted) == []
    assert codes(stamped(NOW - timedelta(days=29)), trusted) == ["policy-validity"]
    both = stamped(NOW - timedelta(days=31), NOW - timedelta(days=29))
    assert codes(both, trusted) == ["policy-validity"]


SINCE = NOW - timedelta(days=30)


@pytest.mark.parametrize(
    ("signer", "since", "fault"),
    [
        pytest.param(stamped(), None, True, id="always revoked"),
        pytest.param(stamped(SINCE - SECOND), None, True, id="always revoked, with a time"),
        pytest.param(stamped(), SINCE, True, id="no time proven"),
        pytest.param(stamped(), NOW + SECOND, True, id="revoked in the future, no time proven"),
        pytest.param(stamped(SINCE - SECOND), SINCE, False, id="a second before"),
        pytest.param(stamped(SINCE), SINCE, True, id="at the second"),
        pytest.param(stamped(SINCE + SECOND), SINCE, True, id="a second after"),
        pytest.param(stamped(SINCE - SECOND, SINCE), SINCE, True, id="one before, one after"),
    ],
)
def test_revoked_key(signer: VerifiedSigner, since: datetime | None, *, fault: bool) -> None:
    revoked = (RevokedKey(KEY.fingerprint, since),)
    assert codes(signer, revoked_keys=revoked) == ["policy-revoked"] * fault


def test_a_revoked_key_is_revoked_behind_every_name() -> None:
    signer = dataclasses.replace(stamped(), kind="certificate", identity="a@b.example", issuer="ca")
    assert codes(signer, revoked_keys=(RevokedKey(KEY.fingerprint),)) == ["policy-revoked"]
    other = generate_private_key().public_key
    assert codes(signer, revoked_keys=(RevokedKey(other.fingerprint),)) == []


def test_a_key_is_revoked_by_the_fingerprint_that_openssh_shows() -> None:
    signer = dataclasses.replace(stamped(), ssh_fingerprint=KEY.ssh_fingerprint)
    assert KEY.ssh_fingerprint is not None
    assert codes(signer, revoked_keys=(RevokedKey(KEY.ssh_fingerprint),)) == ["policy-revoked"]


def test_the_strictest_of_two_revocations_of_one_key_holds() -> None:
    revoked = (RevokedKey(KEY.fingerprint, NOW), RevokedKey(KEY.fingerprint, SINCE))
    signer = stamped(SINCE + SECOND)
    assert codes(signer, revoked_keys=revoked) == ["policy-revoked"]
    assert codes(signer, revoked_keys=revoked[::-1]) == ["policy-revoked"]


def test_required_witnesses() -> None:
    assert codes(stamped(), timestamp_required=True) == ["policy-timestamp-required"]
    assert codes(stamped(), log_required=True) == ["policy-log-required"]
    logged = stamped(NOW, source="transparency-log")
    assert codes(logged, timestamp_required=True) == ["policy-timestamp-required"]
    assert codes(logged, log_required=True) == []
    assert codes(stamped(NOW), timestamp_required=True) == []


# Keys that vouch for a signature or for its time


INTERMEDIATE, ROOT, TSA, ANOTHER = (f"SHA256:{letter * 42}A" for letter in "abcd")
TSA_ROOT = f"{TSA[:-1]}0"

CERTIFIED = VerifiedSigner(
    "certificate", KEY.fingerprint, KEY.scheme, "a@example.org", ROOT,
    vouchers=(INTERMEDIATE, ROOT),
)  # fmt: skip


@pytest.mark.parametrize(
    "name",
    [INTERMEDIATE, ROOT, KEY.fingerprint],
    ids=["intermediate", "root", "leaf"],
)
def test_revoked_authority_spoils_what_it_vouches_for(name: str) -> None:
    assert codes(CERTIFIED, revoked_keys=(RevokedKey(name),)) == ["policy-revoked"]
    assert codes(CERTIFIED, revoked_keys=(RevokedKey(ANOTHER),)) == []


@pytest.mark.parametrize(("seconds", "fault"), [(1, False), (0, True), (-1, True)])
def test_authority_that_is_revoked_from_a_time_on(seconds: int, *, fault: bool) -> None:
    proven = VerifiedTime(NOW - seconds * SECOND, "timestamp-authority", TSA)
    signer = dataclasses.replace(CERTIFIED, times=(proven,))
    found = codes(signer, revoked_keys=(RevokedKey(ROOT, NOW),))
    assert found == ["policy-revoked"] * fault


@pytest.mark.parametrize("name", [TSA, TSA_ROOT], ids=["its own", "above"])
def test_time_by_a_revoked_authority_is_no_proof(name: str) -> None:
    def stamp(authority: str, at: datetime) -> VerifiedTime:
        return VerifiedTime(at, "timestamp-authority", authority, (authority, f"{authority[:-1]}0"))

    by_it = stamp(TSA, NOW - 9 * SECOND)
    alone = dataclasses.replace(stamped(), times=(by_it,))
    # A stolen key of an authority proves any time, one before the theft too.
    assert codes(alone, revoked_keys=(RevokedKey(name, NOW),)) == ["policy-revoked"]
    assert codes(alone, revoked_keys=(RevokedKey(name),)) == ["policy-revoked"]
    another = stamp(ANOTHER, NOW - SECOND)
    both = dataclasses.replace(stamped(), times=(by_it, another))
    assert codes(both, revoked_keys=(RevokedKey(name, NOW),)) == []
    assert codes(both, revoked_keys=(RevokedKey(name, NOW - SECOND),)) == ["policy-revoked"]
