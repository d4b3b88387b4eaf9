"""Names in certificates, and the patterns by which a verifier says which of them it means.

A pattern is a name, compared exactly, or a name with `*` for one or more characters of one part of
it. It is always anchored at both ends, and it always names the domain: what fits any host is no
identity. There are no regular expressions: an unanchored one is the classic hole. No I/O.

Source: `spec/envelope.md`, section "Identities"; RFC 5280, section 4.2.1.6.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from provenance.errors import UsageError, shown

__all__ = ["Identity", "IdentityKind", "IdentityPattern"]

IdentityKind = Literal["email", "uri", "dns", "other"]
"""Which kind of subject alternative name: `other` is the otherName of Sigstore."""

#: Longest name or pattern, in characters.
MAX_IDENTITY_CHARACTERS = 2_048
#: Most wildcards of one pattern.
MAX_WILDCARDS = 8


@dataclass(frozen=True, slots=True)
class Identity:
    """One name in a certificate."""

    kind: IdentityKind
    """Which kind of name."""

    value: str
    """The name as it stands in the certificate."""


@dataclass(frozen=True, slots=True)
class IdentityPattern:
    """Which name a verifier asks for.

    Raises:
        UsageError: It is empty or too long, not printable, or could fit names of any domain.
    """

    pattern: str
    """The name, or a name with `*`."""

    kind: IdentityKind | None = None
    """Which kind of name; `None` for any kind."""

    def __post_init__(self) -> None:
        """Refuse what would trust too many."""
        problem = _problem(self.pattern)
        if self.kind is not None and self.kind not in get_args(IdentityKind):
            problem = f"expected a kind of {', '.join(get_args(IdentityKind))}"
        if problem:
            raise UsageError(
                path="identity",
                problem=f"{shown(self.pattern)}: {problem}",
                remedy="write the whole name; `*` may stand for a part of it, never for the domain",
            )

    def matches(self, identity: Identity) -> bool:
        """Return whether a name is the one asked for; letter case counts."""
        if self.kind not in {None, identity.kind}:
            return False
        if "*" not in self.pattern:
            return self.pattern == identity.value
        parts = (re.escape(part) for part in self.pattern.split("*"))
        return re.fullmatch(r"[^/@?#\x00-\x20]+".join(parts), identity.value) is not None


def _problem(pattern: object) -> str:
    """Return what is wrong with a pattern; empty if nothing is."""
    if not isinstance(pattern, str) or not 0 < len(pattern) <= MAX_IDENTITY_CHARACTERS:
        return f"expected a name of 1 to {MAX_IDENTITY_CHARACTERS} characters"
    if not pattern.isprintable() or pattern != pattern.strip():
        return "expected printable characters without blanks around them"
    if pattern.count("*") > MAX_WILDCARDS or "**" in pattern:
        return f"at most {MAX_WILDCARDS} wildcards, no two side by side: `*` fits within one part"
    if "*" in _domain(pattern):
        return "the domain may hold no wildcard"
    return ""


def _domain(pattern: str) -> str:
    """Return the part that must stand there in full: scheme and host, or what follows the `@`."""
    scheme, separator, rest = pattern.partition("://")
    if separator:
        return scheme + rest.partition("/")[0]
    if "@" in pattern:
        return pattern.rpartition("@")[2]
    # A DNS name: its first label may be a wildcard, and at least two more must be there.
    first, _, others = pattern.partition(".")
    return others if first == "*" and "." in others else pattern
