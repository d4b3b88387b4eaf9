"""Make the whole training of a model a signed, checkable document that travels with the model.

`verify` and `inspect` check a release; `record` and `start` collect a run while it happens;
`release` and `sign_release` publish it. Everything public is listed in `__all__`.

The names are loaded when they are first used (PEP 562): importing this package imports no other
part of it, so that a script pays for no more than it uses.
"""

from __future__ import annotations

from types import MappingProxyType

from provenance.lazy import lazy_names

TYPE_CHECKING = False  # type checkers know the name; importing `typing` would cost 6 ms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provenance.digest import (
        Digest,
        DigestSet,
        Inventory,
        TypedRoot,
        compare_records,
        hash_file,
        hash_records,
        hash_tree,
    )
    from provenance.digest.remote import hash_remote_file, hash_remote_tree
    from provenance.errors import (
        CanonicalError,
        CaptureError,
        DigestError,
        EnvelopeError,
        InputError,
        ManifestError,
        MissingExtraError,
        ProvenanceError,
        RecordingError,
        SignatureError,
        SigningError,
        TrustError,
        UsageError,
        VerificationError,
    )
    from provenance.findings import Finding, Severity
    from provenance.manifest import Manifest
    from provenance.recording import (
        Builder,
        ProvenanceWarning,
        Recovered,
        Run,
        cosign_manifest,
        cosign_release,
        current_run,
        describe_existing,
        record,
        recover,
        release,
        release_existing,
        sign_draft,
        sign_oms,
        sign_release,
        start,
    )
    from provenance.signing import (
        PrivateKey,
        PublicKey,
        generate_private_key,
        load_private_key,
        open_signer,
    )
    from provenance.verification import (
        ProofReport,
        Report,
        VerifiedManifest,
        check_proof,
        check_summary,
        inspect,
        inspect_oms,
        prove_file,
        verified_open,
        verify,
        verify_oms,
    )
    from provenance.version import __version__

__all__ = [
    "Builder",
    "CanonicalError",
    "CaptureError",
    "Digest",
    "DigestError",
    "DigestSet",
    "EnvelopeError",
    "Finding",
    "InputError",
    "Inventory",
    "Manifest",
    "ManifestError",
    "MissingExtraError",
    "PrivateKey",
    "ProofReport",
    "ProvenanceError",
    "ProvenanceWarning",
    "PublicKey",
    "RecordingError",
    "Recovered",
    "Report",
    "Run",
    "Severity",
    "SignatureError",
    "SigningError",
    "TrustError",
    "TypedRoot",
    "UsageError",
    "VerificationError",
    "VerifiedManifest",
    "__version__",
    "check_proof",
    "check_summary",
    "compare_records",
    "cosign_manifest",
    "cosign_release",
    "current_run",
    "describe_existing",
    "generate_private_key",
    "hash_file",
    "hash_records",
    "hash_remote_file",
    "hash_remote_tree",
    "hash_tree",
    "inspect",
    "inspect_oms",
    "load_private_key",
    "open_signer",
    "prove_file",
    "record",
    "recover",
    "release",
    "release_existing",
    "sign_draft",
    "sign_oms",
    "sign_release",
    "start",
    "verified_open",
    "verify",
    "verify_oms",
]

#: The public names of each room; a test compares this table with `__all__` and the imports above.
_ROOMS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "provenance.digest": (
            "Digest",
            "DigestSet",
            "Inventory",
            "TypedRoot",
            "compare_records",
            "hash_file",
            "hash_records",
            "hash_tree",
        ),
        "provenance.digest.remote": ("hash_remote_file", "hash_remote_tree"),
        "provenance.errors": (
            "CanonicalError",
            "CaptureError",
            "DigestError",
            "EnvelopeError",
            "InputError",
            "ManifestError",
            "MissingExtraError",
            "ProvenanceError",
            "RecordingError",
            "SignatureError",
            "SigningError",
            "TrustError",
            "UsageError",
            "VerificationError",
        ),
        "provenance.findings": ("Finding", "Severity"),
        "provenance.manifest": ("Manifest",),
        "provenance.recording": (
            "Builder",
            "ProvenanceWarning",
            "Recovered",
            "Run",
            "cosign_manifest",
            "cosign_release",
            "current_run",
            "describe_existing",
            "record",
            "recover",
            "release",
            "release_existing",
            "sign_draft",
            "sign_oms",
            "sign_release",
            "start",
        ),
        "provenance.signing": (
            "PrivateKey",
            "PublicKey",
            "generate_private_key",
            "load_private_key",
            "open_signer",
        ),
        "provenance.verification": (
            "ProofReport",
            "Report",
            "VerifiedManifest",
            "check_proof",
            "check_summary",
            "inspect",
            "inspect_oms",
            "prove_file",
            "verified_open",
            "verify",
            "verify_oms",
        ),
        "provenance.version": ("__version__",),
    }
)

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazy_names(__name__, _ROOMS)
