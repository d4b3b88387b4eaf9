"""What one line of a training log holds. No I/O.

An entry is a JSON object in canonical form with `kind`, `at` and, where there is one, `step`. The
kind `metrics` has `values`; the other kinds mark the life of a run (`start`, `segment`,
`checkpoint`, `recovered`, `finish`) and have fields of their own. Source: `spec/manifest.md`,
section "Training log".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from provenance import canonical
from provenance.errors import CanonicalError, ManifestError, ProvenanceError, shown
from provenance.manifest.base import parse_timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from provenance.canonical import JsonInput, JsonValue

__all__ = ["MAX_ENTRY_BYTES", "LogEntry", "encode_entry", "encode_metrics", "parse_entry"]

#: Longest line of a training log, in bytes; some 10,000 metrics.
MAX_ENTRY_BYTES: Final = 1024 * 1024

#: Most metrics whose names are remembered in their canonical order, by set of names.
MAX_REMEMBERED_NAME_SETS: Final = 256

# Between these bounds `repr` and RFC 8785 write a double alike, except for the ".0" of whole ones.
_LEAST_ALIKE, _MOST_ALIKE = 1e-4, 2.0**53

# Names that need no escape and sort in Python as RFC 8785 sorts them.
_PLAIN_NAME = re.compile(r"[ !#-\[\]-~]*+")


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One entry of a training log."""

    kind: str
    """`metrics`, or the name of an event in the life of a run."""

    at: str
    """When it was written, by the clock of the machine: RFC 3339, UTC."""

    step: int | None = None
    """The step that it belongs to."""

    values: Mapping[str, int | float | Decimal] = field(
        default_factory=lambda: MappingProxyType({})
    )
    """The metrics by name; NaN and infinities are values."""

    fields: Mapping[str, JsonValue] = field(default_factory=lambda: MappingProxyType({}))
    """What else the line holds."""


def encode_entry(kind: str, at: str, *, step: int | None = None, **fields: JsonInput) -> bytes:
    """Return the canonical bytes of an entry, without a line feed.

    Raises:
        CanonicalError: A field has no canonical form.
    """
    tree: dict[str, Any] = {**fields, "kind": kind, "at": at}
    if step is not None:
        tree["step"] = step
    return canonical.write(tree)


def encode_metrics(at: str, step: int | None, values: Mapping[str, int | float | Decimal]) -> bytes:
    """Return what `encode_entry` returns for `metrics`, fast enough for every step of a loop.

    Args:
        at: An RFC 3339 time.
        step: The step, or nothing.
        values: The metrics; numbers that JSON cannot hold become `{"number": "…"}`.

    Raises:
        CanonicalError: A name or a value has no canonical form.
    """
    order = _canonical_order(tuple(values))
    if order is None or not (step is None or 0 <= step < _MOST_ALIKE):
        wire = {name: canonical.encode_number(value) for name, value in values.items()}
        return encode_entry("metrics", at, step=step, values=wire)
    members = ",".join([f"{quoted}{_number_text(values[name])}" for name, quoted in order])
    middle = "" if step is None else f',"step":{step}'
    return f'{{"at":"{at}","kind":"metrics"{middle},"values":{{{members}}}}}'.encode("ascii")


def parse_entry(line: bytes, *, source: str = "") -> LogEntry:
    """Read one line strictly.

    Args:
        line: The canonical bytes of an entry, without a line feed.
        source: What errors call it, e.g. `training-log.jsonl:7`.

    Raises:
        ManifestError: It is no entry in canonical form (code `log-malformed`).
    """
    try:
        tree = canonical.parse_canonical(line, source=source, max_bytes=MAX_ENTRY_BYTES)
    except CanonicalError as error:
        raise ManifestError(path=error.path, problem=error.problem, code="log-malformed") from error
    if not isinstance(tree, dict):
        raise _malformed(source, f"expected an object, found {shown(tree)}")
    rest = {key: item for key, item in tree.items() if key not in {"kind", "at", "step", "values"}}
    return LogEntry(
        kind=_text(tree, "kind", source),
        at=_time(tree, source),
        step=_step(tree, source),
        values=_values(tree.get("values", {}), source),
        fields=MappingProxyType(rest),
    )


@lru_cache(maxsize=MAX_REMEMBERED_NAME_SETS)
def _canonical_order(names: tuple[str, ...]) -> tuple[tuple[str, str], ...] | None:
    """Return names and their quoted keys in canonical order; nothing if a name is not plain."""
    if not all(_PLAIN_NAME.fullmatch(name) for name in names):
        return None
    return tuple((name, f'"{name}":') for name in sorted(names))


def _number_text(value: float | Decimal) -> str:
    if type(value) is float and _LEAST_ALIKE <= abs(value) < _MOST_ALIKE:
        return repr(value).removesuffix(".0")
    if type(value) is int and abs(value) < _MOST_ALIKE:
        return str(value)
    return canonical.write(canonical.encode_number(value)).decode("ascii")


def _text(tree: dict[str, JsonValue], key: str, source: str) -> str:
    found = tree.get(key)
    if not isinstance(found, str) or not found:
        raise _malformed(source, f"{key}: expected text, found {shown(found)}")
    return found


def _time(tree: dict[str, JsonValue], source: str) -> str:
    text = _text(tree, "at", source)
    try:
        parse_timestamp(text)
    except ManifestError as error:
        raise _malformed(source, f"at: {error.problem}") from error
    return text


def _step(tree: dict[str, JsonValue], source: str) -> int | None:
    step = tree.get("step")
    if step is None and "step" not in tree:
        return None
    if isinstance(step, bool) or not isinstance(step, int):
        raise _malformed(source, f"step: expected a whole number, found {shown(step)}")
    return step


def _values(found: JsonValue, source: str) -> Mapping[str, int | float | Decimal]:
    if not isinstance(found, dict):
        raise _malformed(source, f"values: expected an object, found {shown(found)}")
    try:
        return MappingProxyType(
            {name: canonical.decode_number(value) for name, value in found.items()}
        )
    except ProvenanceError as error:
        raise _malformed(source, f"values: {error.problem}") from error


def _malformed(source: str, problem: str) -> ManifestError:
    return ManifestError(path=source, problem=problem, code="log-malformed")
