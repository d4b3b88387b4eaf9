"""A description to fill in, for a model that was trained without a recorder.

What the files themselves say is filled in and marked with where it comes from; nothing is executed
to find it out, and the YAML head of a card is read as flat `key: value` lines only.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from provenance import canonical
from provenance.checks import MANIFEST_FOLDER, OMS_FILE
from provenance.digest import COUNTED, hash_tree, read_file
from provenance.errors import ProvenanceError, RecordingError
from provenance.recording.front_matter import read_front_matter
from provenance.recording.records import RECORD_NAME
from provenance.recording.state import make_id
from provenance.recording.weights import describe_weights, role_of

if TYPE_CHECKING:
    from provenance.digest import Inventory

__all__ = ["describe_existing"]

#: Largest card or configuration that is looked into, in bytes.
MAX_HINT_BYTES: Final = 4 * 1024 * 1024

#: Most files that the comments list; all of them are released.
MAX_LISTED_FILES: Final = 200


@dataclass(frozen=True, slots=True)
class _Hint:
    """A value that a file states."""

    value: Any
    source: str


@dataclass(frozen=True, slots=True)
class _Hints:
    """What the files of a model say of it, by the names of the manifest."""

    model: dict[str, _Hint] = field(default_factory=dict)
    architecture: dict[str, _Hint] = field(default_factory=dict)
    datasets: tuple[_Hint, ...] = ()
    bases: tuple[_Hint, ...] = ()


def describe_existing(folder: str | os.PathLike[str]) -> str:
    """Return a commented description in TOML for a model that lies in a folder.

    Args:
        folder: The model's folder; its card, `config.json` and safetensors headers are looked into.

    Raises:
        RecordingError: The folder holds no file, or recorded runs.
        InputError: Something in it cannot be read, or is a link.
    """
    root = Path(folder)
    if any(root.glob(f"*/{RECORD_NAME}")):
        raise RecordingError(
            path=str(root),
            problem="this is a project of recorded runs, not a model",
            remedy="release it with a description of your own: [producer] with a name is enough",
        )
    inventory = hash_tree(root, algorithms=COUNTED, skip=(MANIFEST_FOLDER, OMS_FILE))
    if not inventory.entries:
        raise RecordingError(
            path=str(root), problem="there is no file here", remedy="name the model's folder"
        )
    hints = _find_hints(root, inventory)
    lines = [*_HEAD, *_files(inventory), *_producer(), *_model(hints), *_bases(hints)]
    lines += [*_datasets(hints), *_TAIL]
    return "\n".join(lines) + "\n"


def _find_hints(root: Path, inventory: Inventory) -> _Hints:
    names = [entry.path for entry in inventory.entries]
    card = _read_text(root / "README.md") if "README.md" in names else ""
    head = read_front_matter(card)
    config = _read_config(root / "config.json") if "config.json" in names else {}
    return _Hints(
        model=_model_hints(root, head),
        architecture=_architecture_hints(root, names, config),
        datasets=tuple(_Hint(item, "README.md") for item in _texts(head.get("datasets"))),
        bases=tuple(_Hint(item, "README.md") for item in _texts(head.get("base_model"))),
    )


def _model_hints(root: Path, head: Mapping[str, str | tuple[str, ...]]) -> dict[str, _Hint]:
    hints = {"name": _Hint(Path(os.path.abspath(root)).name, "the name of the folder")}  # noqa: PTH100 - keeps links
    fields = {
        "name": (_texts(head.get("model_name"))[:1] or ("",))[0],
        "licenses": tuple(_licence(item) for item in _texts(head.get("license"))),
        "tasks": _texts(head.get("pipeline_tag")),
        "languages": _texts(head.get("language")),
    }
    hints |= {name: _Hint(value, "README.md") for name, value in fields.items() if value}
    return hints


def _architecture_hints(
    root: Path, names: list[str], config: Mapping[str, Any]
) -> dict[str, _Hint]:
    hints: dict[str, _Hint] = {}
    if isinstance(config.get("model_type"), str):
        hints["family"] = _Hint(config["model_type"], "config.json")
    classes = config.get("architectures")
    if isinstance(classes, tuple) and classes and isinstance(classes[0], str):
        hints["name"] = _Hint(classes[0], "config.json")
    weights = describe_weights(root, names)
    if weights.parameter_count is not None:
        hints["parameterCount"] = _Hint(weights.parameter_count, "the tensors")
    if weights.data_type is not None:
        hints["dataType"] = _Hint(weights.data_type, "the tensors")
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


def _files(inventory: Inventory) -> list[str]:
    lines = ["# These files will be released; their digests are taken again then.", "#"]
    for entry in inventory.entries[:MAX_LISTED_FILES]:
        digests = entry.digest.digest_set
        lines.append(f"#   {entry.path} ({role_of(entry.path)}, {entry.size} bytes)")
        lines += [f"#     {name} {digests[name]}" for name in COUNTED]
    if len(inventory.entries) > MAX_LISTED_FILES:
        lines.append(f"#   and {len(inventory.entries) - MAX_LISTED_FILES} more")
    return [*lines, ""]


def _producer() -> list[str]:
    return [
        "[producer]",
        'name = ""  # required: the person or organisation that says all this',
        '# contact = "open@lab.example"',
        "",
    ]


def _model(hints: _Hints) -> list[str]:
    lines = ["[model]", *_filled(hints.model, ("name", "licenses", "tasks", "languages"))]
    if "licenses" not in hints.model:
        lines.append('# licenses = ["Apache-2.0"]  # SPDX expressions; all of them apply')
    lines += [
        '# version = "1.0"',
        '# description = "What it does."',
        '# intendedUse = "What it was made for."',
        '# limitations = "Known limits, biases and risks."',
        "",
        "[model.architecture]",
        *_filled(hints.architecture, ("family", "name", "parameterCount", "dataType")),
        '# description = "Layers, sizes, activations."',
        "",
    ]
    return lines


def _bases(hints: _Hints) -> list[str]:
    lines: list[str] = []
    for index, hint in enumerate(hints.bases, start=1):
        lines += [
            "[[model.baseModels]]",
            f'id = "base-{index}"',
            f"name = {_toml(hint.value)}  # from {hint.source}",
            '# relation = "finetune"',
            "",
        ]
    return lines


def _datasets(hints: _Hints) -> list[str]:
    lines: list[str] = []
    taken: set[str] = set()
    for hint in hints.datasets:
        identifier = make_id(str(hint.value), "dataset")
        while identifier in taken:
            identifier += "-x"
        taken.add(identifier)
        lines += [
            "[[datasets]]",
            f"id = {_toml(identifier)}",
            f"name = {_toml(hint.value)}  # from {hint.source}",
            'roles = ["train"]  # check this',
            "",
        ]
    return [*lines, *(() if lines else _DATASET_TEMPLATE)]


def _filled(hints: Mapping[str, _Hint], names: tuple[str, ...]) -> list[str]:
    return [
        f"{name} = {_toml(hints[name].value)}  # from {hints[name].source}"
        for name in names
        if name in hints
    ]


def _toml(value: object) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(_toml(item) for item in value)}]"
    if isinstance(value, int):
        return str(value)
    # A JSON string is a TOML string, but for surrogates and DEL.
    text = str(value).encode("utf-8", "replace").decode("utf-8")
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


_HEAD = (
    "# What only you know about this model. Fill it in, then make the draft of a signed manifest:",
    "#",
    "#   provenance release --existing FOLDER --description THIS-FILE",
    "#",
    "# The names are those of the manifest (spec/manifest.md). A line that ends in `# from …` was",
    "# filled in from that place: check it. What you do not know, leave out; what you will not",
    "# say, list under [[disclosures]] with the reason. Leaving a part out is honest: a reader",
    "# then sees that the weights are open and the training is not.",
    "",
)

_DATASET_TEMPLATE = (
    "# [[datasets]]",
    '# id = "train"',
    '# name = "The training data"',
    '# roles = ["train"]',
    '# licenses = ["CC-BY-4.0"]',
    '# availability = "public"',
    "# [[datasets.sources]]",
    '# uri = "https://data.example/train"',
    "# [datasets.labelling]",
    '# criteria = "What each label means and when it is given."',
    "",
)

_TAIL = (
    "# [training]",
    '# description = "What was done, in words."',
    "# [[training.segments]]",
    '# id = "s1"',
    "# fromStep = 0",
    "# toStep = 1000",
    "# hyperparameters = { learning_rate = 0.001 }",
    "",
    "# [[evaluations]]",
    '# id = "e1"',
    '# task = "test accuracy"',
    '# metrics = [{ name = "accuracy", value = 0.9 }]',
    "",
    "# [[documents]]  # copied into training-provenance/documents/",
    '# id = "report"',
    '# kind = "technical-report"',
    '# file = "report.pdf"',
    "",
    "# [[disclosures]]",
    '# path = "/compute/cost"  # a JSON Pointer into the manifest',
    '# status = "withheld"  # or "notApplicable"',
    '# reason = "contract"',
    "# seal = true  # with `value`: a salted commitment that an auditor can have opened later",
    "# value = 1200",
)
