"""Tests of asking a timestamp authority, and of authorities that misbehave."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from provenance.errors import SigningError, UsageError
from provenance.signing.timestamps import HttpTimestampAuthority
from support.timestamps import OpensslAuthority, make_authority, serve_stamps

if TYPE_CHECKING:
    from collections.abc import Callable

pytest.importorskip("rfc3161_client", reason="the extra timestamps is not installed")

SIGNATURE = b"the bytes of a signature"


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> OpensslAuthority:
    """Return an authority of openssl."""
    return make_authority(tmp_path_factory.mktemp("tsa"))


@pytest.mark.parametrize(
    "url", ["", "tsa.example", "ftp://tsa.example", "file:///etc/passwd", "http://", "http://[x"]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="expected http"):
        HttpTimestampAuthority(url)


def test_credentials_in_an_address_are_refused_and_not_shown() -> None:
    with pytest.raises(UsageError, match="it holds credentials") as caught:
        HttpTimestampAuthority("https://me:hunter2@tsa.example/")
    assert "hunter2" not in str(caught.value)


def test_an_authority_answers(tsa: OpensslAuthority) -> None:
    with serve_stamps(tsa.answer) as url:
        authority = HttpTimestampAuthority(url)
        first, second = authority.stamp(SIGNATURE), authority.stamp(SIGNATURE)
    assert first != second
    assert first[:1] == b"\x30"


def refused(answer: Callable[[bytes], bytes], problem: str, **options: object) -> None:
    with serve_stamps(answer, **options) as url:  # type: ignore[arg-type]  # a table of options
        with pytest.raises(SigningError, match=problem) as caught:
            HttpTimestampAuthority(url).stamp(SIGNATURE)
        assert caught.value.path == "127.0.0.1"


def test_answers_that_are_none_are_refused(tsa: OpensslAuthority) -> None:
    refused(lambda _: b"<html>", "of type 'text/html'", kind="text/html")
    refused(lambda _: b"hello", "no timestamp")
    refused(lambda _: b"", "no timestamp")
    refused(lambda _: bytes(131_073), "larger than 131072")
    refused(tsa.answer, "HTTP status 503", code=503)
    refused(tsa.answer, "HTTP status 302", code=302)


def test_an_answer_to_another_request_is_refused(tsa: OpensslAuthority) -> None:
    old = tsa.stamp(SIGNATURE)  # the same bytes, and no nonce
    refused(lambda _: old, "to another request")
    other = tsa.stamp(b"something else")
    refused(lambda _: other, "to another request")


def test_a_refusal_is_said(tsa: OpensslAuthority) -> None:
    refused(lambda _: tsa.answer(b"\x30\x03\x02\x01\x01"), r"it refuses \(status 2\)|no timestamp")


def test_nobody_answers(tsa: OpensslAuthority) -> None:
    with serve_stamps(tsa.answer) as url:
        pass
    with pytest.raises(SigningError, match="gave no timestamp"):
        HttpTimestampAuthority(url, timeout=5).stamp(SIGNATURE)
