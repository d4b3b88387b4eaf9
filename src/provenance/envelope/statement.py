"""in-toto Statements v1: which things a predicate is about, and the predicate.

A statement is read from the bytes that a signature verifier returned, and keeps them. No I/O.

Source: in-toto attestation, `spec/v1/statement.md`; `spec/envelope.md`, section "Statement".
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from msgspec import Struct

from provenance import canonical
from provenance.canonical import MAX_DOCUMENT_BYTES, JsonValue
from provenance.digest import DigestSet
from provenance.envelope.fields import (
    refuse_unknown,
    require_array,
    require_object,
    require_text,
    take,
    under,
)
from provenance.errors import DigestError, EnvelopeError, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


__all__ = [
    "STATEMENT_TYPE",
    "SUBJECT_ALGORITHMS",
    "Statement",
    "Subject",
    "manifest_digest",
    "parse_statement",
    "write_statement",
]

#: The type of every statement (in-toto attestation, `spec/v1/statement.md`).
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
#  Digests that a subject may have: one key more, and Sigstore's Python client refuses the
# statement.
SUBJECT_ALGORITHMS = ("sha256", "sha384", "sha512")
#: Most subjects; sigstore-go stops at 1,024 as well.
MAX_SUBJECTS = 1_024
#: Longest name of a subject, in characters.
MAX_SUBJECT_NAME_CHARACTERS = 1_024
#: Longest predicate type, in characters.
MAX_PREDICATE_TYPE_CHARACTERS = 1_024

_CODE = "statement-malformed"
_SPACE, _DELETE = 0x20, 0x7F


class Subject(Struct, frozen=True):
    """One thing that a statement is about."""

    name: str
    """What the signer calls it; matching is by digest."""

    digest: DigestSet
    """Its digests: SHA-256, SHA-384 or SHA-512, lower-case hex."""


class Statement(Struct, frozen=True):
    """A parsed in-toto Statement and the bytes it was read from."""

    subjects: tuple[Subject, ...]
    """At least one; the first is the release (or the inventory of a dataset)."""

    predicate_type: str
    """The URI that says what the predicate is."""

    predicate: dict[str, JsonValue]
    """What is said about the subjects: for `manifest/v1`, the manifest."""

    payload: bytes
    """The canonical bytes: what was signed, and what the manifest digest is taken of."""


def manifest_digest(payload: bytes) -> str:
    """Return the manifest digest: SHA-256 of the payload bytes, 64 hex characters.

    It is taken of the payload and never of the bundle, so that co-signers share it and nobody can
    change it by making another valid signature (ECDSA signatures are malleable).
    """
    return sha256(payload).hexdigest()


def parse_statement(payload: bytes) -> Statement:
    """Return the statement that verified payload bytes hold.

    Args:
        payload: The bytes that were signed, canonical JSON (RFC 8785).

    Raises:
        CanonicalError: The bytes are not strict JSON in canonical form.
        EnvelopeError: They are no statement of ours.
    """
    tree = canonical.parse_canonical(payload, max_bytes=MAX_DOCUMENT_BYTES)
    return _read_statement(tree, payload)


def write_statement(
    subjects: Iterable[Subject], predicate_type: str, predicate: Mapping[str, JsonValue]
) -> bytes:
    """Return the canonical bytes of a statement, ready to be signed.

    Args:
        subjects: At least one; the first has a SHA-256 digest.
        predicate_type: A URI, e.g. `provenance.manifest.MANIFEST_V1`.
        predicate: The JSON tree of the predicate.

    Raises:
        CanonicalError: The predicate holds something that canonical JSON cannot.
        EnvelopeError: The statement breaks a rule that `parse_statement` would refuse.
    """
    tree: dict[str, JsonValue] = {
        "_type": STATEMENT_TYPE,
        "subject": tuple({"name": item.name, "digest": dict(item.digest)} for item in subjects),
        "predicateType": predicate_type,
        "predicate": dict(predicate),
    }
    _read_statement(tree, b"")
    payload = canonical.write(tree)
    if len(payload) > MAX_DOCUMENT_BYTES:
        raise EnvelopeError(
            problem=f"{len(payload)} bytes, expected at most {MAX_DOCUMENT_BYTES}",
            remedy="move long inventories into files of their own",
            code="json-size",
        )
    return payload


def _read_statement(value: JsonValue, payload: bytes) -> Statement:
    tree = require_object(value, "", code=_CODE)
    known = ("_type", "subject", "predicateType", "predicate")
    refuse_unknown(tree, known, "", code=_CODE)
    _check_type(tree)
    return Statement(
        subjects=_read_subjects(tree),
        predicate_type=_read_predicate_type(tree),
        predicate=require_object(take(tree, "predicate", "", code=_CODE), "/predicate", code=_CODE),
        payload=payload,
    )


def _check_type(tree: dict[str, JsonValue]) -> None:
    found = take(tree, "_type", "", code=_CODE)
    if found != STATEMENT_TYPE:
        problem = f"expected {STATEMENT_TYPE!r}, found {shown(found)}"
        raise EnvelopeError(path="/_type", problem=problem, code=_CODE)


def _read_predicate_type(tree: dict[str, JsonValue]) -> str:
    found = take(tree, "predicateType", "", code=_CODE)
    return _read_name(found, "/predicateType", most=MAX_PREDICATE_TYPE_CHARACTERS)


def _read_subjects(tree: dict[str, JsonValue]) -> tuple[Subject, ...]:
    where = "/subject"
    listed = take(tree, "subject", "", code="subject-missing")
    found = require_array(listed, where, most=MAX_SUBJECTS, code=_CODE)
    if not found:
        raise EnvelopeError(path=where, problem="there is no subject", code="subject-missing")
    subjects = tuple(_read_subject(item, under(where, index)) for index, item in enumerate(found))
    _check_first(subjects[0], where)
    _check_unique(subjects, where)
    return subjects


def _read_subject(value: JsonValue, path: str) -> Subject:
    tree = require_object(value, path, code=_CODE)
    refuse_unknown(tree, ("name", "digest"), path, code=_CODE)
    name = _read_name(
        take(tree, "name", path, code=_CODE),
        under(path, "name"),
        most=MAX_SUBJECT_NAME_CHARACTERS,
    )
    digest = take(tree, "digest", path, code=_CODE)
    return Subject(name=name, digest=_read_digest(digest, under(path, "digest")))


def _read_name(value: JsonValue, path: str, *, most: int) -> str:
    name = require_text(value, path, most=most, code=_CODE)
    if not name or any(ord(char) < _SPACE or ord(char) == _DELETE for char in name):
        problem = f"expected text without control characters, found {shown(name)}"
        raise EnvelopeError(path=path, problem=problem, code=_CODE)
    return name


def _read_digest(value: JsonValue, path: str) -> DigestSet:
    tree = require_object(value, path, code=_CODE)
    digests: dict[str, str] = {}
    for algorithm, digest in tree.items():
        where = under(path, algorithm)
        if algorithm not in SUBJECT_ALGORITHMS:
            problem = f"expected only {', '.join(SUBJECT_ALGORITHMS)}, found {shown(algorithm)}"
            raise EnvelopeError(path=where, problem=problem, code="digest-algorithm")
        if not isinstance(digest, str):
            problem = f"expected lower-case hex, found {shown(digest)}"
            raise EnvelopeError(path=where, problem=problem, code="digest-format")
        digests[algorithm] = digest
    if not digests:
        problem = "no digest, expected at least one"
        raise EnvelopeError(path=path, problem=problem, code="digest-algorithm")
    try:
        return DigestSet(digests)
    except DigestError as error:
        raise EnvelopeError(path=path, problem=error.problem, code="digest-format") from error


def _check_first(subject: Subject, path: str) -> None:
    # The first subject is the release as the SHA-256 of its listing; a longer hash does not replace
    # it.
    if "sha256" not in subject.digest:
        raise EnvelopeError(
            path=f"{path}/0/digest",
            problem="the first subject has no sha256 digest",
            code="digest-algorithm",
        )


def _check_unique(subjects: tuple[Subject, ...], path: str) -> None:
    seen: set[str] = set()
    for index, subject in enumerate(subjects):
        if subject.name in seen:
            problem = f"another subject is called {shown(subject.name)} too"
            raise EnvelopeError(path=f"{path}/{index}/name", problem=problem, code=_CODE)
        seen.add(subject.name)
