"""Step 25: the rungs that a policy requires of facts and of whole parts.

A requirement that is not met is not checked, not contradicted: the verdict is INCOMPLETE.

Source: `spec/trust-policy.md`, section "Requirements".
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from provenance.canonical import join_pointer
from provenance.checks.facts import facts_of, is_at_least, parts_of
from provenance.checks.parts import RUNGS
from provenance.digest import COUNTED
from provenance.errors import shown
from provenance.findings import Finding
from provenance.trust import to_pointer_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provenance.checks.evidence import Evidence
    from provenance.checks.facts import Fact
    from provenance.manifest import Disclosure
    from provenance.trust import Requirement, TrustPolicy

__all__ = ["check_required_rungs"]

#: What a place says that a requirement matches nothing; no rung has this name.
NOTHING: Final = "nothing"


def check_required_rungs(evidence: Evidence, policy: TrustPolicy) -> Iterator[Finding]:
    """Step 25: every fact that the policy requires stands high enough.

    Codes: `requirement-not-met`.
    """
    if evidence.source == "draft":
        return
    if policy.ancestors is not None and policy.ancestors.bound:
        yield from _unbound_ancestors(evidence)
    if not (policy.requirements or policy.part_requirements):
        return
    facts = facts_of(evidence)
    standing_places = _Places(evidence, facts)
    for requirement in policy.requirements:
        places = standing_places.rungs(to_pointer_pattern(requirement.pattern))
        unmet = [(place, rung) for place, rung in places if not _is_met(rung, requirement, policy)]
        if unmet:
            yield _not_met(requirement, unmet)
    standing = {part.part.id: part.rung for part in parts_of(facts)}
    for requirement in policy.part_requirements:
        rung = standing[requirement.pattern]
        if not _is_met(rung, requirement, policy):
            yield _not_met(requirement, [("", rung)])


def _unbound_ancestors(evidence: Evidence) -> Iterator[Finding]:
    for index, one in enumerate(evidence.manifest.model.base_models):
        digests = {**(one.manifest or {}), **(one.release or {})}
        if digests.keys().isdisjoint(COUNTED):
            message = f"no digest of its manifest or release binds the base model {shown(one.name)}"
            yield Finding("requirement-not-met", f"/model/baseModels/{index}", message)


def _is_met(rung: str | None, requirement: Requirement, policy: TrustPolicy) -> bool:
    if rung is None:
        return policy.not_applicable_is_met
    if rung == NOTHING:
        return policy.empty_is_met
    return is_at_least(rung, requirement.rung)


def _not_met(requirement: Requirement, unmet: list[tuple[str, str | None]]) -> Finding:
    place, rung = unmet[0]
    found = {None: "does not apply", NOTHING: "there is nothing that it matches"}.get(
        rung, f"it is {rung}"
    )
    more = f", and {len(unmet) - 1} more places" if len(unmet) > 1 else ""
    message = f"{requirement.pattern}: {requirement.rung} is required, and {found}{more}"
    return Finding("requirement-not-met", place, message)


def _is_empty(value: object) -> bool:
    """Return whether a value says nothing: absent, or with nothing in it at any depth."""
    if isinstance(value, Mapping):
        return all(map(_is_empty, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_is_empty, value))
    return value is None or value == ""


class _Places:
    """The places of one manifest with their rungs, found without looking through all of them."""

    def __init__(self, evidence: Evidence, facts: tuple[Fact, ...]) -> None:
        self._tree = evidence.tree
        self._facts: dict[str, list[str | None]] = {}
        for fact in facts:
            self._facts.setdefault(fact.path, []).append(fact.rung)
        self._paths = sorted(self._facts)
        self._disclosures: dict[str, Disclosure] = {}
        for disclosure in evidence.manifest.disclosures:
            self._disclosures.setdefault(disclosure.path, disclosure)

    def rungs(self, pattern: str) -> Iterator[tuple[str, str | None]]:
        """Yield each place that a pattern names, with its rung; `NOTHING` where no list item is."""
        tokens = pattern.split("/")[1:]
        places: list[tuple[str, Any]] = [("", self._tree)]
        for index, name in enumerate(tokens):
            found: list[tuple[str, Any]] = []
            for place, value in places:
                if name == "*" and isinstance(value, list | tuple) and value:
                    found.extend((f"{place}/{number}", item) for number, item in enumerate(value))
                elif isinstance(value, Mapping) and not _is_empty(value.get(name)):
                    found.append((place + join_pointer(name), value[name]))
                else:
                    yield self._hole(place, tokens[index:])
            places = found
        for place, _ in places:
            yield place, self._stated(place)

    def _hole(self, place: str, left: list[str]) -> tuple[str, str | None]:
        """Return what is not stated; where a list would come, there is nothing to hold the fact."""
        names = left[: left.index("*")] if "*" in left else left
        whole = place + join_pointer(*names)
        return whole, self._disclosed(whole, NOTHING if "*" in left else "absent")

    def _stated(self, place: str) -> str | None:
        """Return the rung of the fact itself, else of all facts in it, else of words."""
        inside = self._facts.get(place) or self._below(place)
        rungs = [rung for rung in inside if rung is not None]
        if inside and not rungs:
            return None
        return min(rungs, key=RUNGS.index, default="declared")

    def _below(self, place: str) -> list[str | None]:
        # All that begins with `place/` stands together: `0` is the character after `/`.
        start = bisect_left(self._paths, f"{place}/")
        end = bisect_left(self._paths, f"{place}0")
        return [rung for path in self._paths[start:end] for rung in self._facts[path]]

    def _disclosed(self, place: str, otherwise: str) -> str | None:
        """Return the rung of what is not stated, by a disclosure of it or of all around it."""
        while place and place not in self._disclosures:
            place = place.rpartition("/")[0]
        disclosure = self._disclosures.get(place)
        if disclosure is None:
            return otherwise
        if disclosure.status == "notApplicable":
            return None
        return "withheld" if disclosure.commitment is None else "sealed"
