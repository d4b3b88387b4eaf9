"""Group `canonical`: the strict reader, the canonical form, and exact numbers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from vectors.groups import CANONICAL
from vectors.kit import Case, base64, refuses, returns

if TYPE_CHECKING:
    from collections.abc import Mapping


#: Deepest nesting that is read (`spec/canonical-encoding.md`, section "Limits").
_DEPTH = 64

#: Documents and their canonical form: name, description, input, output.
_GOOD: tuple[tuple[str, str, bytes, bytes], ...] = (
    ("blanks_are_dropped", "Blanks between tokens have no place in the canonical form.", b' { "a" :\t[ 1 ,\r\n2 ] }\n', b'{"a":[1,2]}'),
    ("depth_at_the_limit", "Arrays nested 64 deep are read.", b"[" * _DEPTH + b"]" * _DEPTH, b"[" * _DEPTH + b"]" * _DEPTH),
    ("brackets_in_text_are_not_depth", "Brackets inside a string do not count as nesting.", b'["' + b"[{" * 50 + b'"]', b'["' + b"[{" * 50 + b'"]'),
    ("escapes_have_one_spelling", "Of all ways to write a character exactly one is canonical.", rb'"\u0041\/\u000a\u000B\u001F\"\\\u00e9\u20AC"', b'"A/\\n\\u000b\\u001f\\"\\\\\xc3\xa9\xe2\x82\xac"'),
    ("key_order_is_by_utf16", "Keys are sorted by UTF-16 code units, so U+1F600 stands before U+E000.", '{"\ue000":1,"\U0001f600":2,"a":3}'.encode(), '{"a":3,"\U0001f600":2,"\ue000":1}'.encode()),
    ("minus_zero_is_zero", "Negative zero, whole or real, is written as 0.", b"[-0,-0.0,-0e5]", b"[0,0,0]"),
    ("numbers_have_one_spelling", "Each double has one spelling, whatever the input looks like.", b"[1.0,1E2,1e-7,0.000001,10e-1,123456789012345.0,0.1e1]", b"[1,100,1e-7,0.000001,1,123456789012345,1]"),
    ("largest_whole_number", "2^53 - 1 is the largest whole number that is a JSON number.", b"[9007199254740991,-9007199254740991]", b"[9007199254740991,-9007199254740991]"),
    ("smallest_double", "The smallest positive double keeps its spelling.", b"[5e-324,0.30000000000000004]", b"[5e-324,0.30000000000000004]"),
    ("surrogate_pair_is_one_character", "An escaped surrogate pair is the character that it encodes.", rb'"\ud83d\ude00"', '"\U0001f600"'.encode()),
    ("text_is_not_normalised", "Letters with combining marks stay as they are: NFC and NFD are two texts.", '["e\u0301","\u00e9"]'.encode(), '["e\u0301","\u00e9"]'.encode()),
    ("unescaped_where_allowed", "DEL, U+2028 and NUL after its escape: only C0 characters are escaped.", '["\x7f\u2028","\\u0000"]'.encode(), '["\x7f\u2028","\\u0000"]'.encode()),
    ("scalar_document", "A document may be any JSON value.", b" null ", b"null"),
    ("empty_key", "An empty key is a key.", b'{"b":1,"":2}', b'{"":2,"b":1}'),
)  # fmt: skip

#: Documents that are refused: name, description, input, code.
_BAD: tuple[tuple[str, str, bytes, str], ...] = (
    ("duplicate_key", "An object has a key twice.", b'{"a":1,"a":1}', "json-duplicate-key"),
    ("duplicate_key_by_escape", "Two spellings of one key are one key.", rb'{"a":1,"\u0061":2}', "json-duplicate-key"),
    ("duplicate_key_deep_inside", "A key stands twice in an object inside an array.", b'{"a":[{"b":1,"c":2,"b":3}]}', "json-duplicate-key"),
    ("duplicate_empty_key", "The empty key stands twice.", b'{"":1,"":2}', "json-duplicate-key"),
    ("nan", "NaN is not JSON.", b'{"loss":NaN}', "json-number"),
    ("infinity", "Infinity is not JSON.", b"[Infinity]", "json-number"),
    ("minus_infinity", "-Infinity is not JSON.", b"[-Infinity]", "json-number"),
    ("real_overflows", "1e400 is infinite as a double.", b"[1e400]", "json-number"),
    ("two_to_the_53", "2^53 is not below 2^53 in magnitude.", b"[9007199254740992]", "json-number"),
    ("minus_two_to_the_53", "-2^53 is not below 2^53 in magnitude.", b"[-9007199254740992]", "json-number"),
    ("two_to_the_53_as_a_real", "2^53 is refused however it is spelt.", b"[9007199254740992.0]", "json-number"),
    ("large_real", "1e17 must stand as an exact number.", b"[1e17]", "json-number"),
    ("number_of_5000_digits", "A number longer than 400 characters is not even converted.", b"[" + b"9" * 5000 + b"]", "json-number"),
    ("real_of_5000_digits", "A short real in very many digits is refused by its length.", b"[0." + b"1" * 5000 + b"]", "json-number"),
    ("leading_zero", "A number has no superfluous leading zero.", b"[01]", "json-syntax"),
    ("leading_plus", "A number has no plus sign.", b"[+1]", "json-syntax"),
    ("leading_point", "A number has a digit before its point.", b"[.5]", "json-syntax"),
    ("trailing_point", "A number has a digit after its point.", b"[1.]", "json-syntax"),
    ("empty_exponent", "An exponent has a digit.", b"[1e]", "json-syntax"),
    ("hexadecimal_number", "Numbers are decimal.", b"[0x10]", "json-syntax"),
    ("byte_order_mark", "A document does not begin with a byte order mark.", b'\xef\xbb\xbf{"a":1}', "json-encoding"),
    ("utf16", "A document is UTF-8, never UTF-16.", '{"a":1}'.encode("utf-16"), "json-encoding"),
    ("utf16_without_mark", "UTF-16 without a byte order mark is valid UTF-8 with NUL characters, and no JSON.", '{"a":1}'.encode("utf-16-be"), "json-syntax"),
    ("latin1", "A byte of Latin-1 is not UTF-8.", b'"\xe9"', "json-encoding"),
    ("overlong_utf8", "An overlong encoding of `/` is not UTF-8.", b'"\xc0\xaf"', "json-encoding"),
    ("cesu8", "Surrogates encoded one by one are not UTF-8.", b'"\xed\xa0\xbd\xed\xb8\x80"', "json-encoding"),
    ("cut_character", "The last character is cut off in the middle.", b'"\xe2\x82', "json-encoding"),
    ("lone_surrogate", "A string holds half of a surrogate pair.", rb'{"a":["\ud800"]}', "json-surrogate"),
    ("lone_surrogate_in_key", "A key holds half of a surrogate pair.", rb'{"\udc00":1}', "json-surrogate"),
    ("surrogates_swapped", "The low half of a pair stands before the high half.", rb'"\ude00\ud83d"', "json-surrogate"),
    ("depth_beyond_the_limit", "Arrays nested 65 deep are refused.", b"[" * (_DEPTH + 1) + b"]" * (_DEPTH + 1), "json-depth"),
    ("depth_of_objects", "Objects count as nesting like arrays.", b'{"a":' * (_DEPTH + 1) + b"1" + b"}" * (_DEPTH + 1), "json-depth"),
    ("depth_100000", "100,000 open brackets are refused before anything recurses.", b"[" * 100_000, "json-depth"),
    ("trailing_comma_in_array", "An array has no comma before its end.", b"[1,2,]", "json-syntax"),
    ("trailing_comma_in_object", "An object has no comma before its end.", b'{"a":1,}', "json-syntax"),
    ("comment", "JSON has no comments.", b'{"a":1} // one', "json-syntax"),
    ("single_quotes", "Strings stand in double quotes.", b"{'a':1}", "json-syntax"),
    ("bare_key", "Keys stand in double quotes.", b"{a:1}", "json-syntax"),
    ("capital_true", "Literals are lower case.", b"[True]", "json-syntax"),
    ("control_character_in_text", "A line feed in a string must be escaped.", b'"a\nb"', "json-syntax"),
    ("unknown_escape", "Only the escapes of RFC 8259 exist.", rb'"\x41"', "json-syntax"),
    ("short_escape", "An escape has four hexadecimal digits.", rb'"\u12"', "json-syntax"),
    ("vertical_tab", "Only four characters are blanks between tokens.", b"[1,\x0b2]", "json-syntax"),
    ("no_break_space", "A no-break space is no blank between tokens.", "[1,\u00a02]".encode(), "json-syntax"),
    ("text_after_the_end", "Nothing but blanks follows a document.", b'{"a":1}{"a":2}', "json-syntax"),
    ("nul_after_the_end", "A NUL character is no blank.", b'{"a":1}\x00', "json-syntax"),
    ("empty_document", "No byte is no document.", b"", "json-syntax"),
    ("cut_off", "The document is cut off.", b'{"a":[1,2', "json-syntax"),
)  # fmt: skip

#: Decimals as people write them, and their wire form.
_TEXTS: tuple[tuple[str, str, str, Any], ...] = (
    ("number_short_decimal", "A decimal that is the shortest spelling of its double is a JSON number.", "0.10", 0.1),
    ("number_whole_real", "A whole number is written without a point.", "1e3", 1000),
    ("number_minus_zero", "Negative zero is zero.", "-0", 0),
    ("number_at_the_bound", "2^53 is an exact number.", "9007199254740992", {"number": "9007199254740992"}),
    ("number_64_bit_seed", "A 64-bit seed is an exact number.", "18446744073709551615", {"number": "18446744073709551615"}),
    ("number_more_digits_than_a_double", "A decimal that a double would change is an exact number.", "0.1000000000000000055511151231257827", {"number": "0.1000000000000000055511151231257827"}),
    ("number_exponent_is_shorter", "Of two spellings the shorter one is taken.", "1" + "0" * 24, {"number": "1e24"}),
    ("number_tie_is_positional", "Of two spellings of equal length the positional one is taken.", "12345678901234567800", {"number": "12345678901234567800"}),
    ("number_negative_exponent", "A very small decimal has a negative exponent.", "-0." + "0" * 399 + "25", {"number": "-25e-401"}),
    ("number_nan", "NaN is a value of its own.", "NaN", {"number": "NaN"}),
    ("number_infinity", "Infinity is a value of its own.", "-Infinity", {"number": "-Infinity"}),
    ("number_largest_exponent", "9,999 is the largest exponent.", "1e9999", {"number": "1e9999"}),
)  # fmt: skip

#: Texts that are no number with a wire form.
_BAD_TEXTS: tuple[tuple[str, str, str], ...] = (
    ("number_exponent_too_large", "10,000 is too large an exponent.", "1e10000"),
    (
        "number_too_long",
        "A number of 401 characters in its shortest spelling is too long.",
        "1" * 401,
    ),
    ("number_no_number", "A word is no number.", "twelve"),
    ("number_digits_in_groups", "Digits are not grouped.", "1_000"),
    ("number_other_digits", "Digits of other scripts are none.", "\u0661\u0662"),
    ("number_without_digits_before_the_point", "A digit stands before the point.", ".5"),
    ("number_blank_before", "No blank stands before a number.", " 1"),
)

#: What stands in a document as a number, and what it says.
_WIRES: tuple[tuple[str, str, Any, str], ...] = (
    ("wire_json_number", "A JSON number says what RFC 8785 writes.", 0.05, "0.05"),
    ("wire_exact_number", "An exact number says its text.", {"number": "18446744073709551615"}, "18446744073709551615"),
    ("wire_nan", "NaN stands in an object.", {"number": "NaN"}, "NaN"),
)  # fmt: skip

#: What may not stand in a document as a number.
_BAD_WIRES: tuple[tuple[str, str, Any], ...] = (
    ("wire_could_be_json", "A decimal that JSON can hold must be a JSON number.", {"number": "1.5"}),
    ("wire_whole_could_be_json", "Numbers below 2^53 are JSON numbers.", {"number": "9007199254740991"}),
    ("wire_plus_in_exponent", "An exponent has no plus sign.", {"number": "1e+100"}),
    ("wire_leading_zero", "Digits have no superfluous leading zero.", {"number": "01e100"}),
    ("wire_zeros_before_exponent", "Digits before an exponent have no trailing zero.", {"number": "10e99"}),
    ("wire_point_before_exponent", "Digits before an exponent have no point.", {"number": "1.5e100"}),
    ("wire_trailing_zeros", "A fraction has no trailing zero.", {"number": "18446744073709551615.0"}),
    ("wire_longer_spelling", "The longer of two spellings is refused.", {"number": "1" + "0" * 24}),
    ("wire_capital_exponent", "The exponent follows a small e.", {"number": "1E100"}),
    ("wire_small_nan", "NaN has one spelling.", {"number": "nan"}),
    ("wire_plus_infinity", "Infinity has no plus sign.", {"number": "+Infinity"}),
    ("wire_blank", "No blank stands in a number.", {"number": " 1e100"}),
    ("wire_other_digits", "Digits are ASCII.", {"number": "1e\u0661\u0660\u0660"}),
    ("wire_not_text", "The value inside the object is text.", {"number": 5}),
    ("wire_second_member", "The object has exactly one member.", {"number": "1e100", "unit": "s"}),
    ("wire_beyond_the_bound", "A JSON number lies below 2^53 in magnitude.", 9007199254740992),
    ("wire_bare_text", "Text is no number.", "12"),
    ("wire_boolean", "A boolean is no number.", True),
)  # fmt: skip

_READING, _FORM, _NUMBERS = "section Reading", "section Canonical form", "section Exact numbers"


#: The rule that a refusal follows, by its code, and where another one holds by the vector's name.
_RULES = {
    "json-encoding": " [R-CANON-2]",
    "json-depth": " [R-CANON-4]",
    "json-syntax": " [R-CANON-5]",
    "json-duplicate-key": " [R-CANON-6]",
    "json-number": " [R-CANON-7]",
    "json-surrogate": " [R-CANON-11]",
    "byte_order_mark": " [R-CANON-3]",
    "number_of_5000_digits": " [R-CANON-9]",
    "real_of_5000_digits": " [R-CANON-9]",
    "nan": "",
    "infinity": "",
    "minus_infinity": "",
}


def _document(data: bytes) -> tuple[Mapping[str, Any], Mapping[str, bytes]]:
    return {"operation": "canonicalize", "file": "document.json"}, {"document.json": data}


def _written(data: bytes, output: bytes) -> Case:
    request, files = _document(data)
    return returns(request, base64(output), files)


def _refused(data: bytes, code: str) -> Case:
    request, files = _document(data)
    return refuses(request, code, files)


def _number(member: str, value: object, output: object) -> Case:
    return returns({"operation": "number", member: value}, output)


def _no_number(member: str, value: object) -> Case:
    return refuses({"operation": "number", member: value}, "json-number")


def _declare_rows() -> None:
    for name, description, data, output in _GOOD:
        CANONICAL.add(name, description, _FORM, partial(_written, data, output))
    for name, description, data, code in _BAD:
        section = _READING + _RULES.get(name, _RULES[code])
        CANONICAL.add(name, description, section, partial(_refused, data, code))
    for name, description, text, wire in _TEXTS:
        CANONICAL.add(
            name, description, f"{_NUMBERS} [R-CANON-19]", partial(_number, "text", text, wire)
        )
    for name, description, text in _BAD_TEXTS:
        CANONICAL.add(name, description, _NUMBERS, partial(_no_number, "text", text))
    for name, description, wire, text in _WIRES:
        CANONICAL.add(name, description, _NUMBERS, partial(_number, "wire", wire, text))
    for name, description, wire in _BAD_WIRES:
        CANONICAL.add(
            name, description, f"{_NUMBERS} [R-CANON-20]", partial(_no_number, "wire", wire)
        )


@CANONICAL.vector(_READING)
def foreign_numbers_keep_their_own_rule() -> Case:
    """In a foreign document a number may be any that is finite as a double."""
    request = {"operation": "canonicalize", "foreign": True, "input": base64(b"[1e300,-2.5E-300]")}
    return returns(request, base64(b"[1e+300,-2.5e-300]"))


@CANONICAL.vector(f"{_READING} [R-CANON-8]")
def foreign_real_overflows() -> Case:
    """In a foreign document too a number must be finite as a double."""
    request = {"operation": "canonicalize", "foreign": True, "input": base64(b"[1e309]")}
    return refuses(request, "json-number")


@CANONICAL.vector(f"{_READING} [R-CANON-6]")
def foreign_duplicate_key() -> Case:
    """A foreign document has no key twice either."""
    request = {"operation": "canonicalize", "foreign": True, "input": base64(b'{"a":1,"a":2}')}
    return refuses(request, "json-duplicate-key")


_declare_rows()
