"""Make the whole training of a model a signed, checkable document that travels with the model.

`verify` and `inspect` check a release; `record` and `start` collect a run while it happens;
`release` and `sign_release` publish it. Everything public is listed in `__all__`.

The names are loaded when they are first used (PEP 562): importing this package imports no other
part of it, so that a script pays for no more than it uses.
"""

from __future__ import annotations

from importlib import import_module
from types import MappingProxyType

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
        Run,
        describe_existing,
        record,
        release,
        release_existing,
        sign_draft,
        sign_release,
        start,
    )
    from provenance.signing import (
        PrivateKey,
        PublicKey,
        generate_private_key,
        load_private_key,
    )
    from provenance.verification import (
        ProofReport,
        Report,
        VerifiedManifest,
        check_proof,
        inspect,
        prove_file,
        verify,
    )

    __version__: str

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
    "compare_records",
    "describe_existing",
    "generate_private_key",
    "hash_file",
    "hash_records",
    "hash_remote_file",
    "hash_remote_tree",
    "hash_tree",
    "inspect",
    "load_private_key",
    "prove_file",
    "record",
    "release",
    "release_existing",
    "sign_draft",
    "sign_release",
    "start",
    "verify",
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
            "Run",
            "describe_existing",
            "record",
            "release",
            "release_existing",
            "sign_draft",
            "sign_release",
            "start",
        ),
        "provenance.signing": (
            "PrivateKey",
            "PublicKey",
            "generate_private_key",
            "load_private_key",
        ),
        "provenance.verification": (
            "ProofReport",
            "Report",
            "VerifiedManifest",
            "check_proof",
            "inspect",
            "prove_file",
            "verify",
        ),
    }
)

_HOMES: Mapping[str, str] = MappingProxyType(
    {name: room for room, names in _ROOMS.items() for name in names}
)


def __getattr__(name: str) -> object:
    """Load a public name from its room, once."""
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415  # slow to import, seldom asked for

        value: object = version("training-provenance")
    elif name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
    else:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted({*globals(), *__all__})
