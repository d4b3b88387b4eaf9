"""Tests of what is known once a signature has verified."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from provenance.errors import UsageError
from provenance.signing import SigningTimes, VerifiedSigner, VerifiedTime

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
STAMP = VerifiedTime(datetime(2026, 1, 1, tzinfo=UTC), "timestamp-authority", "SHA256:tsa")


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(UsageError, match="no time zone"):
        SigningTimes(datetime(2026, 1, 1))  # noqa: DTZ001 - the naive time is the case
    naive = VerifiedTime(datetime(2026, 1, 1), "transparency-log", "SHA256:log")  # noqa: DTZ001
    with pytest.raises(UsageError, match="no time zone"):
        SigningTimes(NOW, (naive,))


def test_proven_times_are_judged_instead_of_the_clock() -> None:
    times = SigningTimes(NOW)
    assert times.judged == (NOW,)
    assert times.with_verified(STAMP).judged == (STAMP.at,)
    assert times.verified == ()


def test_the_present_is_the_default() -> None:
    assert abs((SigningTimes.at_present().now - datetime.now(UTC)).total_seconds()) < 60


def test_a_new_key_of_the_same_identity_is_no_second_vote() -> None:
    first = VerifiedSigner("keyless", "SHA256:a", "s", "me@example.org", "https://issuer.example")
    second = VerifiedSigner("keyless", "SHA256:b", "s", "me@example.org", "https://issuer.example")
    assert first.vote == second.vote
    assert VerifiedSigner("key", "SHA256:a", "s").vote == "SHA256:a"
