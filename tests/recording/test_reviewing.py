"""The texts that are published are read, as far as the bounds go, and never through a link."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from provenance.errors import InputError
from provenance.recording import reviewing
from provenance.recording.publication_rules import read_rules
from provenance.recording.reviewing import decide_texts, read_published

if TYPE_CHECKING:
    from pathlib import Path


def test_folder_that_is_none_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        list(read_published(tmp_path / "nowhere"))


def test_texts_are_read_and_other_bytes_are_not(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("text\n", encoding="utf-8")
    (tmp_path / "model.bin").write_bytes(b"\0\1")
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    inside = tmp_path / "training-provenance"
    inside.mkdir()
    (inside / "SHA256SUMS").write_text("00  README.md\n", encoding="utf-8")
    (inside / "notes.md").write_text("note\n", encoding="utf-8")
    (tmp_path / "empty").touch()
    found = {it.name: it.text or it.fault for it in read_published(tmp_path)}
    assert found == {
        "README.md": "text\n",
        "latin.txt": "not looked at: it is no text",
        "model.bin": "not looked at: it is no text",
        "training-provenance/notes.md": "note\n",
    }


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("secret\n", encoding="utf-8")
    release = tmp_path / "release"
    release.mkdir()
    (release / "link.txt").symlink_to(tmp_path / "outside")
    assert not any(it.text for it in read_published(release))


def test_what_is_too_much_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).write_text("x" * 10, encoding="utf-8")
    monkeypatch.setattr(reviewing, "MAX_TEXT_BYTES", 20)
    monkeypatch.setattr(reviewing, "MAX_ALL_BYTES", 15)
    found = {it.name: it for it in read_published(tmp_path)}
    assert found["a"].fault == found["b"].fault == ""
    assert found["c"].fault == "not looked at: there is too much"


def test_the_beginning_of_a_long_text_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "long").write_text("ä" * 30, encoding="utf-8")
    (tmp_path / "weights").write_bytes(b"\0" * 30)
    monkeypatch.setattr(reviewing, "MAX_TEXT_BYTES", 21)  # in the middle of a character
    found, _ = read_published(tmp_path)
    assert found.text == "ä" * 10
    assert found.fault.startswith("only its first ")


def test_forbidden_words_are_found_once_a_rule_and_file() -> None:
    rules = read_rules(
        {
            "rule": [
                {"action": "keep", "value": "acme.example"},
                {"action": "forbid", "value": "*acme*"},
                {"action": "forbid", "pointer": "/x", "value": "*lab*"},
            ]
        }
    )
    texts = {"a.md": "by Acme\nand ACME\n", "b.md": "acme.example", "acme.md": "lab"}
    found = [(it.pointer, it.rule) for it in decide_texts(texts, rules)]
    assert found == [("a.md", 2), ("acme.md", 2)]
    assert not list(decide_texts(texts, read_rules(None)))


@pytest.mark.parametrize("action", ["withhold", "seal"])
def test_nothing_can_be_withheld_in_a_file(action: str) -> None:
    rules = read_rules({"rule": [{"action": action, "value": "*corp*", "reason": "x"}]})
    (found,) = decide_texts({"a.md": "on build7.corp.example"}, rules)
    assert found.problem == "a file is published as it is"
