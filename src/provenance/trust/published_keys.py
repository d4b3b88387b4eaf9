"""Keys as publishers make them known: candidates for a person to compare, never trusted here.

A publisher's site has them as `/.well-known/training-provenance/keys.json`; a code host lists the
SSH keys of an account. Whoever can change such a page can put a key of his own there, so what is
read here has no way into a verification: a person compares a fingerprint over a second way, and
then names the key. No I/O.

Source: `spec/trust-policy.md`, section "First contact".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from msgspec import Struct
from pydantic import Field

from provenance import canonical
from provenance.canonical import MAX_POLICY_BYTES, MAX_POLICY_SIGNERS
from provenance.errors import ProvenanceError, TrustError
from provenance.manifest.base import Document, ShortText, Text, parse_document
from provenance.signing import PublicKey

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["PublishedKey", "read_published_keys"]


class PublishedKey(Struct, frozen=True):
    """A key that somebody's page shows."""

    fingerprint: str
    """Computed from the key, whatever the page says."""

    public_key: str
    """The key, PEM: what a person may write to a file once the fingerprint was compared."""

    label: str = ""
    """What the page calls it; nobody vouches for that."""

    models: tuple[str, ...] = ()
    """The models that the page says it signs."""


class _KeyDocument(Document):
    key: Text
    label: ShortText | None = None
    fingerprint: ShortText | None = None
    models: Annotated[tuple[ShortText, ...], Field(max_length=MAX_POLICY_SIGNERS)] = ()


class _KeysDocument(Document):
    keys_version: Literal["1.0"]
    keys: Annotated[tuple[_KeyDocument, ...], Field(max_length=MAX_POLICY_SIGNERS)] = ()


def read_published_keys(data: bytes) -> tuple[PublishedKey, ...]:
    """Return the keys of a page that a person has fetched.

    Args:
        data: A `keys.json`, or lines of SSH keys (`https://HOST/USER.keys`).

    Raises:
        TrustError: It is neither, a key cannot be used, or a fingerprint is not that of its key.
    """
    if len(data) > MAX_POLICY_BYTES:
        raise TrustError(problem=f"{len(data)} bytes, expected at most {MAX_POLICY_BYTES}")
    try:
        found = tuple(_read_json(data) if data.lstrip()[:1] == b"{" else _read_lines(data))
    except TrustError:
        raise
    except ProvenanceError as error:
        raise TrustError(path=error.path, problem=error.problem, remedy=error.remedy) from error
    if not found:
        raise TrustError(problem="there is no key in it")
    return found


def _read_json(data: bytes) -> Iterator[PublishedKey]:
    document = parse_document(_KeysDocument, canonical.parse(data, max_bytes=MAX_POLICY_BYTES))
    for index, item in enumerate(document.keys):
        key = PublicKey.from_pem(item.key.encode("utf-8"))
        if item.fingerprint not in {None, key.fingerprint}:
            problem = f"the key has {key.fingerprint}, the page says another fingerprint"
            raise TrustError(path=f"/keys/{index}/fingerprint", problem=problem)
        yield _published(key, item.label or "", item.models)


def _read_lines(data: bytes) -> Iterator[PublishedKey]:
    from provenance.signing.ssh import read_authorized_keys  # noqa: PLC0415 - rarely needed

    for found in read_authorized_keys(data, path=""):
        yield _published(found.key, found.comment, ())


def _published(key: PublicKey, label: str, models: tuple[str, ...]) -> PublishedKey:
    return PublishedKey(key.fingerprint, key.to_pem().decode("ascii"), label, models)
