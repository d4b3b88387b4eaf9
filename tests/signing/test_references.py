"""Tests of the one text that names a signing key; a plug-in package is made for them."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from provenance.errors import InputError, SigningError, UsageError
from provenance.signing import (
    PrivateKey,
    generate_private_key,
    sign_payload,
    verify_bundle,
    write_key_pair,
)
from provenance.signing.references import open_signer
from support.ssh_keys import running_agent, ssh_program

if TYPE_CHECKING:
    from pathlib import Path

PLUG_IN = """
from provenance.signing import load_private_key

def open_key(reference):
    return load_private_key(reference.removeprefix("lab-kms://"))

def fail(reference):
    raise RuntimeError("the service is down")

def nothing(reference):
    return object()
"""


@pytest.fixture
def plug_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install a package that brings signers, as `pip` would lay it out."""
    site = tmp_path / "site"
    metadata = site / "lab_keys-1.0.dist-info"
    metadata.mkdir(parents=True)
    (site / "lab_keys.py").write_text(PLUG_IN)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: lab-kms\nVersion: 1.0\n")
    points = ("lab-kms = lab_keys:open_key", "down = lab_keys:fail", "odd = lab_keys:nothing")
    text = "\n".join(("[provenance.signers]", *points, "gone = lab_keys:absent", ""))
    (metadata / "entry_points.txt").write_text(text)
    monkeypatch.syspath_prepend(str(site))
    return site


def test_a_file_is_a_key(tmp_path: Path) -> None:
    key = generate_private_key("rsa")
    private, _ = write_key_pair(tmp_path / "me.key", key, "secret")
    for name in (private, str(private)):
        signer = open_signer(name, password="secret", scheme="rsa-pkcs1v15-sha256")  # noqa: S106
        assert (signer.fingerprint, signer.scheme) == (key.fingerprint, "rsa-pkcs1v15-sha256")


def test_a_file_whose_name_looks_like_a_uri(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    key = generate_private_key()
    write_key_pair("lab:me.key", key)
    assert open_signer("lab:me.key").fingerprint == key.fingerprint
    with pytest.raises(InputError):
        open_signer("C:\\me.key")


def test_a_key_of_an_agent(tmp_path: Path) -> None:
    file = tmp_path / "key"
    make = [ssh_program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", str(file)]
    subprocess.run(make, check=True)
    with running_agent(tmp_path) as agent:
        environment = {**os.environ, "SSH_AUTH_SOCK": agent}
        subprocess.run([ssh_program("ssh-add"), "-q", str(file)], check=True, env=environment)
        signer = open_signer(f"ssh-agent:{file}.pub", agent=agent)
        assert open_signer(f"ssh-agent:{signer.fingerprint}", agent=agent) == signer
        bundle = sign_payload(b"{}", signer)
    key = open_signer(file)
    assert isinstance(key, PrivateKey)
    assert verify_bundle(bundle, [key.public_key]).fingerprint == signer.fingerprint


@pytest.mark.parametrize("agent", [None, ""])
def test_without_an_agent(agent: str | None) -> None:
    with pytest.raises(UsageError, match="no ssh-agent is known"):
        open_signer("ssh-agent:SHA256:x", agent=agent)


def test_a_plug_in_signs(plug_in: Path, tmp_path: Path) -> None:
    key = generate_private_key()
    private, _ = write_key_pair(tmp_path / "me.key", key)
    signer = open_signer(f"lab-kms://{private}")
    assert plug_in.exists()
    bundle = sign_payload(b"{}", signer)
    assert verify_bundle(bundle, [key.public_key]).fingerprint == key.fingerprint


@pytest.mark.usefixtures("plug_in")
@pytest.mark.parametrize(
    ("reference", "problem"),
    [
        ("down://x", "RuntimeError: the service is down"),
        ("odd://x", "returned no signer"),
        ("gone://x", "AttributeError"),
    ],
)
def test_a_plug_in_that_fails(reference: str, problem: str) -> None:
    with pytest.raises(SigningError, match=problem):
        open_signer(reference)


@pytest.mark.usefixtures("plug_in")
def test_a_scheme_that_nobody_knows_lists_the_known_ones() -> None:
    with pytest.raises(UsageError, match="no plug-in knows keys of 'aws-kms'") as caught:
        open_signer("aws-kms:key")
    assert "lab-kms:" in str(caught.value)


def test_two_plug_ins_of_one_name_are_refused(
    plug_in: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = tmp_path / "second" / "evil-1.0.dist-info"
    second.mkdir(parents=True)
    (second / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n")
    (second / "entry_points.txt").write_text("[provenance.signers]\nlab-kms = evil:open_key\n")
    monkeypatch.syspath_prepend(str(second.parent))
    assert plug_in.exists()
    with pytest.raises(UsageError, match="2 plug-ins know"):
        open_signer("lab-kms://x")
