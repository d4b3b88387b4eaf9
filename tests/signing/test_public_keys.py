"""Tests of public keys: reading them, and verifying with them."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, x25519

from provenance.envelope import Bundle, parse_bundle, write_bundle
from provenance.errors import InputError, SignatureError, SigningError
from provenance.signing import (
    PrivateKey,
    PublicKey,
    SignatureVerifier,
    generate_private_key,
    sign_payload,
)
from support.ssh_keys import ssh_program

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PEM = serialization.Encoding.PEM
DER = serialization.Encoding.DER
SPKI = serialization.PublicFormat.SubjectPublicKeyInfo


def test_a_key_is_the_same_from_every_file(key: PrivateKey, tmp_path: Path) -> None:
    public = key.public_key
    for name, data in {
        "a.pem": public.to_pem(),
        "b.der": public.spki,
        "c.pem": b"Key of the digits lab\n" + public.to_pem().replace(b"\n", b"\r\n"),
    }.items():
        (tmp_path / name).write_bytes(data)
        read = PublicKey.load(tmp_path / name)
        assert read == public
        assert hash(read) == hash(public)
        assert read.fingerprint == public.fingerprint
        assert PublicKey.load(str(tmp_path / name)) == public


def test_a_fingerprint_is_taken_of_the_spki(key: PrivateKey) -> None:
    digest = hashlib.sha256(key.public_key.spki).digest()
    assert key.public_key.hint == base64.b64encode(digest).decode()
    assert key.fingerprint == "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def test_a_link_to_a_key_is_followed_because_the_caller_named_it(tmp_path: Path) -> None:
    public = generate_private_key().public_key
    (tmp_path / "..data").write_bytes(public.to_pem())
    (tmp_path / "key.pub").symlink_to("..data")
    assert PublicKey.load(tmp_path / "key.pub") == public


def test_a_compressed_point_is_the_same_key() -> None:
    handle = ec.generate_private_key(ec.SECP256R1()).public_key()
    usual = PublicKey.from_der(handle.public_bytes(DER, SPKI))
    point = handle.public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint
    )
    # SubjectPublicKeyInfo{ecPublicKey, prime256v1} over a point of 33 bytes
    spki = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200") + point
    assert PublicKey.from_der(spki) == usual
    assert PublicKey.from_der(spki).fingerprint == usual.fingerprint


def test_explicit_curve_parameters_are_the_same_key(
    openssl: Callable[..., bytes], tmp_path: Path
) -> None:
    private, explicit = tmp_path / "key", tmp_path / "explicit.pub"
    openssl("ecparam", "-genkey", "-noout", "-name", "prime256v1", "-out", private)
    openssl("ec", "-in", private, "-pubout", "-param_enc", "explicit", "-out", explicit)
    usual = PublicKey.from_pem(openssl("ec", "-in", private, "-pubout"))
    assert len(explicit.read_bytes()) > len(usual.to_pem())
    assert PublicKey.load(explicit) == usual


def other_keys() -> dict[str, bytes]:
    return {
        "ECDSA secp256k1": ec.generate_private_key(ec.SECP256K1())
        .public_key()
        .public_bytes(PEM, SPKI),
        "Ed448": ed448.Ed448PrivateKey.generate().public_key().public_bytes(PEM, SPKI),
        "X25519": x25519.X25519PrivateKey.generate().public_key().public_bytes(PEM, SPKI),
    }


def test_keys_of_other_kinds_are_refused_by_name() -> None:
    for name, data in other_keys().items():
        with pytest.raises(SigningError, match=f"a key of kind {name}, expected") as caught:
            PublicKey.from_pem(data)
        assert caught.value.code == "key-refused"


def certificate(key: ec.EllipticCurvePrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "digits lab")])
    now = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=9))
    return builder.sign(key, hashes.SHA256()).public_bytes(PEM)


def test_a_certificate_is_no_key() -> None:
    with pytest.raises(SigningError, match="a certificate, expected a bare key"):
        PublicKey.from_pem(certificate(ec.generate_private_key(ec.SECP256R1())))


def wrong_files() -> dict[str, tuple[bytes, str]]:
    key = generate_private_key()
    pem = key.public_key.to_pem()
    return {
        "private key": (key.to_pem(), "a private key, expected a public one"),
        "encrypted private key": (key.to_pem(b"x"), "a private key, expected a public one"),
        "private key behind a public one": (pem + key.to_pem(), "a private key"),
        "two keys": (pem + pem, "PEM blocks PUBLIC KEY, PUBLIC KEY, expected exactly one"),
        "many keys": (pem * 9, "PUBLIC KEY, …, expected exactly one"),
        "OpenSSH private key": (b"-----BEGIN OPENSSH PRIVATE KEY-----\n", "a private key, exp"),
        "OpenSSH public key that is cut": (b"ssh-ed25519 AAAA me@host\n", "not an OpenSSH public"),
        "OpenSSH ECDSA key that is cut": (b"ecdsa-sha2-nistp256 AAAA\n", "not an OpenSSH public"),
        "OpenSSH DSA key": (b"ssh-dss AAAA\n", "not an OpenSSH public"),
        "OpenSSH keys": (b"ssh-ed25519 AAAA\nssh-ed25519 AAAA\n", "2 lines of OpenSSH keys"),
        "security key": (b"sk-ssh-ed25519@openssh.com AAAA\n", "a key of a security key"),
        "OpenSSH certificate": (
            b"ssh-ed25519-cert-v01@openssh.com AAAA me\n",
            "a certificate of OpenSSH",
        ),
        "OpenSSH ECDSA certificate": (
            b"ecdsa-sha2-nistp256-cert-v01@openssh.com AAAA\n",
            "a certificate of OpenSSH",
        ),
        "cosign key": (b"-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n", "a cosign private"),
        "old cosign key": (b"-----BEGIN ENCRYPTED COSIGN PRIVATE KEY-----\n", "a cosign private"),
        "PGP key": (b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n", "PGP PUBLIC KEY BLOCK, expected"),
        "PEM that is cut": (pem[:60], "not a public key"),
        "PEM of nothing": (
            b"-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n",
            "not a public",
        ),
        "DER with a byte behind it": (key.public_key.spki + b"\0", "not a public key"),
        "DER that is cut": (key.public_key.spki[:-1], "not a public key"),
        "empty": (b"", "not a public key"),
        "text": (b"hello", "not a public key"),
    }


def test_wrong_files_are_refused_in_words(tmp_path: Path) -> None:
    for name, (data, problem) in wrong_files().items():
        file = tmp_path / "key"
        file.write_bytes(data)
        with pytest.raises(SigningError, match=problem) as caught:
            PublicKey.load(file)
        assert caught.value.code == "key-refused", name
        assert caught.value.path == str(file)
        assert caught.value.__cause__ is not None


def test_pem_without_a_block_is_refused() -> None:
    with pytest.raises(SigningError, match="no PEM block"):
        PublicKey.from_pem(b"hello")


def test_a_file_that_cannot_be_read_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * 70_000)
    for path in (tmp_path / "absent", tmp_path, tmp_path / "big", "a\0b"):
        with pytest.raises(InputError):
            PublicKey.load(path)


def test_a_key_shows_its_fingerprint_only(key: PrivateKey) -> None:
    text = repr(key)
    assert key.fingerprint in text
    assert "handle" not in text
    assert "spki" not in text


def test_keys_are_frozen(key: PrivateKey) -> None:
    with pytest.raises(FrozenInstanceError):
        key.public_key.scheme = "none"  # type: ignore[misc]  # what the test is about


def test_a_public_key_is_a_signature_verifier(key: PrivateKey) -> None:
    assert isinstance(key.public_key, SignatureVerifier)


def test_a_changed_bundle_does_not_verify(key: PrivateKey) -> None:
    bundle = sign_payload(b"{}", key)
    key.public_key.verify(bundle)
    key.public_key.verify(bundle)  # twice: verifying keeps no state
    for changed in (
        replace(bundle, envelope=replace(bundle.envelope, payload=b"{} ")),
        replace(bundle, envelope=replace(bundle.envelope, payload_type="text/plain")),
    ):
        with pytest.raises(SignatureError) as caught:
            key.public_key.verify(changed)
        assert caught.value.code == "signature-invalid"
        assert key.fingerprint in caught.value.problem


def test_another_key_does_not_verify(key: PrivateKey) -> None:
    bundle = sign_payload(b"{}", key)
    for kind in ("ecdsa-p256", "ecdsa-p384", "ed25519"):
        with pytest.raises(SignatureError) as caught:
            generate_private_key(kind).public_key.verify(bundle)
        assert caught.value.code == "signature-invalid"


def with_signature(bundle: Bundle, sig: bytes) -> Bundle:
    signature = replace(bundle.envelope.signatures[0], sig=sig)
    return replace(bundle, envelope=replace(bundle.envelope, signatures=(signature,)))


def long_form(der: bytes) -> bytes:
    # BER allows a length below 128 in two bytes; DER does not.
    return der[:1] + b"\x81" + der[1:]


def test_ecdsa_signatures_that_are_not_der_are_refused() -> None:
    key = generate_private_key()
    bundle = sign_payload(b"{}", key)
    good = bundle.envelope.signatures[0].sig
    bad = {
        "BER long form": long_form(good),
        "byte behind it": good + b"\0",
        "r = s = 0": bytes.fromhex("3006020100020100"),
        "r = 0, s = 1": bytes.fromhex("3006020100020101"),
        "raw r || s": bytes(64),
        "indefinite length": b"\x30\x80" + good[2:] + b"\0\0",
        "cut": good[:-1],
        "one byte": b"\x30",
    }
    for name, sig in bad.items():
        with pytest.raises(SignatureError) as caught:
            key.public_key.verify(parse_bundle(write_bundle(with_signature(bundle, sig))))
        assert caught.value.code == "signature-invalid", name


@pytest.mark.parametrize("size", [0, 1, 63, 65, 128])
def test_ed25519_signatures_of_other_lengths_are_refused(size: int) -> None:
    key = generate_private_key("ed25519")
    with pytest.raises(SignatureError):
        key.public_key.verify(with_signature(sign_payload(b"{}", key), bytes(size)))


def test_a_certificate_bundle_is_unsupported(key: PrivateKey) -> None:
    bundle = replace(sign_payload(b"{}", key), key_hint=None, certificate=b"leaf")
    for changed in (bundle, replace(bundle, certificate=None), replace(bundle, key_hint="x")):
        with pytest.raises(SignatureError) as caught:
            key.public_key.verify(changed)
        assert caught.value.code == "signature-unsupported"


def test_a_bundle_made_by_hand_with_several_signatures_is_refused(key: PrivateKey) -> None:
    bundle = sign_payload(b"{}", key)
    envelope = replace(bundle.envelope, signatures=bundle.envelope.signatures * 2)
    with pytest.raises(SignatureError) as caught:
        key.public_key.verify(replace(bundle, envelope=envelope))
    assert caught.value.code == "bundle-signature-count"


@pytest.mark.parametrize(
    ("file", "valid", "invalid"),
    [
        ("ecdsa_secp256r1_sha256_test.json", 174, 310),
        ("ecdsa_secp384r1_sha384_test.json", 194, 310),
        ("ecdsa_secp521r1_sha512_test.json", 232, 310),
        ("ed25519_test.json", 88, 63),
        ("rsa_pss_3072_sha256_mgf1_32_test.json", 63, 45),
        ("rsa_signature_3072_sha256_test.json", 8, 251),
        ("mldsa_65_verify_test.json", 79, 131),
    ],
)
def test_wycheproof_agrees(outside_vectors: Path, file: str, valid: int, invalid: int) -> None:
    counts = {"valid": 0, "invalid": 0}
    document = json.loads((outside_vectors / "wycheproof" / file).read_text())
    for group in document["testGroups"]:
        for test in group["tests"]:
            found = wycheproof_result(group, test)
            assert found == wycheproof_expected(test), (test["tcId"], test["comment"])
            counts[test["result"] if test["result"] != "acceptable" else found] += 1
    assert counts == {"valid": valid, "invalid": invalid}


def wycheproof_result(group: dict[str, Any], test: dict[str, Any]) -> str:
    scheme = "rsa-pkcs1v15-sha256" if group["type"] == "RsassaPkcs1Verify" else None
    der, message = bytes.fromhex(group["publicKeyDer"]), bytes.fromhex(test["msg"])
    try:
        PublicKey.from_der(der, scheme=scheme).verify_message(message, bytes.fromhex(test["sig"]))
    except (SignatureError, SigningError):
        return "invalid"
    return "valid"


def wycheproof_expected(test: dict[str, Any]) -> str:
    """Return what we say: as Wycheproof, but for two choices that are fixed here."""
    if test["result"] == "acceptable":
        # PKCS#1 v1.5 whose DigestInfo lacks the NULL of its algorithm: one spelling counts.
        assert test["flags"] == ["MissingNull"]
        return "invalid"
    if test.get("ctx"):
        # ML-DSA with a context string: ours is always empty, so it signs something else.
        return "invalid"
    result: str = test["result"]
    return result


def test_a_dsa_key_is_refused() -> None:
    data = dsa.generate_private_key(2048).public_key().public_bytes(PEM, SPKI)
    with pytest.raises(SigningError, match="a key of kind DSA"):
        PublicKey.from_pem(data)


def test_a_certificate_of_openssh_is_no_key(tmp_path: Path) -> None:
    program = ssh_program("ssh-keygen")
    for name in ("ca", "id"):
        made = [program, "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name)]
        subprocess.run(made, check=True)
    issue = [program, "-q", "-s", str(tmp_path / "ca"), "-I", "me", str(tmp_path / "id.pub")]
    subprocess.run(issue, check=True)
    with pytest.raises(SigningError, match="a certificate of OpenSSH, which is not supported"):
        PublicKey.load(tmp_path / "id-cert.pub")
    assert PublicKey.load(tmp_path / "id.pub").kind == "ed25519"


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa-256", "ecdsa-384", "ecdsa-521", "rsa-2048"])
def test_the_fingerprint_of_openssh_is_the_one_that_ssh_keygen_shows(
    tmp_path: Path, kind: str
) -> None:
    program, file = ssh_program("ssh-keygen"), tmp_path / "id"
    name, _, bits = kind.partition("-")
    size = ("-b", bits) if bits else ()
    subprocess.run([program, "-q", "-t", name, *size, "-N", "", "-f", str(file)], check=True)
    listed = subprocess.run([program, "-lf", str(file)], check=True, capture_output=True, text=True)
    key = PublicKey.load(tmp_path / "id.pub")
    assert key.ssh_fingerprint == listed.stdout.split()[1]
    assert key.is_called(key.fingerprint)
    assert key.ssh_fingerprint is not None
    assert key.is_called(key.ssh_fingerprint)
    assert not key.is_called(generate_private_key().fingerprint)


def test_openssh_has_no_name_for_a_post_quantum_key() -> None:
    key = generate_private_key("ml-dsa-65").public_key
    assert key.ssh_fingerprint is None
    assert key.is_called(key.fingerprint)


@pytest.mark.parametrize("scheme", [None, "rsa-pss-sha256", "rsa-pkcs1v15-sha256"])
def test_an_rsa_key_for_pss_alone_is_refused(scheme: str | None) -> None:
    """Its parameters may forbid what it would verify here, and the loader drops them."""
    usual = generate_private_key("rsa").public_key.spki
    general, alone = bytes.fromhex("2a864886f70d010101"), bytes.fromhex("2a864886f70d01010a")
    der = usual.replace(general, alone, 1)
    pem = b"-----BEGIN PUBLIC KEY-----\n%s\n-----END PUBLIC KEY-----\n" % base64.b64encode(der)
    for read, data in ((PublicKey.from_der, der), (PublicKey.from_pem, pem)):
        with pytest.raises(SigningError, match="RSASSA-PSS") as caught:
            read(data, scheme=scheme)
        assert caught.value.code == "key-refused"
    assert PublicKey.from_der(usual, scheme=scheme).kind == "rsa"
