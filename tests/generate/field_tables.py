"""The field tables and examples of `spec/manifest.md`, from the classes and the example files.

They stand between `<!-- fields: Class -->` or `<!-- example: file -->` and `<!-- end -->`;
everything else of the page is written by hand.
"""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any, get_args

from provenance import manifest
from provenance.manifest.fields import (
    MAX_ID_LENGTH,
    MAX_ITEMS,
    MAX_SHORT_TEXT_LENGTH,
    MAX_TEXT_LENGTH,
    MAX_URI_LENGTH,
)
from provenance.manifest.schema import field_descriptions
from support.source import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

    from provenance.manifest import Document

__all__ = ["filled_page"]

#: What the types of fields are called in the tables, and their limit.
TYPES = {
    "BlockRoot": ("root `block`", ""),
    "Commit": ("Git id", "40 or 64 hex"),
    "Count": ("whole number", "0 … 2^53 - 1"),
    "Digests": ("digests", "32 algorithms"),
    "Extensions": ("object by URI", "100,000 values"),
    "FileRoot": ("root `file`", ""),
    "FreeObject": ("free object", "100,000 values"),
    "Hash": ("hexadecimal", "64 characters"),
    "Id": ("id", f"{MAX_ID_LENGTH} characters"),
    "LogRoot": ("root `log`", ""),
    "Name": ("line", f"{MAX_SHORT_TEXT_LENGTH:,} characters"),
    "Number": ("number", "400 characters"),
    "Origins": ("object by pointer", "100,000 values"),
    "Path": ("path", f"{MAX_URI_LENGTH:,} characters"),
    "Pointer": ("pointer", f"{MAX_URI_LENGTH:,} characters"),
    "RecordRoot": ("root `record`", ""),
    "RequiredDigests": ("digests", "1 … 32 algorithms"),
    "Root": ("root", ""),
    "ShardRoot": ("root `shard`", ""),
    "ShortText": ("line", f"{MAX_SHORT_TEXT_LENGTH:,} characters"),
    "Step": ("whole number", "0 … 2^53 - 1"),
    "TensorRoot": ("root `tensor`", ""),
    "Text": ("text", f"{MAX_TEXT_LENGTH:,} characters"),
    "Timestamp": ("time", "30 characters"),
    "Uri": ("URI", f"{MAX_URI_LENGTH:,} characters"),
    "Version": ("version", ""),
    "bool": ("boolean", ""),
}

_BLOCK = re.compile(r"(<!-- (fields|example): ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def filled_page(path: Path) -> str:
    """Return the text of a page with every table and example as it should be."""

    def fill(match: re.Match[str]) -> str:
        body = _table(match[3]) if match[2] == "fields" else _example(match[3])
        return f"{match[1]}\n{body}\n\n{match[4]}"

    return _BLOCK.sub(fill, path.read_text(encoding="utf-8"))


def _example(name: str) -> str:
    path = REPOSITORY / "spec" / "examples" / f"{name}.json"
    return f"```json\n{path.read_text(encoding='utf-8').rstrip()}\n```"


def _table(name: str) -> str:
    kind = getattr(manifest, name)
    descriptions = field_descriptions(kind)
    rows = ["| field | type | required | meaning | limit |", "|---|---|---|---|---|"]
    for python_name, field in kind.model_fields.items():
        wire = field.alias or python_name
        text, limit = _type(_annotation(kind, python_name), field.annotation)
        meaning = " ".join(descriptions[wire].split())
        required = "yes" if field.is_required() else ""
        rows.append(f"| `{wire}` | {text} | {required} | {meaning} | {limit} |")
    return "\n".join(rows)


def _annotation(kind: type[Document], name: str) -> str:
    """Return the annotation of a field as its class writes it."""
    for base in kind.__mro__:
        annotations = inspect.get_annotations(base)
        if name in annotations:
            return str(annotations[name])
    raise AssertionError(name)


def _type(annotation: str, evaluated: Any) -> tuple[str, str]:  # noqa: ANN401 - a type
    annotation = annotation.strip("() \n").removesuffix("| None").strip("() \n")
    if match := re.fullmatch(r"Annotated\[(.*), Field\(min_length=1\)\]", annotation):
        text, limit = _type(match[1], evaluated)
        return text, limit.replace("0 …", "1 …", 1)
    if annotation == "Licenses":
        annotation = "Many[ShortText]"
    if match := re.fullmatch(r"Many\[(.*)\]", annotation, re.DOTALL):
        inner, _ = _type(match[1], get_args(evaluated))
        return f"list of {inner}", f"0 … {MAX_ITEMS:,} items"
    if annotation.startswith("Literal["):
        return " or ".join(
            f'`"{value}"`' for value in re.findall(r'[\'"]([\w-]+)[\'"]', annotation)
        ), ""
    if annotation in TYPES:
        return TYPES[annotation]
    return f"[{annotation}](#{_slug(annotation)})", ""


def _slug(name: str) -> str:
    return name.lower()
