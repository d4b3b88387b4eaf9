"""`TrustResolver`: trust that another program brings, for the name that the caller asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from provenance.errors import TrustError, UsageError
from provenance.trust import TrustPolicy, TrustResolver, namespace_of, resolve_trust
from provenance.verification import inspect, verify
from support.crafted import STRANGER, CraftedRelease, fixed_clock, public_key

if TYPE_CHECKING:
    from pathlib import Path

    from provenance.trust.resolver import Resolved


class Hub:
    """Answers the same to everything, and remembers what it was asked."""

    def __init__(self, answer: object) -> None:
        """Begin."""
        self.answer = answer
        self.asked: list[str] = []

    def resolve(self, namespace: str) -> Resolved:
        """Return the answer, or raise it."""
        self.asked.append(namespace)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer  # type: ignore[return-value]  # whatever a careless embedder returns


@pytest.mark.parametrize(
    ("model", "namespace"),
    [
        ("digits-mlp", "digits-mlp"),
        ("lab/digits", "lab"),
        ("org/lab/digits", "org/lab"),
        ("/digits", "/digits"),
        ("lab/", "lab"),
    ],
)
def test_namespace_is_what_stands_before_the_last_slash(model: str, namespace: str) -> None:
    assert namespace_of(model) == namespace


@pytest.mark.parametrize("model", [None, ""])
def test_no_name_is_refused(model: str | None) -> None:
    with pytest.raises(UsageError, match="none was asked for"):
        resolve_trust(Hub(()), model)


@pytest.mark.parametrize(
    "answer",
    [None, [], [public_key()], ("key",), public_key(), "SHA256:x", {}],
    ids=["none", "list", "list of keys", "text", "one key", "fingerprint", "mapping"],
)
def test_unusable_answer_is_refused(answer: object) -> None:
    with pytest.raises(UsageError, match="expected a policy or a tuple of keys"):
        resolve_trust(Hub(answer), "lab/digits")


@pytest.mark.parametrize(
    "error", [TrustError(problem="unknown"), OSError("no network"), KeyError("lab")]
)
def test_resolver_that_fails_is_a_usage_error(error: Exception) -> None:
    with pytest.raises(UsageError, match="'lab': "):
        resolve_trust(Hub(error), "lab/digits")


def test_what_is_no_resolver_is_refused() -> None:
    with pytest.raises(UsageError, match="an object with resolve"):
        resolve_trust({}, "lab/digits")  # type: ignore[arg-type]  # callers without a type checker


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return CraftedRelease().write(tmp_path / "model")


def test_keys_of_the_namespace_count(folder: Path) -> None:
    hub = Hub((public_key(),))
    assert isinstance(hub, TrustResolver)
    found = verify(folder, trust=hub, model="digits-mlp", clock=fixed_clock)
    assert found.report.verdict == "PASS"
    assert hub.asked == ["digits-mlp"]


def test_policy_of_the_namespace_counts(folder: Path) -> None:
    hub = Hub(TrustPolicy(keys=(public_key(),), all_digests=True))
    report = inspect(folder, trust=hub, model="digits-mlp", clock=fixed_clock)
    assert (report.verdict, report.algorithms) == ("PASS", ("blake3", "sha256"))


def test_nobody_known_is_incomplete(folder: Path) -> None:
    report = inspect(folder, trust=Hub(()), model="digits-mlp", clock=fixed_clock)
    assert report.verdict == "INCOMPLETE"


def test_other_keys_fail(folder: Path) -> None:
    hub = Hub((public_key(STRANGER),))
    assert inspect(folder, trust=hub, model="digits-mlp", clock=fixed_clock).verdict == "FAIL"


def test_another_name_than_asked_for_fails(folder: Path) -> None:
    report = inspect(folder, trust=Hub((public_key(),)), model="other", clock=fixed_clock)
    assert report.verdict == "FAIL"


def test_key_or_policy_beside_a_resolver_is_refused(folder: Path) -> None:
    hub = Hub(())
    with pytest.raises(UsageError, match="named beside it"):
        inspect(folder, trust=hub, model="digits-mlp", keys=public_key())
    with pytest.raises(UsageError, match="named beside it"):
        inspect(folder, trust=hub, model="digits-mlp", policy=TrustPolicy())
    with pytest.raises(UsageError, match="none was asked for"):
        inspect(folder, trust=hub)
    assert not hub.asked
