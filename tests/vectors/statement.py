"""Group `statement`: a trusted key signs something that is no statement of ours."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from vectors import formulas
from vectors.groups import STATEMENT
from vectors.releases import PREFIX, small

if TYPE_CHECKING:
    from collections.abc import Callable

    from vectors.formulas import Tree
    from vectors.kit import Case


_STATEMENT = "section Statement"
_SUBJECT, _DIGEST = "/subject/0", "/subject/0/digest"


@STATEMENT.vector(_STATEMENT)
def further_subjects() -> Case:
    """Further subjects may follow the release, whatever they are digests of."""
    release = small()
    extra = [
        {"name": "model.safetensors", "digest": formulas.digests(b"x", "sha256", "sha512")},
        {"name": "model.sig", "digest": formulas.digests(b"y", "sha384")},
    ]
    release.statement["subject"] += extra
    return release.passes()


@STATEMENT.vector(_STATEMENT)
def subject_of_another_name() -> Case:
    """The name of a subject is the signer's affair; its digest counts."""
    release = small()
    release.statement["subject"][0]["name"] = "some folder"
    return release.passes()


def _broken(change: Callable[[Tree], object], code: str, path: str) -> Case:
    """Sign a statement that was changed before it was written in canonical form."""
    release = small()
    tree = {**release.statement, "predicate": release.manifest}
    changed = change(tree)
    payload = formulas.canonical(tree if changed is None else changed)
    return release.sign(payload).fails((code, path))


def _set(member: str, value: object) -> Callable[[Tree], None]:
    def change(tree: Tree) -> None:
        if value is ...:
            del tree[member]
        else:
            tree[member] = value

    return change


def _subject(**members: Any) -> Callable[[Tree], None]:  # noqa: ANN401 - JSON
    return lambda tree: tree["subject"][0].update(members)


def _digest(**digests: Any) -> Callable[[Tree], None]:  # noqa: ANN401 - JSON
    return _subject(digest=digests)


def _second(**members: Any) -> Callable[[Tree], None]:  # noqa: ANN401 - JSON
    return lambda tree: tree["subject"].append({"name": "b", **members})


_HEX = "0123456789abcdef" * 4
_MALFORMED = "statement-malformed"

#: Name, description, change, code, path of the finding.
_ROWS: tuple[tuple[str, str, Callable[[Tree], object], str, str], ...] = (
    ("type_of_version_0", "The statement is of an older version.", _set("_type", "https://in-toto.io/Statement/v0.1"), _MALFORMED, "/_type"),
    ("type_missing", "The statement has no type.", _set("_type", ...), _MALFORMED, "/_type"),
    ("unknown_member", "The statement has an unknown member.", _set("notes", "hello"), _MALFORMED, "/notes"),
    ("predicate_missing", "The statement says nothing.", _set("predicate", ...), _MALFORMED, "/predicate"),
    ("predicate_text", "The predicate is text.", _set("predicate", "all good"), _MALFORMED, "/predicate"),
    ("predicate_null", "The predicate is null.", _set("predicate", None), _MALFORMED, "/predicate"),
    ("predicate_type_missing", "Nothing says what the predicate is.", _set("predicateType", ...), _MALFORMED, "/predicateType"),
    ("predicate_type_of_a_dataset", "The manifest is signed as a dataset.", _set("predicateType", f"{PREFIX}dataset/v1"), "predicate-type", "/predicateType"),
    ("predicate_type_of_version_2", "The manifest is signed as one of version 2.", _set("predicateType", f"{PREFIX}manifest/v2"), "predicate-type", "/predicateType"),
    ("predicate_type_of_others", "The statement is somebody else's, e.g. of a build.", _set("predicateType", "https://slsa.dev/provenance/v1"), "predicate-type", "/predicateType"),
    ("predicate_type_upper_case", "Types are compared exactly.", _set("predicateType", f"{PREFIX}Manifest/v1"), "predicate-type", "/predicateType"),
    ("subject_missing", "The statement is about nothing.", _set("subject", ...), "subject-missing", "/subject"),
    ("subject_empty", "The list of subjects is empty.", _set("subject", []), "subject-missing", "/subject"),
    ("subject_not_a_list", "The subject stands there without its list.", _set("subject", {"name": "a", "digest": {"sha256": _HEX}}), _MALFORMED, "/subject"),
    ("subject_without_digest", "A subject has no digest at all.", lambda tree: tree["subject"][0].pop("digest") and None, _MALFORMED, _DIGEST),
    ("subject_without_name", "A subject has no name.", lambda tree: tree["subject"][0].pop("name") and None, _MALFORMED, f"{_SUBJECT}/name"),
    ("subject_unknown_member", "A subject has an unknown member.", _subject(uri="https://example.com"), _MALFORMED, f"{_SUBJECT}/uri"),
    ("subject_control_character", "The name of a subject holds an escape sequence.", _subject(name="a\x1b[2J"), _MALFORMED, f"{_SUBJECT}/name"),
    ("subject_name_twice", "Two subjects have one name.", lambda tree: tree["subject"].append(tree["subject"][0]), _MALFORMED, "/subject/1/name"),
    ("digest_empty", "The set of digests is empty.", _digest(), "digest-algorithm", _DIGEST),
    ("digest_md5_only", "MD5 never counts.", _digest(md5="d41d8cd98f00b204e9800998ecf8427e"), "digest-algorithm", f"{_DIGEST}/md5"),
    ("digest_sha1_beside", "A subject holds no algorithm but three.", _digest(sha1="0" * 40, sha256=_HEX), "digest-algorithm", f"{_DIGEST}/sha1"),
    ("digest_blake3_beside", "BLAKE3 of a subject belongs into the predicate: common clients refuse it.", _digest(blake3=_HEX, sha256=_HEX), "digest-algorithm", f"{_DIGEST}/blake3"),
    ("digest_name_upper_case", "Algorithms are named exactly.", _digest(SHA256=_HEX), "digest-algorithm", f"{_DIGEST}/SHA256"),
    ("digest_sha512_only", "A longer hash does not replace SHA-256 of the first subject.", _digest(sha512=_HEX * 2), "digest-algorithm", _DIGEST),
    ("digest_upper_case", "A digest is in lower case.", _digest(sha256=_HEX.upper()), "digest-format", _DIGEST),
    ("digest_cut_off", "A digest has the length of its algorithm.", _digest(sha256=_HEX[:32]), "digest-format", _DIGEST),
    ("digest_base64", "A digest is hexadecimal.", _digest(sha256="47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="), "digest-format", _DIGEST),
    ("digest_with_prefix", "A digest has no prefix.", _digest(sha256="sha256:" + _HEX), "digest-format", _DIGEST),
    ("digest_number", "A digest is text.", _digest(sha256=0), "digest-format", f"{_DIGEST}/sha256"),
    ("second_digest_upper_case", "The rules for digests hold for every subject.", _second(digest={"sha256": _HEX.upper()}), "digest-format", "/subject/1/digest"),
    ("payload_text", "The payload is a JSON string.", lambda _: "manifest", _MALFORMED, ""),
    ("payload_number", "The payload is a JSON number.", lambda _: 7, _MALFORMED, ""),
    ("payload_array", "The payload is a JSON array.", lambda tree: [tree], _MALFORMED, ""),
)  # fmt: skip


def _declare_rows() -> None:
    for name, description, change, code, path in _ROWS:
        rule = "R-ENV-8" if code == "predicate-type" else "R-ENV-7"
        STATEMENT.add(
            name, description, f"{_STATEMENT} [{rule}]", partial(_broken, change, code, path)
        )


_declare_rows()


def _bytes(change: Callable[[bytes], bytes], code: str, path: str = "") -> Case:
    """Sign a payload whose bytes were changed before."""
    release = small(gaps=[{"subject": "a", "kind": "absent", "description": "b"}])
    before = release.payload
    payload = change(before)
    assert payload != before
    return release.sign(payload).fails((code, path))


def _swap(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    return lambda payload: payload.replace(old, new, 1)


def _unsorted(payload: bytes) -> bytes:
    """Put the first member of the statement last."""
    kind = b'"_type":"https://in-toto.io/Statement/v1"'
    return payload.replace(kind + b",", b"", 1)[:-1] + b"," + kind + b"}"


_NAME = b'"name":"Digits Lab"'
_NOT_CANONICAL = "payload-not-canonical"

#: Name, description, change, code, path of the finding.
_BYTE_ROWS: tuple[tuple[str, str, Callable[[bytes], bytes], str, str], ...] = (
    ("predicate_twice", "The predicate stands there twice, the good one last.", _swap(b'"predicate":', b'"predicate":{},"predicate":'), "json-duplicate-key", "/predicate"),
    ("member_twice_by_escape", "Two spellings of one key hold two names.", _swap(_NAME, rb'"n\u0061me":"Mallory",' + _NAME), "json-duplicate-key", "/predicate/producer/name"),
    ("nan_in_predicate", "The predicate holds NaN.", _swap(_NAME, b'"loss":NaN,' + _NAME), "json-number", "/predicate/producer/loss"),
    ("number_beyond_the_bound", "The predicate holds a number of 2^64.", _swap(_NAME, _NAME + b',"seed":18446744073709551616'), "json-number", "/predicate/producer/seed"),
    ("number_of_5000_digits", "The predicate holds a number of 5,000 digits.", _swap(_NAME, _NAME + b',"seed":' + b"1" * 5000), "json-number", "/predicate/producer/seed"),
    ("payload_not_utf8", "A string of the payload is not UTF-8.", _swap(_NAME, b'"name":"\xff"'), "json-encoding", ""),
    ("payload_byte_order_mark", "The payload begins with a byte order mark.", lambda payload: b"\xef\xbb\xbf" + payload, "json-encoding", ""),
    ("payload_lone_surrogate", "A string of the payload holds half of a surrogate pair.", _swap(_NAME, rb'"name":"\ud800"'), "json-surrogate", "/predicate/producer/name"),
    ("payload_nested_65_deep", "The payload is nested deeper than 64.", _swap(_NAME, _NAME + b',"x":' + b"[" * 65 + b"]" * 65), "json-depth", ""),
    ("payload_empty", "The signed payload is empty.", lambda _: b"", "json-syntax", ""),
    ("payload_not_json", "The signed payload is prose.", lambda _: b"We trained a model.\n", "json-syntax", ""),
    ("payload_with_line_feed", "The payload ends in a line feed.", lambda payload: payload + b"\n", _NOT_CANONICAL, ""),
    ("payload_with_blank", "A blank stands after a comma.", _swap(b",", b", "), _NOT_CANONICAL, ""),
    ("payload_members_unsorted", "The members of an object are not sorted.", _unsorted, _NOT_CANONICAL, ""),
    ("payload_real_for_whole", "A whole number is spelt as a real.", _swap(b'"size":2', b'"size":2.0'), _NOT_CANONICAL, ""),
    ("payload_escaped_letter", "A letter is escaped that need not be.", _swap(b"Lab", rb"\u004cab"), _NOT_CANONICAL, ""),
    ("payload_escaped_slash", "A slash is escaped.", _swap(b"https://in-toto", rb"https:\/\/in-toto"), _NOT_CANONICAL, ""),
    ("payload_minus_zero", "Zero has a sign.", _swap(_NAME, _NAME + b',"zero":-0'), _NOT_CANONICAL, ""),
)  # fmt: skip


def _declare_byte_rows() -> None:
    for name, description, change, code, path in _BYTE_ROWS:
        STATEMENT.add(
            name, description, f"{_STATEMENT} [R-ENV-6]", partial(_bytes, change, code, path)
        )


_declare_byte_rows()
