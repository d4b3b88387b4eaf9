"""The policy that `--policy` names: a document of the user's own, or a signed one with its key."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from provenance.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from provenance.trust import TrustPolicy

__all__ = ["open_policy"]


def open_policy(path: Path, keys: Sequence[str]) -> TrustPolicy:
    """Return the policy of a file.

    Args:
        path: The file.
        keys: Who may have signed it: key files, or fingerprints of keys that the policy itself
            lists. None for a policy that is not signed.

    Raises:
        InputError: A file cannot be read.
        TrustError: It is signed by nobody who was named.
        UsageError: It is no policy, or signed and nobody was named, or the other way round.
    """
    from provenance.canonical import MAX_SIGNED_POLICY_BYTES
    from provenance.digest import read_file
    from provenance.signing import PublicKey, parse_fingerprint
    from provenance.trust import is_signed_policy, load_policy, load_signed_policy

    # The caller named this file, so a link to it is followed.
    data = read_file(os.path.realpath(path), max_bytes=MAX_SIGNED_POLICY_BYTES)
    if not is_signed_policy(data):
        if keys:
            problem = "this policy is not signed, and keys are named for it"
            raise UsageError(path=str(path), problem=problem, remedy="leave --policy-key out")
        return load_policy(path)
    if not keys:
        raise UsageError(
            path=str(path),
            problem="this policy is signed, and nobody is named who may have signed it",
            remedy="add --policy-key with a key file, or with the fingerprint of a key",
        )
    fingerprints = [parse_fingerprint(key) for key in keys if key.startswith("SHA256:")]
    files = [PublicKey.load(key) for key in keys if not key.startswith("SHA256:")]
    # Of one that has expired, signed or not, the verdict says so.
    signed = load_signed_policy(data, files, fingerprints=fingerprints, allow_expired=True)
    return signed.policy
