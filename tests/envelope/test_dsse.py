"""Tests of DSSE envelopes."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.canonical import MAX_BUNDLE_BYTES, MAX_SIGNATURE_BYTES
from provenance.envelope import (
    PAYLOAD_TYPE,
    Envelope,
    Signature,
    pae,
    parse_envelope,
    write_envelope,
)
from provenance.envelope.dsse import write_compact
from provenance.errors import CanonicalError, EnvelopeError, ProvenanceError

if TYPE_CHECKING:
    from collections.abc import Callable

ENVELOPE = Envelope(
    payload=b"\xfb\xff{}", payload_type=PAYLOAD_TYPE, signatures=(Signature(b"sig", "key"),)
)


@pytest.fixture
def tree(bundle_tree: dict[str, Any]) -> dict[str, Any]:
    envelope: dict[str, Any] = bundle_tree["dsseEnvelope"]
    return envelope


def test_the_vector_of_the_dsse_protocol_holds() -> None:
    # secure-systems-lab/dsse, protocol.md, "Test Vectors"
    expected = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    assert pae("http://example.com/HelloWorld", b"hello world") == expected


def test_lengths_count_bytes_and_not_characters() -> None:
    assert pae("application/schlüssel", b"\xc3\xbc") == (
        b"DSSEv1 22 application/schl\xc3\xbcssel 2 \xc3\xbc"
    )
    assert pae("𝄞", b"") == b"DSSEv1 4 \xf0\x9d\x84\x9e 0 "


def test_a_type_that_is_no_unicode_is_refused() -> None:
    with pytest.raises(EnvelopeError) as caught:
        pae("a\ud800", b"")
    assert caught.value.code == "bundle-payload-type"


@pytest.mark.property
class TestPaeIsInjective:
    """Law (DSSE, `protocol.md`): different types or bodies are signed as different bytes."""

    @given(
        st.text(" a1é", max_size=6),
        st.binary(max_size=6),
        st.text(" a1é", max_size=6),
        st.binary(max_size=6),
    )
    def test_pairs(self, one: str, first: bytes, other: str, second: bytes) -> None:
        assert ((one, first) == (other, second)) == (pae(one, first) == pae(other, second))


def test_an_envelope_is_written_as_one_exact_line() -> None:
    assert write_envelope(ENVELOPE) == (
        b'{"payload":"+/97fQ==","payloadType":"application/vnd.in-toto+json",'
        b'"signatures":[{"sig":"c2ln","keyid":"key"}]}'
    )
    assert write_envelope(replace(ENVELOPE, signatures=(Signature(b"sig"),))).endswith(
        b'"signatures":[{"sig":"c2ln"}]}'
    )


def test_what_is_written_is_read() -> None:
    assert parse_envelope(write_envelope(ENVELOPE)) == ENVELOPE
    assert parse_envelope(b"\n " + write_envelope(ENVELOPE) + b"\r\n") == ENVELOPE


def test_url_safe_base64_is_read(tree: dict[str, Any], dump: Callable[[object], bytes]) -> None:
    tree["payload"] = "-_97fQ=="
    assert parse_envelope(dump(tree)).payload == ENVELOPE.payload


def test_a_missing_key_id_is_an_empty_one(
    tree: dict[str, Any], dump: Callable[[object], bytes]
) -> None:
    del tree["signatures"][0]["keyid"]
    assert parse_envelope(dump(tree)).signatures[0].keyid == ""


def damage(tree: dict[str, Any], path: tuple[str | int, ...], value: object) -> None:
    *parents, last = path
    at: Any = tree
    for token in parents:
        at = at[token]
    if value is DELETE:
        del at[last]
    else:
        at[last] = value


DELETE = object()
SIG = {"sig": "c2ln", "keyid": ""}


@pytest.mark.parametrize(
    ("path", "value", "code", "where"),
    [
        (("payload",), DELETE, "bundle-malformed", "/payload"),
        (("payload",), 1, "bundle-malformed", "/payload"),
        (("payload",), None, "bundle-malformed", "/payload"),
        (("payload",), "AAAA\n", "bundle-malformed", "/payload"),
        (("payloadType",), DELETE, "bundle-payload-type", "/payloadType"),
        (("payloadType",), 1, "bundle-payload-type", "/payloadType"),
        (("payloadType",), "Application/vnd.in-toto+json", "bundle-payload-type", "/payloadType"),
        (("payloadType",), PAYLOAD_TYPE + " ", "bundle-payload-type", "/payloadType"),
        (("payloadType",), "application/vnd.in-toto.x+json", "bundle-payload-type", "/payloadType"),
        (("payloadType",), "x" * 2000, "bundle-payload-type", "/payloadType"),
        (("signatures",), DELETE, "bundle-malformed", "/signatures"),
        (("signatures",), [], "bundle-signature-count", "/signatures"),
        (("signatures",), [SIG, SIG], "bundle-signature-count", "/signatures"),
        (("signatures",), [SIG] * 100_000, "bundle-signature-count", "/signatures"),
        (("signatures",), SIG, "bundle-signature-count", "/signatures"),
        (("signatures", 0), "c2ln", "bundle-malformed", "/signatures/0"),
        (("signatures", 0, "sig"), DELETE, "bundle-malformed", "/signatures/0/sig"),
        (("signatures", 0, "sig"), "", "bundle-malformed", "/signatures/0/sig"),
        (("signatures", 0, "sig"), "A" * 40_000, "bundle-malformed", "/signatures/0/sig"),
        (("signatures", 0, "keyid"), 1, "bundle-malformed", "/signatures/0/keyid"),
        (("signatures", 0, "keyid"), None, "bundle-malformed", "/signatures/0/keyid"),
        (("signatures", 0, "keyid"), "x" * 2000, "bundle-malformed", "/signatures/0/keyid"),
        (("signatures", 0, "ext"), {}, "bundle-malformed", "/signatures/0/ext"),
        (("extra",), 1, "bundle-malformed", "/extra"),
    ],
)
def test_a_fault_has_its_code_and_its_place(
    tree: dict[str, Any],
    path: tuple[str | int, ...],
    value: object,
    code: str,
    where: str,
) -> None:
    damage(tree, path, value)
    with pytest.raises(EnvelopeError) as caught:
        parse_envelope(json.dumps(tree).encode())
    assert (caught.value.code, caught.value.path) == (code, where)


@pytest.mark.parametrize("data", [b"[]", b"null", b'"x"', b"1"])
def test_an_envelope_is_an_object(data: bytes) -> None:
    with pytest.raises(EnvelopeError, match="expected an object"):
        parse_envelope(data)


def test_an_oversized_document_is_refused_before_it_is_looked_at() -> None:
    with pytest.raises(EnvelopeError) as caught:
        parse_envelope(b"[" * (MAX_BUNDLE_BYTES + 1))
    assert caught.value.code == "bundle-size"


@pytest.mark.parametrize(
    "envelope",
    [
        replace(ENVELOPE, payload_type="text/plain"),
        replace(ENVELOPE, signatures=()),
        replace(ENVELOPE, signatures=ENVELOPE.signatures * 2),
        replace(ENVELOPE, signatures=(Signature(b""),)),
        replace(ENVELOPE, signatures=(Signature(bytes(MAX_SIGNATURE_BYTES + 1)),)),
        replace(ENVELOPE, signatures=(Signature(b"sig", "\ud800"),)),
    ],
)
def test_nothing_is_written_that_would_not_be_read(envelope: Envelope) -> None:
    with pytest.raises(EnvelopeError):
        write_envelope(envelope)


def test_numbers_that_are_not_finite_are_not_written() -> None:
    with pytest.raises(EnvelopeError, match="not finite"):
        write_compact({"a": float("nan")})


def test_values_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        ENVELOPE.payload = b""  # type: ignore[misc]  # what the test is about


@pytest.mark.property
class TestReadersRefuseInWords:
    """Law (design, rule 9): whatever the input, only `ProvenanceError` leaves."""

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["payload", "payloadType", "signatures", "sig", "keyid"]),
                    inner,
                    max_size=4,
                )
            ),
            max_leaves=10,
        )
    )
    def test_any_tree(self, tree: object) -> None:
        with pytest.raises(ProvenanceError):
            parse_envelope(json.dumps(tree).encode())

    @given(st.binary(max_size=50))
    def test_any_bytes(self, data: bytes) -> None:
        with pytest.raises((CanonicalError, EnvelopeError)):
            parse_envelope(data)
