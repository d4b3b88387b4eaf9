"""What the files of a trained model say of it: its card, `config.json` and its tensors.

Nothing is executed to find it out, and the YAML head of a card is read as flat `key: value` lines
only. What cannot be read says nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from provenance import canonical
from provenance.digest import read_file
from provenance.errors import ProvenanceError
from provenance.recording.front_matter import read_front_matter
from provenance.recording.weights import describe_weights

__all__ = ["DOCUMENTS", "Hint", "Hints", "find_hints"]

#: Largest card or configuration that is looked into, in bytes.
MAX_HINT_BYTES: Final = 4 * 1024 * 1024

# Owner and name, as hubs write them.
_HUB_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}")

#: Files of a model that its description may refer to as documents: id, kind, and who refers to it.
DOCUMENTS: Final = MappingProxyType(
    {
        "README.md": ("card", "model-card", "[model] modelCard"),
        "config.json": ("config", "configuration", "[model.architecture] configuration"),
    }
)


@dataclass(frozen=True, slots=True)
class Hint:
    """A value that a file states."""

    value: Any
    """The value, by the names of the manifest."""

    source: str
    """Where it stands, for people."""


@dataclass(frozen=True, slots=True)
class Hints:
    """What the files of a model say of it, by the names of the manifest."""

    model: dict[str, Hint] = field(default_factory=dict)
    """Fields of `model`."""

    architecture: dict[str, Hint] = field(default_factory=dict)
    """Fields of `model.architecture`."""

    datasets: tuple[Hint, ...] = ()
    """Names of datasets."""

    bases: tuple[Hint, ...] = ()
    """Names of models that it was made from."""

    documents: tuple[str, ...] = ()
    """Names of its files that are documents."""


def find_hints(root: Path, names: list[str]) -> Hints:
    """Return what the files of a model say of it.

    Args:
        root: The model's folder.
        names: The names of its files.
    """
    card = _read_text(root / "README.md") if "README.md" in names else ""
    head = read_front_matter(card)
    config = _read_config(root / "config.json") if "config.json" in names else {}
    return Hints(
        model=_model_hints(root, head),
        architecture=_architecture_hints(root, names, config),
        datasets=tuple(Hint(item, "README.md") for item in _texts(head.get("datasets"))),
        bases=_base_hints(root, head, config),
        documents=tuple(name for name in DOCUMENTS if name in names),
    )


def _base_hints(
    root: Path, head: Mapping[str, str | tuple[str, ...]], config: Mapping[str, Any]
) -> tuple[Hint, ...]:
    """Return the models that this one was made from, as its card says or its configuration."""
    said = _texts(head.get("base_model"))
    if said:
        return tuple(Hint(item, "README.md") for item in said)
    # What the framework loaded before training, if it was a name on a hub and not a folder.
    loaded = config.get("_name_or_path")
    if not isinstance(loaded, str) or not _HUB_NAME.fullmatch(loaded):
        return ()
    own = Path(os.path.abspath(root)).name  # noqa: PTH100 - keeps links
    return () if loaded.rpartition("/")[2] == own else (Hint(loaded, "config.json; check this"),)


def _model_hints(root: Path, head: Mapping[str, str | tuple[str, ...]]) -> dict[str, Hint]:
    hints = {"name": Hint(Path(os.path.abspath(root)).name, "the name of the folder")}  # noqa: PTH100 - keeps links
    fields = {
        "name": (_texts(head.get("model_name"))[:1] or ("",))[0],
        "licenses": tuple(_licence(item) for item in _texts(head.get("license"))),
        "tasks": _texts(head.get("pipeline_tag")),
        "languages": _texts(head.get("language")),
    }
    hints |= {name: Hint(value, "README.md") for name, value in fields.items() if value}
    return hints


def _architecture_hints(root: Path, names: list[str], config: Mapping[str, Any]) -> dict[str, Hint]:
    hints: dict[str, Hint] = {}
    if isinstance(config.get("model_type"), str):
        hints["family"] = Hint(config["model_type"], "config.json")
    classes = config.get("architectures")
    if isinstance(classes, tuple) and classes and isinstance(classes[0], str):
        hints["name"] = Hint(classes[0], "config.json")
    weights = describe_weights(root, names)
    if weights.parameter_count is not None:
        hints["parameterCount"] = Hint(weights.parameter_count, "the tensors")
    if weights.data_type is not None:
        hints["dataType"] = Hint(weights.data_type, "the tensors")
    return hints


def _read_text(path: Path) -> str:
    try:
        return read_file(path, max_bytes=MAX_HINT_BYTES).decode("utf-8", "replace")
    except ProvenanceError:
        return ""  # too large to be a card; it is released all the same


def _read_config(path: Path) -> Mapping[str, Any]:
    try:
        tree = canonical.parse(read_file(path, max_bytes=MAX_HINT_BYTES), foreign=True)
    except ProvenanceError:
        return {}  # not JSON: a file of that name that says nothing here
    return tree if isinstance(tree, Mapping) else {}


def _texts(value: str | tuple[str, ...] | None) -> tuple[str, ...]:
    if not value:
        return ()
    return value if isinstance(value, tuple) else (value,)


def _licence(text: str) -> str:
    """Return the SPDX spelling of a licence that hubs write in lower case."""
    from license_expression import (  # type: ignore[import-untyped]  # noqa: PLC0415 - 100 ms; it ships no types
        ExpressionError,
        get_spdx_licensing,
    )

    try:
        return str(get_spdx_licensing().parse(text, validate=True))
    except ExpressionError:
        return text
