"""JSONTestSuite through our reader, RFC 8785 pairs and its number sequence through our writer."""

from __future__ import annotations

import hashlib
import struct
import tarfile
from typing import TYPE_CHECKING

import pytest

from provenance.canonical import parse, parse_canonical, write
from provenance.errors import CanonicalError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: The 35 files whose verdict JSONTestSuite leaves open, and what we say: the code for our
#: documents, and the code for those of others; "" is accepted. The table stands in the spec too.
OPEN_VERDICTS = {
    "i_number_double_huge_neg_exp.json": ("", ""),
    "i_number_huge_exp.json": ("json-number", "json-number"),
    "i_number_neg_int_huge_exp.json": ("json-number", "json-number"),
    "i_number_pos_double_huge_exp.json": ("json-number", "json-number"),
    "i_number_real_neg_overflow.json": ("json-number", "json-number"),
    "i_number_real_pos_overflow.json": ("json-number", "json-number"),
    "i_number_real_underflow.json": ("", ""),
    "i_number_too_big_neg_int.json": ("json-number", ""),
    "i_number_too_big_pos_int.json": ("json-number", ""),
    "i_number_very_big_negative_int.json": ("json-number", ""),
    "i_object_key_lone_2nd_surrogate.json": ("json-surrogate", "json-surrogate"),
    "i_string_1st_surrogate_but_2nd_missing.json": ("json-surrogate", "json-surrogate"),
    "i_string_1st_valid_surrogate_2nd_invalid.json": ("json-surrogate", "json-surrogate"),
    "i_string_UTF-16LE_with_BOM.json": ("json-encoding", "json-encoding"),
    "i_string_UTF-8_invalid_sequence.json": ("json-encoding", "json-encoding"),
    "i_string_UTF8_surrogate_U+D800.json": ("json-encoding", "json-encoding"),
    "i_string_incomplete_surrogate_and_escape_valid.json": ("json-surrogate", "json-surrogate"),
    "i_string_incomplete_surrogate_pair.json": ("json-surrogate", "json-surrogate"),
    "i_string_incomplete_surrogates_escape_valid.json": ("json-surrogate", "json-surrogate"),
    "i_string_invalid_lonely_surrogate.json": ("json-surrogate", "json-surrogate"),
    "i_string_invalid_surrogate.json": ("json-surrogate", "json-surrogate"),
    "i_string_invalid_utf-8.json": ("json-encoding", "json-encoding"),
    "i_string_inverted_surrogates_U+1D11E.json": ("json-surrogate", "json-surrogate"),
    "i_string_iso_latin_1.json": ("json-encoding", "json-encoding"),
    "i_string_lone_second_surrogate.json": ("json-surrogate", "json-surrogate"),
    "i_string_lone_utf8_continuation_byte.json": ("json-encoding", "json-encoding"),
    "i_string_not_in_unicode_range.json": ("json-encoding", "json-encoding"),
    "i_string_overlong_sequence_2_bytes.json": ("json-encoding", "json-encoding"),
    "i_string_overlong_sequence_6_bytes.json": ("json-encoding", "json-encoding"),
    "i_string_overlong_sequence_6_bytes_null.json": ("json-encoding", "json-encoding"),
    "i_string_truncated-utf-8.json": ("json-encoding", "json-encoding"),
    "i_string_utf16BE_no_BOM.json": ("json-encoding", "json-encoding"),
    "i_string_utf16LE_no_BOM.json": ("json-encoding", "json-encoding"),
    "i_structure_500_nested_arrays.json": ("json-depth", "json-depth"),
    "i_structure_UTF-8_BOM_empty_object.json": ("json-encoding", "json-encoding"),
}

#: Must parse by RFC 8259, and is refused here on purpose.
DUPLICATE_KEYS = {"y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"}

#: Must parse by RFC 8259; in our documents such a number stands as `{"number": "…"}`.
LARGE_NUMBERS = {
    "y_number.json",
    "y_number_real_capital_e.json",
    "y_number_real_exponent.json",
    "y_number_real_fraction_exponent.json",
    "y_object_extreme_numbers.json",
}

#: SHA-256 of the first lines of the number sequence, as its authors publish them.
NUMBER_SEQUENCES = {
    1_000: "be18b62b6f69cdab33a7e0dae0d9cfa869fda80ddc712221570f9f40a5878687",
    10_000: "b9f7a8e75ef22a835685a52ccba7f7d6bdc99e34b010992cbc5864cd12be6892",
}


@pytest.fixture(scope="module")
def suite(outside_vectors: Path) -> dict[str, bytes]:
    """Return the files of JSONTestSuite by name."""
    files = {}
    with tarfile.open(outside_vectors / "json" / "jsontestsuite.tar.xz", "r:xz") as archive:
        for member in archive:
            if member.isfile() and member.name.startswith("test_parsing/"):
                handle = archive.extractfile(member)
                assert handle is not None
                files[member.name.removeprefix("test_parsing/")] = handle.read()
    return files


def verdict(data: bytes, *, foreign: bool) -> str:
    try:
        parse(data, foreign=foreign)
    except CanonicalError as error:
        return error.code
    return ""


@pytest.mark.parametrize("foreign", [False, True])
def test_every_file_that_must_be_refused_is_refused(suite: dict[str, bytes], foreign: bool) -> None:  # noqa: FBT001 - parametrised
    names = [name for name in suite if name.startswith("n_")]
    assert len(names) == 188
    assert [name for name in names if not verdict(suite[name], foreign=foreign)] == []


def test_every_file_that_must_parse_parses_but_for_duplicate_keys(suite: dict[str, bytes]) -> None:
    names = {name for name in suite if name.startswith("y_")}
    assert len(names) == 95
    refused = {name: code for name in names if (code := verdict(suite[name], foreign=True))}
    assert refused == dict.fromkeys(DUPLICATE_KEYS, "json-duplicate-key")


def test_in_our_documents_no_file_differs_but_for_numbers(suite: dict[str, bytes]) -> None:
    names = {name for name in suite if name.startswith("y_")} - DUPLICATE_KEYS
    assert {verdict(suite[name], foreign=False) for name in names} == {"", "json-number"}
    assert {name for name in names if verdict(suite[name], foreign=False)} == LARGE_NUMBERS


def test_open_verdicts_are_those_of_the_table(suite: dict[str, bytes]) -> None:
    names = {name for name in suite if name.startswith("i_")}
    found = {
        name: (verdict(suite[name], foreign=False), verdict(suite[name], foreign=True))
        for name in names
    }
    assert found == OPEN_VERDICTS


@pytest.mark.parametrize("name", ["arrays", "french", "structures", "unicode", "values", "weird"])
def test_canonical_form_is_that_of_the_rfc(outside_vectors: Path, name: str) -> None:
    folder = outside_vectors / "jcs"
    expected = (folder / "output" / f"{name}.json").read_bytes()
    value = parse((folder / "input" / f"{name}.json").read_bytes(), foreign=True)
    assert write(value, foreign=True) == expected
    assert parse_canonical(expected, foreign=True) == value


def number_patterns(static: list[int]) -> Iterator[int]:
    """Yield the bit patterns of the number sequence (README of the vectors)."""
    yield from static
    yield from (0x0010000000000000 + index for index in range(2000))
    block = bytes(32)
    while True:
        block = hashlib.sha256(block).digest()
        for (pattern,) in struct.iter_unpack("<Q", block):
            (value,) = struct.unpack("<d", struct.pack("<Q", pattern))
            if value != 0 and value - value == 0:
                yield pattern


def test_number_sequence_has_the_published_digests(outside_vectors: Path) -> None:
    words = (outside_vectors / "jcs" / "es6_static_u64.txt").read_text().split()
    hasher = hashlib.sha256()
    found = {}
    patterns = number_patterns([int(word, 16) for word in words])
    for count, pattern in zip(range(1, 10_001), patterns, strict=False):
        (value,) = struct.unpack("<d", struct.pack("<Q", pattern))
        hasher.update(b"%x,%s\n" % (pattern, write(value, foreign=True)))
        if count in NUMBER_SEQUENCES:
            found[count] = hasher.hexdigest()
    assert found == NUMBER_SEQUENCES


def test_number_samples_are_read_back_or_refused_by_size(outside_vectors: Path) -> None:
    lines = (outside_vectors / "jcs" / "es6_numbers_10000.txt").read_text().splitlines()
    for line in lines:
        pattern, text = line.split(",")
        (value,) = struct.unpack("<d", struct.pack("<Q", int(pattern, 16)))
        found = parse_canonical(text.encode(), foreign=True)
        assert isinstance(found, int | float)
        assert float(found) == value
        assert verdict(text.encode(), foreign=False) == (
            "json-number" if abs(value) >= 2**53 else ""
        )
