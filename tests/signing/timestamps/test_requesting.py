"""Tests of asking a timestamp authority, and of authorities that misbehave."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from provenance.errors import SigningError, UsageError
from provenance.signing.certificates import CertificatePool
from provenance.signing.timestamps import (
    HttpTimestampAuthority,
    TrustedAuthority,
    TrustedTimestamps,
    stated_times,
)
from provenance.signing.timestamps.library import sort_certificates
from support.timestamps import OpensslAuthority, make_authority, send_chain, serve_stamps

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

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
    refused(lambda _: b"hello", "no timestamp that can be read: ")
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


@pytest.mark.parametrize("names", [("tsa.pem", "ca.pem"), ("ca.pem", "tsa.pem")], ids=" ".join)
def test_certificates_in_any_order_are_read(tmp_path: Path, names: tuple[str, str]) -> None:
    tsa = make_authority(tmp_path / "tsa")
    send_chain(tsa, *names)
    raw = tsa.stamp(SIGNATURE)
    assert sort_certificates(sort_certificates(raw)) == sort_certificates(raw)
    assert sorted(sort_certificates(raw)) == sorted(raw)
    with serve_stamps(tsa.answer) as url:
        made = HttpTimestampAuthority(url).stamp(SIGNATURE)
    assert sort_certificates(made) == made
    trusted = TrustedTimestamps((TrustedAuthority(CertificatePool((tsa.root,))),))
    assert len(trusted.verify(SIGNATURE, [raw, made])) == 2
    stated = stated_times([raw, b"none", made])
    assert [one.authority for one in stated] == ["'CN=tsa'", "'CN=tsa'"]


@pytest.mark.parametrize("data", [b"", b"hello", b"\x30\x03\x02\x01\x02", b"\x30\x80\x00\x00"])
def test_what_is_no_timestamp_is_left_as_it_is(data: bytes) -> None:
    assert sort_certificates(data) == data
    assert stated_times([data]) == ()


def test_a_cut_timestamp_is_left_as_it_is(tsa: OpensslAuthority) -> None:
    raw = tsa.stamp(SIGNATURE)
    for size in range(0, len(raw), 7):
        assert sort_certificates(raw[:size]) == raw[:size]
