"""`provenance public-key`: what a key that one has is called, and its public half."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from provenance.signing import PublicKey, generate_private_key, write_key_pair
from support.ssh_keys import running_agent, ssh_program
from support.tokens import PIN

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import Command
    from provenance.signing import PrivateKey


@pytest.mark.parametrize("name", ["me.key", "me.key.pub"])
def test_public_half_and_fingerprints(cli: Command, key: PrivateKey, name: str) -> None:
    done = cli("public-key", name)
    assert done.code == 0
    assert PublicKey.from_pem(done.out.encode()) == key.public_key
    assert f"Fingerprint: {key.fingerprint} (ed25519)" in done.err
    assert f"In OpenSSH:  {key.public_key.ssh_fingerprint}" in done.err


def test_as_json(cli: Command, key: PrivateKey) -> None:
    assert json.loads(cli("public-key", "me.key", "--format", "json").out) == {
        "fingerprint": key.fingerprint,
        "kind": "ed25519",
        "publicKey": key.public_key.to_pem().decode(),
        "sshFingerprint": key.public_key.ssh_fingerprint,
    }


def test_a_post_quantum_key_has_no_name_in_openssh(cli: Command, work: Path) -> None:
    write_key_pair(work / "quantum.key", generate_private_key("ml-dsa-65"))
    assert "OpenSSH" not in cli("public-key", "quantum.key").err


def test_into_a_file_that_is_not_there(cli: Command, key: PrivateKey, work: Path) -> None:
    assert cli("public-key", "me.key", "--output", "out.pub").code == 0
    assert PublicKey.load(work / "out.pub") == key.public_key
    refused = cli("public-key", "me.key", "--output", "out.pub")
    assert refused.code == 2
    assert "out.pub: is there already" in refused.err


def test_a_locked_key(cli: Command, work: Path) -> None:
    made = generate_private_key()
    write_key_pair(work / "locked.key", made, "secret")
    (work / "password.txt").write_text("secret\n")
    assert "no password was given" in cli("public-key", "locked.key").err
    done = cli("public-key", "locked.key", "--password-file", "password.txt")
    assert made.fingerprint in done.err


def test_what_is_no_key(cli: Command, work: Path) -> None:
    (work / "text").write_text("hello")
    for name in ("text", "absent"):
        refused = cli("public-key", name)
        assert refused.code == (2 if name == "text" else 4)
        assert refused.err.startswith("error: ")
        assert name in refused.err


def test_a_certificate_of_openssh_is_no_key(cli: Command, work: Path) -> None:
    (work / "id-cert.pub").write_text("ssh-ed25519-cert-v01@openssh.com AAAA me\n")
    refused = cli("public-key", "id-cert.pub")
    assert refused.code == 1
    assert "a certificate of OpenSSH, which is not supported" in refused.err
    refused = cli("verify", "absent", "--key", "id-cert.pub")
    assert refused.code == 2
    assert "a certificate of OpenSSH, which is not supported" in refused.err


def test_a_key_in_a_token(cli: Command, token: str, work: Path) -> None:
    (work / "pin").write_text(f"{PIN}\n")
    uri = f"pkcs11:token=lab;object=p256?{token}"
    found = cli("public-key", uri, "--password-file", "pin")
    assert found.code == 0, found.err
    assert PublicKey.from_pem(found.out.encode()).kind == "ecdsa-p256"
    refused = cli("public-key", uri)
    assert refused.code == 1
    assert "no PIN was given" in refused.err


def test_a_key_of_an_agent_by_the_fingerprint_that_ssh_add_shows(
    cli: Command, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = [ssh_program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", str(work / "id")]
    subprocess.run(make, check=True)
    with running_agent(work) as agent:
        monkeypatch.setenv("SSH_AUTH_SOCK", agent)
        add, environment = ssh_program("ssh-add"), dict(os.environ)
        subprocess.run([add, "-q", str(work / "id")], check=True, env=environment)
        listed = subprocess.run([add, "-l"], check=True, env=environment, capture_output=True)
        done = cli("public-key", f"ssh-agent:{listed.stdout.split()[1].decode()}")
    assert PublicKey.from_pem(done.out.encode()) == PublicKey.load(work / "id.pub")
