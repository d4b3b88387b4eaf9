"""Counting signatures: k of n different signers, by name, by person and by key material. No I/O.

Source: `spec/trust-policy.md`, section "Thresholds".
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from itertools import combinations
from typing import TYPE_CHECKING, TypeAlias

from provenance.canonical import MAX_VOTE_STEPS, MAX_VOTE_TRIPLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from provenance.signing import VerifiedSigner

__all__ = ["count_votes"]

_Triple: TypeAlias = "tuple[str, str, str]"


def count_votes(signatures: Iterable[tuple[str, VerifiedSigner]]) -> int:
    """Return how many different signers stand behind one payload.

    One signature is a triple of a name in the policy, a person (the identity, or the key) and a
    key. The count is the most triples that can be chosen so that no two share any of the three. So
    one person with two keys counts once, one key under two names does, and so do two people who fit
    one name of the policy. Where too many triples hang together to try every choice, the count is
    that of a good choice, and never too large.

    Args:
        signatures: For each signature the name of the signer in the policy, and who that proved to
            be; a signature that fits several names stands there for each of them.
    """
    triples = sorted({(name, who.person, who.fingerprint) for name, who in signatures})
    return sum(_count_group(group) for group in _groups(triples))


def _groups(triples: Sequence[_Triple]) -> Iterator[list[_Triple]]:
    """Yield the triples that hang together by what they share, directly or by others."""
    roots = {place: place for triple in triples for place in enumerate(triple)}

    def root(place: tuple[int, str]) -> tuple[int, str]:
        while roots[place] != place:
            roots[place] = roots[roots[place]]
            place = roots[place]
        return place

    for triple in triples:
        first, *others = (root(place) for place in enumerate(triple))
        for other in others:
            roots[root(other)] = root(first)
    groups: dict[tuple[int, str], list[_Triple]] = {}
    for triple in triples:
        groups.setdefault(root((0, triple[0])), []).append(triple)
    yield from groups.values()


def _count_group(group: Sequence[_Triple]) -> int:
    """Return the most triples of a group of which no two share anything, or nearly so many."""
    # Of each two columns as many as can be paired: no choice is larger.
    most = min(
        _count_pairs((triple[one], triple[other]) for triple in group)
        for one, other in combinations(range(3), 2)
    )
    chosen = _choose(group)
    if chosen == most or len(group) > MAX_VOTE_TRIPLES:
        return chosen
    return _Search(group, most, chosen).best


def _choose(group: Sequence[_Triple]) -> int:
    """Return how many triples a good choice has: those that bar the fewest others go first."""
    holders: dict[tuple[int, str], set[_Triple]] = {}
    for triple in group:
        for place in enumerate(triple):
            holders.setdefault(place, set()).add(triple)

    def bars(triple: _Triple) -> int:
        return sum(len(holders[place]) for place in enumerate(triple))

    waiting = [(bars(triple), triple) for triple in group]
    heapify(waiting)
    left = set(group)
    count = 0
    while waiting:
        _, triple = heappop(waiting)
        if triple not in left:
            continue
        count += 1
        barred = set().union(*(holders[place] for place in enumerate(triple)))
        left -= barred
        for gone in barred:
            for place in enumerate(gone):
                holders[place].discard(gone)
                if len(holders[place]) == 1:  # it has no other choice any more: it goes before
                    (last,) = holders[place]
                    heappush(waiting, (bars(last), last))
    return count


class _Search:
    """Tries every choice of a small group, as far as the steps go."""

    def __init__(self, group: Sequence[_Triple], most: int, best: int) -> None:
        self.best = best
        self._most = most
        self._steps = MAX_VOTE_STEPS
        by_name: dict[str, list[_Triple]] = {}
        for triple in group:
            by_name.setdefault(triple[0], []).append(triple)
        self._rows = sorted(by_name.values(), key=len)
        self._try(0, 0, frozenset())

    def _try(self, row: int, count: int, taken: frozenset[tuple[int, str]]) -> None:
        self.best = max(self.best, count)
        self._steps -= 1
        ahead = count + len(self._rows) - row
        if self._steps <= 0 or ahead <= self.best or self.best == self._most:
            return
        for _, person, key in self._rows[row]:
            places = {(1, person), (2, key)}
            if not places & taken:
                self._try(row + 1, count + 1, taken | places)
        self._try(row + 1, count, taken)


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
