"""The library that reads and verifies timestamps: an extra, loaded when a timestamp is at hand.

It takes DER alone, and the authorities that are made with openssl write the certificates inside in
any order, where DER has them sorted. They are covered by no signature, so they are sorted first.

Source: RFC 3161, section 2.4.2; RFC 5652, section 5.1; ITU-T X.690, section 11.6.
"""

from __future__ import annotations

from typing import Any

from provenance.errors import MissingExtraError
from provenance.signing.certificates.der import SEQUENCE, spans

__all__ = ["decode_timestamp", "rfc3161", "sort_certificates"]

_CONTEXT_0 = 0xA0
# Tags on the way from a TimeStampResp to the certificates, each with its place among its siblings:
# the token, its contents, what is signed in it, and there the certificates, which come fourth.
_WAY = ((SEQUENCE, 0), (SEQUENCE, 1), (_CONTEXT_0, 1), (SEQUENCE, 0), (_CONTEXT_0, 3))


def rfc3161() -> Any:  # noqa: ANN401 - an extra
    """Return the package `rfc3161_client`.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        import rfc3161_client  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtraError(
            problem="timestamps need the library `rfc3161-client`",
            remedy="install `training-provenance[timestamps]`",
        ) from error
    return rfc3161_client


def decode_timestamp(data: bytes) -> Any:  # noqa: ANN401 - an extra
    """Return a TimeStampResp as the library reads it; nothing of it is verified.

    Raises:
        MissingExtraError: The extra `timestamps` is not installed.
        ValueError: It is malformed.
    """
    return rfc3161().decode_timestamp_response(sort_certificates(data))


def sort_certificates(data: bytes) -> bytes:
    """Return a TimeStampResp whose certificates stand in the order of DER; else as it is."""
    begin, stop = 0, len(data)
    try:
        for tag, place in _WAY:
            found, _, begin, stop = list(spans(data, begin, stop))[place]
            if found != tag:
                return data
        certificates = [data[one:end] for _, one, _, end in spans(data, begin, stop)]
    except (ValueError, IndexError):
        return data
    # Compared as if the shorter had zeros behind it, which is how bytes compare but for ties.
    return data[:begin] + b"".join(sorted(certificates)) + data[stop:]
