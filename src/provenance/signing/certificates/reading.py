"""Certificates from PEM or DER, strictly: what is read is exactly what the bytes are.

PEM files hold certificates and blanks, nothing else: text between the blocks, other blocks and
foreign characters are refused, as a person may read there what no program reads. Every part that
path validation needs is read here, so that later nothing else than our refusal comes out.

Source: RFC 7468, section 5; RFC 5280, section 4.1. No I/O.
"""

from __future__ import annotations

import re
import warnings
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from provenance.canonical.limits import MAX_CERTIFICATE_FILE_BYTES, MAX_CERTIFICATE_FILE_ENTRIES
from provenance.envelope.material import MAX_CERTIFICATE_BYTES
from provenance.errors import SignatureError
from provenance.signing.certificates.extensions import extensions_of

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["read_certificates", "read_der_certificate"]

_MARK = b"-----BEGIN "
_BEGIN, _END = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"
_DER_SEQUENCE = b"\x30"
_SPACE = b" \t\r\n"
_BODY = re.compile(rb"[A-Za-z0-9+/=\r\n\t ]*")


def read_certificates(data: bytes, *, path: str) -> tuple[x509.Certificate, ...]:
    """Return the certificates of a PEM document (one or more) or of one in DER.

    Args:
        data: The document. PEM if it holds `-----BEGIN `; what begins with a SEQUENCE is DER.
        path: Where it came from, for messages.

    Raises:
        SignatureError: It is no such document (code `certificate-malformed`), or larger or of more
            certificates than are read (code `certificate-limit`).
    """
    if len(data) > MAX_CERTIFICATE_FILE_BYTES:
        problem = (
            f"{len(data)} bytes of certificates, expected at most {MAX_CERTIFICATE_FILE_BYTES}"
        )
        raise SignatureError(path=path, problem=problem, code="certificate-limit")
    if _MARK not in data or data.startswith(_DER_SEQUENCE):
        return (read_der_certificate(data, path=path),)
    if data.count(_MARK) > MAX_CERTIFICATE_FILE_ENTRIES:
        problem = f"more than {MAX_CERTIFICATE_FILE_ENTRIES} certificates"
        raise SignatureError(path=path, problem=problem, code="certificate-limit")
    return tuple(read_der_certificate(block, path=path) for block in _blocks(data, path))


def read_der_certificate(data: bytes, *, path: str) -> x509.Certificate:
    """Return the one certificate that `data` is, in DER, with nothing behind it.

    Args:
        data: The certificate; bundles carry it like this.
        path: Where it came from, for messages.

    Raises:
        SignatureError: It is none (code `certificate-malformed`) or larger than any (code
            `certificate-limit`).
    """
    if len(data) > MAX_CERTIFICATE_BYTES:
        problem = f"a certificate of {len(data)} bytes, expected at most {MAX_CERTIFICATE_BYTES}"
        raise SignatureError(path=path, problem=problem, code="certificate-limit")
    with warnings.catch_warnings():
        # A serial number below 1, or a country of three letters, is somebody's mistake, no danger.
        warnings.simplefilter("ignore")
        try:
            certificate = x509.load_der_x509_certificate(data)
            _read_parts(certificate)
        except SignatureError as error:
            raise _malformed(path, error.problem) from error
        except (ValueError, TypeError, x509.InvalidVersion) as error:
            raise _malformed(path, "not an X.509 certificate in PEM or DER") from error
    return certificate


def _read_parts(certificate: x509.Certificate) -> None:
    """Read what is decoded only when it is asked for; `cryptography` keeps the outcome."""
    extensions_of(certificate)
    _ = certificate.subject, certificate.issuer, certificate.not_valid_before_utc
    _ = certificate.not_valid_after_utc
    try:
        _ = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return  # well-formed, and refused as weak when a chain leads over it


def _blocks(data: bytes, path: str) -> Iterator[bytes]:
    """Yield the DER of each block of a PEM document that holds nothing but certificates."""
    rest = data.strip(_SPACE)
    while rest:
        if not rest.startswith(_BEGIN):
            problem = "something beside certificates, expected CERTIFICATE blocks and nothing else"
            remedy = "`openssl x509 -in FILE -out FILE` writes a certificate alone"
            raise _malformed(path, problem, remedy)
        body, end, rest = rest[len(_BEGIN) :].partition(_END)
        text = b"".join(body.split())
        if not end or not _BODY.fullmatch(body):
            raise _malformed(path, "a PEM block without an end, or with foreign characters")
        try:
            der = b64decode(text, validate=True)
        except ValueError as error:
            raise _malformed(path, "a PEM block that is not base64") from error
        if b64encode(der) != text:  # other trailing bits would be a second spelling
            raise _malformed(path, "a PEM block that is not base64 in its one spelling")
        yield der
        rest = rest.lstrip(_SPACE)


def _malformed(path: str, problem: str, remedy: str = "") -> SignatureError:
    return SignatureError(path=path, problem=problem, remedy=remedy, code="certificate-malformed")
