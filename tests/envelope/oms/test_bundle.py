"""Reading and writing `model.sig`: what other writers and older versions put there, and no more."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from provenance.envelope import Bundle, Envelope, Signature
from provenance.envelope.oms import parse_oms_bundle, write_oms_bundle
from provenance.errors import EnvelopeError, ProvenanceError
from provenance.signing import generate_private_key
from support.oms import oms_bundle

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = generate_private_key()


def tree_with(change: Callable[[dict[str, Any]], object]) -> bytes:
    tree = oms_bundle(KEY)
    change(tree)
    return json.dumps(tree).encode()


def material(**fields: object) -> Callable[[dict[str, Any]], object]:
    return lambda tree: tree.update(verificationMaterial=fields)


def signature(**fields: object) -> Callable[[dict[str, Any]], object]:
    return lambda tree: tree["dsseEnvelope"]["signatures"][0].update(fields)


REFUSED: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "no_media_type": (lambda tree: tree.pop("mediaType"), "bundle-media-type"),
    "other_media_type": (lambda tree: tree.update(mediaType="text/json"), "bundle-media-type"),
    "unknown_field": (lambda tree: tree.update(more=1), "bundle-malformed"),
    "unknown_material": (material(publicKey={"hint": ""}, more=1), "bundle-malformed"),
    "unknown_key_field": (material(publicKey={"hint": "", "key": ""}), "bundle-malformed"),
    "no_material": (material(), "bundle-malformed"),
    "two_methods": (
        material(publicKey={"hint": ""}, x509CertificateChain={"certificates": []}),
        "bundle-malformed",
    ),
    "empty_chain": (material(x509CertificateChain={"certificates": []}), "bundle-malformed"),
    "raw_key_is_no_base64": (material(publicKey={"rawBytes": "?"}), "bundle-malformed"),
    "hint_is_a_number": (material(publicKey={"hint": 7}), "bundle-malformed"),
    "certificate_without_log": (material(certificate={"rawBytes": "AAAA"}), "oms-method"),
    "two_signatures": (
        lambda tree: tree["dsseEnvelope"]["signatures"].append({"sig": "AA=="}),
        "bundle-signature-count",
    ),
    "no_signature": (
        lambda tree: tree["dsseEnvelope"].update(signatures=[]),
        "bundle-signature-count",
    ),
    "unknown_signature_field": (signature(ext=1), "bundle-malformed"),
    "keyid_is_a_number": (signature(keyid=1), "bundle-malformed"),
    "payload_type": (
        lambda tree: tree["dsseEnvelope"].update(payloadType="application/json"),
        "bundle-payload-type",
    ),
    "message_signature": (lambda tree: tree.update(messageSignature={}), "bundle-malformed"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refuses(case: str) -> None:
    change, code = REFUSED[case]
    with pytest.raises(EnvelopeError) as caught:
        parse_oms_bundle(tree_with(change))
    assert caught.value.code == code


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{", b"\xff", b'{"a":1,"a":1}', "{}".encode("utf-16"), b"[" * 100_000],
    ids=["empty", "array", "cut", "utf8", "twice", "utf16", "deep"],
)
def test_refuses_what_is_no_bundle(data: bytes) -> None:
    with pytest.raises(ProvenanceError):
        parse_oms_bundle(data)


READ: dict[str, Callable[[dict[str, Any]], object]] = {
    "as_it_is": lambda tree: tree,
    "null_keyid": signature(keyid=None),
    "other_keyid": signature(keyid="anything"),
    "no_keyid": lambda tree: tree["dsseEnvelope"]["signatures"][0].pop("keyid"),
    "no_log_entries": material(publicKey={"hint": "x"}),
    "null_log_entries": material(publicKey={"hint": "x"}, tlogEntries=None),
    "empty_hint": material(publicKey={"hint": ""}),
    "no_hint": material(publicKey={}),
    "raw_key": material(publicKey={"rawBytes": "AAAA", "keyDetails": "PKIX_ECDSA_P256_SHA_256"}),
    "older_media_type": lambda tree: tree.update(
        mediaType="application/vnd.dev.sigstore.bundle+json;version=0.3"
    ),
}


@pytest.mark.parametrize("case", READ)
def test_reads(case: str) -> None:
    found = parse_oms_bundle(tree_with(READ[case]))
    assert found.method == "key"
    assert found.bundle.certificate is None
    assert found.bundle.key_hint is not None


def test_a_chain_is_the_certificate_method() -> None:
    chain = {"certificates": [{"rawBytes": "AAAA"}, {"rawBytes": "BBBB"}]}
    found = parse_oms_bundle(tree_with(material(x509CertificateChain=chain)))
    assert found.method == "certificate"
    assert found.bundle.certificate == b"\x00\x00\x00"
    assert len(found.bundle.chain) == 1


def test_a_certificate_with_a_log_entry_is_the_sigstore_method() -> None:
    found = parse_oms_bundle(
        tree_with(material(certificate={"rawBytes": "AAAA"}, tlogEntries=[{"logIndex": "1"}]))
    )
    assert found.method == "sigstore"


def test_writes_every_field_and_no_other() -> None:
    envelope = Envelope(b"{}", "application/vnd.in-toto+json", (Signature(b"s", "ignored"),))
    data = write_oms_bundle(Bundle(envelope=envelope, key_hint="ab"))
    assert json.loads(data) == {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"publicKey": {"hint": "ab"}, "tlogEntries": []},
        "dsseEnvelope": {
            "payload": "e30=",
            "payloadType": "application/vnd.in-toto+json",
            "signatures": [{"sig": "cw==", "keyid": ""}],
        },
    }


def test_writes_no_certificate() -> None:
    envelope = Envelope(b"{}", "application/vnd.in-toto+json", (Signature(b"s"),))
    with pytest.raises(EnvelopeError, match="bare key"):
        write_oms_bundle(Bundle(envelope=envelope, certificate=b"c"))
