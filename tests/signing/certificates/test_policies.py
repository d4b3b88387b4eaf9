"""Certificate policies: PKITS shows the rules, these show the edges and the bounds."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from provenance.errors import SignatureError
from provenance.signing.certificates import ANY_POLICY, CODE_SIGNING
from provenance.signing.certificates.policies import policy_mappings
from support.certificates import Issued, authority, holds, policies, signer, validate

ONE, TWO, THREE = "1.3.6.1.4.1.55555.1", "1.3.6.1.4.1.55555.2", "1.3.6.1.4.1.55555.3"
EXPLICIT = replace(CODE_SIGNING, explicit_policy=True)


def element(tag: int, *parts: bytes) -> bytes:
    contents = b"".join(parts)
    size = len(contents)
    header = bytes([size]) if size < 128 else b"\x82" + size.to_bytes(2, "big")
    return bytes([tag]) + header + contents


def oid(text: str) -> bytes:
    usage = x509.ExtendedKeyUsage([x509.ObjectIdentifier(text)]).public_bytes()
    return usage[2:]


def mapping(*pairs: tuple[str, str]) -> x509.UnrecognizedExtension:
    inner = [element(0x30, oid(one), oid(other)) for one, other in pairs]
    return raw_mapping(element(0x30, *inner))


def raw_mapping(data: bytes) -> x509.UnrecognizedExtension:
    return x509.UnrecognizedExtension(ExtensionOID.POLICY_MAPPINGS, data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x30\x00",
        element(0x30, oid(ONE)),
        element(0x30, element(0x30, oid(ONE))),
        element(0x30, element(0x30, oid(ONE), oid(TWO), oid(THREE))),
        element(0x30, element(0x31, oid(ONE), oid(TWO))),
        element(0x30, element(0x30, oid(ONE), oid(TWO))) + b"\0",
        element(0x30, element(0x30, element(0x06, b"\x80\x01"), oid(TWO))),
    ],
    ids=["nothing", "empty", "no-pair", "one", "three", "set", "junk", "identifier"],
)
def test_malformed_mappings_are_refused(data: bytes) -> None:
    root = authority(None, "root")
    middle = authority(root, "middle", policies(ONE), raw_mapping(data))
    with pytest.raises(SignatureError) as caught:
        validate(signer(middle), root, middle)
    assert caught.value.code == "certificate-malformed"


def test_mappings_are_read() -> None:
    found = authority(None, "root", mapping((ONE, TWO), (ONE, THREE), (TWO, THREE)))
    assert policy_mappings(found.certificate) == {ONE: {TWO, THREE}, TWO: {THREE}}


@pytest.mark.parametrize("pair", [(ANY_POLICY, ONE), (ONE, ANY_POLICY)], ids=["from", "to"])
def test_mapping_from_or_to_any_policy_is_refused(pair: tuple[str, str]) -> None:
    root = authority(None, "root")
    middle = authority(root, "middle", policies(ONE), mapping(pair))
    with pytest.raises(SignatureError) as caught:
        validate(signer(middle, extra=[policies(ONE)]), root, middle)
    assert caught.value.code == "certificate-policy"


def test_policies_that_hold_are_told() -> None:
    root = authority(None, "root")
    middle = authority(root, "middle", policies(ONE, TWO))
    leaf = signer(middle, extra=[policies(TWO, THREE)])
    assert validate(leaf, root, middle).policies == {TWO}
    only = replace(EXPLICIT, acceptable_policies=frozenset({ONE}))
    with pytest.raises(SignatureError) as caught:
        validate(leaf, root, middle, purpose=only)
    assert caught.value.code == "certificate-policy"


def test_mappings_of_an_authority_without_policies_give_none() -> None:
    root = authority(None, "root")
    middle = authority(root, "middle", mapping((ONE, TWO)))
    leaf = signer(middle, extra=[policies(TWO)])
    assert validate(leaf, root, middle).policies == frozenset()


def test_any_policy_is_mapped_where_the_policy_itself_is_not_named() -> None:
    root = authority(None, "root")
    middle = authority(root, "middle", policies(ANY_POLICY), mapping((ONE, TWO)))
    leaf = signer(middle, extra=[policies(TWO)])
    assert validate(leaf, root, middle, purpose=EXPLICIT).policies == {ONE}


def test_policy_is_known_by_the_name_of_the_anchor() -> None:
    root = authority(None, "root")
    middle = authority(root, "middle", policies(ONE), mapping((ONE, TWO)))
    leaf = signer(middle, extra=[policies(TWO)])
    wanted = replace(EXPLICIT, acceptable_policies=frozenset({ONE}))
    assert validate(leaf, root, middle, purpose=wanted).policies == {ONE}
    wanted = replace(EXPLICIT, acceptable_policies=frozenset({TWO}))
    with pytest.raises(SignatureError):
        validate(leaf, root, middle, purpose=wanted)


@pytest.mark.parametrize(
    "constraints",
    [
        x509.PolicyConstraints(require_explicit_policy=0, inhibit_policy_mapping=None),
        x509.PolicyConstraints(require_explicit_policy=1, inhibit_policy_mapping=0),
    ],
    ids=["at-once", "after-one"],
)
def test_anchor_may_require_policies(constraints: x509.PolicyConstraints) -> None:
    root = authority(None, "root", (constraints, True))
    good = authority(root, "middle", policies(ONE))
    assert holds(signer(good, extra=[policies(ONE)]), root, good)
    bare = authority(root, "middle")
    with pytest.raises(SignatureError) as caught:
        validate(signer(bare), root, bare)
    assert caught.value.code == "certificate-policy"


def test_policies_of_the_anchor_itself_do_not_count() -> None:
    root = authority(None, "root", policies(ONE), mapping((ONE, TWO)))
    leaf = signer(root, extra=[policies(THREE)])
    assert validate(leaf, root, purpose=EXPLICIT).policies == {THREE}


def test_any_policy_is_inhibited_from_where_it_says() -> None:
    inhibited = x509.InhibitAnyPolicy(0)
    root = authority(None, "root", (inhibited, True))
    leaf = signer(root, extra=[policies(ANY_POLICY)])
    with pytest.raises(SignatureError):
        validate(leaf, root, purpose=EXPLICIT)
    assert validate(leaf, root).policies == frozenset()
    free = authority(None, "root", key=root.key)
    assert validate(leaf, free, purpose=EXPLICIT).policies == {ANY_POLICY}


def test_mappings_of_all_to_all_do_not_grow_with_the_chain() -> None:
    # A tree would have 30^7 leaves; the graph has 30 nodes a level (RFC 9618, section 2).
    numbers = [f"1.3.6.1.4.1.55555.{number}" for number in range(30)]
    all_to_all = mapping(*((one, other) for one in numbers for other in numbers))
    root = authority(None, "root")
    line: list[Issued] = [root]
    for number in range(7):
        line.append(authority(line[-1], f"level {number}", policies(*numbers), all_to_all))
    chain = validate(signer(line[-1], extra=[policies(*numbers)]), root, *line[1:])
    assert chain.policies == set(numbers)
