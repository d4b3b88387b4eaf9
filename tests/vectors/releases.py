"""Releases to break: a small one, and one with everything.

What is wrong inside the payload is done before `sign`, what is wrong outside after it; so only the
check that the vector is about can fail. Nothing here knows the library under test.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vectors import formulas, signers
from vectors.kit import Case, verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vectors.formulas import Tree
    from vectors.signers import Signer

__all__ = [
    "BUNDLE",
    "CARD",
    "CREATED",
    "FOLDER",
    "INSIDE",
    "LISTED",
    "LISTING",
    "MODEL",
    "PREFIX",
    "Release",
    "Signed",
    "edited",
    "flip",
    "four_files",
    "put",
    "reference",
    "small",
    "weights",
    "with_inventory_file",
]

#: Prefix of the predicate types.
PREFIX = "https://training-provenance.github.io/"
#: Claimed time of signing, an hour before the verifier's clock.
CREATED = "2026-11-22T11:00:00Z"
#: The manifest folder, and the two files in it that every release has.
FOLDER = "training-provenance"
BUNDLE = f"release/{FOLDER}/manifest.sigstore.json"
LISTING = f"release/{FOLDER}/SHA256SUMS"
#: The listing, as findings name it.
LISTED = f"{FOLDER}/SHA256SUMS"
#: Two files of every release, and where the manifest folder lies.
MODEL, CARD = "release/model.safetensors", "release/README.md"
INSIDE = f"release/{FOLDER}"


@dataclass
class Signed:
    """A signed release, as the files of a vector's folder."""

    files: dict[str, bytes]
    """Everything, by path inside the vector's folder."""

    tree: Tree
    """The tree of the bundle; changes count after `rewrite`."""

    def rewrite(self, data: bytes | None = None) -> Signed:
        """Write the bundle again, from its tree or from other bytes."""
        self.files[BUNDLE] = signers.bundle_bytes(self.tree) if data is None else data
        return self

    def case(self, word: str, *findings: tuple[str, str], **request: Any) -> Case:  # noqa: ANN401 - members of a request
        """Return the case of verifying it with the trusted key, unless the request names others."""
        full = {"folder": "release", "keys": ["signer.pub"], **request}
        return verdict(full, self.files, word, *findings)

    def passes(self, *findings: tuple[str, str], **request: Any) -> Case:  # noqa: ANN401 - as above
        """Return the case with the verdict PASS."""
        return self.case("PASS", ("signature-verified", ""), *findings, **request)

    def fails(self, *findings: tuple[str, str], **request: Any) -> Case:  # noqa: ANN401 - as above
        """Return the case with the verdict FAIL."""
        return self.case("FAIL", *findings, **request)


@dataclass
class Release:
    """A release before it is signed; every part may be changed."""

    files: dict[str, bytes]
    """The files outside the manifest folder."""

    manifest: Tree
    """The predicate."""

    companions: dict[str, bytes] = field(default_factory=dict)
    """The files inside the manifest folder, beside bundle and listing."""

    listing: bytes = b""
    """`SHA256SUMS`."""

    statement: Tree = field(default_factory=dict)
    """The statement without its predicate."""

    def seal(self, *algorithms: str) -> Release:
        """Put inventory, tree digest, listing and first subject in agreement with the files."""
        old = {entry["path"]: entry for entry in self.manifest["release"].get("inventory", ())}
        entries = [
            {**old.get(entry["path"], {}), **entry}
            for entry in formulas.inventory(self.files, *algorithms)
        ]
        return self.list(entries)

    def list(self, entries: Sequence[Tree]) -> Release:
        """Sign this inventory, whatever the files are."""
        self.manifest["release"]["inventory"] = list(entries)
        self.manifest["release"]["files"] = formulas.tree_digest(entries)
        self.listing = formulas.listing([entry for entry in entries if "sha256" in entry["digest"]])
        self.statement = {
            "_type": "https://in-toto.io/Statement/v1",
            "predicateType": f"{PREFIX}manifest/v1",
            "subject": [
                {
                    "name": self.manifest["model"]["name"],
                    "digest": formulas.digests(self.listing, "sha256"),
                }
            ],
        }
        return self

    def set(self, **members: Any) -> Release:  # noqa: ANN401 - JSON
        """Set members of the manifest."""
        self.manifest.update(members)
        return self

    @property
    def payload(self) -> bytes:
        """The payload: the canonical form of the statement."""
        return formulas.canonical({**self.statement, "predicate": self.manifest})

    def sign(self, payload: bytes | None = None, *, signer: Signer = signers.SIGNER) -> Signed:
        """Sign the payload, or other bytes in its place."""
        tree = signers.bundle(self.payload if payload is None else payload, signer)
        inside = {**self.companions, "SHA256SUMS": self.listing}
        files = {f"release/{name}": data for name, data in self.files.items()}
        files |= {f"release/{FOLDER}/{name}": data for name, data in inside.items()}
        return Signed({**files, "signer.pub": signer.pem}, tree).rewrite()

    def passes(self, *findings: tuple[str, str], **request: Any) -> Case:  # noqa: ANN401 - members of a request
        """Sign, and return the case with the verdict PASS."""
        return self.sign().passes(*findings, **request)

    def fails(self, *findings: tuple[str, str], **request: Any) -> Case:  # noqa: ANN401 - as above
        """Sign, and return the case with the verdict FAIL."""
        return self.sign().fails(*findings, **request)


def reference(path: str, data: bytes) -> Tree:
    """Return a reference to a file of the manifest folder."""
    return {"path": path, "size": len(data), "digest": formulas.digests(data)}


def weights(seed: int) -> bytes:
    """Return a small safetensors file: a matrix of 2 by 3 and a vector of 3 floats."""
    values = [seed + index / 4 for index in range(9)]
    return formulas.safetensors(
        [
            ("layer.weight", "F32", (2, 3), struct.pack("<6f", *values[:6])),
            ("layer.bias", "F32", (3,), struct.pack("<3f", *values[6:])),
        ]
    )


def small(**members: Any) -> Release:  # noqa: ANN401 - JSON
    """Return a sealed release of two files with the least manifest, and these members."""
    files = {"README.md": b"# digits\n", "model.safetensors": weights(1)}
    manifest = {
        "manifestVersion": "1.0",
        "createdAt": CREATED,
        "producer": {"name": "Digits Lab"},
        "model": {"name": "digits-mlp", "licenses": ["Apache-2.0"]},
        "release": {},
    }
    return Release(files, manifest).seal().set(**members)


def four_files() -> Release:
    """Return a release of four files, one of them empty."""
    release = small()
    release.files |= {"config.json": b'{"layers":1}\n', "weights/empty.bin": b""}
    return release.seal()


def with_inventory_file(release: Release) -> Release:
    entries = release.manifest["release"].pop("inventory")
    data = b"".join(formulas.canonical(entry) + b"\n" for entry in entries)
    release.companions["inventories/release.jsonl"] = data
    release.manifest["release"]["inventoryFile"] = reference("inventories/release.jsonl", data)
    return release


def edited(change: Callable[[dict[str, bytes]], object]) -> Signed:
    """Return a signed release of four files whose folder was changed afterwards."""
    signed = four_files().sign()
    change(signed.files)
    return signed


def put(path: str, data: bytes) -> Callable[[dict[str, bytes]], object]:
    return lambda files: files.update({path: data})


def flip(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])
