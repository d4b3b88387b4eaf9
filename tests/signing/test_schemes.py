"""Tests of the table of schemes."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from provenance.signing import DEFAULT_KEY_KIND, SCHEMES, generate_private_key

REGISTRY = Path(__file__).parents[2] / "spec" / "registry" / "signature-schemes.json"


def test_the_registry_says_what_the_code_says() -> None:
    registry = json.loads(REGISTRY.read_text())
    rows = [{**asdict(row), "others": list(row.others)} for row in SCHEMES.values()]
    assert registry["schemes"] == rows
    assert rows[0]["key"] == DEFAULT_KEY_KIND


def test_every_scheme_has_its_key() -> None:
    for kind, row in SCHEMES.items():
        key = generate_private_key(kind)
        assert (key.kind, key.scheme) == (row.key, row.scheme)


def test_the_table_does_not_change() -> None:
    with pytest.raises(TypeError):
        SCHEMES["rsa"] = SCHEMES["ed25519"]  # type: ignore[index]  # what the test is about
