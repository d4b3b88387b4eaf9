"""Entries of several logs, and how many of them are asked for."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from provenance import canonical
from provenance.errors import SignatureError
from provenance.signing.keyless.contents import SignedContent
from provenance.signing.transparency import read_trusted_root, verify_log_entries
from support.keyless import ARTIFACT, Instance, Signing
from support.logs import Log, encoded

if TYPE_CHECKING:
    from provenance.canonical import JsonValue
    from provenance.signing import VerifiedTime

V3 = "application/vnd.dev.sigstore.bundle.v0.3+json"


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Instance:
    return Instance(tmp_path_factory.mktemp("instance"))


def read(entry: dict[str, Any]) -> JsonValue:
    return canonical.parse(json.dumps(entry).encode(), foreign=True)


def verified(
    instance: Instance, signing: Signing, entries: list[dict[str, Any]], least: int
) -> tuple[VerifiedTime, ...]:
    content = SignedContent(signing.signature, {"sha256": hashlib.sha256(ARTIFACT).digest()})
    return verify_log_entries(
        [read(entry) for entry in entries],
        content.logged(signing.der, is_certificate=True, scheme="ecdsa-p256-sha256"),
        read_trusted_root(json.dumps(instance.trusted_root(authority=False)).encode()),
        media_type=V3,
        least=least,
    )


@pytest.mark.parametrize("least", [0, 1, 2])
def test_entries_of_two_logs_count_twice(instance: Instance, least: int) -> None:
    signing = instance.sign(message=True)
    entries = [instance.entry(signing), instance.entry(signing, second=True)]
    (time,) = verified(instance, signing, entries, least)
    assert time.at == instance.now


def test_entries_of_one_log_count_once(instance: Instance) -> None:
    signing = instance.sign(message=True)
    body = encoded(signing.body("hashedrekord/0.0.1"))
    time = int(instance.now.timestamp())
    entries = [instance.first.entry(body, time=time, index=index) for index in (0, 2)]
    assert len(verified(instance, signing, entries, 1)) == 2
    with pytest.raises(SignatureError, match="2 are required"):
        verified(instance, signing, entries, 2)


@pytest.mark.parametrize("least", [1, 2])
def test_no_entry_is_too_few(instance: Instance, least: int) -> None:
    with pytest.raises(SignatureError) as caught:
        verified(instance, instance.sign(message=True), [], least)
    assert caught.value.code == "log-entry-invalid"


def test_one_false_entry_spoils_the_others(instance: Instance) -> None:
    signing = instance.sign(message=True)
    unknown = Log("log.example.com", instance.second.key, second=True)
    stranger = unknown.entry(encoded(signing.body("hashedrekord/0.0.2")))
    with pytest.raises(SignatureError) as caught:
        verified(instance, signing, [instance.entry(signing), stranger], 1)
    assert caught.value.path == "/verificationMaterial/tlogEntries/1"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 64, 65])
def test_every_place_of_trees_of_many_sizes(instance: Instance, size: int) -> None:
    signing = instance.sign(message=True)
    body = encoded(signing.body("hashedrekord/0.0.2"))
    others = [b"%d" % number for number in range(size - 1)]
    for index in {0, 1, size // 2, size - 2, size - 1} & set(range(size)):
        entry = instance.second.entry(body, index=index, others=others)
        assert verified(instance, signing, [entry], 1) == ()


@pytest.mark.parametrize("time", [0, -1, 2**62, 10**12], ids=["zero", "negative", "2^62", "far"])
def test_a_promise_of_a_time_that_is_none(instance: Instance, time: int) -> None:
    signing = instance.sign(message=True)
    entry = instance.first.entry(encoded(signing.body("hashedrekord/0.0.1")), time=time)
    with pytest.raises(SignatureError) as caught:
        verified(instance, signing, [entry], 1)
    assert caught.value.code == "log-entry-invalid"


def test_a_key_that_a_log_had_before_still_counts(instance: Instance) -> None:
    """Two instances of one log id: the first may not fit, the second does."""
    signing = instance.sign(message=True)
    tree = instance.trusted_root(authority=False)
    ended = json.loads(json.dumps(tree["tlogs"][0]))
    ended["publicKey"]["validFor"] = {"end": "2020-01-01T00:00:00Z"}
    tree["tlogs"].insert(0, ended)
    content = SignedContent(signing.signature, {"sha256": hashlib.sha256(ARTIFACT).digest()})
    times = verify_log_entries(
        [read(instance.entry(signing))],
        content.logged(signing.der, is_certificate=True, scheme="ecdsa-p256-sha256"),
        read_trusted_root(json.dumps(tree).encode()),
        media_type=V3,
    )
    assert [time.at for time in times] == [instance.now]
