"""Certificate policies of a chain: which hold for all of it, with mappings and inhibitions.

The graph of RFC 9618, not the tree of RFC 5280: the outcome is the same, and a level has one node a
policy, so that nobody can make it grow exponentially. Qualifiers are not kept.

Source: RFC 5280, section 6.1, as updated by RFC 9618, section 5. No I/O.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from provenance.signing.certificates.der import (
    OBJECT_IDENTIFIER,
    SEQUENCE,
    children,
    dotted,
    elements,
)
from provenance.signing.certificates.extensions import extension, extensions_of
from provenance.signing.certificates.model import ANY_POLICY
from provenance.signing.certificates.refusals import refused

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from provenance.signing.certificates.model import Purpose

__all__ = ["PolicyState", "policy_mappings"]


@dataclass(slots=True)
class _Node:
    """One policy on one level of the graph."""

    expected: set[str]
    """The policies of the next certificate that satisfy this one (expected_policy_set)."""

    parents: set[str] = field(default_factory=set)
    """The policies of the level above that this one comes from."""


_Level = dict[str, _Node]


class PolicyState:
    """The policy variables of path validation, from the anchor down to the leaf.

    Args:
        purpose: The policies that are asked for.
        length: How many certificates follow the anchor.
    """

    def __init__(self, purpose: Purpose, length: int) -> None:
        """Set the variables as RFC 5280, section 6.1.2 (a), (d) to (f), has them."""
        self._purpose = purpose
        self._levels: list[_Level] | None = [{ANY_POLICY: _Node({ANY_POLICY})}]
        self._explicit = 0 if purpose.explicit_policy else length + 1
        self._inhibit_any = 0 if purpose.inhibit_any_policy else length + 1
        self._mapping = 0 if purpose.inhibit_policy_mapping else length + 1

    def process(self, certificate: Certificate, *, any_policy_allowed: bool) -> None:
        """Take in the policies of the next certificate (section 6.1.3 (d) to (f)).

        Args:
            certificate: The certificate.
            any_policy_allowed: Whether it is self-issued and not the leaf, so that `anyPolicy`
                counts in it even where it is inhibited.

        Raises:
            SignatureError: Explicit policies are required, and none is left (code
                `certificate-policy`).
        """
        found = extension(certificate, x509.CertificatePolicies)
        if found is None:
            self._levels = None
        elif self._levels is not None:
            named = {policy.policy_identifier.dotted_string for policy in found}
            allowed = any_policy_allowed or self._inhibit_any > 0
            self._levels.append(_next_level(self._levels[-1], named, any_policy=allowed))
            self._prune()
        if self._explicit == 0 and self._levels is None:
            raise refused("certificate-policy", "no certificate policy is left here", certificate)

    def prepare(self, certificate: Certificate, *, self_issued: bool) -> None:
        """Take in what an authority says of policies below it (section 6.1.4 (a), (b), (h) to (j)).

        Raises:
            SignatureError: It maps from or to `anyPolicy` (code `certificate-policy`), or its
                mappings are malformed (code `certificate-malformed`).
        """
        for source, targets in policy_mappings(certificate).items():
            if ANY_POLICY in {source, *targets}:
                raise refused("certificate-policy", "a mapping from or to anyPolicy", certificate)
            self._map(source, targets)
        self._prune()
        if not self_issued:  # (h): self-issued certificates do not count
            self._explicit = max(0, self._explicit - 1)
            self._mapping = max(0, self._mapping - 1)
            self._inhibit_any = max(0, self._inhibit_any - 1)
        self.constrain(certificate)

    def constrain(self, certificate: Certificate) -> None:
        """Take in the policy constraints of an authority (section 6.1.4 (i), (j)).

        An anchor has its say here alone (RFC 5937, section 3.2); its own policies and mappings are
        not looked at, as whoever trusts it names the acceptable ones.
        """
        constraints = extension(certificate, x509.PolicyConstraints)
        if constraints is not None:
            if constraints.require_explicit_policy is not None:
                self._explicit = min(self._explicit, constraints.require_explicit_policy)
            if constraints.inhibit_policy_mapping is not None:
                self._mapping = min(self._mapping, constraints.inhibit_policy_mapping)
        inhibited = extension(certificate, x509.InhibitAnyPolicy)
        if inhibited is not None:
            self._inhibit_any = min(self._inhibit_any, inhibited.skip_certs)

    def finish(self, leaf: Certificate) -> frozenset[str]:
        """Return the acceptable policies that hold for the whole chain (section 6.1.5).

        Raises:
            SignatureError: Explicit policies are required, and none holds (code
                `certificate-policy`), or the leaf's mappings are malformed (code
                `certificate-malformed`).
        """
        policy_mappings(leaf)  # they map nothing here, and are refused if they are malformed
        self._explicit = max(0, self._explicit - 1)
        constraints = extension(leaf, x509.PolicyConstraints)
        if constraints is not None and constraints.require_explicit_policy == 0:
            self._explicit = 0
        held = self._constrained()
        if self._explicit == 0 and not held:
            problem = "no certificate policy that is asked for holds for the whole chain"
            raise refused("certificate-policy", problem, leaf)
        return held

    def _map(self, source: str, targets: set[str]) -> None:
        """Map one policy to others, or drop it where mapping is inhibited (section 6.1.4 (b))."""
        if self._levels is None:
            return
        level = self._levels[-1]
        if self._mapping == 0:
            level.pop(source, None)
        elif source in level:
            level[source].expected = targets
        elif ANY_POLICY in level:
            level[source] = _Node(targets, {ANY_POLICY})

    def _prune(self) -> None:
        """Drop nodes from which nothing leads further down; with none left, the graph is gone."""
        if self._levels is None:
            return
        for above, below in zip(self._levels[-2::-1], self._levels[:0:-1], strict=True):
            used = {parent for node in below.values() for parent in node.parents}
            for policy in above.keys() - used:
                del above[policy]
        if not self._levels[-1]:
            self._levels = None

    def _constrained(self) -> frozenset[str]:
        """Return the user-constrained policy set (RFC 9618, section 5.4, step (g))."""
        if self._levels is None:
            return frozenset()
        wanted = self._purpose.acceptable_policies
        # The policies as the anchor's domain knows them: below anyPolicy only, never mapped to.
        own = {
            policy
            for level in self._levels[1:]
            for policy, node in level.items()
            if policy != ANY_POLICY and ANY_POLICY in node.parents
        }
        if ANY_POLICY in self._levels[-1]:
            return wanted if ANY_POLICY not in wanted else frozenset({ANY_POLICY})
        return frozenset(own if ANY_POLICY in wanted else own & wanted)


def policy_mappings(certificate: Certificate) -> dict[str, set[str]]:
    """Return which policies an authority maps to which others, dotted.

    Raises:
        SignatureError: The extension is malformed (code `certificate-malformed`).
    """
    mapped: dict[str, set[str]] = {}
    for found in extensions_of(certificate):
        if found.oid != ExtensionOID.POLICY_MAPPINGS:
            continue
        # A newer `cryptography` may know this extension; its DER is the same.
        data = found.value.public_bytes()
        try:
            for source, target in _pairs(data):
                mapped.setdefault(source, set()).add(target)
        except ValueError as error:
            problem = "its policy mappings are malformed"
            raise refused("certificate-malformed", problem, certificate) from error
    return mapped


def _pairs(data: bytes) -> list[tuple[str, str]]:
    # PolicyMappings = SEQUENCE OF SEQUENCE { issuerDomainPolicy, subjectDomainPolicy }
    pairs = []
    for tag, contents in children(data):
        parts = list(elements(contents))
        if tag != SEQUENCE or [kind for kind, _ in parts] != [OBJECT_IDENTIFIER] * 2:
            message = "expected two object identifiers"
            raise ValueError(message)
        pairs.append((dotted(parts[0][1]), dotted(parts[1][1])))
    if not pairs:
        message = "expected at least one mapping"
        raise ValueError(message)
    return pairs


def _next_level(above: _Level, named: set[str], *, any_policy: bool) -> _Level:
    """Return the next level of the graph (section 6.1.3 (d)(1) and (2))."""
    satisfied: dict[str, set[str]] = {}
    for policy, node in above.items():
        for expected in node.expected:
            satisfied.setdefault(expected, set()).add(policy)
    level: _Level = {}
    for policy in named - {ANY_POLICY}:
        if policy in satisfied:
            level[policy] = _Node({policy}, satisfied[policy])
        elif ANY_POLICY in above:
            level[policy] = _Node({policy}, {ANY_POLICY})
    if ANY_POLICY in named and any_policy:
        for policy, parents in satisfied.items():
            if policy not in level:
                level[policy] = _Node({policy}, parents)
    return level
