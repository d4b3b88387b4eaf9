"""OMS bundles and models made by hand, with none of the library's own code but the keys."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from typing import TYPE_CHECKING, Any

from blake3 import blake3

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from provenance.signing import PrivateKey

__all__ = [
    "FILES",
    "PREDICATE_TYPE",
    "digest",
    "oms_bundle",
    "payload_of",
    "resource",
    "statement",
    "write_model",
]

PREDICATE_TYPE = "https://model_signing/signature/v1.0"
PAYLOAD_TYPE = "application/vnd.in-toto+json"

#: A small model. `a-b/x` stands before `a/x` by code points, and behind it by components.
FILES: Mapping[str, bytes] = {
    "a-b/x": b"one\n",
    "a/x": b"two\n",
    "config.json": b"{}\n",
    "empty": b"",
    "weights.bin": bytes(range(256)) * 12,
}


def digest(data: bytes, algorithm: str = "sha256") -> str:
    if algorithm == "blake3":
        return blake3(data).hexdigest()
    return hashlib.new(algorithm, data).hexdigest()


def resource(name: str, data: bytes, algorithm: str = "sha256", **more: object) -> dict[str, Any]:
    return {"name": name, "algorithm": algorithm, "digest": digest(data, algorithm), **more}


def statement(
    resources: Sequence[Mapping[str, Any]] | None = None,
    *,
    predicate_type: str = PREDICATE_TYPE,
    root: str | None = None,
    predicate: Mapping[str, object] | None = None,
    **serialization: object,
) -> dict[str, Any]:
    """Return a statement; without resources, the one about `FILES`."""
    listed = [resource(name, data) for name, data in FILES.items()]
    listed = listed if resources is None else [dict(item) for item in resources]
    raw = b"".join(bytes.fromhex(item["digest"]) for item in listed) if root is None else b""
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "model", "digest": {"sha256": root or digest(raw)}}],
        "predicateType": predicate_type,
        "predicate": {
            "serialization": {
                "method": "files",
                "hash_type": "sha256",
                "allow_symlinks": False,
                **serialization,
            },
            "resources": listed,
            **(predicate or {}),
        },
    }


def payload_of(tree: Mapping[str, Any]) -> bytes:
    return json.dumps(tree, indent=1).encode("utf-8")


def oms_bundle(
    key: PrivateKey,
    tree: Mapping[str, Any] | bytes | None = None,
    *,
    material: Mapping[str, object] | None = None,
    message: bytes | None = None,
    **signature: object,
) -> dict[str, Any]:
    """Return the tree of a bundle over a statement; the default is about `FILES`."""
    payload = tree if isinstance(tree, bytes) else payload_of(statement() if tree is None else tree)
    kind = PAYLOAD_TYPE.encode()
    pae = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
    hint = hashlib.sha256(key.public_key.to_pem()).hexdigest()
    signed = b64encode(key.sign(pae if message is None else message)).decode()
    return {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": material or {"publicKey": {"hint": hint}, "tlogEntries": []},
        "dsseEnvelope": {
            "payload": b64encode(payload).decode(),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"sig": signed, "keyid": "", **signature}],
        },
    }


def write_model(folder: Path, files: Mapping[str, bytes] = FILES) -> Path:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder
