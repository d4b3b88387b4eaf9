"""Keys and signatures of certificates: which are strong enough, and whether one signed another.

The kinds of keys are those that sign bundles: RSA of at least 2048 bits, ECDSA on P-256, P-384 and
P-521, Ed25519 (not of small order), ML-DSA-65. Signatures are by these, with SHA-256, SHA-384 or
SHA-512 where the scheme names a hash function; RSA by PKCS#1 v1.5 or PSS. The signature on an
anchor is not looked at: it is trusted because somebody named it.

Source: RFC 5280, sections 4.1.1.2 and 6.1.3 (a)(1); RFC 4055; RFC 5758. No I/O.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from provenance.errors import SigningError
from provenance.signing.algorithms import usual_form
from provenance.signing.certificates.der import children, dotted, elements
from provenance.signing.certificates.refusals import certificate_name, refused

if TYPE_CHECKING:
    from cryptography import x509

    from provenance.signing.algorithms import PublicHandle

__all__ = ["check_issued", "key_bytes", "strong_key"]

# The algorithms that name no hash function of their own (RFC 8410, section 3; RFC 9881, section 2).
_ED25519, _ML_DSA_65 = "1.3.101.112", "2.16.840.1.101.3.4.3.18"
_PSS_ALONE = "1.2.840.113549.1.1.10"
_HASHES = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
# The tag of the version, which every certificate with extensions has.
_VERSION = 0xA0
# Where the algorithm and the key stand, behind the version.
_ALGORITHM, _KEY = 1, 5


def strong_key(certificate: x509.Certificate, *, anchor: bool = False) -> PublicHandle:
    """Return the public key of a certificate.

    Raises:
        SignatureError: It is weak or of another kind (code `certificate-weak-key`, for an anchor
            `certificate-weak-root`).
    """
    code = "certificate-weak-root" if anchor else "certificate-weak-key"
    if _is_for_pss_alone(certificate):
        problem = "its key is for RSASSA-PSS alone (id-RSASSA-PSS), whose limits are not kept"
        raise refused(code, problem, certificate)
    try:
        return usual_form(certificate.public_key())[0]
    except SigningError as error:
        raise refused(code, error.problem, certificate) from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        problem = "its key cannot be read, or is of no kind in use"
        raise refused(code, problem, certificate) from error


def check_issued(
    certificate: x509.Certificate, issuer: x509.Certificate, *, by_anchor: bool
) -> None:
    """Refuse a certificate that the key of `issuer` did not sign. Names are not compared here.

    Raises:
        SignatureError: It did not (code `certificate-chain-signature`), or the key or the
            algorithm is weak (codes `certificate-weak-key`, `certificate-weak-root`).
    """
    key = strong_key(issuer, anchor=by_anchor)
    _check_algorithm(certificate)
    try:
        _verify(certificate, key)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError) as error:
        problem = f"the key of {certificate_name(issuer)} did not sign it"
        raise refused("certificate-chain-signature", problem, certificate) from error


def key_bytes(certificate: x509.Certificate) -> bytes:
    """Return the key of a certificate as it stands there, good or not, to tell keys apart."""
    return _signed_fields(certificate)[_KEY][1]


def _is_for_pss_alone(certificate: x509.Certificate) -> bool:
    """Return whether the algorithm of its key is id-RSASSA-PSS (RFC 4055, section 1.2)."""
    try:
        algorithm = elements(key_bytes(certificate))
        identifiers = [contents for _, contents in elements(next(algorithm)[1])]
        return bool(identifiers) and dotted(identifiers[0]) == _PSS_ALONE
    except (ValueError, IndexError, StopIteration):
        return False  # whoever reads the key says what is wrong with it


def _verify(certificate: x509.Certificate, key: PublicHandle) -> None:
    """Verify the signature on a certificate, by the scheme that it names.

    Raises:
        InvalidSignature: It is not by this key, or the scheme is of another kind of key.
    """
    signature, message = certificate.signature, certificate.tbs_certificate_bytes
    scheme = certificate.signature_algorithm_parameters
    digest = certificate.signature_hash_algorithm
    if isinstance(key, rsa.RSAPublicKey):
        if not isinstance(scheme, padding.PKCS1v15 | padding.PSS) or digest is None:
            raise InvalidSignature
        key.verify(signature, message, scheme, digest)
    elif isinstance(key, ec.EllipticCurvePublicKey):
        if not isinstance(scheme, ec.ECDSA):
            raise InvalidSignature
        key.verify(signature, message, scheme)
    else:
        algorithm = _ED25519 if isinstance(key, ed25519.Ed25519PublicKey) else _ML_DSA_65
        if certificate.signature_algorithm_oid.dotted_string != algorithm:
            raise InvalidSignature
        key.verify(signature, message)


def _check_algorithm(certificate: x509.Certificate) -> None:
    """Refuse a weak hash function, and an algorithm that the signed part names otherwise."""
    try:
        digest = certificate.signature_hash_algorithm
        named_twice = _algorithms_agree(certificate)
    except UnsupportedAlgorithm as error:
        problem = "it is signed with an algorithm that is not in use"
        raise refused("certificate-weak-key", problem, certificate) from error
    except ValueError as error:
        problem = "it cannot be read as DER"
        raise refused("certificate-malformed", problem, certificate) from error
    if digest is not None and not isinstance(digest, _HASHES):
        problem = f"it is signed with {digest.name}, expected SHA-256, SHA-384 or SHA-512"
        raise refused("certificate-weak-key", problem, certificate)
    if not named_twice:
        problem = "its two statements of the signature algorithm differ"
        raise refused("certificate-malformed", problem, certificate)


def _algorithms_agree(certificate: x509.Certificate) -> bool:
    # Certificate = SEQUENCE { tbs, algorithm, signature }
    outer = children(certificate.public_bytes(Encoding.DER))[1]
    return _signed_fields(certificate)[_ALGORITHM] == outer


def _signed_fields(certificate: x509.Certificate) -> list[tuple[int, bytes]]:
    """Return serial, algorithm, issuer, validity, subject, key, … of the signed part, in DER."""
    # TBSCertificate = SEQUENCE { [0] version?, serial, algorithm, issuer, validity, subject, … }
    fields = children(certificate.tbs_certificate_bytes)
    return fields[1:] if fields[0][0] == _VERSION else fields
