"""A signer whose key stays in a running ssh-agent.

The agent signs the message itself with a plain Ed25519 or ECDSA key; what it answers for ECDSA is
turned into DER. The socket is an argument: a library reads no environment.

Source: draft-ietf-sshm-ssh-agent (messages), RFC 5656, section 3.1.2 (ECDSA signatures).
"""

from __future__ import annotations

import os
import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from provenance.errors import SignatureError, SigningError, UsageError
from provenance.signing.public_keys import PublicKey

if TYPE_CHECKING:
    from os import PathLike

__all__ = ["SshAgentSigner", "list_agent_keys"]

#: Most bytes of one message; agents of OpenSSH close the connection beyond it.
MAX_AGENT_MESSAGE_BYTES = 256 * 1024
#: Seconds to wait for an agent: it may ask its owner to confirm.
AGENT_TIMEOUT_SECONDS = 120.0
#: Most keys of an agent that are looked at.
MAX_AGENT_KEYS = 1_024

_REQUEST_IDENTITIES, _IDENTITIES = 11, 12
_SIGN_REQUEST, _SIGNATURE = 13, 14
_KINDS = {
    "ecdsa-p256": b"ecdsa-sha2-nistp256",
    "ecdsa-p384": b"ecdsa-sha2-nistp384",
    "ecdsa-p521": b"ecdsa-sha2-nistp521",
    "ed25519": b"ssh-ed25519",
}


@dataclass(frozen=True, slots=True)
class SshAgentSigner:
    """A key that an ssh-agent holds: signs."""

    public_key: PublicKey
    """The public half, by which the agent is asked."""

    socket_path: str
    """The socket of the agent."""

    blob: bytes
    """The key as the agent names it."""

    @classmethod
    def connect(cls, key: PublicKey | str, *, socket_path: str | PathLike[str]) -> Self:
        """Return the signer for a key that the agent holds.

        Args:
            key: The key, or its fingerprint, ours or the one that OpenSSH shows.
            socket_path: The socket of the agent (what `SSH_AUTH_SOCK` names).

        Raises:
            SigningError: The agent does not answer or does not hold the key, or the key is of a
                kind that signs other bytes there (RSA).
        """
        fingerprint = key if isinstance(key, str) else key.fingerprint
        path = os.fspath(socket_path)
        for held, blob, _ in _held_keys(path):
            if not held.is_called(fingerprint):
                continue
            if held.kind not in _KINDS:
                raise SigningError(
                    path=path,
                    problem=f"the agent holds key {fingerprint}, which is of kind {held.kind}; an "
                    "agent signs with such keys in a way of its own, which verifiers do not take",
                    remedy="name the key's file, or use an Ed25519 or ECDSA key",
                )
            return cls(held, path, blob)
        raise SigningError(
            path=path,
            problem=f"the agent does not hold key {fingerprint}",
            remedy="`ssh-add FILE` gives it one; `ssh-add -L` lists what it holds",
        )

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the key."""
        return self.public_key.fingerprint

    @property
    def hint(self) -> str:
        """The hint at the key that goes into bundles."""
        return self.public_key.hint

    @property
    def scheme(self) -> str:
        """The scheme of the key."""
        return self.public_key.scheme

    def sign(self, message: bytes) -> bytes:
        """Return the agent's signature over `message`, which is checked before it is returned.

        Raises:
            SigningError: The message is larger than an agent takes, the agent refuses or does not
                answer, or what it answers is no signature of the key.
        """
        request = bytes([_SIGN_REQUEST]) + _string(self.blob) + _string(message) + bytes(4)
        if len(request) > MAX_AGENT_MESSAGE_BYTES:
            raise SigningError(
                path=self.socket_path,
                problem=f"an ssh-agent signs at most {MAX_AGENT_MESSAGE_BYTES} bytes, "
                f"this manifest has {len(message)}",
                remedy="sign with the key file, or keep the inventory in a file of its own",
            )
        answer = _ask(self.socket_path, request, _SIGNATURE)
        try:
            signature = self._plain(_Reader(answer).string())
            self.public_key.verify_message(message, signature)
        except (ValueError, SignatureError) as error:
            problem = "what the agent answered is no signature of its key"
            raise SigningError(path=self.socket_path, problem=problem) from error
        return signature

    def _plain(self, blob: bytes) -> bytes:
        reader = _Reader(blob)
        if reader.string() != _KINDS[self.public_key.kind]:
            raise ValueError
        raw = reader.string()
        if self.public_key.kind == "ed25519":
            return raw
        numbers = _Reader(raw)
        r, s = (int.from_bytes(numbers.string(), "big", signed=True) for _ in range(2))
        return encode_dss_signature(r, s)


def list_agent_keys(socket_path: str | PathLike[str]) -> tuple[tuple[PublicKey, str], ...]:
    """Return the keys that an agent holds and that can sign manifests, with their comments.

    Raises:
        SigningError: The agent does not answer.
    """
    found = _held_keys(os.fspath(socket_path))
    return tuple((key, comment) for key, _, comment in found if key.kind in _KINDS)


def _held_keys(path: str) -> list[tuple[PublicKey, bytes, str]]:
    reader = _Reader(_ask(path, bytes([_REQUEST_IDENTITIES]), _IDENTITIES))
    keys = []
    try:
        for _ in range(min(reader.number(), MAX_AGENT_KEYS)):
            blob, comment = reader.string(), reader.string()
            try:
                key = PublicKey.from_ssh_blob(blob)
            except (SigningError, ValueError):  # a kind that cannot sign manifests
                continue
            keys.append((key, blob, comment.decode("utf-8", "backslashreplace")))
    except ValueError as error:
        raise SigningError(path=path, problem="the agent's answer is malformed") from error
    return keys


def _ask(path: str, request: bytes, expected: int) -> bytes:
    """Return the body of the agent's answer.

    Raises:
        SigningError: There is none, or it is a refusal.
    """
    if not hasattr(socket, "AF_UNIX"):
        raise UsageError(problem="this system has no sockets that an ssh-agent could listen on")
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
            link.settimeout(AGENT_TIMEOUT_SECONDS)
            link.connect(path)
            link.sendall(_string(request))
            (size,) = struct.unpack(">I", _receive(link, 4))
            if not 0 < size <= MAX_AGENT_MESSAGE_BYTES:
                raise SigningError(path=path, problem="the agent's answer is malformed")
            answer = _receive(link, size)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SigningError(
            path=path,
            problem=f"the ssh-agent does not answer: {reason}",
            remedy="start one (`eval $(ssh-agent)`) and give it a key (`ssh-add`)",
        ) from error
    if answer[0] != expected:
        raise SigningError(
            path=path,
            problem="the ssh-agent refuses",
            remedy="it may be locked, its owner may have said no, or the key has run out",
        )
    return answer[1:]


def _receive(link: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = link.recv(size - len(parts))
        if not part:
            message = "the connection was closed"
            raise OSError(message)
        parts += part
    return bytes(parts)


def _string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


class _Reader:
    """Reads the strings and numbers of one message; `ValueError` beyond its end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def number(self) -> int:
        """Return the next 32-bit number."""
        return int.from_bytes(self._take(4), "big")

    def string(self) -> bytes:
        """Return the next string."""
        return self._take(self.number())

    def _take(self, size: int) -> bytes:
        part = self._data[self._at : self._at + size]
        if len(part) != size:
            message = "a message is cut"
            raise ValueError(message)
        self._at += size
        return part
