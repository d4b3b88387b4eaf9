"""Names are relative, portable and canonical; collisions are found."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.digest import check_name, find_collisions, printable_name
from provenance.errors import DigestError

REFUSED = [
    "",
    "/",
    "/etc/passwd",
    ".",
    "..",
    "./a",
    "a/.",
    "a/./b",
    "../a",
    "a/..",
    "a/../b",
    "a//b",
    "a/",
    "a/b/",
    "a\\b",
    "C:\\a",
    "a\x00b",
    "a\nb",
    "a\r",
    "\x1b[31m",
    "a\x7f",
    "a\x85b",
    "a\x9b",
    "\udc80",
    "a/\ud800",
    "a" * 256,
    "é" * 128,
    "/".join(["a" * 200] * 21),
    "/".join("a" * 129),
    None,
    b"a",
    1,
]

ACCEPTED = [
    "a",
    "...",
    "..a",
    "a..",
    ".hidden",
    "a/.../b",
    "a b/c",
    " a",
    "-rf",
    "a'\"*?<>|:",
    "CON",
    "aux.txt",
    "a.",
    "é",
    "e\u0301",
    "日本/語",
    "\U0001f600",
    "a\u200cb",
    "\u202eabc",
    "a\u2028b",
    "a" * 255,
    "é" * 127,
    "/".join("a" * 128),
    "/".join(["a" * 255] * 16),
]


@pytest.mark.parametrize("name", REFUSED, ids=[str(number) for number in range(len(REFUSED))])
def test_name_is_refused(name: object) -> None:
    with pytest.raises(DigestError) as caught:
        check_name(name)
    assert caught.value.code == "name-unsafe"
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("name", ACCEPTED, ids=[str(number) for number in range(len(ACCEPTED))])
def test_name_is_accepted(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize(
    ("names", "collisions"),
    [
        (["Config.json", "config.json"], [("Config.json", "config.json")]),
        (["é", "e\u0301"], [("é", "e\u0301")]),
        (["straße", "STRASSE"], [("straße", "STRASSE")]),
        (["É", "e\u0301"], [("É", "e\u0301")]),
        (["a", "a"], [("a", "a")]),
        (["a", "A", "a"], [("a", "A"), ("a", "a")]),
        (["Data/x", "data/X"], [("Data/x", "data/X")]),
        (["A", "a/b"], [("A", "a/")]),
        (["x/y", "X/Y/z/w"], [("x/y", "X/Y/z/")]),
        (["a/b", "A/c"], []),
        (["a", "b", "a.b", "a/b".replace("a/", "c/")], []),
        (["ﬁ", "fi"], [("ﬁ", "fi")]),
        (["K", "\u212a"], [("K", "\u212a")]),
        ([], []),
    ],
)
def test_names_that_are_one_file_somewhere_are_paired(
    names: list[str], collisions: list[tuple[str, str]]
) -> None:
    assert find_collisions(iter(names)) == tuple(collisions)


def test_name_is_made_printable_and_loses_nothing() -> None:
    assert printable_name("a\x1b\udcff\u202e日") == "a\\x1b\\udcff\\u202e日"


@pytest.mark.property
class TestNames:
    """Law: an accepted name is the one spelling of a path below the root."""

    @given(st.text("ab./\\\x00\u00e9\ud800") | st.text(st.characters()))
    def test_accepted_name_has_only_plain_segments(self, name: str) -> None:
        try:
            check_name(name)
        except DigestError:
            return
        assert not any(segment in {"", ".", ".."} for segment in name.split("/"))
        assert "\\" not in name
        assert not any(unicodedata.category(character) in {"Cc", "Cs"} for character in name)
        assert name.encode("utf-8").decode("utf-8") == name

    @given(st.lists(st.text("aAéÉßs", min_size=1, max_size=3), unique=True))
    def test_no_collision_means_different_keys(self, names: list[str]) -> None:
        keys = {
            unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
            for name in names
        }
        assert len(names) - len(keys) == len(find_collisions(names))
