"""Keyless signatures (Sigstore): a certificate of minutes and a log vouch for an identity.

Verified offline from a trusted root file, by the same code that checks certificates, logs and
timestamps elsewhere; signing goes through the library of the extra `sigstore`.
"""

from __future__ import annotations

from provenance.signing.keyless.services import KeylessSigner
from provenance.signing.keyless.verifiers import KeylessVerifier, LoggedKeyVerifier
from provenance.signing.transparency import TrustedRoot, load_trusted_root, read_trusted_root

__all__ = [
    "KeylessSigner",
    "KeylessVerifier",
    "LoggedKeyVerifier",
    "TrustedRoot",
    "load_trusted_root",
    "read_trusted_root",
]
