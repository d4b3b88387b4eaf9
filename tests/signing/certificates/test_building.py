"""The search for chains: every way is found, and nobody makes it endless."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from provenance.canonical.limits import MAX_CHAIN_CERTIFICATES, MAX_CHAIN_PATHS, MAX_CHAIN_STEPS
from provenance.errors import SignatureError
from provenance.signing.certificates import CODE_SIGNING, CertificatePool, validating
from provenance.signing.certificates.building import PathSearch
from support.certificates import DAY, NOW, Issued, authority, holds, issue, name, signer, validate

if TYPE_CHECKING:
    from collections.abc import Sequence


def paths(
    leaf: Issued, anchors: Sequence[Issued], between: Sequence[Issued] = ()
) -> list[tuple[x509.Certificate, ...]]:
    pool = CertificatePool(
        tuple(one.certificate for one in anchors), tuple(one.certificate for one in between)
    )
    return list(PathSearch(pool).paths(leaf.certificate))


def certificates(*issued: Issued) -> tuple[x509.Certificate, ...]:
    return tuple(one.certificate for one in issued)


def test_issuer_without_a_name_is_nobody() -> None:
    root = issue(None, "", [x509.BasicConstraints(ca=True, path_length=None)])
    assert paths(signer(root), [root]) == []


def test_unrelated_certificates_are_not_tried() -> None:
    root = authority(None, "root")
    others = [authority(None, f"other {number}") for number in range(30)]
    search = PathSearch(CertificatePool(certificates(root)), certificates(*others))
    leaf = signer(root)
    assert list(search.paths(leaf.certificate)) == [certificates(leaf, root)]
    assert search.failure is None


def test_ring_of_authorities_ends() -> None:
    one, other = authority(None, "one"), authority(None, "other")
    across = authority(other, "one", key=one.key)
    back = authority(one, "other", key=other.key)
    assert paths(signer(one), [authority(None, "root")], [one, other, across, back]) == []


def test_all_ways_over_cross_certificates_are_found() -> None:
    old, new = authority(None, "old root"), authority(None, "new root")
    middle = authority(old, "middle")
    across = authority(new, "middle", key=middle.key)
    leaf = signer(middle)
    found = paths(leaf, [old, new], [middle, across])
    assert set(found) == {certificates(leaf, middle, old), certificates(leaf, across, new)}


def test_second_way_is_taken_where_the_first_does_not_hold() -> None:
    old, new = authority(None, "old root", end=NOW - DAY / 2), authority(None, "new root")
    middle = authority(old, "middle")
    across = authority(new, "middle", key=middle.key)
    leaf = signer(middle)
    pool = CertificatePool(certificates(old, new), certificates(middle, across))
    chain = validating.validate_chain(leaf.certificate, pool=pool, at=NOW, purpose=CODE_SIGNING)
    assert chain.certificates == certificates(leaf, across, new)


def test_reason_is_that_of_the_likeliest_way() -> None:
    root = authority(None, "root", x509.SubjectKeyIdentifier(b"1" * 20), end=NOW - DAY / 2)
    other = authority(None, "root", x509.SubjectKeyIdentifier(b"2" * 20))
    hint = x509.AuthorityKeyIdentifier(b"1" * 20, None, None)
    leaf = signer(root, extra=[hint])
    for anchors in ((other, root), (root, other)):
        pool = CertificatePool(certificates(*anchors))
        with pytest.raises(SignatureError) as caught:
            validating.validate_chain(leaf.certificate, pool=pool, at=NOW, purpose=CODE_SIGNING)
        assert caught.value.code == "certificate-expired"


def test_wrong_key_identifier_does_not_hide_the_issuer() -> None:
    root = authority(None, "root", x509.SubjectKeyIdentifier(b"1" * 20))
    hint = x509.AuthorityKeyIdentifier(b"2" * 20, None, None)
    assert holds(signer(root, extra=[hint]), root)


def test_equal_certificates_are_one() -> None:
    root = authority(None, "root")
    middle = authority(root, "middle")
    leaf = signer(middle)
    assert paths(leaf, [root, root], [middle, middle, root]) == [certificates(leaf, middle, root)]


def test_chain_as_long_as_allowed_is_found_and_a_longer_one_is_not() -> None:
    root = authority(None, "root")
    line = [root]
    while len(line) < MAX_CHAIN_CERTIFICATES:
        line.append(authority(line[-1], f"authority {len(line)}"))
    assert holds(signer(line[-2]), root, *line[1:-1])
    with pytest.raises(SignatureError) as caught:
        validate(signer(line[-1]), root, *line[1:])
    assert caught.value.code == "certificate-untrusted"


def test_issuers_that_are_tried_are_bounded() -> None:
    # As many of one name as allowed, and one more; none of them issued the leaf.
    namesake = authority(None, "root")
    others = [authority(None, "root", key=namesake.key) for _ in range(MAX_CHAIN_STEPS + 1)]
    leaf = signer(authority(None, "root"))
    for count, code in ((0, "certificate-chain-signature"), (1, "certificate-limit")):
        pool = CertificatePool(certificates(*others[: MAX_CHAIN_STEPS + count]))
        with pytest.raises(SignatureError) as caught:
            validating.validate_chain(leaf.certificate, pool=pool, at=NOW, purpose=CODE_SIGNING)
        assert caught.value.code == code


def test_whole_chains_that_are_validated_are_bounded() -> None:
    keys = authority(None, "root")
    expired = [
        authority(None, "root", key=keys.key, start=NOW - 9 * DAY, end=NOW - DAY)
        for _ in range(MAX_CHAIN_PATHS)
    ]
    good = authority(None, "root", key=keys.key)
    leaf = signer(good)
    pool = CertificatePool(certificates(*expired[1:], good))
    found = validating.validate_chain(leaf.certificate, pool=pool, at=NOW, purpose=CODE_SIGNING)
    assert found.anchor == good.certificate
    pool = CertificatePool(certificates(*expired, good))
    with pytest.raises(SignatureError) as caught:
        validating.validate_chain(leaf.certificate, pool=pool, at=NOW, purpose=CODE_SIGNING)
    assert caught.value.code == "certificate-expired"


def test_layers_of_cross_certificates_cost_no_more_than_the_limit() -> None:
    # Two of each name on twelve levels, and no root above them: 2^12 ways to nowhere.
    layers = [[authority(None, "level 0"), authority(None, "level 0")]]
    for number in range(1, 13):
        below = []
        for _ in range(2):
            first = authority(layers[-1][0], f"level {number}")
            below += [first, authority(layers[-1][1], f"level {number}", key=first.key)]
        layers.append(below)
    every = [one for layer in layers[1:] for one in layer]
    leaf = signer(layers[-1][0])
    with pytest.raises(SignatureError) as caught:
        validate(leaf, authority(None, "root"), *every)
    assert caught.value.code in {"certificate-untrusted", "certificate-limit"}


def test_name_of_the_anchor_may_be_spelled_otherwise() -> None:
    root = authority(None, "Example Root")
    renamed = Issued(root.certificate, root.key)
    leaf = issue(
        renamed,
        "a signer",
        [x509.BasicConstraints(ca=False, path_length=None)],
        issuer_name=name("EXAMPLE  root"),
    )
    assert paths(leaf, [root]) == [certificates(leaf, root)]
