"""Tests of the strict readers of single fields."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.envelope.fields import (
    decode_base64,
    encode_base64,
    refuse_unknown,
    require_array,
    require_object,
    require_text,
    take,
    under,
)
from provenance.errors import EnvelopeError

CODE = "bundle-malformed"


def decode(text: object, most: int = 1000) -> bytes:
    return decode_base64(text, "/payload", most=most, code=CODE)  # type: ignore[arg-type]  # wrong types on purpose


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("padding missing", "aGVsbG8"),
        ("padding too long", "aGVsbG8=="),
        ("padding in the middle", "aGVs=bG8="),
        ("only padding", "===="),
        ("data after padding", "AAAA==evil"),
        ("two values", "aGVsbG8=aGVsbG8="),
        ("line break at the end", "aGVsbG8=\n"),
        ("line break inside", "aGVs\nbG8="),
        ("blank at the start", " aGVsbG8="),
        ("foreign character", "aGVs*G8="),
        ("foreign letter", "aGVsbGö="),
        ("trailing bits not zero", "aGVsbG9="),
        ("trailing bits not zero, two bytes missing", "aB=="),
        ("one character alone", "a"),
        ("both alphabets", "-_+/"),
        ("both alphabets, padded", "_w+="),
        ("U+0000", "aGVs\x00G8="),
        ("not ASCII digits", "\uff41GVsbG8="),
    ],
)
def test_base64_that_can_be_read_in_two_ways_is_refused(name: str, text: str) -> None:
    with pytest.raises(EnvelopeError) as caught:
        decode(text)
    assert caught.value.code == CODE, name
    assert caught.value.path == "/payload"


@pytest.mark.parametrize("value", [None, 1, True, ("a",), {"a": "b"}])
def test_base64_of_another_json_type_is_refused(value: object) -> None:
    with pytest.raises(EnvelopeError, match="expected a string"):
        decode(value)


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("", b""),
        ("-_-_", b"\xfb\xff\xbf"),
        ("+/+/", b"\xfb\xff\xbf"),
        ("_w==", b"\xff"),
        ("AA==", b"\0"),
    ],
)
def test_both_alphabets_are_read(text: str, data: bytes) -> None:
    assert decode(text) == data


@pytest.mark.parametrize(
    ("size", "fits"), [(8, True), (9, True), (10, False), (11, False), (99, False)]
)
def test_the_limit_of_decoded_bytes_is_exact(size: int, fits: bool) -> None:  # noqa: FBT001 - a table
    text = encode_base64(bytes(size))
    if fits:
        assert decode(text, most=9) == bytes(size)
    else:
        with pytest.raises(EnvelopeError, match="expected at most"):
            decode(text, most=9)


@pytest.mark.parametrize("most", [10, 11])
def test_the_limit_holds_between_multiples_of_three(most: int) -> None:
    # 10 and 12 bytes both have 16 characters, so the length of the text alone cannot tell.
    with pytest.raises(EnvelopeError, match="12 bytes, expected at most"):
        decode(encode_base64(bytes(12)), most=most)


@pytest.mark.property
class TestBase64HasOneSpellingPerAlphabet:
    """Law (RFC 4648, sections 3.5 and 4): every byte string has exactly one padded base64 text."""

    @given(st.binary(max_size=200))
    def test_round_trip(self, data: bytes) -> None:
        assert decode(encode_base64(data)) == data
        assert decode(base64.urlsafe_b64encode(data).decode()) == data

    @given(st.text(alphabet="AQgw+/=-_ab", max_size=12))
    def test_what_is_read_is_written_again(self, text: str) -> None:
        try:
            data = decode(text)
        except EnvelopeError:
            return
        assert text in {encode_base64(data), base64.urlsafe_b64encode(data).decode()}


def test_a_missing_field_is_named() -> None:
    with pytest.raises(EnvelopeError) as caught:
        take({}, "a/b", "/x", code=CODE)
    assert caught.value.path == "/x/a~1b"


def test_an_unknown_field_is_named_without_control_characters() -> None:
    with pytest.raises(EnvelopeError) as caught:
        refuse_unknown({"known": 1, "\x1b[2J": 2}, ("known",), "", code=CODE)
    assert "\x1b" not in str(caught.value)
    assert "known" in caught.value.problem


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (None, "null"),
        (True, "a boolean"),
        (1, "a number"),
        (1.5, "a number"),
        ("x", "a string"),
        ((), "an array"),
    ],
)
def test_a_wrong_type_is_called_by_its_json_name(value: None, found: str) -> None:
    with pytest.raises(EnvelopeError, match=f"^/x: {found}, expected an object"):
        require_object(value, "/x", code=CODE)


def test_arrays_and_texts_are_bounded() -> None:
    assert require_array((1, 2), "/x", most=2, code=CODE) == (1, 2)
    assert require_text("ab", "/x", most=2, code=CODE) == "ab"
    with pytest.raises(EnvelopeError, match="3 elements, expected at most 2"):
        require_array((1, 2, 3), "/x", most=2, code=CODE)
    with pytest.raises(EnvelopeError, match="3 characters, expected at most 2"):
        require_text("abc", "/x", most=2, code=CODE)
    with pytest.raises(EnvelopeError, match="an object, expected an array"):
        require_array({}, "/x", most=2, code=CODE)


def test_pointers_are_escaped() -> None:
    assert under("/a", "b~/c") == "/a/b~0~1c"
    assert under("/a", 3) == "/a/3"
