"""Signers and signature verifiers: one of each per kind of key, behind two protocols.

Keys in files today; agents, tokens, certificates and identities plug into the same protocols.
`sign_payload` makes a bundle, `verify_bundle` is the only way to the payload of one.
"""

from __future__ import annotations

from provenance.signing.containers import Password
from provenance.signing.fingerprints import fingerprint_of, hint_of, parse_fingerprint
from provenance.signing.key_files import PUBLIC_SUFFIX, write_key_pair
from provenance.signing.private_keys import PrivateKey, generate_private_key, load_private_key
from provenance.signing.protocols import SignatureVerifier, Signer
from provenance.signing.public_keys import PublicKey
from provenance.signing.schemes import DEFAULT_KEY_KIND, SCHEMES, KeyKind, Scheme
from provenance.signing.verified import VerifiedEnvelope, sign_payload, verify_bundle

__all__ = [
    "DEFAULT_KEY_KIND",
    "PUBLIC_SUFFIX",
    "SCHEMES",
    "KeyKind",
    "Password",
    "PrivateKey",
    "PublicKey",
    "Scheme",
    "SignatureVerifier",
    "Signer",
    "VerifiedEnvelope",
    "fingerprint_of",
    "generate_private_key",
    "hint_of",
    "load_private_key",
    "parse_fingerprint",
    "sign_payload",
    "verify_bundle",
    "write_key_pair",
]
