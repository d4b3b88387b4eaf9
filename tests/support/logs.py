"""Transparency logs made on the spot, from the published rules: nothing here is the library's.

A log holds a few entries; it gives proofs, signed tree heads and promises for them.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

__all__ = [
    "Log",
    "b64",
    "encoded",
    "inclusion",
    "sct",
    "sct_list",
    "sct_message",
    "spki_of",
]

Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def b64(data: bytes) -> str:
    """Return standard padded base64."""
    return b64encode(data).decode()


def encoded(value: object) -> bytes:
    """Return JSON as RFC 8785 has it; no test has a number or key for which more is needed."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def spki_of(key: Key) -> bytes:
    """Return the public key, DER."""
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _root(leaves: Sequence[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    cut = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + _root(leaves[:cut]) + _root(leaves[cut:])).digest()


def _path(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    cut = 1 << (len(leaves) - 1).bit_length() - 1
    if index < cut:
        return [*_path(index, leaves[:cut]), _root(leaves[cut:])]
    return [*_path(index - cut, leaves[cut:]), _root(leaves[:cut])]


def inclusion(index: int, entries: Sequence[bytes]) -> tuple[bytes, list[bytes]]:
    """Return the root over some entries and the hashes that lead from one of them to it."""
    leaves = [hashlib.sha256(b"\x00" + entry).digest() for entry in entries]
    return _root(leaves), _path(index, leaves)


@dataclass(frozen=True)
class Log:
    """A log: of the first version (ECDSA, promises), or of the second (Ed25519, no time)."""

    host: str
    key: Key
    second: bool = False

    @property
    def origin(self) -> str:
        """The first line of its tree heads."""
        return self.host if self.second else f"{self.host} - 4711"

    @property
    def log_id(self) -> bytes:
        """The id by which entries name it."""
        if self.second:
            raw = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
            return hashlib.sha256(self.host.encode() + b"\n\x01" + raw).digest()
        return hashlib.sha256(spki_of(self.key)).digest()

    @property
    def instance(self) -> dict[str, Any]:
        """How a trusted root names it."""
        details = "PKIX_ED25519" if self.second else "PKIX_ECDSA_P256_SHA_256"
        return {
            "baseUrl": f"https://{self.host}",
            "hashAlgorithm": "SHA2_256",
            "publicKey": {
                "rawBytes": b64(spki_of(self.key)),
                "keyDetails": details,
                "validFor": {"start": "2020-01-01T00:00:00Z"},
            },
            "logId": {"keyId": b64(self.log_id)},
        }

    def sign(self, message: bytes) -> bytes:
        """Return a signature of the log."""
        if isinstance(self.key, ed25519.Ed25519PrivateKey):
            return self.key.sign(message)
        return self.key.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))

    def line(self, text: str, *, name: str = "", number: bytes = b"") -> str:
        """Return the log's line under a note."""
        data = (number or self.log_id[:4]) + self.sign(text.encode())
        return f"\N{EM DASH} {name or self.host} {b64(data)}\n"

    def tree_head(self, size: int, root: bytes, *, origin: str = "", more: str = "") -> str:
        """Return a signed tree head; `more` are lines behind the root."""
        text = f"{origin or self.origin}\n{size}\n{b64(root)}\n{more}"
        return f"{text}\n{self.line(text)}"

    def promise(self, body: bytes, *, time: int, index: int) -> bytes:
        """Return the signed entry timestamp of an entry."""
        message = {
            "body": b64(body),
            "integratedTime": time,
            "logID": self.log_id.hex(),
            "logIndex": index,
        }
        return self.sign(encoded(message))

    def entry(
        self,
        body: bytes,
        *,
        time: int = 0,
        index: int = 1,
        others: Sequence[bytes] = (b"{}", b"[]", b"0", b"1"),
    ) -> dict[str, Any]:
        """Return the entry of a bundle about a body that stands between others."""
        read = json.loads(body)
        entries = [*others[:index], body, *others[index:]]
        root, path = inclusion(index, entries)
        outer = index if self.second else index + 1000  # of all shards
        value: dict[str, Any] = {
            "logIndex": str(outer),
            "logId": {"keyId": b64(self.log_id)},
            "kindVersion": {"kind": read["kind"], "version": read["apiVersion"]},
            "inclusionProof": {
                "logIndex": str(index),
                "rootHash": b64(root),
                "treeSize": str(len(entries)),
                "hashes": [b64(node) for node in path],
                "checkpoint": {"envelope": self.tree_head(len(entries), root)},
            },
            "canonicalizedBody": b64(body),
        }
        if not self.second:
            value["integratedTime"] = str(time)
            promise = self.promise(body, time=time, index=outer)
            value["inclusionPromise"] = {"signedEntryTimestamp": b64(promise)}
        return value


def sct(log: Log, signature: bytes, at: datetime) -> bytes:
    """Return one signed certificate timestamp (RFC 6962, section 3.2)."""
    milliseconds = int(at.timestamp() * 1000).to_bytes(8, "big")
    # The numbers of SHA-256 and of ECDSA come first.
    signed = b"\x04\x03" + len(signature).to_bytes(2, "big") + signature
    return b"\x00" + log.log_id + milliseconds + b"\x00\x00" + signed


def sct_list(*scts: bytes) -> bytes:
    """Return the extension with some timestamps: a TLS list inside an OCTET STRING."""
    inner = b"".join(len(one).to_bytes(2, "big") + one for one in scts)
    data = len(inner).to_bytes(2, "big") + inner
    length = len(data)
    if length < 0x80:
        return b"\x04" + bytes([length]) + data
    size = (length.bit_length() + 7) // 8
    return b"\x04" + bytes([0x80 | size]) + length.to_bytes(size, "big") + data


def sct_message(certificate: bytes, issuer: bytes, at: datetime) -> bytes:
    """Return what a certificate log signs for a precertificate."""
    return (
        b"\x00\x00"
        + int(at.timestamp() * 1000).to_bytes(8, "big")
        + b"\x00\x01"
        + hashlib.sha256(issuer).digest()
        + len(certificate).to_bytes(3, "big")
        + certificate
        + b"\x00\x00"
    )
