"""What a verifier remembers of the releases that passed, so that an older one is noticed.

A valid release stays valid: whoever stands between publisher and user can hand out last year's
again. The memory is a file that the caller names. It holds, for each model name and signer, the
newest `createdAt` that passed and what stood behind it; only a PASS is written.

The file is canonical JSON, mode 0600, replaced as a whole under a lock. The functions that work on
entries are pure.

Source: `spec/trust-policy.md`, section "Rollback memory".
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from pydantic import Field

from provenance import canonical
from provenance.canonical import MAX_STATE_BYTES, MAX_STATE_ENTRIES
from provenance.digest import printable_name, read_file, write_atomic
from provenance.errors import InputError, ProvenanceError, TrustError, UsageError
from provenance.manifest import parse_timestamp
from provenance.manifest.base import Document, FreeObject, Hash, Timestamp, parse_document
from provenance.trust.file_lock import hold_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping


__all__ = [
    "STATE_VERSION",
    "Seen",
    "SeenCode",
    "compare_seen",
    "merge_seen",
    "read_state",
    "remember",
]

SeenCode: TypeAlias = Literal[
    "rollback", "manifest-conflict", "signer-changed", "provenance-weaker"
]
"""Finding code of what a release is less than one that passed before."""

#: The version of the file's format; a file of another one is refused.
STATE_VERSION: Final = "1.0"

#: Rungs, lowest first. What is `matched` depends on the bytes that a verifier happens to hold, so
#: it counts no more than `bound` here.
_HEIGHTS: Final = ("absent", "withheld", "sealed", "declared", "bound", "linked", "reproduced")
_FILE_MODE = 0o600
_FOLDER_MODE = 0o700


class Seen(Document):
    """One release that passed: a model name, one of its signers, and what stood behind it."""

    model: str
    """The model name, compared exactly."""

    signer: str
    """The signer as thresholds count it: the key, or the identity with its issuer."""

    created_at: Timestamp
    """The `createdAt` of the manifest."""

    manifest_digest: Hash
    """SHA-256 of the signed payload."""

    signers: tuple[str, ...]
    """Everybody who signed that manifest and counted, sorted."""

    rungs: FreeObject | None = None
    """The rung of each part of open training that applies, by the id of the part."""

    timestamp: bool = False
    """Whether a timestamp authority proved the time of a signature."""

    log: bool = False
    """Whether a transparency log did."""


class _State(Document):
    """The whole file."""

    state_version: Literal["1.0"]
    seen: tuple[Seen, ...] = Field(default=(), max_length=MAX_STATE_ENTRIES)


def read_state(path: str | os.PathLike[str]) -> tuple[Seen, ...]:
    """Return what a file remembers; nothing if there is no file.

    Raises:
        UsageError: The file cannot be read, or is no memory of ours; nothing in it is lost.
    """
    try:
        return _read(_resolved(path))
    except (InputError, TrustError) as error:
        raise UsageError(path=error.path, problem=error.problem, remedy=error.remedy) from error


def remember(
    path: str | os.PathLike[str],
    new: tuple[Seen, ...],
    decide: Callable[[tuple[Seen, ...]], bool],
) -> None:
    """Ask whether a release is good beside what is remembered, and remember it if it is.

    Question and answer are one step under the lock: of two runs at once, the second one sees what
    the first one wrote.

    Args:
        path: The file; it and its folder are made if need be.
        new: The entries of the release, one for each signer.
        decide: Gets what is remembered and says whether the release passed.

    Raises:
        InputError: The file cannot be read or written.
        TrustError: It is no memory of ours, it is full, or another writer does not finish.
    """
    target = _resolved(path)
    try:
        target.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        with hold_lock(target):
            known = _read(target)
            if not decide(known):
                return
            after = merge_seen(known, new)
            if after != known or not target.exists():
                write_atomic(target, _to_bytes(after), mode=_FILE_MODE)
    except OSError as error:
        raise InputError(
            path=printable_name(str(target)),
            problem=f"what passed cannot be remembered: {error.strerror}",
            remedy="check the permissions of the folder",
        ) from error


def merge_seen(known: Iterable[Seen], new: Iterable[Seen]) -> tuple[Seen, ...]:
    """Return the newest entry of each model name and signer, sorted; time never runs backwards."""
    merged = {(one.model, one.signer): one for one in known}
    for one in new:
        old = merged.get((one.model, one.signer))
        if old is None or parse_timestamp(old.created_at) <= parse_timestamp(one.created_at):
            merged[one.model, one.signer] = one
    return tuple(merged[key] for key in sorted(merged))


def compare_seen(
    known: Iterable[Seen], new: tuple[Seen, ...], is_trusted: Callable[[str], bool] | None = None
) -> Iterator[tuple[SeenCode, str, str]]:
    """Yield what a release is less than one that passed before, as (code, path, sentence).

    Args:
        known: What is remembered.
        new: The entries of the release, one for each signer; all of one manifest.
        is_trusted: Says of a remembered signer whether it may sign for this model now. A release is
            compared with what it signed too: whoever hands out an old release can leave signatures
            out, or put that of another signer first.
    """
    if not new:
        return
    this = new[0]
    of_model = [one for one in known if one.model == this.model]
    signers = {one.signer for one in new}
    now = parse_timestamp(this.created_at)
    for old in of_model:
        counts = old.signer in signers or (is_trusted is not None and is_trusted(old.signer))
        if not counts or old.manifest_digest == this.manifest_digest:
            continue
        before = parse_timestamp(old.created_at)
        if now < before:
            message = (
                f"created at {this.created_at}, and {old.signer} has signed a manifest of "
                f"{old.created_at} that passed here before"
            )
            yield "rollback", "/createdAt", message
        elif now == before:
            message = (
                f"another manifest ({old.manifest_digest}) of the same moment, {old.created_at}, "
                f"by {old.signer} passed here before"
            )
            yield "manifest-conflict", "/createdAt", message
    if of_model:
        yield from _weaker(max(of_model, key=_age), this, signers)


def _age(seen: Seen) -> tuple[object, str]:
    return parse_timestamp(seen.created_at), seen.signer


def _weaker(old: Seen, new: Seen, signers: set[str]) -> Iterator[tuple[SeenCode, str, str]]:
    """Yield what stood behind the newest release that passed, and does not behind this one."""
    if not signers & set(old.signers):
        names = ", ".join(old.signers)
        message = f"the release of {old.created_at} was signed by {names}; this one by another"
        yield "signer-changed", "", f"{message}: {', '.join(sorted(signers))}"
    if len(signers) < len(old.signers):
        message = f"{len(signers)} signed, and {len(old.signers)} the release of {old.created_at}"
        yield "provenance-weaker", "", message
    if old.timestamp and not new.timestamp:
        message = f"no timestamp authority proves a time, as for the release of {old.created_at}"
        yield "provenance-weaker", "", message
    if old.log and not new.log:
        message = f"no transparency log proves a time, as for the release of {old.created_at}"
        yield "provenance-weaker", "", message
    rungs: Mapping[str, object] = new.rungs or {}
    before: Mapping[str, object] = old.rungs or {}
    for part, rung in sorted(before.items()):
        found = rungs.get(part)
        if _height(found) < _height(rung):
            # No rung: the producer says that the part does not apply any more.
            now = f"is {found}" if found is not None else "is said not to apply"
            message = f"part {part} {now}; it was {rung} in the release of {old.created_at}"
            yield "provenance-weaker", "", message


def _height(rung: object) -> int:
    text = "bound" if rung == "matched" else str(rung)
    return _HEIGHTS.index(text) if text in _HEIGHTS else -1


def _resolved(path: str | os.PathLike[str]) -> Path:
    # A link at this place is the user's own: files of settings are often kept elsewhere.
    try:
        return Path(os.path.realpath(path))
    except ValueError as error:  # a name with U+0000 in it
        where = printable_name(os.fspath(path))
        raise InputError(path=where, problem="it is no path") from error


def _read(path: Path) -> tuple[Seen, ...]:
    if not os.path.lexists(path):
        return ()
    data = read_file(path, max_bytes=MAX_STATE_BYTES)
    try:
        state = parse_document(_State, canonical.parse_canonical(data, max_bytes=MAX_STATE_BYTES))
        _check_entries(state.seen)
    except ProvenanceError as error:
        where = printable_name(f"{path}#{error.path}" if error.path else str(path))
        raise TrustError(
            path=where,
            problem=f"is no memory of releases: {error.problem}",
            remedy="name the right file, or move this one away to begin anew",
        ) from error
    return state.seen


def _check_entries(seen: tuple[Seen, ...]) -> None:
    keys = [(one.model, one.signer) for one in seen]
    if keys != sorted(set(keys)):
        raise TrustError(path="/seen", problem="the entries are not sorted, or one stands twice")


def _to_bytes(seen: tuple[Seen, ...]) -> bytes:
    if len(seen) > MAX_STATE_ENTRIES:
        raise TrustError(
            problem=f"{len(seen)} entries, at most {MAX_STATE_ENTRIES} are remembered",
            remedy="name another file",
        )
    tree = {"stateVersion": STATE_VERSION, "seen": tuple(one.to_tree() for one in seen)}
    data = canonical.write(tree)
    if len(data) > MAX_STATE_BYTES:
        raise TrustError(problem=f"{len(data)} bytes, at most {MAX_STATE_BYTES} are kept")
    return data
