"""Co-signatures beside a manifest that is signed anew: whose manifest they are of. Reads only.

A co-signature is over the bytes of one manifest. Once another manifest takes its place, it proves
nothing of the release any more.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from provenance.checks import MANIFEST_FOLDER
from provenance.digest import read_file
from provenance.envelope import PAYLOAD_TYPE, parse_bundle, parse_statement
from provenance.errors import InputError, ProvenanceError
from provenance.manifest.predicates import MANIFEST_V1
from provenance.verification.attestations import (
    ATTESTATIONS_FOLDER,
    BUNDLE_SUFFIX,
    MAX_ATTESTATION_BYTES,
    MAX_ATTESTATIONS,
)

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["old_cosignatures"]


def old_cosignatures(release: Path, payload: bytes) -> tuple[Path, ...]:
    """Return the co-signatures in a release that are of another manifest, sorted by name.

    Attestations about something else, and what cannot be read, are none.

    Args:
        release: The released folder.
        payload: The manifest that is to be signed, as its signers sign it.

    Raises:
        InputError: The folder of attestations cannot be read.
    """
    folder = release / MANIFEST_FOLDER / ATTESTATIONS_FOLDER
    if folder.is_symlink():  # never followed; whoever writes there refuses it
        return ()
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(BUNDLE_SUFFIX))  # noqa: PTH208 - names, as they are
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise InputError(path=str(folder), problem=f"cannot be read: {error.strerror}") from error
    return tuple(folder / it for it in names[:MAX_ATTESTATIONS] if _is_old(folder / it, payload))


def _is_old(path: Path, payload: bytes) -> bool:
    try:
        envelope = parse_bundle(read_file(path, max_bytes=MAX_ATTESTATION_BYTES)).envelope
        if envelope.payload_type != PAYLOAD_TYPE or envelope.payload == payload:
            return False
        return parse_statement(envelope.payload).predicate_type == MANIFEST_V1
    except ProvenanceError:  # whoever verifies the release is told
        return False
