"""Signed policies: whose word they are, and how one version follows another."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from provenance.canonical import MAX_POLICY_UPDATES
from provenance.digest import DigestSet
from provenance.envelope import Subject, write_bundle, write_statement
from provenance.errors import TrustError, UsageError
from provenance.manifest import MANIFEST_V1
from provenance.signing import PrivateKey, generate_private_key, sign_payload
from provenance.trust import (
    POLICY_V1,
    SignedPolicy,
    add_policy_signature,
    is_signed_policy,
    load_signed_policy,
    sign_policy,
    update_policy,
)
from support.policies import policy_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEYS = {name: generate_private_key() for name in ("ann", "ben", "cho", "dan")}
STRANGER = generate_private_key()


def document(version: int = 1, *names: str, threshold: int = 2, **changes: Any) -> bytes:  # noqa: ANN401 - JSON
    """Return a policy document that `names` may replace; all keys are signers of it."""
    return policy_bytes(
        {name: key.public_key for name, key in KEYS.items()},
        version=version,
        **{
            "policySigners": {
                "signers": list(names or ("ann", "ben", "cho")),
                "threshold": threshold,
            },
            **changes,
        },
    )


def signed(data: bytes, *names: str, previous: bytes | None = None) -> bytes:
    """Return a document signed by some of the keys."""
    first, *more = (KEYS[name] for name in names or ("ann", "ben"))
    whole = sign_policy(data, first, previous=previous)
    for key in more:
        whole = add_policy_signature(whole, key)
    return whole


def load(data: bytes, *keys: PrivateKey, **options: Any) -> SignedPolicy:  # noqa: ANN401 - as the function
    named = [key.public_key for key in keys or (KEYS["ann"],)]
    return load_signed_policy(data, named, **{"now": NOW, **options})


def raw(predicate: dict[str, Any], kind: str = POLICY_V1, digest: str | None = None) -> bytes:
    """Return a bundle about any predicate."""
    text = str(predicate.get("document", ""))
    digest = digest or sha256(text.encode()).hexdigest()
    subject = Subject("test", DigestSet({"sha256": digest}))
    return write_bundle(sign_payload(write_statement((subject,), kind, predicate), KEYS["ann"]))


FIRST = document(1)
SECOND = document(2)
THIRD = document(3)
ONE = signed(FIRST)
TWO = signed(SECOND, previous=FIRST)
THREE = signed(THIRD, previous=SECOND)


# Loading


def test_signed_policy_is_loaded() -> None:
    found = load(ONE)
    assert (found.version, found.document) == (1, FIRST)
    assert found.sha256 == sha256(FIRST).hexdigest()
    assert found.policy.name == "test"


def test_stranger_has_no_say() -> None:
    with pytest.raises(TrustError, match="signed by none of the keys"):
        load(ONE, STRANGER)
    own = policy_bytes({"x": STRANGER.public_key})
    with pytest.raises(TrustError, match="signed by none of the keys"):
        load(sign_policy(own, STRANGER))


def test_without_a_key_nothing_is_loaded() -> None:
    with pytest.raises(TrustError, match="no key of those who may sign it is known"):
        load_signed_policy(ONE, now=NOW)


def test_fingerprint_is_enough_if_the_policy_lists_the_key() -> None:
    ann = KEYS["ann"].public_key
    assert ann.ssh_fingerprint is not None
    for own in (ann.fingerprint, ann.ssh_fingerprint):
        assert load_signed_policy(ONE, fingerprints=(own,), now=NOW).version == 1
    for other in (KEYS["cho"], STRANGER):
        with pytest.raises(TrustError):
            load_signed_policy(ONE, fingerprints=(other.fingerprint,), now=NOW)


def test_fewer_than_its_own_threshold_is_refused() -> None:
    with pytest.raises(
        TrustError, match="has 1 of the 2 signatures that are needed of its own policySigners"
    ):
        load(signed(FIRST, "ann"))


def test_same_key_twice_counts_once() -> None:
    with pytest.raises(TrustError, match="1 of the 2"):
        load(signed(FIRST, "ann", "ann"))


def test_signer_who_is_no_policy_signer_does_not_count() -> None:
    with pytest.raises(TrustError, match="1 of the 2"):
        load(signed(FIRST, "ann", "dan"))


def test_policy_without_policy_signers_is_loaded_by_a_key() -> None:
    data = document(policySigners=None)
    assert load(signed(data, "ann")).document == data


@pytest.mark.parametrize(
    ("seconds", "fresh"), [(1, True), (0, False), (-1, False)], ids=["before", "at", "after"]
)
def test_expired_policy_is_refused(seconds: int, fresh: bool) -> None:  # noqa: FBT001 - a table
    end = f"{NOW + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}"
    data = signed(document(expires=end))
    if fresh:
        assert load(data).policy.expires
        return
    with pytest.raises(TrustError, match="expired at"):
        load(data)


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda _: b"{}",
        lambda _: FIRST,
        lambda data: data + b"\n",
        lambda data: data + b"{}",
        lambda data: b"\n" + data,
        lambda data: data + TWO,
        lambda data: data * MAX_POLICY_UPDATES,
        lambda _: raw({"document": FIRST.decode()}, kind=MANIFEST_V1),
        lambda _: raw({"document": FIRST.decode()}, digest="0" * 64),
        lambda _: raw({"document": FIRST.decode(), "more": 1}),
        lambda _: raw({"document": 1}),
        lambda _: raw({}),
        lambda _: raw({"document": FIRST.decode(), "previous": "0" * 64}),
        lambda _: raw({"document": FIRST.decode(), "previous": {"sha256": "x"}}),
        lambda _: raw({"document": FIRST.decode(), "previous": {"sha512": "0" * 128}}),
        lambda _: raw({"document": "{}"}),
        lambda _: raw({"document": "policyVersion = "}),
    ],
    ids=[
        "empty", "object", "unsigned", "blank line", "second object", "blank first", "two payloads",
        "too many", "predicate type", "subject", "unknown member", "number", "nothing",
        "previous text", "previous no digest", "previous other digest", "no policy", "no TOML",
    ],
)  # fmt: skip
def test_malformed_is_refused(damage: Callable[[bytes], bytes]) -> None:
    with pytest.raises(TrustError, match="this is no signed policy"):
        load(damage(ONE))


def test_policy_that_came_signed_names_no_files() -> None:
    data = document(
        signers={"ann": {"key": "ann.pub"}},
        policySigners=None,
        roles={"trainer": {"signers": ["ann"]}},
    )
    with pytest.raises(UsageError, match="lies in no folder"):
        sign_policy(data, KEYS["ann"])


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"name = 1", b"\xff"])
def test_what_is_no_policy_is_not_signed(data: bytes) -> None:
    with pytest.raises(UsageError):
        sign_policy(data, KEYS["ann"])


def test_signed_and_unsigned_are_told_apart() -> None:
    assert is_signed_policy(ONE)
    assert is_signed_policy(signed(FIRST, "ann"))
    assert not is_signed_policy(FIRST)
    assert not is_signed_policy(b"")


def test_number_of_signatures_is_limited() -> None:
    whole = ONE.split(b"\n")[0] + b"\n"
    with pytest.raises(TrustError, match="at most"):
        add_policy_signature(whole * MAX_POLICY_UPDATES, KEYS["ann"])


# Updating


def test_chain_of_updates_is_followed() -> None:
    found = update_policy(ONE, (TWO, THREE), now=NOW)
    assert (found.version, found.document) == (3, THIRD)
    with pytest.raises(TrustError, match="no update"):  # and nobody would have looked at version 1
        update_policy(ONE, (), now=NOW)


@pytest.mark.parametrize(
    ("updates", "problem"),
    [
        ((THREE,), "version 3 does not follow version 1: 2 is missing"),
        ((TWO, ONE), "version 1 is older than version 2"),
        ((ONE,), "version 1 is the one in use"),
        ((TWO, TWO), "version 2 is the one in use"),
        ((signed(document(1, maxAgeDays=1)),), "there are two documents of version 1"),
        ((TWO, signed(document(2, maxAgeDays=1), previous=FIRST)), "there are two documents of"),
        ((signed(SECOND),), "follows the document none"),
        ((signed(SECOND, previous=document(1, maxAgeDays=1)),), "follows the document"),
        ((signed(document(2, name="other"), previous=FIRST),), "is another policy than"),
        ((b"{}",), "this is no signed policy"),
    ],
    ids=[
        "skipped", "rollback", "same", "same again", "same version", "same version later",
        "no previous", "other previous", "other name", "malformed",
    ],
)  # fmt: skip
def test_what_does_not_follow_is_refused(updates: tuple[bytes, ...], problem: str) -> None:
    with pytest.raises(TrustError, match=problem):
        update_policy(ONE, updates, now=NOW)


@pytest.mark.parametrize(
    ("names", "whose"),
    [
        (("ann", "dan"), "of version 1"),
        (("ann",), "of version 1"),
        (("ann", "cho"), "of its own"),
    ],
    ids=["one of the old", "one of either", "one of the new"],
)
def test_both_thresholds_are_needed(names: tuple[str, ...], whose: str) -> None:
    new = document(2, "ann", "ben", "dan")
    with pytest.raises(
        TrustError, match=f"has 1 of the 2 signatures that are needed {whose} policySigners"
    ):
        update_policy(ONE, (signed(new, *names, previous=FIRST),), now=NOW)


def test_people_are_replaced_with_their_consent() -> None:
    new = document(2, "dan", threshold=1)
    both = signed(new, "ann", "ben", "dan", previous=FIRST)
    assert update_policy(ONE, (both,), now=NOW).version == 2
    with pytest.raises(TrustError, match="has 0 of the 1 signatures that are needed of its own"):
        update_policy(ONE, (signed(new, "ann", "ben", previous=FIRST),), now=NOW)
    with pytest.raises(TrustError, match="has 0 of the 2 signatures that are needed of version 1"):
        update_policy(ONE, (signed(new, "dan", previous=FIRST),), now=NOW)


def test_revoked_policy_signer_does_not_count() -> None:
    revoked = {"keys": [{"fingerprint": KEYS["ben"].fingerprint}]}
    new = document(2, revoked=revoked)
    with pytest.raises(TrustError, match="has 1 of the 2 signatures that are needed of its own"):
        update_policy(ONE, (signed(new, previous=FIRST),), now=NOW)


def test_policy_that_names_nobody_is_not_updated() -> None:
    alone = document(1, policySigners=None)
    with pytest.raises(TrustError, match="says of nobody that he may sign the next version"):
        update_policy(signed(alone), (signed(SECOND, previous=alone),), now=NOW)


def test_expired_version_on_the_way_is_passed_and_the_last_is_not() -> None:
    past = "2026-11-22T11:59:59Z"
    middle = document(2, expires=past)
    way = signed(middle, previous=FIRST)
    end = signed(THIRD, previous=middle)
    assert update_policy(ONE, (way, end), now=NOW).version == 3
    with pytest.raises(TrustError, match="version 2 of policy 'test' expired"):
        update_policy(ONE, (way,), now=NOW)


def test_requirements_on_manifests_are_none_on_policies() -> None:
    new = document(2, log={"required": True})
    assert update_policy(ONE, (signed(new, previous=FIRST),), now=NOW).policy.log_required


def test_number_of_updates_is_limited() -> None:
    with pytest.raises(TrustError, match="at most"):
        update_policy(ONE, (TWO,) * (MAX_POLICY_UPDATES + 1), now=NOW)


@pytest.mark.parametrize(("version", "problem"), [(1, "in use"), (3, "2 is missing")])
def test_author_is_told_of_a_wrong_version(version: int, problem: str) -> None:
    with pytest.raises(TrustError, match=problem):
        sign_policy(document(version), KEYS["ann"], previous=FIRST)


def test_toml_is_kept_as_it_was_written() -> None:
    pem = json.dumps(KEYS["ann"].public_key.to_pem().decode())
    text = 'policyVersion = "1.0"\nname = "t"\n[roles.trainer]\nsigners = ["ann"]\n'
    text += f"[signers.ann]\nkey = {pem}\n"
    assert load(sign_policy(text.encode(), KEYS["ann"])).document == text.encode()
