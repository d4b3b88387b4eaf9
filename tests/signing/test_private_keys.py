"""Tests of private keys: making, reading, writing and using them."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from provenance.errors import InputError, SigningError, UsageError
from provenance.signing import (
    DEFAULT_SCHEMES,
    PrivateKey,
    PublicKey,
    Signer,
    generate_private_key,
    load_private_key,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PEM = serialization.Encoding.PEM
DER = serialization.Encoding.DER
PKCS8 = serialization.PrivateFormat.PKCS8
TRADITIONAL = serialization.PrivateFormat.TraditionalOpenSSL
PLAIN = serialization.NoEncryption()
SECRET = "correct horse \N{PILE OF POO}"  # noqa: S105 - a password of a key of this test


def test_a_private_key_is_a_signer(key: PrivateKey) -> None:
    assert isinstance(key, Signer)
    assert key.scheme == DEFAULT_SCHEMES[key.kind].scheme
    assert key.hint == key.public_key.hint
    key.public_key.verify_message(b"message", key.sign(b"message"))


def test_the_default_is_p256() -> None:
    assert generate_private_key().scheme == "ecdsa-p256-sha256"


def test_an_unknown_kind_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="found 'dsa'"):
        generate_private_key("dsa")  # type: ignore[arg-type]  # what the test is about


@pytest.mark.parametrize("password", [None, SECRET, SECRET.encode(), lambda: SECRET])
def test_what_is_written_is_read(
    key: PrivateKey, password: str | bytes | Callable[[], str] | None, tmp_path: Path
) -> None:
    file = tmp_path / "key"
    file.write_bytes(key.to_pem(password))
    assert (b"ENCRYPTED" in file.read_bytes()) == (password is not None)
    read = load_private_key(file, password)
    assert read == key
    read.public_key.verify_message(b"m", key.sign(b"m"))


def test_der_and_sec1_are_read(tmp_path: Path) -> None:
    for curve in (ec.SECP256R1(), ec.SECP384R1()):
        handle = ec.generate_private_key(curve)
        public = PublicKey.from_handle(handle.public_key())
        best = serialization.BestAvailableEncryption(b"x")
        for data, password in (
            (handle.private_bytes(PEM, TRADITIONAL, PLAIN), None),
            (handle.private_bytes(DER, TRADITIONAL, PLAIN), None),
            (handle.private_bytes(DER, PKCS8, PLAIN), None),
            (handle.private_bytes(DER, PKCS8, best), b"x"),
            (handle.private_bytes(PEM, TRADITIONAL, best), b"x"),
        ):
            (tmp_path / "key").write_bytes(data)
            assert load_private_key(tmp_path / "key", password).public_key == public


def test_keys_of_the_openssl_program_are_read(
    openssl: Callable[..., bytes], tmp_path: Path
) -> None:
    file, encrypted, der = tmp_path / "key", tmp_path / "encrypted", tmp_path / "der"
    for curve in ("prime256v1", "secp384r1", "secp521r1"):
        # writes an EC PARAMETERS block in front of the key
        openssl("ecparam", "-genkey", "-name", curve, "-out", file)
        assert file.read_bytes().startswith(b"-----BEGIN EC PARAMETERS-----")
        check_openssl_key(openssl, file)
    for arguments in (
        ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
        ["ED25519"],
        ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    ):
        openssl("genpkey", "-algorithm", *arguments, "-out", file)
        check_openssl_key(openssl, file)
        openssl("pkey", "-in", file, "-aes256", "-passout", "pass:secret", "-out", encrypted)
        assert load_private_key(encrypted, "secret") == load_private_key(file)
        openssl("pkey", "-in", file, "-outform", "DER", "-out", der)
        assert load_private_key(der) == load_private_key(file)


def check_openssl_key(openssl: Callable[..., bytes], file: Path) -> None:
    key = load_private_key(file)
    assert key.public_key == PublicKey.from_pem(openssl("pkey", "-in", file, "-pubout"))


@pytest.mark.parametrize(
    ("kind", "digest"),
    [("ecdsa-p256", "-sha256"), ("ecdsa-p384", "-sha384"), ("ecdsa-p521", "-sha512")],
)
def test_the_openssl_program_verifies_our_signatures(
    openssl: Callable[..., bytes], tmp_path: Path, kind: str, digest: str
) -> None:
    key = generate_private_key(kind)  # type: ignore[arg-type]  # a table of kinds
    for name, data in {"pub": key.public_key.to_pem(), "sig": key.sign(b"m"), "m": b"m"}.items():
        (tmp_path / name).write_bytes(data)
    files = ("-verify", tmp_path / "pub", "-signature", tmp_path / "sig", tmp_path / "m")
    assert openssl("dgst", digest, *files) == b"Verified OK\n"


@pytest.mark.parametrize("scheme", ["rsa-pss-sha256", "rsa-pkcs1v15-sha256"])
def test_the_openssl_program_verifies_rsa(
    openssl: Callable[..., bytes], tmp_path: Path, scheme: str
) -> None:
    key = PrivateKey.from_handle(rsa.generate_private_key(65537, 2048), scheme=scheme)
    for name, data in {"pub": key.public_key.to_pem(), "sig": key.sign(b"m"), "m": b"m"}.items():
        (tmp_path / name).write_bytes(data)
    padding = ("pss", "rsa_pss_saltlen:32") if "pss" in scheme else ("pkcs1",)
    options = [part for value in padding for part in ("-sigopt", value)]
    options[1] = f"rsa_padding_mode:{options[1]}"
    files = ("-verify", tmp_path / "pub", "-signature", tmp_path / "sig", tmp_path / "m")
    assert openssl("dgst", "-sha256", *options, *files) == b"Verified OK\n"


@pytest.mark.parametrize("size", [1_024, 2_047])
def test_short_rsa_keys_are_refused(size: int) -> None:
    with pytest.raises(SigningError, match=f"an RSA key of {size} bits") as caught:
        PrivateKey.from_handle(rsa.generate_private_key(65537, size))
    assert caught.value.code == "key-refused"


@pytest.mark.parametrize("scheme", ["rsa-pss-sha256", "ed25519", "none"])
def test_a_scheme_of_another_kind_of_key_is_a_usage_error(scheme: str) -> None:
    key = generate_private_key("ecdsa-p256")
    with pytest.raises(UsageError, match="signs by ecdsa-p256-sha256, not by"):
        PrivateKey.from_pem(key.to_pem(), scheme=scheme)


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_keys_of_openssh_are_read(tmp_path: Path, kind: str) -> None:
    program = shutil.which("ssh-keygen")
    if program is None:
        pytest.skip("there is no ssh-keygen program here")
    pytest.importorskip("bcrypt", reason="the extra ssh is not installed")
    for password in ("", "secret"):
        file = tmp_path / f"key{len(password)}"
        command = [program, "-q", "-t", kind, "-N", password, "-C", "me@host", "-f", str(file)]
        subprocess.run(command, check=True)
        key = load_private_key(file, password or None)
        assert key.public_key == PublicKey.load(file.with_name(file.name + ".pub"))
        key.public_key.verify_message(b"m", key.sign(b"m"))
        if password:
            with pytest.raises(SigningError, match="encrypted, and no password was given"):
                load_private_key(file)
            with pytest.raises(SigningError, match="the password is wrong"):
                load_private_key(file, "hunter2")


def test_without_ml_dsa_the_message_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provenance.signing.algorithms.mldsa", None)
    with pytest.raises(SigningError, match="the installed cryptography has no ML-DSA"):
        generate_private_key("ml-dsa-65")


def test_a_password_is_only_asked_for_if_the_key_is_encrypted() -> None:
    key = generate_private_key()

    def ask() -> bytes:
        raise AssertionError

    assert PrivateKey.from_pem(key.to_pem(), ask) == key


@pytest.mark.parametrize("password", [None, b"", "", lambda: b""])
def test_a_missing_password_is_said(password: str | bytes | Callable[[], bytes] | None) -> None:
    data = generate_private_key().to_pem(SECRET)
    with pytest.raises(SigningError, match="encrypted, and no password was given") as caught:
        PrivateKey.from_pem(data, password)
    assert caught.value.code == "key-refused"


def test_a_wrong_password_is_said_and_not_shown(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(generate_private_key().to_pem(SECRET))
    with pytest.raises(SigningError, match="the password is wrong, or the file damaged") as caught:
        load_private_key(tmp_path / "key", "hunter2")
    assert "hunter2" not in str(caught.value)
    assert caught.value.path == str(tmp_path / "key")


def test_a_password_for_a_plain_key_is_refused() -> None:
    # Somebody believes that this key is protected, and it is not.
    with pytest.raises(SigningError, match="the key is not encrypted"):
        PrivateKey.from_pem(generate_private_key().to_pem(), b"x")


@pytest.mark.parametrize("password", [b"", "", lambda: ""])
def test_a_key_is_not_written_under_an_empty_password(
    password: str | bytes | Callable[[], str],
) -> None:
    with pytest.raises(UsageError, match="the password is empty"):
        generate_private_key().to_pem(password)


def test_wrong_files_are_refused_in_words(tmp_path: Path) -> None:
    key = generate_private_key()
    koblitz = ec.generate_private_key(ec.SECP256K1()).private_bytes(PEM, PKCS8, PLAIN)
    for data, problem in (
        (key.public_key.to_pem(), "a public key, expected a private one"),
        (key.to_pem() * 2, "PEM blocks PRIVATE KEY, PRIVATE KEY, expected exactly one"),
        (koblitz, "a key of kind ECDSA secp256k1"),
        (b"-----BEGIN DSA PRIVATE KEY-----\n", "a DSA key"),
        (b"-----BEGIN CERTIFICATE-----\n", "a certificate, expected a bare key"),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\n", "not a private key"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "not a private key"),
        (key.public_key.spki, "not a private key"),
        (b"", "not a private key"),
    ):
        (tmp_path / "key").write_bytes(data)
        with pytest.raises(SigningError, match=problem) as caught:
            load_private_key(tmp_path / "key")
        assert caught.value.code == "key-refused"


def test_a_file_that_cannot_be_read_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        load_private_key(tmp_path / "absent")


def test_a_key_shows_nothing_of_its_secret(key: PrivateKey) -> None:
    secret = json.dumps(key.to_pem().decode())
    assert repr(key).startswith("PrivateKey(public_key=PublicKey(kind=")
    assert not any(line in repr(key) for line in secret.split("\\n")[1:-2])


def test_deterministic_signatures_are_equal_each_time() -> None:
    for kind in ("ecdsa-p256", "ecdsa-p384"):
        pem = generate_private_key(kind).to_pem()
        key = PrivateKey.from_pem(pem, deterministic=True)
        assert key.sign(b"m") == key.sign(b"m") != key.sign(b"n")
        usual = PrivateKey.from_pem(pem)
        assert usual.sign(b"m") != usual.sign(b"m")
        key.public_key.verify_message(b"m", key.sign(b"m"))


def test_the_vector_of_rfc_6979_holds() -> None:
    # RFC 6979, appendix A.2.5: P-256, SHA-256, message "sample"
    scalar = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721
    handle = ec.derive_private_key(scalar, ec.SECP256R1())
    signature = PrivateKey.from_handle(handle, deterministic=True).sign(b"sample")
    assert signature.hex() == (
        "3046022100efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
        "022100f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
    )


def test_an_openssl_without_deterministic_signatures_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object, **__: object) -> None:
        message = "not in this OpenSSL"
        raise UnsupportedAlgorithm(message)

    monkeypatch.setattr(ec, "ECDSA", refuse)
    with pytest.raises(SigningError, match="no deterministic ECDSA"):
        generate_private_key().sign(b"m")
