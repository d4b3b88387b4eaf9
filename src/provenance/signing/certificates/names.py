"""Distinguished names, compared as certificates are chained by them.

Two names are the same if their parts are, in order, after folding of letter case and of blanks: the
kind of string that an authority encoded a name with may change when its certificate is renewed.

Source: RFC 5280, section 7.1; RFC 4518, section 2 (case-insensitive matching). No I/O.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from provenance.signing.certificates.refusals import refused

if TYPE_CHECKING:
    from cryptography import x509

__all__ = ["NameKey", "is_self_issued", "issuer_key", "name_key", "subject_key"]

NameKey = tuple[frozenset[tuple[str, str | bytes]], ...]
"""A name in the form that is compared: one set of (type, folded value) per relative name."""


def name_key(name: x509.Name) -> NameKey:
    """Return the form of a name that is compared."""
    return tuple(
        frozenset((attribute.oid.dotted_string, _folded(attribute.value)) for attribute in part)
        for part in name.rdns
    )


def subject_key(certificate: x509.Certificate) -> NameKey:
    """Return the subject of a certificate in the form that is compared.

    Raises:
        SignatureError: It cannot be read (code `certificate-malformed`).
    """
    try:
        return name_key(certificate.subject)
    except (ValueError, TypeError) as error:
        raise refused("certificate-malformed", "its subject cannot be read", certificate) from error


def issuer_key(certificate: x509.Certificate) -> NameKey:
    """Return the issuer of a certificate in the form that is compared.

    Raises:
        SignatureError: It cannot be read (code `certificate-malformed`).
    """
    try:
        return name_key(certificate.issuer)
    except (ValueError, TypeError) as error:
        raise refused("certificate-malformed", "its issuer cannot be read", certificate) from error


def is_self_issued(certificate: x509.Certificate) -> bool:
    """Return whether subject and issuer are the same name; who signed it is another question."""
    return subject_key(certificate) == issuer_key(certificate)


def _folded(value: str | bytes) -> str | bytes:
    if isinstance(value, bytes):  # a bit string, of which nothing is folded
        return value
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", value).casefold())
    return " ".join(folded.split())
