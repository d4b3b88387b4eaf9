"""JSON Pointers: the examples of RFC 6901, and what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.canonical import (
    MAX_POINTER_CHARACTERS,
    join_pointer,
    parse,
    resolve_pointer,
    split_pointer,
)
from provenance.errors import CanonicalError

#: The document and the answers of RFC 6901, section 5.
DOCUMENT = parse(
    rb'{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8}'
)
ANSWERS = {
    "": DOCUMENT,
    "/foo": ("bar", "baz"),
    "/foo/0": "bar",
    "/": 0,
    "/a~1b": 1,
    "/c%d": 2,
    "/e^f": 3,
    "/g|h": 4,
    "/i\\j": 5,
    '/k"l': 6,
    "/ ": 7,
    "/m~0n": 8,
}


@pytest.mark.parametrize(
    "pointer", ["a", "a/b", "/~", "/~2", "/a~", "#/a", "/" * (MAX_POINTER_CHARACTERS + 1)]
)
def test_text_that_is_no_pointer_is_refused(pointer: str) -> None:
    with pytest.raises(CanonicalError, match="is not a JSON Pointer"):
        split_pointer(pointer)


@pytest.mark.parametrize(
    "pointer",
    ["/bar", "/foo/2", "/foo/-", "/foo/00", "/foo/-1", "/foo/1e0", "/foo/0/0", "/foo/9" + "9" * 30],
)
def test_place_that_is_not_there_is_refused(pointer: str) -> None:
    with pytest.raises(CanonicalError, match="there is nothing named"):
        resolve_pointer(DOCUMENT, pointer)


@pytest.mark.parametrize("pointer", ANSWERS)
def test_examples_of_rfc_6901_resolve(pointer: str) -> None:
    assert resolve_pointer(DOCUMENT, pointer) == ANSWERS[pointer]


def test_escapes_are_undone_in_the_right_order() -> None:
    assert split_pointer("/~01/~00") == ("~1", "~0")


@pytest.mark.property
class TestPointers:
    """Law (RFC 6901, section 4): splitting undoes joining."""

    @given(st.lists(st.text()))
    def test_split_undoes_join(self, tokens: list[str]) -> None:
        assert split_pointer(join_pointer(*tokens)) == tuple(tokens)

    def test_numbers_are_tokens_too(self) -> None:
        assert join_pointer("a", 0) == "/a/0"
