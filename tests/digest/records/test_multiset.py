"""The digest that does not depend on the order, and on nothing but what is there how often."""

from __future__ import annotations

from hashlib import sha256
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.digest.records.multiset import PRIME, MultisetHash
from provenance.errors import DigestError

DIGESTS = [sha256(bytes([n])).digest() for n in range(9)]


def state(*digests: bytes) -> MultisetHash:
    made = MultisetHash()
    made.update(digests)
    return made


@pytest.mark.parametrize(
    "data",
    [b"", bytes(391), bytes(393), bytes(392), bytes(8) + PRIME.to_bytes(384, "little")],
    ids=["empty", "short", "long", "zero", "prime"],
)
def test_refuses_what_is_no_state(data: bytes) -> None:
    with pytest.raises(DigestError) as caught:
        MultisetHash.from_bytes(data)
    assert caught.value.code == "digest-format"


@pytest.mark.parametrize("number", [PRIME, (PRIME - 1) // 2])
def test_prime_is_safe(number: int) -> None:
    # Miller and Rabin, with fixed bases; in a group with small subgroups, repeats would collide.
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for base in (2, 3, 5, 7):
        powers = [pow(base, odd << times, number) for times in range(twos)]
        assert powers[0] == 1 or number - 1 in powers


@pytest.mark.property
@given(st.permutations(DIGESTS))
def test_order_does_not_matter(digests: list[bytes]) -> None:
    assert state(*digests).hexdigest() == state(*DIGESTS).hexdigest()


@pytest.mark.property
@given(
    st.lists(st.sampled_from(DIGESTS), max_size=6), st.lists(st.sampled_from(DIGESTS), max_size=6)
)
def test_equal_only_for_the_same_records_as_often(ones: list[bytes], others: list[bytes]) -> None:
    is_equal = state(*ones).hexdigest() == state(*others).hexdigest()
    assert is_equal == (sorted(ones) == sorted(others))


@pytest.mark.property
@given(st.lists(st.sampled_from(DIGESTS), max_size=9), st.integers(0, 9))
def test_parts_computed_apart_are_merged(digests: list[bytes], at: int) -> None:
    apart = MultisetHash.from_bytes(state(*digests[at:]).to_bytes())
    merged = state(*digests[:at]).merge(apart)
    assert merged.to_bytes() == state(*digests).to_bytes()
    assert merged.count == len(digests)


def test_many_copies_of_one_record_are_not_many_of_another() -> None:
    # A sum of 16-bit lanes comes back to nothing after 2^16 copies.
    copies = 1 << 16
    one, other = (state(*[digest] * copies) for digest in DIGESTS[:2])
    assert one.count == other.count == copies
    assert one.hexdigest() != other.hexdigest()


def test_state_is_the_product_modulo_the_prime() -> None:
    digests = [Random(n).randbytes(32) for n in range(200)]  # noqa: S311 - data of a test
    product = 1
    for digest in digests:
        product = product * int.from_bytes(state(digest).to_bytes()[8:], "little") % PRIME
    assert state(*digests).to_bytes() == (200).to_bytes(8, "big") + product.to_bytes(384, "little")
