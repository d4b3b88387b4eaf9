"""Tests of signing through a real ssh-agent, and through agents that misbehave."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from provenance.errors import SigningError
from provenance.signing import PublicKey, load_private_key, sign_payload, verify_bundle
from provenance.signing.ssh import SshAgentSigner, list_agent_keys
from support.ssh_keys import running_agent, ssh_program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KINDS = {
    "ed25519": ("ed25519",),
    "ecdsa-p256": ("ecdsa", "-b", "256"),
    "ecdsa-p384": ("ecdsa", "-b", "384"),
    "ecdsa-p521": ("ecdsa", "-b", "521"),
    "rsa": ("rsa", "-b", "2048"),
}


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[str]:
    """Yield the socket of a running agent."""
    with running_agent(tmp_path) as path:
        yield path


def add_key(agent: str, folder: Path, kind: str) -> PublicKey:
    file = folder / f"key-{kind}"
    make = [ssh_program("ssh-keygen"), "-q", "-N", "", "-f", str(file), "-t", *KINDS[kind]]
    subprocess.run(make, check=True)
    environment = {**os.environ, "SSH_AUTH_SOCK": agent}
    subprocess.run([ssh_program("ssh-add"), "-q", str(file)], check=True, env=environment)
    return PublicKey.load(file.with_name(file.name + ".pub"))


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa-p256", "ecdsa-p384", "ecdsa-p521"])
def test_an_agent_signs_as_the_key_file_does(agent: str, tmp_path: Path, kind: str) -> None:
    key = add_key(agent, tmp_path, kind)
    signer = SshAgentSigner.connect(key, socket_path=agent)
    assert (signer.fingerprint, signer.hint) == (key.fingerprint, key.hint)
    assert signer.scheme == load_private_key(tmp_path / f"key-{kind}").scheme
    for _ in range(3):  # r and s of ECDSA have leading zeros or sign bits now and then
        bundle = sign_payload(b"{}", signer)
        assert verify_bundle(bundle, [key]).fingerprint == key.fingerprint
    assert key.ssh_fingerprint is not None
    for name in (key.fingerprint, key.ssh_fingerprint):
        assert SshAgentSigner.connect(name, socket_path=agent) == signer


def test_what_an_agent_holds_is_listed(agent: str, tmp_path: Path) -> None:
    assert list_agent_keys(agent) == ()
    key = add_key(agent, tmp_path, "ed25519")
    add_key(agent, tmp_path, "rsa")  # an agent signs other bytes with it
    ((listed, comment),) = list_agent_keys(agent)
    assert listed == key
    assert comment


def test_a_key_that_the_agent_does_not_hold(agent: str, tmp_path: Path) -> None:
    key = add_key(agent, tmp_path, "ed25519")
    environment = {**os.environ, "SSH_AUTH_SOCK": agent}
    subprocess.run([ssh_program("ssh-add"), "-q", "-D"], check=True, env=environment)
    with pytest.raises(SigningError, match="does not hold key"):
        SshAgentSigner.connect(key, socket_path=agent)


def test_an_rsa_key_of_an_agent_is_refused(agent: str, tmp_path: Path) -> None:
    key = add_key(agent, tmp_path, "rsa")
    with pytest.raises(SigningError, match="in a way of its own") as caught:
        SshAgentSigner.connect(key, socket_path=agent)
    assert key.fingerprint in caught.value.problem
    assert caught.value.remedy == "name the key's file, or use an Ed25519 or ECDSA key"


def test_a_message_larger_than_an_agent_takes(agent: str, tmp_path: Path) -> None:
    signer = SshAgentSigner.connect(add_key(agent, tmp_path, "ed25519"), socket_path=agent)
    signer.sign(b"x" * 250_000)
    with pytest.raises(SigningError, match="signs at most 262144 bytes"):
        signer.sign(b"x" * 262_144)


def test_a_locked_agent_and_one_that_is_gone(tmp_path: Path) -> None:
    with running_agent(tmp_path) as path:
        signer = SshAgentSigner.connect(add_key(path, tmp_path, "ed25519"), socket_path=path)
        environment = {**os.environ, "SSH_AUTH_SOCK": path}
        subprocess.run([ssh_program("ssh-add"), "-q", "-D"], check=True, env=environment)
        with pytest.raises(SigningError, match="the ssh-agent refuses"):
            signer.sign(b"m")
    with pytest.raises(SigningError, match="does not answer"):
        signer.sign(b"m")
    with pytest.raises(SigningError, match="does not answer"):
        list_agent_keys(tmp_path / ("x" * 200))


@contextmanager
def false_agent(path: Path, *answers: bytes) -> Iterator[str]:
    """Answer each connection with the next of these bytes, whatever was asked."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(path))
        server.listen()

        def serve() -> None:
            for answer in answers:
                link, _ = server.accept()
                with link:
                    link.recv(65_536)
                    link.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield str(path)
        thread.join()


def framed(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


FALSE_ANSWERS = {
    "nothing": b"",
    "a size of nothing": bytes(4),
    "a size beyond all bounds": b"\xff\xff\xff\xff",
    "a message that is cut": framed(b"\x0cxx")[:-1],
    "keys that are not there": framed(b"\x0c\0\0\0\x09"),
    "a string beyond the end": framed(b"\x0c\0\0\0\x01\0\0\xff\xff"),
    "another message": framed(b"\x0e"),
}


@pytest.mark.parametrize("answer", FALSE_ANSWERS.values(), ids=FALSE_ANSWERS)
def test_an_agent_that_answers_nonsense(tmp_path: Path, answer: bytes) -> None:
    with false_agent(tmp_path / "false", answer) as path, pytest.raises(SigningError):
        list_agent_keys(path)


def test_an_agent_that_signs_with_another_key(tmp_path: Path) -> None:
    with running_agent(tmp_path) as path:
        signer = SshAgentSigner.connect(add_key(path, tmp_path, "ed25519"), socket_path=path)
    blob = framed(b"ssh-ed25519") + framed(bytes(64))
    with false_agent(tmp_path / "false", framed(b"\x0e" + framed(blob))) as path:
        other = SshAgentSigner(signer.public_key, path, signer.blob)
        with pytest.raises(SigningError, match="no signature of its key"):
            other.sign(b"m")
