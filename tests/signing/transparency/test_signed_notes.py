"""Signed notes: the examples of their specification, of Go's `sumdb/note`, and of one log."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from provenance.digest.merkle import plain_leaf_hash, tree_head
from provenance.errors import SignatureError
from provenance.signing import PublicKey
from provenance.signing.transparency import NoteKey, parse_note
from provenance.signing.transparency.signed_notes import parse_tree_head

if TYPE_CHECKING:
    from pathlib import Path

#: A key that is named twice is the same key here; Go refuses it as ambiguous.
ACCEPTED = {"ok", "ambiguous-key"}


def key_of(vkey: str) -> NoteKey:
    name, number, data = vkey.split("+", 2)
    raw = b64decode(data)
    assert raw[0] == 1
    handle = ed25519.Ed25519PublicKey.from_public_bytes(raw[1:])
    key = NoteKey.of(name, PublicKey.from_handle(handle))
    assert bytes.fromhex(number) in key.ids
    return key


def opened(case: dict[str, Any]) -> bool:
    try:
        text = b64decode(case["note_b64"]).decode()
        parse_note(text).verify([key_of(vkey) for vkey in case["keys"]])
    except (SignatureError, UnicodeDecodeError):  # what is no UTF-8 is no JSON either
        return False
    return True


def go_cases(vectors: Path) -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = json.loads(
        (vectors / "signed-note" / "go-sumdb-note.json").read_text()
    )["open"]
    assert len(cases) == 16
    return cases


def examples(vectors: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((vectors / "signed-note" / "c2sp-examples.json").read_text())
    return found


def test_opens_what_go_opens(outside_vectors: Path) -> None:
    for case in go_cases(outside_vectors):
        assert opened(case) == (case["result"] in ACCEPTED), case["name"]


def test_malformed_notes_are_refused_before_any_key_is_asked(outside_vectors: Path) -> None:
    malformed = [case for case in go_cases(outside_vectors) if case["result"] == "malformed"]
    assert malformed
    for case in malformed:
        with pytest.raises((SignatureError, UnicodeDecodeError)):
            parse_note(b64decode(case["note_b64"]).decode())


def test_opens_the_example_of_the_specification(outside_vectors: Path) -> None:
    example = examples(outside_vectors)["signed_note"]
    key = key_of(example["vkey"])
    note = parse_note(example["note"])
    assert note.verify([key]) is key
    assert note.text == "This is an example message.\n"


def test_reads_the_other_examples_of_the_specification(outside_vectors: Path) -> None:
    others = examples(outside_vectors)["parse_only"]
    assert len(others) == 2
    for example in others:
        note = parse_note(example["note"])
        assert "\n\n\N{EM DASH}" not in note.text
        assert all(len(number) == 4 for _, number, _ in note.signatures)


def test_tree_heads_of_a_log_are_those_of_its_entries(outside_vectors: Path) -> None:
    folder = outside_vectors / "tessera-log"
    keys = json.loads((folder / "keys.json").read_text())
    for size in range(16):
        note = parse_note((folder / f"checkpoint.{size}").read_text())
        note.verify([key_of(keys["vkey"])])
        head = parse_tree_head(note)
        entries = [entry.encode() for entry in keys["entries_utf8"][:size]]
        assert (head.origin, head.size) == ("example.com/log/testdata", size)
        assert head.root == tree_head(plain_leaf_hash(entry) for entry in entries)


ROOT = b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    "text",
    [
        f"\n1\n{ROOT}\n",
        f"log\n01\n{ROOT}\n",
        f"log\n+1\n{ROOT}\n",
        f"log\n-1\n{ROOT}\n",
        f"log\n1 \n{ROOT}\n",
        f"log\n\N{ARABIC-INDIC DIGIT ONE}\n{ROOT}\n",
        f"log\n{2**63}\n{ROOT}\n",
        f"log\n{'9' * 4000}\n{ROOT}\n",
        "log\n1\n\n",
        f"log\n1\n{ROOT[:-4]}\n",
        f"log\n1\n{ROOT} \n",
        "log\n1\n",
    ],
    ids=[
        *("no origin", "zero in front", "plus", "minus", "blank", "other digits", "2^63"),
        *("very long", "empty root", "short root", "blank behind", "no root"),
    ],
)
def test_malformed_tree_heads_are_refused(text: str) -> None:
    line = f"\N{EM DASH} log {b64encode(b'1234signature').decode()}\n"
    with pytest.raises(SignatureError) as caught:
        parse_tree_head(parse_note(f"{text}\n{line}"))
    assert caught.value.code == "log-entry-invalid"


@pytest.mark.parametrize("lines", [16, 100])
def test_takes_as_many_signatures_as_the_specification_asks(
    outside_vectors: Path, lines: int
) -> None:
    example = examples(outside_vectors)["signed_note"]
    text, _, own = example["note"].partition("\n\n")
    others = f"\N{EM DASH} witness {b64encode(b'1234signature').decode()}\n" * (lines - 1)
    parse_note(f"{text}\n\n{others}{own}").verify([key_of(example["vkey"])])


@pytest.mark.parametrize(
    "line",
    [
        "- example.com/foo Uw2QOkn8",
        "\N{EM DASH} example.com/foo",
        "\N{EM DASH} example.com/foo Uw2QOg==",
        "\N{EM DASH} example.com/foo Uw2Q!!",
        "\N{EM DASH}  Uw2QOkn8",
        "\N{EM DASH} a+b Uw2QOkn8",
        "\N{EM DASH} a  Uw2QOkn8",
    ],
    ids=["hyphen", "no signature", "cut", "no base64", "no name", "plus", "two blanks"],
)
def test_malformed_signature_lines_are_refused(line: str) -> None:
    with pytest.raises(SignatureError):
        parse_note(f"text\n\n{line}\n")


def test_a_note_that_is_too_long_is_refused() -> None:
    with pytest.raises(SignatureError, match="bytes"):
        parse_note("x" * 70_000)
