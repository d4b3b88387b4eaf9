"""Tests of Sigstore bundles."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.canonical import MAX_BUNDLE_BYTES
from provenance.envelope import (
    MEDIA_TYPE,
    MEDIA_TYPES,
    PAYLOAD_TYPE,
    Bundle,
    Envelope,
    Signature,
    parse_bundle,
    write_bundle,
)
from provenance.errors import CanonicalError, EnvelopeError, ProvenanceError

if TYPE_CHECKING:
    from collections.abc import Callable

BUNDLE = Bundle(
    envelope=Envelope(
        payload=b"payload", payload_type=PAYLOAD_TYPE, signatures=(Signature(b"sig", "key"),)
    ),
    key_hint="key",
)
LINE = (
    b'{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json",'
    b'"verificationMaterial":{"publicKey":{"hint":"key"},"tlogEntries":[]},'
    b'"dsseEnvelope":{"payload":"cGF5bG9hZA==","payloadType":"application/vnd.in-toto+json",'
    b'"signatures":[{"sig":"c2ln","keyid":"key"}]}}'
)


def test_a_bundle_is_written_as_one_exact_line() -> None:
    assert write_bundle(BUNDLE) == LINE
    assert parse_bundle(LINE) == BUNDLE
    assert parse_bundle(LINE) == BUNDLE  # reading never changes what it reads


def test_a_certificate_bundle_is_written_as_one_exact_line() -> None:
    bundle = replace(
        BUNDLE,
        envelope=replace(BUNDLE.envelope, signatures=(Signature(b"sig"),)),
        key_hint=None,
        certificate=b"leaf",
        tlog_entries=({"logIndex": "1"},),
        timestamps=(b"time",),
    )
    line = write_bundle(bundle)
    assert line == (
        b'{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json",'
        b'"verificationMaterial":{"certificate":{"rawBytes":"bGVhZg=="},'
        b'"tlogEntries":[{"logIndex":"1"}],'
        b'"timestampVerificationData":{"rfc3161Timestamps":[{"signedTimestamp":"dGltZQ=="}]}},'
        b'"dsseEnvelope":{"payload":"cGF5bG9hZA==","payloadType":"application/vnd.in-toto+json",'
        b'"signatures":[{"sig":"c2ln"}]}}'
    )
    assert parse_bundle(line) == bundle


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
def test_every_version_is_read_and_v03_is_written(
    bundle_tree: dict[str, Any], dump: Callable[[object], bytes], media_type: str
) -> None:
    bundle_tree["mediaType"] = media_type
    bundle = parse_bundle(dump(bundle_tree))
    assert bundle.media_type == media_type
    assert parse_bundle(write_bundle(bundle)).media_type == MEDIA_TYPE


def test_a_keyless_bundle_is_read_with_all_its_parts(
    bundle_tree: dict[str, Any], dump: Callable[[object], bytes]
) -> None:
    entry = {
        "logIndex": "1",
        "logId": {"keyId": "AAEC"},
        "kindVersion": {"kind": "dsse", "version": "0.0.1"},
        "integratedTime": "1700000000",
        "inclusionPromise": {"signedEntryTimestamp": "AAEC"},
        "inclusionProof": {"hashes": ["AAEC"], "checkpoint": {"envelope": "log\n2\nAAEC\n"}},
        "canonicalizedBody": "AAEC",
    }
    # A chain stands in bundles before v0.3 alone.
    bundle_tree["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.2"
    bundle_tree["verificationMaterial"] = {
        "x509CertificateChain": {"certificates": [{"rawBytes": "AAEC"}, {"rawBytes": "AwQF"}]},
        "tlogEntries": [entry],
        "timestampVerificationData": {"rfc3161Timestamps": [{"signedTimestamp": "AAEC"}]},
    }
    bundle = parse_bundle(dump(bundle_tree))
    assert (bundle.key_hint, bundle.certificate, bundle.chain) == (None, b"\0\1\2", (b"\3\4\5",))
    assert bundle.timestamps == (b"\0\1\2",)
    assert json.loads(json.dumps(bundle.tlog_entries)) == [entry]


DELETE = object()


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("mediaType", DELETE, "bundle-media-type"),
        ("mediaType", 3, "bundle-media-type"),
        ("mediaType", "application/json", "bundle-media-type"),
        ("mediaType", "application/vnd.dev.sigstore.bundle.v0.4+json", "bundle-media-type"),
        ("mediaType", "application/vnd.dev.sigstore.bundle.v0.2+json", "bundle-media-type"),
        ("mediaType", "application/vnd.dev.sigstore.bundle+json;version=0.4", "bundle-media-type"),
        ("mediaType", "application/vnd.dev.sigstore.bundle+json; version=0.3", "bundle-media-type"),
        ("mediaType", "x" * 5000, "bundle-media-type"),
        ("verificationMaterial", DELETE, "bundle-malformed"),
        ("verificationMaterial", [], "bundle-malformed"),
        ("dsseEnvelope", DELETE, "bundle-malformed"),
        ("dsseEnvelope", "x", "bundle-malformed"),
        ("extra", 1, "bundle-malformed"),
        ("messageSignature", {"signature": "AAEC"}, "bundle-payload-type"),
    ],
)
def test_a_fault_has_its_code_and_its_place(
    bundle_tree: dict[str, Any],
    dump: Callable[[object], bytes],
    field: str,
    value: object,
    code: str,
) -> None:
    if value is DELETE:
        del bundle_tree[field]
    else:
        bundle_tree[field] = value
    with pytest.raises(EnvelopeError) as caught:
        parse_bundle(dump(bundle_tree))
    assert (caught.value.code, caught.value.path) == (code, f"/{field}")


def test_faults_inside_have_a_pointer_from_the_top(
    bundle_tree: dict[str, Any], dump: Callable[[object], bytes]
) -> None:
    bundle_tree["dsseEnvelope"]["signatures"][0]["sig"] = "?"
    with pytest.raises(EnvelopeError) as caught:
        parse_bundle(dump(bundle_tree))
    assert caught.value.path == "/dsseEnvelope/signatures/0/sig"


def test_a_bundle_over_the_bytes_of_a_file_is_refused_in_words(
    bundle_tree: dict[str, Any], dump: Callable[[object], bytes]
) -> None:
    del bundle_tree["dsseEnvelope"]
    bundle_tree["messageSignature"] = {"messageDigest": {}, "signature": "AAEC"}
    with pytest.raises(EnvelopeError, match="signs the bytes of a file"):
        parse_bundle(dump(bundle_tree))


@pytest.mark.parametrize(
    ("hint", "keyid", "fits"),
    [("a", "b", False), ("a", "", True), ("", "b", True), ("", "", True), ("a", "a", True)],
)
def test_hint_and_key_id_may_be_absent_but_not_differ(
    bundle_tree: dict[str, Any],
    dump: Callable[[object], bytes],
    hint: str,
    keyid: str,
    fits: bool,  # noqa: FBT001 - a table
) -> None:
    bundle_tree["verificationMaterial"]["publicKey"]["hint"] = hint
    bundle_tree["dsseEnvelope"]["signatures"][0]["keyid"] = keyid
    if fits:
        assert parse_bundle(dump(bundle_tree)).key_hint == hint
        return
    with pytest.raises(EnvelopeError) as caught:
        parse_bundle(dump(bundle_tree))
    assert caught.value.code == "bundle-hint-mismatch"
    assert caught.value.path == "/verificationMaterial/publicKey/hint"


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("empty file", b"", "json-syntax"),
        ("UTF-16", LINE.decode().encode("utf-16"), "json-encoding"),
        ("byte order mark", b"\xef\xbb\xbf" + LINE, "json-encoding"),
        ("invalid UTF-8", LINE.replace(b'"key"', b'"\xff"', 1), "json-encoding"),
        ("trailing garbage", LINE + b"x", "json-syntax"),
        ("second document", LINE + LINE, "json-syntax"),
        (
            "duplicate key",
            LINE.replace(b'"payload"', b'"payload":"AAAA","payload"', 1),
            "json-duplicate-key",
        ),
        ("lone surrogate", LINE.replace(b'"key"', b'"\\ud800"', 1), "json-surrogate"),
        (
            "deep nesting",
            LINE[:-1] + b',"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
            "json-depth",
        ),
    ],
)
def test_what_is_no_strict_json_is_refused(name: str, data: bytes, code: str) -> None:
    with pytest.raises(CanonicalError) as caught:
        parse_bundle(data)
    assert caught.value.code == code, name


def test_an_oversized_bundle_is_refused_before_it_is_looked_at() -> None:
    with pytest.raises(EnvelopeError) as caught:
        parse_bundle(b" " * (MAX_BUNDLE_BYTES + 1))
    assert caught.value.code == "bundle-size"


@pytest.mark.parametrize(
    "bundle",
    [
        replace(BUNDLE, key_hint="other"),
        replace(BUNDLE, key_hint=None),
        replace(BUNDLE, certificate=b"leaf"),
        replace(BUNDLE, key_hint=None, certificate=b"leaf", chain=(b"more",)),
        replace(BUNDLE, timestamps=(b"t",) * 33),
        replace(BUNDLE, envelope=replace(BUNDLE.envelope, signatures=())),
        replace(BUNDLE, tlog_entries=({"x": "\ud800"},)),
        replace(BUNDLE, tlog_entries=({"x": float("inf")},)),
    ],
)
def test_nothing_is_written_that_would_not_be_read(bundle: Bundle) -> None:
    with pytest.raises(EnvelopeError):
        write_bundle(bundle)


@pytest.mark.property
class TestOneChangedByteIsHarmlessOrRefused:
    """Law (`spec/envelope.md`): a changed file is refused, or says the same, or fails to verify."""

    @given(st.integers(0, len(LINE) - 1), st.integers(1, 255))
    @settings(max_examples=400)
    def test_reader(self, position: int, change: int) -> None:
        data = bytearray(LINE)
        data[position] ^= change
        try:
            bundle = parse_bundle(bytes(data))
        except ProvenanceError:
            return
        assert parse_bundle(write_bundle(bundle)) == replace(bundle, media_type=MEDIA_TYPE)
