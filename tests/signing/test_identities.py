"""Tests of names in certificates and the patterns that ask for them."""

from __future__ import annotations

import re
from itertools import product

import pytest

from provenance.errors import UsageError
from provenance.signing import Identity, IdentityPattern

REFUSED = {
    "nothing": "",
    "a lone wildcard": "*",
    "any host of a URI": "https://*/org/repo",
    "any scheme": "*://github.com/org",
    "part of a host": "https://*.example.org/x",
    "any e-mail domain": "me@*",
    "part of an e-mail domain": "me@*.org",
    "every host of a top-level domain": "*.org",
    "a wildcard inside a DNS name": "build.*.example.org",
    "two wildcards side by side": "https://example.org/**",
    "more wildcards than anybody needs": "https://example.org/" + "/".join("*" * 9),
    "blanks around it": " me@example.org",
    "a control character": "me@example.org\n",
    "too long": "a" * 2_049,
}

MATCHED = {
    "the same e-mail": ("me@example.org", Identity("email", "me@example.org")),
    "a part of a path": (
        "https://github.com/org/repo/.github/workflows/train.yml@refs/tags/*",
        Identity("uri", "https://github.com/org/repo/.github/workflows/train.yml@refs/tags/v1"),
    ),
    "a first label": ("*.example.org", Identity("dns", "build.example.org")),
    "a local part": ("*@example.org", Identity("email", "anybody@example.org")),
}

UNMATCHED = {
    "something before it": ("me@example.org", Identity("email", "evil+me@example.org")),
    "something behind it": ("me@example.org", Identity("email", "me@example.org.evil.com")),
    "another letter case": ("me@example.org", Identity("email", "Me@example.org")),
    "a line feed behind it": ("*@example.org", Identity("email", "me@example.org\n")),
    "a dot is a dot": ("*@example.org", Identity("email", "me@exampleXorg")),
    "a wildcard never spans a part": (
        "https://example.org/*/train",
        Identity("uri", "https://example.org/a/b/train"),
    ),
    "a wildcard is never empty": ("*@example.org", Identity("email", "@example.org")),
    "a wildcard never takes a second address": (
        "*@example.org",
        Identity("email", "evil@evil.com@example.org"),
    ),
}


@pytest.mark.parametrize("pattern", REFUSED.values(), ids=REFUSED)
def test_a_pattern_that_would_trust_too_many_is_refused(pattern: str) -> None:
    with pytest.raises(UsageError) as caught:
        IdentityPattern(pattern)
    assert caught.value.path == "identity"


def test_a_kind_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UsageError):
        IdentityPattern("me@example.org", "phone")  # type: ignore[arg-type]  # what is refused


@pytest.mark.parametrize(("pattern", "name"), MATCHED.values(), ids=MATCHED)
def test_a_name_that_was_asked_for_matches(pattern: str, name: Identity) -> None:
    assert IdentityPattern(pattern).matches(name)
    assert IdentityPattern(pattern, name.kind).matches(name)


@pytest.mark.parametrize(("pattern", "name"), UNMATCHED.values(), ids=UNMATCHED)
def test_a_name_that_was_not_asked_for_does_not_match(pattern: str, name: Identity) -> None:
    assert not IdentityPattern(pattern).matches(name)


@pytest.mark.parametrize("pieces", range(1, 8))
def test_a_pattern_of_many_wildcards_takes_no_longer(pieces: int) -> None:
    """With backtracking this would never end."""
    pattern = IdentityPattern("*" + "a*" * pieces + "@example.org")
    assert not pattern.matches(Identity("email", "a" * 1_500 + "@example.orx"))
    assert not pattern.matches(Identity("email", "a" * 2_040 + "@example.org"))  # too long
    assert pattern.matches(Identity("email", "a" * 1_500 + "@example.org"))
    shortest = "a" * (2 * pieces + 1)
    assert pattern.matches(Identity("email", f"{shortest}@example.org"))
    assert not pattern.matches(Identity("email", f"{shortest[1:]}@example.org"))


@pytest.mark.parametrize(
    "pattern", ["*@e.org", "a*@e.org", "*a*b@e.org", "a*b*a@e.org", "*b*@e.org"]
)
def test_a_pattern_fits_as_its_expression_does(pattern: str) -> None:
    expression = re.compile("[^/@?#\\x00-\\x20]+".join(map(re.escape, pattern.split("*"))))
    ours = IdentityPattern(pattern)
    for length in range(6):
        for letters in product("ab/@", repeat=length):
            name = "".join(letters) + "@e.org"
            assert ours.matches(Identity("email", name)) == bool(expression.fullmatch(name)), name


def test_a_whole_name_may_be_asked_for_literally() -> None:
    whole = IdentityPattern("*@example.org", literal=True)
    assert whole.matches(Identity("email", "*@example.org"))
    assert not whole.matches(Identity("email", "me@example.org"))
    assert IdentityPattern("https://*", literal=True).matches(Identity("uri", "https://*"))
    with pytest.raises(UsageError):
        IdentityPattern("", literal=True)


def test_a_name_of_another_kind_does_not_match() -> None:
    assert not IdentityPattern("example.org", "dns").matches(Identity("uri", "example.org"))
