"""Signed releases made by hand from bytes, whole or damaged on purpose, the same bytes every time.

A `CraftedRelease` holds what a release is made of; every part can be changed before the next one is
made from it, so that a defect is signed like anything else and only the wanted check can fail:

    files → inventory, listing, tree digest → manifest → statement → payload → bundle → folder

Tests and the generators of vectors share it. The keys are published and never to be trusted.
"""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenance import canonical
from provenance.checks import LISTING_FILE, MANIFEST_FOLDER
from provenance.digest import digest_bytes, file_entry, hash_bytes, typed_root
from provenance.envelope import STATEMENT_TYPE, write_bundle
from provenance.manifest import MANIFEST_V1
from provenance.signing import PrivateKey, PublicKey, sign_payload

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "NOW",
    "PUBLISHER",
    "STRANGER",
    "TRAINING_LOG",
    "CraftedRelease",
    "digests",
    "file_root",
    "fixed_clock",
    "private_key",
    "public_key",
    "safetensors",
    "sign_bundle",
    "write_tree",
]

#: The verifier's clock in every test and vector; nothing ages.
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

#: The key that signs, and one that nobody named.
PUBLISHER = "never-trust-publisher"
STRANGER = "never-trust-stranger"

#: Two entries, as a recorder writes them.
TRAINING_LOG = (
    b'{"at":"2026-11-22T09:10:00Z","kind":"metrics","step":100,"values":{"loss":1}}\n'
    b'{"at":"2026-11-22T09:50:00Z","kind":"metrics","step":300,"values":{"loss":0.5}}\n'
)

_KEYS = Path(__file__).parent / "keys"

_ROLES = {"model.safetensors": "weights", "config.json": "configuration", "README.md": "card"}
_DOCUMENTS = {
    "documents/config.json": ("doc-config", "configuration"),
    "documents/train.py": ("doc-train", "code"),
    "documents/results.json": ("doc-results", "results"),
}


def fixed_clock() -> datetime:
    """Return the fixed time of all tests."""
    return NOW


def private_key(name: str = PUBLISHER) -> PrivateKey:
    """Return one of the published private keys; its signatures are the same every time."""
    return PrivateKey.from_pem((_KEYS / f"{name}.key").read_bytes(), deterministic=True)


def public_key(name: str = PUBLISHER) -> PublicKey:
    """Return the public half of one of the published keys."""
    return PublicKey.from_pem((_KEYS / f"{name}.key.pub").read_bytes())


def digests(data: bytes, *, sha256: bool = True) -> dict[str, str]:
    """Return the digests of some bytes as they stand in a manifest."""
    return dict(digest_bytes(data, ("blake3", "sha256") if sha256 else ("blake3",)))


def file_root(files: Mapping[str, bytes]) -> dict[str, Any]:
    """Return the typed root over files, as it stands in a manifest."""
    entries = (
        file_entry(name, len(files[name]), hash_bytes(files[name], "blake3"))
        for name in sorted(files)
    )
    return typed_root("file", entries).to_tree()


def safetensors(tensors: Mapping[str, tuple[str, list[int], bytes]]) -> bytes:
    """Return a safetensors file of name to (dtype, shape, bytes)."""
    header: dict[str, Any] = {}
    start = 0
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [start, start + len(data)]}
        start += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + b"".join(item[2] for item in tensors.values())


def write_tree(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write files below a folder and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def sign_bundle(
    payload: bytes,
    *,
    key: str = PUBLISHER,
    edit: Callable[[dict[str, Any]], object] | None = None,
) -> bytes:
    """Return the bundle over a payload; `edit` changes its tree after it was signed."""
    data = write_bundle(sign_payload(payload, private_key(key)))
    if edit is None:
        return data
    tree = json.loads(data)
    edit(tree)
    return json.dumps(tree, separators=(",", ":")).encode()


def _default_files() -> dict[str, bytes]:
    weights = {"w": ("F32", [2, 2], bytes(range(16))), "b": ("F32", [2], bytes(8))}
    return {
        "README.md": b"# digits-mlp\n",
        "config.json": b'{"hidden":32}\n',
        "model.safetensors": safetensors(weights),
    }


def _default_companions() -> dict[str, bytes]:
    return {
        "documents/config.json": b'{"learning_rate":0.05}\n',
        "documents/train.py": b"print('train')\n",
        "documents/results.json": b'{"metrics":{"accuracy":0.9722}}\n',
        "training-log/metrics.jsonl": TRAINING_LOG,
    }


def _default_datasets() -> dict[str, dict[str, bytes]]:
    return {
        "raw": {"digits.csv": b"0,1,2\n"},
        "train": {"train.csv": b"0,1\n"},
        "test": {"test.csv": b"2\n"},
    }


@dataclass
class CraftedRelease:
    """A release in the making. Every field may be changed until `layout` or `write` is called."""

    files: dict[str, bytes] = field(default_factory=_default_files)
    """The released files, by name."""

    companions: dict[str, bytes] = field(default_factory=_default_companions)
    """Files of the manifest folder, by name inside it."""

    datasets: dict[str, dict[str, bytes]] = field(default_factory=_default_datasets)
    """The files of each dataset; they are no part of the release."""

    edit_manifest: Callable[[dict[str, Any]], object] | None = None
    """Changes the tree of the manifest before it is signed."""

    edit_statement: Callable[[dict[str, Any]], object] | None = None
    """Changes the tree of the statement before it is signed."""

    edit_payload: Callable[[bytes], bytes] | None = None
    """Returns other bytes to sign."""

    edit_bundle: Callable[[dict[str, Any]], object] | None = None
    """Changes the tree of the bundle, after it was signed."""

    key: str = PUBLISHER
    """The name of the key that signs."""

    def inventory(self) -> list[dict[str, Any]]:
        """Return the inventory of the released files."""
        return [
            {
                "path": name,
                "size": len(self.files[name]),
                "digest": digests(self.files[name]),
                "role": _ROLES.get(name, "other"),
            }
            for name in sorted(self.files)
        ]

    def listing(self) -> bytes:
        """Return `SHA256SUMS`; nothing checks its names."""
        lines = (
            f"{hash_bytes(self.files[name], 'sha256')}  {name}\n" for name in sorted(self.files)
        )
        return "".join(lines).encode()

    def manifest(self) -> dict[str, Any]:
        """Return the tree of the manifest, edited."""
        tree = deepcopy(self._complete_manifest())
        if self.edit_manifest is not None:
            self.edit_manifest(tree)
        return tree

    def statement(self) -> dict[str, Any]:
        """Return the tree of the statement, edited."""
        listing = hash_bytes(self.listing(), "sha256")
        tree = {
            "_type": STATEMENT_TYPE,
            "subject": [{"name": "digits-mlp", "digest": {"sha256": listing}}],
            "predicateType": MANIFEST_V1,
            "predicate": self.manifest(),
        }
        if self.edit_statement is not None:
            self.edit_statement(tree)
        return tree

    def payload(self) -> bytes:
        """Return the bytes that are signed; nothing checks them."""
        data = canonical.write(self.statement())
        return self.edit_payload(data) if self.edit_payload is not None else data

    def bundle(self) -> bytes:
        """Return the signed bundle, edited."""
        return sign_bundle(self.payload(), key=self.key, edit=self.edit_bundle)

    def layout(self) -> dict[str, bytes]:
        """Return every file of the release folder, by name."""
        inside = {
            "manifest.sigstore.json": self.bundle(),
            LISTING_FILE: self.listing(),
            **self.companions,
        }
        return {
            **self.files,
            **{f"{MANIFEST_FOLDER}/{name}": data for name, data in inside.items()},
        }

    def write(self, folder: Path) -> Path:
        """Write the release folder and return it."""
        return write_tree(folder, self.layout())

    def refer(self, name: str) -> dict[str, Any]:
        """Return the file reference to a companion."""
        data = self.companions[name]
        return {"path": name, "size": len(data), "digest": digests(data)}

    def _complete_manifest(self) -> dict[str, Any]:
        """Return a manifest in which nothing is wrong and every part has a fact."""
        return {
            "manifestVersion": "1.0",
            "createdAt": "2026-11-22T11:00:00Z",
            "producer": {"name": "Digits Lab", "contact": "open@digits.example"},
            "generator": {"name": "training-provenance", "version": "0.1.0"},
            "model": {
                "name": "digits-mlp",
                "version": "1.0",
                "licenses": ["Apache-2.0"],
                "architecture": {"family": "mlp", "configuration": "doc-config"},
            },
            "release": {
                "files": file_root(self.files),
                "inventory": self.inventory(),
                "checkpoint": "c300",
            },
            "datasets": [
                self._raw_dataset(),
                self._dataset("train", "train", records=2),
                self._dataset("test", "test", records=1),
            ],
            "processing": [
                {
                    "id": "prepare",
                    "code": {"script": {"name": "prepare.py", "digest": digests(b"prepare\n")}},
                    "inputs": ["raw"],
                    "outputs": ["train", "test"],
                    "startedAt": "2026-11-22T09:00:00Z",
                    "endedAt": "2026-11-22T09:01:00Z",
                }
            ],
            "training": self._training(),
            "evaluations": [
                {
                    "id": "e1",
                    "task": "test accuracy",
                    "dataset": "test",
                    "checkpoint": "c300",
                    "metrics": [{"name": "accuracy", "value": 0.9722}],
                    "results": "doc-results",
                    "endedAt": "2026-11-22T10:20:00Z",
                }
            ],
            "environments": [{"id": "env-1", "language": "CPython 3.11.7"}],
            "compute": {"wallTimeSeconds": 600},
            "documents": [
                {"id": _DOCUMENTS[name][0], "kind": _DOCUMENTS[name][1], **self.refer(name)}
                for name in self.companions
                if name in _DOCUMENTS
            ],
        }

    def _training(self) -> dict[str, Any]:
        logs = [name for name in self.companions if name.startswith("training-log/")]
        lines = [line for name in logs for line in self.companions[name].split(b"\n")[:-1]]
        weights = self.files.get("model.safetensors", b"")
        entry = {"path": "model.safetensors", "size": len(weights), "digest": digests(weights)}
        return {
            "segments": [
                {
                    "id": "s1",
                    "fromStep": 0,
                    "toStep": 300,
                    "hyperparameters": {"learning_rate": 0.05},
                    "configuration": "doc-config",
                    "code": {"document": "doc-train"},
                    "environment": "env-1",
                    "datasets": ["train"],
                    "startedAt": "2026-11-22T10:00:00Z",
                    "endedAt": "2026-11-22T10:10:00Z",
                }
            ],
            "checkpoints": [
                {
                    "id": "c300",
                    "step": 300,
                    "segment": "s1",
                    "savedAt": "2026-11-22T10:10:00Z",
                    "inventory": [entry],
                }
            ],
            "log": typed_root("log", lines).to_tree(),
            "logFiles": [self.refer(name) for name in logs],
        }

    def _dataset(self, name: str, role: str, *, records: int) -> dict[str, Any]:
        files = self.datasets[name]
        return {
            "id": name,
            "name": f"digits ({name})",
            "roles": [role],
            "licenses": ["CC-BY-4.0"],
            "files": file_root(files),
            "inventory": [
                {
                    "path": path,
                    "size": len(files[path]),
                    "digest": digests(files[path], sha256=False),
                }
                for path in sorted(files)
            ],
            "records": records,
        }

    def _raw_dataset(self) -> dict[str, Any]:
        return {
            **self._dataset("raw", "raw", records=3),
            "sources": [{"uri": "https://archive.example/digits.csv"}],
            "cleaning": [{"description": "duplicates removed", "step": "prepare"}],
            "labelling": {"criteria": "the digit that was written"},
        }
