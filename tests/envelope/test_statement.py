"""Tests of in-toto Statements."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from provenance import canonical
from provenance.canonical import MAX_DOCUMENT_BYTES
from provenance.digest import DigestSet
from provenance.envelope import (
    STATEMENT_TYPE,
    Statement,
    Subject,
    manifest_digest,
    parse_statement,
    write_statement,
)
from provenance.errors import CanonicalError, EnvelopeError

if TYPE_CHECKING:
    from collections.abc import Callable

SHA = "ab" * 32
SUBJECT = Subject(name="digits-mlp", digest=DigestSet({"sha256": SHA}))
TYPE = "https://training-provenance.github.io/manifest/v1"
PAYLOAD = (
    b'{"_type":"https://in-toto.io/Statement/v1","predicate":{"seed":7},'
    b'"predicateType":"https://training-provenance.github.io/manifest/v1",'
    b'"subject":[{"digest":{"sha256":"' + SHA.encode() + b'"},"name":"digits-mlp"}]}'
)


@pytest.fixture
def tree() -> dict[str, Any]:
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": "digits-mlp", "digest": {"sha256": SHA}}],
        "predicateType": TYPE,
        "predicate": {"seed": 7},
    }


def test_a_statement_is_written_as_exact_canonical_bytes() -> None:
    assert write_statement([SUBJECT], TYPE, {"seed": 7}) == PAYLOAD


def test_a_statement_keeps_the_bytes_it_came_from() -> None:
    assert parse_statement(PAYLOAD) == Statement(
        subjects=(SUBJECT,), predicate_type=TYPE, predicate={"seed": 7}, payload=PAYLOAD
    )


def test_the_manifest_digest_is_the_sha256_of_the_payload() -> None:
    assert manifest_digest(PAYLOAD) == hashlib.sha256(PAYLOAD).hexdigest()


def test_several_subjects_keep_their_order() -> None:
    subjects = (
        SUBJECT,
        Subject(name="model.safetensors", digest=DigestSet({"sha512": "0" * 128})),
        Subject(name="a", digest=DigestSet({"sha256": SHA, "sha384": "1" * 96})),
    )
    assert parse_statement(write_statement(subjects, TYPE, {})).subjects == subjects


def test_a_payload_that_is_not_canonical_is_refused() -> None:
    with pytest.raises(CanonicalError) as caught:
        parse_statement(PAYLOAD + b" ")
    assert caught.value.code == "payload-not-canonical"


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("not UTF-8", PAYLOAD.replace(b"digits", b"\xff"), "json-encoding"),
        (
            "twice the same key",
            PAYLOAD.replace(b'"predicate":{', b'"predicate":{},"predicate":{'),
            "json-duplicate-key",
        ),
        ("NaN", PAYLOAD.replace(b":7", b":NaN"), "json-number"),
        ("a number of 5,000 digits", PAYLOAD.replace(b":7", b":" + b"7" * 5000), "json-number"),
        ("2^53", PAYLOAD.replace(b":7", b":9007199254740992"), "json-number"),
        ("1.0", PAYLOAD.replace(b":7", b":7.0"), "payload-not-canonical"),
        ("-0", PAYLOAD.replace(b":7", b":-0"), "payload-not-canonical"),
        (
            "keys in another order",
            PAYLOAD.replace(b'"predicateType"', b'"aredicateType"'),
            "payload-not-canonical",
        ),
    ],
)
def test_json_that_two_readers_read_differently_is_refused(
    name: str, data: bytes, code: str
) -> None:
    with pytest.raises(CanonicalError) as caught:
        parse_statement(data)
    assert caught.value.code == code, name


def put(field: str, value: object) -> Callable[[dict[str, Any]], None]:
    def change(tree: dict[str, Any]) -> None:
        tree[field] = value

    return change


def drop(field: str) -> Callable[[dict[str, Any]], None]:
    return lambda tree: tree.pop(field)


def subject(**fields: object) -> Callable[[dict[str, Any]], None]:
    return put("subject", [{"name": "m", "digest": {"sha256": SHA}, **fields}])


def digest(**digests: object) -> Callable[[dict[str, Any]], None]:
    return put("subject", [{"name": "m", "digest": digests}])


S0 = {"name": "m", "digest": {"sha256": SHA}}
MALFORMED = "statement-malformed"


@pytest.mark.parametrize(
    ("change", "code", "where"),
    [
        (drop("_type"), MALFORMED, "/_type"),
        (put("_type", "https://in-toto.io/Statement/v0.1"), MALFORMED, "/_type"),
        (put("_type", 1), MALFORMED, "/_type"),
        (drop("predicate"), MALFORMED, "/predicate"),
        (put("predicate", []), MALFORMED, "/predicate"),
        (put("predicate", None), MALFORMED, "/predicate"),
        (drop("predicateType"), MALFORMED, "/predicateType"),
        (put("predicateType", ""), MALFORMED, "/predicateType"),
        (put("predicateType", 1), MALFORMED, "/predicateType"),
        (put("predicateType", "a\nb"), MALFORMED, "/predicateType"),
        (put("predicateType", "x" * 2000), MALFORMED, "/predicateType"),
        (put("extra", 1), MALFORMED, "/extra"),
        (drop("subject"), "subject-missing", "/subject"),
        (put("subject", []), "subject-missing", "/subject"),
        (put("subject", {}), MALFORMED, "/subject"),
        (put("subject", [S0] * 1025), MALFORMED, "/subject"),
        (put("subject", ["m"]), MALFORMED, "/subject/0"),
        (put("subject", [{"digest": {"sha256": SHA}}]), MALFORMED, "/subject/0/name"),
        (put("subject", [{"name": "m"}]), MALFORMED, "/subject/0/digest"),
        (put("subject", [S0, S0]), MALFORMED, "/subject/1/name"),
        (subject(name=""), MALFORMED, "/subject/0/name"),
        (subject(name=1), MALFORMED, "/subject/0/name"),
        (subject(name="a\x1b[2J"), MALFORMED, "/subject/0/name"),
        (subject(name="a\x7f"), MALFORMED, "/subject/0/name"),
        (subject(name="x" * 1025), MALFORMED, "/subject/0/name"),
        (subject(uri="https://x"), MALFORMED, "/subject/0/uri"),
        (subject(digest=[]), MALFORMED, "/subject/0/digest"),
        (digest(), "digest-algorithm", "/subject/0/digest"),
        (digest(md5="0" * 32), "digest-algorithm", "/subject/0/digest/md5"),
        (digest(sha256=SHA, sha1="0" * 40), "digest-algorithm", "/subject/0/digest/sha1"),
        (digest(sha256=SHA, blake3=SHA), "digest-algorithm", "/subject/0/digest/blake3"),
        (digest(SHA256=SHA), "digest-algorithm", "/subject/0/digest/SHA256"),
        (digest(sha9="00"), "digest-algorithm", "/subject/0/digest/sha9"),
        (digest(sha512="0" * 128), "digest-algorithm", "/subject/0/digest"),
        (digest(sha256=SHA.upper()), "digest-format", "/subject/0/digest"),
        (digest(sha256=SHA[:-2]), "digest-format", "/subject/0/digest"),
        (digest(sha256="zz" * 32), "digest-format", "/subject/0/digest"),
        (
            digest(sha256="q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s="),
            "digest-format",
            "/subject/0/digest",
        ),
        (digest(sha256=1), "digest-format", "/subject/0/digest/sha256"),
        (digest(sha256=SHA, sha384="0" * 64), "digest-format", "/subject/0/digest"),
    ],
)
def test_a_fault_has_its_code_and_its_place(
    tree: dict[str, Any], change: Callable[[dict[str, Any]], None], code: str, where: str
) -> None:
    change(tree)
    with pytest.raises(EnvelopeError) as caught:
        parse_statement(canonical.write(tree))
    assert (caught.value.code, caught.value.path) == (code, where)


@pytest.mark.parametrize("data", [b"[]", b"1", b'"x"', b"null"])
def test_a_statement_is_an_object(data: bytes) -> None:
    with pytest.raises(EnvelopeError, match="expected an object"):
        parse_statement(data)


def test_an_oversized_payload_is_refused_before_it_is_looked_at() -> None:
    with pytest.raises(CanonicalError) as caught:
        parse_statement(b" " * (MAX_DOCUMENT_BYTES + 1))
    assert caught.value.code == "json-size"


def test_an_oversized_statement_is_not_written() -> None:
    with pytest.raises(EnvelopeError) as caught:
        write_statement([SUBJECT], TYPE, {"text": "x" * MAX_DOCUMENT_BYTES})
    assert caught.value.code == "json-size"


@pytest.mark.parametrize(
    ("subjects", "kind"),
    [
        ([], TYPE),
        ([SUBJECT, SUBJECT], TYPE),
        ([Subject("m", DigestSet({"blake3": SHA}))], TYPE),
        ([Subject("m", DigestSet({"sha512": "0" * 128}))], TYPE),
        ([SUBJECT], ""),
    ],
)
def test_nothing_is_written_that_would_not_be_read(subjects: list[Subject], kind: str) -> None:
    with pytest.raises(EnvelopeError):
        write_statement(subjects, kind, {})


def test_a_predicate_without_canonical_form_is_not_written() -> None:
    with pytest.raises(CanonicalError):
        write_statement([SUBJECT], TYPE, {"x": float("nan")})
