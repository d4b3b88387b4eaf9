"""The names of a signer: those that its certificate carries as alternative names.

The subject itself names nobody: its common name is free text, of which no authority says what kind
of name it is.

Source: RFC 5280, section 4.2.1.6; Fulcio, object identifier 1.3.6.1.4.1.57264.1.7. No I/O.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509

from provenance.signing.certificates.der import UTF8_STRING, elements
from provenance.signing.certificates.extensions import extension
from provenance.signing.certificates.refusals import refused
from provenance.signing.identities import Identity

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

__all__ = ["SIGSTORE_NAME", "identities"]

#: The otherName by which Sigstore names users without an e-mail address; a UTF8String.
SIGSTORE_NAME = "1.3.6.1.4.1.57264.1.7"


def identities(certificate: Certificate) -> tuple[Identity, ...]:
    """Return the names of a certificate, in its order; empty if it has none.

    E-mail addresses, URIs and DNS names as they stand there, and the otherName of Sigstore. Names
    of other kinds (addresses, directory names, other otherNames) identify no signer.

    Raises:
        SignatureError: They are malformed (code `certificate-malformed`).
    """
    found: list[Identity] = []
    for name in extension(certificate, x509.SubjectAlternativeName) or ():
        if isinstance(name, x509.RFC822Name):
            found.append(Identity("email", name.value))
        elif isinstance(name, x509.UniformResourceIdentifier):
            found.append(Identity("uri", name.value))
        elif isinstance(name, x509.DNSName):
            found.append(Identity("dns", name.value))
        elif isinstance(name, x509.OtherName) and name.type_id.dotted_string == SIGSTORE_NAME:
            found.append(Identity("other", _text(name, certificate)))
    return tuple(found)


def _text(name: x509.OtherName, certificate: Certificate) -> str:
    try:
        [(tag, contents)] = elements(name.value)
        if tag != UTF8_STRING:
            raise ValueError(tag)
        return contents.decode("utf-8")
    except ValueError as error:
        problem = "its otherName of Sigstore is no UTF8String"
        raise refused("certificate-malformed", problem, certificate) from error
