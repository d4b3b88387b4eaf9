"""From bytes to a policy document: TOML or JSON, read strictly. No I/O.

JSON goes through `provenance.canonical`; TOML is held to the same limits. What is read is decided
by the first character: a TOML document never begins with `{`.

Source: `spec/trust-policy.md`, section "Reading".
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from provenance import canonical
from provenance.canonical import MAX_DEPTH, MAX_POLICY_BYTES, NUMBER_BOUND
from provenance.errors import ProvenanceError, UsageError, shown
from provenance.manifest.base import parse_document, wire_fields
from provenance.trust.documents import PolicyDocument

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from provenance.manifest.base import Document
    from provenance.manifest.faults import Place

__all__ = ["is_document", "is_placed", "placeholders", "read_policy", "read_tree", "refuse"]

# What stands in every PEM document.
_PEM = "-----BEGIN "
# Fields that hold objects by names of the author's own.
_TABLES = frozenset({"signers", "roles"})
# What pydantic adds to a place whose name, not value, is at fault.
_KEY = "/[key]"
_BLANK = re.compile(rb"[ \t\r\n]*")
# What may hold any number of dots: strings of TOML, of several lines and of one, and comments. One
# that is not closed runs to the end, where the parser stops too; no input makes it go back.
_QUOTED = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*+(?:"{3,5})?+'
    r"|'''(?:[^']|'(?!''))*+(?:'{3,5})?+"
    r'|"(?:[^"\\\n]|\\.)*+"?+'
    r"|'[^'\n]*+'?+"
    r"|#[^\n]*+",
    re.DOTALL,
)
_DELIMITER = re.compile(r"[=\[\]{},\n]")


def read_policy(data: bytes, *, path: str = "") -> PolicyDocument:
    """Return the policy that a document holds; whether it makes sense is asked when compiling.

    Args:
        data: The document: TOML or JSON, UTF-8.
        path: What messages call it, e.g. its file; a fault then stands at `path#/json/pointer`.

    Raises:
        UsageError: It is too large, is no TOML or JSON, or breaks the schema.
    """
    tree = read_tree(data, path=path)
    for pointer, text in placeholders(tree):
        refuse(path, pointer, f"{shown(text)} is a placeholder", "fill it in")
    try:
        return parse_document(PolicyDocument, tree)
    except ProvenanceError as error:
        pointer = error.path.removesuffix(_KEY)
        problem = error.problem
        if error.code == "field-unknown":
            allowed = ", ".join(sorted(_fields_beside(pointer)))
            remedy = "; ".join(filter(None, (error.remedy, f"expected some of {allowed}")))
            refuse(path, pointer, problem, remedy)
        if pointer == "/policyVersion" and "policyVersion" in tree:
            remedy = "use a newer provenance, if it is newer; a policy is understood or refused"
            refuse(path, pointer, problem, remedy)
        refuse(path, pointer, problem, error.remedy)


def _fields_beside(pointer: str) -> Iterable[str]:
    """Return the fields that may stand in the object that an unknown one stands in."""
    kind: type[Document] = PolicyDocument
    parts = iter(canonical.split_pointer(pointer)[:-1])
    for part in parts:
        inner = wire_fields(kind).get(part)
        if inner is None:
            continue  # the number of a member of a list
        if kind is PolicyDocument and part in _TABLES:
            next(parts, None)  # a name that its author gave
        kind = inner
    return wire_fields(kind)


def read_tree(data: bytes, *, path: str = "") -> Mapping[str, Any]:
    """Return the JSON tree of a document; whether it is a policy is not asked.

    Raises:
        UsageError: It is too large, or is no TOML or JSON.
    """
    if len(data) > MAX_POLICY_BYTES:
        refuse(path, "", f"{len(data)} bytes, a policy has at most {MAX_POLICY_BYTES}")
    start = _BLANK.match(data)
    is_json = data[start.end() if start else 0 :][:1] in {b"{", b"["}
    return _read_json(data, path) if is_json else _read_toml(data, path)


def is_document(text: str) -> bool:
    """Return whether a text of a policy holds keys or a trusted root itself, and names no file."""
    return _PEM in text or text.lstrip().startswith("{")


def placeholders(value: Any, place: Place = ()) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - a JSON tree
    """Yield what a template leaves to be filled in, `"<the publisher's key file>"`, with its place.

    Args:
        value: The tree.
        place: Where it stands.
    """
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from placeholders(item, (*place, key))
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from placeholders(item, (*place, index))
    elif isinstance(value, str) and value.startswith("<") and value.endswith(">"):
        yield canonical.join_pointer(*place), value


def refuse(path: str, pointer: str, problem: str, remedy: str = "") -> NoReturn:
    """Refuse a policy.

    Args:
        path: What the policy is called; may be empty.
        pointer: JSON Pointer of the fault in it; empty for the whole.
        problem: What was found, against what was expected.
        remedy: What to do about it.

    Raises:
        UsageError: Always.
    """
    where = f"{path}#{pointer}" if path and pointer else path or pointer
    raise UsageError(path=where, problem=problem, remedy=remedy)


def is_placed(error: ProvenanceError, path: str) -> bool:
    """Return whether an error says already at which place of the policy it is."""
    return isinstance(error, UsageError) and error.path.startswith(f"{path}#/" if path else "/")


def _read_json(data: bytes, path: str) -> Mapping[str, Any]:
    try:
        tree = canonical.parse(data, max_bytes=MAX_POLICY_BYTES)
    except ProvenanceError as error:
        refuse(path, error.path, f"is no JSON that we read: {error.problem}", error.remedy)
    if not isinstance(tree, Mapping):
        refuse(path, "", "expected an object")
    return tree


def _read_toml(data: bytes, path: str) -> Mapping[str, Any]:
    try:
        text = data.decode("utf-8")
        _check_names(text, path)
        tree = tomllib.loads(text)
    except UnicodeDecodeError as error:
        refuse(path, "", f"is not UTF-8: byte {error.start}")
    except (tomllib.TOMLDecodeError, ValueError) as error:
        # A plain ValueError: a number of more digits than Python converts.
        refuse(path, "", f"is no TOML: {_first_line(error)}", "mend the line")
    except RecursionError:
        refuse(path, "", f"is nested deeper than {MAX_DEPTH} levels")
    converted: Mapping[str, Any] = _convert(tree, path, ())
    return converted


def _check_names(text: str, path: str) -> None:
    """Refuse a dotted name of many parts before it is parsed: that takes their number squared."""
    bare = _QUOTED.sub("_", text)
    if any(part.count(".") > MAX_DEPTH for part in _DELIMITER.split(bare)):
        refuse(path, "", f"a name has more than {MAX_DEPTH} parts")


def _first_line(error: ValueError) -> str:
    return shown(str(error).partition("\n")[0]).strip("'\"")


def _convert(value: Any, path: str, place: Place) -> Any:  # noqa: ANN401 - whatever TOML holds
    """Return TOML's values as JSON: lists as tuples, a time as RFC 3339 in UTC."""
    if len(place) > MAX_DEPTH:
        refuse(path, "", f"is nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, Mapping):
        return {str(key): _convert(item, path, (*place, key)) for key, item in value.items()}
    if isinstance(value, list):
        return tuple(_convert(item, path, (*place, index)) for index, item in enumerate(value))
    pointer = canonical.join_pointer(*place)
    if isinstance(value, dt.datetime):
        if value.tzinfo is None:
            problem = f"the time {value.isoformat()} has no zone"
            refuse(path, pointer, problem, "write it in UTC, with a Z at its end")
        return _in_utc(value, path, pointer)
    if isinstance(value, dt.date | dt.time):
        problem = f"{value.isoformat()} is no time with a zone"
        refuse(path, pointer, problem, "write it as 2026-11-22T12:00:00Z")
    # NaN is not below anything either.
    if isinstance(value, int | float) and not abs(value) < NUMBER_BOUND:
        refuse(path, pointer, "a number is below 2^53 in magnitude")
    return value


def _in_utc(value: dt.datetime, path: str, pointer: str) -> str:
    try:
        text = value.astimezone(dt.UTC).replace(tzinfo=None).isoformat()
    except OverflowError:
        refuse(path, pointer, f"the time {value.isoformat()} has no equal in UTC")
    return f"{text}Z"
