"""Disclosures and salted commitments."""

from __future__ import annotations

import hashlib

import pytest

from provenance.digest import DigestSet
from provenance.errors import CanonicalError, ManifestError
from provenance.manifest import Disclosure, check_commitment, make_commitment
from support.source import REPOSITORY

SALT = bytes(range(16))


def test_commitment_is_the_one_of_the_specification() -> None:
    commitment = make_commitment(412.5, SALT)
    page = (REPOSITORY / "spec" / "manifest.md").read_text(encoding="utf-8")
    hashed = b"training-provenance/v1/commitment\n" + SALT + b"412.5"
    assert commitment == {"sha256": hashlib.sha256(hashed).hexdigest()}
    assert f"commitment        {commitment['sha256']}" in page
    assert hashed[:34].hex() in page
    assert f"{SALT.hex()} {b'412.5'.hex()}" in page


def test_opened_value_is_checked() -> None:
    commitment = make_commitment({"amount": 3, "list": [1]}, SALT)  # type: ignore[dict-item]  # lists are written too
    check_commitment(commitment, {"list": (1,), "amount": 3}, SALT)
    for value, salt in [({"amount": 3}, SALT), ({"amount": 3, "list": (1,)}, bytes(16))]:
        with pytest.raises(ManifestError) as caught:
            check_commitment(commitment, value, salt)  # type: ignore[arg-type]  # a JSON value
        assert caught.value.code == "evidence-mismatch"
    with pytest.raises(ManifestError, match="not what was committed to"):
        check_commitment(DigestSet({"blake3": "ab" * 32}), 1, SALT)


def test_salt_has_128_bits() -> None:
    with pytest.raises(ManifestError, match="a salt has 16 bytes, not 15"):
        make_commitment(1, SALT[1:])


def test_value_without_canonical_form_cannot_be_sealed() -> None:
    with pytest.raises(CanonicalError):
        make_commitment(2**53, SALT)


def test_only_what_is_withheld_can_be_sealed_and_only_by_sha256() -> None:
    sealed = Disclosure(
        path="/compute/cost",
        status="withheld",
        reason="contract",
        commitment=make_commitment(1, SALT),
    )
    assert sealed.commitment
    with pytest.raises(ManifestError, match=r"^/commitment: a commitment seals a withheld fact"):
        sealed.updated(status="notApplicable")
    with pytest.raises(ManifestError, match=r"^/commitment: a commitment is a SHA-256 digest"):
        sealed.updated(commitment=DigestSet({"blake3": "ab" * 32}))
    assert sealed.updated(commitment=DigestSet()).commitment is None
