"""A manifest as text for people: what is in it, part by part, marked as the producer's word.

Every field is shown, by one walk over the JSON tree, so that nothing a signer says can hide from a
reader; long lists and long prose are cut and say so. Foreign text never starts a line.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from provenance import canonical
from provenance.render.escaping import escape, escape_block, shorten
from provenance.render.quantities import format_count

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["render_manifest"]

#: Members of a list that are shown.
MAX_SHOWN_MEMBERS = 20
#: Characters of one text that are shown.
MAX_TEXT_CHARACTERS = 2_000
#: Longest line of several short values.
MAX_LINE_CHARACTERS = 100

_INDENT = "  "
# The table of contents of the format: section, title, the part of open training that it holds.
_SECTIONS = (
    ("model", "Model", "architecture and what the model is for"),
    ("release", "Release", "the files that are published"),
    ("datasets", "Datasets", "sources, cleaning methods, labelling criteria"),
    ("processing", "Processing", "from raw to training-ready"),
    ("training", "Training", "code, framework, hyperparameters, checkpoints, log"),
    ("evaluations", "Evaluations", "metrics and results"),
    ("environments", "Environments", "software and hardware around the runs"),
    ("compute", "Compute", "hardware, energy, cost"),
    ("documents", "Documents", "invoices, calculations, cards and what else belongs to it"),
    ("journal", "Journal", "the construction log that people wrote"),
    ("disclosures", "Disclosures", "what is withheld or does not apply"),
    ("gaps", "Gaps", "what the recorder could not see"),
    ("origins", "Origins", "who said it: captured by the recorder, or authored"),
    ("extensions", "Extensions", "of other vocabularies"),
    ("critical", "Critical", "what a verifier must understand"),
)
# Digests and typed roots stand on one line, however long it is.
_DIGESTS = {"blake3", "sha256"}
_ROOT = {"tree", "size", "root"}
_FILE = {"path", "size", "digest"}
# Shown by `_heading`, so that they are no section.
_HEADING = ("manifestVersion", "createdAt", "expiresAt", "producer", "generator")


def render_manifest(
    tree: Mapping[str, Any], *, digest: str = "", hint: str = "", kind: str = "bundle"
) -> str:
    """Return a manifest as lines of text, without a line feed at the end.

    Args:
        tree: The predicate, as `provenance.canonical` parsed it; it need not be a valid manifest.
        digest: Its manifest digest, hex.
        hint: The key that the document names; nobody has verified it.
        kind: `bundle`, `envelope` or `draft`.
    """
    lines = list(_heading(tree, digest, hint, kind))
    lines += ["", "Contents"]
    lines += [f"{_INDENT}{title:<14}{_amount(tree.get(name))}" for name, title, _ in _SECTIONS]
    for name, title, meaning in _SECTIONS:
        if name in tree:
            lines += ["", f"{title}: {meaning}{_origin_mark(tree, name)}", *_block(tree[name], 1)]
    known = {name for name, _, _ in _SECTIONS} | set(_HEADING)
    rest = {name: value for name, value in tree.items() if name not in known}
    if rest:
        lines += ["", "Other fields, which this version does not know", *_block(rest, 1)]
    return "\n".join(lines)


def _heading(tree: Mapping[str, Any], digest: str, hint: str, kind: str) -> Iterator[str]:
    yield "NOT VERIFIED: this is what the document says. `provenance verify` checks it."
    yield ""
    model = tree.get("model")
    name = model.get("name") if isinstance(model, Mapping) else None
    version = model.get("version") if isinstance(model, Mapping) else None
    yield f"Model      {_said(name)} {_said(version) if version else ''}".rstrip()
    producer = tree.get("producer")
    parts = producer.values() if isinstance(producer, Mapping) else ()
    yield f"Producer   {', '.join(_said(part) for part in parts) or '(not said)'}"
    until = f", until {_said(tree['expiresAt'])}" if "expiresAt" in tree else ""
    yield f"Made       {_said(tree.get('createdAt'))}{until} (claimed)"
    yield f"Signature  {_signature(hint, kind)}"
    if digest:
        yield f"Manifest   sha256 {digest}"
    yield f"Format     {_said(tree.get('manifestVersion'))}, written by {_generator(tree)}"


def _signature(hint: str, kind: str) -> str:
    if kind == "draft":
        return "none: this is a draft"
    return f"not verified; it names key {hint or '(none)'}"


def _generator(tree: Mapping[str, Any]) -> str:
    generator = tree.get("generator")
    parts = generator.values() if isinstance(generator, Mapping) else ()
    return " ".join(_said(part) for part in parts) or "(not said)"


def _said(value: object) -> str:
    return "(not said)" if value is None else _scalar(value)


def _amount(value: object) -> str:
    if value is None:
        return "absent"
    if isinstance(value, tuple):
        return format_count(len(value))
    return "stated"


def _origin_mark(tree: Mapping[str, Any], name: str) -> str:
    """Return who said a section: the origin of its longest prefix, and of what is inside it."""
    origins = tree.get("origins")
    if not isinstance(origins, Mapping):
        return "  [authored]"
    path = f"/{name}"
    longest = max(
        (p for p in origins if path == p or path.startswith(f"{p}/")), key=len, default=""
    )
    said = {_scalar(origins.get(longest, "authored"))}
    said |= {_scalar(origins[p]) for p in origins if p.startswith(f"{path}/")}
    return f"  [{' and '.join(sorted(said))}]"


def _block(value: object, depth: int) -> Iterator[str]:
    """Yield the lines of a value that stands below its label."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _labelled(_label(name), item, depth)
    elif isinstance(value, tuple):
        for item in value[:MAX_SHOWN_MEMBERS]:
            yield from _member(item, depth)
        if len(value) > MAX_SHOWN_MEMBERS:
            more = format_count(len(value) - MAX_SHOWN_MEMBERS)
            yield f"{_INDENT * depth}… and {more} more; --payload pretty shows all"
    else:
        yield f"{_INDENT * depth}{_scalar(value)}"


def _labelled(label: str, value: object, depth: int) -> Iterator[str]:
    indent = _INDENT * depth
    short = _in_one_line(value)
    fits = short is not None and len(short) + len(label) <= MAX_LINE_CHARACTERS
    if fits or (isinstance(value, Mapping) and set(value) <= _DIGESTS | _ROOT):
        yield f"{indent}{label}: {short}"
    elif isinstance(value, str):
        yield f"{indent}{label}:"
        for line in escape_block(shorten(value, MAX_TEXT_CHARACTERS)):
            yield f"{indent}{_INDENT}| {line}".rstrip()
    else:
        yield f"{indent}{label}:"
        yield from _block(value, depth + 1)


def _member(item: object, depth: int) -> Iterator[str]:
    indent = _INDENT * depth
    short = None if _is_prose(item) else _in_one_line(item)
    if short is not None:
        yield f"{indent}- {short}"
    elif isinstance(item, Mapping) and _is_file(item):
        # The files of many checkpoints are most of a manifest: two lines for each.
        role = f", {_scalar(item['role'])}" if "role" in item else ""
        yield f"{indent}- {_scalar(item['path'])}: {format_count(item['size'])} bytes{role}"
        yield from _labelled("digest", item["digest"], depth + 2)
    elif isinstance(item, Mapping):
        key = next((key for key in ("id", "path", "name") if isinstance(item.get(key), str)), None)
        yield f"{indent}- {_scalar(item[key]) if key else '…'}"
        yield from _block({name: value for name, value in item.items() if name != key}, depth + 2)
    else:
        yield from _labelled("-", item, depth)


def _is_file(item: Mapping[str, Any]) -> bool:
    """Return whether an object is one file with nothing unusual to say of it."""
    return (
        _FILE <= set(item) <= _FILE | {"role"}
        and isinstance(item["path"], str)
        and type(item["size"]) is int
        and isinstance(item["digest"], Mapping)
        and isinstance(item.get("role", ""), str)
    )


def _in_one_line(value: object) -> str | None:
    """Return a value that is short enough for one line, or nothing."""
    if isinstance(value, Mapping):
        return _known_object(value)
    if isinstance(value, tuple):
        parts = [_in_one_line(item) for item in value[: MAX_SHOWN_MEMBERS + 1]]
        if len(parts) > MAX_SHOWN_MEMBERS or any(
            isinstance(item, Mapping | tuple) for item in value
        ):
            return None
        return ", ".join(part for part in parts if part is not None) or "(empty)"
    return None if _is_prose(value) else _scalar(value)


def _is_prose(value: object) -> bool:
    return isinstance(value, str) and ("\n" in value or len(value) > MAX_LINE_CHARACTERS)


def _known_object(value: Mapping[str, Any]) -> str | None:
    """Return typed roots, digests, exact numbers and flat objects as one line."""
    names = set(value)
    if names == _ROOT:
        kind, size, root = (_scalar(value[name]) for name in ("tree", "size", "root"))
        return f"{kind} tree of {size}, root {root}"
    if names == {"number"}:
        return _scalar(value["number"])
    if any(isinstance(item, Mapping | tuple) or _is_prose(item) for item in value.values()):
        return None
    line = ", ".join(f"{_label(name)} {_scalar(item)}" for name, item in value.items())
    if not line:
        return "(empty)"
    return line if len(line) <= MAX_LINE_CHARACTERS or names <= _DIGESTS else None


def _label(name: str) -> str:
    """Return a field's name as it stands in the document, which is how JSON Pointers spell it."""
    return escape(shorten(name, MAX_LINE_CHARACTERS))


def _scalar(value: object) -> str:
    if isinstance(value, str):
        return escape(shorten(value, MAX_TEXT_CHARACTERS)) or '""'
    text = canonical.write(value, foreign=True).decode("utf-8")  # type: ignore[arg-type]  # parsed JSON
    return escape(shorten(text, MAX_LINE_CHARACTERS))
