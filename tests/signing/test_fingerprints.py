"""Tests of fingerprints and hints."""

from __future__ import annotations

import base64
import hashlib

import pytest

from provenance.errors import UsageError
from provenance.signing import fingerprint_of, hint_of, parse_fingerprint

DIGEST = hashlib.sha256(b"spki").digest()
FINGERPRINT = "SHA256:" + base64.b64encode(DIGEST).decode().rstrip("=")


def test_a_fingerprint_is_unpadded_base64_of_the_digest() -> None:
    assert fingerprint_of(b"spki") == FINGERPRINT
    assert hint_of(FINGERPRINT) == base64.b64encode(DIGEST).decode()


@pytest.mark.parametrize(
    "text",
    [
        FINGERPRINT,
        FINGERPRINT + "=",
        FINGERPRINT.removeprefix("SHA256:"),
        hint_of(FINGERPRINT),
        DIGEST.hex(),
    ],
)
def test_every_common_spelling_is_read(text: str) -> None:
    assert parse_fingerprint(text) == FINGERPRINT


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SHA256:",
        FINGERPRINT[:-1],
        FINGERPRINT + "==",
        FINGERPRINT + "A",
        FINGERPRINT + "\n",
        " " + FINGERPRINT,
        "sha256:" + FINGERPRINT.removeprefix("SHA256:"),
        "MD5:" + FINGERPRINT.removeprefix("SHA256:"),
        "SHA256:" + "A" * 42 + "B",  # trailing bits are not zero: a second spelling
        "SHA256:" + "_" * 43,
        DIGEST.hex().upper(),
        DIGEST.hex()[:-2],
        "SHA256:" + DIGEST.hex(),
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_fingerprint(text)
