"""A description to fill in, for a model that was trained without a recorder.

What the files themselves say is filled in and marked with where it comes from.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from provenance.checks import MANIFEST_FOLDER, OMS_FILE
from provenance.digest import COUNTED, hash_tree
from provenance.errors import RecordingError
from provenance.recording.model_hints import DOCUMENTS, find_hints
from provenance.recording.records import RECORD_NAME
from provenance.recording.state import make_id
from provenance.recording.weights import role_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provenance.digest import Inventory
    from provenance.recording.model_hints import Hint, Hints

__all__ = ["describe_existing"]

#: Most files that the comments list; all of them are released.
MAX_LISTED_FILES: Final = 200


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
    hints = find_hints(root, [entry.path for entry in inventory.entries])
    lines = [*_HEAD, *_files(inventory), *_producer(), *_model(hints), *_bases(hints)]
    lines += [*_datasets(hints), *_TRAINING, *_documents(hints, root), *_DISCLOSURES]
    return "\n".join(lines) + "\n"


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


def _model(hints: Hints) -> list[str]:
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


def _bases(hints: Hints) -> list[str]:
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


def _datasets(hints: Hints) -> list[str]:
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


def _documents(hints: Hints, root: Path) -> list[str]:
    lines = [
        "# [[documents]]  # copied into training-provenance/documents/",
        '# id = "report"',
        '# kind = "technical-report"',
        '# file = "report.pdf"  # relative to this file',
        "",
    ]
    folder = Path(os.path.abspath(root)).name  # noqa: PTH100 - keeps links
    for name in hints.documents:
        identifier, kind, referrer = DOCUMENTS[name]
        lines += [
            f'# [[documents]]  # to refer to it: {referrer} = "{identifier}"',
            f'# id = "{identifier}"',
            f'# kind = "{kind}"',
            f"# file = {_toml(f'{folder}/{name}')}",
            "",
        ]
    return lines


def _filled(hints: Mapping[str, Hint], names: tuple[str, ...]) -> list[str]:
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

_TRAINING = (
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
)

_DISCLOSURES = (
    "# [[disclosures]]",
    '# path = "/training/log"  # a JSON Pointer into the manifest; items also by their id',
    '# status = "withheld"  # there is one; "notApplicable": there is no such thing here',
    '# reason = "It was not kept."',
    "# [[disclosures]]",
    '# path = "/compute/cost"',
    '# status = "withheld"',
    '# reason = "contract"',
    "# seal = true  # with `value`: a salted commitment that an auditor can have opened later",
    "# value = 1200",
)
