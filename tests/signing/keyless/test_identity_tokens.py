"""Tokens that are looked at before a service sees them."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from provenance.errors import SigningError
from provenance.signing.keyless.identity_tokens import check_identity_token

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
END = int(NOW.timestamp()) + 1


def made(claims: object) -> str:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{body}.c2ln"


BAD: dict[str, tuple[str, str]] = {
    "empty": ("", "is no identity token"),
    "text": ("hello", "is no identity token"),
    "two parts": ("e30.e30", "is no identity token"),
    "two lines": (made({"aud": "sigstore", "exp": END}) + "\nx", "is no identity token"),
    "no base64": ("e30.A.c2ln", "is no identity token"),
    "no JSON": ("e30.aGVsbG8.c2ln", "is no identity token"),
    "a list": (made([]), "is no identity token"),
    "large": ("e30." + "A" * 65_536 + ".c2ln", "is no identity token"),
    "no audience": (made({"exp": END}), "for the audience 'None', not for sigstore"),
    "another audience": (made({"aud": "aws", "exp": END}), "for the audience 'aws', not for"),
    "other audiences": (made({"aud": ["a", "b"], "exp": END}), "the audience 'a', 'b', not for"),
    "no end": (made({"aud": "sigstore"}), "does not say when it expires"),
    "an end that is a text": (made({"aud": "sigstore", "exp": "soon"}), "does not say when"),
    "an end that is true": (made({"aud": "sigstore", "exp": True}), "does not say when"),
    "over now": (
        made({"aud": "sigstore", "exp": END - 1}),
        "the token expired at 2026-11-24T12:00:00Z",
    ),
    "an end that is no time": (made({"aud": "sigstore", "exp": -(10**17)}), "expired;"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_token_for_signing_is_refused_with_its_file(name: str) -> None:
    text, problem = BAD[name]
    with pytest.raises(SigningError, match=problem) as caught:
        check_identity_token(text, path="token.txt", now=NOW)
    assert caught.value.path == "token.txt"
    assert "audience `sigstore`" in caught.value.remedy
    assert "c2ln" not in str(caught.value)


@pytest.mark.parametrize("audience", ["sigstore", ["x", "sigstore"]], ids=["one", "several"])
def test_a_token_in_force_is_passed_on(audience: Any) -> None:  # noqa: ANN401 - JSON
    check_identity_token(made({"aud": audience, "exp": END}), path="token.txt", now=NOW)
