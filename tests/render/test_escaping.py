"""Escaping: nothing that a terminal obeys or hides comes through, everything readable stays."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.render import escape, escape_block, shorten

#: Kinds of characters that move, hide or reorder text (Unicode, General_Category).
DANGEROUS = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}

#: Format characters that are drawn, in a line, before what they belong to.
DRAWN = {
    *range(0x600, 0x606),
    0x6DD,
    0x70F,
    0x890,
    0x891,
    0x8E2,
    0x110BD,
    0x110CD,
    *range(0x13430, 0x13440),
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[2J", "\\x1b[2J"),
        ("\x9b31m", "\\x9b31m"),
        ("\x07\x08\x7f", "\\x07\\x08\\x7f"),
        ("PASS\nFAIL\r\n", "PASS\\nFAIL\\r\\n"),
        ("a\tb", "a\\tb"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("\u2066\u2069\u061c", "\\u2066\\u2069\\u061c"),
        ("a\u200bb\ufeff", "a\\u200bb\\ufeff"),
        ("a\u2028b\u2029", "a\\u2028b\\u2029"),
        ("\ud800", "\\ud800"),
        ("caf\udce9", "caf\\xe9"),
        ("\U000e0041", "\\U000e0041"),
        ("\u3164", "\\u3164"),
        ("a\u00a0b", "a\\xa0b"),
    ],
)
def test_dangerous_text_becomes_visible(text: str, expected: str) -> None:
    assert escape(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain",
        "back\\slash",
        "naïve café",
        "数字",
        "模型",
        "Ψηφία",
        "emoji 🙂",
        "עברית",
        "a  b",
    ],
)
def test_readable_text_stays(text: str) -> None:
    assert escape(text) == text


def test_every_control_character_of_unicode_is_escaped() -> None:
    for number in range(sys.maxunicode + 1):
        character = chr(number)
        if unicodedata.category(character) in DANGEROUS and number not in DRAWN:
            assert escape(character) != character, hex(number)


def test_every_blank_but_the_blank_is_escaped() -> None:
    blanks = [chr(n) for n in range(sys.maxunicode + 1) if unicodedata.category(chr(n)) == "Zs"]
    assert [blank for blank in blanks if escape(blank) == blank] == [" "]


class TestEscapedTextIsOneSafeLine:
    """Law: an escaped text is one line, and escaping it again changes nothing."""

    @given(st.text(st.characters(exclude_categories=()), max_size=50))
    def test_one_line_and_stable(self, text: str) -> None:
        escaped = escape(text)
        assert len(escaped.splitlines()) <= 1
        assert escape(escaped) == escaped
        escaped.encode("utf-8")


def test_prose_keeps_its_lines_and_nothing_else() -> None:
    assert escape_block("one\r\ntwo\rthree\n") == ("one", "two\\rthree", "")


def test_long_text_is_cut_with_a_mark() -> None:
    assert shorten("abcdef", 4) == "abc…"
    assert shorten("abcd", 4) == "abcd"
