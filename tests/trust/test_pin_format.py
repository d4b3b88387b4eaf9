"""Tests of pins and their file format."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from provenance import canonical
from provenance.errors import CanonicalError, TrustError
from provenance.signing import PublicKey, generate_private_key
from provenance.trust import Pin, parse_pins, write_pins
from provenance.trust.pin_format import MAX_PINS

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = generate_private_key().public_key
NOW = datetime(2026, 11, 22, 12, 0, 0, 5, tzinfo=UTC)
PIN = Pin.of(name="digits-lab", model="digits-mlp", key=KEY, added_at=NOW)


def test_a_pin_holds_its_key() -> None:
    assert PIN.fingerprint == KEY.fingerprint
    assert PIN.key == KEY
    assert PIN.added_at == "2026-11-22T12:00:00Z"
    with pytest.raises(FrozenInstanceError):
        PIN.name = "other"  # type: ignore[misc]  # what the test is about


def test_times_are_written_in_utc() -> None:
    local = NOW.astimezone(timezone(timedelta(hours=9)))
    assert Pin.of(name="a", model="b", key=KEY, added_at=local).added_at == PIN.added_at
    with pytest.raises(TrustError, match="no time zone"):
        Pin.of(name="a", model="b", key=KEY, added_at=NOW.replace(tzinfo=None))


def test_the_file_is_exact() -> None:
    first = replace(PIN, name="a-lab")
    pem = json.dumps(PIN.public_key)
    rows = [
        f'{{"addedAt":"2026-11-22T12:00:00Z","fingerprint":"{KEY.fingerprint}",'
        f'"model":"digits-mlp","name":"{name}","publicKey":{pem}}}'
        for name in ("a-lab", "digits-lab")
    ]
    assert write_pins([PIN, first]).decode() == f'{{"pins":[{",".join(rows)}],"version":1}}'
    assert parse_pins(write_pins([PIN, first])) == (first, PIN)
    assert parse_pins(write_pins([])) == ()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 201),
        ("name", "a\x1b[31m"),
        ("name", "a\nb"),
        ("name", "a\u202eb"),
        ("model", ""),
        ("model", "x" * 1001),
        ("model", "a\0b"),
        ("added_at", "2026-11-22"),
        ("added_at", "2026-02-30T00:00:00Z"),
        ("added_at", "2026-11-22T12:00:00+00:00"),
        ("added_at", "2026-11-22T12:00:00Z\n"),
        ("added_at", "٢٠٢٦-11-22T12:00:00Z"),
        ("fingerprint", "SHA256:" + "A" * 43),
        ("fingerprint", ""),
        ("public_key", "nonsense"),
        ("public_key", "\ud800"),
        ("public_key", "comment\n" + PIN.public_key),
    ],
)
def test_a_field_that_breaks_its_rule_is_refused(field: str, value: str) -> None:
    arguments: dict[str, Any] = {field: value}
    names = {"added_at": "addedAt", "public_key": "publicKey"}
    with pytest.raises(TrustError) as caught:
        replace(PIN, **arguments)
    assert caught.value.path == f"/{names.get(field, field)}"


def change_row(**fields: object) -> Callable[[dict[str, Any]], None]:
    return lambda tree: tree["pins"][0].update(fields)


def change(**fields: object) -> Callable[[dict[str, Any]], None]:
    return lambda tree: tree.update(fields)


def drop(name: str) -> Callable[[dict[str, Any]], None]:
    return lambda tree: tree.pop(name)


@pytest.mark.parametrize(
    ("damage", "where"),
    [
        (change(version=2), "/version"),
        (change(version=True), "/version"),
        (change(version="1"), "/version"),
        (drop("version"), ""),
        (drop("pins"), ""),
        (change(pins={}), ""),
        (change(extra=1), ""),
        (change(pins=["x"]), "/pins/0"),
        (change_row(extra="x"), "/pins/0"),
        (lambda tree: tree["pins"][0].pop("name"), "/pins/0"),
        (change_row(name=7), "/pins/0/name"),
        (change_row(name=""), "/pins/0/name"),
        (change_row(fingerprint="SHA256:x"), "/pins/0/fingerprint"),
        (lambda tree: tree["pins"].append(tree["pins"][0]), "/pins/1"),
        (lambda tree: tree["pins"].append({**tree["pins"][0], "name": "a"}), "/pins/1"),
    ],
)
def test_a_damaged_file_is_refused(damage: Callable[[dict[str, Any]], None], where: str) -> None:
    tree = json.loads(write_pins([PIN]))
    damage(tree)
    with pytest.raises(TrustError) as caught:
        parse_pins(canonical.write(tree))
    assert caught.value.path == where


@pytest.mark.parametrize(
    "data", [b"", b"[]", b'{"version":1, "pins":[]}', b'{"pins":[],"pins":[],"version":1}']
)
def test_a_file_that_is_not_canonical_json_is_refused(data: bytes) -> None:
    with pytest.raises((CanonicalError, TrustError)):
        parse_pins(data)


def test_a_weak_key_is_refused_in_a_pin_too() -> None:
    spki = bytes.fromhex("302a300506032b6570032100") + bytes(32)
    from base64 import b64encode  # noqa: PLC0415 - only here

    body = b64encode(spki).decode()
    pem = f"-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n"
    with pytest.raises(TrustError, match="small order"):
        replace(PIN, public_key=pem)


def test_the_number_of_pins_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_PINS == 4_096
    monkeypatch.setattr("provenance.trust.pin_format.MAX_PINS", 1)
    two = [PIN, replace(PIN, name="z")]
    with pytest.raises(TrustError, match="at most 1"):
        write_pins(two)
    monkeypatch.undo()
    data = write_pins(two)
    monkeypatch.setattr("provenance.trust.pin_format.MAX_PINS", 1)
    with pytest.raises(TrustError, match="at most 1 pins"):
        parse_pins(data)


def test_keys_of_pins_verify() -> None:
    assert PublicKey.from_pem(PIN.public_key.encode()) == PIN.key
