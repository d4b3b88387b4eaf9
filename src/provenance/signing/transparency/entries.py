"""One log entry of a bundle, read strictly and not verified. No I/O.

Source: `sigstore_rekor.proto` of sigstore/protobuf-specs; `spec/envelope.md`, section "Log
entries".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from provenance.envelope.fields import (
    decode_base64,
    refuse_unknown,
    require_array,
    require_object,
    require_text,
)
from provenance.errors import EnvelopeError

if TYPE_CHECKING:
    from provenance.canonical import JsonValue

__all__ = ["LogEntry", "LogProof", "read_log_entry"]

#: Largest body of an entry, in bytes: it may hold a whole envelope.
MAX_BODY_BYTES = 96 * 1024 * 1024
#: Most hashes of a proof: a log has at most 2^63 entries.
MAX_PROOF_HASHES = 64
MAX_TEXT = 65_536
_HASH_BYTES = 32
_INT64 = 2**63

_CODE = "log-entry-invalid"


@dataclass(frozen=True, slots=True)
class LogProof:
    """That an entry stands in a log of a certain size, and the tree head that says so."""

    index: int
    """The place of the entry in its tree."""

    size: int
    """How many entries the tree had."""

    root: bytes
    """The root over them."""

    hashes: tuple[bytes, ...]
    """The sibling hashes, from the leaf upwards."""

    tree_head: str
    """The signed note of the log; empty if there is none."""


@dataclass(frozen=True, slots=True)
class LogEntry:
    """The parts of an entry."""

    log_id: bytes
    """Which log."""

    log_index: int
    """The place of the entry; of a sharded log, over all shards."""

    kind: str
    """Which kind of body."""

    version: str
    """Which version of that kind."""

    integrated_time: int
    """Seconds since 1970 at which the log says that it took the entry; 0 if it says none."""

    promise: bytes | None
    """The signed entry timestamp, if there is one."""

    proof: LogProof | None
    """The inclusion proof, if there is one."""

    body: bytes
    """What the log holds: the bytes that are hashed as the leaf."""


def read_log_entry(value: JsonValue, path: str) -> LogEntry:
    """Return the parts of one entry of `tlogEntries`.

    Raises:
        EnvelopeError: It breaks the format (code `log-entry-invalid`).
    """
    tree = require_object(value, path, code=_CODE)
    known = (
        *("logIndex", "logId", "kindVersion", "integratedTime", "inclusionPromise"),
        *("inclusionProof", "canonicalizedBody"),
    )
    refuse_unknown(tree, known, path, code=_CODE)
    log_id = _object(tree, "logId", path, ("keyId",))
    kind = _object(tree, "kindVersion", path, ("kind", "version"))
    promise = None
    if tree.get("inclusionPromise") is not None:
        inner = _object(tree, "inclusionPromise", path, ("signedEntryTimestamp",))
        promise = _bytes(inner, "signedEntryTimestamp", f"{path}/inclusionPromise") or None
    proof = None
    if tree.get("inclusionProof") is not None:
        proof = _read_proof(tree, path)
    return LogEntry(
        log_id=_bytes(log_id, "keyId", f"{path}/logId"),
        log_index=_number(tree, "logIndex", path),
        kind=_text(kind, "kind", f"{path}/kindVersion"),
        version=_text(kind, "version", f"{path}/kindVersion"),
        integrated_time=_number(tree, "integratedTime", path),
        promise=promise,
        proof=proof,
        body=_bytes(tree, "canonicalizedBody", path, most=MAX_BODY_BYTES),
    )


def _read_proof(tree: dict[str, JsonValue], path: str) -> LogProof:
    fields = ("logIndex", "rootHash", "treeSize", "hashes", "checkpoint")
    proof = _object(tree, "inclusionProof", path, fields)
    where = f"{path}/inclusionProof"
    listed = require_array(
        proof.get("hashes", ()), f"{where}/hashes", most=MAX_PROOF_HASHES, code=_CODE
    )
    hashes = tuple(
        decode_base64(it, f"{where}/hashes/{index}", most=_HASH_BYTES, code=_CODE)
        for index, it in enumerate(listed)
    )
    head = ""
    if proof.get("checkpoint") is not None:
        note = _object(proof, "checkpoint", where, ("envelope",))
        head = _text(note, "envelope", f"{where}/checkpoint")
    return LogProof(
        index=_number(proof, "logIndex", where),
        size=_number(proof, "treeSize", where),
        root=_bytes(proof, "rootHash", where),
        hashes=hashes,
        tree_head=head,
    )


def _object(
    tree: dict[str, JsonValue], name: str, path: str, known: tuple[str, ...]
) -> dict[str, JsonValue]:
    found = require_object(tree.get(name, {}), f"{path}/{name}", code=_CODE)
    refuse_unknown(found, known, f"{path}/{name}", code=_CODE)
    return found


def _text(tree: dict[str, JsonValue], name: str, path: str) -> str:
    return require_text(tree.get(name, ""), f"{path}/{name}", most=MAX_TEXT, code=_CODE)


def _bytes(tree: dict[str, JsonValue], name: str, path: str, *, most: int = MAX_TEXT) -> bytes:
    return decode_base64(tree.get(name, ""), f"{path}/{name}", most=most, code=_CODE)


def _number(tree: dict[str, Any], name: str, path: str) -> int:
    """Return a 64-bit number of proto3 JSON: a string of digits, or a number; absent means 0."""
    value = tree.get(name, 0)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:  # noqa: PLR2004
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _INT64:
        raise EnvelopeError(
            path=f"{path}/{name}", problem="expected a whole number from 0 below 2^63", code=_CODE
        )
    return value
