"""Name constraints of whole chains: what one authority permits and another excludes."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from provenance.errors import SignatureError
from provenance.signing.certificates import CODE_SIGNING
from provenance.signing.certificates.name_constraints import NameConstraintState
from support.certificates import (
    CODE_USAGE,
    Issued,
    authority,
    holds,
    issue,
    key_usage,
    name,
    signer,
    validate,
)

EMAIL, DNS, URI = x509.RFC822Name, x509.DNSName, x509.UniformResourceIdentifier
MAILBOX = x509.ObjectIdentifier("1.3.6.1.5.5.7.8.9")
HERE = EMAIL("trainer@example.org")


def limits(
    *permitted: x509.GeneralName, excluded: tuple[x509.GeneralName, ...] = ()
) -> tuple[x509.NameConstraints, bool]:
    return x509.NameConstraints(list(permitted) or None, list(excluded) or None), True


def refusal(leaf: Issued, root: Issued, *between: Issued) -> str:
    with pytest.raises(SignatureError) as caught:
        validate(leaf, root, *between, purpose=CODE_SIGNING)
    return caught.value.code


@pytest.mark.parametrize(
    ("constraint", "names"),
    [
        (limits(EMAIL("example.org")), [EMAIL("a@example.com")]),
        (limits(EMAIL("example.org")), [HERE, EMAIL("a@example.com")]),
        (limits(excluded=(EMAIL("example.org"),)), [HERE]),
        (limits(EMAIL("example.org"), excluded=(HERE,)), [HERE]),
        (limits(URI("example.org")), [URI("https://example.com/")]),
        (limits(URI("example.org")), [URI("urn:a:b")]),
        (limits(excluded=(URI("example.org"),)), [URI("urn:a:b")]),
        (limits(DNS("example.org")), [DNS("example.com")]),
        (limits(excluded=(DNS("a.example.org"),)), [DNS("*.example.org")]),
        (
            limits(x509.IPAddress(ip_network("10.0.0.0/8"))),
            [x509.IPAddress(ip_address("11.0.0.1"))],
        ),
        (limits(x509.DirectoryName(name("Lab"))), [HERE]),
        (limits(excluded=(x509.DirectoryName(name("A SIGNER")),)), [HERE]),
        (limits(EMAIL("example.org")), [x509.OtherName(MAILBOX, b"\x0c\x01a")]),
        (limits(x509.RegisteredID(MAILBOX)), [x509.RegisteredID(MAILBOX)]),
    ],
    ids=[
        "email", "one-of-two", "excluded", "excluded-wins", "uri", "uri-without-host",
        "uri-without-host-excluded", "dns", "wildcard", "address", "subject", "subject-excluded",
        "international-mailbox", "unknown-kind",
    ],
)  # fmt: skip
def test_name_outside_is_refused(
    constraint: tuple[x509.NameConstraints, bool], names: list[x509.GeneralName]
) -> None:
    root = authority(None, "root", constraint)
    assert refusal(signer(root, *names), root) == "certificate-name-constraints"


def test_names_of_other_kinds_are_not_constrained() -> None:
    root = authority(None, "root", limits(EMAIL("example.org")))
    assert holds(signer(root, HERE, DNS("evil.example"), URI("urn:a:b")), root)


def test_every_authority_has_its_say() -> None:
    root = authority(None, "root", limits(EMAIL("example.org"), EMAIL("example.com")))
    middle = authority(root, "middle", limits(EMAIL("example.org"), EMAIL("example.net")))
    assert holds(signer(middle, HERE), root, middle)
    for outside in ("a@example.com", "a@example.net"):
        leaf = signer(middle, EMAIL(outside))
        assert refusal(leaf, root, middle) == "certificate-name-constraints"


def test_intermediate_is_constrained_too() -> None:
    root = authority(None, "root", limits(x509.DirectoryName(name("Lab"))))
    middle = authority(root, "elsewhere")
    assert refusal(signer(middle), root, middle) == "certificate-name-constraints"


def test_self_issued_intermediate_is_not_constrained_but_a_self_issued_leaf_is() -> None:
    root = authority(None, "root", limits(x509.DirectoryName(name("Lab"))))
    renewed = authority(root, "root")
    inside = x509.Name([*name("Lab"), *name("signer")])
    usual = [key_usage("digital_signature"), CODE_USAGE, x509.SubjectAlternativeName([HERE])]
    assert holds(issue(renewed, inside, usual), root, renewed)
    assert refusal(issue(renewed, "root", usual), root, renewed) == "certificate-name-constraints"


@pytest.mark.parametrize("address", ["a@example.com", "no address", "\u00e4@example.org"])
def test_address_in_the_subject_counts_where_there_is_no_other(address: str) -> None:
    root = authority(None, "root", limits(EMAIL("example.org")))
    subject = x509.Name([x509.NameAttribute(NameOID.EMAIL_ADDRESS, address, _validate=False)])
    usual = [key_usage("digital_signature"), CODE_USAGE]
    leaf = issue(root, subject, [*usual, x509.SubjectAlternativeName([DNS("a.example")])])
    assert refusal(leaf, root) == "certificate-name-constraints"
    # Beside an address of its own kind, the one in the subject is free text.
    both = issue(root, subject, [*usual, x509.SubjectAlternativeName([HERE])])
    assert holds(both, root)


def test_comparisons_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provenance.signing.certificates.name_constraints.MAX_NAME_COMPARISONS", 6)
    state = NameConstraintState()
    hosts = [DNS(f"h{number}.example") for number in range(3)]
    state.add(authority(None, "root", limits(*hosts)).certificate)
    state.check(signer(None, *hosts[:2]).certificate)
    with pytest.raises(SignatureError) as caught:
        state.check(signer(None, hosts[2]).certificate)
    assert caught.value.code == "certificate-limit"
