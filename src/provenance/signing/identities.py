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
# What no wildcard covers.
_DIVIDERS = re.compile(r"([/@?#\x00-\x20])")


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
        problem = _problem(self.pattern, literal=self.literal)
        if self.kind is not None and self.kind not in get_args(IdentityKind):
            problem = f"expected a kind of {', '.join(get_args(IdentityKind))}"
        if problem:
            raise UsageError(
                path="identity",
                problem=f"{shown(self.pattern)}: {problem}",
                remedy="write the whole name; `*` may stand for a part of it, never for the domain",
            )

    literal: bool = False
    """Whether `*` is a character like any other: a whole name is asked for, as others write it."""

    def matches(self, identity: Identity) -> bool:
        """Return whether a name is the one asked for; letter case counts."""
        if self.kind not in {None, identity.kind}:
            return False
        if self.literal or "*" not in self.pattern:
            return self.pattern == identity.value
        if len(identity.value) > MAX_IDENTITY_CHARACTERS:
            return False
        # A wildcard covers none of the characters that divide a name, so these have to agree one
        # by one, and what lies between two of them is compared by itself.
        ours, theirs = _DIVIDERS.split(self.pattern), _DIVIDERS.split(identity.value)
        return (
            len(ours) == len(theirs)
            and ours[1::2] == theirs[1::2]
            and all(map(_fits, ours[::2], theirs[::2]))
        )


def _problem(pattern: object, *, literal: bool) -> str:
    """Return what is wrong with a pattern; empty if nothing is."""
    if not isinstance(pattern, str) or not 0 < len(pattern) <= MAX_IDENTITY_CHARACTERS:
        return f"expected a name of 1 to {MAX_IDENTITY_CHARACTERS} characters"
    if not pattern.isprintable() or pattern != pattern.strip():
        return "expected printable characters without blanks around them"
    if literal:
        return ""
    if pattern.count("*") > MAX_WILDCARDS or "**" in pattern:
        return f"at most {MAX_WILDCARDS} wildcards, no two side by side: `*` fits within one part"
    if "*" in _domain(pattern):
        return "the domain may hold no wildcard"
    return ""


def _fits(pattern: str, text: str) -> bool:
    """Return whether a text is the pattern's, with one or more characters for each `*`.

    Every piece between two wildcards is looked for where it stands first: a later place would
    leave less for what follows. So the time grows with the length alone.
    """
    first, *pieces = pattern.split("*")
    if not pieces:
        return pattern == text
    if not text.startswith(first):
        return False
    position = len(first)
    for piece in pieces[:-1]:
        position = text.find(piece, position + 1)
        if position < 0:
            return False
        position += len(piece)
    return text.endswith(pieces[-1]) and position < len(text) - len(pieces[-1])


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
