"""Laws of counting signatures: by person and by key material."""

from __future__ import annotations

from itertools import combinations

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from provenance.signing import KeyKind, PublicKey, VerifiedSigner, generate_private_key
from provenance.trust import count_votes

Signature = tuple[str, VerifiedSigner]


def bare(key: str) -> Signature:
    return f"key {key}", VerifiedSigner("key", key, "ed25519")


def named(identity: str, key: str, issuer: str = "ca", name: str = "") -> Signature:
    signer = VerifiedSigner("certificate", key, "ed25519", identity, issuer)
    return name or f"{identity} of {issuer}", signer


SIGNERS = st.lists(
    st.builds(bare, st.sampled_from("1234"))
    | st.builds(
        named,
        st.sampled_from("ABCD"),
        st.sampled_from("1234"),
        name=st.sampled_from(["", "team", "other"]),
    ),
    max_size=7,
)


@pytest.mark.parametrize(
    ("signers", "count"),
    [
        pytest.param([], 0, id="nobody"),
        pytest.param([bare("1")], 1, id="one"),
        pytest.param([bare("1"), bare("1")], 1, id="one key twice"),
        pytest.param([bare("1"), bare("2")], 2, id="two keys"),
        pytest.param([named("A", "1"), named("A", "2")], 1, id="one person with two keys"),
        pytest.param([named("A", "1"), named("B", "1")], 1, id="two names of one key"),
        pytest.param([bare("1"), named("A", "1")], 1, id="a key, bare and in a certificate"),
        pytest.param([named("A", "1"), named("A", "2", "ca2")], 1, id="one name, two authorities"),
        pytest.param(
            [named("A", "1"), named("A", "2"), named("A", "3"), named("B", "1"), named("C", "1")],
            2,
            id="three names and three keys that make two pairs",
        ),
        pytest.param(
            [named("A", "1"), named("A", "2"), named("B", "1")], 2, id="a pair that has to move"
        ),
        pytest.param(
            [named("A", "1", name="team"), named("B", "2", name="team")],
            1,
            id="two people of one name",
        ),
        pytest.param(
            [named("A", "1", name="team"), named("A", "2", name="other")],
            1,
            id="one person of two names",
        ),
        pytest.param(
            [named("A", "1", name="team"), named("B", "2", name="team"), named("B", "2")],
            2,
            id="two people, one of them by another name too",
        ),
    ],
)
def test_count(signers: list[Signature], count: int) -> None:
    assert count_votes(signers) == count
    assert count_votes(reversed(signers)) == count


def test_a_long_chain_is_counted_without_recursion() -> None:
    chain = [named(f"p{n}", f"k{n + step}") for n in range(3_000) for step in (1, 0)]
    assert count_votes([*chain, named("last", "k0")]) == 3_001


def test_three_pairings_of_three_are_no_three_signers() -> None:
    # Each two columns pair up three times, and no three triples share nothing.
    triples = ("aA1", "aB2", "bA2", "bB1", "cC1", "cA3", "aC3")
    signers = [named(person, key, name=name) for name, person, key in map(tuple, triples)]
    assert count_votes(signers) == best(signers) == 2
    fewer = [
        named(person, key, name=name)
        for name, person, key in map(tuple, ("aA1", "bB1", "aB2", "bA2"))
    ]
    assert count_votes(fewer) == best(fewer) == 1


def test_a_person_of_certificates_and_one_of_keyless_signatures_are_two() -> None:
    keyless = VerifiedSigner("keyless", "2", "ed25519", "A", "https://issuer")
    assert count_votes([named("A", "1"), ("other", keyless)]) == 2


def test_many_that_hang_together_are_counted_and_never_too_many() -> None:
    names = [f"n{index}" for index in range(60)]
    signers = [named(f"p{one}", f"k{one}", name=name) for name in names for one in range(60)]
    assert count_votes(signers) == 60
    assert count_votes(signers[:600]) <= 10


def best(signers: list[Signature]) -> int:
    """Return the same by trying every choice."""
    triples = sorted({(name, signer.person, signer.fingerprint) for name, signer in signers})
    for size in range(len(triples), 0, -1):
        for chosen in combinations(triples, size):
            if all(len(set(column)) == size for column in zip(*chosen, strict=True)):
                return size
    return 0


@pytest.mark.property
@given(SIGNERS)
def test_the_count_is_that_of_the_best_choice(signers: list[Signature]) -> None:
    assert count_votes(signers) == best(signers)


@pytest.mark.property
@given(SIGNERS, SIGNERS)
def test_one_more_signature_never_counts_less(
    signers: list[Signature], more: list[Signature]
) -> None:
    assert count_votes(signers) <= count_votes([*signers, *more])
    assert count_votes([*signers, *more]) <= count_votes(signers) + len(more)


@pytest.mark.property
@given(SIGNERS, st.randoms(use_true_random=False))
def test_order_and_repetition_do_not_count(signers: list[Signature], random: object) -> None:
    shuffled = [*signers, *signers]
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # what hypothesis hands out
    assert count_votes(shuffled) == count_votes(signers)


@pytest.mark.parametrize("kind", ["ecdsa-p256", "ecdsa-p384", "ed25519"])
def test_one_key_counts_once_in_every_encoding(kind: KeyKind) -> None:
    key = generate_private_key(kind).public_key
    handle = serialization.load_pem_public_key(key.to_pem())
    line = handle.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    forms = [
        PublicKey.from_pem(key.to_pem()),
        PublicKey.from_der(key.spki),
        PublicKey.from_handle(serialization.load_ssh_public_key(line)),
    ]
    signers = [
        (str(number), VerifiedSigner("key", form.fingerprint, form.scheme))
        for number, form in enumerate(forms)
    ]
    assert count_votes(signers) == 1
