"""The strict reader: each fault has its own code and its place; negative cases first."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.canonical import (
    MAX_DEPTH,
    MAX_NUMBER_CHARACTERS,
    parse,
    parse_canonical,
    write,
)
from provenance.errors import CanonicalError

#: Bytes, code, path: refused whether the document is ours or somebody else's.
REFUSED: dict[str, tuple[bytes, str, str]] = {
    "byte order mark": (b"\xef\xbb\xbf{}", "json-encoding", ""),
    "invalid UTF-8": (b'"\xff"', "json-encoding", ""),
    "overlong encoding": (b'"\xc0\xaf"', "json-encoding", ""),
    "CESU-8 surrogate": (b'"\xed\xa0\x80"', "json-encoding", ""),
    "UTF-16 with mark": ('{"a":1}'.encode("utf-16"), "json-encoding", ""),
    "UTF-16 without mark": ('{"a":1}'.encode("utf-16-le"), "json-syntax", ""),
    "UTF-32 without mark": ("{}".encode("utf-32-be"), "json-syntax", ""),
    "nothing": (b"", "json-syntax", ""),
    "trailing comma": (b"[1,]", "json-syntax", ""),
    "comment": (b"{}//", "json-syntax", ""),
    "single quotes": (b"{'a':1}", "json-syntax", ""),
    "two documents": (b"{}{}", "json-syntax", ""),
    "vertical tab": (b"\x0b{}", "json-syntax", ""),
    "no-break space": ("\u00a0{}".encode(), "json-syntax", ""),
    "raw control character in text": (b'"a\nb"', "json-syntax", ""),
    "unclosed text": (b'"' + b"a" * 100, "json-syntax", ""),
    "unclosed text after brackets": (b"[" * 10 + b'"' + b"[" * 1000, "json-syntax", ""),
    "leading zero": (b"[01]", "json-syntax", ""),
    "plus sign": (b"[+1]", "json-syntax", ""),
    "duplicate key": (b'{"a":{"b":1,"b":2}}', "json-duplicate-key", "/a/b"),
    "duplicate key by escape": (b'[{"a":1,"\\u0061":2}]', "json-duplicate-key", "/0/a"),
    "duplicate key with slash": (b'{"x/y":1,"x/y":1}', "json-duplicate-key", "/x~1y"),
    "three times the same key": (b'{"a":1,"b":2,"a":3,"a":4}', "json-duplicate-key", "/a"),
    "NaN": (b'{"a":[1,NaN]}', "json-number", "/a/1"),
    "Infinity": (b"Infinity", "json-number", ""),
    "minus Infinity": (b"[[-Infinity]]", "json-number", "/0/0"),
    "real that overflows": (b'{"a":1e400}', "json-number", "/a"),
    "integer of 5,000 digits": (b"[" + b"9" * 5000 + b"]", "json-number", "/0"),
    "real of 5,000 digits": (b"[0." + b"1" * 5000 + b"]", "json-number", "/0"),
    "integer of 309 nines": (b"9" * 309, "json-number", ""),
    "lone high surrogate": (b'{"a":["x","\\ud800"]}', "json-surrogate", "/a/1"),
    "lone low surrogate": (b'"\\uDFFF"', "json-surrogate", ""),
    "reversed pair": (b'"\\udc00\\ud800"', "json-surrogate", ""),
    "lone surrogate in a key": (b'{"\\ud800":1}', "json-surrogate", "/\\ud800"),
    "surrogate after a good pair": (b'["\\ud83d\\ude00","\\uD83D"]', "json-surrogate", "/1"),
    "too deep": (b"[" * 65 + b"]" * 65, "json-depth", ""),
    "too deep, mixed": (b'{"a":[' * 33 + b"]}" * 33, "json-depth", ""),
    "never closed": (b"[" * 100_000, "json-depth", ""),
    "never closed objects": (b'{"a":' * 100_000, "json-depth", ""),
}

#: Refused only in documents of ours.
TOO_LARGE = [
    b"9007199254740992",
    b"-9007199254740992",
    b"9007199254740993",
    b"9007199254740992.0",
    b"9.007199254740992e15",
    b"90071992547409920E-1",
    b"1e16",
    b"-1E308",
    b"18446744073709551615",
    b"9007199254740991.9999",
]

#: Bytes and value.
ACCEPTED: list[tuple[bytes, object]] = [
    (b"null", None),
    (b" [ ] ", ()),
    (b'{"b":1,"a":[true,false,[[2]]]}', {"b": 1, "a": (True, False, ((2,),))}),
    (b"9007199254740991", 2**53 - 1),
    (b"-9007199254740991.0", -(2.0**53) + 1),
    (b"5e-324", 5e-324),
    (b"1e-400", 0.0),
    (b'"\\ud83d\\ude00\\u0000"', "\U0001f600\0"),
    (b'"\\\\ud800"', "\\ud800"),
    (b'["[[[[", "\\"[{"]', ("[[[[", '"[{')),
    (b'{"":{"":0}}', {"": {"": 0}}),
    (b"[" * 64 + b"]" * 64, None),
]


def refusal(data: bytes, **options: object) -> CanonicalError:
    with pytest.raises(CanonicalError) as caught:
        parse(data, **options)  # type: ignore[arg-type]  # options of each test
    return caught.value


@pytest.mark.parametrize("foreign", [False, True])
@pytest.mark.parametrize("name", REFUSED)
def test_fault_is_refused_with_its_code_and_place(name: str, foreign: bool) -> None:  # noqa: FBT001 - parametrised
    data, code, path = REFUSED[name]
    error = refusal(data, foreign=foreign)
    assert (error.code, error.path) == (code, path)


@pytest.mark.parametrize("data", TOO_LARGE)
def test_number_of_2_to_53_and_above_is_refused_in_our_documents_only(data: bytes) -> None:
    error = refusal(b'{"a":[0,' + data + b"]}")
    assert (error.code, error.path) == ("json-number", "/a/1")
    assert '{"number"' in str(error)
    assert isinstance(parse(data, foreign=True), int | float)


def test_integer_of_a_foreign_document_is_exact() -> None:
    assert parse(b"18446744073709551615", foreign=True) == 2**64 - 1


def test_text_of_a_foreign_number_has_a_limit() -> None:
    assert parse(b"0." + b"1" * (MAX_NUMBER_CHARACTERS - 2), foreign=True) == pytest.approx(1 / 9)
    assert refusal(b"0." + b"1" * MAX_NUMBER_CHARACTERS, foreign=True).code == "json-number"


@pytest.mark.parametrize(("data", "value"), ACCEPTED)
def test_document_is_read(data: bytes, value: object) -> None:
    result = parse(data)
    if value is not None:
        assert result == value
        assert type(result) is type(value)


@pytest.mark.parametrize("data", [b"-0", b"-0.0", b"-0e5", b"-1e-400"])
@pytest.mark.parametrize("foreign", [False, True])
def test_negative_zero_is_read_as_zero(data: bytes, foreign: bool) -> None:  # noqa: FBT001 - parametrised
    assert str(parse(data, foreign=foreign)) in {"0", "0.0"}


def test_size_is_looked_at_before_anything_else() -> None:
    error = refusal(b"\xff" * 11, max_bytes=10)
    assert error.code == "json-size"
    assert parse(b'"12345678"', max_bytes=10) == "12345678"


def test_text_of_256_mib_is_answered_at_once() -> None:
    data = b'"' + b"a" * (256 * 1024 * 1024) + b'"'
    start = time.monotonic()
    assert refusal(data).code == "json-size"
    assert time.monotonic() - start < 1


def test_text_of_backslashes_is_scanned_in_linear_time() -> None:
    data = b"[" * 65 + b'"' + b"\\" * 8_000_001
    start = time.monotonic()
    assert refusal(data).code == "json-depth"
    assert time.monotonic() - start < 5


def test_depth_limit_counts_levels_and_cannot_be_raised() -> None:
    assert parse(b"[[1]]", max_depth=2) == ((1,),)
    assert refusal(b"[[1]]", max_depth=1).code == "json-depth"
    deep = b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1)
    assert refusal(deep, max_depth=100_000).code == "json-depth"


def test_many_shallow_arrays_are_not_deep() -> None:
    assert len(parse(b"[" + b"[]," * 10_000 + b"[]]")) == 10_001  # type: ignore[arg-type]  # an array


def test_source_stands_before_the_place() -> None:
    assert refusal(b'{"a":NaN}', source="policy.json").path == "policy.json#/a"
    assert refusal(b"NaN", source="policy.json").path == "policy.json"
    assert refusal(b"{", source="policy.json").path == "policy.json"
    assert "line 1, column 2" in refusal(b"{", source="policy.json").problem


def test_first_fault_of_the_document_is_reported() -> None:
    assert refusal(b'{"a":"\\ud800","b":NaN}').path == "/a"
    assert refusal(b'{"b":[NaN,1e999],"a":{"x":1,"x":1}}').path == "/b/0"


def test_foreign_text_in_a_message_is_escaped_and_cut() -> None:
    key = "\\u001b[31m\\u202e" + "k" * 100_000
    error = refusal(f'{{"{key}":1,"{key}":2}}'.encode())
    assert "\x1b" not in str(error)
    assert "\u202e" not in str(error)
    assert len(str(error)) < 1000


class TestCanonicalDocuments:
    """`parse_canonical` takes only what `write` gives."""

    @pytest.mark.parametrize(
        "data",
        [
            b'{"a": 1}',
            b'{"b":1,"a":2}',
            b"1.0",
            b"-0",
            b"1E2",
            b'"\\u0061"',
            b'"\\/"',
            b'"\\u000A"',
            b"{}\n",
            b'{"\xef\xbf\xbd":1,"\xf0\x9f\x98\x80":2}',  # keys in code point order, not UTF-16
        ],
    )
    def test_other_spelling_is_refused(self, data: bytes) -> None:
        parse(data)
        with pytest.raises(CanonicalError) as caught:
            parse_canonical(data, source="payload")
        assert caught.value.code == "payload-not-canonical"
        assert caught.value.path == "payload"

    def test_message_names_the_first_byte_that_differs(self) -> None:
        with pytest.raises(CanonicalError, match="at byte 5, found b' 1}', expected b'1}'"):
            parse_canonical(b'{"a": 1}'.replace(b'{"a":', b'{"a":'))

    def test_fault_of_the_reader_keeps_its_code(self) -> None:
        with pytest.raises(CanonicalError) as caught:
            parse_canonical(b"[NaN]")
        assert caught.value.code == "json-number"

    def test_canonical_document_is_read(self) -> None:
        assert parse_canonical(b'{"a":[1,0.5]}') == {"a": (1, 0.5)}
        assert parse_canonical(b"1e+30", foreign=True) == 1e30


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(-(2.0**53) + 1, 2.0**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner).map(tuple)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner)
    ),
    max_leaves=25,
)


@pytest.mark.property
class TestRoundTrip:
    """Law (RFC 8785): reading what was written gives the value, and writing that the bytes."""

    @given(json_values)
    def test_parse_undoes_write_and_write_undoes_parse(self, value: object) -> None:
        data = write(value)  # type: ignore[arg-type]  # made of JSON values
        assert parse_canonical(data) == value
        assert write(parse(data)) == data

    @given(st.dictionaries(st.text("ab\U0001f600\ufffd"), json_values), st.randoms())
    def test_order_of_keys_does_not_matter(self, value: dict[str, object], random: object) -> None:
        items = list(value.items())
        random.shuffle(items)  # type: ignore[attr-defined]  # random.Random
        assert write(dict(items)) == write(value)


@pytest.mark.property
class TestNothingForeignLeaves:
    """Law: whatever the bytes, the reader returns a value or raises `CanonicalError`."""

    @given(st.binary() | st.text('[]{}",:\\ud8eE+-.0129ntrfalsuNIy ').map(str.encode))
    def test_only_our_error_leaves(self, data: bytes) -> None:
        for foreign in (False, True):
            try:
                value = parse(data, foreign=foreign)
            except CanonicalError as error:
                assert error.code.startswith("json-")  # noqa: PT017 - either outcome is right
            else:
                assert parse(data, foreign=foreign) == value
