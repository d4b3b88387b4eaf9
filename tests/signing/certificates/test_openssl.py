"""An authority made by the openssl program: what it issues for signers holds, other things not."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from provenance.errors import SignatureError
from provenance.signing.certificates import (
    CODE_SIGNING,
    CertificatePool,
    Identity,
    ValidatedChain,
    identities,
    read_certificates,
    validate_chain,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., bytes]

CONFIG = """
[req]
distinguished_name = name
prompt = no
[name]
O = Example Lab
CN = placeholder
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[middle]
basicConstraints = critical,CA:TRUE,pathlen:0
keyUsage = critical,keyCertSign,cRLSign
nameConstraints = critical,permitted;email:example.org,permitted;URI:.example.org
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[signer]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = codeSigning
subjectAltName = email:trainer@example.org,URI:https://ml.example.org/team
authorityKeyIdentifier = keyid
[stranger]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = codeSigning
subjectAltName = email:mallory@evil.example
[server]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = email:trainer@example.org
"""
KEYS = {
    "root": ("RSA", "rsa_keygen_bits:3072"),
    "middle": ("EC", "ec_paramgen_curve:P-384"),
    "signer": ("ED25519", ""),
    "stranger": ("EC", "ec_paramgen_curve:P-256"),
    "server": ("EC", "ec_paramgen_curve:P-521"),
}


@pytest.fixture
def issued(tmp_path: Path, openssl: Run) -> Path:
    """Return a folder with a root, an intermediate and three leaves, each NAME.pem and NAME.key."""
    config = tmp_path / "openssl.cnf"
    config.write_text(CONFIG, encoding="ascii")
    for name, (kind, option) in KEYS.items():
        key, pem = tmp_path / f"{name}.key", tmp_path / f"{name}.pem"
        options = ["-pkeyopt", option] if option else []
        openssl("genpkey", "-algorithm", kind, *options, "-out", key)
        subject = ["-config", config, "-subj", f"/O=Example Lab/CN={name}", "-key", key]
        if name == "root":
            openssl("req", "-x509", "-new", *subject, "-extensions", name, "-out", pem)
            continue
        request = tmp_path / f"{name}.csr"
        openssl("req", "-new", *subject, "-out", request)
        issue_with(openssl, tmp_path, name, "root" if name == "middle" else "middle", "-sha256")
    return tmp_path


def issue_with(openssl: Run, folder: Path, name: str, issuer: str, *options: str) -> None:
    openssl(
        "x509", "-req", "-in", folder / f"{name}.csr", "-out", folder / f"{name}.pem", "-days", 9,
        "-CA", folder / f"{issuer}.pem", "-CAkey", folder / f"{issuer}.key", "-CAcreateserial",
        "-extfile", folder / "openssl.cnf", "-extensions", name, *options,
    )  # fmt: skip


def validate(folder: Path, name: str) -> ValidatedChain:
    """Validate a leaf at its first second, with the intermediate as a bundle would bring it."""
    [root], [middle], [leaf] = (
        read_certificates((folder / f"{one}.pem").read_bytes(), path=one)
        for one in ("root", "middle", name)
    )
    at = leaf.not_valid_before_utc
    pool = CertificatePool((root,))
    return validate_chain(leaf, pool=pool, extra=[middle], at=at, purpose=CODE_SIGNING)


def openssl_verifies(openssl: Run, folder: Path, name: str) -> bool:
    files = ["-CAfile", folder / "root.pem", "-untrusted", folder / "middle.pem"]
    try:
        openssl("verify", "-x509_strict", *files, folder / f"{name}.pem")
    except subprocess.CalledProcessError:
        return False
    return True


@pytest.mark.parametrize(
    ("name", "code", "openssl_agrees"),
    [
        ("stranger", "certificate-name-constraints", True),
        ("server", "certificate-usage", False),  # `openssl verify` was asked for no purpose
        ("middle", "certificate-is-authority", False),
    ],
)
def test_leaf_is_refused(
    issued: Path, openssl: Run, name: str, code: str, *, openssl_agrees: bool
) -> None:
    assert openssl_verifies(openssl, issued, name) is not openssl_agrees
    with pytest.raises(SignatureError) as caught:
        validate(issued, name)
    assert caught.value.code == code


def test_chain_of_a_real_authority_holds(issued: Path, openssl: Run) -> None:
    assert openssl_verifies(openssl, issued, "signer")
    chain = validate(issued, "signer")
    assert [len(chain.certificates), chain.purpose] == [3, CODE_SIGNING]
    assert identities(chain.leaf) == (
        Identity("email", "trainer@example.org"),
        Identity("uri", "https://ml.example.org/team"),
    )


def test_signature_with_sha1_is_refused(issued: Path, openssl: Run) -> None:
    issue_with(openssl, issued, "signer", "middle", "-sha1")
    with pytest.raises(SignatureError) as caught:
        validate(issued, "signer")
    assert caught.value.code == "certificate-weak-key"
    assert "sha1" in caught.value.problem


def test_text_that_openssl_writes_before_a_certificate_is_refused(
    issued: Path, openssl: Run
) -> None:
    text = openssl("x509", "-in", issued / "signer.pem", "-text")
    with pytest.raises(SignatureError, match="`openssl x509 -in FILE -out FILE`"):
        read_certificates(text, path="signer.pem")
    der = openssl("x509", "-in", issued / "signer.pem", "-outform", "DER")
    pem = (issued / "signer.pem").read_bytes()
    assert read_certificates(der, path="") == read_certificates(pem, path="")
