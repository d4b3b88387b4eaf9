"""What the certificate of a signer itself must be like, whoever issued it.

Source: RFC 5280, sections 4.2.1.3, 4.2.1.9 and 4.2.1.12; `spec/envelope.md`. No I/O.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from provenance.signing.certificates.extensions import extension
from provenance.signing.certificates.refusals import refused

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from provenance.signing.certificates.model import Purpose

__all__ = ["check_authority_usage", "check_leaf"]

# What people find in certificates, as openssl writes it.
_USAGES = {
    ExtendedKeyUsageOID.CODE_SIGNING.dotted_string: "codeSigning",
    ExtendedKeyUsageOID.SERVER_AUTH.dotted_string: "serverAuth",
    ExtendedKeyUsageOID.CLIENT_AUTH.dotted_string: "clientAuth",
    ExtendedKeyUsageOID.EMAIL_PROTECTION.dotted_string: "emailProtection",
    ExtendedKeyUsageOID.TIME_STAMPING.dotted_string: "timeStamping",
    ExtendedKeyUsageOID.OCSP_SIGNING.dotted_string: "OCSPSigning",
    ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE.dotted_string: "anyExtendedKeyUsage",
}


def check_leaf(leaf: Certificate, purpose: Purpose) -> None:
    """Refuse a certificate that is not one of a signer.

    It must be no authority's (`basicConstraints` without CA); have `digitalSignature`, if it has a
    key usage at all; and have the extended key usage of the purpose by name: that it may serve for
    anything (`anyExtendedKeyUsage`) is not enough. Where the purpose can do without, a leaf without
    any must have a key usage: one that says nothing of its use signs nothing. Where either usage is
    enough for the purpose, one of the two must be there.

    Raises:
        SignatureError: It is an authority's (code `certificate-is-authority`), or not for this
            (code `certificate-usage`).
    """
    constraints = extension(leaf, x509.BasicConstraints)
    if constraints is not None and constraints.ca:
        problem = "the certificate of a certificate authority, expected one of a signer"
        raise refused("certificate-is-authority", problem, leaf)
    usage = extension(leaf, x509.KeyUsage)
    if purpose.either_usage:
        _check_either(leaf, usage, purpose)
        return
    if usage is not None and not usage.digital_signature:
        raise refused(
            "certificate-usage",
            "its key usage is not digitalSignature",
            leaf,
            remedy="have one issued for signing (openssl: keyUsage = digitalSignature)",
        )
    wanted, found = purpose.extended_usage, _extended_usages(leaf)
    if wanted is None:
        return
    if found is None and usage is not None and not purpose.extended_usage_required:
        return
    if found is None or wanted not in found:
        listed = ", ".join(sorted(map(_usage_name, found or ()))) or "none"
        raise refused(
            "certificate-usage",
            f"its extended key usage is {listed}, expected {_usage_name(wanted)}",
            leaf,
            remedy="have one issued for code signing (openssl: extendedKeyUsage = codeSigning)",
        )


def _check_either(leaf: Certificate, usage: x509.KeyUsage | None, purpose: Purpose) -> None:
    """Refuse a leaf that has neither `digitalSignature` nor the extended key usage."""
    if usage is not None and usage.digital_signature:
        return
    wanted = purpose.extended_usage
    if wanted is None or wanted not in (_extended_usages(leaf) or ()):
        named = f" nor its extended key usage {_usage_name(wanted)}" if wanted else ""
        raise refused(
            "certificate-usage",
            f"neither is its key usage digitalSignature{named}",
            leaf,
            remedy="have one issued for signing (openssl: keyUsage = digitalSignature)",
        )


def check_authority_usage(authority: Certificate, purpose: Purpose) -> None:
    """Refuse an authority that is limited to other purposes; without a limit, it serves for all.

    Raises:
        SignatureError: It is (code `certificate-usage`).
    """
    wanted, found = purpose.extended_usage, _extended_usages(authority)
    if wanted is None or found is None:
        return
    if found.isdisjoint({wanted, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE.dotted_string}):
        problem = f"it may issue no certificates for {purpose.name}"
        raise refused("certificate-usage", problem, authority)


def _usage_name(dotted: str) -> str:
    name = _USAGES.get(dotted)
    return f"{name} ({dotted})" if name else dotted


def _extended_usages(certificate: Certificate) -> set[str] | None:
    found = extension(certificate, x509.ExtendedKeyUsage)
    return None if found is None else {usage.dotted_string for usage in found}
