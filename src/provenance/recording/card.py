"""A model card from the manifest, for releases whose author wrote none. No I/O.

Everything in it comes from the manifest, and all of that is foreign text: it is escaped, so that no
name or description can become a heading, a link, HTML or YAML.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["write_card"]

#: Most items of a list that a card shows.
MAX_ITEMS: Final = 50

_PROSE: Final = {
    "intendedUse": "Intended use",
    "outOfScopeUse": "Out of scope",
    "limitations": "Limitations",
}

# What Markdown reads as more than text: anywhere; at the start of a line; where a link begins.
_SPECIAL = re.compile(r"([\\`*_{}\[\]|~<>&$^@])")
_LEADING = re.compile(r"^(\d*)([#+\-=.)])")
_LINK = re.compile(r"(\b(?:https?|ftp|mailto|xmpp|www))([:.])", re.IGNORECASE)
_INVISIBLE = re.compile(
    "[\x00-\x20\x7f-\xa0\u00ad\u061c\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\ufeff\ud800-\udfff]+"
)


def write_card(tree: Mapping[str, Any], *, has_log: bool = False) -> str:
    """Return a model card in Markdown.

    Args:
        tree: The manifest's JSON tree; the part `release` may be missing.
        has_log: Whether there is a training log.
    """
    model = tree.get("model", {})
    lines = [*_front_matter(model), f"# {_text(model.get('name', 'model'))}", ""]
    lines += _paragraph(model.get("description"))
    lines += [
        "This card was written from the signed training manifest in `training-provenance/`.",
        "Check it before you rely on it:",
        "",
        "```console",
        "$ provenance verify . --key PUBLISHER.pub",
        "```",
        "",
    ]
    lines += _facts(tree, model)
    for key, title in _PROSE.items():
        if model.get(key):
            lines += [f"## {title}", "", *_paragraph(model[key])]
    lines += _section("Training data", _datasets(tree))
    lines += _section("From raw to training data", _steps(tree))
    lines += _section("Training", _training(tree))
    lines += _section("Evaluation", _evaluations(tree))
    lines += _section("What is open and what is not", _openness(tree, has_log=has_log))
    return "\n".join(lines).rstrip("\n") + "\n"


def _front_matter(model: Mapping[str, Any]) -> list[str]:
    """Return the YAML head that hubs read; JSON strings are YAML that holds no surprise."""
    lines = ["---", 'tags: ["training-provenance"]']
    licenses = _few(model.get("licenses"))
    if len(licenses) == 1 and re.fullmatch(r"[A-Za-z0-9.+-]{1,64}", licenses[0]):
        lines.append(f"license: {json.dumps(licenses[0].lower())}")
    return [*lines, "---", ""]


def _facts(tree: Mapping[str, Any], model: Mapping[str, Any]) -> list[str]:
    architecture = model.get("architecture", {})
    facts = {
        "Producer": tree.get("producer", {}).get("name"),
        "Contact": tree.get("producer", {}).get("contact"),
        "Version": model.get("version"),
        "Licences": ", ".join(model.get("licenses") or ()),
        "Architecture": architecture.get("description") or architecture.get("family"),
        "Parameters": architecture.get("parameterCount"),
    }
    rows = [f"| {name} | {_text(value)} |" for name, value in facts.items() if value]
    return ["| | |", "| --- | --- |", *rows, ""] if rows else []


def _datasets(tree: Mapping[str, Any]) -> Iterator[str]:
    for dataset in _few(tree.get("datasets")):
        words = [f"**{_text(dataset.get('name', dataset.get('id')))}**"]
        if dataset.get("roles"):
            words.append(f"({_text(', '.join(dataset['roles']))})")
        facts = [
            ("records", dataset.get("records")),
            ("licences", ", ".join(dataset.get("licenses") or ())),
            ("source", ", ".join(it["uri"] for it in dataset.get("sources", ()) if it.get("uri"))),
        ]
        words += [f"· {name}: {_text(value)}" for name, value in facts if value]
        yield " ".join(words)
        if dataset.get("labelling", {}).get("criteria"):
            yield f"  labelling: {_text(dataset['labelling']['criteria'])}"


def _steps(tree: Mapping[str, Any]) -> Iterator[str]:
    for step in _few(tree.get("processing")):
        names = (", ".join(step.get(key, ())) or "?" for key in ("inputs", "outputs"))
        arrow = " → ".join(_text(name) for name in names)
        what = f": {_text(step['description'])}" if step.get("description") else ""
        yield f"**{_text(step.get('name', step['id']))}** ({arrow}){what}"


def _training(tree: Mapping[str, Any]) -> Iterator[str]:
    training = tree.get("training", {})
    for segment in _few(training.get("segments")):
        steps = f"steps {segment['fromStep']} to {segment['toStep']}"
        settings = segment.get("hyperparameters") or {}
        shown = ", ".join(
            f"{name} = {_plain(value)}" for name, value in list(settings.items())[:20]
        )
        yield _text(f"{segment['id']}: {steps}" + (f" with {shown}" if shown else ""))
    if training.get("checkpoints"):
        yield f"Recorded checkpoints: {len(training['checkpoints'])}"
    if training.get("selection"):
        yield f"Released: {_text(training['selection'])}"


def _evaluations(tree: Mapping[str, Any]) -> Iterator[str]:
    for evaluation in _few(tree.get("evaluations")):
        results = ", ".join(
            f"{it['name']} = {_plain(it['value'])}"
            for it in evaluation.get("metrics", ())[:MAX_ITEMS]
        )
        where = f" on {evaluation['dataset']}" if evaluation.get("dataset") else ""
        yield _text(f"{evaluation['task']}{where}: {results or 'no result stated'}")


def _openness(tree: Mapping[str, Any], *, has_log: bool) -> Iterator[str]:
    parts = {
        "training data": any(it.get("files") for it in tree.get("datasets", ())),
        "data processing": bool(tree.get("processing")),
        "training settings and code": bool(tree.get("training", {}).get("segments")),
        "training log": has_log,
        "evaluation": bool(tree.get("evaluations")),
    }
    for name, is_there in parts.items():
        yield f"{name}: {'described and bound by digests' if is_there else 'not stated'}"
    for disclosure in _few(tree.get("disclosures")):
        sealed = ", sealed" if disclosure.get("commitment") or disclosure.get("seal") else ""
        status = "withheld" if disclosure["status"] == "withheld" else "does not apply"
        yield f"{_text(disclosure['path'])}: {status}{sealed} ({_text(disclosure['reason'])})"


def _section(title: str, items: Iterable[str]) -> list[str]:
    lines = [item if item.startswith("  ") else f"- {item}" for item in items]
    return [f"## {title}", "", *lines, ""] if lines else []


def _few(items: Any) -> list[Any]:  # noqa: ANN401 - a JSON tree
    return list(items or ())[:MAX_ITEMS]


def _paragraph(text: str | None) -> list[str]:
    return [_text(text), ""] if text else []


def _plain(value: Any) -> str:  # noqa: ANN401 - a JSON tree
    if isinstance(value, Mapping) and set(value) == {"number"}:
        return str(value["number"])
    return str(value) if isinstance(value, str | int | float) else "…"


def _text(value: object) -> str:
    """Return foreign text as Markdown that shows exactly it, on one line."""
    text = _INVISIBLE.sub(" ", str(value)).strip()
    escaped = _LINK.sub(r"\1\\\2", _SPECIAL.sub(r"\\\1", text))
    return _LEADING.sub(r"\1\\\2", escaped)
