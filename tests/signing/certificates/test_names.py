"""Names: the same but for case, blanks and encoding; everything else tells them apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import NameAttribute
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID

from provenance.errors import SignatureError
from provenance.signing.certificates.names import (
    NameKey,
    is_self_issued,
    issuer_key,
    name_key,
    subject_key,
)
from support.certificates import authority, name, signer

if TYPE_CHECKING:
    from collections.abc import Callable

UTF8, PRINTABLE = _ASN1Type.UTF8String, _ASN1Type.PrintableString
COMMON, ORGANIZATION = NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME


def of(*parts: NameAttribute[str] | NameAttribute[bytes]) -> x509.Name:
    return x509.Name(list(parts))


BASE = of(NameAttribute(ORGANIZATION, "Example Lab"), NameAttribute(COMMON, "Root"))
SAME = {
    "case": of(NameAttribute(ORGANIZATION, "EXAMPLE lab"), NameAttribute(COMMON, "root")),
    "blanks": of(NameAttribute(ORGANIZATION, " Example   Lab "), NameAttribute(COMMON, "Root")),
    "encoding": of(
        NameAttribute(ORGANIZATION, "Example Lab", PRINTABLE), NameAttribute(COMMON, "Root", UTF8)
    ),
}
OTHER = {
    "order": of(NameAttribute(COMMON, "Root"), NameAttribute(ORGANIZATION, "Example Lab")),
    "shorter": of(NameAttribute(ORGANIZATION, "Example Lab")),
    "value": of(NameAttribute(ORGANIZATION, "ExampleLab"), NameAttribute(COMMON, "Root")),
    "type": of(NameAttribute(NameOID.LOCALITY_NAME, "Example Lab"), NameAttribute(COMMON, "Root")),
    "one-part": x509.Name(
        [x509.RelativeDistinguishedName([NameAttribute(COMMON, "Root"), *BASE.rdns[0]])]
    ),
    "none": of(),
}


@pytest.mark.parametrize("found", OTHER.values(), ids=list(OTHER))
def test_other_names_differ(found: x509.Name) -> None:
    assert name_key(found) != name_key(BASE)


@pytest.mark.parametrize("found", SAME.values(), ids=list(SAME))
def test_spelling_does_not_matter(found: x509.Name) -> None:
    assert found != BASE or found.public_bytes() != BASE.public_bytes()
    assert name_key(found) == name_key(BASE)


def test_letters_are_folded_beyond_ascii() -> None:
    assert name_key(name("STRASSE")) == name_key(name("straße"))
    assert name_key(name("\u212bngstr\u00f6m")) == name_key(name("\u00e5ngstro\u0308m"))


def test_bit_strings_are_compared_as_they_are() -> None:
    identifier = NameOID.X500_UNIQUE_IDENTIFIER
    one, other = (
        of(NameAttribute(identifier, value, _ASN1Type.BitString)) for value in (b"\0A", b"\0a")
    )
    assert name_key(one) != name_key(other)


def test_self_issued_is_a_matter_of_names() -> None:
    root = authority(None, "Root")
    assert is_self_issued(root.certificate)
    assert is_self_issued(authority(root, "ROOT").certificate)
    assert not is_self_issued(signer(root).certificate)


@pytest.mark.parametrize("key", [subject_key, issuer_key])
def test_name_that_is_no_text_is_refused(key: Callable[[x509.Certificate], NameKey]) -> None:
    data = authority(None, "the root").certificate.public_bytes(Encoding.DER)
    certificate = x509.load_der_x509_certificate(data.replace(b"the root", b"the \xff\xff\xff\xff"))
    with pytest.raises(SignatureError, match=r"certificate number [0-9a-f]+: its ") as caught:
        key(certificate)
    assert caught.value.code == "certificate-malformed"
