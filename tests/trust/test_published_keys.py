"""Keys on a publisher's page: candidates to compare, with fingerprints computed here."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from provenance.canonical import MAX_POLICY_BYTES
from provenance.errors import TrustError
from provenance.signing import PublicKey, generate_private_key
from provenance.trust import read_published_keys
from support.crafted import public_key

KEY = public_key()
PEM = KEY.to_pem().decode("ascii")


def page(*keys: Any, **more: Any) -> bytes:  # noqa: ANN401 - JSON
    return json.dumps({"keysVersion": "1.0", "keys": keys, **more}).encode()


def test_keys_json_is_read() -> None:
    entry = {"key": PEM, "label": "lab", "fingerprint": KEY.fingerprint, "models": ["digits-*"]}
    (found,) = read_published_keys(page(entry))
    assert (found.fingerprint, found.label, found.models) == (KEY.fingerprint, "lab", ("digits-*",))
    assert PublicKey.from_pem(found.public_key.encode()) == KEY


def test_lines_of_a_code_host_are_read() -> None:
    line = load_pem_public_key(KEY.to_pem()).public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    found = read_published_keys(line + b"\n")
    assert [one.fingerprint for one in found] == [KEY.fingerprint]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"{",
        b"{}",
        b"<html>",
        b"\xff\xfe",
        page(),
        page({}),
        page({"key": PEM, "trusted": True}),
        page({"key": PEM}, more=1),
        page({"key": PEM}).replace(b"1.0", b"2.0"),
        page({"key": "-----BEGIN PUBLIC KEY-----"}),
        page({"key": PEM, "fingerprint": "SHA256:" + "A" * 43}),
        page({"key": PEM, "fingerprint": generate_private_key().fingerprint}),
        b" " * (MAX_POLICY_BYTES + 1),
    ],
    ids=[
        "empty", "blank", "brace", "no version", "page", "no UTF-8", "no keys", "no key",
        "unknown member", "unknown field", "version", "no PEM", "other fingerprint",
        "another key's", "large",
    ],
)  # fmt: skip
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(TrustError):
        read_published_keys(data)
