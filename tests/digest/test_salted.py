"""Private trees: the root of the specification, and nothing in it that a guess finds."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from provenance.digest import Inventory, InventoryDigest, InventoryEntry, derive_salt, salted_root
from provenance.errors import DigestError
from support.source import REPOSITORY

SECRET = bytes(range(32))
EMPTY = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"


def inventory(*names: str) -> Inventory:
    return Inventory(tuple(InventoryEntry(InventoryDigest(EMPTY), name, 0) for name in names))


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_secret_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(DigestError, match="the secret of a tree has 32 bytes") as caught:
        salted_root(inventory("raw.csv"), bytes(length))
    assert caught.value.code == "digest-format"


def test_root_is_the_one_of_the_specification() -> None:
    page = (REPOSITORY / "spec" / "digests.md").read_text(encoding="utf-8")
    salt = hmac.digest(SECRET, b"training-provenance/v1/salt\nraw.csv", "sha256")[:16]
    entry = b'{"blake3":"%s","path":"raw.csv","size":0}' % EMPTY.encode()
    leaf = hashlib.sha256(b"\0training-provenance/v1/file\n" + salt + entry).hexdigest()
    root = salted_root(inventory("raw.csv"), SECRET)
    assert derive_salt(SECRET, "raw.csv") == salt
    assert root.to_tree() == {"tree": "file", "size": 1, "root": leaf}
    assert f"secret       {SECRET.hex()}" in page
    assert f"salt         {salt.hex()}" in page
    assert f"leaf = MTH   {leaf}" in page


def test_every_file_and_every_secret_has_a_salt_of_its_own() -> None:
    salts = {derive_salt(secret, name) for secret in (SECRET, bytes(32)) for name in ("a", "b")}
    assert len(salts) == 4


def test_root_is_not_that_of_the_open_tree() -> None:
    assert salted_root(inventory("a", "b"), SECRET) != inventory("a", "b").root
