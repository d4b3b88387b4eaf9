"""The signed statement of OMS: what it says of a model, strictly written, carefully read.

Source: OpenSSF Model Signing 1.0, sections 5, 6.5 and 8.3, and its VERSIONING.md. No I/O.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from msgspec import Struct

from provenance import canonical
from provenance.canonical import MAX_DOCUMENT_BYTES
from provenance.digest.names import printable_name
from provenance.envelope.fields import (
    refuse_unknown,
    require_array,
    require_object,
    require_text,
    take,
    under,
)
from provenance.envelope.oms.faults import MALFORMED, malformed
from provenance.envelope.oms.resources import (
    Order,
    Resource,
    check_digest_of,
    order_of,
    read_resources,
    resource_trees,
    root_digest,
)
from provenance.envelope.oms.serialization import (
    FIELDS,
    Serialization,
    read_serialization,
    serialization_tree,
)
from provenance.envelope.statement import STATEMENT_TYPE
from provenance.errors import MAX_SHOWN_CHARACTERS, EnvelopeError, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provenance.canonical import JsonValue

__all__ = [
    "LEGACY_PREDICATE_TYPE",
    "OMS_PREDICATE_TYPE",
    "OmsStatement",
    "parse_oms_statement",
    "write_oms_statement",
]

#: The predicate type that is written.
OMS_PREDICATE_TYPE = "https://model_signing/signature/v1.0"
#: The predicate type of version 0.2 of the reference implementation: files as subjects.
LEGACY_PREDICATE_TYPE = "https://model_signing/Digests/v0.1"
#: Most names of a file that a legacy statement may list, as subjects.
MAX_LEGACY_SUBJECTS = canonical.MAX_TREE_ENTRIES
#: Longest subject name or predicate type that is looked at, in characters.
MAX_TEXT_CHARACTERS = 8_192
# How many fields that are not known are named.
_NAMED_UNKNOWN = 4

_VERSION = re.compile(r"https://model_signing/signature/v1\.(0|[1-9][0-9]{0,3})")


class OmsStatement(Struct, frozen=True):
    """A statement of OMS, parsed. Whether anybody signed it, `provenance.signing` says."""

    name: str
    """What the signer calls the model; says nothing (section 6.5)."""

    root: str
    """SHA-256 over the digests in their order, 64 hex characters: recomputed, not believed."""

    serialization: Serialization
    """How the signer went through the model."""

    resources: tuple[Resource, ...]
    """Every digest, in the order of the list."""

    predicate_type: str
    """The type that was read."""

    order: Order
    """In which order the list stands."""

    unknown: tuple[str, ...] = ()
    """JSON Pointers of the first fields of the predicate that are not known here; left alone."""

    @property
    def is_legacy(self) -> bool:
        """Whether it is one of version 0.2, which binds no options and no root."""
        return self.predicate_type == LEGACY_PREDICATE_TYPE

    @property
    def is_newer(self) -> bool:
        """Whether it is of a later minor version, whose new fields were left alone."""
        return not self.is_legacy and self.predicate_type != OMS_PREDICATE_TYPE


def parse_oms_statement(payload: bytes, *, legacy: bool = False) -> OmsStatement:
    """Return the statement that verified payload bytes hold.

    Args:
        payload: The bytes that were signed: strict JSON in any layout.
        legacy: Read version 0.2 as well.

    Raises:
        CanonicalError: The bytes are not strict JSON; a key that stands twice is refused.
        EnvelopeError: They are no statement of OMS; the codes are in `spec/oms.md`.
    """
    tree = canonical.parse(payload, max_bytes=MAX_DOCUMENT_BYTES, foreign=True)
    return _read_statement(tree, legacy=legacy)


def write_oms_statement(
    name: str, resources: Iterable[Resource], serialization: Serialization
) -> bytes:
    """Return the bytes of a statement, ready to be signed: one line, entries by code points.

    Args:
        name: The name of the model's folder or file.
        resources: What is signed; sorted here.
        serialization: How the signer went through the model.

    Raises:
        EnvelopeError: A rule is broken that `parse_oms_statement` would refuse.
    """
    ordered = sorted(resources, key=lambda item: item.name)
    tree: dict[str, JsonValue] = {
        "_type": STATEMENT_TYPE,
        "subject": ({"name": name, "digest": {"sha256": root_digest(ordered)}},),
        "predicateType": OMS_PREDICATE_TYPE,
        "predicate": {
            "serialization": serialization_tree(serialization),
            "resources": resource_trees(ordered, serialization.hash_type),
        },
    }
    _read_statement(tree, legacy=False)
    payload = canonical.write(tree)
    if len(payload) > MAX_DOCUMENT_BYTES:
        problem = f"{len(payload)} bytes, expected at most {MAX_DOCUMENT_BYTES}"
        raise EnvelopeError(problem=problem, code="json-size")
    return payload


def _read_statement(value: JsonValue, *, legacy: bool) -> OmsStatement:
    tree = require_object(value, "", code=MALFORMED)
    predicate_type = _read_type(tree, legacy=legacy)
    if predicate_type == LEGACY_PREDICATE_TYPE:
        return _read_legacy(tree)
    refuse_unknown(tree, ("_type", "subject", "predicateType", "predicate"), "", code=MALFORMED)
    subjects = require_array(
        take(tree, "subject", "", code=MALFORMED), "/subject", most=1, code=MALFORMED
    )
    if len(subjects) != 1:
        raise malformed("/subject", "expected exactly one subject, the model")
    name, root = _read_subject(subjects[0], "/subject/0")
    where = "/predicate"
    predicate = require_object(take(tree, "predicate", "", code=MALFORMED), where, code=MALFORMED)
    options = take(predicate, "serialization", where, code=MALFORMED)
    serialization = read_serialization(options, under(where, "serialization"))
    resources = read_resources(
        take(predicate, "resources", where, code=MALFORMED),
        under(where, "resources"),
        serialization,
    )
    _check_ignored(resources, serialization.ignore_paths)
    computed = root_digest(resources)
    if computed != root:
        raise EnvelopeError(
            path="/subject/0/digest/sha256",
            problem=f"the root is {root}, and the digests of the list give {computed}",
            code="oms-root",
        )
    order = order_of(resources)
    unknown = _unknown(predicate)
    return OmsStatement(name, root, serialization, resources, predicate_type, order, unknown)


def _unknown(predicate: dict[str, JsonValue]) -> tuple[str, ...]:
    """Return where the first fields stand that this version does not know."""
    where = "/predicate"
    inner = under(where, "serialization")
    options = require_object(predicate["serialization"], inner, code=MALFORMED)
    found = (
        under(path, printable_name(name[:MAX_SHOWN_CHARACTERS]))
        for tree, known, path in (
            (predicate, ("serialization", "resources"), where),
            (options, FIELDS, inner),
        )
        for name in tree
        if name not in known
    )
    return tuple(islice(found, _NAMED_UNKNOWN))


def _read_type(tree: dict[str, JsonValue], *, legacy: bool) -> str:
    found = take(tree, "_type", "", code=MALFORMED)
    kinds = (STATEMENT_TYPE, "https://in-toto.io/Statement/v0.1") if legacy else (STATEMENT_TYPE,)
    if found not in kinds:
        raise malformed("/_type", f"expected {STATEMENT_TYPE!r}, found {shown(found)}")
    named = take(tree, "predicateType", "", code="oms-predicate-type")
    text = require_text(
        named, "/predicateType", most=MAX_TEXT_CHARACTERS, code="oms-predicate-type"
    )
    if text == LEGACY_PREDICATE_TYPE:
        if legacy:
            return text
        raise EnvelopeError(
            path="/predicateType",
            problem="this is version 0.2 of model signing, which bound less than it seems to",
            remedy="sign the model again; or allow it by `--legacy`, and read what that means",
            code="oms-legacy",
        )
    if not _VERSION.fullmatch(text):
        problem = f"expected {OMS_PREDICATE_TYPE!r} or a later version 1, found {shown(text)}"
        raise EnvelopeError(path="/predicateType", problem=problem, code="oms-predicate-type")
    return text


def _read_subject(value: JsonValue, path: str) -> tuple[str, str]:
    tree = require_object(value, path, code=MALFORMED)
    name = require_text(
        take(tree, "name", path, code=MALFORMED),
        under(path, "name"),
        most=MAX_TEXT_CHARACTERS,
        code=MALFORMED,
    )
    if not name:
        raise malformed(under(path, "name"), "the name is empty")
    where = under(path, "digest")
    digests = require_object(take(tree, "digest", path, code=MALFORMED), where, code=MALFORMED)
    root = take(digests, "sha256", where, code=MALFORMED)
    return name, check_digest_of(root, under(where, "sha256"), "sha256")


def _check_ignored(resources: tuple[Resource, ...], ignored: tuple[str, ...]) -> None:
    """Refuse a file that is both listed and left out."""
    left_out = frozenset(ignored)
    for index, item in enumerate(resources):
        parts = item.path.split("/")
        if any("/".join(parts[:length]) in left_out for length in range(1, len(parts) + 1)):
            raise EnvelopeError(
                path=f"/predicate/resources/{index}/name",
                problem=f"{shown(item.path)} is listed, and is left out by `ignore_paths`",
                code="oms-name",
            )


def _read_legacy(tree: dict[str, JsonValue]) -> OmsStatement:
    """Return a statement of version 0.2: every subject is a file, hashed by SHA-256.

    It has no options and no root, so that nothing says whether the list is whole; the root here is
    computed from the list.
    """
    found = require_array(
        take(tree, "subject", "", code=MALFORMED),
        "/subject",
        most=MAX_LEGACY_SUBJECTS,
        code=MALFORMED,
    )
    files = [_read_subject(item, under("/subject", index)) for index, item in enumerate(found)]
    entries: tuple[JsonValue, ...] = tuple(
        {"name": name, "algorithm": "sha256", "digest": digest} for name, digest in files
    )
    serialization = Serialization()
    resources = read_resources(entries, "/subject", serialization)
    return OmsStatement(
        "",
        root_digest(resources),
        serialization,
        resources,
        LEGACY_PREDICATE_TYPE,
        order_of(resources),
    )
