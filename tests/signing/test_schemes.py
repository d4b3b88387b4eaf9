"""Tests of the table of schemes."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from provenance.errors import SignatureError
from provenance.signing import (
    DEFAULT_KEY_KIND,
    DEFAULT_SCHEMES,
    SCHEMES,
    PrivateKey,
    generate_private_key,
)

REGISTRY = Path(__file__).parents[2] / "spec" / "registry" / "signature-schemes.json"


def test_the_registry_says_what_the_code_says() -> None:
    registry = json.loads(REGISTRY.read_text())
    rows = [{**asdict(row), "others": list(row.others)} for row in SCHEMES.values()]
    assert registry["schemes"] == rows
    assert rows[0]["key"] == DEFAULT_KEY_KIND


def test_every_scheme_has_its_key() -> None:
    for kind, row in DEFAULT_SCHEMES.items():
        key = generate_private_key(kind)
        assert (key.kind, key.scheme) == (row.key, row.scheme)


def test_a_scheme_that_is_no_default_has_to_be_named() -> None:
    key = generate_private_key("rsa")
    named = PrivateKey.from_pem(key.to_pem(), scheme="rsa-pkcs1v15-sha256")
    assert (key.scheme, named.scheme) == ("rsa-pss-sha256", "rsa-pkcs1v15-sha256")
    assert [row.scheme for row in SCHEMES.values() if not row.default] == [
        "ecdsa-p384-sha256",
        "ecdsa-p521-sha256",
        named.scheme,
    ]
    for signer, other in ((key, named), (named, key)):
        with pytest.raises(SignatureError):
            other.public_key.verify_message(b"m", signer.sign(b"m"))


def test_the_table_does_not_change() -> None:
    with pytest.raises(TypeError):
        SCHEMES["rsa"] = SCHEMES["ed25519"]  # type: ignore[index]  # what the test is about
