"""Counting signatures: k of n different signers, by name, by person and by key material. No I/O.

Source: `spec/trust-policy.md`, section "Thresholds".
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provenance.signing import VerifiedSigner

__all__ = ["count_votes"]


def count_votes(signatures: Iterable[tuple[str, VerifiedSigner]]) -> int:
    """Return how many different signers stand behind one payload.

    One signature is a triple of a name in the policy, a vote (the identity with its issuer, or the
    key) and a key. For each two of the three, as many signatures can be chosen as share neither;
    the count is the least of these numbers. So one person with two keys counts once, one key under
    two names does, and so do two people who fit one name of the policy. One more signature never
    makes the count smaller.

    Args:
        signatures: For each signature the name of the signer in the policy, and who that proved to
            be; a signature that fits several names stands there for each of them.
    """
    triples = [(name, signer.vote, signer.fingerprint) for name, signer in signatures]
    return min(
        _count_pairs((triple[one], triple[other]) for triple in triples)
        for one, other in combinations(range(3), 2)
    )


def _count_pairs(pairs: Iterable[tuple[str, str]]) -> int:
    """Return the size of a largest matching: pairs of which no two share a first or a second."""
    seconds_of: dict[str, dict[str, None]] = {}
    for first, second in pairs:
        seconds_of.setdefault(first, {})[second] = None
    taken: dict[str, str] = {}
    return sum(_assign(first, seconds_of, taken) for first in seconds_of)


def _assign(first: str, seconds_of: dict[str, dict[str, None]], taken: dict[str, str]) -> bool:
    """Give a first a second of its own, moving others to another of theirs where that helps."""
    # Kuhn's algorithm; with a stack of its own, because a chain may be as long as there are pairs.
    seen: set[str] = set()
    trail = [(first, iter(seconds_of[first]))]
    chosen: list[str] = []
    while trail:
        second = next((one for one in trail[-1][1] if one not in seen), None)
        if second is None:
            trail.pop()
            if chosen:
                chosen.pop()
            continue
        seen.add(second)
        chosen.append(second)
        if second not in taken:
            for (holder, _), won in zip(trail, chosen, strict=True):
                taken[won] = holder
            return True
        trail.append((taken[second], iter(seconds_of[taken[second]])))
    return False
