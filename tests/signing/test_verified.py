"""Tests of signing payloads and verifying bundles."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.digest import DigestSet
from provenance.envelope import (
    Bundle,
    Subject,
    parse_bundle,
    parse_statement,
    write_bundle,
    write_statement,
)
from provenance.errors import ProvenanceError, SignatureError
from provenance.signing import (
    PrivateKey,
    PublicKey,
    SigningTimes,
    VerifiedSigner,
    generate_private_key,
    sign_payload,
    verify_bundle,
)

KEY = generate_private_key()
OTHER = generate_private_key("ed25519").public_key
PAYLOAD = write_statement(
    [Subject("m", DigestSet({"sha256": "0" * 64}))], "https://example.com/p/v1", {"é": 1}
)
BUNDLE = sign_payload(PAYLOAD, KEY)


class Certificates:
    """A verifier of another kind, as a later release will have it: refuses bundles of bare keys."""

    fingerprint = "sha256-of-an-authority"
    scheme = "x509"

    def verify(self, bundle: Bundle, times: SigningTimes | None = None) -> VerifiedSigner:
        if bundle.certificate is None:
            problem = "not signed with a certificate"
            raise SignatureError(problem=problem, code="signature-unsupported")
        proven = () if times is None else times.verified
        return VerifiedSigner(
            "certificate", "SHA256:leaf", "x509", "a@example.org", "SHA256:ca", proven
        )


def test_sign_write_read_verify_parse(key: PrivateKey) -> None:
    data = write_bundle(sign_payload(PAYLOAD, key))
    verified = verify_bundle(parse_bundle(data), [key.public_key])
    assert verified.payload == PAYLOAD
    assert verified.fingerprint == key.fingerprint
    assert verified.verifier is key.public_key
    assert parse_statement(verified.payload).predicate == {"é": 1}


def test_hint_and_key_id_are_equal_and_computed(key: PrivateKey) -> None:
    bundle = sign_payload(PAYLOAD, key)
    assert bundle.key_hint == bundle.envelope.signatures[0].keyid == key.hint


def test_any_of_several_keys_may_have_signed() -> None:
    for keys in ([OTHER, KEY.public_key], [KEY.public_key, OTHER], (k for k in [KEY.public_key])):
        assert verify_bundle(BUNDLE, keys).fingerprint == KEY.fingerprint


def test_the_hint_never_decides() -> None:
    for hint in ("", OTHER.hint, "nonsense", "\u202e"):
        signature = replace(BUNDLE.envelope.signatures[0], keyid="")
        envelope = replace(BUNDLE.envelope, signatures=(signature,))
        bundle = replace(BUNDLE, key_hint=hint, envelope=envelope)
        assert verify_bundle(bundle, [OTHER, KEY.public_key]).fingerprint == KEY.fingerprint
        with pytest.raises(SignatureError) as caught:
            verify_bundle(bundle, [OTHER])
        assert caught.value.code == "signature-invalid"


def test_the_hint_says_which_key_is_tried_first() -> None:
    tried: list[str] = []

    class Recorder:
        scheme = "none"

        def __init__(self, fingerprint: str) -> None:
            self.fingerprint = fingerprint

        def verify(self, _: Bundle, times: SigningTimes | None = None) -> VerifiedSigner:
            assert times is not None
            assert times.judged == (times.now,)
            tried.append(self.fingerprint)
            return VerifiedSigner("key", self.fingerprint, self.scheme)

    verify_bundle(BUNDLE, [Recorder(OTHER.fingerprint), Recorder(KEY.fingerprint)])
    assert tried == [KEY.fingerprint]


def test_no_key_is_said_with_its_own_code() -> None:
    with pytest.raises(SignatureError) as caught:
        verify_bundle(BUNDLE, [])
    assert caught.value.code == "signer-unknown"


def test_a_wrong_key_is_said_with_what_the_bundle_claims() -> None:
    with pytest.raises(SignatureError, match="does not verify under key") as caught:
        verify_bundle(BUNDLE, [OTHER])
    assert OTHER.fingerprint in caught.value.problem
    assert f"unproven, that key {KEY.fingerprint}" in caught.value.problem


def test_several_wrong_keys_are_counted() -> None:
    third = generate_private_key("ecdsa-p384").public_key
    with pytest.raises(SignatureError, match="under any of the 2 keys named"):
        verify_bundle(BUNDLE, [OTHER, third])


def test_a_changed_payload_is_no_matter_of_another_key() -> None:
    bundle = replace(BUNDLE, envelope=replace(BUNDLE.envelope, payload=b"{}"))
    with pytest.raises(SignatureError) as caught:
        verify_bundle(bundle, [KEY.public_key])
    assert "unproven" not in caught.value.problem


def test_a_bundle_that_no_verifier_can_check_is_unsupported() -> None:
    certificate = replace(BUNDLE, key_hint=None, certificate=b"leaf")
    for bundle, keys in ((certificate, [KEY.public_key, OTHER]), (BUNDLE, [Certificates()])):
        with pytest.raises(SignatureError) as caught:
            verify_bundle(bundle, keys)
        assert caught.value.code == "signature-unsupported"


def test_a_signature_that_was_checked_and_refused_outweighs_one_of_another_kind() -> None:
    with pytest.raises(SignatureError) as caught:
        verify_bundle(BUNDLE, [Certificates(), OTHER])
    assert caught.value.code == "signature-invalid"


def test_a_verifier_of_another_kind_plugs_in() -> None:
    certificate = replace(BUNDLE, key_hint=None, certificate=b"leaf")
    verified = verify_bundle(certificate, [OTHER, Certificates()])
    assert isinstance(verified.verifier, Certificates)
    assert verified.fingerprint == "SHA256:leaf"
    assert verified.signer.vote == "a@example.org (issuer SHA256:ca)"


def test_bytes_that_are_signed_as_something_else_are_no_payload() -> None:
    with pytest.raises(SignatureError) as caught:
        verify_bundle(sign_payload(PAYLOAD, KEY, payload_type="text/plain"), [KEY.public_key])
    assert caught.value.code == "bundle-payload-type"


def reimplemented(data: bytes, spki_pem: bytes) -> bytes:
    """Verify a bundle with nothing of ours, and return its payload."""
    bundle = json.loads(data)
    envelope = bundle["dsseEnvelope"]
    payload = base64.b64decode(envelope["payload"])
    kind = envelope["payloadType"].encode()
    message = b" ".join(
        [b"DSSEv1", str(len(kind)).encode(), kind, str(len(payload)).encode(), payload]
    )
    handle: Any = serialization.load_pem_public_key(spki_pem)
    (signature,) = envelope["signatures"]
    handle.verify(base64.b64decode(signature["sig"]), message, ec.ECDSA(hashes.SHA256()))
    return payload


def test_an_independent_verifier_agrees() -> None:
    assert reimplemented(write_bundle(BUNDLE), KEY.public_key.to_pem()) == PAYLOAD


FIXED = sign_payload(PAYLOAD, PrivateKey.from_pem(KEY.to_pem(), deterministic=True))
LINE = write_bundle(FIXED)


@pytest.mark.property
class TestOneChangedByteIsFound:
    """Law (design, section 3): a changed bundle is refused, or its payload bytes are equal."""

    @given(st.integers(0, len(LINE) - 1), st.integers(1, 255))
    @settings(max_examples=500, deadline=None)
    def test_changed(self, position: int, change: int) -> None:
        data = bytearray(LINE)
        data[position] ^= change
        try:
            verified = verify_bundle(parse_bundle(bytes(data)), [KEY.public_key])
        except ProvenanceError:
            return
        assert verified.payload == PAYLOAD

    @given(st.integers(0, len(LINE)), st.binary(min_size=1, max_size=3))
    @settings(max_examples=200, deadline=None)
    def test_inserted(self, position: int, extra: bytes) -> None:
        try:
            bundle = parse_bundle(LINE[:position] + extra + LINE[position:])
            verified = verify_bundle(bundle, [KEY.public_key])
        except ProvenanceError:
            return
        assert verified.payload == PAYLOAD


def test_every_single_bit_of_the_payload_and_signature_counts() -> None:
    signature = FIXED.envelope.signatures[0].sig
    for index in range(len(signature) * 8):
        changed = bytearray(signature)
        changed[index // 8] ^= 1 << index % 8
        with pytest.raises(SignatureError):
            KEY.public_key.verify_message(b"DSSEv1 ", bytes(changed))


def test_the_same_key_from_two_encodings_is_one_key() -> None:
    assert (
        len({PublicKey.from_pem(KEY.public_key.to_pem()), PublicKey.from_der(KEY.public_key.spki)})
        == 1
    )
