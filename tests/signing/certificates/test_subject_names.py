"""Names of signers: alternative names only, each of its kind, none made up."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from cryptography import x509

from provenance.errors import SignatureError
from provenance.signing.certificates import Identity, identities
from support.certificates import issue, name, signer

SIGSTORE = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.7")


def test_subject_is_no_identity() -> None:
    assert identities(issue(None, "trainer@example.org").certificate) == ()


@pytest.mark.parametrize("value", [b"\x16\x01a", b"\x0c\x01\xff", b"\x05\x00"])
def test_malformed_name_of_sigstore_is_refused(value: bytes) -> None:
    found = signer(None, x509.OtherName(SIGSTORE, value))
    with pytest.raises(SignatureError) as caught:
        identities(found.certificate)
    assert caught.value.code == "certificate-malformed"


def test_names_are_told_with_their_kind_and_in_their_order() -> None:
    found = signer(
        None,
        x509.UniformResourceIdentifier("https://example.org/team"),
        x509.RFC822Name("Trainer@example.org"),
        x509.DNSName("host.example.org"),
        x509.OtherName(SIGSTORE, b"\x0c\x05alice"),
        x509.RFC822Name("other@example.org"),
    )
    assert identities(found.certificate) == (
        Identity("uri", "https://example.org/team"),
        Identity("email", "Trainer@example.org"),
        Identity("dns", "host.example.org"),
        Identity("other", "alice"),
        Identity("email", "other@example.org"),
    )


def test_names_of_other_kinds_identify_nobody() -> None:
    found = signer(
        None,
        x509.IPAddress(ip_address("10.0.0.1")),
        x509.DirectoryName(name("trainer@example.org")),
        x509.OtherName(x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3"), b"\x0c\x01a"),
        x509.RegisteredID(SIGSTORE),
    )
    assert identities(found.certificate) == ()
