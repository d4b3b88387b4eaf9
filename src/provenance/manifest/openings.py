"""What opens sealed facts: the producer's private file, and the opening of one fact. No I/O.

The private file never leaves the producer. An opening is what an auditor gets: one value with its
salt, and which manifest it was sealed in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from provenance import canonical
from provenance.canonical import MAX_DOCUMENT_BYTES
from provenance.errors import CanonicalError, ManifestError, shown
from provenance.manifest.disclosures import COMMITMENT_SALT_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provenance.canonical import JsonValue

__all__ = ["OPENING_FORMAT", "PRIVATE_VERSION", "Opening", "PrivateFile"]

#: What the member `format` of an opening says.
OPENING_FORMAT: Final = "training-provenance/opening/v1"

#: Version of the format of a private file.
PRIVATE_VERSION: Final = "1.0"

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_SALT: Final = re.compile(rf"[0-9a-f]{{{2 * COMMITMENT_SALT_BYTES}}}")
_SECRET: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Opening:
    """The value of one sealed fact, with its salt."""

    manifest: str
    """The manifest digest: SHA-256 of the payload that the commitment is in."""

    path: str
    """JSON Pointer of the fact."""

    value: JsonValue
    """The value, as it would stand there."""

    salt: bytes
    """The 16 bytes before it."""

    def to_bytes(self) -> bytes:
        """Return the opening in canonical JSON."""
        return canonical.write(
            {
                "format": OPENING_FORMAT,
                "manifest": {"sha256": self.manifest},
                "path": self.path,
                "salt": self.salt.hex(),
                "value": self.value,
            }
        )

    @classmethod
    def from_bytes(cls, data: bytes, *, source: str = "") -> Opening:
        """Read an opening strictly.

        Raises:
            ManifestError: It is none, or breaks its format (code `opening-malformed`).

        Source: `spec/manifest.md`, section "Openings and private inventories".
        """
        tree = _parse(data, source)
        match tree:
            case {
                "format": format_,
                "manifest": {"sha256": str(manifest), **more},
                "path": str(path),
                "salt": str(salt),
                "value": value,
                **rest,
            } if format_ == OPENING_FORMAT and not rest and not more:
                if _DIGEST.fullmatch(manifest) and _SALT.fullmatch(salt):
                    return cls(manifest, _pointer(path, source), value, bytes.fromhex(salt))
        raise _malformed(source, "expected format, manifest, path, salt and value of an opening")


@dataclass(frozen=True, slots=True)
class PrivateFile:
    """What the producer keeps: the sealed values of one manifest, and the secrets of its trees."""

    manifest: str
    """The manifest digest that it belongs to."""

    openings: Mapping[str, Opening]
    """What opens each sealed fact, by its JSON Pointer."""

    tree_secrets: Mapping[str, bytes]
    """The 32 bytes that the salts of a private tree are derived from, by the dataset's id."""

    @classmethod
    def from_bytes(cls, data: bytes, *, source: str = "") -> PrivateFile:
        """Read a private file strictly.

        Raises:
            ManifestError: It is none, or breaks its format (code `opening-malformed`).
        """
        tree = _parse(data, source)
        match tree:
            case {
                "privateVersion": version,
                "manifestDigest": str(manifest),
                "commitments": tuple(commitments),
                **rest,
            } if (
                version == PRIVATE_VERSION
                and _DIGEST.fullmatch(manifest)
                and (not set(rest) - {"trees"})
            ):
                openings = [_sealed(item, manifest, source) for item in commitments]
                secrets = [_secret(item, source) for item in _items(rest.get("trees", ()))]
                return cls(
                    manifest,
                    MappingProxyType({opening.path: opening for opening in openings}),
                    MappingProxyType(dict(secrets)),
                )
        raise _malformed(source, "this is no private file of a draft")


def _sealed(item: JsonValue, manifest: str, source: str) -> Opening:
    match item:
        case {"path": str(path), "salt": str(salt), "value": value, **rest} if not rest:
            if _SALT.fullmatch(salt):
                return Opening(manifest, _pointer(path, source), value, bytes.fromhex(salt))
    raise _malformed(source, "a commitment has a path, a value and a salt of 16 bytes")


def _secret(item: JsonValue, source: str) -> tuple[str, bytes]:
    match item:
        case {"dataset": str(dataset), "secret": str(secret), **rest} if not rest:
            if _SECRET.fullmatch(secret):
                return dataset, bytes.fromhex(secret)
    raise _malformed(source, "a private tree has a dataset and a secret of 32 bytes")


def _items(value: Any) -> tuple[Any, ...]:  # noqa: ANN401 - JSON
    return value if isinstance(value, tuple) else (value,)


def _pointer(path: str, source: str) -> str:
    try:
        canonical.split_pointer(path)
    except CanonicalError as error:
        raise _malformed(source, f"{shown(path)} is no JSON Pointer") from error
    return path


def _parse(data: bytes, source: str) -> JsonValue:
    try:
        return canonical.parse_canonical(data, source=source, max_bytes=MAX_DOCUMENT_BYTES)
    except CanonicalError as error:
        raise _malformed(source, error.problem) from error


def _malformed(source: str, problem: str) -> ManifestError:
    return ManifestError(
        path=source,
        problem=problem,
        remedy="`provenance open` writes openings from the private.json of a draft",
        code="opening-malformed",
    )
