"""Asking a timestamp authority over HTTP, when a bundle is made. The one place that opens a link.

Source: RFC 3161, sections 2.4 (messages) and 3.4 (HTTP).
"""

from __future__ import annotations

import hashlib
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

from provenance.envelope.material import MAX_TIMESTAMP_BYTES
from provenance.errors import SigningError, UsageError, shown
from provenance.signing.timestamps.library import (
    decode_timestamp,
    rfc3161,
    sort_certificates,
)

__all__ = ["HttpTimestampAuthority"]

#: Seconds to wait for an authority, at each step of the connection.
TIMEOUT_SECONDS = 30.0

_QUERY_TYPE = "application/timestamp-query"
_REPLY_TYPE = "application/timestamp-reply"


@dataclass(frozen=True, slots=True)
class HttpTimestampAuthority:
    """A timestamp authority on the network.

    Raises:
        UsageError: The address is not one of HTTP, or holds credentials.
    """

    url: str
    """Where it answers; plain HTTP will do, since what it answers is signed."""

    timeout: float = TIMEOUT_SECONDS
    """Seconds to wait at each step."""

    def __post_init__(self) -> None:
        """Refuse an address that is none, before anything is signed."""
        try:
            parts = urlsplit(self.url)
            good = parts.scheme in {"http", "https"} and bool(parts.hostname)
            secret = parts.username is not None or parts.password is not None
        except ValueError:
            good, secret = False, False
        if not good or secret:
            reason = "it holds credentials" if secret else "expected http:// or https://"
            raise UsageError(
                path="timestamp authority",
                problem=f"the address {'' if secret else shown(self.url)} is refused: {reason}",
            )

    def stamp(self, signature: bytes) -> bytes:
        """Return a TimeStampResp in DER over the SHA-256 of a signature.

        It is checked as far as that needs no trust: granted, over these bytes, with our nonce. The
        certificates in it are put into the order of DER, in which every client reads them.

        Raises:
            MissingExtraError: The extra `timestamps` is not installed.
            SigningError: The authority does not answer, refuses, or answers something else.
        """
        library = rfc3161()
        builder = library.TimestampRequestBuilder().data(signature)
        builder = builder.hash_algorithm(library.HashAlgorithm.SHA256)
        request = builder.cert_request(cert_request=True).nonce(nonce=True).build()
        reply = sort_certificates(self._post(request.as_bytes()))
        try:
            response = decode_timestamp(reply)
        except ValueError as error:
            reason = f"its answer is no timestamp that can be read: {shown(str(error))}"
            raise self._failed(reason) from error
        self._check(response, request, signature)
        return reply

    def _check(self, response: Any, request: Any, signature: bytes) -> None:  # noqa: ANN401 - an extra
        if response.status != 0:
            text = "; ".join(response.status_string)
            raise self._failed(f"it refuses (status {response.status}): {shown(text)}")
        info = response.tst_info
        imprint = info.message_imprint
        same = imprint.message == hashlib.sha256(signature).digest()
        if not same or info.nonce != request.nonce:
            raise self._failed("its answer is to another request")

    def _post(self, query: bytes) -> bytes:
        headers = {"Content-Type": _QUERY_TYPE, "Accept": _REPLY_TYPE}
        request = urllib.request.Request(self.url, query, headers)  # noqa: S310 - checked above
        try:
            with _opener().open(request, timeout=self.timeout) as reply:
                kind = reply.headers.get_content_type()
                if kind != _REPLY_TYPE:
                    raise self._failed(f"its answer is of type {shown(kind)}")
                data: bytes = reply.read(MAX_TIMESTAMP_BYTES + 1)
        except HTTPError as error:
            error.close()
            raise self._failed(f"HTTP status {error.code}") from error
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise self._failed(str(reason)) from error
        if len(data) > MAX_TIMESTAMP_BYTES:
            raise self._failed(f"its answer is larger than {MAX_TIMESTAMP_BYTES} bytes")
        return data

    def _failed(self, reason: str) -> SigningError:
        return SigningError(
            path=urlsplit(self.url).hostname or "",
            problem=f"the timestamp authority gave no timestamp: {reason}",
            remedy="sign without a timestamp, or name another authority",
        )


def _opener() -> urllib.request.OpenerDirector:
    """Return what opens an address: no redirects, no proxies or cookies of the environment."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
    ):
        opener.add_handler(handler)
    return opener
