"""Signers and signature verifiers: one of each per kind of key, behind two protocols.

Keys in files, agents, tokens and other packages, and certificates, all behind the same protocols;
`open_signer` finds any of them by one text.
`sign_payload` makes a bundle, `verify_bundle` is the only way to the payload of one.
"""

from __future__ import annotations

from provenance.lazy import lazy_names

TYPE_CHECKING = False  # type checkers know the name

if TYPE_CHECKING:
    from provenance.signing.artifacts import VerifiedArtifact, verify_artifact
    from provenance.signing.certificates import (
        CertificatePool,
        CertificateSigner,
        CertificateVerifier,
        read_certificates,
    )
    from provenance.signing.containers import Password
    from provenance.signing.fingerprints import (
        fingerprint_of,
        hint_of,
        parse_fingerprint,
        ssh_fingerprint_of,
    )
    from provenance.signing.identities import Identity, IdentityKind, IdentityPattern
    from provenance.signing.key_files import PUBLIC_SUFFIX, write_key_pair
    from provenance.signing.keyless import (
        KeylessSigner,
        KeylessVerifier,
        LoggedKeyVerifier,
        TrustedRoot,
        load_trusted_root,
        read_trusted_root,
    )
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
    from provenance.signing.references import SIGNER_GROUP, open_signer
    from provenance.signing.schemes import (
        DEFAULT_KEY_KIND,
        DEFAULT_SCHEMES,
        SCHEMES,
        KeyKind,
        Scheme,
    )
    from provenance.signing.ssh import (
        SshAgentSigner,
        SshKey,
        list_agent_keys,
        read_allowed_signers,
        read_authorized_keys,
    )
    from provenance.signing.timestamps import (
        HttpTimestampAuthority,
        TrustedAuthority,
        TrustedTimestamps,
        read_timestamp_authorities,
    )
    from provenance.signing.token_uris import TokenUri
    from provenance.signing.tokens import TokenSigner
    from provenance.signing.transparency import AuthorityInstance, LogInstance
    from provenance.signing.verified import VerifiedEnvelope, sign_payload, verify_bundle

__all__ = [
    "DEFAULT_KEY_KIND",
    "DEFAULT_SCHEMES",
    "PUBLIC_SUFFIX",
    "SCHEMES",
    "SIGNER_GROUP",
    "AuthorityInstance",
    "BundleSigner",
    "CertificatePool",
    "CertificateSigner",
    "CertificateVerifier",
    "HttpTimestampAuthority",
    "Identity",
    "IdentityKind",
    "IdentityPattern",
    "KeyKind",
    "KeylessSigner",
    "KeylessVerifier",
    "LogInstance",
    "LoggedKeyVerifier",
    "Password",
    "PrivateKey",
    "PublicKey",
    "Scheme",
    "SignatureVerifier",
    "Signer",
    "SignerKind",
    "SigningTimes",
    "SshAgentSigner",
    "SshKey",
    "TimestampAuthority",
    "TimestampVerifier",
    "TokenSigner",
    "TokenUri",
    "TrustedAuthority",
    "TrustedRoot",
    "TrustedTimestamps",
    "VerifiedArtifact",
    "VerifiedEnvelope",
    "VerifiedSigner",
    "VerifiedTime",
    "fingerprint_of",
    "generate_private_key",
    "hint_of",
    "list_agent_keys",
    "load_private_key",
    "load_trusted_root",
    "open_signer",
    "parse_fingerprint",
    "read_allowed_signers",
    "read_authorized_keys",
    "read_certificates",
    "read_timestamp_authorities",
    "read_trusted_root",
    "sign_payload",
    "ssh_fingerprint_of",
    "verify_artifact",
    "verify_bundle",
    "write_key_pair",
]

if not TYPE_CHECKING:
    _HOMES = {
        "provenance.signing.artifacts": ("VerifiedArtifact", "verify_artifact"),
        "provenance.signing.containers": ("Password",),
        "provenance.signing.fingerprints": (
            "fingerprint_of",
            "hint_of",
            "parse_fingerprint",
            "ssh_fingerprint_of",
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
        "provenance.signing.keyless": (
            "KeylessSigner",
            "KeylessVerifier",
            "LoggedKeyVerifier",
            "TrustedRoot",
            "load_trusted_root",
            "read_trusted_root",
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
        "provenance.signing.transparency": (
            "AuthorityInstance",
            "LogInstance",
        ),
        "provenance.signing.verified": (
            "VerifiedEnvelope",
            "sign_payload",
            "verify_bundle",
        ),
        "provenance.signing.certificates": (
            "CertificatePool",
            "CertificateSigner",
            "CertificateVerifier",
            "read_certificates",
        ),
        "provenance.signing.references": (
            "SIGNER_GROUP",
            "open_signer",
        ),
        "provenance.signing.ssh": (
            "SshAgentSigner",
            "SshKey",
            "list_agent_keys",
            "read_allowed_signers",
            "read_authorized_keys",
        ),
        "provenance.signing.timestamps": (
            "HttpTimestampAuthority",
            "TrustedAuthority",
            "TrustedTimestamps",
            "read_timestamp_authorities",
        ),
        "provenance.signing.token_uris": ("TokenUri",),
        "provenance.signing.tokens": ("TokenSigner",),
    }
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
