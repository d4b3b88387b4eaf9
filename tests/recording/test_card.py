"""The card that is written where the author wrote none."""

from __future__ import annotations

from typing import Any

import pytest
from markdown_it import MarkdownIt

from provenance.recording.card import write_card

WHOLE: dict[str, Any] = {
    "producer": {"name": "Lab", "contact": "a@b.example"},
    "model": {
        "name": "digits",
        "version": "1.0",
        "description": "Reads digits.",
        "licenses": ["Apache-2.0"],
        "intendedUse": "Tests.",
        "outOfScopeUse": "Cheques.",
        "limitations": "Many.",
        "architecture": {"family": "mlp", "parameterCount": 10},
    },
    "datasets": [
        {
            "id": "raw",
            "name": "Raw",
            "roles": ["raw"],
            "records": 3,
            "files": {},
            "sources": [{"uri": "https://data.example"}, {"description": "a box"}],
            "labelling": {"criteria": "by eye"},
        },
        {"id": "bare"},
    ],
    "processing": [
        {"id": "prepare", "inputs": ["raw"], "outputs": ["train"], "description": "Splits."},
        {"id": "x"},
    ],
    "training": {
        "segments": [
            {
                "id": "s1",
                "fromStep": 0,
                "toStep": 3,
                "hyperparameters": {
                    "rate": 0.1,
                    "seed": {"number": "9007199254740993"},
                    "deep": {},
                },
            },
            {"id": "s2", "fromStep": 3, "toStep": 4},
        ],
        "checkpoints": [{}],
        "selection": "The last checkpoint.",
    },
    "evaluations": [
        {
            "id": "e",
            "task": "accuracy",
            "dataset": "test",
            "metrics": [{"name": "a", "value": 0.5}],
        },
        {"id": "f", "task": "speed"},
    ],
    "disclosures": [
        {"path": "/compute/cost", "status": "withheld", "reason": "contract", "seal": True},
        {"path": "/model/tokenizer", "status": "notApplicable", "reason": "pixels"},
    ],
}

HOSTILE = [
    "# Heading",
    "- item",
    "1. item",
    "1) item",
    "> quote",
    "---",
    "=====",
    "+ item",
    "*bold* _em_ `code` ~~gone~~",
    "[click](https://evil.example)",
    "![image](https://evil.example/x.png)",
    "<script>alert(1)</script>",
    "<https://evil.example>",
    "https://evil.example",
    "HTTP://evil.example and www.evil.example",
    "mailto:a@b.example",
    "&lt;b&gt;",
    "a | b",
    "line\n\n# second",
    "\u202e reversed \u200b hidden \x1b[31m",
    "\\# already escaped",
    "$x^2$",
]


def render(card: str) -> str:
    body = card.split("---\n", 2)[2]
    shown: str = MarkdownIt("gfm-like", {"linkify": False}).render(body)
    return shown


@pytest.mark.parametrize("text", HOSTILE)
def test_foreign_text_stays_text(text: str) -> None:
    plain = render(write_card({"model": {"name": "NAME", "description": "TEXT"}}))
    card = write_card({"model": {"name": text, "description": text, "limitations": text}})
    shown = render(card)
    for tag in ("<script", "<img", "<a ", "<strong", "<em", "<blockquote", "<ol", "<s>", "<h3"):
        assert tag not in shown
    assert shown.count("<h1") == plain.count("<h1")
    assert shown.count("<hr") == plain.count("<hr")
    assert "\u202e" not in card
    assert "\x1b" not in card


def test_address_is_no_link_on_hubs_that_make_links_of_addresses() -> None:
    card = write_card({"model": {"name": "see https://x.example or www.x.example or a@x.example"}})
    assert r"https\://x.example" in card
    assert r"www\.x.example" in card
    assert r"a\@x.example" in card


def test_licence_of_the_head_cannot_break_out_of_it() -> None:
    card = write_card({"model": {"name": "m", "licenses": ['MIT"\nevil: "yes']}})
    assert "evil" not in card.split("---\n")[1]


def test_everything_that_is_said_is_in_the_card() -> None:
    card = write_card(WHOLE, has_log=True)
    for text in (
        'license: "apache-2.0"',
        "# digits",
        "Reads digits.",
        "| Parameters | 10 |",
        "## Intended use",
        "## Out of scope",
        "- **Raw** (raw) · records: 3 · source: https\\://data.example",
        "labelling: by eye",
        "**prepare** (raw → train): Splits.",
        "s1: steps 0 to 3 with rate = 0.1, seed = 9007199254740993, deep = …",
        "s2: steps 3 to 4",
        "Recorded checkpoints: 1",
        "accuracy on test: a = 0.5",
        "speed: no result stated",
        "training log: described and bound by digests",
        "/compute/cost: withheld, sealed (contract)",
        "/model/tokenizer: does not apply (pixels)",
    ):
        assert text in card


def test_almost_empty_manifest_has_a_card() -> None:
    card = write_card({})
    assert "# model" in card
    assert "- evaluation: not stated" in card
    assert card.endswith("\n")
