"""Extensions of a certificate, read strictly, and the critical ones that nobody here processes.

Source: RFC 5280, sections 4.2 and 6.1.4 (o), 6.1.5 (f). No I/O.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from provenance.signing.certificates.refusals import refused

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

__all__ = ["check_critical", "extension", "extensions_of"]

_Kind = TypeVar("_Kind", bound=x509.ExtensionType)

#: The extensions that path validation processes, so that they may be critical.
_PROCESSED = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.CERTIFICATE_POLICIES,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.INHIBIT_ANY_POLICY,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.NAME_CONSTRAINTS,
        ExtensionOID.POLICY_CONSTRAINTS,
        ExtensionOID.POLICY_MAPPINGS,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
    }
)


def extensions_of(certificate: Certificate) -> x509.Extensions:
    """Return all extensions of a certificate.

    Raises:
        SignatureError: One of them is malformed or stands twice (code `certificate-malformed`).
    """
    try:
        return certificate.extensions
    except (
        ValueError,
        TypeError,
        x509.DuplicateExtension,
        x509.UnsupportedGeneralNameType,
    ) as error:
        problem = "an extension is malformed, or stands there twice"
        raise refused("certificate-malformed", problem, certificate) from error


def extension(certificate: Certificate, kind: type[_Kind]) -> _Kind | None:
    """Return the extension of one kind, or `None` if there is none.

    Raises:
        SignatureError: An extension is malformed or stands twice (code `certificate-malformed`).
    """
    for found in extensions_of(certificate):
        if isinstance(found.value, kind):
            return found.value
    return None


def check_critical(certificate: Certificate) -> None:
    """Refuse a certificate with a critical extension that path validation does not process.

    Raises:
        SignatureError: There is one (code `certificate-critical-extension`).
    """
    for found in extensions_of(certificate):
        if found.critical and found.oid not in _PROCESSED:
            problem = f"its critical extension {found.oid.dotted_string} is not processed here"
            raise refused("certificate-critical-extension", problem, certificate)
