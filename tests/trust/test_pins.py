"""Tests of adding, finding and removing pins."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from provenance.errors import InputError, ProvenanceError, TrustError
from provenance.signing import PublicKey, generate_private_key
from provenance.trust import (
    Pin,
    add_pin,
    pins_for,
    read_pins,
    remove_pin,
    with_pin,
    without_pin,
)

if TYPE_CHECKING:
    from pathlib import Path

KEY = generate_private_key().public_key
OTHER = generate_private_key("ed25519").public_key
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def pin(name: str = "lab", model: str = "digits", key: PublicKey = KEY) -> Pin:
    return Pin.of(name=name, model=model, key=key, added_at=NOW)


def test_pins_are_found_by_the_exact_model_name() -> None:
    pins = (pin(), pin(model="digits-2"))
    assert pins_for(pins, "digits") == pins[:1]
    assert pins_for(pins, "Digits") == ()
    assert pins_for(pins, "digits*") == ()


def test_a_key_may_sign_several_models_and_a_model_have_several_keys() -> None:
    pins = with_pin(with_pin((pin(),), pin(model="other")), pin(name="second", key=OTHER))
    assert len(pins) == 3
    assert len(pins_for(pins, "digits")) == 2


@pytest.mark.parametrize(
    ("new", "problem"),
    [
        (pin(), "is pinned for model 'digits' already"),
        (pin(name="alias"), "is pinned for model 'digits' already, as 'lab'"),
        (pin(key=OTHER), "'lab' is the name of key"),
        (pin(model="other", key=OTHER), "'lab' is the name of key"),
        (pin(name="alias", model="other"), "is called 'lab' already"),
    ],
)
def test_duplicates_and_conflicts_are_refused(new: Pin, problem: str) -> None:
    pins = (pin(),)
    with pytest.raises(TrustError, match=problem):
        with_pin(pins, new)
    assert pins == (pin(),)


def test_pins_are_removed_by_name_or_by_name_and_model() -> None:
    pins = (pin(), pin(model="other"), pin(name="second", key=OTHER))
    assert without_pin(pins, name="lab") == pins[2:]
    assert without_pin(pins, name="lab", model="other") == (pins[0], pins[2])
    for name, model in (("nobody", None), ("lab", "nothing")):
        with pytest.raises(TrustError, match="there is no pin"):
            without_pin(pins, name=name, model=model)


def test_no_file_means_no_pins(tmp_path: Path) -> None:
    assert read_pins(tmp_path / "absent" / "pins.json") == ()
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_made_read_changed_and_private(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        path = tmp_path / "config" / "provenance" / "pins.json"
        added = add_pin(str(path), name="lab", model="digits", key=KEY, added_at=NOW)
    finally:
        os.umask(before)
    assert added == pin()
    assert read_pins(path) == (pin(),)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    add_pin(path, name="lab", model="other", key=KEY, added_at=NOW)
    assert remove_pin(path, name="lab", model="digits") == (pin(),)
    assert remove_pin(path, name="lab") == (pin(model="other"),)
    assert read_pins(path) == ()


def test_a_refused_change_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "pins.json"
    add_pin(path, name="lab", model="digits", key=KEY, added_at=NOW)
    data = path.read_bytes()
    with pytest.raises(TrustError):
        add_pin(path, name="lab", model="digits", key=OTHER, added_at=NOW)
    with pytest.raises(TrustError):
        remove_pin(path, name="nobody")
    assert path.read_bytes() == data
    assert sorted(file.name for file in tmp_path.iterdir()) == ["pins.json", "pins.json.lock"]


def test_a_linked_file_of_settings_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("real.json")
    add_pin(tmp_path / "link", name="lab", model="digits", key=KEY, added_at=NOW)
    assert (tmp_path / "link").is_symlink()
    assert read_pins(tmp_path / "real.json") == (pin(),)


def test_a_damaged_file_is_named_with_the_place(tmp_path: Path) -> None:
    path = tmp_path / "pins.json"
    path.write_bytes(b'{"pins":[1],"version":1}')
    with pytest.raises(TrustError, match=r"pins\.json#/pins/0: expected an object") as caught:
        read_pins(path)
    assert caught.value.__cause__ is not None
    path.write_bytes(b"{")
    with pytest.raises(TrustError, match="nothing in it is trusted"):
        read_pins(path)
    with pytest.raises(TrustError):
        add_pin(path, name="lab", model="digits", key=KEY, added_at=NOW)
    assert path.read_bytes() == b"{"


def test_a_place_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ProvenanceError):
        read_pins(tmp_path)
    with pytest.raises(InputError, match="cannot be written"):
        add_pin(tmp_path / "file" / "pins", name="lab", model="digits", key=KEY, added_at=NOW)
    for change in (read_pins, lambda path: remove_pin(path, name="lab")):
        with pytest.raises(InputError, match="it is no path"):
            change("a\0b")


def add_one(path: Path, index: int) -> None:
    key = generate_private_key("ed25519").public_key
    add_pin(path, name=f"lab-{index}", model="digits", key=key, added_at=NOW)


ADD_MANY = """
import sys
from datetime import datetime, UTC
from provenance.signing import generate_private_key
from provenance.trust import add_pin
for index in range(int(sys.argv[2]), int(sys.argv[2]) + 12):
    key = generate_private_key("ed25519").public_key
    add_pin(sys.argv[1], name=f"lab-{index}", model="digits", key=key, added_at=datetime.now(UTC))
"""


def test_two_processes_and_many_threads_lose_no_pin(tmp_path: Path) -> None:
    path = tmp_path / "pins.json"
    processes = [
        subprocess.Popen([sys.executable, "-c", ADD_MANY, str(path), str(start)])
        for start in (100, 200)
    ]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda index: add_one(path, index), range(12)))
    assert [process.wait() for process in processes] == [0, 0]
    names = {found.name for found in read_pins(path)}
    expected = [*range(12), *range(100, 112), *range(200, 212)]
    assert names == {f"lab-{index}" for index in expected}


def test_equal_pins_are_equal() -> None:
    assert replace(pin(), name="lab") == pin()
