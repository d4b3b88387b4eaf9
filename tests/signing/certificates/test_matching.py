"""Names within subtrees: every kind, on both sides of its boundary."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from cryptography import x509

from provenance.signing.certificates.matching import is_within
from support.certificates import name

DNS, EMAIL, URI = x509.DNSName, x509.RFC822Name, x509.UniformResourceIdentifier
UPPER = x509.Name([*name("Lab"), *name("Team")])

OUTSIDE: list[tuple[x509.GeneralName, x509.GeneralName]] = [
    (DNS("example.com"), DNS("example.org")),
    (DNS("myexample.org"), DNS("example.org")),
    (DNS("example.org.evil.example"), DNS("example.org")),
    (DNS("org"), DNS("example.org")),
    (DNS("example.org"), DNS(".example.org")),
    (DNS("*.org"), DNS("example.org")),
    (DNS("*.example.org"), DNS("a.example.org")),
    (EMAIL("a@example.com"), EMAIL("example.org")),
    (EMAIL("a@sub.example.org"), EMAIL("example.org")),
    (EMAIL("a@example.org"), EMAIL(".example.org")),
    (EMAIL("a@myexample.org"), EMAIL("example.org")),
    (EMAIL("A@example.org"), EMAIL("a@example.org")),
    (EMAIL("b@example.org"), EMAIL("a@example.org")),
    (URI("https://example.com/"), URI("example.org")),
    (URI("https://sub.example.org/"), URI("example.org")),
    (URI("https://example.org/"), URI(".example.org")),
    (URI("https://example.org@evil.example/"), URI("example.org")),
    (URI("https://evil.example/#example.org"), URI("example.org")),
    (x509.IPAddress(ip_address("10.1.0.0")), x509.IPAddress(ip_network("10.0.0.0/16"))),
    (x509.IPAddress(ip_address("::a00:1")), x509.IPAddress(ip_network("10.0.0.0/16"))),
    (x509.DirectoryName(name("Lab")), x509.DirectoryName(UPPER)),
    (x509.DirectoryName(name("Laboratory")), x509.DirectoryName(name("Lab"))),
]
WITHIN: list[tuple[x509.GeneralName, x509.GeneralName]] = [
    (DNS("example.org"), DNS("example.org")),
    (DNS("EXAMPLE.org."), DNS("example.ORG")),
    (DNS("a.b.example.org"), DNS("example.org")),
    (DNS("a.example.org"), DNS(".example.org")),
    (DNS("*.example.org"), DNS("example.org")),
    (DNS("example.org"), DNS("")),
    (EMAIL("a@example.org"), EMAIL("example.org")),
    (EMAIL("a@EXAMPLE.org"), EMAIL("Example.org")),
    (EMAIL("a@sub.example.org"), EMAIL(".example.org")),
    (EMAIL("a@example.org"), EMAIL("a@EXAMPLE.org")),
    (EMAIL("a@example.org"), EMAIL._init_without_validation("")),
    (URI("https://example.org/path?q#f"), URI("example.org")),
    (URI("spiffe://user@EXAMPLE.org:8443/x"), URI("example.org")),
    (URI("https://example.org./"), URI("example.org")),
    (URI("https://a.example.org/"), URI(".example.org")),
    (x509.IPAddress(ip_address("10.0.255.255")), x509.IPAddress(ip_network("10.0.0.0/16"))),
    (x509.IPAddress(ip_address("fd00::1")), x509.IPAddress(ip_network("fd00::/8"))),
    (x509.DirectoryName(UPPER), x509.DirectoryName(name("LAB"))),
    (x509.DirectoryName(UPPER), x509.DirectoryName(name(""))),
]
UNTOLD: list[tuple[x509.GeneralName, x509.GeneralName]] = [
    (DNS("exa mple.org"), DNS("example.org")),
    (DNS(""), DNS("example.org")),
    (DNS("*"), DNS("example.org")),
    (URI("urn:isbn:0"), URI("example.org")),
    (URI("https://10.0.0.1/"), URI("example.org")),
    (URI("https://[fd00::1]/"), URI("example.org")),
    (URI("https://evil.example\\@example.org/"), URI("example.org")),
    (URI("https://exam%70le.org/"), URI("example.org")),
    (
        x509.RegisteredID(x509.ObjectIdentifier("1.2.3")),
        x509.RegisteredID(x509.ObjectIdentifier("1.2.3")),
    ),
    (x509.OtherName(x509.ObjectIdentifier("1.2.3"), b"\x05\x00"), EMAIL("example.org")),
]


def shown(pairs: list[tuple[x509.GeneralName, x509.GeneralName]]) -> list[str]:
    return [f"{type(one).__name__}-{number}" for number, (one, _) in enumerate(pairs)]


@pytest.mark.parametrize(("found", "subtree"), OUTSIDE, ids=shown(OUTSIDE))
def test_name_lies_outside(found: x509.GeneralName, subtree: x509.GeneralName) -> None:
    assert not is_within(found, subtree, excluding=False)


@pytest.mark.parametrize(("found", "subtree"), WITHIN, ids=shown(WITHIN))
def test_name_lies_within(found: x509.GeneralName, subtree: x509.GeneralName) -> None:
    assert is_within(found, subtree, excluding=False)
    assert is_within(found, subtree, excluding=True)


@pytest.mark.parametrize(("found", "subtree"), UNTOLD, ids=shown(UNTOLD))
def test_nobody_can_tell(found: x509.GeneralName, subtree: x509.GeneralName) -> None:
    with pytest.raises(ValueError, match="is not a name that is compared"):
        is_within(found, subtree, excluding=False)


@pytest.mark.parametrize(
    ("found", "subtree", "overlaps"),
    [
        ("*.example.org", "a.example.org", True),
        ("*.example.org", ".example.org", True),
        ("*.example.org", "a.b.example.org", False),
        ("*.example.org", "example.com", False),
    ],
)
def test_wildcard_lies_within_what_is_excluded_if_any_of_it_does(
    found: str, subtree: str, *, overlaps: bool
) -> None:
    assert is_within(DNS(found), DNS(subtree), excluding=True) is overlaps
