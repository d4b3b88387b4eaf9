"""Signers and signature verifiers: one of each per kind of key, behind two protocols.

Keys in files today; agents, tokens, certificates and identities plug into the same protocols.
`sign_payload` makes a bundle, `verify_bundle` is the only way to the payload of one.
"""

from __future__ import annotations

from provenance.lazy import lazy_names

TYPE_CHECKING = False  # type checkers know the name

if TYPE_CHECKING:
    from provenance.signing.containers import Password
    from provenance.signing.fingerprints import fingerprint_of, hint_of, parse_fingerprint
    from provenance.signing.identities import Identity, IdentityKind, IdentityPattern
    from provenance.signing.key_files import PUBLIC_SUFFIX, write_key_pair
    from provenance.signing.outcomes import (
        SignerKind,
        SigningTimes,
        VerifiedSigner,
        VerifiedTime,
    )
    from provenance.signing.private_keys import PrivateKey, generate_private_key, load_private_key
    from provenance.signing.protocols import (
        BundleSigner,
        SignatureVerifier,
        Signer,
        TimestampAuthority,
        TimestampVerifier,
    )
    from provenance.signing.public_keys import PublicKey
    from provenance.signing.schemes import (
        DEFAULT_KEY_KIND,
        DEFAULT_SCHEMES,
        SCHEMES,
        KeyKind,
        Scheme,
    )
    from provenance.signing.verified import VerifiedEnvelope, sign_payload, verify_bundle

__all__ = [
    "DEFAULT_KEY_KIND",
    "DEFAULT_SCHEMES",
    "PUBLIC_SUFFIX",
    "SCHEMES",
    "BundleSigner",
    "Identity",
    "IdentityKind",
    "IdentityPattern",
    "KeyKind",
    "Password",
    "PrivateKey",
    "PublicKey",
    "Scheme",
    "SignatureVerifier",
    "Signer",
    "SignerKind",
    "SigningTimes",
    "TimestampAuthority",
    "TimestampVerifier",
    "VerifiedEnvelope",
    "VerifiedSigner",
    "VerifiedTime",
    "fingerprint_of",
    "generate_private_key",
    "hint_of",
    "load_private_key",
    "parse_fingerprint",
    "sign_payload",
    "verify_bundle",
    "write_key_pair",
]

if not TYPE_CHECKING:
    _HOMES = {
        "provenance.signing.containers": ("Password",),
        "provenance.signing.fingerprints": (
            "fingerprint_of",
            "hint_of",
            "parse_fingerprint",
        ),
        "provenance.signing.identities": (
            "Identity",
            "IdentityKind",
            "IdentityPattern",
        ),
        "provenance.signing.key_files": (
            "PUBLIC_SUFFIX",
            "write_key_pair",
        ),
        "provenance.signing.outcomes": (
            "SignerKind",
            "SigningTimes",
            "VerifiedSigner",
            "VerifiedTime",
        ),
        "provenance.signing.private_keys": (
            "PrivateKey",
            "generate_private_key",
            "load_private_key",
        ),
        "provenance.signing.protocols": (
            "BundleSigner",
            "SignatureVerifier",
            "Signer",
            "TimestampAuthority",
            "TimestampVerifier",
        ),
        "provenance.signing.public_keys": ("PublicKey",),
        "provenance.signing.schemes": (
            "DEFAULT_KEY_KIND",
            "DEFAULT_SCHEMES",
            "SCHEMES",
            "KeyKind",
            "Scheme",
        ),
        "provenance.signing.verified": (
            "VerifiedEnvelope",
            "sign_payload",
            "verify_bundle",
        ),
    }
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
