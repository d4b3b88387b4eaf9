"""X.509 certificates of signers: read them, chain them to a private authority, name the signer.

`cryptography` reads certificates and verifies signatures. Its own path validation is made for TLS:
it refuses Ed25519 and every critical extension about policies, and a leaf for signing code unless
told to look at no usage at all. So the rules of RFC 5280 stand here, and PKITS tests them.
"""

from __future__ import annotations

from provenance.signing.certificates.model import (
    ANY_POLICY,
    CODE_SIGNING,
    DOCUMENT_SIGNING,
    CertificatePool,
    Purpose,
    ValidatedChain,
)
from provenance.signing.certificates.reading import read_certificates, read_der_certificate
from provenance.signing.certificates.signer import CertificateSigner
from provenance.signing.certificates.subject_names import identities
from provenance.signing.certificates.validating import validate_chain
from provenance.signing.certificates.verifier import CertificateVerifier
from provenance.signing.identities import Identity

__all__ = [
    "ANY_POLICY",
    "CODE_SIGNING",
    "DOCUMENT_SIGNING",
    "CertificatePool",
    "CertificateSigner",
    "CertificateVerifier",
    "Identity",
    "Purpose",
    "ValidatedChain",
    "identities",
    "read_certificates",
    "read_der_certificate",
    "validate_chain",
]
