"""Everything that makes a log entry count: body, inclusion, tree head, promise, and its time.

Source: client-spec of sigstore/architecture-docs, section 4; rekor-v2-spec, section 6.1.4; RFC
6962; `spec/envelope.md`, section "Log entries".
"""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from provenance import canonical
from provenance.digest.merkle import plain_leaf_hash, root_from_path
from provenance.errors import CanonicalError, DigestError, EnvelopeError, SignatureError
from provenance.signing.outcomes import VerifiedTime
from provenance.signing.transparency.bodies import LoggedContent, check_body
from provenance.signing.transparency.entries import read_log_entry
from provenance.signing.transparency.signed_notes import parse_note, parse_tree_head

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provenance.canonical import JsonValue
    from provenance.signing.transparency.entries import LogEntry
    from provenance.signing.transparency.instances import LogInstance, TrustedRoot, Window

__all__ = ["LoggedContent", "verify_log_entries"]

_OLDEST_BUNDLE = "application/vnd.dev.sigstore.bundle+json;version=0.1"
# Later versions of the log do not vouch for a time (rekor-v2-spec, section 6).
_TIMED = {
    ("hashedrekord", "0.0.1"),
    ("dsse", "0.0.1"),
    ("intoto", "0.0.2"),
}
_LATEST = datetime.max.replace(tzinfo=UTC).timestamp()


def verify_log_entries(
    entries: Sequence[JsonValue],
    content: LoggedContent,
    root: TrustedRoot,
    *,
    media_type: str,
    times: Sequence[datetime] = (),
    least: int = 1,
) -> tuple[VerifiedTime, ...]:
    """Return the times that the log entries of a bundle prove, if every one of them holds.

    Args:
        entries: The entries, as a bundle carries them.
        content: What the bundle signs, and by whom.
        root: The logs that are trusted.
        media_type: The bundle's: before v0.2 a promise of the log stood for its proof.
        times: When the signature was made, as others prove it: the keys of the logs must count
            then, and at the times that the entries prove. Later versions of the log state no time
            of their own.
        least: How many distinct logs must have an entry.

    Raises:
        SignatureError: One does not hold, stands there twice, or there are too few (code
            `log-entry-invalid`).
    """
    logs: set[bytes] = set()
    proven: list[VerifiedTime] = []
    found: list[tuple[str, Sequence[Window]]] = []
    seen: set[tuple[bytes, int, bytes]] = set()
    for index, value in enumerate(entries):
        path = f"/verificationMaterial/tlogEntries/{index}"
        try:
            entry = read_log_entry(value, path)
        except EnvelopeError as error:
            raise SignatureError(
                path=error.path, problem=error.problem, code="log-entry-invalid"
            ) from error
        # By its leaf: the outer index is no part of what a proof is about.
        proof = entry.proof
        place = proof.index if proof is not None and proof.tree_head else entry.log_index
        key = (entry.log_id, place, entry.body)
        if key in seen:
            raise _refused("it stands there twice", path)
        seen.add(key)
        try:
            check_body(entry, content)
            time, windows = _verify_entry(entry, root, old=media_type == _OLDEST_BUNDLE)
        except SignatureError as error:
            raise SignatureError(
                path=path, problem=error.problem, remedy=error.remedy, code=error.code
            ) from error
        logs.add(entry.log_id)
        found.append((path, windows))
        if time is not None:
            proven.append(time)
    # Only now are all the times known: one entry's log may have ended before another's time.
    when = (*times, *(time.at for time in proven))
    for path, windows in found:
        if not any(all(map(window.holds, when)) for window in windows):
            raise _refused("its log's key does not count at the time of the signature", path)
    if len(logs) < least:
        problem = f"entries of {len(logs)} logs, {least} are required"
        raise SignatureError(problem=problem, code="log-entry-invalid")
    return tuple(proven)


def _verify_entry(
    entry: LogEntry, root: TrustedRoot, *, old: bool
) -> tuple[VerifiedTime | None, Sequence[Window]]:
    """Return the time that an entry proves, and when each of the keys counts that it holds under.

    Raises:
        SignatureError: It does not hold under any key of its log.
    """
    instances = [log for log in root.logs if log.log_id == entry.log_id]
    if not instances:
        left_out = "".join(f"; left out of the trusted root: {it}" for it in root.unusable[:1])
        raise _refused(f"it is of no log that is trusted{left_out}")
    failure: SignatureError | None = None
    time: VerifiedTime | None = None
    windows: list[Window] = []
    for log in instances:  # one id may have had several keys
        try:
            time = _verify_with(entry, log, old=old)
        except SignatureError as error:
            failure = failure or error
        else:
            windows.append(log.window)
    if failure is not None and not windows:
        raise failure
    return time, windows


def _verify_with(entry: LogEntry, log: LogInstance, *, old: bool) -> VerifiedTime | None:
    _verify_proof(entry, log, old=old)
    promised = _verify_promise(entry, log)
    if old and not promised:  # what bundles had before logs gave proofs at once
        raise _refused("it has no promise of its log")
    if not promised or (entry.kind, entry.version) not in _TIMED:
        return None
    if not 0 < entry.integrated_time <= _LATEST:
        raise _refused("it has a time that is none")
    at = datetime.fromtimestamp(entry.integrated_time, UTC)
    if not log.window.holds(at):
        raise _refused("its log's key does not count at its time")
    name = b64encode(log.log_id).decode("ascii").rstrip("=")
    return VerifiedTime(at, "transparency-log", f"SHA256:{name}")


def _verify_proof(entry: LogEntry, log: LogInstance, *, old: bool) -> None:
    """Refuse a proof that does not hold; only bundles of v0.1 may lack one, or its tree head."""
    proof = entry.proof
    if proof is None or (old and not proof.tree_head):
        if old:
            return
        raise _refused("it has no inclusion proof")
    if not proof.tree_head:
        raise _refused("its inclusion proof has no tree head")
    note = parse_note(proof.tree_head)
    note.verify(log.note_keys)
    head = parse_tree_head(note)
    names = [key.name for key in log.note_keys]
    if not any(head.origin == name or head.origin.startswith(f"{name} - ") for name in names):
        raise _refused("its tree head is of another log")
    if (head.root, head.size) != (proof.root, proof.size):
        raise _refused("its proof is for another root or size than the tree head")
    try:
        computed = root_from_path(
            plain_leaf_hash(entry.body), proof.index, proof.size, proof.hashes
        )
    except DigestError as error:
        raise _refused(f"its inclusion proof: {error.problem}") from error
    if computed != proof.root:
        raise _refused("its inclusion proof leads to another root")


def _verify_promise(entry: LogEntry, log: LogInstance) -> bool:
    """Return whether a promise was there and held.

    Signed is RFC 8785 JSON of body, integratedTime, logID and logIndex.
    """
    if entry.promise is None:
        return False
    signed: dict[str, JsonValue] = {
        "body": b64encode(entry.body).decode("ascii"),
        "integratedTime": entry.integrated_time,
        "logID": entry.log_id.hex(),
        "logIndex": entry.log_index,
    }
    try:
        # Numbers of 2^53 and more have no RFC 8785 form: no log has signed them.
        log.key.verify_message(canonical.write(signed, foreign=True), entry.promise)
    except (CanonicalError, SignatureError) as error:
        raise _refused("the promise of its log does not verify") from error
    return True


def _refused(reason: str, path: str = "") -> SignatureError:
    return SignatureError(
        path=path, problem=f"a log entry does not hold: {reason}", code="log-entry-invalid"
    )
