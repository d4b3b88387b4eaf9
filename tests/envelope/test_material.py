"""Tests of the verification material of bundles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from provenance.envelope.fields import encode_base64
from provenance.envelope.material import (
    MAX_CERTIFICATE_BYTES,
    MAX_CERTIFICATES,
    MAX_LOG_ENTRIES,
    MAX_TIMESTAMP_BYTES,
    MAX_TIMESTAMPS,
    Material,
    material_tree,
    read_material,
)
from provenance.errors import EnvelopeError

if TYPE_CHECKING:
    from provenance.canonical import JsonValue

CERT: dict[str, JsonValue] = {"rawBytes": "AAEC"}
STAMP: dict[str, JsonValue] = {"signedTimestamp": "AAEC"}
KEY: dict[str, JsonValue] = {"hint": "h"}


def chain(count: int) -> JsonValue:
    return {"certificates": (CERT,) * count}


def stamps(count: int) -> JsonValue:
    return {"rfc3161Timestamps": (STAMP,) * count}


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        ({"publicKey": {"hint": "h"}}, Material(key_hint="h")),
        ({"publicKey": {}}, Material(key_hint="")),
        ({"publicKey": KEY, "tlogEntries": ()}, Material(key_hint="h")),
        ({"publicKey": KEY, "timestampVerificationData": {}}, Material(key_hint="h")),
        (
            {"publicKey": KEY, "timestampVerificationData": stamps(32)},
            Material(key_hint="h", timestamps=(b"\0\1\2",) * 32),
        ),
        ({"certificate": CERT}, Material(certificate=b"\0\1\2")),
        ({"x509CertificateChain": chain(1)}, Material(certificate=b"\0\1\2")),
        (
            {"x509CertificateChain": chain(16)},
            Material(certificate=b"\0\1\2", chain=(b"\0\1\2",) * 15),
        ),
        (
            {"certificate": CERT, "tlogEntries": ({"logIndex": "1", "any": {"thing": 1.5}},)},
            Material(
                certificate=b"\0\1\2", tlog_entries=({"logIndex": "1", "any": {"thing": 1.5}},)
            ),
        ),
    ],
)
def test_every_kind_is_read(tree: dict[str, JsonValue], expected: Material) -> None:
    assert read_material(tree, "/m") == expected


BIG_CERT: dict[str, JsonValue] = {"rawBytes": encode_base64(bytes(MAX_CERTIFICATE_BYTES + 1))}
BIG_STAMP: dict[str, JsonValue] = {"signedTimestamp": encode_base64(bytes(MAX_TIMESTAMP_BYTES + 1))}
TIMES = "/m/timestampVerificationData"


@pytest.mark.parametrize(
    ("tree", "where"),
    [
        ({}, "/m"),
        ({"tlogEntries": ()}, "/m"),
        ({"publicKey": KEY, "certificate": CERT}, "/m"),
        ({"certificate": CERT, "x509CertificateChain": chain(1)}, "/m"),
        ({"publicKey": KEY, "extra": 1}, "/m/extra"),
        ({"publicKey": "h"}, "/m/publicKey"),
        ({"publicKey": None}, "/m/publicKey"),
        ({"publicKey": {"hint": 1}}, "/m/publicKey/hint"),
        ({"publicKey": {"hint": "x" * 2000}}, "/m/publicKey/hint"),
        # A key never vouches for itself: the raw key does not belong into a bundle.
        ({"publicKey": {"hint": "h", "rawBytes": "AAEC"}}, "/m/publicKey/rawBytes"),
        ({"certificate": "AAEC"}, "/m/certificate"),
        ({"certificate": {}}, "/m/certificate/rawBytes"),
        ({"certificate": {"rawBytes": ""}}, "/m/certificate/rawBytes"),
        ({"certificate": {"rawBytes": "AAE"}}, "/m/certificate/rawBytes"),
        ({"certificate": BIG_CERT}, "/m/certificate/rawBytes"),
        ({"certificate": {**CERT, "x": 1}}, "/m/certificate/x"),
        ({"x509CertificateChain": (CERT,)}, "/m/x509CertificateChain"),
        ({"x509CertificateChain": {}}, "/m/x509CertificateChain/certificates"),
        ({"x509CertificateChain": chain(0)}, "/m/x509CertificateChain/certificates"),
        ({"x509CertificateChain": chain(17)}, "/m/x509CertificateChain/certificates"),
        (
            {"x509CertificateChain": {"certificates": (CERT, {"rawBytes": "?"})}},
            "/m/x509CertificateChain/certificates/1/rawBytes",
        ),
        ({"publicKey": KEY, "tlogEntries": {}}, "/m/tlogEntries"),
        ({"publicKey": KEY, "tlogEntries": None}, "/m/tlogEntries"),
        ({"publicKey": KEY, "tlogEntries": ("x",)}, "/m/tlogEntries/0"),
        ({"publicKey": KEY, "tlogEntries": ({},) * 33}, "/m/tlogEntries"),
        ({"publicKey": KEY, "timestampVerificationData": ()}, TIMES),
        ({"publicKey": KEY, "timestampVerificationData": {"x": 1}}, TIMES + "/x"),
        (
            {"publicKey": KEY, "timestampVerificationData": stamps(33)},
            TIMES + "/rfc3161Timestamps",
        ),
        (
            {"publicKey": KEY, "timestampVerificationData": {"rfc3161Timestamps": (BIG_STAMP,)}},
            TIMES + "/rfc3161Timestamps/0/signedTimestamp",
        ),
        (
            {"publicKey": KEY, "timestampVerificationData": {"rfc3161Timestamps": (STAMP, {})}},
            TIMES + "/rfc3161Timestamps/1/signedTimestamp",
        ),
    ],
)
def test_a_fault_has_its_place(tree: dict[str, JsonValue], where: str) -> None:
    with pytest.raises(EnvelopeError) as caught:
        read_material(tree, "/m")
    assert (caught.value.code, caught.value.path) == ("bundle-malformed", where)


def test_material_is_an_object() -> None:
    with pytest.raises(EnvelopeError, match="expected an object"):
        read_material((), "/m")


def test_limits_are_those_of_the_specification() -> None:
    assert (MAX_CERTIFICATES, MAX_LOG_ENTRIES, MAX_TIMESTAMPS) == (16, 32, 32)


def test_defaults_are_written_and_a_chain_is_not() -> None:
    assert material_tree(Material(key_hint="")) == {"publicKey": {"hint": ""}, "tlogEntries": ()}
    with pytest.raises(EnvelopeError, match="leaf certificate alone"):
        material_tree(Material(certificate=b"c", chain=(b"d",)))


def test_what_is_written_is_read() -> None:
    material: Any = Material(
        certificate=b"leaf", tlog_entries=({"logIndex": "1"},), timestamps=(b"a", b"b")
    )
    tree = material_tree(material)
    assert list(tree) == ["certificate", "tlogEntries", "timestampVerificationData"]
    assert read_material(tree, "") == material
