"""Who vouched for the name in a certificate of Fulcio: its issuer extensions. No I/O.

Source: `oid-info.md` of sigstore/fulcio, 1.3.6.1.4.1.57264.1.1 and 1.8; `spec/envelope.md`,
section "Keyless signatures".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509

from provenance.signing.certificates.der import UTF8_STRING, elements
from provenance.signing.certificates.extensions import extensions_of
from provenance.signing.certificates.refusals import refused

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

__all__ = ["ISSUER", "OLD_ISSUER", "issuer_of"]

#: The issuer, as a DER UTF8String.
ISSUER = "1.3.6.1.4.1.57264.1.8"
#: The issuer as certificates had it before: the bare bytes of the text.
OLD_ISSUER = "1.3.6.1.4.1.57264.1.1"


def issuer_of(certificate: Certificate) -> str | None:
    """Return the OIDC issuer that vouched for the names in a certificate; `None` for none.

    Raises:
        SignatureError: An extension is malformed, or the two that state it disagree (code
            `identity-mismatch`).
    """
    stated: set[str] = set()
    for found in extensions_of(certificate):
        value = found.value
        if not isinstance(value, x509.UnrecognizedExtension):
            continue
        number = value.oid.dotted_string
        if number in {ISSUER, OLD_ISSUER}:
            stated.add(_text(value.value, certificate, der=number == ISSUER))
    if len(stated) > 1:
        problem = "its two extensions for the issuer of the identity disagree"
        raise refused("identity-mismatch", problem, certificate)
    return next(iter(stated), None)


def _text(data: bytes, certificate: Certificate, *, der: bool) -> str:
    try:
        if der:
            [(tag, data)] = elements(data)
            if tag != UTF8_STRING:
                raise ValueError(tag)
        return data.decode("utf-8")
    except ValueError as error:
        problem = "its extension for the issuer of the identity is malformed"
        raise refused("identity-mismatch", problem, certificate) from error
