"""The refusal of a certificate, with the certificate in it as people know it. No I/O."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from provenance.errors import SignatureError, shown

if TYPE_CHECKING:
    from cryptography import x509

__all__ = ["certificate_name", "refused"]


def refused(
    code: str, problem: str, certificate: x509.Certificate | None = None, *, remedy: str = ""
) -> SignatureError:
    """Return the refusal of a certificate or of a chain.

    Args:
        code: The finding code.
        problem: What is wrong with it.
        certificate: The one it is about; `None` if it is about all of them.
        remedy: What to do about it.
    """
    subject = "" if certificate is None else f"certificate {certificate_name(certificate)}: "
    return SignatureError(problem=subject + problem, remedy=remedy, code=code)


def certificate_name(certificate: x509.Certificate) -> str:
    """Return the subject of a certificate as it may stand in a message, or its serial number."""
    try:
        name = certificate.subject.rfc4514_string()
    except (ValueError, TypeError):
        name = ""
    if name:
        return shown(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a number below 1 is somebody's mistake, no danger
        return f"number {certificate.serial_number:x}"
