"""Tests of signing with keys in a PKCS#11 token: SoftHSM2, where it is installed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from provenance.errors import MissingExtraError, SigningError, UsageError
from provenance.signing import sign_payload, verify_bundle
from provenance.signing.references import open_signer
from provenance.signing.tokens import TokenSigner
from support.tokens import PIN

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("label", "scheme"),
    [
        ("p256", "ecdsa-p256-sha256"),
        ("p384", "ecdsa-p384-sha384"),
        ("p521", "ecdsa-p521-sha512"),
        ("ed", "ed25519"),
        ("rsa", "rsa-pss-sha256"),
    ],
)
def test_a_token_signs_and_its_exported_key_verifies(token: str, label: str, scheme: str) -> None:
    signer = open_signer(f"pkcs11:token=lab;object={label}?{token}", password=PIN)
    assert isinstance(signer, TokenSigner)
    assert signer.scheme == scheme
    assert PIN not in repr(signer)
    for _ in range(2):
        bundle = sign_payload(b"{}", signer)
        assert verify_bundle(bundle, [signer.public_key]).fingerprint == signer.fingerprint


def test_the_pin_may_be_in_a_file_and_the_key_named_by_id(token: str, tmp_path: Path) -> None:
    (tmp_path / "pin").write_text(f"{PIN}\n")
    uri = f"pkcs11:token=lab;id=%01?{token}&pin-source=file:{tmp_path / 'pin'}"
    signer = TokenSigner.open(uri)
    signer.public_key.verify_message(b"m", signer.sign(b"m"))


@pytest.mark.parametrize(
    ("uri", "pin"),
    [
        ("pkcs11:token=lab;object=p256", "9999"),
        ("pkcs11:token=lab;object=p256", None),
        ("pkcs11:token=other;object=p256", PIN),
        ("pkcs11:token=lab;object=absent", PIN),
        ("pkcs11:token=lab;id=%77", PIN),
        ("pkcs11:token=lab;object=weak", PIN),
    ],
    ids=["wrong-pin", "no-pin", "no-token", "no-label", "no-id", "weak-key"],
)
def test_what_is_not_there_is_said(token: str, uri: str, pin: str | None) -> None:
    with pytest.raises(SigningError) as caught:
        TokenSigner.open(f"{uri}?{token}", pin)
    assert "9999" not in str(caught.value)


def test_a_pin_that_nobody_gave_is_said(token: str) -> None:
    with pytest.raises(SigningError, match="no PIN was given") as caught:
        TokenSigner.open(f"pkcs11:token=lab;object=p256?{token}")
    assert "pin-source=file:" in caught.value.remedy
    for name in ("other", "lab"):
        with pytest.raises(SigningError) as caught:
            TokenSigner.open(f"pkcs11:token={name};object=absent?{token}", PIN)
        assert "no PIN" not in caught.value.problem


def test_a_module_that_is_none(tmp_path: Path) -> None:
    pytest.importorskip("pkcs11", reason="the extra pkcs11 is not installed")
    (tmp_path / "m.so").write_text("no library")
    for path in (tmp_path / "m.so", tmp_path / "absent.so"):
        with pytest.raises(SigningError, match="the token does not sign"):
            TokenSigner.open(f"pkcs11:object=k?module-path={path}", PIN)


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pkcs11", None)
    with pytest.raises(MissingExtraError, match=r"training-provenance\[pkcs11\]"):
        open_signer("pkcs11:object=k?module-path=/m.so")


def test_a_scheme_is_not_for_tokens() -> None:
    with pytest.raises(UsageError, match="for key files only"):
        open_signer("pkcs11:object=k?module-path=/m.so", scheme="rsa-pkcs1v15-sha256")
